"""Commits, comparisons, merges of branches."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import conflict, cut_out, following, missing, unprocessable
from ci.rehearsal.github.asked import made, nothing
from ci.rehearsal.github.state import DEFAULT
from ci.rehearsal.github.talk import Talk

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked

MOST_FILES = 300


async def commit(asked: Asked) -> Response:
    """Return a commit by any name, with what it changed."""
    name = asked.words["ref"]
    bare = asked.state.bare
    sha = await bare.commit_of(name)
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {name}")
    found = await bare.commit(sha)
    before = found.parents[0] if found.parents else await bare.plant(None, [])
    files = [asked.shapes.change(change, sha) for change in await bare.changes(f"{before}", sha)]
    more, less = sum(each["additions"] for each in files), sum(each["deletions"] for each in files)
    stats = {"total": more + less, "additions": more, "deletions": less}
    return JSONResponse({**asked.shapes.commit(found), "stats": stats, "files": files})


async def listed(asked: Asked) -> Response:
    """Return the commits that a branch or a commit has, the newest first."""
    name = asked.query.get("sha", DEFAULT)
    bare = asked.state.bare
    sha = await bare.commit_of(name)
    if sha is None:
        raise missing()
    part, page, more = cut_out((await bare.ancestors(sha))[::-1], asked.query)
    found = [asked.shapes.commit(await bare.commit(each)) for each in part]
    return JSONResponse(found, headers=following(asked.address, asked.query, page, more=more))


async def pulls_of(asked: Asked) -> Response:
    """Return the pull requests that a commit came with, or comes with."""
    sha = asked.words["sha"]
    bare = asked.state.bare
    if await bare.kind(sha) != "commit":
        raise unprocessable(f"No commit found for SHA: {sha}")
    found = []
    for number, pull in asked.state.pulls.items():
        ahead = await bare.between(pull["base_sha"], pull["head_sha"])
        if sha in ahead or sha == pull.get("merge_sha"):
            found.append(number)
    return asked.page(found, Talk(asked).pull_in_a_list)


async def compare(asked: Asked) -> Response:
    """Return how a head stands to a base; the files come on the first page alone."""
    first, _, second = asked.words["basehead"].partition("...")
    bare = asked.state.bare
    base, head = await bare.commit_of(first), await bare.commit_of(second)
    if base is None or head is None:
        raise missing()
    common = await bare.merge_base(base, head)
    if common is None:
        error = missing()
        error.message = f"No common ancestor between {first} and {second}."
        raise error
    ahead, behind = await bare.between(base, head), await bare.between(head, base)
    part, page, more = cut_out(ahead, {"per_page": "250", **asked.query})
    shapes = asked.shapes
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    here = f"{shapes.repo}/compare/{first}...{second}"
    files = await bare.changes(common, head) if page == 1 else []
    body = {
        "url": here,
        **{f"{kind}_url": f"{shapes.page}/compare/{base}...{head}{end}" for kind, end in ENDS.items()},
        "base_commit": shapes.commit(await bare.commit(base)),
        "merge_base_commit": shapes.commit(await bare.commit(common)),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [shapes.commit(await bare.commit(sha)) for sha in part],
        "files": [shapes.change(change, head) for change in files[:MOST_FILES]],
    }
    return JSONResponse(body, headers=following(asked.address, asked.query, page, more=more))


async def merge(asked: Asked) -> Response:
    """Merge a head into a branch."""
    asked.may_write()
    state, base = asked.state, asked.text("base", resource="Merge")
    into, head = state.bare.head(base), await state.bare.commit_of(asked.text("head", resource="Merge"))
    if into is None or head is None:
        error = missing()
        error.message = "Base does not exist" if into is None else "Head does not exist"
        raise error
    if await state.bare.has(into, head):
        return nothing()
    message = asked.body.get("commit_message") or f"Merge {asked.body['head']} into {base}"
    done = await state.bench.merge(into, head, message, asked.who())
    if done is None:
        raise conflict("Merge conflict")
    if reasons := await state.against(asked.person, base, into, done):
        raise conflict(reasons[0])
    await state.point(base, done, into, asked.person)
    return made(asked.shapes.commit(await state.bare.commit(done)), HTTPStatus.CREATED)


ENDS = {"html": "", "permalink": "", "diff": ".diff", "patch": ".patch"}
ROUTES = (
    ("GET", "/commits", listed),
    ("GET", "/commits/{sha:path}/pulls", pulls_of),
    ("GET", "/compare/{basehead:path}", compare),
    ("POST", "/merges", merge),
)
# After all that begins like it: a branch's name may have slashes.
LAST = (("GET", "/commits/{ref:path}", commit),)

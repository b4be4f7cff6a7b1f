"""The repository, branches, their protection and rules, git references."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import conflict, missing, unprocessable
from ci.rehearsal.github.asked import made, nothing
from ci.rehearsal.github.rules import PROTECTION, RULESET
from ci.rehearsal.github.state import HEADS

if TYPE_CHECKING:
    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked


async def repository(asked: Asked) -> Response:
    """Return the repository."""
    return JSONResponse(asked.shapes.repository(asked.person))


async def branch(asked: Asked) -> Response:
    """Return a branch."""
    name = asked.words["name"]
    sha = asked.state.bare.head(name)
    if sha is None:
        raise missing()
    rules = asked.state.rules(name)
    classic = next((each for each in rules if each.source == PROTECTION), None)
    commit = await asked.state.bare.commit(sha)
    return JSONResponse(asked.shapes.branch(name, commit, classic, protected=bool(rules)))


async def branches(asked: Asked) -> Response:
    """Return the branches, or those that are protected, or those that are not."""
    wanted = asked.query.get("protected")
    found = []
    for whole, sha in asked.state.bare.refs(HEADS).items():
        name = whole.removeprefix(HEADS)
        is_protected = bool(asked.state.rules(name))
        if wanted in {None, str(is_protected).lower()}:
            commit = {"sha": sha, "url": f"{asked.shapes.repo}/commits/{sha}"}
            found.append({"name": name, "commit": commit, "protected": is_protected})
    return asked.page(found, lambda each: each)


async def protection(asked: Asked) -> Response:
    """Return the classic protection of a branch, to those who administer."""
    name = asked.words["name"]
    rules = asked.state.rules(name, source=PROTECTION)
    if asked.person.role != "admin" or asked.state.bare.head(name) is None:
        raise missing()
    if not rules:
        error = missing()
        error.message = "Branch not protected"
        raise error
    return JSONResponse(rules[0].written(f"{asked.shapes.repo}/branches/{name}/protection"))


async def rules_of(asked: Asked) -> Response:
    """Return what rulesets demand of a branch, whether it is there or not."""
    found = [
        rule
        for each in asked.state.rules(asked.words["name"], source=RULESET)
        for rule in each.listed(asked.state.slug)
    ]
    return asked.page(found, lambda rule: rule)


async def reference(asked: Asked) -> Response:
    """Return a reference by its whole name."""
    refs = await _refs(asked)
    name = f"refs/{asked.words['ref']}"
    if name not in refs:
        raise missing()
    return JSONResponse(asked.shapes.reference(name, refs[name]))


async def matching(asked: Asked) -> Response:
    """Return all references that begin like this; there are no pages."""
    refs = await _refs(asked)
    begin = f"refs/{asked.words['ref']}"
    return JSONResponse([asked.shapes.reference(name, sha) for name, sha in refs.items() if name.startswith(begin)])


async def create(asked: Asked) -> Response:
    """Make a reference."""
    asked.may_write()
    name, sha = asked.text("ref", resource="Reference"), asked.text("sha", resource="Reference")
    refs = await _refs(asked)
    if not name.startswith("refs/") or name.count("/") < 2:  # noqa: PLR2004 - refs/heads/x
        raise unprocessable("Reference name must start with 'refs/' and have at least two slashes")
    if (await asked.state.bare.git("check-ref-format", name)).code != 0:
        raise unprocessable(f"{name} is not a valid ref name.")
    if name in refs:
        raise unprocessable("Reference already exists")
    if await asked.state.bare.kind(sha) != "commit":
        raise unprocessable("Object does not exist")
    if any(each.startswith(f"{name}/") or name.startswith(f"{each}/") for each in refs):
        raise unprocessable("Reference update failed")
    await _point(asked, name, sha, None)
    return made(asked.shapes.reference(name, sha))


async def update(asked: Asked) -> Response:
    """Move a reference forward, or anywhere by force."""
    asked.may_write()
    name, sha = f"refs/{asked.words['ref']}", asked.text("sha", resource="Reference")
    refs = await _refs(asked)
    if name not in refs:
        raise unprocessable("Reference does not exist")
    if await asked.state.bare.kind(sha) != "commit":
        raise unprocessable("Object does not exist")
    if asked.body.get("force") is not True and not await asked.state.bare.has(sha, refs[name]):
        raise unprocessable("Update is not a fast forward")
    if sha != refs[name]:
        await _point(asked, name, sha, refs[name])
    return JSONResponse(asked.shapes.reference(name, sha))


async def delete(asked: Asked) -> Response:
    """Delete a reference."""
    asked.may_write()
    name = f"refs/{asked.words['ref']}"
    refs = await _refs(asked)
    if name not in refs:
        raise unprocessable("Reference does not exist")
    await _point(asked, name, None, refs[name])
    return nothing()


async def _refs(asked: Asked) -> dict[str, str]:
    refs = asked.state.bare.refs()
    if not refs:
        raise conflict("Git Repository is empty.")
    return refs


async def _point(asked: Asked, name: str, after: str | None, before: str | None) -> None:
    state = asked.state
    if not name.startswith(HEADS):
        if not await state.bare.point(name, after, before):
            raise conflict("Reference was changed meanwhile")
        return
    branch_name = name.removeprefix(HEADS)
    if reasons := await state.against(asked.person, branch_name, before, after):
        raise unprocessable(reasons[0])
    await state.point(branch_name, after, before, asked.person)


ROUTES = (
    ("GET", "", repository),
    ("GET", "/branches", branches),
    ("GET", "/branches/{name:path}/protection", protection),
    ("GET", "/branches/{name:path}", branch),
    ("GET", "/rules/branches/{name:path}", rules_of),
    ("GET", "/git/ref/{ref:path}", reference),
    ("GET", "/git/matching-refs/{ref:path}", matching),
    ("POST", "/git/refs", create),
    ("PATCH", "/git/refs/{ref:path}", update),
    ("DELETE", "/git/refs/{ref:path}", delete),
)

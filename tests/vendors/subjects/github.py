from __future__ import annotations

import datetime
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ci.rehearsal.github import APP, AUTHOR, REVIEWER, SLUG
from ci.rehearsal.github import GitHub as StandIn
from ci.vendors import github
from ci.vendors.github.objects import Signature
from ci.vendors.github.talk import Method
from ci.vendors.pace import Pace
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx

    from ci.vendors.exchange import Patience
    from ci.vendors.github import GitHub

QUICK = Pace(first=0.02, most=0.1, whole=10.0)
BEGAN = 1_767_225_600
WHO = Signature(name="Shipway", email="shipway@example.test", moment=datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
# Branch, mark, parent, files: main has two commits, `behind` and `conflict` leave it at the first.
COMMITS = (
    ("main", 1, None, {"README.md": "one\n", "apps/web/index.ts": "export {}\n", "packages/core/a.ts": "a\nb\nc\n"}),
    ("behind", 2, 1, {"packages/core/a.ts": "a\nb\nC\n"}),
    ("conflict", 3, 1, {"README.md": "three\n"}),
    ("main", 4, 1, {"README.md": "two\n"}),
    ("feature", 5, 4, {"apps/web/new.ts": "export const x = 1\n"}),
    ("shipway/staging/0123456789ab", 6, 5, {"apps/web/new.ts": "export const x = 2\n"}),
)
SHA: dict[str, str] = {}  # by branch, and "first"; the same in each run


def seeded(directory: Path) -> StandIn:
    """Return a stand-in whose repository has the commits."""
    stand_in = StandIn(directory)
    bare = stand_in.state.bare.path
    marks = directory / "marks"
    argv = ["git", f"--git-dir={bare}", "fast-import", "--quiet", f"--export-marks={marks}"]
    subprocess.run(argv, input=_stream().encode(), check=True)
    found = dict(line.split() for line in marks.read_text().splitlines())
    SHA.update({branch: found[f":{mark}"] for branch, mark, _, _ in COMMITS}, first=found[":1"])
    return stand_in


def _stream() -> str:
    lines = []
    for branch, mark, parent, files in COMMITS:
        message = f"commit {mark}"
        head = [f"commit refs/heads/{branch}", f"mark :{mark}"]
        head += [f"committer Ada <{AUTHOR.email}> {BEGAN + mark} +0000", f"data {len(message)}", message]
        head += [f"from :{parent}"] if parent else []
        lines += head
        for name, text in files.items():
            lines += [f"M 100644 inline {name}", f"data {len(text)}", text]
    return "\n".join([*lines, "done", ""])


@dataclass(frozen=True, kw_only=True)
class Both:
    """The author's client, the reviewer's and the app's."""

    author: GitHub
    reviewer: GitHub
    app: GitHub

    async def __aenter__(self) -> Self:
        """Nothing to do."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them all."""
        for client in (self.author, self.reviewer, self.app):
            await client.aclose()


def both(address: str, patience: Patience | None = None, transport: httpx.AsyncBaseTransport | None = None) -> Both:
    """Return the clients of all who may come."""

    def client(token: str, login: str | None) -> GitHub:
        return github.connect(token, SLUG, login=login, address=address, patience=patience, transport=transport)

    # Whoever writes something of their own is known by name; `account` asks for it.
    return Both(
        author=client(AUTHOR.token, AUTHOR.login),
        reviewer=client(REVIEWER.token, None),
        app=client(APP.token, APP.login),
    )


async def opened(clients: Both, head: str = "feature") -> int:
    """Open a pull request into main."""
    pull = await clients.author.pulls.ensure(head=head, base="main", title=f"The {head}", body="Why.")
    return pull.number


async def an_issue(clients: Both) -> int:
    """Open an issue."""
    found = await clients.author.issues.ensure("incident:1", title="It is ill", body="Why.", label="shipway")
    return found.number


async def a_deployment(clients: Both) -> int:
    """Tell of a deployment."""
    found = await clients.author.deployments.ensure(
        "run:1", sha=SHA["main"], environment="staging", description="The candidate", production=False
    )
    return found.id


async def a_run(clients: Both) -> int:
    """Begin a check run."""
    return (await clients.app.checks.begin("run:1", name="shipway", sha=SHA["main"])).id


def read(run: Callable[[Both], Awaitable[object]], prepare: Callable[[Both], Awaitable[object]] | None = None) -> Asked:
    return Asked(run=run, prepare=prepare)


def write(
    run: Callable[[Both], Awaitable[object]],
    effects: Callable[[Any], int],
    prepare: Callable[[Both], Awaitable[object]] | None = None,
    *,
    quiet: bool = False,
    status: int = 200,
) -> Asked:
    # Most of them look before they write.
    return Asked(run=run, effects=effects, prepare=prepare, quiet=quiet, status=status, asks=2)


def _pushes(it: Any) -> int:
    return len(it.state.pushes)


def _objects(it: Any) -> int:
    """Whether one object is there that was not."""
    return sum(1 for _ in it.state.bare.path.glob("objects/??/*"))


def count(shelf: str) -> Callable[[Any], int]:
    return lambda it: len(getattr(it.state, shelf))


def changed(shelf: str, name: str, value: object) -> Callable[[Any], int]:
    return lambda it: sum(document[name] == value for document in getattr(it.state, shelf).values())


async def _know_tree(clients: Both) -> None:
    commit = await clients.author.objects.commit(SHA["main"])
    assert commit is not None
    SHA["tree"] = commit.tree


async def _know_blob(clients: Both) -> None:
    file = await clients.author.objects.file("README.md", ref="main")
    assert file is not None
    SHA["blob"] = file.sha


ONE = 1  # each prepared world has one pull request, issue or review, and numbers begin with one
READS = {
    "repository": read(lambda it: it.author.repository()),
    "account": read(lambda it: it.author.account()),
    "rates": read(lambda it: it.author.rates()),
    "branch": read(lambda it: it.author.refs.branch("main")),
    "rules": read(lambda it: it.author.refs.rules("main")),
    "demands": read(lambda it: it.author.refs.demands("main")),
    "sha": read(lambda it: it.author.refs.sha("main")),
    "beginning": read(lambda it: it.author.refs.beginning("shipway/")),
    "git commit": read(lambda it: it.author.objects.commit(SHA["main"])),
    "tree": read(lambda it: it.author.objects.tree(SHA["main"])),
    "file": read(lambda it: it.author.objects.file("README.md", ref="main")),
    "commit": read(lambda it: it.author.commits.get("main")),
    "pulls of a commit": read(lambda it: it.author.commits.pulls(SHA["main"])),
    "compare": read(lambda it: it.author.commits.compare("main", "feature")),
    "pull": read(lambda it: it.author.pulls.get(ONE), opened),
    "pulls": read(lambda it: it.author.pulls.every_one(head="feature", base="main")),
    "files": read(lambda it: it.author.pulls.files(ONE), opened),
    "computed": read(lambda it: it.author.pulls.computed(ONE, within=5, every=0.02), opened),
    "reviews": read(lambda it: it.author.pulls.reviews(ONE), opened),
    "standing of reviews": read(lambda it: it.author.pulls.standing(ONE, sha=SHA["feature"]), opened),
    "issue": read(lambda it: it.author.issues.get(ONE), an_issue),
    "labelled": read(lambda it: it.author.issues.labelled("shipway")),
    "marked": read(lambda it: it.author.issues.marked("incident:1", label="shipway"), an_issue),
    "comments": read(lambda it: it.author.issues.comments(ONE), an_issue),
    "search": read(lambda it: it.author.issues.search("ill")),
    "statuses": read(lambda it: it.author.checks.statuses("main")),
    "history": read(lambda it: it.author.checks.history("main")),
    "runs": read(lambda it: it.author.checks.runs("main")),
    "standing": read(lambda it: it.author.checks.standing("main")),
    "deployment": read(lambda it: it.author.deployments.get(60_001), a_deployment),
    "deployments": read(lambda it: it.author.deployments.every_one(environment="staging")),
    "deployment statuses": read(lambda it: it.author.deployments.statuses(60_001), a_deployment),
}
WRITES = {
    "create": write(lambda it: it.author.refs.create("shipway/new", SHA["main"]), _pushes),
    "move": write(lambda it: it.author.refs.move("main", SHA["feature"]), _pushes),
    "delete": write(lambda it: it.author.refs.delete("behind"), _pushes, quiet=True, status=204),
    "make a blob": write(lambda it: it.author.objects.make_blob(b"new"), _objects, status=201),
    "make a tree": write(
        lambda it: it.author.objects.make_tree(SHA["main"], {"README.md": None}), _objects, status=201
    ),
    "make a commit": write(
        lambda it: it.author.objects.make_commit("new", SHA["tree"], (SHA["main"],), WHO),
        _objects,
        prepare=_know_tree,
        status=201,
    ),
    "put": write(
        lambda it: it.author.objects.put("new.txt", b"new", branch="main", message="A file", over=None), _pushes
    ),
    "remove": write(
        lambda it: it.author.objects.remove("README.md", branch="main", message="None", over=SHA["blob"]),
        _pushes,
        prepare=_know_blob,
    ),
    "merge branches": write(lambda it: it.author.commits.merge("main", "behind", message="Merge"), _pushes, status=201),
    "open": write(opened, count("pulls")),
    "change a pull": write(
        lambda it: it.author.pulls.change(ONE, title="Another"), changed("issues", "title", "Another"), opened
    ),
    "merge": write(lambda it: it.author.pulls.merge(ONE, sha=SHA["feature"], method=Method.SQUASH), _pushes, opened),
    "merge in the background": write(
        lambda it: it.author.merging.request(ONE, sha=SHA["feature"], pace=QUICK), _pushes, opened
    ),
    "update a branch": write(
        lambda it: it.author.pulls.update_branch(ONE, sha=SHA["behind"], within=5, every=0.02),
        _pushes,
        lambda it: opened(it, "behind"),
    ),
    "ask for reviews": write(
        lambda it: it.author.pulls.request_reviews(ONE, (REVIEWER.login,)),
        changed("pulls", "reviewers", [REVIEWER.login]),
        opened,
        status=201,
    ),
    "open an issue": write(an_issue, count("issues")),
    "close an issue": write(
        lambda it: it.author.issues.change(ONE, state="closed"), changed("issues", "state", "closed"), an_issue
    ),
    "label": write(
        lambda it: it.author.issues.label(ONE, "a", "b"), changed("issues", "labels", ["shipway", "a", "b"]), an_issue
    ),
    "comment": write(lambda it: it.author.issues.comment(ONE, "note:1", "Look."), count("comments"), an_issue),
    "set a status": write(
        lambda it: it.author.checks.set(SHA["main"], "shipway", "success"), count("statuses"), status=201
    ),
    "tell of a deployment": write(a_deployment, count("deployments")),
    "set a deployment": write(
        lambda it: it.author.deployments.set(60_001, "success", description="It is there"),
        lambda it: sum(len(each["statuses"]) for each in it.state.deployments.values()),
        a_deployment,
    ),
    "dispatch": write(
        lambda it: it.author.deployments.dispatch("shipway", {"key": "run:1"}),
        count("dispatches"),
        quiet=True,
        status=204,
    ),
}


SUBJECT = Subject(
    name="github",
    stand_in=seeded,
    connect=both,
    secrets=(AUTHOR.token,),
    contract="github",
    asked={**READS, **WRITES},
)

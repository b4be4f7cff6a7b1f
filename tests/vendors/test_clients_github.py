"""GitHub's own client, pointed at the stand-in by its option `baseUrl`; git itself is in test_github_git.py."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import anyio
import pytest

from ci import processes
from ci.rehearsal.github import APP, AUTHOR, REVIEWER, SLUG, Rules
from ci.rehearsal.serving import serving
from ci.toolchains.wheels import node_wheel
from tests.conftest import ROOT
from tests.vendors.subjects.github import SHA, seeded

if TYPE_CHECKING:
    from pathlib import Path

CLIENT = ROOT / "tests/vendors/clients/github"


@pytest.mark.long
def test_octokit_finds_all_that_it_looks_for_and_is_refused_what_github_refuses(tmp_path: Path) -> None:
    async def calls() -> None:
        node = node_wheel()
        place = tmp_path / "client"
        shutil.copytree(CLIENT, place, ignore=shutil.ignore_patterns("node_modules"))
        path = f"{node.node.parent}:{processes.inherited()['PATH']}"
        environment = {**processes.inherited(), "PATH": path}
        install = (str(node.node), str(node.npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        done = await processes.run(install, cwd=place, environment=environment, timeout=300)
        assert done.code == 0, done.complaint
        stand_in = seeded(tmp_path / "world")
        stand_in.state.protect("main", Rules(approvals=1))
        heard: list[str] = []
        stand_in.on_push.append(lambda branch, _before, _after: heard.append(branch))
        async with serving(stand_in) as address:
            words = (address, SLUG, AUTHOR.token, REVIEWER.token, APP.token, SHA["main"])
            argv = (str(node.node), "round.mjs", *words)
            done = await processes.run(argv, cwd=place, environment=environment, timeout=120)
        assert done.code == 0, done.stderr.decode()
        told = json.loads(done.text)
        for name, (status, message) in REFUSED.items():
            assert told.pop(name)[0] == status, name
            assert message in done.text, name
        assert told.pop("head") == SHA["main"]
        assert told == FOUND
        assert heard == ["shipway/x", "shipway/x", "main", "behind"]

    (tmp_path / "world").mkdir()
    anyio.run(calls)


REFUSED = {
    "stale": (422, "Update is not a fast forward"),
    "again": (422, "A pull request already exists for acme:shipway/x."),
    "unreviewed": (405, "At least 1 approving review is required"),
    "own": (422, "Can not approve your own pull request"),
    "behind": (409, "Head branch was modified"),
    "denied": (403, "You must authenticate via a GitHub App."),
    "none": (404, "Not Found"),
    "stranger": (401, "Bad credentials"),
}
FOUND = {
    "login": AUTHOR.login,
    "default": "main",
    "put": 201,
    "read": "written by a client\n",
    "compared": "ahead",
    "first": None,
    "mergeable": True,
    "review": "APPROVED",
    "files": ["a/b.txt"],
    "merged": True,
    "issues": [f"issue {number}" for number in range(6, -1, -1)],
    "comment": AUTHOR.login,
    "labels": ["shipway", "web"],
    "closed": "completed",
    "status": "ci",
    "combined": "success",
    "run": "completed",
    "deployed": ["success"],
    "dispatched": 204,
    "limit": 5000,
    "deleted": 204,
}

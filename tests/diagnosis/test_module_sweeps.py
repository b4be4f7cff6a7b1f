"""The module's `diagnose` over every incident that waits, without an engine: what it says, and its reports."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci import module
from ci.journal import Journal
from tests.conftest import commit

if TYPE_CHECKING:
    from collections.abc import Callable


class Clone:
    """A repository as an engine would hand it over, with its git."""

    def __init__(self, root: Path) -> None:
        """Be that one."""
        self.root = root

    async def export(self, path: str) -> None:
        """Write it."""
        shutil.copytree(self.root, path)


class Kept:
    """A secret as an engine hands it over."""

    def __init__(self, value: str) -> None:
        """Keep it."""
        self.value = value

    async def plaintext(self) -> str:
        """Tell it."""
        return self.value


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a small workspace, which is a repository."""
    root = tmp_path / "shop"
    root.mkdir()
    for name, text in {
        "package.json": '{"name": "shop", "private": true}\n',
        "pnpm-workspace.yaml": "packages: []\n",
        "shipway.toml": "",
    }.items():
        (root / name).write_text(text, encoding="utf-8")
    commit(root)
    return root


@pytest.fixture
def sweep(
    repository: Path,
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[str], Any]:
    """Return what has the module do one half of whatever waits, each time in a function of its own."""
    monkeypatch.setenv("SHIPWAY_CACHE", "")  # a function changes it
    made: Any = module.Shipway
    source: Any = None

    def call(half: str) -> Any:
        (tmp_path / half).mkdir()
        monkeypatch.chdir(tmp_path / half)

        async def ask() -> Any:
            return await made(source=source).diagnose(Clone(repository), "waiting", half, Kept(url))

        return anyio.run(ask)

    return call


def test_where_no_incident_waits_it_says_so_and_is_well(sweep: Callable[[str], Any]) -> None:
    swept = sweep("propose")
    assert (swept.verdict, swept.summary, swept.code) == ("passed", "no incident waits for that", 0)
    assert swept.verify() == "passed"


def test_every_incident_that_waits_has_a_report_of_its_own_and_the_gravest_code_is_the_whole_sweeps(
    repository: Path,
    url: str,
    sweep: Callable[[str], Any],
) -> None:
    journal = Journal.remote(url)
    asked = ["git", "rev-parse", "HEAD"]
    head = subprocess.run(asked, cwd=repository, check=True, capture_output=True, text=True).stdout.strip()
    for name in ("staging-1", "staging-2"):
        journal.incidents.open(name, environment="staging", commit=head, what="smoke", reason="500")
        journal.cases.keep(name, "s", {"report": None})
    swept = sweep("propose")
    assert (swept.verdict, swept.code, swept.verify()) == ("passed", 0, "passed")
    written = Path.cwd() / "shipway-report"
    assert {each.parent.name for each in written.rglob("report.json")} == {"staging-1", "staging-2"}
    assert swept.summary.count("cycle 1 of 3: no fix (") == 2
    judged = sweep("judge")
    assert (judged.verdict, judged.code) == ("failed", 14)
    with pytest.raises(module.RedError, match=r"(?s)staging-1.*staging-2.*exit code of `shipway diagnose`: 14"):
        judged.verify()

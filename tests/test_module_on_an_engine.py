"""The Dagger module on an engine, as a user calls it: the same report as the tool's own session gives."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from ci.executors.engine import RUNNER, Engine
from ci.journal import Journal
from ci.model import STAGE_NAMES
from tests.around import JOURNAL, write_around
from tests.conftest import ROOT, Ran, copy_tracked
from tests.journal.servers import server, url
from tests.promotion.hamlet import SECRETS, Hamlet, hamlet
from tests.test_both import essence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

__all__ = ["server", "url"]  # the Postgres of the journal's tests
pytestmark = pytest.mark.long


@dataclass(frozen=True, kw_only=True)
class Module:
    """A copy of the module in a repository of its own, and the engine that it is called on."""

    root: Path
    engine: Engine

    def __call__(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of `dagger`."""
        return subprocess.run(
            ["dagger", command, "--progress", "plain", *arguments],
            cwd=self.root,
            env={**os.environ, RUNNER: self.engine.address, "DAGGER_NO_NAG": "1", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def call(self, source: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Call a function of it with the source."""
        mirror = os.environ.get("SHIPWAY_MIRROR")
        return self("call", "--source", str(source), *(["--mirror", mirror] if mirror else []), *arguments)

    def report(self, source: Path, into: Path, *arguments: str) -> dict[str, Any]:
        """Return what a function reports."""
        done = self.call(source, *arguments, "reports", "export", "--path", str(into))
        assert done.returncode == 0, done.stderr[-4000:]
        report: dict[str, Any] = json.loads((into / "report.json").read_text(encoding="utf-8"))
        return report


@pytest.fixture(scope="module")
def module(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Module:
    """Copy what git knows of this clone, without the examples that come as sources of their own."""
    root = tmp_path_factory.mktemp("module")
    copy_tracked(ROOT, root, "examples", "tests")
    return Module(root=root, engine=engine)


def test_its_functions_are_the_stages_and_run(module: Module) -> None:
    done = module("functions")
    assert done.returncode == 0, done.stderr
    names = {line.split()[0] for line in done.stdout.splitlines() if line[:1].islower()}
    assert names == {"install", "lint", "typecheck", "unit", "integration", "e-2-e", "audit", "run", "stages"} | {
        "with-secret",
        "promote",
        "status",
    }


def test_a_run_of_it_says_the_same_as_the_tools_own_session(
    module: Module, receipts: Path, shipway: Callable[..., Ran], tmp_path: Path
) -> None:
    ours = shipway(
        "run", ".", "--executor", "dagger", cwd=receipts, env={RUNNER: module.engine.address}, timeout=900
    ).report
    its = module.report(receipts, tmp_path / "out", "run")
    assert ours is not None
    assert essence(its) == essence(ours)
    assert (its["executor"], its["repository"]) == (ours["executor"], ours["repository"])
    done = module.call(receipts, "run", "verify")
    assert (done.returncode, done.stdout.strip()) == (0, "passed")


def test_a_red_stage_has_its_reports_and_fails_when_it_is_verified(
    module: Module, subject: Callable[[str], Path], tmp_path: Path
) -> None:
    root = subject("turbo-biome")
    (root / "packages/core/src/wrong.ts").write_text("export const wrong: number = 'no number';\n")
    report = module.report(root, tmp_path / "out", "typecheck")
    assert report["verdict"] == "failed"
    assert (tmp_path / "out/index.html").exists()
    done = module.call(root, "typecheck", "verify")
    assert done.returncode == 1
    assert "packages/core/src/wrong.ts" in done.stderr
    assert "exit code of `shipway run`: 10" in done.stderr


def test_a_secret_that_is_handed_over_reaches_the_check_that_names_it_and_no_report(
    module: Module, subject: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = subject("playwright-mini")
    (root / "shipway.toml").write_text('[stages.e2e.secrets]\nTOKEN = "env://HANDED"\n')
    monkeypatch.setenv("ELSEWHERE", "no-such-value-anywhere-9c1")
    handed = ("with-secret", "--name", "HANDED", "--value", "env:ELSEWHERE")
    report = module.report(root, tmp_path / "out", *handed, "e-2-e")
    assert report["verdict"] == "passed", report["stages"]
    assert not [
        path for path in (tmp_path / "out").rglob("*") if path.is_file() and b"no-such-value" in path.read_bytes()
    ]
    without = module.call(root, "e-2-e", "verify")
    assert without.returncode != 0
    assert "HANDED" in without.stderr


def test_dagger_check_runs_all_stages_over_the_repository_that_the_module_is_in(
    module: Module, subject: Callable[[str], Path]
) -> None:
    root = subject("no-tests")
    shutil.copytree(module.root, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".git"))
    mirror = os.environ.get("SHIPWAY_MIRROR")
    (root / "shipway.toml").write_text(f'[containers]\nmirror = "{mirror}"\n' if mirror else "")
    within = Module(root=root, engine=module.engine)
    green = within("check")
    assert green.returncode == 0, green.stderr[-4000:]
    (root / "packages/protocol/src/wrong.ts").write_text("export const wrong: number = 'no number';\n")
    red = within("check")
    assert red.returncode == 1
    assert "packages/protocol/src/wrong.ts" in red.stdout + red.stderr


def played(tmp_path: Path, scene: Callable[[Hamlet], Awaitable[None]]) -> None:
    """Play a scene in a hamlet."""

    async def play() -> None:
        async with hamlet(tmp_path) as place:
            await scene(place)

    anyio.run(play)


async def around(
    module: Module,
    place: Hamlet,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    *arguments: str,
    without: frozenset[str] = frozenset(),
) -> subprocess.CompletedProcess[str]:
    """Have another module call ours, with GitHub and the journal's server within reach; both go on meanwhile."""
    within = Module(root=module.root / "tests/around", engine=module.engine)
    if not within.root.exists():
        write_around(module.root)
    monkeypatch.setenv("JOURNAL_URL", url.replace("127.0.0.1", JOURNAL))
    base = url.rpartition("/")[0].rpartition(":")[2]
    given = ["--repository", str(place.root), "--journal", "env:JOURNAL_URL"]
    given += ["--hub", f"tcp://127.0.0.1:{place.port}", "--base", f"tcp://127.0.0.1:{base}"]
    if mirror := os.environ.get("SHIPWAY_MIRROR"):
        given += ["--mirror", mirror]
    for each in SECRETS.keys() - without:
        monkeypatch.setenv(f"HANDED_{each}", SECRETS[each])
        given += ["--names", each, "--values", f"env:HANDED_{each}"]
    return await anyio.to_thread.run_sync(functools.partial(within, "call", *given, *arguments))


@pytest.mark.parametrize("function", ["promote --environment staging", "status"])
def test_without_a_journal_that_lasts_it_is_refused_in_one_line_with_what_to_do(
    module: Module, subject: Callable[[str], Path], function: str
) -> None:
    root = subject("no-tests")
    done = module.call(root, *function.split(), "--repository", str(root))
    assert done.returncode == 1
    assert (
        "what a promotion remembers in a Dagger function ends with it (hand over --journal, or set [journal] url, "
        "to a Postgres: a small project at Neon does)" in done.stderr
    )
    assert "exit code of `shipway`: 2" in done.stderr


def test_a_commit_is_promoted_inside_a_function_and_its_stages_run_on_the_functions_engine(
    module: Module, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Hamlet) -> None:
        out = tmp_path / "out"
        call = functools.partial(around, module, place, url, monkeypatch)
        done = await call("promote", "--commit", place.commit, "export", "--path", str(out))
        assert done.returncode == 0, done.stderr[-4000:]
        report = json.loads((out / "report.json").read_text(encoding="utf-8"))
        assert (report["verdict"], report["executor"], report["commit"]) == ("passed", "dagger", place.commit)
        assert [stage["name"] for stage in report["stages"]] == list(STAGE_NAMES)
        assert {ruling["gate"]: ruling["ruling"] for ruling in report["rulings"]} == {
            "evidence": "PASS",
            "budget": "PASS",
            "isolation": "PASS",
            "migrations": "PASS",
            "soak": "PASS",
        }
        assert place.git("rev-parse", "staging^{tree}") == place.git("rev-parse", f"{place.commit}^{{tree}}")
        kept = Journal.remote(url).evidence.newest(place.commit, environment="staging")
        assert kept is not None
        again = await call("promoted", "--commit", place.commit)
        assert again.returncode == 1
        assert f"staging holds {place.commit[:12]} already" in again.stderr
        told = await call("status")
        assert told.returncode == 0, told.stderr[-4000:]
        assert told.stdout.splitlines()[0] == "staging  staging"

    played(tmp_path, scene)


def test_a_promotion_that_cannot_reach_github_says_so_in_one_line_and_can_be_gone_on_with(
    module: Module, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Hamlet) -> None:
        settings = place.root / "shipway.toml"
        text = settings.read_text().replace(f"cmd://python3 tools/door.py {place.port}", "env://HUB_TOKEN")
        settings.write_text(text.replace(f"http://127.0.0.1:{place.port}", "http://127.0.0.1:1"))
        commit = place.commit_all()
        no_world = frozenset({"SHIPWAY_REHEARSAL"})
        done = await around(module, place, url, monkeypatch, "promoted", "--commit", commit, without=no_world)
        assert done.returncode == 1
        assert "GitHub cannot be reached" in done.stderr
        assert "`shipway resume staging` goes on where it stands" in done.stderr
        assert "exit code of `shipway`: 5" in done.stderr
        (flow,) = Journal.remote(url).flows.recent("staging")
        assert (flow.commit, flow.is_open) == (commit, True)

    played(tmp_path, scene)

"""The Dagger module on an engine, as a user calls it: the same report as the tool's own session gives."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ci.executors.engine import RUNNER, Engine
from tests.conftest import ROOT, Ran, copy_tracked
from tests.test_both import essence

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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

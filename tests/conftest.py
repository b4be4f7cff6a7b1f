"""What many tests use: the tool as a process, repositories made of files, the `--long` switch."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.errors import ShipwayError
from ci.executors.engine import RUNNER, SESSION, Engine, choose
from ci.hosts import MARKS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parent.parent
IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@example.invalid", "-c", "commit.gpgsign=false")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch for the sweeps."""
    parser.addoption("--long", action="store_true", help="run the kill and fault sweeps as well")
    parser.addoption("--require", action="append", default=[], choices=["dagger"], help="fail where it is not there")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker of the sweeps; a CI host that runs the tests is told nothing of the runs in them."""
    for mark in MARKS:
        os.environ.pop(mark, None)
    config.addinivalue_line("markers", "long: a sweep of many minutes; runs with --long only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the sweeps out of a short run."""
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):  # keywords hold the names of directories too
                item.add_marker(pytest.mark.skip(reason="a sweep of many minutes: ./check --long runs it"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Say at once which test failed: a run that is ended before its end says it nowhere else."""
    if report.failed:
        sys.stderr.write(f"\nFAILED {report.nodeid}\n")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what the skipped tests that need an engine were kept from by."""
    reasons = [
        report.longrepr[2] for report in terminalreporter.getreports("skipped") if isinstance(report.longrepr, tuple)
    ]
    without = [reason for reason in reasons if "needs a Dagger engine: " in reason]
    if without:
        terminalreporter.write_line(f"{len(without)} tests were skipped. {without[0]}")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Engine:
    """Return the Dagger engine that answers here; without one the test is skipped, or fails where one is required."""
    try:
        choice = anyio.run(choose, "dagger")
    except ShipwayError as error:
        if "dagger" in request.config.getoption("--require"):
            pytest.fail(f"a Dagger engine is required: {error}")
        pytest.skip(f"needs a Dagger engine: {error.message}")
    assert choice.engine is not None
    return choice.engine


@dataclass(frozen=True, kw_only=True)
class Ran:
    """The tool ran to its end."""

    code: int
    out: str
    err: str
    report: dict[str, Any] | None

    @property
    def statuses(self) -> dict[str, str]:
        """Each stage's status, from report.json."""
        assert self.report is not None, self.err
        return {stage["name"]: stage["status"] for stage in self.report["stages"]}


def command(*arguments: str) -> list[str]:
    """Return the command that runs the tool of this clone."""
    return [sys.executable, "-P", "-m", "ci.cli", *arguments]


def environment(state: Path, **more: str) -> dict[str, str]:
    """Return the environment of a run: the user's tools, a state of its own, no engine but one in `more`."""
    here = {name: value for name, value in os.environ.items() if name not in {SESSION, RUNNER}}
    return {**here, "PYTHONPATH": str(ROOT), "SHIPWAY_STATE": str(state), "COLUMNS": "120", **more}


@pytest.fixture
def shipway(tmp_path: Path) -> Callable[..., Ran]:
    """Run the tool as a process of its own; a `run` gets a report directory, which is read afterwards."""

    def run(*arguments: str, cwd: Path, timeout: float = 300, env: Mapping[str, str] | None = None) -> Ran:
        report = tmp_path / "report"
        extra = ["--report", str(report)] if arguments[0] == "run" else []
        done = subprocess.run(
            command(*arguments, *extra),
            cwd=cwd,
            env=environment(tmp_path / "state", **(env or {})),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        document = report / "report.json"
        value = json.loads(document.read_text(encoding="utf-8")) if document.exists() else None
        return Ran(code=done.returncode, out=done.stdout, err=done.stderr, report=value)

    return run


def commit(root: Path) -> None:
    """Make `root` a repository with one commit that holds all its files."""
    for arguments in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "one")):
        subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True)


@pytest.fixture
def subject(tmp_path: Path) -> Callable[[str], Path]:
    """Copy one of tests/subjects to a repository of its own."""

    def copy(name: str) -> Path:
        root = tmp_path / name
        shutil.copytree(ROOT / "tests/subjects" / name, root, symlinks=True)
        commit(root)
        return root

    return copy


def copy_tracked(source: Path, root: Path, *without: str) -> Path:
    """Copy what git knows of a directory of this clone to `root`, a repository of its own; `without` are left out."""
    listed = [
        "git",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        ".",
        *(f":!{path}" for path in without),
    ]
    tracked = subprocess.run(listed, cwd=source, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, tracked):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, root / name, follow_symlinks=False)
    commit(root)
    return root


def copy_example(root: Path) -> Path:
    """Copy the example to `root`, a repository of its own."""
    return copy_tracked(ROOT / "examples/receipts", root)


@pytest.fixture
def receipts(tmp_path: Path) -> Path:
    """Copy the example to a repository of its own."""
    return copy_example(tmp_path / "receipts")

"""A fault that is planted into the example is found: by the right stage, at the right line, said once.

Every row runs the whole pipeline on one copy of the example, so that what a row does not touch is taken from the cache.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from ci.executors.engine import RUNNER
from tests.conftest import IDENTITY, ROOT, command, copy_example, environment
from tests.faults import code, conduct, delivery, tenancy, together
from tests.hashes import hashes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ci.executors.engine import Engine
    from tests.faults.planting import Fault, Said

ROWS = (*delivery.ROWS, *code.ROWS, *tenancy.ROWS, *conduct.ROWS, together.ROW)
ADVISORIES = ROOT / "tests/standins/advisories.py"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Example:
    """The copy, all of it committed and installed once, and an advisory service that knows nothing against it."""

    root: Path
    clean: str


@contextmanager
def serving(*mode: str) -> Iterator[str]:
    """Start the stand-in of the registry's advisory service; its address."""
    with subprocess.Popen([sys.executable, str(ADVISORIES), *mode], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def run(
    *arguments: str, root: Path, state: Path, registry: str | None = None, engine: Engine | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the tool. With `registry`, that is the one that the environment names; with `engine`, checks run there."""
    more = {} if engine is None else {RUNNER: engine.address}
    if registry is not None:
        kept = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1")))
        more |= {"NPM_CONFIG_REGISTRY": registry, "pnpm_config_registry": registry, "NO_PROXY": kept, "no_proxy": kept}
    return subprocess.run(
        command(*arguments), cwd=root, env=environment(state, **more), capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """Copy the example and install it, with the registry that this machine has; all later runs need none."""
    place = tmp_path_factory.mktemp("faults")
    root = copy_example(place / "receipts")
    for arguments in (("tools", ".", "--fetch"), ("run", ".", "--stage", "install", "--report", str(place / "report"))):
        done = run(*arguments, root=root, state=place / "state")
        assert done.returncode == 0 or arguments[0] == "run", done.stderr
    with serving("clean") as clean:
        yield Example(root=root, clean=clean)


@pytest.fixture
def planted(example: Example, fault: Fault) -> Iterator[Path]:
    """Plant the fault, and afterwards put the copy back as it was committed."""
    git = ("git", *IDENTITY, "-C", str(example.root))
    try:
        for edit in fault.edits:
            edit.plant(example.root)
        yield example.root
    finally:
        subprocess.run([*git, "reset", "-q", "--hard"], check=True)
        subprocess.run([*git, "clean", "-qfdx"], check=True)


@pytest.mark.parametrize(
    "fault",
    [pytest.param(row, id=row.name, marks=[pytest.mark.long] if row.long else []) for row in ROWS],
)
def test_planted(fault: Fault, planted: Path, example: Example, tmp_path: Path) -> None:
    _is_found(fault, planted, example, tmp_path)


@pytest.fixture(scope="module")
def warm(engine: Engine, example: Example, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Have the engine fetch what containers are made of, with the registry that this machine has."""
    place = tmp_path_factory.mktemp("warm")
    where = ("--report", str(place / "report"), "--executor", "dagger")
    done = run("run", ".", *where, root=example.root, state=place / "state", engine=engine)
    assert (place / "report/report.json").exists(), done.stderr
    return engine


@pytest.mark.long
@pytest.mark.parametrize("fault", [pytest.param(row, id=row.name) for row in ROWS])
def test_planted_where_checks_run_on_dagger(
    fault: Fault, warm: Engine, planted: Path, example: Example, tmp_path: Path
) -> None:
    _is_found(fault, planted, example, tmp_path, warm)


def _is_found(fault: Fault, planted: Path, example: Example, tmp_path: Path, engine: Engine | None = None) -> None:
    """Run all stages on the planted copy and hold the report to the row."""
    before, status = hashes(planted), _status(planted)
    if fault.advisories == ("clean",):
        done = _run(planted, tmp_path, example.clean, engine)
    else:
        with serving(*fault.advisories) as registry:
            done = _run(planted, tmp_path, registry, engine)
    document = tmp_path / "report/report.json"
    assert document.exists(), done.stderr
    report = json.loads(document.read_text(encoding="utf-8"))
    found = [(check, failure) for check in _checks(report).values() for failure in check["failures"]]

    assert {stage["name"]: stage["status"] for stage in report["stages"]} == dict(fault.stages), done.stdout
    assert done.returncode == fault.code, done.stdout
    for said in fault.failures:
        matching = [
            failure for check, failure in found if _id(check) == said.check and said.words in failure["message"]
        ]
        assert matching, (said, [failure for _, failure in found])
        assert len(matching) == 1 or fault.others, matching
        _holds(said, matching[0], planted)
    if not fault.others:
        assert len(found) == len(fault.failures), [(_id(check), failure) for check, failure in found]
    for identity, words in fault.reasons.items():
        assert words in _checks(report)[identity]["reason"]
    for identity, words in fault.notices.items():
        assert any(words in notice for notice in _checks(report)[identity]["notices"]), _checks(report)[identity]
    assert [identity for identity, check in _checks(report).items() if check["status"] == "flaky"] == [*fault.flaky]

    assert [place for place in fault.outside if place.exists()] == []
    assert _status(planted) == status
    assert hashes(planted) == before


def test_the_table_is_whole() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 32
    assert sum(not row.long for row in ROWS) >= len(ROWS) // 3


def _run(root: Path, place: Path, registry: str, engine: Engine | None) -> subprocess.CompletedProcess[str]:
    where = ("--report", str(place / "report"), "--executor", "host" if engine is None else "dagger")
    return run("run", ".", *where, root=root, state=place / "state", registry=registry, engine=engine)


def _checks(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {_id(check): check for stage in report["stages"] for check in stage["checks"]}


def _id(check: dict[str, Any]) -> str:
    return f"{check['stage']}/{check['name']}@{check['package']}"


def _holds(said: Said, failure: dict[str, Any], root: Path) -> None:
    assert failure["message"].count("\n") == 0
    if said.file is not None:
        assert failure["file"] == said.file, failure
    if (line := said.line(root)) is not None:
        assert failure["line"] == line, failure
    if said.rule is not None:
        assert failure["rule"] == said.rule, failure


def _status(root: Path) -> str:
    done = subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout

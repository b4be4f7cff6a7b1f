"""Workspaces of many shapes, none with a shipway.toml: what a run over each gives, as expected.toml says."""

from __future__ import annotations

import hashlib
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Ran

    Run = Callable[..., Ran]
    Subject = Callable[[str], Path]

SUBJECTS = Path(__file__).parent / "subjects"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((SUBJECTS / "expected.toml").read_text(encoding="utf-8"))
AUDITS = {"install": "pnpm-audit@.", "audit": "pnpm-audit-all@."}
NONE = {"status": "skipped"}


def contents(root: Path) -> dict[str, str]:
    """Every file, link and directory below `root` with its mode and content; git's own are left out."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name.split("/")[0] == ".git":
            continue
        body = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[name] = f"{path.lstat().st_mode:o} {hashlib.sha256(body).hexdigest()}"
    return found


def shown(report: dict[str, Any]) -> str:
    """All that a reader is told beside the verdicts: the run's notices, and each check's own with its package."""
    checks = [check for stage in report["stages"] for check in stage["checks"]]
    lines = [f"{check['package']} {text}" for check in checks for text in (check["reason"], *check["notices"]) if text]
    return "\n".join((*report["notices"], *lines))


def test_every_subject_has_its_expectation_and_every_expectation_its_subject() -> None:
    assert {path.name for path in SUBJECTS.iterdir() if path.is_dir()} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_run_without_settings_finds_what_is_there_and_leaves_the_repository_alone(
    name: str, subject: Subject, shipway: Run
) -> None:
    expected = EXPECTED[name]
    root = subject(name)
    before = contents(root)

    ran = shipway("run", ".", cwd=root)

    assert ran.report is not None, ran.err
    report = ran.report
    stages = {stage["name"]: stage for stage in report["stages"]}
    checks = {
        f"{stage}/{check['name']}@{check['package']}": check for stage in stages for check in stages[stage]["checks"]
    }
    # What is known against the packages today is not the subject's doing: such an answer is not held against it.
    answered = {stage for stage in stages if checks.get(f"{stage}/{AUDITS.get(stage)}", NONE)["status"] != "skipped"}
    reasons = {stage: (value["status"], value["reason"]) for stage, value in stages.items() if stage not in answered}
    assert {stage: status for stage, (status, _) in reasons.items()} == {
        stage: status for stage, status in expected["stages"].items() if stage not in answered
    }, (reasons, shown(report))
    assert answered or ran.code == 0, ran.out
    for stage, part in expected["reasons"].items():
        assert stage in answered or part in (reasons[stage][1] or ""), reasons[stage]

    assert set(expected["checks"]) <= set(checks), sorted(checks)
    assert not set(expected["absent"]) & set(checks)
    for identity in expected["checks"]:
        assert checks[identity]["status"] == "passed", checks[identity]["reason"]
    for stage, number in expected["tests"].items():
        assert sum(check["counts"]["tests"] or 0 for check in stages[stage]["checks"]) == number
    for part in expected["notices"]:
        assert part in shown(report)
    if pin := expected.get("pnpm"):
        assert checks["install/pnpm@."]["tools"]["pnpm"] == pin

    status = subprocess.run(["git", "status", "--porcelain"], cwd=root, check=True, capture_output=True, text=True)
    assert status.stdout == ""
    assert contents(root) == before

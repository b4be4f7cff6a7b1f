"""The planted failures: they fit the example, and, run for real, triage and fixers do what is said of them."""

from __future__ import annotations

import dataclasses
import functools
import shutil
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ci.diagnosis.repairs import brought, is_flake, mended, repairs, second_runs
from ci.diagnosis.triage import of_report
from ci.model import Status
from ci.scenarios.candidates import Candidate
from tests.conftest import ROOT, copy_example
from tests.diagnosis.corpus import CORPUS
from tests.diagnosis.ground import Field, Played
from tests.diagnosis.planted import AGAIN, MODEL, UNIT, Planted

if TYPE_CHECKING:
    from pathlib import Path

    from ci.model import Check, CheckRun, Failure, Plan

EXAMPLE = ROOT / "examples/receipts"
BATCHES = {
    batch: tuple(each for each in CORPUS if each.batch == batch and not each.why_not)
    for batch in dict.fromkeys(each.batch for each in CORPUS if not each.why_not)
}


def laid(planted: Planted, root: Path) -> Path:
    """Copy the files that a planted failure and its fix touch, and plant it."""
    paths = {change.path for change in (*planted.fault.changes, *planted.fix.changes)}
    for path in paths - planted.fault.files.keys():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / path, root / path)
    Field(root=root).plant(planted.fault)
    return root


@pytest.mark.parametrize("planted", CORPUS, ids=lambda planted: planted.name)
def test_a_failure_can_be_planted_and_its_fix_changes_what_was_planted(planted: Planted, tmp_path: Path) -> None:
    root = laid(planted, tmp_path)
    before = {path: (root / path).read_text(encoding="utf-8") for path in planted.fault.edits(EXAMPLE)}
    for path, text in before.items():
        place = EXAMPLE / path
        assert not place.exists() or place.read_text(encoding="utf-8") != text
    fixed = planted.fix.edits(root)
    assert fixed
    assert all(text != before.get(path) for path, text in fixed.items())


def test_the_corpus_has_some_of_each_kind_and_all_ways_out() -> None:
    assert len(CORPUS) >= 60
    assert len({planted.name for planted in CORPUS}) == len(CORPUS)
    kinds = Counter(planted.kind for planted in CORPUS)
    assert len(kinds) == 10
    assert min(kinds.values()) >= 4
    assert {planted.outcome for planted in CORPUS} == {"merged", "pull request", "issue", "nothing to commit"}
    assert all(planted.tier >= planted.wished for planted in CORPUS)
    assert sum(bool(planted.why_not) for planted in CORPUS) <= 4


def test_what_is_planted_together_does_not_meet() -> None:
    for batch, together in BATCHES.items():
        for each in together:
            others = {change.path for other in together if other is not each for change in other.fault.changes}
            mine = {change.path for change in each.fault.changes}
            assert batch == "contract" or not mine & others, each.name


def speaks(failure: Failure, told: str) -> bool:
    words = (failure.test_id, failure.test, failure.rule, failure.message, failure.detail)
    return any(each in word for word in words if word for each in told.split("|"))


def found(played: Played, planted: Planted) -> CheckRun:
    """Return the check that the planted failure makes red, with what it says of this one alone."""
    run = next(run for run in played.runs if run.id == planted.check)
    failures = tuple(each for each in run.failures if speaks(each, planted.told))
    if planted.batch in {"lint", "types"}:  # one rule may be broken in several files of a batch
        failures = tuple(each for each in failures if each.file in {change.path for change in planted.fault.changes})
    return dataclasses.replace(run, failures=failures)


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Field:
    return Field(root=copy_example(tmp_path_factory.mktemp("planted") / "receipts"))


@pytest.mark.long
@pytest.mark.parametrize("batch", BATCHES)
def test_a_planted_failure_is_found_and_mended_by_whom_it_is_said(batch: str, field: Field) -> None:
    planted = BATCHES[batch]
    checks = {each.check for each in planted}
    if any(check.startswith("lint/") for check in checks):
        checks |= {"lint/eslint@.", "lint/biome@.", "lint/imports@."}
    field.clear()
    field.plant(*(each.fault for each in planted))
    first = field.play(lambda plan: tuple(check for check in plan.checks if check.id in checks))
    wrong = [line for each in planted for line in complaints(each, first)]
    wrong += mend(field, first, planted)
    if all(each.repair == AGAIN for each in planted):
        assert not wrong, "\n".join(wrong)
        return
    field.plant(*(each.fix for each in planted if each.repair == MODEL))
    after = field.play(lambda plan: tuple(check for check in plan.checks if check.id in checks))
    wrong += [
        f"{run.id} is {run.status} after the fixes: {run.reason}; {[each.message for each in run.failures]}"
        for run in after.runs
        if run.id in checks and run.status is not Status.PASSED
    ]
    assert not wrong, "\n".join(wrong)


def complaints(planted: Planted, played: Played) -> list[str]:
    """Say what triage does not tell as it should of one planted failure."""
    run = found(played, planted)
    if planted.repair == AGAIN:
        told = [notice for notice in (*run.notices, run.reason or "") if planted.told in notice]
        return [] if run.status is Status.FLAKY and told else [f"{planted.name}: {run.status}: {run.reason}"]
    if run.status not in {Status.FAILED, Status.ERROR} or not run.failures:
        whole = next(each for each in played.runs if each.id == planted.check)
        said = [(each.file, each.rule, each.test_id, each.message) for each in whole.failures]
        return [f"{planted.name}: {run.status}, nothing says {planted.told!r}: {run.reason}: {said}"]
    stages = tuple(
        dataclasses.replace(stage, checks=tuple(run for each in stage.checks if each.id == run.id))
        for stage in played.report.stages
    )
    facts = of_report(dataclasses.replace(played.report, stages=stages), incident="planted", tree=played.tree)
    wrong = []
    (broken,) = facts.broken
    if not set(broken.tests) <= set(run.executed):
        wrong.append(f"{planted.name}: {broken.tests} are none of the tests that ran")
    if not set(planted.files) <= set(facts.files):
        wrong.append(f"{planted.name}: files {facts.files}, not {planted.files}")
    if set(planted.packages) != set(facts.packages):
        wrong.append(f"{planted.name}: packages {facts.packages}, not {planted.packages}")
    return wrong


def _only(check: Check, _plan: Plan) -> tuple[Check, ...]:
    return (check,)


def mend(field: Field, played: Played, planted: tuple[Planted, ...]) -> list[str]:
    """Have all fixers do what they can, and keep what they changed; say whom they did not mend, or should not have."""
    changed: dict[str, bytes] = {}
    for repair in repairs(played.plan, played.runs):
        done = field.play(functools.partial(_only, repair.check))
        written = mended(repair, brought(done.kept, repair), field.before) or {}
        changed |= written
        field.write(written)
    wrong = []
    for each in planted:
        mine = {change.path for change in (*each.fault.changes, *each.fix.changes)} & changed.keys()
        if (each.repair not in {MODEL, AGAIN}) != bool(mine):
            wrong.append(f"{each.name}: to be mended by {each.repair}, and fixers changed {sorted(mine)}")
    return wrong


@pytest.mark.long
def test_what_is_red_by_the_clock_is_proven_a_flake_by_a_second_run_of_the_same_files(field: Field) -> None:
    opens = time.time() + 45  # red until then, in both looks of the first run
    test = "packages/core/test/clock.test.ts"
    text = (
        "import { expect, it } from 'vitest';\n\n"
        f"it('is open', () => {{\n  expect(Date.now()).toBeGreaterThan({opens:.0f}000);\n}});\n"
    )
    field.clear()
    field.plant(Candidate(message="A test that goes by the clock", files={test: text}))
    first = field.play(lambda plan: tuple(check for check in plan.checks if check.id == UNIT))
    (red,) = [run for run in first.runs if run.id == UNIT]
    assert red.status is Status.FAILED, red.reason
    assert repairs(first.plan, first.runs) == ()
    time.sleep(max(0.0, opens + 1 - time.time()))
    second = field.play(lambda plan: second_runs(plan, first.runs))
    (green,) = [run for run in second.runs if run.id == UNIT]
    assert is_flake(red, green), green.reason
    assert f"{test} > is open" in green.executed

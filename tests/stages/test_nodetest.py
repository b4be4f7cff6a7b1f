from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.model import Execution, StepRun
from ci.stages import nodetest
from ci.stages.testresults import FAILED, PASSED, SKIPPED, Case, Results, Run

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = Run(tool="node-test", argv=("node", "--test"), cwd=".", package=".", key="node-0")
STEP = StepRun(argv=("node",), cwd=".", seconds=1, exit_code=1)


def read(content: bytes) -> Results:
    return nodetest.read(RUN, STEP, Execution(steps=(STEP,), files={"node-0.tap": content}, root="/workspace"))


@pytest.mark.parametrize("version", ["20", "24"])
def test_leaves_are_counted_and_neither_suites_nor_files(recorded: Callable[[str], bytes], version: str) -> None:
    states = [case.status for case in read(recorded(f"node-{version}.tap")).cases]
    assert (states.count(PASSED), states.count(FAILED), states.count(SKIPPED)) == (1, 4, 2)


@pytest.mark.parametrize("version", ["20", "24"])
def test_each_failure_is_told_once_with_its_place(recorded: Callable[[str], bytes], version: str) -> None:
    found = [(each.test, each.file, each.line) for each in read(recorded(f"node-{version}.tap")).failures]
    assert found == [
        (None, "test/broken.test.js", 1),
        ("hooks", "test/hook.test.js", 3),
        ("price > compares (a+b) # [deep]", "test/price.test.js", 10),
        ("price > throws in the source", "src/price.js", 3),
        ("outer > inner", "test/price.test.js", 21),
    ]


@pytest.mark.parametrize("version", ["20", "24"])
def test_failed_tests_have_the_ids_under_which_they_ran(recorded: Callable[[str], bytes], version: str) -> None:
    results = read(recorded(f"node-{version}.tap"))
    failed = [failure.test_id for failure in results.failures if failure.test_id is not None]
    assert len(failed) == 3
    assert set(failed) <= set(results.ids)


def test_children_belong_to_their_own_parent() -> None:
    tap = (
        b"TAP version 13\n# Subtest: top\n    # Subtest: a\n        # Subtest: one\n        ok 1 - one\n        1..1\n"
        b"    ok 1 - a\n    # Subtest: b\n        # Subtest: two\n        ok 1 - two\n        1..1\n    ok 2 - b\n"
        b"    1..2\nok 1 - top\n1..1\n"
    )
    assert [case.name for case in read(tap).cases] == ["top > a > one", "top > b > two"]


def test_a_printed_line_in_a_stack_is_no_test() -> None:
    tap = b"TAP version 13\nnot ok 1 - x\n  ---\n  error: |-\n    ok 1 - fake\n    not ok 2 - fake\n  ...\n1..1\n"
    found = read(tap)
    assert [(case.name, case.status) for case in found.cases] == [("x", FAILED)]
    assert found.failures[0].message == "ok 1 - fake"


def test_a_report_without_its_plan_is_none() -> None:
    assert not nodetest.reported(RUN, Execution(steps=(STEP,), files={"node-0.tap": b"TAP version 13\nok 1 - x\n"}))


def test_a_reporter_of_the_script_goes_with_its_name() -> None:
    line = "node --test --test-reporter spec --test-name-pattern price test/a.ts"
    argv = nodetest.step(Run(tool="node-test", argv=tuple(line.split()), cwd=".", package=".", key="k"), 9).argv
    assert argv[-4:] == ("--test", "--test-name-pattern", "price", "test/a.ts")
    assert "spec" not in argv


def test_reporters_stand_before_the_flags_of_the_script() -> None:
    argv = nodetest.step(
        Run(tool="node-test", argv=("node", "--import", "tsx", "--test", "test/a.ts"), cwd=".", package=".", key="k"), 9
    ).argv
    assert argv[0] == "node"
    assert argv[1] == "--test-reporter=tap"
    assert argv[-4:] == ("--import", "tsx", "--test", "test/a.ts")


@pytest.mark.parametrize(
    "argv",
    [
        ("node", "--import", "./setup.ts", "--test", "test/*.ts"),
        ("node", "--test", "--import", "./setup.ts", "test/b.ts", "test/a.ts"),
    ],
)
def test_failed_tests_run_again_by_file_with_the_flags_of_the_script(argv: tuple[str, ...]) -> None:
    run = Run(tool="node-test", argv=argv, cwd=".", package=".", key="k")
    narrowed = nodetest.narrowed(run, (Case(file="test/a.ts", titles=("x",), status=FAILED),)).argv
    assert narrowed[-1] == "test/a.ts"
    assert sorted(narrowed) == sorted(("node", "--import", "./setup.ts", "--test", "test/a.ts"))

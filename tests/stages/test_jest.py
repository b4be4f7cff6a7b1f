from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.model import Execution, StepRun
from ci.stages import jest
from ci.stages.testresults import FAILED, Case, Results, Run

if TYPE_CHECKING:
    from collections.abc import Callable

RUN = Run(
    tool="jest", argv=("jest",), cwd=".", package=".", key="jest-0", version="30.5.2", only={"test/only.test.js": 1}
)


@pytest.fixture
def results(recorded: Callable[[str], bytes]) -> Results:
    step = StepRun(argv=("jest",), cwd=".", seconds=1, exit_code=1)
    files = {"jest-0.json": recorded("jest-30.json")}
    return jest.read(RUN, step, Execution(steps=(step,), files=files, root="/workspace"))


def test_failures_have_place_message_and_diff(results: Results) -> None:
    found = next(each for each in results.failures if each.test == "price > compares (a+b) [deep] $1")
    assert (found.file, found.line, found.message) == (
        "test/price.test.js", 8, "expect(received).toEqual(expected) // deep equality",
    )  # fmt: skip
    assert '-   "a": 2,' in (found.detail or "")


def test_files_that_cannot_be_loaded_are_failures_with_the_reason_and_line(results: Results) -> None:
    found = {each.file: (each.line, each.message) for each in results.failures if each.test is None}
    assert found == {
        "test/broken.test.js": (1, "cannot be loaded: Cannot find module './not-there.js' from 'test/broken.test.js'"),
        "test/syntax.test.js": (2, "cannot be loaded: SyntaxError: test/syntax.test.js: Unexpected token (2:12)"),
    }


def test_a_retried_test_is_marked_and_a_focused_one_noticed(results: Results) -> None:
    assert [case.name for case in results.cases if case.retried] == ["passes at the second try"]
    assert results.notices == ("test/only.test.js:1: a focused test keeps the others of the file from running",)


def test_the_command_reports_and_never_writes_snapshots() -> None:
    argv = jest.step(
        Run(tool="jest", argv=("jest", "--bail", "--reporters", "x", "-c", "j.js"), cwd=".", package=".", key="k"), 9
    ).argv
    assert argv[:3] == ("jest", "-c", "j.js")
    assert {"--ci", "--json"} <= set(argv)


def test_failed_tests_run_alone_by_path_and_name() -> None:
    cases = (Case(file="test/a.test.js", titles=("price", "a+b?"), status=FAILED),)
    assert jest.narrowed(RUN, cases).argv == (
        "jest", r"--testNamePattern=^(?:price a\+b\?)$", "--runTestsByPath", "test/a.test.js",
    )  # fmt: skip

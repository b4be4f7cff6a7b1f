from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Execution, StepRun
from ci.stages import vitest
from ci.stages.testresults import FAILED, PASSED, SKIPPED, Case, Results, Run

if TYPE_CHECKING:
    from collections.abc import Callable

VERSIONS = ("1", "3", "4", "5")


def command(*argv: str, version: str = "4.1.12", **more: Any) -> Run:
    words = argv or ("vitest", "run")
    return Run(tool="vitest", argv=words, cwd=".", package=".", key="vitest-0", version=version, **more)


@pytest.fixture
def results(recorded: Callable[[str], bytes]) -> Callable[[str], Results]:
    def read(name: str) -> Results:
        run = command(version=f"{name[0]}.0.0", only={"test/only.test.js": 3})
        files = {f"vitest-0.{kind}": recorded(f"vitest-{name}.{kind}") for kind in ("json", "xml")}
        try:
            output = recorded(f"vitest-{name}.log").decode()
        except FileNotFoundError:
            output = ""
        step = StepRun(argv=run.argv, cwd=".", seconds=1, exit_code=1, output=output)
        return vitest.read(run, step, Execution(steps=(step,), files=files, root="/workspace"))

    return read


@pytest.mark.parametrize("version", VERSIONS)
def test_counts_tests_by_what_became_of_them(results: Callable[[str], Results], version: str) -> None:
    found = results(version)
    states = [case.status for case in found.cases]
    assert (states.count(PASSED), states.count(FAILED), states.count(SKIPPED)) == (3, 6, 4)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failed_assertion_has_its_place_its_message_and_its_diff(
    results: Callable[[str], Results], version: str
) -> None:
    found = next(each for each in results(version).failures if each.test == "price > compares (a+b) [deep] $1")
    assert (found.file, found.line, found.column) == ("test/price.test.js", 10, 36)
    assert found.message == "expected { a: 1, list: [ 1, 2 ] } to deeply equal { a: 2, list: [ 1, 3 ] }"
    assert re.search(r'(?m)^-   "?a"?: 2,$', found.detail or "")


@pytest.mark.parametrize("version", VERSIONS)
def test_an_error_thrown_by_the_source_is_shown_in_the_source(results: Callable[[str], Results], version: str) -> None:
    found = next(each for each in results(version).failures if each.test == "price > throws in the source")
    assert (found.file, found.line, found.message) == ("src/price.js", 3, "RangeError: a price is never negative")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_that_cannot_be_loaded_is_a_failure_of_its_own(results: Callable[[str], Results], version: str) -> None:
    found = {each.file: each for each in results(version).failures if each.test is None}
    assert {"test/broken.test.js", "test/empty.test.js", "test/syntax.test.js"} <= set(found)
    assert "not-there.js" in found["test/broken.test.js"].message
    assert "/workspace" not in found["test/broken.test.js"].message


@pytest.mark.parametrize("version", ["3", "4", "5"])
def test_a_syntax_error_has_its_line(results: Callable[[str], Results], version: str) -> None:
    found = next(each for each in results(version).failures if each.file == "test/syntax.test.js")
    assert found.line == 3


@pytest.mark.parametrize("version", VERSIONS)
def test_a_failed_hook_is_found_though_no_test_of_it_ran(results: Callable[[str], Results], version: str) -> None:
    found = results(version)
    hook = next(each for each in found.failures if each.test == "hooks")
    assert (hook.file, hook.line, hook.message) == ("test/hook.test.js", 4, "no database here")
    assert [case.file for case in found.broken] == ["test/hook.test.js"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_focused_test_is_a_failure_that_says_so_with_its_line(
    results: Callable[[str], Results], version: str
) -> None:
    found = results(version)
    focused = next(each for each in found.failures if ".only" in each.message)
    assert (focused.file, focused.line, focused.test) == ("test/only.test.js", 3, "focus > is the only one")
    assert focused in found.lasting


@pytest.mark.parametrize("version", VERSIONS)
def test_a_rejection_that_nobody_waited_for_is_a_failure(results: Callable[[str], Results], version: str) -> None:
    found = next(each for each in results(version).failures if each.message == "unhandled error: nobody waited")
    assert (found.file, found.line) == ("test/unhandled.test.js", 3)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_test_that_passed_at_its_second_try_is_marked(results: Callable[[str], Results], version: str) -> None:
    found = results(version)
    assert [case.name for case in found.cases if case.retried] == ["passes at the second try"]
    assert found.retries


@pytest.mark.parametrize("version", ["4", "5"])
def test_a_worker_that_was_killed_is_not_mistaken_for_a_skipped_test(
    results: Callable[[str], Results], version: str
) -> None:
    found = results(f"{version}-crash")
    assert [each.message.partition(" (")[2][:26] for each in found.failures] == ["Worker exited unexpectedly"[:26]]


def test_a_timeout_says_so_and_has_the_line_of_its_test(results: Callable[[str], Results]) -> None:
    found = next(each for each in results("4-odd").failures if each.test == "takes too long")
    assert (found.message, found.file, found.line) == ("Test timed out in 100ms.", "test/odd.test.js", 6)


def test_several_soft_failures_are_one_failure_and_no_retry(results: Callable[[str], Results]) -> None:
    found = results("4-odd")
    assert sum(each.test == "two soft failures" for each in found.failures) == 1


def test_the_command_reports_and_hides_nothing() -> None:
    step = vitest.step(
        command("vitest", "run", "--reporter", "dot", "--bail=1", "--changed", "--project", "a", "src"), 60
    )
    assert step.argv[:5] == ("vitest", "run", "--project", "a", "src")
    assert "--outputFile.json=${SHIPWAY_OUT}/vitest-0.json" in step.argv
    assert not {"dot", "--bail=1", "--changed"} & set(step.argv)


@pytest.mark.parametrize(("version", "known"), [("1.6.1", False), ("2.1.9", False), ("3.0.0", True), ("5.1.1", True)])
def test_locations_are_asked_for_where_the_version_knows_how(*, version: str, known: bool) -> None:
    assert ("--includeTaskLocation" in vitest.step(command(version=version), 60).argv) is known


def test_coverage_goes_to_our_directory() -> None:
    argv = vitest.step(command(coverage=True), 60).argv
    assert "--coverage.reportsDirectory=${SHIPWAY_OUT}/vitest-0-coverage" in argv


def test_a_missing_coverage_provider_names_the_package_to_add() -> None:
    step = StepRun(
        argv=("vitest",),
        cwd=".",
        seconds=1,
        exit_code=1,
        output=" MISSING DEPENDENCY  Cannot find dependency '@vitest/coverage-v8'\n",
    )
    found = vitest.read(command(), step, Execution(steps=(step,)))
    assert found.unusable == "@vitest/coverage-v8 is missing (pnpm add -D @vitest/coverage-v8)"


def test_printed_text_makes_no_failure_of_a_run_that_ended_well(recorded: Callable[[str], bytes]) -> None:
    output = recorded("vitest-4.log").decode() + "MISSING DEPENDENCY Cannot find dependency 'x'"
    step = StepRun(argv=("vitest",), cwd=".", seconds=1, exit_code=0, output=output)
    files = {"vitest-0.json": b'{"testResults": []}'}
    found = vitest.read(command(), step, Execution(steps=(step,), files=files))
    assert (found.unusable, found.failures) == (None, ())


def test_a_browser_that_is_not_here_is_named() -> None:
    output = (
        "Error: browserType.launch: Executable doesn't exist at /h/.cache/ms-playwright/firefox-1500/firefox/firefox"
    )
    step = StepRun(argv=("vitest",), cwd=".", seconds=1, exit_code=1, output=output)
    found = vitest.read(command(), step, Execution(steps=(step,)))
    assert found.unusable == "no firefox to run Vitest's browser mode in: it is not here"


@pytest.mark.parametrize(
    "full_name",
    [" price compares (a+b) [deep] $1", "price compares (a+b) [deep] $1", "price > compares (a+b) [deep] $1"],
)
def test_the_pattern_for_a_test_alone_fits_its_name_in_every_version(full_name: str) -> None:
    pattern = vitest.pattern((Case(file="a", titles=("price", "compares (a+b) [deep] $1"), status=FAILED),))
    assert re.search(pattern, full_name)
    assert not re.search(pattern, f"{full_name} and more")


def test_failed_tests_run_alone_under_the_same_project_without_other_files() -> None:
    run = command("vitest", "run", "--project=unit", "src/", "-t", "old", "--coverage")
    cases = (Case(file="src/a.test.ts", titles=("x",), status=FAILED),)
    assert vitest.narrowed(run, cases).argv == (
        "vitest", "run", "--project=unit", "src/a.test.ts", "--testNamePattern=^ ?(?:x)$",
    )  # fmt: skip


def test_a_file_with_a_failed_hook_runs_as_a_whole() -> None:
    cases = (Case(file="packages/a/x.test.ts", titles=(), status=FAILED),)
    run = Run(tool="vitest", argv=("vitest", "run"), cwd="packages/a", package="packages/a", key="k")
    assert vitest.narrowed(run, cases).argv == ("vitest", "run", "x.test.ts")


@pytest.mark.parametrize("content", [b"", b"<testsuites>", b"not xml", b'{"testResults": 3}', b"\xff\xfe\x00"])
def test_broken_reports_are_read_as_nothing_and_break_nothing(content: bytes) -> None:
    step = StepRun(argv=("vitest",), cwd=".", seconds=1, exit_code=1)
    files = {"vitest-0.json": content, "vitest-0.xml": content}
    assert vitest.read(command(), step, Execution(steps=(step,), files=files)).cases == ()

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Check, Execution, Status, Step, StepRun, Toolchain, Verdict
from ci.stages import testruns, testverdicts
from ci.stages.testresults import Run
from ci.stages.testruns import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    Executed = Callable[..., Execution]


def plan(*runs: Run, before: tuple[Step, ...] = (), required: tuple[str, ...] = ()) -> Check:
    trial = Trial(runs=runs or (run(),), before=len(before), required=required)
    check = Check(
        stage="unit",
        name="vitest",
        toolchain=Toolchain(name="pnpm", tools={}),
        steps=(*before, *testruns.steps(trial, 60)),
        judge=testverdicts.unjudged,
    )
    return dataclasses.replace(check, judge=functools.partial(testverdicts.judge, check=check, trial=trial))


def run(key: str = "vitest-0", cwd: str = ".", files: tuple[str, ...] = ("a.test.ts",), **more: Any) -> Run:
    return Run(
        tool="vitest", argv=("vitest", "run"), cwd=cwd, package=cwd, key=key, version="4.1.12", files=files, **more
    )


def report(**tests: str | tuple[str, ...]) -> bytes:
    """Write Vitest's report of one file; each test is its status, or its status and its failures."""
    results = []
    for title, told in tests.items():
        status, *messages = (told,) if isinstance(told, str) else told
        results.append({"ancestorTitles": [], "title": title, "status": status, "failureMessages": messages})
    file = {"name": "/workspace/a.test.ts", "status": "passed", "message": "", "assertionResults": results}
    return json.dumps({"testResults": [file]}).encode()


FAILED = ("failed", "Error: no\n    at /workspace/a.test.ts:3:1")


def test_green_tests_are_counted(executed: Executed) -> None:
    check = plan()
    verdict = check.judge(executed(check, files={"vitest-0.json": report(one="passed", two="skipped")}))
    assert (verdict.status, verdict.counts.tests, verdict.counts.skipped) == (Status.PASSED, 1, 1)


def test_tests_that_ran_are_told_by_ids_and_a_failed_one_has_the_id_of_its_own_file(executed: Executed) -> None:
    check = plan()
    elsewhere = ("failed", "Error: no\n    at /workspace/src/sum.ts:3:1")
    files = {"vitest-0.json": report(one="passed", two="skipped", three=elsewhere)}
    verdict = check.judge(executed(check, files=files, codes=(1,)))
    (failure,) = verdict.failures
    assert verdict.executed == ("a.test.ts > one", "a.test.ts > three")
    assert (failure.file, failure.test_id) == ("src/sum.ts", "a.test.ts > three")


def test_a_file_that_two_commands_run_has_each_of_its_tests_twice(executed: Executed) -> None:
    check = plan(run("vitest-0"), run("vitest-1"))
    files = {"vitest-0.json": report(one="passed"), "vitest-1.json": report(one="passed")}
    assert check.judge(executed(check, files=files)).executed == ("a.test.ts > one", "a.test.ts > one (2)")


def test_no_test_at_all_fails_where_there_are_test_files(executed: Executed) -> None:
    check = plan()
    verdict = check.judge(executed(check, files={"vitest-0.json": b'{"testResults": []}'}))
    assert verdict.status is Status.FAILED
    assert verdict.reason == "0 tests ran although there are test files: a.test.ts"


def test_no_test_fails_where_all_of_them_are_skipped(executed: Executed) -> None:
    check = plan()
    verdict = check.judge(executed(check, files={"vitest-0.json": report(one="skipped", two="todo")}))
    assert verdict.status is Status.FAILED
    assert verdict.reason == "0 tests ran: all 2 are skipped although there are test files: a.test.ts"


def test_no_test_and_no_test_file_is_skipped(executed: Executed) -> None:
    check = plan(run(files=()))
    files = {"vitest-0.json": b'{"testResults": []}'}
    assert check.judge(executed(check, files=files, codes=(1,))).status is Status.SKIPPED
    old = check.judge(executed(check, codes=(1,), outputs=("No test files found, exiting with code 1",)))
    assert old.status is Status.SKIPPED


def test_exit_0_without_a_report_is_an_error(executed: Executed) -> None:
    check = plan()
    assert check.judge(executed(check)).status is Status.ERROR
    assert check.judge(executed(check, files={"vitest-0.json": b'{"testResu'})).status is Status.ERROR


def test_a_configuration_that_breaks_is_a_failure_with_its_message(executed: Executed) -> None:
    check = plan()
    output = "failed to load config from /workspace/vitest.config.ts\n\nStartup Error\nError: no such plugin\n  at x"
    verdict = check.judge(executed(check, codes=(1,), outputs=(output,)))
    assert verdict.status is Status.FAILED
    assert "/workspace" not in json.dumps(dataclasses.asdict(verdict.failures[0]))


@pytest.mark.parametrize("code", [126, 127])
def test_a_runner_that_is_not_there_is_an_error(executed: Executed, code: int) -> None:
    check = plan()
    assert check.judge(executed(check, codes=(code,), outputs=("vitest: not found",))).status is Status.ERROR


def test_a_timeout_fails_and_says_what_still_ran() -> None:
    check = plan()
    step = StepRun(argv=("vitest", "run"), cwd=".", seconds=60, timed_out=True, living=("node server.js",))
    verdict = check.judge(Execution(steps=(step,), root="/workspace"))
    assert verdict.status is Status.FAILED
    assert verdict.reason == "vitest timed out after 60 s (still running: node server.js)"


def test_a_red_exit_with_green_tests_fails(executed: Executed) -> None:
    check = plan()
    output = "ERROR: Coverage for lines (50%) does not meet global threshold (80%)"
    files = {"vitest-0.json": report(one="passed")}
    verdict = check.judge(executed(check, files=files, codes=(1,), outputs=(output,)))
    assert verdict.reason == "Coverage for lines (50%) does not meet global threshold (80%)"
    silent = check.judge(executed(check, files=files, codes=(1,), outputs=("something odd\n",)))
    assert (silent.status, silent.failures[0].message) == (Status.FAILED, "something odd")


def test_a_failed_test_fails_whatever_the_exit_code_says(executed: Executed) -> None:
    check = plan()
    verdict = check.judge(executed(check, files={"vitest-0.json": report(one=FAILED)}, codes=(0,)))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "1 of 1 test failed")


def test_a_command_before_the_tests_that_fails_is_what_failed(executed: Executed) -> None:
    check = plan(before=(Step(argv=("tsup",)),))
    verdict = check.judge(executed(check, codes=(1,), outputs=("error: /workspace/x.ts is missing",)))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "tsup: exit code 1")
    assert verdict.failures[0].detail == "error: x.ts is missing"


def test_a_required_suite_that_ran_no_test_fails(executed: Executed) -> None:
    files = {"vitest-0.json": report(metering="skipped", sums="passed")}
    check = plan(required=("metering", "SUMS", "a.test"))
    verdict = check.judge(executed(check, files=files))
    assert [failure.message for failure in verdict.failures] == ["required suite 'metering' ran no test"]


@pytest.mark.parametrize(
    ("required", "title", "ran"),
    [
        ("rls", "urls are joined", False),
        ("rls", "RLS: one tenant sees nothing", True),
        ("rls", "rlsPolicies hold", True),
        ("rls", "RLSPolicies hold", True),
        ("rls", "keeps_rls_on", True),
        ("usage metering", "usage-metering > counts", True),
        ("usageMetering", "usage metering counts", True),
        ("usageMetering", "usagemetering counts", True),
        ("metering usage", "usage metering counts", False),
        ("meter", "metering", False),
        ("---", "one", False),
    ],
)
def test_a_required_name_is_met_by_whole_words_only(
    executed: Executed, required: str, title: str, *, ran: bool
) -> None:
    check = plan(required=(required,))
    verdict = check.judge(executed(check, files={"vitest-0.json": report(**{title: "passed"})}))
    assert (verdict.status is Status.PASSED) is ran


def test_a_red_run_is_followed_by_one_of_the_failed_tests_alone(executed: Executed) -> None:
    check = plan()
    files = {"vitest-0.json": report(one=FAILED, two="passed")}
    second = check.judge(executed(check, files=files, codes=(1,))).second
    assert second is not None
    assert second.id == check.id
    assert second.steps[0].argv[:4] == ("vitest", "run", "a.test.ts", "--testNamePattern=^ ?(?:one)$")
    assert second.repeat == "pnpm exec vitest run a.test.ts"


@pytest.fixture
def look_again(executed: Executed) -> Callable[..., Verdict]:
    """Judge a first run, then the second look at its failures."""

    def judge(first: bytes, second: bytes, *, code: int = 0) -> Verdict:
        check = plan()
        following = check.judge(executed(check, files={"vitest-0.json": first}, codes=(1,))).second
        assert following is not None
        return following.judge(executed(following, files={"vitest-0.json": second}, codes=(code,)))

    return judge


def test_what_passes_alone_is_flaky_and_named(look_again: Callable[..., Verdict]) -> None:
    verdict = look_again(report(one=FAILED, two="passed"), report(one="passed", two="skipped"))
    assert verdict.executed == ("a.test.ts > one", "a.test.ts > two")
    assert (verdict.status, verdict.counts.flaky, verdict.counts.failed) == (Status.FLAKY, 1, 0)
    assert verdict.reason == "1 test failed and then passed when run alone: one"
    assert verdict.counts.tests == 2
    assert verdict.second is None


def test_what_fails_again_stays_failed_without_what_was_flaky(look_again: Callable[..., Verdict]) -> None:
    verdict = look_again(report(one=FAILED, two=FAILED), report(one=FAILED, two="passed"), code=1)
    assert (verdict.status, verdict.counts.failed, verdict.counts.flaky) == (Status.FAILED, 1, 1)
    assert [failure.test for failure in verdict.failures] == ["one"]
    assert verdict.notices == ("flaky: two failed, then passed when run alone",)


def test_a_second_run_that_ran_nothing_or_broke_proves_nothing(look_again: Callable[..., Verdict]) -> None:
    for second in (report(one="skipped"), b"", b'{"testResults": []}'):
        verdict = look_again(report(one=FAILED), second, code=1)
        assert (verdict.status, verdict.second) == (Status.FAILED, None)


def test_a_run_with_retries_of_its_own_is_not_tried_again(executed: Executed) -> None:
    failed_twice = ("failed", "Error: no", "Error: no")
    for check, told in ((plan(), failed_twice), (plan(run(launcher=())), failed_twice)):
        assert check.judge(executed(check, files={"vitest-0.json": report(one=told)}, codes=(1,))).second is None
    retrying = plan(dataclasses.replace(run(), argv=("vitest", "run", "--retry=2")))
    files = {"vitest-0.json": report(one=FAILED)}
    assert retrying.judge(executed(retrying, files=files, codes=(1,))).second is None


def test_a_test_that_its_runner_retried_is_flaky(executed: Executed) -> None:
    check = plan()
    files = {"vitest-0.json": report(one=("passed", "Error: first"), two="passed")}
    verdict = check.judge(executed(check, files=files))
    assert (verdict.status, verdict.counts.flaky) == (Status.FLAKY, 1)
    assert verdict.reason == "1 test passed only when tried again: one"


def test_each_command_runs_its_own_failures_again(executed: Executed) -> None:
    check = plan(run("vitest-0"), run("vitest-1"))
    files = {"vitest-0.json": report(one="passed"), "vitest-1.json": report(two=FAILED)}
    second = check.judge(executed(check, files=files, codes=(0, 1))).second
    assert second is not None
    assert len(second.steps) == 1
    assert "--outputFile.json=${SHIPWAY_OUT}/vitest-1.json" in second.steps[0].argv


def test_another_runner_is_judged_by_its_exit_code_and_says_so(executed: Executed) -> None:
    other = Run(tool="script", argv=("pnpm", "run", "test"), cwd=".", package=".", key="script-0", script="test")
    check = plan(other)
    green, red = executed(check), executed(check, codes=(3,), outputs=("AssertionError: 1 != 2",))
    assert (check.judge(green).status, check.judge(green).counts.tests) == (Status.PASSED, None)
    assert check.judge(green).notices == ("test counts are not available from scripts.test of .",)
    assert check.judge(red).reason == "exit code 3: AssertionError: 1 != 2"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "Really? Warning: Detected unsettled top-level await\nawait asking()\n^\n",
            "Really? Warning: Detected unsett",
        ),
        ("    at a.mjs:1\n2 of 3 wrong\n  }\n", "2 of 3 wrong"),
        ("^\n", "it said nothing"),
    ],
)
def test_the_line_that_tells_most_is_what_another_runner_said(executed: Executed, output: str, said: str) -> None:
    check = plan(Run(tool="script", argv=("node", "ask.mjs"), cwd=".", package=".", key="script-0", script="test"))
    reason = check.judge(executed(check, codes=(13,), outputs=(output,))).reason
    assert reason is not None
    assert reason.startswith(f"exit code 13: {said}")

"""The scheduler over an executor that follows a table: order, slots, what a red check stops and what not."""

from __future__ import annotations

import dataclasses
import errno
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import DiskFullError, NoExecutorError, ToolError
from ci.executors.reuse import Store, keys
from ci.executors.scheduler import Scheduler
from ci.model import Check, CheckRun, Execution, Reuse, Status, StepRun, Toolchain, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakeCheck = Callable[..., Check]


@dataclass(kw_only=True)
class Table:
    """An executor that knows each check's end beforehand; it notes who ran beside whom.

    What is named in `earlier` comes with that end out of a cache of its own, from run-0, where that may be.
    """

    ends: dict[str, int | Exception] = field(default_factory=dict)
    earlier: dict[str, int] = field(default_factory=dict)
    name: str = "table"
    running: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)
    together: list[frozenset[str]] = field(default_factory=list)
    needed: list[tuple[str, ...]] = field(default_factory=list)

    async def execute(self, check: Check) -> Execution:
        """End as the table says, after a moment."""
        self.running.add(check.name)
        self.order.append(check.name)
        self.needed.append(check.needs)
        self.together.append(frozenset(self.running))
        try:
            await anyio.sleep(0.02)
            if check.name in self.earlier and check.reuse is not Reuse.NEVER:
                step = StepRun(argv=("x",), cwd=".", seconds=9.0, exit_code=self.earlier[check.name])
                return Execution(steps=(step,), run="run-0", seconds=9.0)
            end = self.ends.get(check.name, 0)
            if isinstance(end, Exception):
                raise end
            return Execution(steps=(StepRun(argv=("x",), cwd=".", seconds=0.02, exit_code=end),), run="run-1")
        finally:
            self.running.discard(check.name)


@dataclass(kw_only=True)
class Silent:
    """A listener that only remembers who ended."""

    ended: list[str] = field(default_factory=list)

    def check_started(self, check: Check) -> None:
        """Nothing."""

    def check_output(self, identity: str, tail: str) -> None:
        """Nothing."""

    def check_ended(self, check: CheckRun) -> None:
        """Remember it."""
        self.ended.append(check.name)

    def note(self, message: str) -> None:
        """Nothing."""


def judge(execution: Execution) -> Verdict:
    failed = execution.steps[0].exit_code != 0
    return Verdict(status=Status.FAILED if failed else Status.PASSED, reason="red" if failed else None)


def play(
    checks: list[Check],
    tmp_path: Path,
    *,
    slots: int = 2,
    earlier: dict[str, int] | None = None,
    **ends: int | Exception,
) -> tuple[Table, dict[str, CheckRun]]:
    table = Table(ends=ends, earlier=earlier or {})
    made = tuple(checks)
    scheduler = Scheduler(
        executor=table,
        store=Store(tmp_path),
        keys=keys(made, {}),
        run="run-1",
        slots=slots,
        listener=Silent(),
        keep_artifacts=lambda _check, _execution, verdict: verdict,
    )
    runs = anyio.run(scheduler.execute, made)
    return table, {run.name: run for run in runs}


@pytest.fixture
def named(check: MakeCheck) -> MakeCheck:
    def make(name: str, *needs: str, **more: object) -> Check:
        made = check("x", name=name, needs=tuple(f"unit/{need}@." for need in needs), **more)
        return dataclasses.replace(made, judge=judge)

    return make


def test_no_more_checks_run_at_once_than_there_are_slots(named: MakeCheck, tmp_path: Path) -> None:
    table, _ = play([named(f"c{number}") for number in range(6)], tmp_path, slots=2)
    assert max(len(together) for together in table.together) == 2


def test_the_longest_way_goes_first(named: MakeCheck, tmp_path: Path) -> None:
    checks = [
        named("short", weight=1),
        named("long", weight=9),
        named("first", weight=1),
        named("after", "first", weight=20),
    ]
    table, _ = play(checks, tmp_path, slots=1)
    assert table.order == ["first", "after", "long", "short"]


def test_a_check_waits_for_what_it_needs(named: MakeCheck, tmp_path: Path) -> None:
    table, _ = play([named("install"), named("lint", "install"), named("unit", "install")], tmp_path, slots=3)
    assert table.order[0] == "install"
    assert table.together[0] == {"install"}
    assert {"lint", "unit"} in table.together


def test_a_check_that_wants_to_be_alone_is_alone_and_last(named: MakeCheck, tmp_path: Path) -> None:
    checks = [named("lighthouse", alone=True, weight=50), *(named(f"c{number}") for number in range(4))]
    table, _ = play(checks, tmp_path, slots=3)
    assert table.order[-1] == "lighthouse"
    assert table.together[-1] == {"lighthouse"}


def test_one_red_check_hides_no_other(named: MakeCheck, tmp_path: Path) -> None:
    _, runs = play([named("a"), named("b"), named("c")], tmp_path, a=1, c=2)
    assert [run.status for run in runs.values()] == [Status.FAILED, Status.PASSED, Status.FAILED]


def test_what_needs_a_red_check_is_skipped_with_its_name(named: MakeCheck, tmp_path: Path) -> None:
    checks = [named("install"), named("build", "install"), named("e2e", "install", "build"), named("lint", "install")]
    table, runs = play(checks, tmp_path, build=1)
    assert runs["e2e"].status is Status.SKIPPED
    assert runs["e2e"].reason == "unit/build@. failed"
    assert runs["e2e"].blocked
    assert runs["lint"].status is Status.PASSED
    assert "e2e" not in table.order


def test_a_tool_that_cannot_be_had_is_an_error_of_that_check_with_its_code(named: MakeCheck, tmp_path: Path) -> None:
    _, runs = play([named("a"), named("b")], tmp_path, a=ToolError("node 1 cannot be had", hint="try another"))
    assert (runs["a"].status, runs["a"].reason, runs["a"].code) == (
        Status.ERROR,
        "node 1 cannot be had (try another)",
        4,
    )
    assert runs["b"].status is Status.PASSED


def test_a_machine_that_refuses_something_is_an_error_of_that_check(named: MakeCheck, tmp_path: Path) -> None:
    refused = PermissionError(errno.EACCES, "Permission denied", "dist/closed")
    _, runs = play([named("a"), named("b")], tmp_path, a=refused)
    assert (runs["a"].status, runs["a"].code) == (Status.ERROR, None)
    assert runs["a"].reason == "could not be run: dist/closed: Permission denied"
    assert runs["b"].status is Status.PASSED


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_ends_the_run_as_what_it_is(named: MakeCheck, tmp_path: Path, code: int) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        play([named("a"), named("b")], tmp_path, a=OSError(code, "full"))
    assert caught.group_contains(
        DiskFullError, match=r"no space left for unit/a@\. \(free some, or set SHIPWAY_CACHE\)"
    )


def test_a_lost_executor_ends_the_run(named: MakeCheck, tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        play([named("a"), named("b")], tmp_path, a=NoExecutorError("gone"))
    assert caught.group_contains(NoExecutorError)


def test_a_second_look_stands_on_what_the_plan_says_that_its_check_needs(named: MakeCheck, tmp_path: Path) -> None:
    again = dataclasses.replace(named("b"), needs=("audit/build@.",))
    first = dataclasses.replace(
        named("b", "a"), judge=lambda _: Verdict(status=Status.FAILED, reason="red", second=again)
    )
    table, _ = play([named("a"), first], tmp_path)
    assert table.needed == [(), ("unit/a@.",), ("unit/a@.",)]


def test_a_second_look_stands_instead_of_the_first(named: MakeCheck, tmp_path: Path) -> None:
    again = dataclasses.replace(named("again"), judge=lambda _: Verdict(status=Status.FLAKY, reason="passed alone"))
    red = Verdict(status=Status.FAILED, reason="red", artifacts=("shot.png",), second=again)
    first = dataclasses.replace(named("a"), judge=lambda _: red)
    table, runs = play([first], tmp_path)
    assert table.order == ["a", "again"]
    assert (runs["a"].status, runs["a"].reason) == (Status.FLAKY, "passed alone")
    assert runs["a"].artifacts == ("shot.png",), "what the first look left is still to be seen"


def test_a_green_check_is_taken_from_the_store_and_a_red_one_is_not(named: MakeCheck, tmp_path: Path) -> None:
    checks = [named("green"), named("red"), named("after", "green")]
    play(checks, tmp_path, red=1)
    table, runs = play(checks, tmp_path, red=1)
    assert table.order == ["red"]
    assert runs["green"].cached_from == "run-1"
    assert runs["after"].cached_from == "run-1"


def test_the_tools_of_a_check_are_those_that_were_there_and_those_that_its_step_chose(
    named: MakeCheck, tmp_path: Path
) -> None:
    class Provided(Table):
        async def execute(self, check: Check) -> Execution:
            execution = await super().execute(check)
            return dataclasses.replace(execution, tools={"node": "24.19.0", "chromium": "Mine 7.0"})

    def chosen(execution: Execution) -> Verdict:
        return dataclasses.replace(judge(execution), tools={"chromium": "of Playwright 1.65.1"})

    pinned = Toolchain(name="e2e", tools={"node": "24.19.0", "chromium": "153.0.0"})
    made = (
        dataclasses.replace(named("a"), toolchain=pinned, judge=chosen),
        dataclasses.replace(named("b"), toolchain=pinned),
        dataclasses.replace(named("c"), toolchain=pinned),
    )
    scheduler = Scheduler(
        executor=Provided(ends={"c": ToolError("chromium cannot be had")}),
        store=Store(tmp_path),
        keys=keys(made, {}),
        run="run-1",
        slots=3,
        listener=Silent(),
        keep_artifacts=lambda _check, _execution, verdict: verdict,
    )
    runs = anyio.run(scheduler.execute, made)
    assert [run.tools for run in runs] == [
        {"node": "24.19.0", "chromium": "of Playwright 1.65.1"},
        {"node": "24.19.0", "chromium": "Mine 7.0"},
        {},
    ]


def test_writes_and_left_processes_are_told_as_notices(named: MakeCheck, tmp_path: Path) -> None:
    class Messy(Table):
        async def execute(self, check: Check) -> Execution:
            execution = await super().execute(check)
            changed = ("A a", "M b", "D c", "A d")
            return dataclasses.replace(execution, changed=changed, left_behind=("sleep 60",))

    made = (named("a"),)
    scheduler = Scheduler(
        executor=Messy(),
        store=Store(tmp_path),
        keys=keys(made, {}),
        run="run-1",
        slots=1,
        listener=Silent(),
        keep_artifacts=lambda _check, _execution, verdict: verdict,
    )
    (run,) = anyio.run(scheduler.execute, made)
    assert run.status is Status.PASSED
    assert run.notices == ("changed 4 files, discarded: a, b, c, ...", "left 1 process running, ended: sleep 60")


def test_a_green_result_of_an_executors_own_cache_names_its_run_and_keeps_its_seconds(
    named: MakeCheck, tmp_path: Path
) -> None:
    table, runs = play([named("a")], tmp_path, earlier={"a": 0})
    assert (runs["a"].status, runs["a"].cached_from, runs["a"].seconds) == (Status.PASSED, "run-0", 9.0)
    assert table.order == ["a"]
    _, again = play([named("a")], tmp_path)
    assert again["a"].cached_from == "run-0"


@pytest.mark.parametrize(("now", "status"), [(0, Status.PASSED), (1, Status.FAILED)])
def test_a_red_result_of_an_executors_own_cache_is_never_believed(
    named: MakeCheck, tmp_path: Path, now: int, status: Status
) -> None:
    table, runs = play([named("a")], tmp_path, earlier={"a": 1}, a=now)
    assert (runs["a"].status, runs["a"].cached_from) == (status, None)
    assert table.order == ["a", "a"]


def test_a_second_look_never_takes_an_earlier_answer(named: MakeCheck, tmp_path: Path) -> None:
    def again(execution: Execution) -> Verdict:
        second = dataclasses.replace(first, judge=judge)
        return dataclasses.replace(judge(execution), second=second)

    first = dataclasses.replace(named("a"), judge=again)
    table, runs = play([first], tmp_path, earlier={"a": 1}, a=0)
    assert runs["a"].status is Status.PASSED
    assert table.order == ["a", "a", "a"]  # a red answer that is not believed, the first look, the second

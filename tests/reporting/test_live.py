from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
from rich.console import Console

from ci.model import STAGES, Check, Execution, Plan, Skip, Status, Toolchain, Verdict
from ci.reporting.live import PER_SECOND, LiveView

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.model import CheckRun, RunReport

ESCAPE = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")


def planned(run: CheckRun) -> Check:
    """Return a check of which the run could be."""

    def judge(_: Execution) -> Verdict:
        return Verdict(status=Status.PASSED)

    tools = Toolchain(name="node", tools={})
    return Check(stage=run.stage, name=run.name, package=run.package, toolchain=tools, steps=(), judge=judge)


def plan_of(report: RunReport) -> Plan:
    """Return the plan of which the report could tell."""
    checks = tuple(planned(run) for stage in report.stages for run in stage.checks)
    skips = tuple(Skip(stage=stage.name, reason=stage.reason or "") for stage in report.stages if not stage.checks)
    return Plan(checks=checks, skips=skips)


def replay(view: LiveView, report: RunReport) -> None:
    """Tell the view of a whole run, one check after another."""
    for stage in report.stages:
        for run in stage.checks:
            if run.status is not Status.SKIPPED and not run.cached_from:
                view.check_started(planned(run))
                view.check_output(run.id, "first\nlast\n\n")
            view.check_ended(run)


def plain(report: RunReport, directory: str | None = "shipway-report", **options: str) -> list[str]:
    """Return what a run says where there is no terminal."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=options.get("encoding", "utf-8"), write_through=True)
    with LiveView(Console(file=stream, _environ={}), plan=plan_of(report)) as view:
        replay(view, report)
        view.finish(report, directory)
    return stream.buffer.getvalue().decode(stream.encoding).splitlines()


def test_without_a_terminal_each_event_is_a_plain_line(red: RunReport) -> None:
    lines = plain(red)
    assert "lint/eslint@. failed in 7.4 s (138 files, 2 warnings)" in lines
    assert "lint/imports@. passed in 1.8 s (138 files)" in lines
    assert "unit/vitest@packages/core started" in lines
    assert (
        "integration/rls@packages/db skipped: row-level security is not configured: [stages.integration.rls] is missing"
        in lines
    )
    assert "integration/vitest@apps/api flaky in 6.2 s (24 tests, 1 flaky; 1 test failed and then passed)" in lines
    assert not any("\x1b" in line for line in lines)


def test_cached_and_error_have_words_of_their_own(cached: RunReport, error: RunReport) -> None:
    assert "lint/eslint@. cached from run 20261124-091500-11aa" in plain(cached)
    assert "install/pnpm install@. error in 2.2 s (ERR_PNPM_FETCH_404 @receipts/private: Not Found - 404)" in plain(
        error
    )


def test_the_closing_says_each_failure_once_with_place_and_commands(red: RunReport) -> None:
    closing = "\n".join(plain(red)).partition("\n\n")[2]
    for said in (
        "packages/core/src/receipts/total.ts:12:5",
        "apps/api/src/routes/upload.ts:88:11",
        "pnpm exec eslint packages/core/src/receipts/total.ts",
        "shipway run --stage lint",
        "✗ FAILED 6 failures in lint, typecheck, unit, e2e and audit (1 m 03 s, host, 2 slots)",
        "report shipway-report/index.html",
        "≈ flaky integration/vitest@apps/api retries a webhook once",
    ):
        assert closing.count(said) == 1, said
    assert closing.rstrip().endswith("next   shipway run --stage lint")


def test_a_long_message_is_not_cut_into_lines_in_a_log(red: RunReport) -> None:
    lint = red.stages[1]
    failure = replace(lint.checks[0].failures[0], message="x" * 290)
    stage = replace(lint, checks=(replace(lint.checks[0], failures=(failure,)),))
    assert any("x" * 290 in line for line in plain(replace(red, stages=(stage,))))


def test_colours_that_a_ci_host_forces_change_no_line(red: RunReport) -> None:
    stream = io.StringIO()
    console = Console(file=stream, _environ={"FORCE_COLOR": "1", "TERM": "xterm"})
    with LiveView(console, plan=plan_of(red)) as view:
        replay(view, red)
        view.finish(red, "shipway-report")
    assert "\x1b[31" in stream.getvalue() or "\x1b[1;31" in stream.getvalue()
    assert ESCAPE.sub("", stream.getvalue()).splitlines() == plain(red)


def test_a_stream_that_is_not_unicode_gets_letters_it_has(red: RunReport) -> None:
    lines = plain(red, encoding="ascii")
    assert any(line.startswith("x FAILED 6 failures") for line in lines)


def test_a_run_without_a_report_directory_names_none(green: RunReport) -> None:
    assert not any("index.html" in line for line in plain(green, None))


def frame(view: LiveView, width: int, height: int) -> list[str]:
    """Return the picture of now as lines."""
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=height, _environ={})
    view._console = console  # noqa: SLF001 - a picture of the same view in another window
    lines = console.render_lines(view, console.options, pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (80, 20), (40, 12), (80, 8), (20, 3)])
def test_the_picture_is_never_larger_than_the_window(red: RunReport, width: int, height: int) -> None:
    view = LiveView(Console(file=io.StringIO(), _environ={}), plan=plan_of(red))
    for stage in red.stages:
        for run in stage.checks:
            for number in range(12):
                check = replace(planned(run), package=f"packages/多字节-{number}")
                view.check_started(check)
                view.check_output(check.id, f"\x1b[31m{'日本語' * 200}\x1b[0m")
    lines = frame(view, width, height)
    assert len(lines) < height
    assert max(Console(width=500).measure(line).maximum for line in lines if line.strip()) < width


def test_a_running_check_shows_its_last_line_under_its_stage(red: RunReport) -> None:
    view = LiveView(Console(file=io.StringIO(), _environ={}), plan=plan_of(red))
    eslint = red.stages[1].checks[0]
    view.check_started(planned(eslint))
    view.check_output(eslint.id, "one\n\x1b[32mtwo [bold]\x1b[0m\n\n")
    lines = frame(view, 80, 24)
    stage = next(number for number, line in enumerate(lines) if "lint" in line)
    assert "running" in lines[stage]
    assert "0 of 3" in lines[stage]
    assert re.match(r" {4}eslint +0\.\d s  two \[bold\]", lines[stage + 1])


def test_a_red_check_is_named_while_the_rest_runs(red: RunReport) -> None:
    view = LiveView(Console(file=io.StringIO(), _environ={}), plan=plan_of(red))
    view.check_started(planned(red.stages[1].checks[1]))
    view.check_ended(red.stages[1].checks[0])
    (line,) = [line for line in frame(view, 80, 24) if "lint" in line]
    assert "1 of 3, failed: eslint" in line


def test_a_stage_for_which_there_is_nothing_says_so_from_the_start(error: RunReport) -> None:
    view = LiveView(Console(file=io.StringIO(), _environ={}), plan=plan_of(error))
    assert sum("skipped: install failed" in line for line in frame(view, 80, 24)) == 6


def test_a_stage_that_was_not_asked_for_does_not_wait(red: RunReport) -> None:
    plan = plan_of(red)
    lint = Plan(checks=tuple(check for check in plan.checks if check.stage == "lint"))
    lines = frame(LiveView(Console(file=io.StringIO(), _environ={}), plan=lint), 80, 24)
    assert sum("skipped: not asked for" in line for line in lines) == 6
    assert sum("waiting" in line for line in lines) == 1


@contextlib.contextmanager
def terminal(**environment: str) -> Iterator[tuple[Console, list[str]]]:
    """Yield a console on a pseudo-terminal of 80 by 24, and a list that has all it was told when it is closed."""
    leader, follower = pty.openpty()
    heard, said = bytearray(), list[str]()

    def listen() -> None:
        with contextlib.suppress(OSError):  # the other end was closed
            while chunk := os.read(leader, 65536):
                heard.extend(chunk)

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    try:
        with os.fdopen(follower, "w", encoding="utf-8") as file:
            yield Console(file=file, width=80, height=24, _environ={"TERM": "xterm-256color", **environment}), said
    finally:
        listener.join(10)
        os.close(leader)
        said.append(heard.decode())


def test_on_a_terminal_the_picture_goes_and_the_closing_stays(red: RunReport) -> None:
    with terminal() as (console, told), LiveView(console, plan=plan_of(red)) as view:
        replay(view, red)
        view.finish(red, "shipway-report")
    (said,) = told
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h") == 1
    assert "\x1b[1A\x1b[2K" * len(STAGES) in said.rpartition("\x1b[?25h")[2]
    assert "started" not in said
    assert ESCAPE.sub("", said).count("FAILED 6 failures") == 1


def test_the_clock_moves_without_events_and_not_too_often(red: RunReport) -> None:
    async def watch(console: Console) -> None:
        eslint = planned(red.stages[1].checks[0])
        with LiveView(console, plan=plan_of(red)) as view:
            view.check_started(eslint)
            async with anyio.create_task_group() as group:
                group.start_soon(view.keep_time)
                with anyio.move_on_after(0.6):
                    while True:
                        view.check_output(eslint.id, "busy")
                        await anyio.sleep(0.001)
                group.cancel_scope.cancel()

    with terminal() as (console, told):
        anyio.run(watch, console)
    assert 3 <= told[0].count("integration") <= PER_SECOND


def test_an_exception_gives_the_terminal_back() -> None:
    with terminal() as (console, told), pytest.raises(ValueError, match="boom"), LiveView(console):
        raise ValueError("boom")
    assert told[0].count("\x1b[?25l") == told[0].count("\x1b[?25h") == 1


def test_no_color_leaves_the_colours_out(red: RunReport) -> None:
    def coloured(**environment: str) -> bool:
        with terminal(**environment) as (console, told), LiveView(console) as view:
            view.finish(red, None)
        return re.search(r"\x1b\[[\d;]*3\d[;m]", told[0]) is not None

    assert coloured()
    assert not coloured(NO_COLOR="1")


def test_every_stage_of_the_model_has_its_line() -> None:
    view = LiveView(Console(file=io.StringIO(), _environ={}))
    lines = frame(view, 80, 24)
    assert [line.split()[1] for line in lines if line.strip()] == [stage.name for stage in STAGES]

"""The terminal while a run goes on: a line for each stage, its running checks below; plain lines without a terminal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

import anyio
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from ci.model import STAGES, Check, CheckRun, Plan, RunReport, Stage, Status
from ci.outcome import NOT_ASKED
from ci.reporting.closing import say_closing, stage_clock, stage_start
from ci.reporting.terminal import STYLES, on_screen, say
from ci.reporting.wording import GLYPHS, counted, duration, fitted, listed, one_line, outcome
from ci.text import count, disarmed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

PER_SECOND = 8  # redraws, at most
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_WORST = (Status.ERROR, Status.FAILED, Status.FLAKY, Status.PASSED, Status.SKIPPED)


@dataclass(frozen=True, kw_only=True)
class _Running:
    check: Check
    since: float
    tail: str = ""


@dataclass(kw_only=True)
class _Progress:
    """What is known of a stage so far; `planned` is 0 where nobody told how many checks it has."""

    stage: Stage
    planned: int = 0
    skip: str | None = None
    busy: float = 0.0  # seconds in which any of its checks ran, up to `since`
    since: float = 0.0
    ended: list[CheckRun] = field(default_factory=list)
    running: dict[str, _Running] = field(default_factory=dict)

    def seconds(self, now: float) -> float:
        """As the report will count them: without the gaps in which it waits for slots."""
        return self.busy + (now - self.since if self.running else 0.0)

    @property
    def over(self) -> bool:
        """Whether nothing of it is left to run, as far as is known."""
        return not self.running and bool(self.ended) and len(self.ended) >= self.planned

    def status(self) -> Status:
        """The worst that has happened in it."""
        found = {check.status for check in self.ended}
        return next((status for status in _WORST if status in found), Status.SKIPPED)


class LiveView:
    """A Listener that shows a run; use it as a context manager, then `finish`.

    Nothing runs beside the event loop: it redraws when it is told something, at most 8 times a second, and `keep_time`
    (a task of the caller's group) moves the clocks in between.
    """

    def __init__(self, console: Console, *, plan: Plan | None = None) -> None:
        """Draw on `console`; `plan` can also come later, by `expect`."""
        self._console = console
        self._stages = {stage.name: _Progress(stage=stage) for stage in STAGES}
        self._live: Live | None = None
        self._drawn = 0.0
        if plan is not None:
            self.expect(plan)

    def expect(self, plan: Plan) -> None:
        """Take note of what is going to run, so that `3 of 12` can be shown."""
        for stage in self._stages.values():
            stage.planned = sum(1 for check in plan.checks if check.stage == stage.stage.name)
            whole = (skip.reason for skip in plan.skips if skip.stage == stage.stage.name and not skip.name)
            stage.skip = next(whole, None if stage.planned else NOT_ASKED)
        self.refresh()

    def __enter__(self) -> Self:
        """Take the terminal, where there is one that can be redrawn."""
        console = self._console
        if on_screen(console) and console.encoding.lower().startswith("utf"):
            self._live = Live(self, console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal back."""
        self._stop()

    async def keep_time(self) -> None:
        """Move the clocks until cancelled."""
        while True:
            self.refresh()
            await anyio.sleep(1 / PER_SECOND)

    def refresh(self) -> None:
        """Redraw, unless that was done just now."""
        now = time.monotonic()
        if self._live is not None and now - self._drawn >= 1 / PER_SECOND:
            self._drawn = now
            self._live.refresh()

    def check_started(self, check: Check) -> None:
        """The check got its slot."""
        stage = self._stages[check.stage]
        now = time.monotonic()
        if not stage.running:
            stage.since = now
        stage.running[check.id] = _Running(check=check, since=now)
        self._tell(f"{check.id} started")

    def check_output(self, identity: str, tail: str) -> None:
        """The last lines of the running step."""
        running = self._stages[identity.partition("/")[0]].running
        said = [line for line in tail[-2000:].splitlines() if line.strip()]
        if said and identity in running:
            running[identity] = replace(running[identity], tail=disarmed(one_line(said[-1])))
            self.refresh()

    def check_ended(self, check: CheckRun) -> None:
        """The check has its final verdict."""
        stage = self._stages[check.stage]
        now = time.monotonic()
        stage.busy, stage.since = stage.seconds(now), now
        stage.running.pop(check.id, None)
        stage.ended.append(check)
        self._tell(ended_line(check))

    def note(self, message: str) -> None:
        """One line about the run as a whole; it stays on the terminal."""
        say(self._console, one_line(message))
        self.refresh()

    def finish(self, report: RunReport, directory: str | None) -> None:
        """Print the closing part; `directory` is where the report was written."""
        self._stop()
        say_closing(self._console, report, directory)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _tell(self, line: str) -> None:
        if self._live is None:
            say(self._console, one_line(line, 500))
        self.refresh()

    def __rich__(self) -> Group:
        """Return the picture of now: never higher than the terminal, never a line wider."""
        width, height = self._console.width - 1, self._console.height - 1
        now = time.monotonic()
        stages = list(self._stages.values())
        rows = [_stage_row(stage, now, width) for stage in stages]
        room = height - len(rows)
        if room < 1:  # a very low window: what is running matters
            busy = [row for stage, row in zip(stages, rows, strict=True) if stage.running]
            return _narrow((busy or rows)[: max(height, 1)], width)
        shares = _shares([len(stage.running) for stage in stages], room)
        lines: list[Text] = []
        for stage, row, share in zip(stages, rows, shares, strict=True):
            lines += [row, *_running_rows(stage, now, width, share)]
        return _narrow(lines, width)


def _narrow(rows: list[Text], width: int) -> Group:
    for row in rows:
        row.truncate(width, overflow="ellipsis")
    return Group(*rows)


def ended_line(check: CheckRun) -> str:
    """`lint/eslint@. passed in 3.2 s (138 files)`: a check's end in plain words."""
    word = outcome(check)
    if word == "cached":
        return f"{check.id} cached from run {check.cached_from}"
    told = [part for part in (counted(check.counts), check.reason) if part]
    if check.status is Status.SKIPPED:
        return f"{check.id} skipped: {check.reason or 'no reason given'}"
    return f"{check.id} {word} in {duration(check.seconds)}" + (f" ({'; '.join(told)})" if told else "")


def _shares(wanted: list[int], room: int) -> list[int]:
    """Return how many rows each may have: one each in turn, as long as there is room."""
    given = [0] * len(wanted)
    while room > 0 and given != wanted:
        for number, want in enumerate(wanted):
            if given[number] < want and room > 0:
                given[number] += 1
                room -= 1
    return given


def _stage_row(progress: _Progress, now: float, width: int) -> Text:
    stage = progress.stage
    if not progress.running and not progress.ended:
        line = Text(f"· {stage.name:<12}", STYLES["waiting"])
        return line.append(fitted(f"skipped: {progress.skip}" if progress.skip else "waiting", width - line.cell_len))
    seconds = progress.seconds(now)
    status = progress.status()
    bad = status in (Status.FAILED, Status.ERROR)
    word = status.value if progress.over or bad else "running"
    glyph = GLYPHS[status] if progress.over or bad else _SPINNER[int(now * PER_SECOND) % len(_SPINNER)]
    line = stage_start(stage.name, word, glyph)
    line.append(stage_clock(seconds, stage.target), "yellow" if seconds > stage.target else "")
    return line.append(fitted(_so_far(progress), width - line.cell_len), "dim")


def _so_far(progress: _Progress) -> str:
    done, running = len(progress.ended), len(progress.running)
    words = [f"{done} of {max(progress.planned, done + running)}"]
    for name in ("failed", "error"):
        red = [_name(check) for check in progress.ended if check.status.value == name]
        words += [f"{name}: {listed(red, 3)}"] if red else []
    for name in ("flaky", "cached", "skipped"):
        many = sum(1 for check in progress.ended if outcome(check) == name)
        words += [f"{many} {name}"] if many else []
    tests = sum(check.counts.tests or 0 for check in progress.ended)
    return ", ".join([*words, count(tests, "test")] if tests else words)


def _name(check: Check | CheckRun) -> str:
    return check.name if check.package == "." else f"{check.name} {check.package}"


def _running_rows(progress: _Progress, now: float, width: int, share: int) -> Iterable[Text]:
    """Return a row for each running check, longest-running first; the last row counts those without one."""
    running = sorted(progress.running.values(), key=lambda entry: entry.since)
    shown = running if len(running) <= share else running[: max(share - 1, 0)]
    for entry in shown:
        line = (
            Text("    ")
            .append(fitted(_name(entry.check), min(32, width // 3)))
            .append(f" {duration(now - entry.since):>7}  ", "dim")
        )
        yield line.append(fitted(entry.tail, width - line.cell_len), "dim")
    if len(shown) < len(running) and share:
        yield Text(fitted(f"    and {len(running) - len(shown)} more", width), "dim")

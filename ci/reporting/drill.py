"""A drill in few words: as JSON, and why one was not played."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ci.model import Status
from ci.reporting.terminal import STYLES, say
from ci.reporting.wording import GLYPHS, one_line

if TYPE_CHECKING:
    from rich.console import Console

    from ci.model import RunReport


def drill_document(scenario: str, report: RunReport | None, skipped: str | None, code: int) -> dict[str, Any]:
    """Return what came of a drill, and the ones before it, the newest first; without a report nothing was played."""
    known = report.timings if report is not None else ()
    mine = next((each for each in known if report is not None and each.id == report.id), None)
    return {
        "scenario": scenario,
        "skipped": skipped,
        "code": code,
        "id": report.id if report is not None else None,
        "expected": mine.expected if mine is not None else None,
        "reason": mine.reason if mine is not None else None,
        "detected": mine.detected if mine is not None else None,
        "recovered": mine.recovered if mine is not None else None,
        "history": [dataclasses.asdict(each) for each in reversed(known) if each is not mine],
    }


def print_skipped(console: Console, scenario: str, why: str) -> None:
    """Say that it was not played, and why."""
    mark = (f"{GLYPHS[Status.SKIPPED]} skipped ", STYLES["skipped"])
    say(console, Text.assemble(mark, f"drill {one_line(scenario, 60)}: {one_line(why)}"))

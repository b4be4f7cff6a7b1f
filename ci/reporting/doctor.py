"""The lines that `shipway doctor` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from ci.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

MARKS = {
    "fine": ("green", "ok"),
    "wrong": ("red", "wrong"),
    "unknown": ("yellow", "unknown"),
    "absent": ("dim", "none"),
}


def print_findings(console: Console, findings: Sequence[tuple[str, str, str, str]]) -> None:
    """Print what was looked at, how it is, what is said of it, and what to do about it."""
    width = max((len(what) for what, *_ in findings), default=0)
    for what, state, says, fix in findings:
        colour, word = MARKS[state]
        line = f"[{colour}]{word:<7}[/]  {escape(clean(what).ljust(width))}  {escape(clean(says))}"
        console.print(line, soft_wrap=True)
        if fix and state != "fine":
            console.print(f"{' ' * (width + 11)}[dim]-> {escape(clean(fix))}[/]", soft_wrap=True)

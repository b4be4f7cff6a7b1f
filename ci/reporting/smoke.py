"""The lines that `shipway smoke` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from ci.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ci.model import Ruling

COLOURS = {"PASS": "green", "FAIL": "red"}
Line = tuple[str, str, bool, str]


def print_smoke(console: Console, lines: Sequence[Line], ruling: Ruling, notices: Sequence[str]) -> None:
    """Print each probe's point, name, how it ended and what is said of it, and then the ruling."""
    points = max((len(point) for point, *_ in lines), default=0)
    names = max((len(name) for _, name, *_ in lines), default=0)
    for point, name, passed, says in lines:
        mark = "[green]ok [/]" if passed else "[red]red[/]"
        console.print(f"{mark}  {point:<{points}}  {name:<{names}}  {escape(clean(says))}", soft_wrap=True)
    for notice in notices:
        console.print(f"[yellow]note[/] {escape(clean(notice))}", soft_wrap=True)
    colour = COLOURS.get(ruling.ruling, "yellow")
    console.print(f"[{colour}]{ruling.ruling}[/] {escape(clean(ruling.reason))}", soft_wrap=True)

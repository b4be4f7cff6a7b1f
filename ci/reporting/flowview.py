"""A promotion on the terminal while it goes on: a line for each step as it begins and as it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ci.model import Status
from ci.reporting.promotion import word
from ci.reporting.terminal import STYLES, say
from ci.reporting.wording import GLYPHS, duration, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ci.model import FlowStepRun


class FlowView:
    """Who is told as a promotion goes on. `names` are all its steps, in their order."""

    def __init__(self, console: Console, names: Sequence[str]) -> None:
        """Print on `console`."""
        self._console = console
        self._places = {name: place for place, name in enumerate(names, 1)}
        self._width = max(map(len, names), default=0)

    def step_started(self, name: str) -> None:
        """The step begins."""
        say(self._console, Text(f"{self._place(name)} {name} …", style="dim"))

    def step_ended(self, run: FlowStepRun) -> None:
        """It is over, or was done before."""
        line = Text(f"{self._place(run.name)} ")
        line.append(f"{GLYPHS[run.status]} ", style=STYLES[run.status])
        line.append(run.name.ljust(self._width))
        line.append(f"  {duration(run.seconds)}" if run.status is not Status.SKIPPED else f"  {word(run)}")
        if run.reason:
            line.append(f"  {one_line(run.reason)}", style="dim" if run.status is Status.SKIPPED else "")
        say(self._console, line)

    def note(self, line: str) -> None:
        """One line about what goes on."""
        say(self._console, Text(f"      {one_line(line)}", style="dim"))

    def _place(self, name: str) -> str:
        place = self._places.get(name)
        return "     " if place is None else f"{place:>2}/{len(self._places)}"

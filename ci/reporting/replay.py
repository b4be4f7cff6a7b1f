"""The lines that `shipway replay` prints: each ruling of a report, beside what its gate says now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ci.reporting.terminal import STYLES, say
from ci.reporting.wording import one_line
from ci.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from ci.model import Ruling

Replay = tuple["Ruling", "Ruling", tuple[str, ...]]  # as it was kept, as it is made again, what differs


def print_replays(console: Console, replays: Sequence[Replay]) -> None:
    """Print a line for each ruling, what differs below it, and how many are the same."""
    if not replays:
        say(console, "the report has no rulings: there is nothing to make again")
        return
    gates, places = (max(len(one_line(name)) for name in names) for names in zip(*map(_names, replays), strict=True))
    for kept, _, differences in replays:
        word, style = ("differs", STYLES["failed"]) if differences else ("the same", STYLES["passed"])
        facts = f"{one_line(kept.gate):<{gates}}  {one_line(kept.environment):<{places}}  {kept.ruling:<12}  "
        say(console, Text.assemble(facts, (word, style)))
        say(console, *(Text(f"  {one_line(difference, 1000)}") for difference in differences))
    changed = sum(1 for *_, differences in replays if differences)
    say(console, "", f"{changed} of {count(len(replays), 'ruling')} differ" if changed else _all_same(len(replays)))


def replay_document(replays: Sequence[Replay]) -> list[dict[str, Any]]:
    """Return the same as JSON values."""
    return [
        {
            "gate": kept.gate,
            "environment": kept.environment,
            "ruling": kept.ruling,
            "reason": kept.reason,
            "same": not differences,
            "again": {"ruling": again.ruling, "reason": again.reason},
            "differences": list(differences),
        }
        for kept, again, differences in replays
    ]


def _names(replay: Replay) -> tuple[str, str]:
    return replay[0].gate, replay[0].environment


def _all_same(rulings: int) -> str:
    return f"all {rulings} rulings are the same" if rulings > 1 else "the ruling is the same"

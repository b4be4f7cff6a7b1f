"""How Shipway speaks on a terminal and in a log: plain words, one line each, in few colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from ci.text import disarmed

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "passed": "green",
    "cached": "cyan",
    "failed": "bold red",
    "error": "bold magenta",
    "skipped": "dim",
    "flaky": "yellow",
    "held": "yellow",
    "running": "bold",
    "waiting": "dim",
}
_WIDEST = 10_000  # where there is no terminal a line is as long as it needs to be
_ASCII = str.maketrans({"✓": "+", "✗": "x", "≈": "~", "–": "-", "·": "-", "›": ">", "…": "~"})  # noqa: RUF001 - our own marks


def on_screen(console: Console) -> bool:
    """Say whether a person's terminal shows it, which has a width and can be redrawn.

    Forced colours do not make a CI host's log one.
    """
    return console.is_terminal and not console.is_dumb_terminal and console.file.isatty()


def width_of(console: Console) -> int:
    """Return how many cells a line may fill."""
    return console.width if on_screen(console) else _WIDEST


def say(console: Console, *texts: Text | str) -> None:
    """Print each text as one line: no markup, no wrapping, nothing that the stream cannot encode or a host obeys."""
    for text in texts:
        line = _disarmed(text if isinstance(text, Text) else Text(text))
        if not console.encoding.lower().startswith("utf"):
            line = Text(line.plain.translate(_ASCII).encode(console.encoding, "replace").decode(console.encoding))
        console.print(line, soft_wrap=True, highlight=False)


def _disarmed(line: Text) -> Text:
    """Return the line as it may stand in a log, where a terminal's lines may end up too; it loses its colours then."""
    return line if disarmed(line.plain) == line.plain else Text(disarmed(line.plain), line.style)


def say_wrapped(console: Console, text: Text, indent: str) -> None:
    """Print prose; a terminal gets it in lines, all but the first behind the indent, a log in one."""
    if not on_screen(console):
        say(console, text)
        return
    first, *rest = text.wrap(console, max(console.width - len(indent), 20))
    say(console, first, *(Text(indent).append_text(line) for line in rest))

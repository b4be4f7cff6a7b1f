"""Markdown in which text of strangers is only text.

It stands in code spans and code blocks, fenced longer than any run of backticks in it: there it can be no markup, no
link, no image and no @mention.
"""

from __future__ import annotations

import re
import textwrap

from ci.reporting.wording import one_line, shortened

_BACKTICKS = re.compile("`+")


def code(text: str, limit: int = 500) -> str:
    """Return the text as a code span on one line, whatever it holds."""
    flat = one_line(text, limit) or " "
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(flat)), default=0) + 1)
    padding = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{padding}{flat}{padding}{fence}"


def block(text: str, *, indent: str = "") -> str:
    """Return the text as a fenced block, whatever it holds; `indent` keeps it inside a list item."""
    kept = shortened(text, lines=30, width=300)
    fence = "`" * max(3, max((len(run) for run in _BACKTICKS.findall(kept)), default=0) + 1)
    return "\n".join(f"{indent}{line}" for line in (f"{fence}text", *kept.split("\n"), fence))


def set_in(text: str) -> str:
    """Return the text as a block for a pull request's description, of which a host may make a commit's message.

    No line of it begins at the margin, where one could be a trailer.
    """
    return block(textwrap.indent(text, "    "))


def row(*cells: str) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

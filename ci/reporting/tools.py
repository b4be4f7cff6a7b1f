"""The table that `shipway tools` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

MEGABYTE = 1_000_000


def print_tools(console: Console, rows: Iterable[tuple[str, str, str, int | None]]) -> None:
    """Print name, version, state and size (bytes or None) of each tool, a line each."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, version, state, size in rows:
        table.add_row(name, version, state, "" if size is None else f"{size // MEGABYTE} MB")
    console.print(table)

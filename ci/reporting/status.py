"""The screen of `shipway status`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from rich.markup import escape

from ci.text import clean, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

SHORT = 12


class Served(Protocol):
    """What an app serves."""

    @property
    def app(self) -> str:
        """Its name."""

    @property
    def commit(self) -> str | None:
        """None where it does not say."""

    @property
    def behind(self) -> int | None:
        """How many commits of main it does not have."""

    @property
    def trouble(self) -> str:
        """Why it does not say."""


class Standing(Protocol):
    """How an environment stands."""

    @property
    def environment(self) -> str:
        """Its name."""

    @property
    def branch(self) -> str:
        """What it serves."""

    @property
    def served(self) -> Sequence[Served]:
        """By app."""

    @property
    def flow(self) -> str | None:
        """What goes on, or what was last."""

    @property
    def state(self) -> str | None:
        """How that stands."""

    @property
    def reason(self) -> str | None:
        """Why."""

    @property
    def holder(self) -> str | None:
        """Who may change it now."""


def print_status(console: Console, standings: Sequence[Standing]) -> None:
    """Print a block for each environment."""
    if not standings:
        console.print("No environment is configured: a table environments.NAME in shipway.toml says where it is.")
    for standing in standings:
        console.print(f"[bold]{standing.environment}[/]  [dim]{escape(clean(standing.branch))}[/]")
        for each in standing.served:
            console.print(f"  {escape(each.app):<10}  {_served(each)}", soft_wrap=True)
        if standing.flow is not None:
            why = f": {escape(clean(standing.reason))}" if standing.reason else ""
            console.print(f"  {escape(standing.flow)} {standing.state}{why}", soft_wrap=True)
        if standing.holder is not None:
            console.print(f"  held by {escape(clean(standing.holder))}", soft_wrap=True)


def _served(each: Served) -> str:
    if each.commit is None:
        return f"[yellow]unknown[/]: {escape(clean(each.trouble))}"
    if each.behind is None:
        return f"{each.commit[:SHORT]}  [dim]a commit that is not known here: git fetch[/]"
    late = "all of main" if each.behind == 0 else f"{count(each.behind, 'commit')} of main not released"
    return f"{each.commit[:SHORT]}  {late}"

"""A rehearsal's world on the terminal: what there is to open, and who calls what."""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING, Protocol

import anyio
from rich.markup import escape

from ci.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console


PACE = 0.2  # seconds between two looks


class Call(Protocol):
    """One request to a stand-in."""

    @property
    def moment(self) -> float:
        """Seconds since 1970."""

    @property
    def caller(self) -> str:
        """What it calls itself."""

    @property
    def method(self) -> str:
        """HTTP's."""

    @property
    def path(self) -> str:
        """Without the query."""

    @property
    def status(self) -> int | None:
        """None where no answer was finished."""


class StandIn(Protocol):
    """What was called."""

    @property
    def calls(self) -> Sequence[Call]:
        """All of them, in the order in which they were answered."""


def tell_places(console: Console, places: Sequence[tuple[str, str, str]]) -> None:
    """Print what a person can open: name, address, what is to be seen there."""
    names, addresses = (max((len(place[column]) for place in places), default=0) for column in (0, 1))
    console.print()
    for name, address, what in places:  # no table: on a narrow terminal it would cut an address
        line = f"[bold]{escape(name.ljust(names))}[/]  {escape(address.ljust(addresses))}  [dim]{escape(what)}[/]"
        console.print(line, soft_wrap=True)
    console.print("\nCtrl-C ends it. From here on: who calls what.\n")


def tell_checkout(console: Console, checkout: Path, variables: Mapping[str, str]) -> None:
    """Print how a person comes to promote in the world: two lines for a shell."""
    console.print("\nto promote, in another terminal:", soft_wrap=True)
    for line in (
        f"cd {shlex.quote(str(checkout))}",
        *(f"export {name}={shlex.quote(each)}" for name, each in variables.items()),
    ):
        console.print(f"  [bold]{escape(line)}[/]", soft_wrap=True)


async def tell_calls(console: Console, stand_ins: Mapping[str, StandIn]) -> None:
    """Print a line for each call as it comes, in their order, until cancelled."""
    seen = dict.fromkeys(stand_ins, 0)
    while True:
        new = [(call, name) for name, stand_in in stand_ins.items() for call in stand_in.calls[seen[name] :]]
        seen = {name: len(stand_in.calls) for name, stand_in in stand_ins.items()}
        for call, name in sorted(new, key=lambda each: each[0].moment):
            console.print(_line(call, name), markup=False, highlight=False)
        await anyio.sleep(PACE)


def _line(call: Call, name: str) -> str:
    moment = time.strftime("%H:%M:%S", time.localtime(call.moment))
    ended = "cut off" if call.status is None else str(call.status)
    return f"{moment}  {name:<10} {ended:<7} {call.method:<6} {clean(call.path)}  ({clean(call.caller)[:60]})"

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import VendorError
from ci.rehearsal.github import Person
from ci.rehearsal.serving import serving
from ci.vendors.exchange import Patience
from tests.vendors.contract import Holding
from tests.vendors.subjects.github import Both, both, seeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from ci.rehearsal.github import GitHub as StandIn

READER = Person(login="carl", id=104, token="token-of-carl-in-a-rehearsal", role="read")  # noqa: S106 - of a stand-in
QUICK = Patience(request=10.0, whole=30.0, first=0.01, tries=3)


@contextlib.asynccontextmanager
async def held(directory: Path) -> AsyncIterator[tuple[StandIn, Both, Holding]]:
    """Give the stand-in, its clients, and what holds all that they say to the contract."""
    stand_in = seeded(directory)
    async with serving(stand_in) as address:
        holding = Holding("github", address)
        async with both(address, QUICK, holding) as clients:
            yield stand_in, clients, holding


def play(directory: Path, scene: Callable[[StandIn, Both], Awaitable[None]]) -> None:
    """Play a scene in a world of its own."""

    async def run() -> None:
        stand_in = seeded(directory)
        async with serving(stand_in) as address, both(address, QUICK) as clients:
            await scene(stand_in, clients)

    anyio.run(run)


async def refused(awaitable: Awaitable[object], words: str, status: int) -> VendorError:
    """Await a refusal in GitHub's words."""
    with pytest.raises(VendorError, match=words) as raised:
        await awaitable
    assert raised.value.status == status
    return raised.value

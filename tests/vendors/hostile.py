"""What a vendor's tests hand to the suite of hostile answers: a stand-in, a client, its calls and what they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    import httpx

    from ci.rehearsal.standin import StandIn
    from ci.vendors.exchange import Patience


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that a client can be asked for. `effects` counts what it left in the stand-in; None for a read.

    `prepare` makes what must be there before. `asks` is how many requests it takes where all goes well. `quiet` says
    that nothing is read out of a good answer, whose status is `status`.
    """

    run: Callable[[Any], Awaitable[object]]
    effects: Callable[[Any], int] | None = None
    prepare: Callable[[Any], Awaitable[object]] | None = None
    quiet: bool = False
    status: int = 200
    asks: int = 1


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A vendor under hostile answers. `limited` are the headers by which it says how long to wait: here a second.

    `rests` is whether it is left alone for long where it does not say.

    `base` is what stands behind the stand-in's address before the contract's paths; `contract` its name, None where
    there is no OpenAPI document.
    """

    name: str
    stand_in: Callable[[Path], StandIn]
    connect: Callable[[str, Patience, httpx.AsyncBaseTransport | None], Any]
    asked: Mapping[str, Asked]
    secrets: tuple[str, ...]
    limited: Mapping[str, str] = field(default_factory=lambda: {"retry-after": "1"})
    limited_status: int = 429
    rests: bool = False
    limited_body: str = "{}"
    base: str = ""
    contract: str | None = None

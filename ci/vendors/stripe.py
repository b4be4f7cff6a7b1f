"""Stripe, read: which account and which mode a key belongs to. Shipway moves no money.

https://docs.stripe.com/api. The mode comes of the balance's `livemode`, not of the key's prefix; the prefix is looked
at only so that a live key is never even tried where test mode is meant. Without a version in the request an account's
own setting would decide what the answers look like.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from ci.errors import UsageError, VendorError
from ci.vendors.adapter import Adapter
from ci.vendors.answers import Answer, Dialect
from ci.vendors.exchange import Exchange, Patience

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://api.stripe.com"
VERSION = "2023-08-16"  # the one whose description the tests hold; what is read here has not changed since

T = TypeVar("T")


class Kind(enum.StrEnum):
    """What a key may do: everything, or what its permissions say."""

    FULL = "sk"
    RESTRICTED = "rk"


@dataclass(frozen=True, kw_only=True)
class Key:
    """What a key's prefix says: https://docs.stripe.com/keys. Which mode it really is, only Stripe can say."""

    kind: Kind
    live: bool


@dataclass(frozen=True, kw_only=True)
class Amount:
    """Money, in the smallest unit of its currency."""

    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Balance:
    """What an account holds, and whether it is real money."""

    livemode: bool
    available: tuple[Amount, ...] = ()
    pending: tuple[Amount, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose the key is. The answer has no mode: the same id stands for both."""

    id: str
    country: str | None = None
    charges_enabled: bool = False
    details_submitted: bool = False


def key_of(text: str) -> Key:
    """Return what a key is by its prefix. Raises UsageError, without the key, where it is none for a server."""
    kind, _, rest = text.partition("_")
    mode, _, secret = rest.partition("_")
    if kind == "pk":
        raise UsageError("this is Stripe's publishable key", hint="a server needs the secret one, sk_... or rk_...")
    if text.startswith("whsec_"):
        raise UsageError("this is the secret of a webhook endpoint", hint="an API key begins with sk_ or rk_")
    if kind not in set(Kind) or mode not in {"test", "live"} or not secret:
        raise UsageError("this is no key of Stripe's", hint="they begin with sk_test_, sk_live_, rk_test_ or rk_live_")
    return Key(kind=Kind(kind), live=mode == "live")


def _again(answer: Answer) -> bool:
    """Whether Stripe did nothing: a lock, or the same key in flight, or where it says so itself."""
    return answer.status == HTTPStatus.CONFLICT or answer.headers.get("stripe-should-retry") == "true"


DIALECT = Dialect(
    vendor="Stripe",
    headers={"stripe-version": VERSION},
    undone_by=_again,
    final=lambda answer: answer.headers.get("stripe-should-retry") == "false",
)


class Stripe(Adapter):
    """One account in one mode, by an API key."""

    async def balance(self) -> Balance:
        """Return what the account holds, and with it the key's mode. Raises VendorError."""
        return await self._get("/v1/balance", Balance, "balance")

    async def account(self) -> Account:
        """Return whose the key is. Raises VendorError; most restricted keys may not ask."""
        return await self._get("/v1/account", Account, "account")

    async def _get(self, path: str, kind: type[T], name: str) -> T:
        try:
            answer = await self.exchange.ask("GET", path)
        except VendorError as error:
            if error.status != HTTPStatus.FORBIDDEN:
                raise
            raise VendorError(
                error.message,
                hint=f"give the restricted key the permission to read the {name}, or use another key",
                trouble=error.trouble,
                status=error.status,
                code=error.code,
            ) from error
        return self.exchange.read(answer, kind, what=f"the {name}")


def connect(
    key: str,
    *,
    live: bool,
    address: str = ADDRESS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Stripe:
    """Return the client of an account in the mode that is meant.

    Raises UsageError where the key's prefix says that it is another mode, or no such key.
    """
    if key_of(key).live is not live:
        meant, other = ("live", "test") if live else ("test", "live")
        raise UsageError(f"this is a key of Stripe's {other} mode, and {meant} mode is meant; it was not tried")
    authorization = {"authorization": f"Bearer {key}"}
    return Stripe(Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport))

"""Customers of the example's production while a rehearsal lasts: each has an account, and looks at the receipts kept.

Some of them are in Japan, as in life; no test of the example keeps an amount without cents.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import httpx

from ci.rehearsal.customer import subscribe, taken

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

PAUSE = 0.5  # seconds between what one of them does
PATIENCE = 30.0  # seconds for an answer
PAGES = ("/", "/api/receipts", "/api/usage", "/api/receipts")
EURO = {"merchant": "Corner Bakery", "purchasedOn": "2026-01-15", "amount": "12.50", "currency": "EUR", "note": ""}
YEN = {"merchant": "Tsukiji Market", "purchasedOn": "2026-01-16", "amount": "3200", "currency": "JPY", "note": ""}
FREE, MANY = 10, 30  # receipts: of the free plan, of whoever keeps many
GAP = 0.15  # seconds between them: each is told of by a mail, of which Resend takes ten a second


@dataclass(frozen=True, kw_only=True)
class Customer:
    """One of them: a name, and what was kept before the rehearsal begins."""

    name: str
    receipts: Sequence[dict[str, str]] = (EURO,)


def those(*, busy: bool) -> tuple[Customer, ...]:
    """Return who they are; where it is `busy`, two of them kept many receipts with long notes."""
    long = [{**EURO, "note": f"{number} " + f"dinner with the team, table {number}; " * 11} for number in range(MANY)]
    kept = long if busy else [EURO]
    return (
        Customer(name="Ada", receipts=kept),
        Customer(name="Grace", receipts=kept),
        Customer(name="Haruko", receipts=(EURO, YEN)),
        Customer(name="Kenji", receipts=(YEN,)),
        Customer(name="Naoko", receipts=(YEN,)),
    )


@contextlib.asynccontextmanager
async def customers(address: str, people: Sequence[Customer]) -> AsyncIterator[None]:
    """Have them use the web app at `address` for as long as the block lasts. Raises ToolError where one cannot come.

    What goes wrong later is theirs to see, and nothing that they could mend.
    """
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=address, headers={"origin": address}, trust_env=False, timeout=PATIENCE)
            )
            for _ in people
        ]
        async with anyio.create_task_group() as group:
            for customer, client in zip(people, clients, strict=True):
                group.start_soon(_come, customer, client)
        async with anyio.create_task_group() as group:
            for client in clients:
                group.start_soon(_live, client)
            yield
            group.cancel_scope.cancel()


async def _come(customer: Customer, client: httpx.AsyncClient) -> None:
    account = {
        "name": customer.name,
        "email": f"{customer.name.lower()}@customers.test",
        "password": f"{customer.name}'s own password",
    }
    if len(customer.receipts) > FREE:
        await subscribe(str(client.base_url).rstrip("/"), account["email"], account["password"], live=True)
        taken(await client.post("/api/auth/sign-in/email", json=account))
    else:
        taken(await client.post("/api/auth/sign-up/email", json=account))
    for receipt in customer.receipts:
        taken(await client.post("/api/receipts", json=receipt))
        await anyio.sleep(GAP)


async def _live(client: httpx.AsyncClient) -> None:
    while True:
        for page in PAGES:
            with contextlib.suppress(httpx.HTTPError):
                await client.get(page)
            await anyio.sleep(PAUSE)

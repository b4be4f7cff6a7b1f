"""A customer of the example: signs up, and buys a plan at Stripe, as a person does with a browser."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
import httpx

from ci.errors import ToolError

if TYPE_CHECKING:
    from httpx import Response

PLAN = "business"  # holds more than any number of probes uses
TEST_CARD = "4242 4242 4242 4242"  # https://docs.stripe.com/testing
LIVE_CARD = "4111 1111 1111 1111"  # a number that could be one, and is none of those for tests, which live mode refuses
TOLD = 30.0  # seconds in which Stripe must have told of a purchase


async def subscribe(address: str, email: str, password: str, *, live: bool = False) -> None:
    """Have an account with the plan at the example's web `address`; nothing is done twice. Raises ToolError.

    In `live` mode it is paid for with a card that is none for tests.
    """
    async with httpx.AsyncClient(base_url=address, headers={"origin": address}, trust_env=False) as client:
        account = {"name": "Smoke", "email": email, "password": password}
        if not (await client.post("/api/auth/sign-in/email", json=account)).is_success:
            taken(await client.post("/api/auth/sign-up/email", json=account))
        if await _plan(client) == PLAN:
            return
        page = taken(await client.post("/api/billing/checkout", json={"plan": PLAN})).json()["url"]
        paid = await client.post(page, data={"email": email, "number": LIVE_CARD if live else TEST_CARD})
        if paid.status_code != HTTPStatus.SEE_OTHER:
            raise ToolError(f"Stripe's stand-in takes no card: {paid.status_code}")
        with anyio.move_on_after(TOLD):
            while await _plan(client) != PLAN:  # noqa: ASYNC110 - another process is told of it
                await anyio.sleep(0.1)
            return
    raise ToolError(f"the example did not hear of a purchase within {TOLD:.0f} s")


async def _plan(client: httpx.AsyncClient) -> str:
    return str(taken(await client.get("/api/usage")).json()["workspace"]["plan"])


def taken(answer: Response) -> Response:
    """Return an answer that is none of refusal. Raises ToolError."""
    if not answer.is_success:
        path = answer.request.url.path
        raise ToolError(f"the example refuses {path}: {answer.status_code} {answer.text[:200]}")
    return answer

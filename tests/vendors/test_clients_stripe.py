"""Stripe's own library, pointed at the stand-in by its options host, port and protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import pytest

from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import Stripe
from tests.vendors.npm import installed, played
from tests.vendors.subjects.stripe import RESTRICTED, TEST

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_the_library_sells_a_plan_on_the_stand_in_and_verifies_its_webhooks(tmp_path: Path) -> None:
    async def calls() -> None:
        place = await installed("stripe", tmp_path)
        async with serving(Stripe(tmp_path / "world")) as address:
            parts = urlsplit(address)
            told = await played(place, str(parts.hostname), str(parts.port), TEST, RESTRICTED)
        assert told == {
            "livemode": False,
            "request": True,
            "price": "Pro",
            "same": True,
            "otherwise": ["StripeIdempotencyError", 400, None],
            "back": [303, True],
            "session": ["complete", "paid", "active", "Pro"],
            "period": True,
            "active": 1,
            "canceled": "canceled",
            "invoice": 1900,
            "customers": 13,
            "deleted": True,
            "none": ["StripeInvalidRequestError", 404, "resource_missing"],
            "unknown": ["StripeInvalidRequestError", 400, "parameter_unknown"],
            "stranger": ["StripeAuthenticationError", 401, None],
            "restricted": ["StripePermissionError", 403, None],
            "events": [
                "checkout.session.completed",
                "customer.subscription.deleted",
                "customer.subscription.updated",  # it was incomplete
                "customer.subscription.updated",
            ],
            "reference": "tenant-1",
        }

    anyio.run(calls)

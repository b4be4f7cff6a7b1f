"""Resend's own library, pointed at the stand-in by its option baseUrl (RESEND_BASE_URL does the same)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.rehearsal.resend import Resend
from ci.rehearsal.serving import serving
from tests.vendors.npm import installed, played
from tests.vendors.subjects.resend import KEY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_the_library_is_answered_as_by_resend(tmp_path: Path) -> None:
    async def calls() -> None:
        place = await installed("resend", tmp_path)
        async with serving(Resend(tmp_path / "world", seconds=0)) as address:
            told = await played(place, address, KEY)
        assert told == {
            "same": True,
            "otherwise": ["invalid_idempotent_request", 409],
            "sent": ["Welcome", "delivered", ["team@inbox.receipts.test"]],
            "listed": 1,
            "received": ["Welcome"],
            "text": "The token is 4711.",
            "domains": [["receipts.test", "verified"], ["inbox.receipts.test", "verified"]],
            "none": ["not_found", 404],
            "wrong": ["validation_error", 403],
            "stranger": ["invalid_api_key", 403],
        }

    anyio.run(calls)

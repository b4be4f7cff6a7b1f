"""Linear's own library, pointed at the stand-in by its option apiUrl."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.rehearsal.linear import Linear
from ci.rehearsal.serving import serving
from ci.vendors.linear import derived
from tests.vendors.npm import installed, played
from tests.vendors.subjects.linear import KEY

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_the_library_is_answered_as_by_linear(tmp_path: Path) -> None:
    async def calls() -> None:
        place = await installed("linear", tmp_path)
        async with serving(Linear(tmp_path / "world")) as address:
            told = await played(place, address, KEY, derived("incident-1"))
        assert told == {
            "viewer": "Shipway",
            "team": ["REC", "Receipts"],
            "states": 5,
            "label": True,
            "made": [True, True],
            "issue": ["REC-1", "It is ill", "High", "Todo", 0],
            "labels": ["bug"],
            "comment": True,
            "linked": True,
            "found": ["Sentry", "REC-1"],
            "open": 0,
            "seen": 6,
            "none": ["InvalidInputLinearError", "InvalidInput", "Could not find referenced Issue."],
            "twice": ["InvalidInputLinearError", "InvalidInput", "An entity with this id exists already."],
            "stranger": [
                "AuthenticationLinearError",
                "AuthenticationError",
                "Authentication required, not authenticated",
            ],
        }

    anyio.run(calls)

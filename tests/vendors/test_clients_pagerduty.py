"""PagerDuty's own client, whose address must be https: a transport of its HTTP library's leads it to the stand-in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import httpx2
import pagerduty
import pytest

from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.serving import serving
from tests.vendors.subjects.pagerduty import KEY

if TYPE_CHECKING:
    from pathlib import Path


class Leading(httpx2.HTTPTransport):
    """Sends what is for the vendor's address to another one."""

    def __init__(self, address: str) -> None:
        """Take the address in its place."""
        super().__init__()
        self._place = httpx2.URL(address)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Do so."""
        assert request.url.host == "events.pagerduty.com"
        place = {"scheme": self._place.scheme, "host": self._place.host, "port": self._place.port}
        request.url = request.url.copy_with(**place)
        return super().handle_request(request)


def test_the_client_is_answered_as_by_pagerduty(tmp_path: Path) -> None:
    def page(address: str) -> str:
        with pagerduty.EventsApiV2Client(KEY, transport=Leading(address)) as client:
            client.sleep_timer = 0.05  # seconds before it asks again, doubled
            key = client.trigger("Receipts is down", "production", custom_details={"rate": "4 %"})
            assert client.trigger("Receipts is still down", "production", dedup_key=key, severity="error") == key
            assert client.acknowledge(key) == key
            assert client.resolve("none-is-open") == "none-is-open"
            # Version 7.2.0 cannot make a moment of its own.
            client.submit(
                "Deployed",
                source="Shipway",
                timestamp="2026-01-01T00:00:00Z",
                links=[{"href": "https://a.test", "text": "run"}],
            )
            with pytest.raises(pagerduty.HttpError, match=r"payload\.severity") as refused:
                client.trigger("Receipts is down", "production", severity="terrible")
            assert refused.value.response is not None
            assert refused.value.response.status_code == 400
        return key

    async def calls() -> None:
        stand_in = PagerDuty(tmp_path)
        async with serving(stand_in) as address:
            stand_in.faults.add(kind="status", status=502)
            key = await anyio.to_thread.run_sync(page, address)
        (alert,) = stand_in.alerts.values()
        assert (alert["key"], alert["status"], alert["events"]) == (key, "acknowledged", 2)
        assert [change["summary"] for change in stand_in.changes.values()] == ["Deployed"]
        assert stand_in.faults.waiting == []  # it was met, and the client asked again by itself

    anyio.run(calls)

"""Sentry's own SDKs, pointed at the stand-in by their DSN: @sentry/node, @sentry/browser and sentry-sdk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest
import sentry_sdk
from sentry_sdk.transport import HttpTransport

from ci.rehearsal.sentry import TOKEN, Sentry
from ci.rehearsal.serving import serving
from ci.vendors import sentry
from ci.vendors.sentry_values import Place
from tests.vendors.npm import installed, played
from tests.vendors.test_sentry import HOUR

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.long
def test_what_node_and_a_page_send_is_found_again(tmp_path: Path) -> None:
    async def calls() -> None:
        place = await installed("sentry", tmp_path)
        stand_in = Sentry(tmp_path / "world")
        async with serving(stand_in) as address, sentry.connect(TOKEN, "acme", address=address) as client:
            told = await played(place, stand_in.dsn(address, "api"), stand_in.dsn(address, "web"))
            assert (told["sent"], told["streamed"], told["shown"]) == (True, True, True)
            found = {each.title: each for each in await client.issues("")}
            assert set(found) == {"TypeError: card is undefined", "a note", "RangeError: too far"}
            worst = found["TypeError: card is undefined"]
            assert (worst.count, worst.users, worst.culprit, worst.project) == (2, 2, "round in pay", "api")
            assert await client.arrived(told["event"], place=Place(projects=("web",)))
            failures = await client.failures(worst.id)
            assert failures is not None
            assert failures[-1].frames[-1].function == "pay"
            assert {tag.key: tag.value for tag in (await client.events(worst.id))[0].tags}["plan"] == "free"
            [api, web] = await client.error_counts(["api@7", "web@7"], HOUR)
            assert (api.errors, web.errors) == (2, 1)
            assert await client.requests("api@7", HOUR) == 2
            queries = await client.series("spans", "span.op:db", HOUR)
            assert sum(point.value for point in queries) == 1
            health = {each.release: each.sessions for each in await client.health(HOUR)}
            assert health["api@7"] == 1
            assert health["web@7"] >= 1
            assert dict(stand_in.store.reports) == {"api error before_send": 4}
            assert [each["name"] for each in stand_in.store.attachments.values()] == ["cart.json"] * 2
            assert {call.status for call in stand_in.calls} == {200}

    anyio.run(calls)


def test_what_python_sends_is_found_again(tmp_path: Path) -> None:
    def send(dsn: str) -> None:
        client = sentry_sdk.Client(
            dsn=dsn, release="py@1", environment="production", traces_sample_rate=1, default_integrations=False
        )
        assert isinstance(client.transport, HttpTransport)
        with sentry_sdk.isolation_scope() as scope:
            scope.set_client(client)
            scope.set_user({"email": "a@b.test"})
            try:
                dict[str, int]()["nothing"]
            except KeyError:
                sentry_sdk.capture_exception()
            with sentry_sdk.start_transaction(name="GET /py", op="http.server") as span:
                span.set_http_status(503)
            sentry_sdk.start_session()
            sentry_sdk.end_session()
        client.close(timeout=5)

    async def calls() -> None:
        stand_in = Sentry(tmp_path)
        async with serving(stand_in) as address, sentry.connect(TOKEN, "acme", address=address) as client:
            await anyio.to_thread.run_sync(send, stand_in.dsn(address, "api"))
            [issue] = await client.issues("user.email:a@b.test")
            assert issue.title == "KeyError: 'nothing'"
            assert issue.culprit is not None
            assert issue.culprit.endswith("in send")
            assert await client.requests("py@1", HOUR) == 1
            failing = await client.series("spans", "http.status_code:>=500 is_transaction:true", HOUR)
            assert sum(point.value for point in failing) == 1
            [health] = await client.health(HOUR)
            assert (health.release, health.sessions) == ("py@1", 1)

    anyio.run(calls)

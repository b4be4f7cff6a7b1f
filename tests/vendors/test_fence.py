"""Who may write is asked again before each attempt of a write, and no attempt comes after its time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio
import pytest
from starlette.responses import Response

from ci.errors import VendorError
from ci.vendors import smtp
from ci.vendors.pace import Deadline
from tests.vendors.acme import QUICK, LostError, always, asking, fence
from tests.vendors.mailserver import scripted
from tests.vendors.subjects.resend import MAIL

if TYPE_CHECKING:
    from starlette.requests import Request


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_whose_lease_was_lost_between_two_attempts_is_not_sent_again(method: str) -> None:
    async def run() -> None:
        asked, before = fence(2)
        async with asking(always(429, retry_after="0"), before=before) as (exchange, met):
            with pytest.raises(LostError):
                await exchange.ask(method, "/things")
            assert (len(asked), len(met)) == (2, 1)

    anyio.run(run)


def test_a_mail_is_not_handed_in_again_when_the_lease_was_lost() -> None:
    asked, before = fence(2)

    async def run(address: str) -> None:
        client = smtp.connect(address, patience=QUICK, before=before)
        await client.check()
        assert asked == []
        with pytest.raises(LostError):
            await client.send(MAIL, key="incident-1")

    with scripted({"MAIL": "451 later"}) as server:
        anyio.run(run, server.address)
        assert [command[:4] for command in server.commands].count("mail") == 1


def test_a_read_needs_no_lease() -> None:
    async def run() -> None:
        asked, before = fence(1)
        async with asking(always(200), before=before) as (exchange, _):
            await exchange.ask("GET", "/things")
            assert asked == []

    anyio.run(run)


def test_a_machine_that_slept_past_the_time_of_all_tries_does_not_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        answered: list[float] = []

        async def answer(_request: Request) -> Response:
            answered.append(time.monotonic())
            return Response("{}", 429, {"retry-after": "0.3"})

        async with asking(answer) as (exchange, met):
            real, asleep = time.time, exchange.patience.whole + 1
            # The clock that goes on in a sleep jumps while the second attempt is waited for; the other one does not.
            monkeypatch.setattr(
                time, "time", lambda: real() + asleep * bool(answered and time.monotonic() > answered[0] + 0.2)
            )
            with pytest.raises(VendorError, match="429"):
                await exchange.ask("POST", "/things")
            assert len(met) == 1

    anyio.run(run)


def test_a_deadline_is_over_when_one_of_two_clocks_says_so() -> None:
    now = Deadline.after(60)
    assert 50 < now.left <= 60
    assert Deadline(ticks=now.ticks, moment=0.0).left < 0
    assert Deadline(ticks=0.0, moment=now.moment).left < 0

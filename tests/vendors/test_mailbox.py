from __future__ import annotations

import contextlib
import dataclasses
import datetime
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import VendorError
from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.resend import Resend
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.vendors import mailpit, resend, smtp
from ci.vendors.exchange import Patience
from ci.vendors.mailbox import MailpitMailbox, ResendMailbox, Sought, arrival
from tests.vendors.subjects.resend import KEY, MAIL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from ci.rehearsal.standin import StandIn
    from ci.vendors.mail import Carrier
    from ci.vendors.mailbox import Mailbox

    Kind = Callable[[Path], AbstractAsyncContextManager[tuple[StandIn, Carrier, Mailbox]]]

NOW = datetime.datetime.now(datetime.UTC)
WORD, OTHER = "4711", "4712"
SOUGHT = Sought(to=MAIL.to[0], since=NOW, token=WORD)


@contextlib.asynccontextmanager
async def of_mailpit(directory: Path) -> AsyncIterator[tuple[StandIn, Carrier, Mailbox]]:
    stand_in = Mailpit(directory)
    async with (
        serving(stand_in) as address,
        receiving(stand_in) as smtp_address,
        mailpit.connect(address) as client,
    ):
        yield stand_in, smtp.connect(smtp_address), MailpitMailbox(client)


@contextlib.asynccontextmanager
async def of_resend(directory: Path) -> AsyncIterator[tuple[StandIn, Carrier, Mailbox]]:
    stand_in = Resend(directory, seconds=0.1)
    async with serving(stand_in) as address, resend.connect(KEY, address=address) as client:
        mailbox = ResendMailbox(client)
        mailbox.pause = 0.05
        yield stand_in, client, mailbox


both = pytest.mark.parametrize("kind", [of_mailpit, of_resend])


@both
def test_a_mail_is_found_by_its_token_when_it_has_arrived(tmp_path: Path, kind: Kind) -> None:
    async def calls() -> None:
        async with kind(tmp_path) as (_, carrier, mailbox):
            await carrier.send(dataclasses.replace(MAIL, text="another", html=None), key="another")

            async def later() -> None:
                await anyio.sleep(0.3)
                await carrier.send(MAIL, key="one")

            async with anyio.create_task_group() as group:
                group.start_soon(later)
                found = await arrival(mailbox, SOUGHT, within=20)
            assert found is not None
            assert found.subject == MAIL.subject
            assert found.holds("4711")
            assert MAIL.to[0] in found.to

    anyio.run(calls)


@both
def test_one_that_does_not_arrive_is_none_at_the_deadline(tmp_path: Path, kind: Kind) -> None:
    async def calls() -> None:
        async with kind(tmp_path) as (_, carrier, mailbox):
            await carrier.send(MAIL, key="one")
            for other in (
                dataclasses.replace(SOUGHT, token=OTHER),
                dataclasses.replace(SOUGHT, to="others@inbox.receipts.test"),
                dataclasses.replace(SOUGHT, since=NOW + datetime.timedelta(hours=1)),
            ):
                began = time.monotonic()
                assert await arrival(mailbox, other, within=0.5) is None
                assert time.monotonic() - began >= 0.5

    anyio.run(calls)


def test_a_mail_is_found_by_our_own_message_id_which_a_mail_server_leaves_as_it_is(tmp_path: Path) -> None:
    async def calls() -> None:
        async with of_mailpit(tmp_path) as (_, carrier, mailbox):
            posted = await carrier.send(MAIL, key="one")
            await carrier.send(MAIL, key="two")
            found = await arrival(mailbox, Sought(to=MAIL.to[0], since=NOW, message_id=posted.id), within=5)
            assert found is not None
            assert found.message_id == posted.id

    anyio.run(calls)


def test_nothing_is_marked_as_read(tmp_path: Path) -> None:
    async def calls() -> None:
        async with of_mailpit(tmp_path) as (stand_in, carrier, mailbox):
            assert isinstance(stand_in, Mailpit)
            await carrier.send(MAIL, key="one")
            assert await arrival(mailbox, SOUGHT, within=5) is not None
            assert [mail["Read"] for mail in stand_in.mails.values()] == [False]

    anyio.run(calls)


def test_each_mail_is_read_once_however_often_we_look(tmp_path: Path) -> None:
    async def calls() -> None:
        async with of_resend(tmp_path) as (stand_in, carrier, mailbox):
            for number in range(3):
                await carrier.send(dataclasses.replace(MAIL, text="another", html=None), key=str(number))
            await anyio.sleep(0.2)
            stand_in.calls.clear()
            for _ in range(4):
                assert await mailbox.look(SOUGHT) is None
            read = [call.path for call in stand_in.calls if call.path.startswith("/emails/receiving/")]
            assert len(read) == len(set(read)) == 3

    anyio.run(calls)


def test_a_mail_that_is_listed_before_it_can_be_read_is_read_later(tmp_path: Path) -> None:
    async def calls() -> None:
        async with of_resend(tmp_path) as (stand_in, carrier, mailbox):
            await carrier.send(MAIL, key="one")
            stand_in.faults.add(kind="status", status=404, path="/emails/receiving/.", times=2)
            found = await arrival(mailbox, SOUGHT, within=20)
            assert found is not None
            assert found.holds(WORD)

    anyio.run(calls)


def test_mails_for_others_are_not_read(tmp_path: Path) -> None:
    async def calls() -> None:
        async with of_resend(tmp_path) as (stand_in, carrier, mailbox):
            for number in range(3):
                other = dataclasses.replace(MAIL, to=(f"other{number}@inbox.receipts.test",))
                await carrier.send(other, key=str(number))
            await carrier.send(dataclasses.replace(MAIL, to=(f"The Team <{MAIL.to[0].upper()}>",)), key="one")
            stand_in.calls.clear()
            assert await arrival(mailbox, SOUGHT, within=20) is not None
            read = [call.path for call in stand_in.calls if call.path.startswith("/emails/receiving/")]
            assert len(read) == 1

    anyio.run(calls)


@both
def test_a_mailbox_that_cannot_be_read_is_an_error_and_not_a_missing_mail(tmp_path: Path, kind: Kind) -> None:
    async def calls() -> None:
        async with kind(tmp_path) as (stand_in, _, mailbox):
            client = mailbox.mailpit if isinstance(mailbox, MailpitMailbox) else mailbox.resend  # type: ignore[attr-defined]
            client.exchange.patience = Patience(request=1, whole=2, first=0.01, tries=2)
            stand_in.faults.add(kind="status", status=500, times=100)
            with pytest.raises(VendorError):
                await arrival(mailbox, SOUGHT, within=5)

    anyio.run(calls)


@pytest.mark.parametrize(
    "words",
    [
        {},
        {"token": "one two"},
        {"token": '" is:read "'},
        {"token": "a"},
        {"token": "4711", "to": 'x" OR "y@z.test'},
        {"message_id": "<a b@c>"},
    ],
)
def test_what_a_search_could_take_for_more_than_a_word_is_refused(words: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="plain letters"):
        Sought(**{"to": "a@b.test", "since": NOW, **words})  # type: ignore[arg-type]

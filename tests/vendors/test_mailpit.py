from __future__ import annotations

import dataclasses
import email
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.errors import Trouble, VendorError
from ci.rehearsal.mailpit import MOST, Mailpit
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.vendors import mailpit, smtp
from ci.vendors.mail import message
from tests.vendors.contract import Holding
from tests.vendors.subjects.mailpit import PASSWORD, USER
from tests.vendors.subjects.resend import MAIL

if TYPE_CHECKING:
    from pathlib import Path

    from ci.vendors.mail import Mail


def deliver(stand_in: Mailpit, mail: Mail = MAIL, *, key: str = "one", to: tuple[str, ...] | None = None) -> str:
    return stand_in.deliver(message(mail, key=key).as_bytes(), sender="shipway@receipts.test", to=to or mail.to)


def test_all_that_it_sends_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        async with serving(stand_in) as address, receiving(stand_in) as smtp_address:
            await smtp.connect(smtp_address).send(MAIL, key="one")
            holding = Holding("mailpit", address)
            async with mailpit.connect(address, transport=holding) as client:
                (summary,) = await client.search(f'addressed:"{MAIL.to[0]}" "4711"')
                assert (summary.subject, summary.sender) == (MAIL.subject, "shipway@receipts.test")
                source = await client.source(summary)
                assert source is not None
                assert f"<{summary.message_id}>" == email.message_from_bytes(source)["Message-ID"]
                about = await client.about()
                assert (about.mails, about.unread) == (1, 1)  # nothing was marked as read
                await client.remove([summary.id])
                assert await client.source(summary) is None
            assert {seen.rpartition(" ")[0] for seen in holding.seen} == {
                "GET /api/v1/info",
                "GET /api/v1/search",
                "GET /api/v1/message/{ID}/raw",
                "DELETE /api/v1/messages",
            }

    anyio.run(calls)


def test_the_stand_in_answers_by_the_contract_where_no_adapter_asks_too(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        async with serving(stand_in) as address:
            holding = Holding("mailpit", address)
            async with httpx.AsyncClient(base_url=f"{address}/api/v1", transport=holding) as http:
                sent = {
                    "From": {"Email": "a@b.test", "Name": "Żółć"},
                    "To": [{"Email": "c@d.test"}],
                    "Bcc": ["e@f.test"],
                    "Subject": "by the API",
                    "Text": "text",
                    "HTML": "<b>text</b>",
                    "Headers": {"X-Token": "4711"},
                    "Attachments": [{"Filename": "a.svg", "Content": "PHN2Zz4=", "ContentType": "image/svg+xml"}],
                }
                identity = (await http.post("/send", json=sent)).json()["ID"]
                listed = (await http.get("/messages")).json()
                assert (listed["total"], listed["unread"], listed["messages"][0]["ID"]) == (1, 1, identity)
                headers = (await http.get(f"/message/{identity}/headers")).json()
                assert headers["X-Token"] == ["4711"]
                assert (await http.get("/messages")).json()["unread"] == 1
                whole = (await http.get("/message/latest")).json()
                assert (await http.get("/messages")).json()["unread"] == 0  # that one marks it
                assert (whole["From"]["Name"], whole["Text"].strip()) == ("Żółć", "text")
                assert [each["Address"] for each in whole["Bcc"]] == ["e@f.test"]
                (attachment,) = whole["Attachments"]
                part = await http.get(f"/message/{identity}/part/{attachment['PartID']}")
                assert part.content == b"<svg>"
                assert part.headers["content-type"] == "application/octet-stream"  # it could run a script
                assert (await http.put("/messages", json={"IDs": [identity], "Read": False})).text == "ok"
                assert (await http.get("/search", params={"query": "is:unread"})).json()["messages_count"] == 1
                assert (await http.get("/search", params={"query": ""})).status_code == 400
                refused = await http.post("/send", json={"From": {"Email": "nobody"}})
                assert (refused.status_code, list(refused.json())) == (400, ["Error"])
                missing = await http.get("/message/none")
                assert (missing.status_code, missing.text) == (404, "404 page not found")
                assert (await http.delete("/search", params={"query": "subject:API"})).text == "ok"
                assert (await http.get("/messages")).json()["total"] == 0
            assert len({seen.rpartition(" ")[0] for seen in holding.seen}) == 8

    anyio.run(calls)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("4711", True),
        ('"the token is 4711"', True),
        ("to:team@inbox.receipts.test", True),
        ("addressed:hidden@receipts.test", True),
        ("bcc:hidden", True),
        ("from:team", False),
        ('subject:"production is ill"', True),
        ("-subject:production", False),
        ("!is:read has:attachment", True),
        ("message-id:", True),
        ("report.html", True),
        ("4712", False),
    ],
)
def test_it_searches_as_the_real_one_does(tmp_path: Path, query: str, *, found: bool) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        deliver(stand_in, to=(*MAIL.to, "hidden@receipts.test"))
        async with serving(stand_in) as address, mailpit.connect(address) as client:
            assert bool(await client.search(query)) is found

    anyio.run(calls)


def test_a_filter_that_the_stand_in_does_not_know_is_refused_and_not_passed_over(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Mailpit(tmp_path)) as address, mailpit.connect(address) as client:
            await client.search("4711")
            stand_in = Mailpit(tmp_path)
            deliver(stand_in)
            with pytest.raises(VendorError, match="does not know the filter larger:"):
                await client.search("larger:2M")

    anyio.run(calls)


def test_a_search_of_many_pages_is_read_to_its_end(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        for number in range(120):
            deliver(stand_in, key=str(number))
        async with serving(stand_in) as address, mailpit.connect(address) as client:
            assert len({mail.id for mail in await client.search("4711", most=1000)}) == 120
            assert len(await client.search("4711", most=70)) == 70

    anyio.run(calls)


def test_the_newest_are_kept(tmp_path: Path) -> None:
    stand_in = Mailpit(tmp_path)
    first, second = deliver(stand_in), deliver(stand_in)
    for _ in range(MOST - 1):
        deliver(stand_in)
    assert len(stand_in.mails) == len(stand_in.sources) == MOST
    assert first not in stand_in.mails
    assert second in stand_in.mails


def test_to_remove_nothing_leaves_the_mailbox_as_it_is(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        deliver(stand_in)
        async with serving(stand_in) as address, mailpit.connect(address) as client:
            await client.remove([])
            assert (len(stand_in.mails), stand_in.calls) == (1, [])
            async with httpx.AsyncClient() as bare:  # what the real one does, and why
                await bare.request("DELETE", f"{address}/api/v1/messages")
            assert len(stand_in.mails) == 0

    anyio.run(calls)


def test_a_password_is_asked_for_where_there_is_one(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Mailpit(tmp_path, users={USER: PASSWORD})) as address:
            async with mailpit.connect(address, user=USER, password=PASSWORD) as client:
                assert (await client.about()).mails == 0
            async with mailpit.connect(address, user=USER, password="another") as client:  # noqa: S106 - none
                with pytest.raises(VendorError) as raised:
                    await client.about()
                assert (raised.value.trouble, raised.value.status) == (Trouble.DENYING, 401)

    anyio.run(calls)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    identity = deliver(Mailpit(tmp_path))
    again = Mailpit(tmp_path)
    assert list(again.mails) == [identity]
    assert email.message_from_bytes(again.source(identity))["Subject"] == MAIL.subject


def test_its_mail_server_refuses_where_chaos_says_so(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        async with (
            serving(stand_in) as address,
            receiving(stand_in) as smtp_address,
            httpx.AsyncClient(base_url=address) as bare,
        ):
            triggers = {"Recipient": {"ErrorCode": 550, "Probability": 100}}
            told = await bare.put("/api/v1/chaos", json=triggers)
            assert told.json()["Sender"]["Probability"] == 0
            with pytest.raises(VendorError, match="550 Chaos recipient error"):
                await smtp.connect(smtp_address).send(MAIL, key="one")
            await bare.put("/api/v1/chaos", json={})
            await smtp.connect(smtp_address).send(MAIL, key="one")
        assert len(stand_in.mails) == 1

    anyio.run(calls)


@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\xff\xfe\x00 no mail at all",
        b"Subject: =?no-such-charset?b?////?=\r\nFrom: <<<\r\nContent-Type: text/plain; charset=none\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--y\r\n",
        b"Date: never\r\nTo: " + b"a@b.test," * 500 + b"\r\n\r\n",
        b"Subject: =?utf-8?b?%%%?=\r\nContent-Transfer-Encoding: base64\r\n\r\n###",
    ],
)
def test_a_mail_of_any_shape_is_taken_and_told(tmp_path: Path, source: bytes) -> None:
    async def calls() -> None:
        stand_in = Mailpit(tmp_path)
        identity = stand_in.deliver(source, sender="a@b.test", to=("c@d.test",))
        async with serving(stand_in) as address:
            holding = Holding("mailpit", address)
            async with httpx.AsyncClient(base_url=f"{address}/api/v1", transport=holding) as http:
                for path in (f"/message/{identity}", f"/message/{identity}/headers", "/messages"):
                    assert (await http.get(path)).status_code == 200

    anyio.run(calls)


def test_a_person_sees_the_mails_and_nothing_of_them_runs(tmp_path: Path) -> None:
    async def calls() -> None:
        evil = "<script>alert(1)</script>"
        stand_in = Mailpit(tmp_path)
        identity = deliver(stand_in, dataclasses.replace(MAIL, subject=evil, text=evil, html=f'">{evil}'))
        async with serving(stand_in) as address, httpx.AsyncClient(base_url=address) as person:
            for page in (await person.get("/"), await person.get(f"/view/{identity}")):
                assert page.status_code == 200
                assert evil not in page.text
                assert "&lt;script&gt;" in page.text

    anyio.run(calls)

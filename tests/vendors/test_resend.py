from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.errors import Trouble, VendorError
from ci.rehearsal.resend import KEYS, Resend
from ci.rehearsal.serving import serving
from ci.vendors import resend
from ci.vendors.exchange import Patience
from ci.vendors.resend import SENT_OTHERWISE, Outcome
from tests.vendors.contract import Holding
from tests.vendors.subjects.resend import KEY, LONG_AGO, MAIL

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

QUICK = Patience(request=2.0, whole=6.0, first=0.01, tries=3)
TO = MAIL.to[0]


def test_all_that_it_sends_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path, seconds=60)
        async with serving(stand_in) as address:
            holding = Holding("resend", address)
            async with resend.connect(KEY, address=address, transport=holding) as client:
                identity = (await client.send(MAIL, key="one")).id
                assert (await client.send(MAIL, key="one")).id == identity
                sent = await client.sent(identity)
                assert sent is not None
                assert (sent.outcome, sent.subject, sent.to) == (Outcome.UNDERWAY, MAIL.subject, MAIL.to)
                assert await client.received(since=LONG_AGO) == ()
                stand_in.seconds = 0
                sent = await client.sent(identity)
                assert sent is not None
                assert (sent.last_event, sent.outcome) == ("delivered", Outcome.ACCEPTED)
                found = await client.find(to=TO, subject=MAIL.subject, since=LONG_AGO)
                assert found == sent
                (received,) = await client.received(since=LONG_AGO)
                letter = await client.incoming(received.id)
                assert letter is not None
                assert (letter.text, letter.html) == (MAIL.text, MAIL.html)
                assert letter.message_id == sent.message_id
                names = {domain.name: domain.capabilities.receiving for domain in await client.domains()}
                assert names == {"receipts.test": "disabled", "inbox.receipts.test": "enabled"}
            (mail,) = stand_in.mails.values()
            assert mail["attachments"][0]["filename"] == "report.html"
            assert {seen.rpartition(" ")[0] for seen in holding.seen} == {
                "POST /emails",
                "GET /emails",
                "GET /emails/{email_id}",
                "GET /emails/receiving",
                "GET /emails/receiving/{email_id}",
                "GET /domains",
            }

    anyio.run(calls)


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Resend(tmp_path)) as address, resend.connect(KEY, address=address) as client:
            assert await client.sent("4ef9a417-02e9-4d39-ad75-9611e0fcc33c") is None
            assert await client.incoming("4ef9a417-02e9-4d39-ad75-9611e0fcc33c") is None
            assert await client.find(to=TO, subject="another", since=LONG_AGO) is None

    anyio.run(calls)


def test_lists_are_read_to_their_end_and_no_further_than_asked(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path, seconds=0, rate=10_000)
        async with serving(stand_in) as address, resend.connect(KEY, address=address) as client:
            first = (await client.send(dataclasses.replace(MAIL, subject="the first"), key="first")).id
            for number in range(120):
                await client.send(MAIL, key=str(number))
            moment = datetime.datetime.now(datetime.UTC)
            found = await client.find(to=TO, subject="the first", since=LONG_AGO)
            assert found is not None
            assert found.id == first
            assert len(await client.received(since=LONG_AGO, most=1000)) == 121
            assert len(await client.received(since=LONG_AGO, most=7)) == 7
            stand_in.calls.clear()
            assert await client.received(since=moment) == ()
            assert len(stand_in.calls) == 1

    anyio.run(calls)


def test_another_mail_with_a_used_key_is_refused_by_a_code_of_its_own(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path)
        async with serving(stand_in) as address, resend.connect(KEY, address=address) as client:
            await client.send(MAIL, key="one")
            with pytest.raises(VendorError, match="different payload") as raised:
                await client.send(dataclasses.replace(MAIL, text="another"), key="one")
            assert (raised.value.code, raised.value.status) == (SENT_OTHERWISE, 409)
            assert len(stand_in.mails) == 1

    anyio.run(calls)


def test_a_mail_that_is_being_taken_is_waited_for_and_not_sent_twice(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path, pace=0.3)
        patient = Patience(request=2.0, whole=6.0, first=0.2, tries=4)
        ids: list[str] = []
        async with serving(stand_in) as address, resend.connect(KEY, address=address, patience=patient) as client:

            async def send() -> None:
                ids.append((await client.send(MAIL, key="one")).id)

            async with anyio.create_task_group() as group:
                group.start_soon(send)
                group.start_soon(send)
        assert len(set(ids)) == len(stand_in.mails) == 1
        assert 409 in {call.status for call in stand_in.calls}

    anyio.run(calls)


@pytest.mark.parametrize("name", ["daily_quota_exceeded", "monthly_quota_exceeded"])
def test_a_spent_quota_is_told_at_once(tmp_path: Path, name: str) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path)
        body = f'{{"statusCode": 429, "name": "{name}", "message": "no more today"}}'
        async with serving(stand_in) as address, resend.connect(KEY, address=address, patience=QUICK) as client:
            stand_in.faults.add(kind="status", status=429, body=body, times=10)
            with pytest.raises(VendorError, match="no more today") as raised:
                await client.send(MAIL, key="one")
            assert (raised.value.trouble, raised.value.code) == (Trouble.LIMITING, name)
            assert stand_in.faults.waiting[0].times == 9

    anyio.run(calls)


def test_the_reset_of_the_rate_limit_is_waited_for(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path)
        body = '{"statusCode": 429, "name": "rate_limit_exceeded", "message": "slowly"}'
        async with serving(stand_in) as address, resend.connect(KEY, address=address, patience=QUICK) as client:
            stand_in.faults.add(kind="status", status=429, headers={"ratelimit-reset": "1"}, body=body)
            with anyio.fail_after(5):
                began = anyio.current_time()
                await client.send(MAIL, key="one")
                assert anyio.current_time() - began >= 0.9

    anyio.run(calls)


def test_a_key_that_may_only_send_sends_and_is_told_so_for_the_rest(tmp_path: Path) -> None:
    async def calls() -> None:
        sending = list(KEYS)[1]
        async with serving(Resend(tmp_path)) as address:
            async with resend.connect(sending, address=address) as client:
                identity = (await client.send(MAIL, key="one")).id
                with pytest.raises(VendorError, match="restricted to only send emails") as raised:
                    await client.sent(identity)
                assert (raised.value.trouble, raised.value.code) == (Trouble.DENYING, "restricted_api_key")
            async with resend.connect("re_unknown_key", address=address) as client:
                with pytest.raises(VendorError, match="API key is invalid") as raised:
                    await client.domains()
                assert (raised.value.trouble, raised.value.status) == (Trouble.DENYING, 403)
            async with httpx.AsyncClient() as bare:
                assert (await bare.get(f"{address}/domains")).json()["name"] == "missing_api_key"

    anyio.run(calls)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"to": ()}, "Missing `to` field"),
        ({"to": ("nobody",)}, "Invalid `to` field"),
        ({"text": ""}, "Missing `html` or `text` field"),
        ({"sender": "me@elsewhere.test"}, "The elsewhere.test domain is not verified"),
    ],
)
def test_what_it_refuses_is_told_in_its_own_words(tmp_path: Path, change: dict[str, object], words: str) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path)
        mail = dataclasses.replace(MAIL, html=None, **change)  # type: ignore[arg-type]
        async with serving(stand_in) as address, resend.connect(KEY, address=address) as client:
            with pytest.raises(VendorError, match=words):
                await client.send(mail, key="one")
            with pytest.raises(VendorError, match=words):  # and the key keeps nothing of it
                await client.send(mail, key="one")
            assert len(stand_in.mails) == 0

    anyio.run(calls)


def test_a_mail_that_bounces_is_lost(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Resend(tmp_path, seconds=0)) as address, resend.connect(KEY, address=address) as client:
            posted = await client.send(dataclasses.replace(MAIL, to=("bounced@resend.dev",)), key="one")
            sent = await client.sent(posted.id)
            assert sent is not None
            assert sent.outcome is Outcome.LOST

    anyio.run(calls)


def test_a_key_longer_than_the_vendor_takes_still_keeps_a_mail_one(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Resend(tmp_path)) as address, resend.connect(KEY, address=address) as client:
            assert await client.send(MAIL, key="k" * 300) == await client.send(MAIL, key="k" * 300)

    anyio.run(calls)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Resend(tmp_path)) as address, resend.connect(KEY, address=address) as client:
            identity = (await client.send(MAIL, key="one")).id
        async with serving(Resend(tmp_path)) as address, resend.connect(KEY, address=address) as client:
            assert (await client.send(MAIL, key="one")).id == identity
            assert await client.sent(identity) is not None

    anyio.run(calls)


def test_a_subject_of_many_lines_is_one_line_and_harmless(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path)
        mail = dataclasses.replace(MAIL, subject="red\r\nBcc: all@a.test\x1b[31m")
        async with serving(stand_in) as address, resend.connect(KEY, address=address) as client:
            await client.send(mail, key="one")
        assert [each["subject"] for each in stand_in.mails.values()] == ["red"]

    anyio.run(calls)


def test_a_person_sees_the_mails_and_nothing_of_them_runs(tmp_path: Path) -> None:
    async def calls() -> None:
        evil = "<script>alert(1)</script>"
        mail = dataclasses.replace(MAIL, subject=f"{evil}", text=evil, html=f'"{evil}<a href="https://a.test/t">go</a>')
        async with serving(Resend(tmp_path, seconds=0)) as address:
            async with resend.connect(KEY, address=address) as client:
                identity = (await client.send(mail, key="one")).id
            async with httpx.AsyncClient(base_url=address) as person:
                inbox = await person.get("/")
                shown = await person.get(f"/inbox/{identity}")
        assert f'<a href="/inbox/{identity}">' in inbox.text
        assert "delivered" in inbox.text
        for page in (inbox, shown):
            assert evil not in page.text
            assert "&lt;script&gt;" in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
        assert "<iframe" in shown.text
        assert "allow-scripts" not in shown.text

    anyio.run(calls)


def test_a_mail_to_more_than_fifty_goes_out_to_all_of_them_once(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path, seconds=60)
        async with serving(stand_in) as address, resend.connect(KEY, address=address, patience=QUICK) as client:
            everybody = tuple(f"person{number}@receipts.test" for number in range(101))
            many = dataclasses.replace(MAIL, to=everybody)
            posted = await client.send(many, key="żółć")
            assert await client.send(many, key="żółć") == posted
            assert sorted(to for mail in stand_in.mails.values() for to in mail["to"]) == sorted(everybody)
            assert len(stand_in.mails) == 3

    anyio.run(calls)


def test_pages_without_an_end_are_told(tmp_path: Path) -> None:
    async def calls() -> None:
        stand_in = Resend(tmp_path)
        async with serving(stand_in) as address, resend.connect(KEY, address=address, patience=QUICK) as client:
            row = {"id": "d1", "name": "receipts.test", "status": "verified"}
            stand_in.faults.add(
                kind="status", status=200, body=json.dumps({"data": [row], "has_more": True}), times=1000
            )
            with pytest.raises(VendorError, match="its pages have no end"):
                await client.domains()
            assert stand_in.faults.waiting[0].times == 1000 - 2  # the second one says the same as the first

    anyio.run(calls)


def ask(directory: Path, scene: Callable[[Resend, httpx.AsyncClient], Awaitable[None]], **words: Any) -> None:
    async def run() -> None:
        it = Resend(directory, **{"seconds": 0.0, "rate": 1000, **words})
        headers = {"authorization": f"Bearer {next(iter(it.keys))}"}
        async with (
            serving(it) as address,
            httpx.AsyncClient(base_url=address, headers=headers, trust_env=False) as client,
        ):
            await scene(it, client)

    anyio.run(run)


def mail(to: str = "u@x.test", **change: Any) -> dict[str, object]:
    return {"from": "a@receipts.test", "to": [to], "subject": "s", "text": "t", **change}


async def event(client: httpx.AsyncClient, to: str) -> str:
    made = (await client.post("/emails", json=mail(to))).json()["id"]
    return str((await client.get(f"/emails/{made}")).json()["last_event"])


def test_the_sinks_of_the_vendor_end_as_they_say_with_an_addition_and_a_name_too(tmp_path: Path) -> None:
    async def scene(_it: Resend, client: httpx.AsyncClient) -> None:
        for to in ("bounced@resend.dev", "bounced+x@resend.dev", "B <Bounced@resend.dev>"):
            assert await event(client, to) == "bounced"
        assert await event(client, "delivered+x@resend.dev") == "delivered"

    ask(tmp_path, scene)


def test_a_mail_ends_as_it_is_told_to_and_after_a_restart_too(tmp_path: Path) -> None:
    async def scene(it: Resend, client: httpx.AsyncClient) -> None:
        for fate in (
            {"to": "^never@", "event": "sent"},
            {"to": "^late@", "event": "delivery_delayed", "seconds": 0},
            {"to": "^once@", "event": "failed", "times": 1},
        ):
            assert (await client.post("/_stand-in/fates", json=fate)).status_code == 204
        assert [await event(client, f"{name}@x.test") for name in ("never", "late", "once", "once", "who")] == [
            "sent",
            "delivered",
            "failed",
            "delivered",
            "delivered",
        ]
        assert [fate.to for fate in Resend(tmp_path).fates.known] == ["^never@", "^late@"]
        assert (await client.delete("/_stand-in/fates")).status_code == 204
        assert await event(client, "never@x.test") == "delivered"
        wrong: list[Any] = [{"to": "("}, {"to": "a", "event": "opened"}, {"to": "a", "event": "sent", "times": 0}, []]
        for each in wrong:
            assert (await client.post("/_stand-in/fates", json=each)).status_code == 400
        assert it.fates.known == []

    ask(tmp_path, scene)


def test_more_requests_than_a_second_has_room_for_are_refused(tmp_path: Path) -> None:
    async def scene(it: Resend, client: httpx.AsyncClient) -> None:
        answers = [await client.post("/emails", json=mail()) for _ in range(12)]
        late = [answer for answer in answers if answer.status_code == 429]
        assert late
        assert late[0].json()["name"] == "rate_limit_exceeded"
        assert (late[0].headers["retry-after"], late[0].headers["ratelimit-remaining"]) == ("1", "0")
        assert answers[0].headers["ratelimit-limit"] == "2"
        assert len(it.mails) == 12 - len(late)

    ask(tmp_path, scene, rate=2)


def test_a_batch_is_taken_whole_or_not_at_all(tmp_path: Path) -> None:
    async def scene(it: Resend, client: httpx.AsyncClient) -> None:
        whole = await client.post("/emails/batch", json=[mail("a@x.test"), mail("b@x.test")])
        assert [each["id"] for each in whole.json()["data"]] == list(it.mails)
        wrong: list[Any] = [[], {}, [mail(), mail(subject=None)], [mail(attachments=[{"filename": "a"}])]]
        for each in wrong:
            assert (await client.post("/emails/batch", json=each)).status_code == 422
        assert len(it.mails) == 2

    ask(tmp_path, scene)


@pytest.mark.parametrize("change", [{"subject": ["s"]}, {"text": {"a": 1}}, {"from": 5}, {"headers": [1]}])
def test_a_mail_of_other_types_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    async def scene(it: Resend, client: httpx.AsyncClient) -> None:
        assert (await client.post("/emails", json=mail(**change))).status_code == 422
        assert ((await client.get("/")).status_code, len(it.mails)) == (200, 0)

    ask(tmp_path, scene)

"""People are told of an incident: each channel, all at once, one or all of them down, and whoever tells killed."""

from __future__ import annotations

import base64
import dataclasses
import email
import json
import signal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci import config
from ci.journal import LeaseLostError, notices
from ci.journal.notices import Channel, Kind, Sending
from ci.promotion.connected import connected
from ci.promotion.notices.delivering import TOO_LATE, deliver, record, retry_due
from ci.promotion.notices.story import Change, Excerpt, Link, Story
from ci.vendors import linear
from tests.promotion.notified import BAD, GOOD, SECRETS, STORY, TO, killed, made, vendors
from tests.promotion.test_notices_words import ATTACK

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.promotion.notified import Vendors

ALL = (Channel.ISSUE, Channel.MAIL, Channel.PAGE)
STAGED = dataclasses.replace(STORY, environment="staging")


def play(directory: Path, scene: Callable[[Vendors], Awaitable[None]], **changed: str) -> None:
    """Play a scene among the vendors."""

    async def run() -> None:
        async with vendors(directory, **changed) as place:
            await scene(place)

    anyio.run(run)


def test_an_incident_is_told_once_by_every_channel_however_often_it_is_asked_for(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        for _ in range(2):
            told = await place.tell()
            assert (told.said, told.nobody) == ((), False)
            assert {each.channel: each.state for each in told.notices} == dict.fromkeys(ALL, Sending.SENT)
            assert all(each.reference and each.tries == 1 for each in told.notices)
        (mail,) = place.resend.mails.values()
        assert mail["to"] == list(TO)
        assert mail["subject"] == (
            "acme/receipts production rolled back from 3f2a3f2a3f2a to 789b789b789b: new_errors. Users are safe"
        )
        assert [each["filename"] for each in mail["attachments"]] == ["report.html"]
        assert mail["headers"] == {"Auto-Submitted": "auto-generated"}
        (alert,) = place.pagerduty.alerts.values()
        assert (alert["key"], alert["status"], alert["severity"], alert["events"]) == (
            "one",
            "triggered",
            "critical",
            1,
        )
        (issue,) = place.issues()
        assert issue["title"] == "Production was rolled back: new_errors on 3f2a3f2a3f2a"
        assert issue["labels"] == ["shipway:incident"]

    play(tmp_path, scene)


def test_the_end_of_an_incident_resolves_the_page_and_closes_the_issue_with_a_word_once(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        await place.tell()
        for _ in range(2):
            told = await place.end()
            assert (told.said, {each.channel for each in told.notices}) == ((), {Channel.PAGE, Channel.ISSUE})
        assert place.pages() == ["resolved"]
        (issue,) = place.issues()
        assert (issue["state"], issue["state_reason"]) == ("closed", "completed")
        (comment,) = place.github.state.comments.values()
        assert comment["body"].startswith("Over: production serves 789b789b789b, which passed, since 2026-09-21 15:")
        assert len(place.mails()) == 1

    play(tmp_path, scene)


def test_staging_has_its_mails_by_a_server_and_its_issues_at_linear(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        told = await place.tell(STAGED, environment="staging")
        assert (told.said, {each.channel for each in told.notices}) == ((), {Channel.MAIL, Channel.ISSUE})
        assert len(place.letters("one")) == 1
        (task,) = place.tasks()
        assert (task["id"], task["priority"]) == (linear.derived("incident-one"), linear.URGENT)
        await place.end(environment="staging")
        await place.end(environment="staging")
        (task,) = place.tasks()
        assert place.linear.world.follow(task, "state")["type"] == "completed"
        assert len(place.linear.world.shelf("comments")) == 1
        assert place.resend.mails == place.pagerduty.incidents == {}

    play(tmp_path, scene)


def test_an_issue_that_a_person_closed_before_gets_the_word_alone(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        await place.tell()
        async with made(tmp_path, "production") as services:
            assert services.github is not None
            await services.github.issues.change(1, state="closed", reason="not_planned")
        assert (await place.end()).said == ()
        assert [each["state_reason"] for each in place.issues()] == ["not_planned"]
        assert len(place.github.state.comments) == 1

    play(tmp_path, scene)


def test_development_is_told_on_the_terminal(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        lines: list[str] = []
        story = dataclasses.replace(STORY, environment="development")
        for _ in range(2):
            told = await place.tell(story, environment="development", say=lines.append)
        await place.end(environment="development", say=lines.append)
        assert [each.channel for each in told.notices] == [Channel.CONSOLE]
        assert [line.split("\n")[0] for line in lines] == [
            "Development was rolled back.",
            "one: Over: development serves 789b789b789b, which passed, since 2026-09-21 15:13:20 UTC.",
        ]

    play(tmp_path, scene)


def test_a_switch_is_recorded_as_a_change_once_for_each_flow(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        links = (Link(name="deployment", address="https://receipts-3f2a.vercel.example"),)
        change = Change(
            flow="flow-1",
            product="acme/receipts",
            environment="production",
            commit=BAD,
            moment=1_790_000_000.5,
            before=GOOD,
            links=links,
        )
        async with made(tmp_path, "production") as services:
            for each in (
                change,
                change,
                dataclasses.replace(change, flow="flow-2", commit=GOOD, before=BAD, back=True),
            ):
                assert (await record(each, services, place.journal)).said == ()
        assert [each["summary"] for each in place.pagerduty.changes.values()] == [
            "acme/receipts production switched from 789b789b789b to 3f2a3f2a3f2a",
            "acme/receipts production rolled back from 3f2a3f2a3f2a to 789b789b789b",
        ]
        async with made(tmp_path, "staging") as services:
            assert services.pagerduty is None
            told = await record(dataclasses.replace(change, flow="flow-3"), services, place.journal)
            assert told.notices == ()

    play(tmp_path, scene)


DOWN: dict[str, dict[str, Any]] = {
    "500": {"kind": "status", "status": 500},
    "429": {"kind": "status", "status": 429},
    "reset": {"kind": "reset"},
    "denied": {"kind": "status", "status": 401, "body": '{"message": "no such key"}'},
}


@pytest.mark.parametrize("how", ["429", *(pytest.param(how, marks=pytest.mark.long) for how in DOWN if how != "429")])
def test_what_one_channel_cannot_do_keeps_no_other_from_telling_and_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async def scene(place: Vendors) -> None:
        stand_ins = {Channel.PAGE: place.pagerduty, Channel.MAIL: place.resend, Channel.ISSUE: place.github}
        for down, stand_in in stand_ins.items():
            story = dataclasses.replace(STORY, incident=f"{down}")
            stand_in.faults.add(times=1000, **DOWN[how])
            told = await place.tell(story)
            states = {each.channel: each.state for each in told.notices}
            assert states == {each: Sending.FAILED if each is down else Sending.SENT for each in ALL}
            (said,) = told.said
            assert f"the {down} about {down} could not be sent: " in said
            assert "it is tried again in 1 m" in said
            assert not told.nobody
            async with made(tmp_path, "production") as services:
                assert (await retry_due(services, place.journal, say=print)).notices == ()  # its pause is not over
                monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)
                await place.tell(story)
                stand_in.faults.clear()
                (made_up,) = (await retry_due(services, place.journal, say=print)).notices
                assert (made_up.channel, made_up.state, made_up.tries) == (down, Sending.SENT, 3)
                assert (await retry_due(services, place.journal, say=print)).notices == ()
            monkeypatch.undo()
            assert (len(place.mails(down)), len(place.pages(down)), len(place.issues(down))) == (1, 1, 1)

    play(tmp_path, scene)


def test_where_nobody_can_be_told_that_is_said(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9"

    async def scene(place: Vendors) -> None:
        told = await place.tell()
        assert told.nobody
        assert told.said[-1] == "nobody could be told of one"
        assert len(told.said) == len(ALL) + 1
        assert all("cannot be reached" in line for line in told.said[:-1])

    play(tmp_path, scene, resend=nowhere, pagerduty=nowhere, github=nowhere)


def test_production_without_any_channel_says_so(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        (tmp_path / "work/shipway.toml").write_text("")
        told = await place.tell()
        assert (told.notices, told.nobody) == ((), False)
        assert told.said == ("nobody is told of one: [environments.production.notify] names no way",)

    play(tmp_path, scene)


def test_nobody_is_woken_for_what_is_over_but_the_mail_and_the_issue_still_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Vendors) -> None:
        for each in (place.pagerduty, place.resend, place.github):
            each.faults.add(kind="status", status=503, times=1000)
        monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)
        assert (await place.tell()).nobody
        for each in (place.pagerduty, place.resend, place.github):
            each.faults.clear()
        told = await place.end()
        page = next(each for each in place.journal.notices.of("one", Kind.OPENED) if each.channel is Channel.PAGE)
        assert (page.state, page.reason, page.due) == (Sending.FAILED, TOO_LATE, None)
        assert told.said == (f"the page about one could not be sent: {TOO_LATE}; it is not tried again",)
        async with made(tmp_path, "production") as services:
            await retry_due(services, place.journal, say=print)
        assert place.pages() == []
        assert [each["state"] for each in place.issues()] == ["closed"]
        assert len(place.mails()) == 1

    play(tmp_path, scene)


def test_who_is_refused_by_the_mail_server_is_named(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        place.mailpit.smtp_faults.add(kind="refuse", at="RCPT", code=550, to="ada@acme.test")
        settings = tmp_path / "work/shipway.toml"
        both = 'to = ["team@acme.test", "ada@acme.test"]'
        settings.write_text(settings.read_text().replace('to = ["team@acme.test"]', both))
        told = await place.tell(STAGED, environment="staging")
        (said,) = told.said
        assert said.startswith("the mail about one: ada@acme.test does not get it: 550")
        assert (len(place.letters("one")), told.nobody) == (1, False)

    play(tmp_path, scene)


def test_what_is_told_is_what_was_written_down_first(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        place.resend.faults.add(kind="lose", times=2)  # it took the mail, and nobody heard it say so
        assert len((await place.tell()).said) == 1
        told = await place.tell(dataclasses.replace(STORY, reason="another one"))
        assert told.said == ()
        assert len(place.mails()) == 1
        assert "another one" not in json.dumps([place.mails(), place.issues(), dict(place.pagerduty.incidents.items())])

    play(tmp_path, scene)


def test_killed_once_a_mail_is_out_it_comes_once_more_as_the_same_mail(tmp_path: Path) -> None:
    async def scene(place: Vendors) -> None:
        code = await anyio.to_thread.run_sync(killed, tmp_path, "one", "mail", "staging")
        assert code == -signal.SIGKILL
        assert len(place.letters("one")) == 1
        told = await place.tell(STAGED, environment="staging")
        assert told.said == ()
        first, second = place.letters("one")
        assert first == second
        assert len(place.tasks()) == 1

    play(tmp_path, scene)


@pytest.mark.long
@pytest.mark.parametrize("environment", ["production", "staging"])
def test_killed_anywhere_everybody_is_told_once(tmp_path: Path, environment: str) -> None:
    async def scene(place: Vendors) -> None:
        channels = ALL if environment == "production" else (Channel.ISSUE, Channel.MAIL)
        places = [str(number) for number in range(1, 3 * len(channels) + 1)]  # each is written, taken, ended
        for where in [*places, *channels]:
            incident = f"killed-{where}"
            code = await anyio.to_thread.run_sync(killed, tmp_path, incident, where, environment)
            assert code == -signal.SIGKILL, where
            told = await place.tell(dataclasses.replace(STORY, incident=incident), environment=environment)
            assert (told.said, {each.state for each in told.notices}) == ((), {Sending.SENT}), where
            await place.end(incident, environment=environment)
            if environment == "production":
                assert (len(place.mails(incident)), len(place.issues(incident))) == (1, 1), where
                assert place.pages(incident) == ["resolved"], where
            else:
                letters = place.letters(incident)
                assert len(letters) in {1, 2}, where
                assert (len(set(letters)), len(place.tasks(incident))) == (1, 1), where
        assert await anyio.to_thread.run_sync(killed, tmp_path, "whole", "none", environment) == 0

    play(tmp_path, scene)


def test_whoever_lost_the_lease_tells_nobody_and_leaves_it_to_whoever_has_it(tmp_path: Path) -> None:
    async def lost() -> None:
        raise LeaseLostError("the lease is somebody else's")

    async def scene(place: Vendors) -> None:
        root = tmp_path / "work"
        async with connected(config.load(root), "production", root=root, before=lost) as services:
            with pytest.raises(LeaseLostError):
                await deliver(STORY, services, place.journal, say=print)
        assert (place.mails(), place.pages(), place.issues()) == ([], [], [])
        assert {each.state for each in place.journal.notices.of("one")} == {Sending.PENDING}
        assert (await place.tell()).said == ()
        assert (len(place.mails()), len(place.pages()), len(place.issues())) == (1, 1, 1)

    play(tmp_path, scene)


def test_what_somebody_is_at_is_left_to_him_until_he_must_be_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene(place: Vendors) -> None:
        async with made(tmp_path, "production") as services:
            monkeypatch.setattr(notices, "FIRST_PAUSE", 0.0)
            place.resend.faults.add(kind="reset", times=1000)
            await deliver(STORY, services, place.journal, say=print)
            place.resend.faults.clear()
            (mail,) = place.journal.notices.waiting("production")
            assert place.journal.notices.take(mail) is not None  # and he is killed
            assert (await retry_due(services, place.journal, say=print)).notices == ()
            monkeypatch.setattr(notices, "HOLD", 0.0)
            (mail,) = place.journal.notices.waiting("production")
            assert place.journal.notices.take(mail) is not None
            (sent,) = (await retry_due(services, place.journal, say=print)).notices
            assert (sent.channel, sent.state, len(place.mails())) == (Channel.MAIL, Sending.SENT, 1)

    play(tmp_path, scene)


def test_what_strangers_wrote_comes_through_every_channel_and_no_secret_does(tmp_path: Path) -> None:
    known = {"production": ("github", "resend", "pagerduty"), "staging": ("github", "smtp", "linear")}

    def hostile(environment: str) -> Story:
        text = "\n".join((ATTACK, *(f"{name}: {SECRETS[name]}" for name in known[environment])))
        return dataclasses.replace(
            STORY,
            incident=environment,
            environment=environment,
            what=text,
            reason=text,
            excerpts=(Excerpt(name=text, text=text),),
            advice=text,
            report=f"<pre>{SECRETS['github']}</pre>".encode(),
        )

    async def scene(place: Vendors) -> None:
        for environment in known:
            told = await place.tell(hostile(environment), environment=environment)
            assert told.said == ()
        kept = [*place.resend.mails.values(), *place.pagerduty.incidents.values(), *place.github.state.issues.values()]
        kept += place.linear.world.shelf("issues").values()
        for each in kept:
            assert not [name for name, value in SECRETS.items() if value in json.dumps(each)], each
        sources = [email.message_from_bytes(place.mailpit.source(name)) for name in place.mailpit.mails]
        whole = b"".join(part.get_payload(decode=True) or b"" for each in sources for part in each.walk())  # type: ignore[misc]
        journals = b"".join(each.read_bytes() for each in (tmp_path / "journal").rglob("*") if each.is_file())
        for content in (whole, journals):
            assert b"redacted" in content
            assert not [name for name, value in SECRETS.items() if value.encode() in content]
        attached = base64.b64decode(next(iter(place.resend.mails.values()))["attachments"][0]["content"])
        assert attached == b"<pre>[redacted github.token]</pre>"

    play(tmp_path, scene)

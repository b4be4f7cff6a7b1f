from __future__ import annotations

import base64
import dataclasses
import shutil
import socket
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.errors import Trouble, UsageError, VendorError
from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.serving import serving
from ci.rehearsal.sink import receiving
from ci.vendors import letters, smtp
from ci.vendors.exchange import Patience, is_near
from ci.vendors.mail import Attachment, Mail, Posted, message, message_id
from tests.vendors.mailserver import CUT, DRIP, HANG, certificate, scripted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

QUICK = Patience(request=3.0, whole=10.0, first=0.01, tries=3)
IMPATIENT = Patience(request=0.5, whole=1.5, first=0.01, tries=3)
KEY = "incident-1/mail"
PASSWORD = "a-password-of-its-own"  # noqa: S105 - it opens nothing
MAIL = Mail(
    sender="Shipway <shipway@receipts.test>",
    to=("team@receipts.test",),
    subject="production is ill: żółć",
    text="What happened.\n.\n.a line with a dot\nFrom here on",
    html="<p>What happened: <b>żółć</b></p>",
    attachments=(
        Attachment(name="report.html", content=b"<h1>\xff</h1>"),
        Attachment(name="shot.png", content=b"\x89PNG"),
    ),
)
TO = MAIL.to[0]


def send(
    script: Mapping[str, str | Sequence[str]], mail: Mail = MAIL, patience: Patience = QUICK
) -> tuple[Posted | VendorError, list[str], int, int]:
    """Send to a scripted server: what came of it, the commands, the mails that it took, the connections."""

    async def run(address: str) -> Posted | VendorError:
        try:
            return await smtp.connect(address, patience=patience).send(mail, key=KEY)
        except VendorError as error:
            return error

    with scripted(script) as server:
        came = anyio.run(run, server.address)
        return came, server.commands, len(server.mails), server.connections


def test_a_mail_arrives_as_it_was_written(tmp_path: Path) -> None:
    async def calls() -> None:
        mailpit = Mailpit(tmp_path)
        async with receiving(mailpit) as address, smtp.connect(address) as client:
            await client.check()
            posted = await client.send(MAIL, key=KEY)
        (identity,) = mailpit.mails
        letter = letters.read(mailpit.source(identity), identity=identity)
        assert posted == Posted(id=message_id(KEY, MAIL.sender))
        assert (letter.message_id, letter.subject, letter.sender) == (posted.id, MAIL.subject, MAIL.sender)
        assert letter.text.replace("\r\n", "\n").rstrip() == MAIL.text
        assert letter.html.strip() == MAIL.html
        assert mailpit.mails[identity]["Attachments"] == 2

    anyio.run(calls)


def test_a_mail_that_is_sent_again_has_the_same_message_id_and_another_one_has_not() -> None:
    again = [message(MAIL, key=KEY)["Message-ID"] for _ in range(2)]
    assert again[0] == again[1]
    assert message(MAIL, key="incident-2/mail")["Message-ID"] != again[0]
    assert again[0].endswith("@receipts.test>")


@pytest.mark.parametrize("tls", [False, True])
def test_it_encrypts_and_logs_in(tmp_path: Path, *, tls: bool) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here: it makes the certificate")

    async def calls() -> None:
        served, trusted = certificate(tmp_path)
        mailpit = Mailpit(tmp_path)
        users = {"shipway": PASSWORD}
        async with receiving(mailpit, users=users, certificate=served, tls=tls) as address:
            known = smtp.connect(address, user="shipway", password=PASSWORD, trusted=trusted, patience=QUICK)
            await known.send(MAIL, key=KEY)
            assert [mail["Username"] for mail in mailpit.mails.values()] == ["shipway"]
            wrong = smtp.connect(address, user="shipway", password=PASSWORD[1:], trusted=trusted, patience=QUICK)
            with pytest.raises(VendorError) as raised:
                await wrong.send(MAIL, key=KEY)
            assert (raised.value.trouble, raised.value.status) == (Trouble.DENYING, 535)
            stranger = smtp.connect(address, user="shipway", password=PASSWORD, patience=QUICK)
            with pytest.raises(VendorError, match="certificate is not to be trusted") as raised:
                await stranger.check()
            assert raised.value.trouble is Trouble.REFUSING
            assert len(mailpit.mails) == 1

    anyio.run(calls)


def test_without_encryption_nothing_is_sent_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ci.vendors.smtp.is_near", lambda _address: False)
    came, commands, mails, connections = send({})
    assert isinstance(came, VendorError)
    assert "does not offer STARTTLS, so nothing was sent" in str(came)
    assert ([command[:4] for command in commands], mails, connections) == (["ehlo"], 0, 1)


@pytest.mark.parametrize("place", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_temporary_no_is_asked_again_and_then_it_is_sent_once(place: str) -> None:
    good = {"": "220 hello", "EHLO": "250 hello", "DATA": "354 go"}.get(place, "250 ok")
    came, _, mails, connections = send({place: ["451 later", good]})
    assert isinstance(came, Posted), came
    assert connections == 2
    assert mails == (2 if place == "." else 1)  # the first one it gave back


@pytest.mark.parametrize("place", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_temporary_no_that_lasts_is_told_after_a_few_tries(place: str) -> None:
    came, _, _, connections = send({place: "421 too many"})
    assert isinstance(came, VendorError)
    assert (came.trouble, came.status, came.unsettled) == (Trouble.LIMITING, 421, False)
    assert "421 too many" in str(came)
    assert connections == QUICK.tries


@pytest.mark.parametrize("place", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_a_lasting_no_is_told_at_once(place: str) -> None:
    came, _, _, connections = send({place: "554 no\x1b[31m mail from here"})
    assert isinstance(came, VendorError)
    assert (came.trouble, came.status, came.unsettled) == (Trouble.REFUSING, 554, False)
    assert "554 no mail from here" in str(came)
    assert connections == 1


@pytest.mark.parametrize("place", ["", "EHLO", "MAIL", "RCPT", "DATA"])
def test_a_connection_that_breaks_before_the_content_went_out_is_made_again(place: str) -> None:
    good = {"": "220 hello", "EHLO": "250 hello", "DATA": "354 go"}.get(place, "250 ok")
    came, _, mails, connections = send({place: [CUT, good]})
    assert isinstance(came, Posted), came
    assert (mails, connections) == (1, 2)


@pytest.mark.parametrize("how", [CUT, HANG])
def test_one_that_breaks_after_the_content_went_out_is_told_as_unsettled_and_not_sent_again(how: str) -> None:
    came, _, mails, connections = send({".": how}, patience=IMPATIENT)
    assert isinstance(came, VendorError)
    assert (came.trouble, came.unsettled) == (Trouble.UNREACHABLE, True)
    assert (mails, connections) == (1, 1)


@pytest.mark.parametrize("said", ["!!garbage!!", "25 taken", ""])
def test_one_whose_last_answer_has_no_code_is_told_as_unsettled_and_not_sent_again(said: str) -> None:
    came, _, mails, connections = send({".": said})
    assert isinstance(came, VendorError)
    assert (came.trouble, came.unsettled) == (Trouble.UNREADABLE, True)
    assert (mails, connections) == (1, 1)


@pytest.mark.parametrize("place", ["", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [HANG, DRIP])
def test_a_server_that_says_nothing_or_never_ends_is_left_in_time(place: str, how: str) -> None:
    began = time.monotonic()
    came, _, mails, _ = send({place: how}, patience=IMPATIENT)
    assert isinstance(came, VendorError)
    assert (came.trouble, came.unsettled, mails) == (Trouble.UNREACHABLE, False, 0)
    assert time.monotonic() - began < IMPATIENT.whole + 5


def test_an_attempt_ends_in_its_own_time_however_long_all_of_them_may_take() -> None:
    patience = Patience(request=0.3, whole=3600.0, first=0.01, tries=2)

    async def run(address: str) -> None:
        with anyio.fail_after(60), pytest.raises(VendorError, match=r"no answer within 0\.3 s"):
            await smtp.connect(address, patience=patience).send(MAIL, key=KEY)

    with scripted({"MAIL": DRIP}) as server:  # each line comes in time, and there is no last one
        anyio.run(run, server.address)
        assert server.connections == patience.tries


def test_a_server_that_is_no_mail_server_is_told() -> None:
    came, *_, connections = send({"": "HTTP/1.1 400 Bad Request"})
    assert isinstance(came, VendorError)
    assert (came.trouble, came.status, connections) == (Trouble.UNREADABLE, None, 1)


def test_a_server_that_knows_none_of_our_ways_to_log_in_refuses() -> None:
    async def run(address: str) -> None:
        with pytest.raises(VendorError, match="No suitable authentication method") as raised:
            await smtp.connect(address, user="shipway", password=PASSWORD, patience=QUICK).check()
        assert raised.value.trouble is Trouble.REFUSING

    with scripted({"EHLO": "250-hello\r\n250 AUTH GSSAPI"}) as server:
        anyio.run(run, server.address)
        assert server.connections == 1


def test_a_loopback_of_the_newer_kind_is_near_too() -> None:
    server = smtp.connect("smtp://[::1]:25").server
    assert (server.host, server.place) == ("::1", "[::1]:25")
    assert is_near(f"//{server.place}")
    assert not is_near(f"//{smtp.connect('smtp://[2001:db8::1]:25').server.place}")


def test_a_server_that_is_not_there_is_told(unused_port: int) -> None:
    async def run() -> None:
        with pytest.raises(VendorError) as raised:
            await smtp.connect(f"smtp://127.0.0.1:{unused_port}", patience=QUICK).send(MAIL, key=KEY)
        assert (raised.value.trouble, raised.value.unsettled) == (Trouble.UNREACHABLE, False)

    anyio.run(run)


def test_those_who_can_get_it_get_it_and_the_others_are_told() -> None:
    mail = dataclasses.replace(MAIL, to=("gone@a.test", TO, "slow@a.test"))
    came, commands, mails, _ = send({"RCPT": ["550 no such user", "250 ok", "450 greylisted", "250 ok"]}, mail)
    assert isinstance(came, Posted)
    assert came.refused == {"gone@a.test": "550 no such user"}
    assert mails == 2  # the slow one at the second try
    assert [command for command in commands if command.startswith("rcpt")].count(f"rcpt TO:<{TO}>") == 1


def test_who_is_put_off_for_ever_is_told_and_the_others_have_it_once() -> None:
    mail = dataclasses.replace(MAIL, to=(TO, "slow@a.test"))
    came, _, mails, connections = send({"RCPT": ["250 ok", "450 greylisted"]}, mail)
    assert isinstance(came, Posted)
    assert came.refused == {"slow@a.test": "450 greylisted"}
    assert (mails, connections) == (1, QUICK.tries)


def test_a_password_is_in_no_message() -> None:
    told = base64.b64encode(f"\0shipway\0{PASSWORD}".encode()).decode()
    script = {"EHLO": ["250-hello\r\n250 AUTH PLAIN"], "AUTH": f"535 {told} is not {PASSWORD}"}

    async def run(address: str) -> None:
        client = smtp.connect(address, user="shipway", password=PASSWORD, patience=QUICK)
        with pytest.raises(VendorError) as raised:
            await client.check()
        error = raised.value
        said = f"{error} {error!r} {error.__cause__!r} {error.__context__!r} {client.server!r}"
        assert error.trouble is Trouble.DENYING
        assert PASSWORD not in said
        assert told not in said

    with scripted(script) as server:
        anyio.run(run, server.address)


@pytest.mark.parametrize(
    "address",
    [
        "http://a.test",
        "smtp://",
        "a.test:25",
        "smtp://user:word@a.test",
        "smtps://:password@a.test:465",
        "smtp://a.test:99999",
        "smtp://a.test:x",
        "smtp://[::1",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(UsageError) as raised:
        smtp.connect(address)
    assert "word@" not in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [{"to": ("a@b.test\r\nRCPT TO:<c@d.test>",)}, {"to": ("nobody",)}, {"headers": {"X-A": "b\r\nBcc: c@d.test"}}],
)
def test_a_header_cannot_be_smuggled_in(change: dict[str, object]) -> None:
    mail = dataclasses.replace(MAIL, **change)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        send({}, mail)


def test_half_a_character_of_a_log_does_not_keep_a_mail_from_being_sent() -> None:
    mail = dataclasses.replace(MAIL, subject="a \udc80", text="b \udc80", html="c \udc80")
    came, _, mails, _ = send({}, mail)
    assert isinstance(came, Posted)
    assert mails == 1


def test_a_subject_of_many_lines_is_one_line() -> None:
    assert message(dataclasses.replace(MAIL, subject="red\r\nBcc: all@a.test"), key=KEY)["Subject"] == "red"
    assert message(dataclasses.replace(MAIL, subject="red\r\nBcc: all@a.test"), key=KEY)["Bcc"] is None


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Give a port that nobody listens on, for as long as the test lasts."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("fault", "met", "kept", "trouble"),
    [
        ({"kind": "refuse", "at": "MAIL"}, True, 1, None),
        ({"kind": "reset", "at": "RCPT"}, True, 1, None),
        ({"kind": "hang", "at": "RCPT", "seconds": 0.05}, True, 1, None),
        ({"kind": "refuse", "at": "RCPT", "code": 550}, True, 0, "refused"),
        ({"kind": "reset", "at": "DATA"}, True, 0, "unsettled"),
        ({"kind": "lose"}, True, 1, "unsettled"),
        ({"kind": "refuse", "to": "^nobody@"}, False, 1, None),
        ({"kind": "refuse", "after": 1}, False, 1, None),
    ],
)
def test_the_mail_server_fails_as_it_is_told(
    tmp_path: Path,
    fault: dict[str, Any],
    met: bool,  # noqa: FBT001 - a column
    kept: int,
    trouble: str | None,
) -> None:
    async def calls() -> str | None:
        mailpit = Mailpit(tmp_path)
        mailpit.smtp_faults.add(**fault)
        async with receiving(mailpit) as address, smtp.connect(address, patience=QUICK) as client:
            try:
                await client.send(MAIL, key=KEY)
            except VendorError as error:
                return "unsettled" if error.unsettled else "refused"
            finally:
                assert len(mailpit.mails) == kept
                assert (mailpit.smtp_faults.waiting == []) is met
        return None

    assert anyio.run(calls) == trouble


def test_a_mail_server_that_hangs_ends_when_it_is_told_to(tmp_path: Path) -> None:
    async def calls() -> None:
        mailpit = Mailpit(tmp_path)
        mailpit.smtp_faults.add(kind="hang", at="MAIL")
        with anyio.fail_after(30):
            async with receiving(mailpit) as address:
                stream = await anyio.connect_tcp("127.0.0.1", int(address.rpartition(":")[2]))
                await stream.send(b"EHLO here\r\nMAIL FROM:<a@b.test>\r\n")
                while mailpit.smtp_faults.waiting:  # noqa: ASYNC110 - it happens in the server
                    await anyio.sleep(0.01)
        await stream.aclose()

    anyio.run(calls)


@pytest.mark.parametrize(
    "fault",
    [{"kind": "lose", "at": "MAIL"}, {"kind": "cut"}, {"kind": "refuse", "code": 250}, {"kind": "hang", "to": "("}],
)
def test_a_mail_servers_failure_that_makes_no_sense_is_refused(tmp_path: Path, fault: dict[str, object]) -> None:
    async def calls() -> None:
        mailpit = Mailpit(tmp_path)
        async with serving(mailpit) as address, httpx.AsyncClient(base_url=address, trust_env=False) as client:
            assert (await client.post("/_stand-in/smtp-faults", json=fault)).status_code == 400
            assert (await client.post("/_stand-in/smtp-faults", json={"kind": "reset"})).status_code == 204
            assert len(mailpit.smtp_faults.waiting) == 1
            assert (await client.delete("/_stand-in/smtp-faults")).status_code == 204
            assert mailpit.smtp_faults.waiting == []

    anyio.run(calls)

"""Python's own smtplib against the mail server: several mails over one connection, a login, hidden recipients."""

from __future__ import annotations

import smtplib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from ci.rehearsal.mailpit import Mailpit
from ci.rehearsal.sink import receiving
from ci.vendors.mail import message
from tests.vendors.subjects.mailpit import PASSWORD, USER
from tests.vendors.subjects.resend import MAIL

if TYPE_CHECKING:
    from pathlib import Path


def test_smtplib_hands_in_mails_as_at_any_mail_server(tmp_path: Path) -> None:
    def hand_in(address: str) -> None:
        place = urlsplit(address)
        with smtplib.SMTP(str(place.hostname), place.port or 0, local_hostname="localhost", timeout=10) as server:
            with pytest.raises(smtplib.SMTPSenderRefused, match="Authentication required"):
                server.sendmail("a@b.test", ["c@d.test"], b"Subject: first\r\n\r\n")
            with pytest.raises(smtplib.SMTPAuthenticationError):
                server.login(USER, PASSWORD[1:])
            server.login(USER, PASSWORD)
            assert server.send_message(message(MAIL, key="one")) == {}
            assert server.sendmail("a@b.test", ["c@d.test", "hidden@d.test"], b"To: c@d.test\r\n\r\n.\r\nx") == {}

    async def calls() -> None:
        mailpit = Mailpit(tmp_path)
        async with receiving(mailpit, users={USER: PASSWORD}) as address:
            await anyio.to_thread.run_sync(hand_in, address)
        first, second = mailpit.mails.values()
        assert (first["Subject"], first["Username"]) == (MAIL.subject, USER)
        assert [each["Address"] for each in second["Bcc"]] == ["hidden@d.test"]
        assert mailpit.source(second["ID"]).rstrip().endswith(b"\r\n\r\n.\r\nx")

    anyio.run(calls)

"""Any mail server, over SMTP (RFC 5321): login, STARTTLS or TLS from the start, one mail at a time.

SMTP cannot be asked what it did. A mail carries our own Message-ID, so that a mail that is sent again after a kill, or
after its last answer was lost, is known by its readers' programs for the same one.
"""

from __future__ import annotations

import contextlib
import email.utils
import smtplib
import ssl
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import anyio
import anyio.to_thread

from ci.errors import Trouble, UsageError, VendorError
from ci.redact import Redactor
from ci.text import clean, first_line
from ci.vendors.exchange import LOOKED_AT, SAID, Before, Patience, is_near
from ci.vendors.mail import Mail, Posted, message
from ci.vendors.pace import Deadline
from ci.vendors.smtp_wire import (
    PERMANENT,
    POSITIVE,
    TEMPORARY,
    Act,
    Attempt,
    Connection,
    Encrypted,
    Mailing,
    SaidError,
    asked,
    hand_in,
)

SUBMISSION, SMTPS = 587, 465
DENIED = frozenset({530, 534, 535, 538})  # https://www.rfc-editor.org/rfc/rfc4954#section-6
LASTING = frozenset({Trouble.DENYING, Trouble.REFUSING, Trouble.UNREADABLE})  # it says the same at the next try


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where mails are handed in. `tls` is from the first byte on; else STARTTLS, which only a loopback may lack."""

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    trusted: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, as they stand in an address."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Smtp:
    """Hands mails to one server, each over a connection of its own.

    An attempt takes `Patience.request` seconds at most. `before` is awaited before each; what it raises goes through.
    """

    def __init__(self, server: Server, *, patience: Patience | None = None, before: Before | None = None) -> None:
        """Connect to nothing yet."""
        self.server = server
        self.before = before
        self.patience = patience or Patience()
        self.redactor = Redactor({"the mail server's password": server.password, "the mail server's user": server.user})

    async def __aenter__(self) -> Self:
        """Nothing to do."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Nothing to do: no connection outlives a mail."""

    async def check(self) -> None:
        """Connect, encrypt and log in, and send nothing. Raises VendorError."""
        await self._mail(Mailing(waiting=[]), lambda attempt: asked(attempt.connection.noop()))

    async def send(self, mail: Mail, *, key: str) -> Posted:
        """Send the mail, whose Message-ID comes of the key. Raises VendorError, UsageError.

        The error is `unsettled` where the connection broke after the content went out; it is not sent again then.
        Where a server refuses some of the addresses, the others get it, and the answer tells of the refused ones.
        """
        try:
            built = message(mail, key=key)
            content, sender = built.as_bytes(), _address(mail.sender)
            mailing = Mailing(waiting=[_address(each) for each in mail.to])
        except ValueError as error:
            raise UsageError(f"a mail cannot be written: {error}") from error
        await self._mail(mailing, lambda attempt: hand_in(attempt, mailing, sender, content))
        refused = {**mailing.refused, **mailing.later}
        told = {address: self._line(reason) for address, (_, reason) in refused.items()}
        return Posted(id=str(built["Message-ID"]), refused=told)

    async def _mail(self, mailing: Mailing, act: Act) -> None:
        """Act until it is done, or the server's no is a lasting one, or patience ends."""
        deadline = Deadline.after(self.patience.whole)
        pause = self.patience.first
        for left in reversed(range(self.patience.tries)):
            if mailing.waiting and self.before is not None:
                await self.before()
            error = await self._once(act, deadline.left)
            if error is None:
                if not mailing.waiting:
                    return
                error = self._refusal(*next(iter(mailing.later.values())))
            if error.unsettled or error.trouble in LASTING or left == 0 or pause > deadline.left:
                if not mailing.taken:
                    raise error
                for address in mailing.waiting:  # the others have it
                    mailing.later.setdefault(address, (0, error.message))
                return
            await anyio.sleep(pause)
            pause *= 2

    async def _once(self, act: Act, left: float) -> VendorError | None:
        where, timeout = self.server, self.patience.request
        trusted = where.trusted or ssl.create_default_context()
        encrypted = Encrypted(where.host, timeout, trusted) if where.tls else None
        attempt = Attempt(connection=encrypted or Connection(where.host, timeout))
        try:
            with anyio.fail_after(max(0.0, min(left, timeout))):
                await anyio.to_thread.run_sync(self._connected, attempt, trusted, act, abandon_on_cancel=True)
        except SaidError as error:
            return self._refusal(error.code, str(error), unsettled=attempt.open)
        except smtplib.SMTPNotSupportedError as error:
            return self._error(Trouble.REFUSING, str(error))
        except ssl.SSLCertVerificationError as error:
            return self._error(Trouble.REFUSING, f"its certificate is not to be trusted: {error.verify_message}")
        except (OSError, smtplib.SMTPException) as error:  # a TimeoutError is an OSError
            late = isinstance(error, TimeoutError)
            told = f"no answer within {self.patience.request:g} s" if late else str(error) or type(error).__name__
            return self._error(Trouble.UNREACHABLE, told, unsettled=attempt.open)
        finally:
            attempt.hang_up()
        return None

    def _connected(self, attempt: Attempt, trusted: ssl.SSLContext, act: Act) -> None:
        """Act on a connection; this blocks."""
        where, server = self.server, attempt.connection
        asked(server.connect(where.host, where.port))
        asked(server.ehlo())
        if not where.tls and (server.has_extn("starttls") or not is_near(f"//{where.place}")):
            if not server.has_extn("starttls"):
                raise smtplib.SMTPNotSupportedError("it does not offer STARTTLS, so nothing was sent")
            asked(server.starttls(context=trusted))
            asked(server.ehlo())
        if where.user:
            try:
                server.login(where.user, where.password)
            except smtplib.SMTPResponseException as error:
                raise SaidError(error.smtp_code, error.smtp_error) from None
            except smtplib.SMTPServerDisconnected:
                raise
            except smtplib.SMTPException as error:  # it knows none of the ways in which one can log in
                raise smtplib.SMTPNotSupportedError(str(error)) from None
        if attempt.over:
            return
        act(attempt)
        with contextlib.suppress(OSError, smtplib.SMTPException):  # it is done; a goodbye is a courtesy
            server.quit()

    def _refusal(self, code: int, told: str, *, unsettled: bool = False) -> VendorError:
        trouble = Trouble.LIMITING if TEMPORARY <= code < PERMANENT else Trouble.REFUSING
        trouble = Trouble.DENYING if code in DENIED else trouble
        trouble = Trouble.UNREADABLE if code < POSITIVE else trouble
        return self._error(trouble, told, status=code if code > 0 else None, unsettled=unsettled)

    def _error(self, trouble: Trouble, told: str, *, status: int | None = None, unsettled: bool = False) -> VendorError:
        text = f"the mail server {self.server.place} {trouble.value}: {self._line(told)}"
        return VendorError(text, trouble=trouble, status=status, unsettled=unsettled)

    def _line(self, told: str) -> str:
        return first_line(self.redactor.text(first_line(clean(told), LOOKED_AT)), SAID)


def connect(
    address: str,
    *,
    user: str = "",
    password: str = "",
    patience: Patience | None = None,
    trusted: ssl.SSLContext | None = None,
    before: Before | None = None,
) -> Smtp:
    """Return a way to a mail server, by `smtp://host[:port]` (STARTTLS) or `smtps://host[:port]`. Raises UsageError."""
    try:
        parts = urlsplit(address)
        port = parts.port
        good = parts.scheme in {"smtp", "smtps"} and parts.hostname and not parts.username and not parts.password
    except ValueError:  # a port that is none, a bracket that stays open
        good = False
    if not good or not parts.hostname:
        raise UsageError("a mail server's address is smtp://host:port or smtps://host:port, without a password in it")
    if not f"{user}{password}".isascii():
        raise UsageError("a mail server's user and password are written in ASCII")
    tls = parts.scheme == "smtps"
    port = port or (SMTPS if tls else SUBMISSION)
    server = Server(host=parts.hostname, port=port, tls=tls, user=user, password=password, trusted=trusted)
    return Smtp(server, patience=patience, before=before)


def _address(text: str) -> str:
    address = email.utils.parseaddr(text)[1]
    if "@" not in address or not address.isascii():
        raise ValueError(f"{first_line(clean(text))!r} is not an address that every server takes")
    return address

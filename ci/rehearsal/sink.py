"""A mail server on the loopback that delivers to a Mailpit stand-in, whatever the mail's address."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import weakref
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Mapping

    from ci.rehearsal.mailpit import Mailpit
    from ci.rehearsal.sink_faults import MailFault

LARGEST = 50 * 1024 * 1024  # bytes of a mail, as Mailpit has it
LOCAL = "127.0.0.1"
PERMANENT = 500  # from this code on a refusal is for good


class _Hand:
    """Takes what SMTP hands over. The names are aiosmtpd's."""

    def __init__(self, mailpit: Mailpit, users: Mapping[str, str]) -> None:
        self.mailpit = mailpit
        self.users = users

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.users and not session.authenticated:
            return "530 5.7.0 Authentication required"
        if refused := self._refused("Sender") or await self._failed("MAIL", [address], server):
            return refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refused := self._refused("Recipient") or await self._failed("RCPT", [address], server):
            return refused
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = self.mailpit.smtp_faults.at("DATA", envelope.rcpt_tos)
        if fault is not None and fault.kind != "lose":
            return await _fail(fault, server)
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        login: Any = session.auth_data
        identity = self.mailpit.deliver(
            content, sender=envelope.mail_from or "", to=envelope.rcpt_tos, user=login or ""
        )
        if fault is not None:
            _cut(server)
        return f"250 2.0.0 Ok: queued as {identity}"

    def authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        if refused := self._refused("Authentication"):
            return AuthResult(success=False, handled=False, message=refused)
        name = given.login.decode(errors="replace") if isinstance(given, LoginPassword) else ""
        known = isinstance(given, LoginPassword) and self.users.get(name) == given.password.decode(errors="replace")
        return AuthResult(success=known, handled=False, auth_data=name)

    async def _failed(self, at: str, addresses: list[str], server: SMTP) -> str | None:
        fault = self.mailpit.smtp_faults.at(at, addresses)
        return None if fault is None else await _fail(fault, server)

    def _refused(self, trigger: str) -> str | None:
        chaos = self.mailpit.chaos[trigger]
        chosen = random.randrange(100) < chaos["Probability"]  # noqa: S311 - nothing hangs on it
        return f"{chaos['ErrorCode']} Chaos {trigger.lower()} error" if chosen else None


async def _fail(fault: MailFault, server: SMTP) -> str:
    """Do as the fault has it; the answer is only heard where the connection is still there."""
    if fault.kind == "hang":
        await asyncio.sleep(fault.seconds)
    if fault.kind != "refuse":
        _cut(server)
    return f"{fault.code} {'4.3.0 Try again later' if fault.code < PERMANENT else '5.3.0 Refused'}"


def _cut(server: SMTP) -> None:
    transport = server.transport
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


@contextlib.asynccontextmanager
async def receiving(
    mailpit: Mailpit,
    *,
    port: int = 0,
    users: Mapping[str, str] | None = None,
    certificate: ssl.SSLContext | None = None,
    tls: bool = False,
) -> AsyncIterator[str]:
    """Serve SMTP and give its address, smtp://127.0.0.1:port. With `users` a login is required.

    With a `certificate` STARTTLS is required, or, with `tls`, TLS from the first byte on (smtps://).
    """
    hand = _Hand(mailpit, users or {})
    loop = asyncio.get_running_loop()
    connections: weakref.WeakSet[SMTP] = weakref.WeakSet()

    def connection() -> SMTP:
        made = SMTP(
            hand,
            data_size_limit=LARGEST,
            hostname="mailpit.test",
            ident="Mailpit",
            tls_context=None if tls else certificate,
            require_starttls=certificate is not None and not tls,
            auth_require_tls=False,  # the hand asks for a login, on a connection that has TLS or needs none
            authenticator=hand.authenticate,
            loop=loop,
        )
        connections.add(made)
        return made

    with socket.create_server((LOCAL, port)) as listener:
        server = await loop.create_server(connection, sock=listener, ssl=certificate if tls else None)
        try:
            yield f"{'smtps' if tls else 'smtp'}://{LOCAL}:{listener.getsockname()[1]}"
        finally:
            server.close()
            for each in list(connections):
                _cut(each)  # one that hangs would keep the end waiting
            await server.wait_closed()

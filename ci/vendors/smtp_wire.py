"""One mail over one connection of SMTP, step by step, so that it is known what a break came in the middle of."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field

GO_AHEAD = 354
POSITIVE, TEMPORARY, PERMANENT = 200, 400, 500  # https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1


class SaidError(Exception):
    """The server said no. `code` is SMTP's, below zero where there is none in what it said."""

    def __init__(self, code: int, told: bytes | str) -> None:
        """Keep both."""
        text = told if isinstance(told, str) else told.decode(errors="replace")
        super().__init__(text if code < 0 or text.startswith(f"{code} ") else f"{code} {text}")
        self.code = code


class Connection(smtplib.SMTP):
    """One that knows the server's name before it connects: the certificate must say it."""

    def __init__(self, host: str, timeout: float) -> None:
        """Connect to nothing yet. `timeout` is for each answer, in seconds."""
        super().__init__(local_hostname=_own_name(), timeout=timeout)
        self._host = host


class Encrypted(smtplib.SMTP_SSL):
    """The same with TLS from the first byte on."""

    def __init__(self, host: str, timeout: float, trusted: ssl.SSLContext) -> None:
        """Connect to nothing yet."""
        super().__init__(local_hostname=_own_name(), timeout=timeout, context=trusted)
        self._host = host


@dataclass(kw_only=True)
class Mailing:
    """How far a mail has come: who is still to get it, who cannot, and why; whether anybody has it."""

    waiting: list[str]
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    later: dict[str, tuple[int, str]] = field(default_factory=dict)
    taken: bool = False


@dataclass(kw_only=True)
class Attempt:
    """One connection. `open` is while the content is out and the answer is not in; `over` when nobody waits for it."""

    connection: smtplib.SMTP
    open: bool = False
    over: bool = False

    def hang_up(self) -> None:
        """Cut it, so that a thread that still waits on it ends, and does nothing more."""
        self.over = True
        if self.connection.sock is not None:
            with contextlib.suppress(OSError):
                self.connection.sock.shutdown(socket.SHUT_RDWR)
            self.connection.close()


Act = Callable[[Attempt], None]


def hand_in(attempt: Attempt, mailing: Mailing, sender: str, content: bytes) -> None:
    """Hand in the mail for those who wait for it."""
    server = attempt.connection
    asked(server.mail(sender, [f"size={len(content)}"] if server.has_extn("size") else ()))
    welcome = []
    mailing.later = {}
    for address in list(mailing.waiting):
        code, told = server.rcpt(address)
        reason = (code, f"{code} {told.decode(errors='replace')}")
        if POSITIVE <= code < TEMPORARY:
            welcome.append(address)
        elif code < PERMANENT:
            mailing.later[address] = reason
        else:
            mailing.refused[address] = reason
            mailing.waiting.remove(address)
    if not welcome:
        if not mailing.waiting and not mailing.taken:
            code, reasons = next(iter(mailing.refused.values()))
            raise SaidError(code, reasons)
        return
    code, told = server.docmd("DATA")
    if code != GO_AHEAD:
        raise SaidError(code, told)
    attempt.open = True
    server.send(_quoted(content))
    answer = server.getreply()
    attempt.open = answer[0] < POSITIVE  # smtplib's -1: there is no number in it, so nobody knows
    asked(answer)
    mailing.taken = True
    mailing.waiting = [address for address in mailing.waiting if address not in welcome]


def _quoted(content: bytes) -> bytes:
    """Return the content with its end mark, a dot before each line that begins with one."""
    lines = b"\r\n".join(content.splitlines())
    return (b"." if lines.startswith(b".") else b"") + lines.replace(b"\r\n.", b"\r\n..") + b"\r\n.\r\n"


def asked(answer: tuple[int, bytes]) -> None:
    """Raise SaidError where the answer is a no."""
    code, told = answer
    if not POSITIVE <= code < TEMPORARY:
        raise SaidError(code, told)


def _own_name() -> str:
    """Return how we call ourselves, without asking a name server: that can take minutes."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"

"""Ports that stay ours: below those that the system gives to connections by itself, so that none is taken by chance."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from ci.processes import free_port

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST, LAST = 20_000, 32_000
KEPT = 26_000  # those below are kept, over restarts too; a server that lasts no longer than we do gets one from here on
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def keep(taken: Iterable[int] = ()) -> int:
    """Return a port of the loopback on which nobody listens and that is none of `taken`, to be used again and again."""
    return _choose(range(FIRST, KEPT), taken)


def borrow(taken: Iterable[int] = ()) -> int:
    """Return a port of the loopback on which nobody listens and that is none of `taken`, to be listened on at once."""
    return _choose(range(KEPT, LAST), taken)


def _choose(among: range, taken: Iterable[int]) -> int:
    ports = list(set(among) - set(taken))
    secrets.SystemRandom().shuffle(ports)
    if among.stop <= _first_given_away():
        for port in ports:
            if _is_free(port):
                return port
    return free_port()


def _first_given_away() -> int:
    try:
        return int(RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):  # no Linux; https://www.rfc-editor.org/rfc/rfc6335#section-6 has 49152
        return LAST


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True

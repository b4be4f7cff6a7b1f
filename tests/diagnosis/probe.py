"""Tries to reach what it is told of, and prints what it reached as JSON: probe.py [["tcp", HOST, PORT], ...]."""

from __future__ import annotations

import json
import socket
import sys


def reached(kind: str, host: str, port: int) -> bool:
    """Whether somebody answers there."""
    try:
        if kind == "name":
            return bool(socket.getaddrinfo(host, port))
        if kind == "udp":
            family = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0][0]
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                sender.settimeout(3)
                sender.sendto(b"?", (host, port))
                return bool(sender.recv(1))
        with socket.create_connection((host, port), timeout=3):
            return True
    except OSError:
        return False


if __name__ == "__main__":
    json.dump([reached(*each) for each in json.loads(sys.argv[1])], sys.stdout)

"""A mail server that follows a script, and a certificate for one that encrypts."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

GOOD = {
    "": "220 scripted",
    "EHLO": "250 scripted",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go ahead",
    ".": "250 taken",
    "NOOP": "250 ok",
    "QUIT": "221 bye",
}
HANG, CUT, DRIP = "HANG", "CUT", "DRIP"
END = b".\r\n"


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    server: Scripted

    def handle(self) -> None:
        """Follow the script until it, or the caller, ends it."""
        self.server.connections += 1
        with contextlib.suppress(OSError):
            going_on = self.answer("")
            while going_on and (line := self.rfile.readline()):
                command = line.decode().strip()
                self.server.commands.append(command)
                said = self.server.next(command[:4].upper())
                going_on = self.say(said)
                if going_on and said.startswith("354"):
                    self.server.mails.append(b"".join(iter(self.rfile.readline, END)))
                    going_on = self.answer(".")

    def answer(self, command: str) -> bool:
        """Say what the script has next for a command."""
        return self.say(self.server.next(command))

    def say(self, said: str) -> bool:
        """Say it, or do what it stands for; whether the connection goes on."""
        if said == HANG:
            self.server.over.wait(10)
        elif said == DRIP:
            while not self.server.over.wait(0.05):
                self.wfile.write(b"250-more\r\n")
        elif said != CUT:
            self.wfile.write(said.encode() + b"\r\n")
            return True
        return False


class Scripted(socketserver.ThreadingTCPServer):
    """What it was told: commands in their order, the mails that it took, how many connections there were."""

    daemon_threads = True

    def __init__(self, script: Mapping[str, str | Sequence[str]]) -> None:
        """Listen on a free port of the loopback."""
        super().__init__(("127.0.0.1", 0), Talk)
        lists = {**GOOD, **script}
        self.script = {name: [said] if isinstance(said, str) else list(said) for name, said in lists.items()}
        self.commands: list[str] = []
        self.mails: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self.address = f"smtp://127.0.0.1:{self.server_address[1]}"

    def next(self, command: str) -> str:
        """Return what to answer; the last answer of a list stays."""
        answers = self.script[command]
        return answers.pop(0) if len(answers) > 1 else answers[0]


@contextlib.contextmanager
def scripted(script: Mapping[str, str | Sequence[str]]) -> Iterator[Scripted]:
    """Serve. The script has an answer by command, or a list of them; HANG, CUT and DRIP too."""
    with Scripted(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def certificate(place: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's side and a side that trusts it, with a certificate for 127.0.0.1 made for the occasion."""
    key, chain = place / "key.pem", place / "chain.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    more = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run([*made, *more], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, key)
    return server, ssl.create_default_context(cafile=str(chain))

"""A stand-in for a package registry's advisory service, on loopback: what pnpm and npm ask when they audit.

    advisories.py MODE [--package NAME] [--severity SEVERITY]

Prints its address and answers until it is killed. It speaks the bulk endpoint (npm 7 and later, pnpm 11 and later)
and the older `audits` and `audits/quick` (pnpm up to 10). MODE says how it answers:

    clean        nothing is known against any package
    vulnerable   one advisory against the package, or the first by name that is asked for
    405, 500     that status, with an empty body
    html         200 and a page of HTML, as a captive portal has it
    garbage      200 and half a JSON document
    empty        200 and `{}`
    hanging      no answer, the connection open
    refused      nobody listens at the address that is printed
"""

from __future__ import annotations

import argparse
import gzip
import http.server
import json
import signal
import socket
import sys
import threading
from http import HTTPStatus
from typing import Any

BULK = "/-/npm/v1/security/advisories/bulk"
QUICK = ("/-/npm/v1/security/audits/quick", "/-/npm/v1/security/audits")
MODES = ("clean", "vulnerable", "405", "500", "html", "garbage", "empty", "hanging", "refused")
SEVERITIES = ("info", "low", "moderate", "high", "critical")
GHSA, CVE, TITLE = "GHSA-aaaa-bbbb-cccc", "CVE-2026-0001", "Prototype pollution in a stand-in"


class Advisories(http.server.ThreadingHTTPServer):
    """Answers in one mode; `asked` are the names of packages that were asked for."""

    daemon_threads = True

    def __init__(self, mode: str, package: str | None, severity: str) -> None:
        """Listen on a free port of the loopback."""
        super().__init__(("127.0.0.1", 0), Answer)
        self.mode = mode
        self.package = package
        self.severity = severity


class Answer(http.server.BaseHTTPRequestHandler):
    """One request."""

    server: Advisories

    def do_POST(self) -> None:
        """Answer an audit as the mode has it."""
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        match self.server.mode:
            case "405" | "500" as status:
                self._send(HTTPStatus(int(status)), "text/plain", b"")
            case "html":
                self._send(HTTPStatus.OK, "text/html", b"<!doctype html><title>Sign in to the network</title>")
            case "garbage":
                self._send(HTTPStatus.OK, "application/json", b'{"advisories": {"1": {"modu')
            case "empty":
                self._send(HTTPStatus.OK, "application/json", b"{}")
            case "hanging":
                threading.Event().wait()
            case _:
                self._audit(json.loads(body))

    def do_GET(self) -> None:
        """Nothing but audits is served here."""
        self._send(HTTPStatus.NOT_FOUND, "application/json", b'{"error": "not found"}')

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""

    def _audit(self, asked: dict[str, Any]) -> None:
        bulk = self.path == BULK
        if not bulk and self.path not in QUICK:
            self._send(HTTPStatus.NOT_FOUND, "application/json", b'{"error": "not found"}')
            return
        names = sorted(asked) if bulk else sorted(_named(asked))
        target = self.server.package if self.server.package in names else (names[0] if names else None)
        if self.server.mode == "clean" or (self.server.package and self.server.package not in names):
            target = None
        answer = _bulk(target, self.server.severity) if bulk else _quick(target, self.server.severity, len(names))
        self._send(HTTPStatus.OK, "application/json", json.dumps(answer).encode())

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _named(asked: dict[str, Any]) -> set[str]:
    """Collect the packages of a tree of dependencies, without the workspace's own at its top."""
    found: set[str] = set()
    waiting = [tree for top in (asked.get("dependencies") or {}).values() for tree in [top.get("dependencies") or {}]]
    while waiting:
        for name, value in waiting.pop().items():
            found.add(name)
            waiting.append(value.get("dependencies") or {})
    return found


def _bulk(target: str | None, severity: str) -> dict[str, Any]:
    if target is None:
        return {}
    advisory = {
        "id": 1,
        "url": f"https://github.com/advisories/{GHSA}",
        "title": TITLE,
        "severity": severity,
        "vulnerable_versions": "<99.0.0",
        "cwe": ["CWE-1321"],
        "cvss": {"score": 8.1, "vectorString": None},
    }
    return {target: [advisory]}


def _quick(target: str | None, severity: str, packages: int) -> dict[str, Any]:
    counted = dict.fromkeys(SEVERITIES, 0)
    advisories = {}
    if target is not None:
        counted[severity] = 1
        advisories["1"] = {
            "id": 1,
            "module_name": target,
            "title": TITLE,
            "severity": severity,
            "url": f"https://github.com/advisories/{GHSA}",
            "github_advisory_id": GHSA,
            "cves": [CVE],
            "cwe": "CWE-1321",
            "vulnerable_versions": "<99.0.0",
            "patched_versions": ">=99.0.0",
            "recommendation": "Upgrade to 99.0.0",
            "findings": [{"version": "1.0.0", "paths": [f".>{target}"], "dev": False, "optional": False}],
        }
    metadata = {"vulnerabilities": counted, "dependencies": packages, "totalDependencies": packages}
    return {"actions": [], "advisories": advisories, "muted": [], "metadata": metadata}


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--package")
    parser.add_argument("--severity", choices=SEVERITIES, default="high")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.mode == "refused":
        with socket.socket() as taken:  # bound and not listening: refused for as long as we live
            taken.bind(("127.0.0.1", 0))
            _tell(taken.getsockname()[1])
            signal.pause()
    with Advisories(options.mode, options.package, options.severity) as server:
        _tell(server.server_address[1])
        server.serve_forever()


def _tell(port: int) -> None:
    sys.stdout.write(f"http://127.0.0.1:{port}/\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

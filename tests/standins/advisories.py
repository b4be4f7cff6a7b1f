"""The stand-in for a package registry's advisory service as a program, on loopback: ci/rehearsal/advisories.py.

    advisories.py MODE [--package NAME] [--severity SEVERITY]

Prints its address and answers until it is killed. MODE says how it answers:

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
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import anyio

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # it is started as a file

from ci.rehearsal.advisories import MODES, SEVERITIES, Advisories, Known
from ci.rehearsal.serving import serving

ALWAYS = 1_000_000
FAULTS: dict[str, dict[str, Any]] = {
    "405": {"kind": "status", "status": 405, "headers": {"content-type": "text/plain"}},
    "500": {"kind": "status", "status": 500, "headers": {"content-type": "text/plain"}},
    "html": {"kind": "html"},
    "garbage": {"kind": "garbage"},
    "hanging": {"kind": "hang"},
}
REFUSED = "refused"


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("mode", choices=[*MODES, *FAULTS, REFUSED])
    parser.add_argument("--package")
    parser.add_argument("--severity", choices=SEVERITIES, default="high")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.mode == REFUSED:
        with socket.socket() as taken:  # bound and not listening: refused for as long as we live
            taken.bind(("127.0.0.1", 0))
            _tell(f"http://127.0.0.1:{taken.getsockname()[1]}")
            signal.pause()
    mode = options.mode if options.mode in MODES else "clean"
    known = Known(mode=mode, package=options.package, severity=options.severity)
    with tempfile.TemporaryDirectory() as directory:
        stand_in = Advisories(Path(directory), known=known)
        if options.mode in FAULTS:
            stand_in.faults.add(times=ALWAYS, **FAULTS[options.mode])
        anyio.run(_serve, stand_in)


async def _serve(stand_in: Advisories) -> None:
    async with serving(stand_in) as address:
        _tell(address)
        await anyio.sleep_forever()


def _tell(address: str) -> None:
    sys.stdout.write(f"{address}/\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

"""What this machine lets a user have to keep steps apart: asked by trying, not by reading versions."""

from __future__ import annotations

import enum
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from ci import processes
from ci.warden import landlock

WARDEN = Path(__file__).resolve().parent.parent / "warden/__main__.py"
# The user inside needs an entry in the password database, or Postgres' initdb does not find its own name.
NOBODY = "65534"


class Mode(enum.StrEnum):
    """How a check's workspace is made."""

    NAMESPACES = "namespaces"
    COPY = "copy"


@dataclass(frozen=True, kw_only=True)
class Isolation:
    """The mode, what holds in it, and what could not be had (each one line for the report)."""

    mode: Mode
    landlock: bool
    holds: tuple[str, ...]
    missing: tuple[str, ...] = ()


def warden_command(specification: Path, *, mode: Mode, loopback: bool) -> tuple[str, ...]:
    """Return the command that starts the warden, as PID 1 of fresh namespaces where the mode has them."""
    python = (sys.executable, "-I", "-S", str(WARDEN), str(specification))
    if mode is Mode.COPY:
        return python
    return (
        *("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--keep-caps"),
        *("--mount", "--propagation", "private", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"),
        *("--ipc", "--uts", *(("--net",) if loopback else ())),
        *python,
    )


async def probe(place: Path) -> Isolation:
    """Try a sandbox in the new directory `place`, which must lie where the checks' workspaces will."""
    private = "the home directory" if _has_home() else "what begins with a dot in the root directory"
    why = await _try_sandbox(place) if sys.platform == "linux" and shutil.which("unshare") else "this is not Linux"
    if why is None:
        return Isolation(
            mode=Mode.NAMESPACES,
            landlock=False,
            holds=(
                "own user, process, mount, network and IPC namespaces",
                f"copy-on-write workspace; all else read-only, {private} hidden",
                "network: loopback only after install",
            ),
        )
    ruled = sys.platform == "linux" and landlock.version() > 0
    holds = ["a copied workspace; a watchdog ends the process tree"]
    missing = [f"namespaces ({why}), so steps can reach the network and share the machine's ports"]
    if ruled:
        holds.append(f"Landlock: writes outside the workspace are refused, {private} cannot be read")
    else:
        missing.append("Landlock, so steps can write wherever their user can")
    return Isolation(mode=Mode.COPY, landlock=ruled, holds=tuple(holds), missing=tuple(missing))


def _has_home() -> bool:
    """Whether the user's home directory is one of its own; in a container it may be /."""
    return Path.home().resolve() != Path("/")


async def _try_sandbox(place: Path) -> str | None:
    """Return why a sandbox cannot be made, None when it can."""
    for name in ("target", "lower", "upper", "work", "staging", "tmp", "out", "logs"):
        (place / name).mkdir(parents=True)
    sandbox = {
        "target": str(place / "target"),
        "source": None,
        "lower": [str(place / "lower")],
        "upper": str(place / "upper"),
        "work": str(place / "work"),
        "staging": str(place / "staging"),
        "covers": [{"target": "/tmp", "source": str(place / "tmp")}],
        "views": [],
        "loopback": True,
    }
    specification = place / "probe.json"
    specification.write_text(
        json.dumps(
            {
                "root": "/",
                "out": str(place / "out"),
                "logs": str(place / "logs"),
                "environment": {},
                "steps": [],
                "sandbox": sandbox,
            }
        ),
        encoding="utf-8",
    )
    command = warden_command(specification, mode=Mode.NAMESPACES, loopback=True)
    async with processes.supervised(command) as process:
        answer: list[bytes] = []
        complaint: list[bytes] = []
        await processes.drain(process.stdout, answer)
        await processes.drain(process.stderr, complaint)
    for line in b"".join(answer).splitlines():
        event = json.loads(line)
        if event["event"] == "entered":
            return None
        if event["event"] == "refused":
            return str(event["why"])
    lines = b"".join(complaint).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"unshare ended with exit code {process.returncode}"

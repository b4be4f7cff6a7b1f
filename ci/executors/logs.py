"""What steps print, read from outside while they run and when they have ended.

Only the warden makes these files, in a directory that is behind the walls. On a machine that grants none, a
step may put anything in their place: then there is no output, and nothing else happens.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from ci.executors.leavings import open_file
from ci.text import settled

if TYPE_CHECKING:
    from pathlib import Path

HEAD, TAIL = 20_000, 60_000  # bytes of a step's output that are kept
TAIL_SHOWN = 2_000  # bytes of it that the live view looks at


def name(step: int) -> str:
    """Return the name of the step's log."""
    return f"{step}.log"


def newest(logs: Path) -> bytes:
    """Return the end of what the newest step printed so far."""
    with contextlib.suppress(OSError):
        steps = [int(log.stem) for log in logs.glob("*.log") if log.stem.isdecimal()]
        if steps:
            with open_file(logs / name(max(steps))) as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL_SHOWN))
                return file.read(TAIL_SHOWN)
    return b""


def read(log: Path) -> tuple[str, int]:
    """Return the head and the tail of a log, and how many bytes between them are left out."""
    try:
        with open_file(log) as file:
            size = os.fstat(file.fileno()).st_size
            if size <= HEAD + TAIL:
                return joined(file.read(), b"", 0), 0
            head = file.read(HEAD)
            file.seek(size - TAIL)
            tail = file.read()
    except FileNotFoundError:  # it could not even be started
        return "", 0
    except OSError as error:
        return f"[the step's output cannot be read: {error.strerror}]\n", 0
    omitted = size - HEAD - TAIL
    return joined(head, tail, omitted), omitted


def joined(head: bytes, tail: bytes, omitted: int) -> str:
    """Return an output as it is shown, with a line that tells of what was left out between its ends."""
    gap = f"\n[... {omitted} bytes left out ...]\n" if omitted else ""
    return settled(head.decode(errors="replace") + gap + tail.decode(errors="replace"))

"""A command whose whole tree ends with us: `python -I -S leash.py COMMAND...`.

A parent's death reaches only its own children, and a build starts programs that start programs. This one stands in
between: its standard input is our pulse, and when that ends, or the command does, it ends all that is below it.
"""

from __future__ import annotations

import os
import select
import signal
import sys

PULSE = 0  # its standard input
NOT_THERE = 127  # what a shell answers for a command that cannot be started


def leashed(argv: tuple[str, ...] | list[str]) -> list[str]:
    """Return the command that runs another one on a leash, with nothing to read; without one where this is no Linux."""
    if sys.platform != "linux":
        return ["sh", "-c", 'exec "$0" "$@" </dev/null', *argv]
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), *argv]  # noqa: PTH100 - as below


def main(argv: list[str]) -> int:
    """Run a command, end what is left of it, and return its exit code."""
    sys.path.insert(0, os.path.abspath(f"{__file__}/../../.."))  # noqa: PTH100 - pathlib would double its start
    from ci.warden.kernel import adopt_orphans  # noqa: PLC0415 - found only now
    from ci.warden.tree import end_all, reap  # noqa: PLC0415

    adopt_orphans()
    try:
        nothing = [(os.POSIX_SPAWN_OPEN, PULSE, os.devnull, os.O_RDONLY, 0)]
        # Python ignores SIGPIPE, which is passed on.
        child = os.posix_spawnp(argv[0], argv, os.environ, file_actions=nothing, setsigdef=[signal.SIGPIPE])
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        return NOT_THERE
    end = os.pidfd_open(child)
    status: int | None = None
    while status is None:
        ready, _, _ = select.select([PULSE, end], [], [])
        if end in ready:
            status = reap().get(child)
        elif not os.read(PULSE, 1):
            break
    end_all()
    code = os.waitstatus_to_exitcode(status) if status is not None else 1
    return code if code >= 0 else 128 - code  # as a shell tells a signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""References to secrets, `env://NAME`, `file://PATH`, `cmd://COMMAND`, and their values.

No value is in a message of this module, nor what a command said: that may be the value.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import ShipwayError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 15.0


async def resolve(reference: str, *, root: Path, setting: str = "a secret") -> str:
    """Return the value that `reference` stands for; `setting` is its place in shipway.toml, for messages.

    - `env://NAME`: a variable of Shipway's own environment.
    - `file://PATH`: a file, relative to `root` or absolute, without its last line break.
    - `cmd://COMMAND`: what a command prints, split as a shell would but run without one, in `root`, with the
      caller's environment (it may need a login of its own), for 15 seconds at most.

    Raises UsageError where there is no value, or none that a variable can hold.
    """
    scheme, _, rest = reference.partition("://")
    readers = {"env": _from_environment, "file": _from_file, "cmd": _from_command}
    if scheme not in readers or not rest:
        raise UsageError(f"{setting}: not a reference to a secret", hint="env://NAME, file://PATH or cmd://COMMAND")
    value = (await readers[scheme](rest, root, setting)).removesuffix("\n").removesuffix("\r")
    if not value or "\0" in value:
        raise UsageError(f"{setting}: what {scheme}:// gives is {'not text' if value else 'empty'}")
    return value


async def _from_environment(name: str, _root: Path, setting: str) -> str:
    if name not in os.environ:
        raise UsageError(f"{setting}: the variable {name} is not set", hint=f"export {name}, or change the reference")
    return os.environ[name]


async def _from_file(name: str, root: Path, setting: str) -> str:
    try:
        return (root / name).read_bytes().decode()
    except UnicodeDecodeError:
        raise UsageError(f"{setting}: {name} is not text in UTF-8") from None
    except OSError as error:
        raise UsageError(f"{setting}: {name} cannot be read: {error.strerror}") from error


async def _from_command(line: str, root: Path, setting: str) -> str:
    try:
        argv = shlex.split(line)
    except ValueError:
        raise UsageError(f"{setting}: a quote in the cmd:// reference is not closed") from None
    if not argv:
        raise UsageError(f"{setting}: the cmd:// reference names no command")
    try:
        done = await processes.run(argv, cwd=root, environment=os.environ, timeout=_PATIENCE)
    except ShipwayError as error:
        raise UsageError(f"{setting}: {error.message}", hint=error.hint) from error
    if done.code != 0:
        raise UsageError(f"{setting}: {argv[0]} ended with {done.code}", hint="run the cmd:// line by hand to see why")
    try:
        return done.stdout.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{setting}: what {argv[0]} prints is not text in UTF-8") from None

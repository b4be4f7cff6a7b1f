"""A git directory of our own, in which a patch is tried: it borrows a repository's objects and has nothing else of it.

What is done there touches no working tree, and no hook, filter, alias or setting of the repository, of the user or of
the machine: a checkout in which a model's commands ran may have any.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import ToolError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.processes import Completed

PATIENCE = 60.0
MOST_READ = 64 * 2**20  # of what git says at once

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.excludesFile=/dev/null",
    "core.attributesFile=/dev/null",
    "core.protectNTFS=true",
    "core.protectHFS=true",
    "core.quotePath=true",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.autocrlf=false",
    "core.ignoreCase=false",
    "core.precomposeUnicode=false",
    "commit.gpgSign=false",
    "gc.auto=0",
    "safe.directory=*",
    "advice.addEmbeddedRepo=false",
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The git directory. A branch can be pushed from it: it holds what was made here, and finds all else."""

    directory: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count, repr=False, compare=False)

    def index(self) -> Path:
        """Return the place of a new index."""
        return self.directory / f"shipway-index-{next(self._numbers)}"

    async def git(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        extra: Mapping[str, str] | None = None,
        most: int = MOST_READ,
    ) -> Completed:
        """Run git on this directory alone. Its exit code is a value, and of more than `most` bytes there is the end."""
        given = {"GIT_DIR": str(self.directory), **(extra or {})}
        return await _git(self.directory, *arguments, stdin=stdin, extra=given, most=most)

    async def read(self, *arguments: str, stdin: bytes | None = None, extra: Mapping[str, str] | None = None) -> bytes:
        """Return what git says. Raises UsageError where it cannot, or says too much."""
        done = await self.git(*arguments, stdin=stdin, extra=extra)
        if done.code != 0:
            raise UsageError(f"git {arguments[0]} failed: {done.complaint}")
        if len(done.stdout) > MOST_READ:
            raise UsageError(f"git {arguments[0]} says more than {MOST_READ >> 20} MiB: the change is too large")
        return done.stdout


async def prepare(root: Path, into: Path) -> Bench:
    """Make a bench at the new directory `into`, for the repository that holds `root`; nothing is written to that one.

    Raises UsageError where git cannot read it.
    """
    probe = await _git(root, "rev-parse", "--git-common-dir", "--show-object-format")
    if probe.code != 0:
        raise UsageError(f"git cannot read {root}: {probe.complaint}")
    common, kind = probe.text.splitlines()
    home = (root / common).resolve()
    made = await _git(Path("/"), "init", "--quiet", "--bare", "--template=", f"--object-format={kind}", str(into))
    if made.code != 0:
        raise ToolError(f"git cannot make a directory at {into}: {made.complaint}")
    (into / "objects/info").mkdir(parents=True, exist_ok=True)
    (into / "objects/info/alternates").write_text(f"{home / 'objects'}\n", encoding="utf-8")
    if (home / "shallow").is_file():
        (into / "shallow").write_bytes((home / "shallow").read_bytes())
    return Bench(directory=into)


async def _git(
    directory: Path,
    *arguments: str,
    stdin: bytes | None = None,
    extra: Mapping[str, str] | None = None,
    most: int = MOST_READ,
) -> Completed:
    environment = processes.inherited() | {
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "LC_ALL": "C",
        **(extra or {}),
    }
    settings = [part for each in _SETTINGS for part in ("-c", each)]
    argv = ["git", *settings, *arguments]
    return await processes.run(argv, cwd=directory, environment=environment, stdin=stdin, timeout=PATIENCE, most=most)

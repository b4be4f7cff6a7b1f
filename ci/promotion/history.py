"""What the user's own repository tells of commits: which holds which, their files, and what their source names."""

from __future__ import annotations

import fnmatch
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from ci.processes import Completed

PATIENCE = 60.0
FETCH = "git fetch origin"


@dataclass(frozen=True, kw_only=True)
class History:
    """The repository that holds the workspace `root`. Nothing is written to it."""

    root: Path

    async def has(self, commit: str) -> bool:
        """Whether the commit is here."""
        return (await self._git("cat-file", "-e", f"{commit}^{{commit}}")).code == 0

    async def require(self, commit: str, what: str) -> None:
        """Make sure that a commit is here. Raises UsageError, with what to do."""
        if not await self.has(commit):
            raise UsageError(f"{commit[:12]}, {what}, is not in this clone", hint=FETCH)

    async def whole(self, commit: str) -> str:
        """Return a commit by all of its 40 digits. Raises UsageError where it is not here, or is more than one."""
        done = await self._git("rev-parse", "--verify", "--quiet", f"{commit}^{{commit}}")
        if done.code != 0:
            raise UsageError(f"{commit[:12]} is no commit of this clone", hint=FETCH)
        return done.text.strip()

    async def contains(self, commit: str, earlier: str) -> bool:
        """Whether a commit holds an earlier one, or is it. Raises UsageError where either is not here."""
        done = await self._git("merge-base", "--is-ancestor", earlier, commit)
        if done.code not in {0, 1}:
            raise UsageError(f"git cannot compare {earlier[:12]} with {commit[:12]}: {done.complaint}", hint=FETCH)
        return done.code == 0

    async def between(self, earlier: str, commit: str) -> tuple[str, ...]:
        """Return all commits that a commit holds and an earlier one does not. Raises UsageError."""
        return tuple((await self._read("rev-list", f"{earlier}..{commit}", "--")).split())

    async def messages(self, commit: str, *, without: str) -> tuple[str, ...]:
        """Return the messages of all commits that a commit holds and another does not. Raises UsageError."""
        text = await self._read("log", "--format=%B%x00", f"{without}..{commit}", "--")
        return tuple(each.strip() for each in text.split("\0") if each.strip())

    async def text(self, commit: str, path: str) -> str | None:
        """Return a file of the workspace as a commit has it, None where it has none. Raises UsageError."""
        done = await self._git("show", f"{commit}:./{path}")
        if done.code != 0:
            return None
        return done.stdout.decode("utf-8", errors="replace")

    async def write_out(self, commit: str, paths: Sequence[str], into: Path) -> None:
        """Write files of the workspace, as a commit has them, below a directory; one that it has not is left out."""
        for path in paths:
            done = await self._git("show", f"{commit}:./{path}")
            if done.code == 0:
                place = into / path
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(done.stdout)

    async def files(self, commit: str, directory: str, globs: Sequence[str]) -> dict[str, str]:
        """Return files below a directory that a glob names, as a commit has them: their text, by path from there."""
        place = directory.rstrip("/")
        listed = await self._read("ls-tree", "-r", "-z", "--name-only", commit, "--", f"./{place}/")
        found: dict[str, str] = {}
        for path in sorted(filter(None, listed.split("\0"))):
            name = path.removeprefix(f"{place}/")
            if any(fnmatch.fnmatchcase(name, glob.removeprefix("**/")) for glob in globs):
                found[name] = await self.text(commit, path) or ""
        return found

    async def naming(self, commit: str, words: Sequence[str], *, but: str) -> tuple[str, ...]:
        """Return the files of a commit's source in which one of the words stands, without those below `but`."""
        asked = [part for word in words for part in ("-e", word)]
        done = await self._git(
            "grep", "-l", "-w", "-I", "-z", "--fixed-strings", *asked, commit, "--", ".", f":(exclude)./{but}"
        )
        if done.code not in {0, 1}:
            raise UsageError(f"git cannot search {commit[:12]}: {done.complaint}", hint=FETCH)
        return tuple(each.partition(":")[2] for each in done.text.split("\0") if each)

    async def _read(self, *arguments: str) -> str:
        done = await self._git(*arguments)
        if done.code != 0:
            raise UsageError(f"git {arguments[0]} failed: {done.complaint}", hint=FETCH)
        return done.text

    async def _git(self, *arguments: str) -> Completed:
        return await processes.run(["git", *arguments], cwd=self.root, timeout=PATIENCE)


def digest(text: str) -> str:
    """Return the SHA-256 of a file's text, by which it is known for another one."""
    return hashlib.sha256(text.encode()).hexdigest()

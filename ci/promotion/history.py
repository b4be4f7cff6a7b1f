"""What the user's own repository tells of commits: which holds which, their files, and what their source names."""

from __future__ import annotations

import fnmatch
import hashlib
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci import catfile, processes
from ci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.processes import Completed

PATIENCE = 60.0
FETCH = "git fetch origin"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A commit as git tells of it; who wrote it and its message are text of strangers."""

    sha: str
    parents: tuple[str, ...]
    author: str
    message: str


@dataclass(frozen=True, kw_only=True)
class History:
    """The repository that holds the workspace `root`. Nothing is written to it."""

    root: Path

    async def has(self, commit: str) -> bool:
        """Whether the commit is here."""
        return (await self._git("cat-file", "-e", f"{commit}^{{commit}}")).code == 0

    async def parent(self, commit: str) -> str | None:
        """Return a commit's first parent, None where it is not here or has none."""
        done = await self._git("rev-parse", "--verify", "--quiet", f"{commit}^1^{{commit}}")
        return done.text.strip() if done.code == 0 else None

    async def top(self) -> Path:
        """Return the repository's top directory. Raises UsageError."""
        return Path((await self._read("rev-parse", "--show-toplevel")).strip("\n"))

    async def apply(self, patch: str) -> None:
        """Apply a patch, with paths from the repository's top, to the files. Raises UsageError."""
        done = await processes.run(
            ["git", "apply", "--whitespace=nowarn", "-"], cwd=await self.top(), stdin=patch.encode(), timeout=PATIENCE
        )
        if done.code != 0:
            raise UsageError(f"the patch does not fit the files as they are: {done.complaint}")

    async def obtain(self, commit: str, branch: str) -> None:
        """Fetch a branch where a commit of it is not here yet: nothing but git's own copy of it changes.

        Raises UsageError where it is not here then.
        """
        if not await self.has(commit):
            await self._git("fetch", "--quiet", "--no-tags", "origin", branch)
        await self.require(commit, f"a commit of {branch}")

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

    async def prefix(self) -> str:
        """Return the workspace's directory by path from the repository's top, "." for that one. Raises UsageError."""
        return (await self._read("rev-parse", "--show-prefix")).strip("\n").rstrip("/") or "."

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

    async def log(self, commit: str, *, without: Sequence[str], most: int) -> tuple[Entry, ...]:
        """Return commits that one holds and the others do not, each before its parents, no more than `most`.

        Raises UsageError.
        """
        form = "--format=%H%x00%P%x00%an%x00%B"
        plain = ("-z", "--topo-order", "--no-show-signature", f"--max-count={most}", form)
        text = await self._read("log", *plain, commit, *(f"^{each}" for each in without), "--")
        fields = text.split("\0")[:-1]
        each_four = zip(fields[::4], fields[1::4], fields[2::4], fields[3::4], strict=True)
        return tuple(
            Entry(sha=sha, parents=tuple(parents.split()), author=author, message=message)
            for sha, parents, author, message in each_four
        )

    async def count(self, *commits: str, without: Sequence[str], straight: bool = False) -> int:
        """Count what some commits hold and others do not; `straight` goes by first parents alone. Raises UsageError."""
        how = ("--first-parent",) if straight else ()
        return int(await self._read("rev-list", "--count", *how, *commits, *(f"^{each}" for each in without), "--"))

    async def changed(self, earlier: str, commit: str) -> tuple[str, ...]:
        """Return the files that differ between two commits, by path from the workspace: some begin with "../".

        Raises UsageError.
        """
        below = await self.prefix()
        how = ("-r", "-z", "--name-only", "--no-renames", "--ignore-submodules=none")
        text = await self._read("diff-tree", *how, earlier, commit, "--")
        return tuple(posixpath.relpath(path, below) for path in text.split("\0") if path)

    async def diff(self, earlier: str, commit: str, *, most: int, without: Sequence[str] = ()) -> str:
        """Return what differs between two commits as git writes it: its end, where it is over `most` bytes.

        `without` are files, as `changed` names them, that are left out.
        """
        how = ("-r", "-p", "--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none")
        left_out = (":(top)", *(f":(exclude,literal){path}" for path in without)) if without else ()
        done = await processes.run(
            ["git", "diff-tree", *how, earlier, commit, "--", *left_out], cwd=self.root, timeout=PATIENCE, most=most
        )
        return done.stdout.decode("utf-8", errors="replace")

    async def paths(self, commit: str) -> tuple[str, ...]:
        """Return all files of the workspace as a commit has it. Raises UsageError."""
        return tuple(filter(None, (await self._read("ls-tree", "-r", "-z", "--name-only", commit)).split("\0")))

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

    async def read_many(self, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
        """Return files of the workspace as a commit has them, all read at once; one that it has not is left out."""
        asked = {f"{commit}:./{path}": path for path in paths if "\n" not in path}
        lines = "".join(f"{each}\n" for each in asked).encode()
        done = await processes.run(["git", "cat-file", "--batch"], cwd=self.root, stdin=lines, timeout=PATIENCE)
        return {asked[each]: content for each, content in catfile.files(done.stdout, asked).items()}

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

    async def mentions(self, commit: str, words: Sequence[str], places: Sequence[str]) -> tuple[str, ...]:
        """Return the files below some directories of a commit in which one of the words stands, even within others."""
        asked = [part for word in words for part in ("-e", word)]
        below = [f"./{place}/" for place in places]
        done = await self._git("grep", "-l", "-I", "-z", "--fixed-strings", *asked, commit, "--", *below)
        if done.code not in {0, 1}:
            raise UsageError(f"git cannot search {commit[:12]}: {done.complaint}", hint=FETCH)
        return tuple(each.partition(":")[2] for each in done.text.split("\0") if each)

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

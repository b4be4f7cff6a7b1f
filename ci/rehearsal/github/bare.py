"""A bare repository, asked and changed by git's own commands, apart from the user's settings."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ci import processes
from ci.errors import ToolError
from ci.rehearsal.github.records import Change, CommitText, read_commit, read_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.processes import Completed

NOTHING = "0" * 40  # git's name for no commit at all
TIMEOUT = 60.0  # seconds; the repositories of a rehearsal are small
CONFIGURATION = """\
[gc]
	auto = 0
[receive]
	autogc = false
[core]
	repositoryformatversion = 0
	filemode = true
	bare = true
[uploadpack]
	allowAnySHA1InWant = true
"""
_SHA = re.compile(r"[0-9a-f]{4,40}")


class Bare:
    """The repository at `path`, made where there is none: a bare one is a few files."""

    def __init__(self, path: Path, *, branch: str) -> None:
        """Make it, or find it there."""
        self.path = path
        self.hooks = path / "hooks"
        if not (path / "HEAD").exists():
            for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "hooks", "info"):
                (path / name).mkdir(parents=True, exist_ok=True)
            (path / "config").write_text(CONFIGURATION, encoding="utf-8")
            (path / "HEAD").write_text(f"ref: refs/heads/{branch}\n", encoding="utf-8")
        for left in (*path.glob("*.lock"), *(path / "refs").rglob("*.lock")):
            left.unlink()  # by a git that was killed: no name of a reference ends like this
        self._commits: dict[str, CommitText] = {}

    def hook(self, name: str, text: str) -> None:
        """Have git run a program of the shell at one of its hooks."""
        place = self.hooks / name
        place.write_text(text, encoding="utf-8")
        place.chmod(place.stat().st_mode | stat.S_IXUSR)

    async def git(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        within: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Completed:
        """Run git on the repository, or in a work tree of it; its exit code is a value. Raises ToolError."""
        where = ("-C", str(within)) if within is not None else (f"--git-dir={self.path}",)
        apart = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        found = {**processes.inherited(), **apart, **(environment or {})}
        argv = ("git", *where, *arguments)
        return await processes.run(argv, environment=found, stdin=stdin, timeout=TIMEOUT)

    async def done(self, *arguments: str, stdin: bytes | None = None, **words: Mapping[str, str] | Path) -> bytes:
        """The same for what must not fail; returns what it says. Raises ToolError."""
        completed = await self.git(*arguments, stdin=stdin, **words)  # type: ignore[arg-type]
        if completed.code != 0:
            raise ToolError(f"git {arguments[0]} failed: {completed.complaint}")
        return completed.stdout

    def refs(self, prefix: str = "") -> dict[str, str]:
        """Return commits by the whole names of references that begin like this.

        Git keeps them in files, which are quicker read than git is started.
        """
        found: dict[str, str] = {}
        packed = self.path / "packed-refs"
        for line in packed.read_text(encoding="utf-8").splitlines() if packed.exists() else ():
            sha, _, name = line.partition(" ")
            if len(sha) == len(NOTHING):
                found[name] = sha
        for place in (self.path / "refs").rglob("*"):
            if place.is_file() and place.suffix != ".lock":
                with contextlib.suppress(FileNotFoundError):  # it was deleted meanwhile
                    found[place.relative_to(self.path).as_posix()] = place.read_text(encoding="utf-8").strip()
        return {name: sha for name, sha in sorted(found.items()) if name.startswith(prefix)}

    def head(self, branch: str) -> str | None:
        """Return the commit that a branch stands at."""
        return self.refs().get(f"refs/heads/{branch}")

    async def commit_of(self, name: str) -> str | None:
        """Return the commit that a branch, a tag, a whole reference or the beginning of a commit's name means."""
        refs = self.refs()
        places = (f"refs/heads/{name}", f"refs/tags/{name}", name, f"refs/{name}")
        found = next((refs[place] for place in places if place in refs), name)
        if not _SHA.fullmatch(found):
            return None
        completed = await self.git("rev-parse", "--verify", "--quiet", f"{found}^{{commit}}")
        return completed.text.strip() if completed.code == 0 else None

    async def kind(self, sha: str) -> str | None:
        """Return what an object is: commit, tree, blob, tag."""
        if not _SHA.fullmatch(sha):
            return None
        completed = await self.git("cat-file", "-t", sha)
        return completed.text.strip() if completed.code == 0 else None

    async def commit(self, sha: str) -> CommitText:
        """Read a commit that is there. Raises ToolError."""
        if sha not in self._commits:
            text = (await self.done("cat-file", "commit", sha)).decode(errors="replace")
            self._commits[sha] = read_commit(sha, text)
        return self._commits[sha]

    async def between(self, base: str, head: str) -> list[str]:
        """Return the commits of `head` that `base` does not have, the oldest first."""
        return (await self.done("rev-list", "--reverse", "--topo-order", head, f"^{base}")).decode().split()

    async def ancestors(self, head: str) -> list[str]:
        """Return a commit and all that it comes from, the oldest first."""
        return (await self.done("rev-list", "--reverse", "--topo-order", head)).decode().split()

    async def merge_base(self, one: str, other: str) -> str | None:
        """Return the newest commit that both have."""
        completed = await self.git("merge-base", one, other)
        return completed.text.strip() if completed.code == 0 else None

    async def has(self, later: str, earlier: str) -> bool:
        """Whether a commit is an ancestor of another, or the same."""
        return (await self.git("merge-base", "--is-ancestor", earlier, later)).code == 0

    async def changes(self, base: str, head: str) -> list[Change]:
        """Return the files that differ."""
        raw = (await self.done("diff", "--raw", "--no-abbrev", "-z", "-M", base, head)).decode(errors="replace")
        counted = (await self.done("diff", "--numstat", "-z", "-M", base, head)).decode(errors="replace")
        counts = read_counts(counted)
        found = []
        fields = iter(raw.split("\0"))
        for line in fields:
            if not line.startswith(":"):
                continue
            _, _, _, blob, letter = line.split(" ")
            first = next(fields)
            second = next(fields) if letter[0] in "RC" else None
            name = second or first
            status = {"A": "added", "D": "removed", "R": "renamed", "C": "copied"}.get(letter[0], "modified")
            more, less = counts.get(name, (0, 0))
            before = first if second else None
            found.append(Change(name=name, before=before, status=status, blob=blob, additions=more, deletions=less))
        return found

    async def listing(
        self, tree: str, *, recursive: bool = False, path: str = ""
    ) -> list[tuple[str, str, str, str, str]]:
        """Return the entries of a tree as mode, type, name, size ("-" where it has none) and path."""
        flags = ("-r", "-t") if recursive else ()
        text = (await self.done("ls-tree", "-l", "-z", *flags, tree, *(("--", path) if path else ()))).decode()
        found = []
        for line in filter(None, text.split("\0")):
            facts, _, name = line.partition("\t")
            mode, kind, sha, size = facts.split()
            found.append((mode, kind, sha, size, name))
        return found

    async def blob(self, sha: str) -> bytes:
        """Return the bytes of a blob. Raises ToolError."""
        return await self.done("cat-file", "blob", sha)

    async def keep(self, content: bytes) -> str:
        """Keep some bytes, and return their name."""
        return (await self.done("hash-object", "-w", "--stdin", stdin=content)).decode().strip()

    async def plant(self, base: str | None, entries: Sequence[tuple[str, str | None, str]]) -> str | None:
        """Make a tree of another one and of entries: mode, name (None takes away), path. None: they do not fit."""
        if not all(fits(path) for _, _, path in entries):
            return None
        with tempfile.TemporaryDirectory(dir=self.path) as directory:
            index = {"GIT_INDEX_FILE": str(Path(directory) / "index")}
            await self.done("read-tree", *((base,) if base else ("--empty",)), environment=index)
            for mode, sha, path in entries:
                if sha is not None and mode == "040000":
                    done = await self.git("read-tree", f"--prefix={path}/", sha, environment=index)
                else:
                    line = f"{mode if sha else '0'} {sha or NOTHING}\t{path}\0".encode()
                    done = await self.git("update-index", "-z", "--index-info", stdin=line, environment=index)
                if done.code != 0:
                    return None
            done = await self.git("write-tree", environment=index)
            return done.text.strip() if done.code == 0 else None

    async def record(
        self, message: str, tree: str, parents: Sequence[str], author: Mapping[str, str], committer: Mapping[str, str]
    ) -> str:
        """Make a commit. Who made it is `name`, `email` and `date` (RFC 3339)."""
        environment = signed(author, committer)
        flags = [flag for parent in parents for flag in ("-p", parent)]
        text = await self.done("commit-tree", *flags, tree, stdin=message.encode(), environment=environment)
        return text.decode().strip()

    async def point(self, name: str, sha: str | None, before: str | None) -> bool:
        """Move, make or (None) delete a reference, where it stands as before; whether it did."""
        old = before or NOTHING
        words = ("update-ref", "-d", name, old) if sha is None else ("update-ref", name, sha, old)
        return (await self.git(*words)).code == 0


def fits(path: str) -> bool:
    """Whether a path can stand in a tree."""
    return all(part not in {"", ".", ".."} and part.lower() != ".git" for part in path.split("/")) and "\0" not in path


def signed(author: Mapping[str, str], committer: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tell git who makes a commit."""
    found: dict[str, str] = {}
    for role, who in (("AUTHOR", author), ("COMMITTER", committer)):
        found |= {f"GIT_{role}_NAME": who["name"], f"GIT_{role}_EMAIL": who["email"], f"GIT_{role}_DATE": who["date"]}
    return found

"""What git's commands say, read."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WHO = re.compile(r"(.*?) ?<(.*?)> (\d+) ([+-]\d{4})")


@dataclass(frozen=True, kw_only=True)
class Signed:
    """A line of a commit that says who and when, in seconds of the epoch."""

    name: str
    email: str
    moment: int


@dataclass(frozen=True, kw_only=True)
class CommitText:
    """What a commit says."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signed
    committer: Signed
    message: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """A file that differs between two trees."""

    name: str
    before: str | None
    status: str
    blob: str
    additions: int
    deletions: int


def read_commit(sha: str, text: str) -> CommitText:
    """Read what `git cat-file commit` says."""
    head, _, message = text.partition("\n\n")
    facts: dict[str, list[str]] = {}
    for line in head.splitlines():
        name, _, value = line.partition(" ")
        facts.setdefault(name, []).append(value)
    return CommitText(
        sha=sha,
        tree=facts["tree"][0],
        parents=tuple(facts.get("parent", ())),
        author=_who(facts["author"][0]),
        committer=_who(facts["committer"][0]),
        message=message.rstrip("\n"),
    )


def _who(line: str) -> Signed:
    found = _WHO.fullmatch(line)
    name, email, moment = (found[1], found[2], int(found[3])) if found else (line, "", 0)
    return Signed(name=name, email=email, moment=moment)


def read_counts(text: str) -> dict[str, tuple[int, int]]:
    """Read what `git diff --numstat -z` says: lines more and lines less by name."""
    found: dict[str, tuple[int, int]] = {}
    fields = iter(text.split("\0"))
    for field in fields:
        if not field:
            continue
        more, less, name = field.split("\t")
        if not name:  # renamed: the names stand behind
            next(fields)
            name = next(fields)
        found[name] = (int(more) if more != "-" else 0, int(less) if less != "-" else 0)
    return found

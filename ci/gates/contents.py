"""What changed lines are about: reasons why a fix needs a person, wherever its files are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.gates.effects import Effect
from ci.gates.lookalikes import folded
from ci.gates.phases import read_migration
from ci.gates.recording import joined

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.gates.changes import FileChange

# What code needs to reach beyond itself, or to hide that it does: an address, a process, a file, a name put together.
_OUTSIDE = re.compile(
    r"https?:|\bwss?:|[\"'`(]\s*+//\w|child_process|\beval\b|\bFunction\s*+\(|\bexec(?:File)?Sync\b|\bspawn\w*+\s*+\("
    r"|\bfetch\b|XMLHttpRequest|WebSocket|EventSource|sendBeacon|[\"'`](?:node:)?(?:net|tls|dns|https?|http2|dgram|vm|fs|os"
    r"|worker_threads|module|process)(?:/\w+)?[\"'`]|\bprocess\.|import\.meta\.env|innerHTML|document\.(?:write|cookie)"
    r"|\brequire\b|\bimport\s*+\(|\bglobalThis\b|__proto__|\bprototype\b|Object\.defineProperty|\bReflect\b|\.constructor\b"
    r"|\b(?:window|self|global|top|parent)\s*+\[|<script|<iframe|javascript:|@import|\batob\b|fromCharCode|Buffer\.from"
    r"|\\u00[2-7][0-9a-fA-F]|\\u\{0{0,8}[2-7][0-9a-fA-F]\}|\\x[2-7][0-9a-fA-F]|dangerouslySetInnerHTML"
)
_AUTH = re.compile(
    r"(?i)authori[sz]|authenti|permission|password|\bjwt|\bcsrf|\bcors\b|\btenant|row.level.security|\brls\b|stripe|"
    r"billing|invoice|\bsecret|apikey|api_key|\bset_config|\bsession"
)
_TAKES_AWAY = re.compile(
    r"(?i)\b(?:drop|truncate|alter)\s+(?:table|column|schema|database|policy|role|type|index)\b|\bdelete\s+from\b"
    r"|\b(?:grant|revoke)\s+\w+|\btruncate\s+\w|\.(?:deleteMany|dropTable|dropColumn|truncate)\b"
)
_POLICY = re.compile(
    r"(?i)\bpolicy\b|row\s+level\s+security|\bgrant\b|\brevoke\b|security\s+definer|\brole\b|bypassrls"
)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a fix is of this tier at least."""

    tier: int
    words: str


def of_source(change: FileChange, name: str) -> Iterable[Reason]:
    """Look at the changed lines of a source file."""
    touched = "\n".join((*change.removed, *change.added))
    if _TAKES_AWAY.search(touched):
        yield Reason(tier=3, words=f"{name} has SQL that takes away in its changed lines")
    if _AUTH.search(touched):
        yield Reason(tier=2, words=f"{name} has auth or billing in its changed lines")
    there = {line.strip() for line in change.removed}
    if any(_OUTSIDE.search(line) for line in change.added if line.strip() not in there):
        yield Reason(tier=2, words=f"{name} reaches beyond its program in its new lines")


def of_migration(change: FileChange, name: str) -> Iterable[Reason]:
    """Rule a migration: a new one that expands can be reviewed, all others are somebody's own work."""
    text = "\n".join(change.added)
    if not folded(change.path).endswith(".sql"):
        least = 2 if folded(change.path).endswith((".json", ".toml", ".md")) else 3
        yield Reason(tier=least, words=f"{name} is in the migrations")
        return
    if change.kind != "added":
        yield Reason(tier=3, words=f"{name} is a migration that was there before")
        return
    read = read_migration(change.path, text)
    if read.problems:
        yield Reason(tier=3, words=f"{name} is a migration: {joined(list(read.problems))}")
    elif read.phase is not Effect.EXPAND:
        yield Reason(tier=3, words=f"{name} is a {read.phase or 'mere'} migration")
    elif _POLICY.search(text):
        yield Reason(tier=3, words=f"{name} is a migration that changes who may see what")
    else:
        yield Reason(tier=2, words=f"{name} is a new expand migration")

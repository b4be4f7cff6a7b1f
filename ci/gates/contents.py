"""What changed lines are about: reasons why a fix needs a person, wherever its files are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.gates.effects import Effect
from ci.gates.lexemes import spelled
from ci.gates.lookalikes import folded
from ci.gates.phases import read_migration
from ci.gates.places import reads_language
from ci.gates.reach import foreign_imports, reaches
from ci.gates.recording import joined, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.gates.changes import FileChange

# Who gets in, whose it is, who pays; `role=` alone is an attribute of a page.
_AUTH = re.compile(
    r"(?i)authori[sz]|authenti|permission|password|\bjwt|\bcsrf|\bcors\b|\btenant|row.level.security|\brls\b|stripe|"
    r"billing|invoice|\bsecret|apikey|api_key|\bset_config|\bsession|\broles?\b(?!=[\"'{])|\bowner(?:s|_?id)?\b|is_?admin|\badmin\b|"
    r"cookie|(?:access|refresh|id|api|auth|bearer|user)_?tokens?\b|\bcurrent_?user\b"
)
_TOKEN = re.compile(r"(?i)\btokens?\b")
_STORE = (
    r"\b(?:db|prisma|tx|trx|transaction|database|knex|orm|repo|repository|pool|supabase|drizzle|kysely|entityManager)"
)
_CHAIN = r"(?:\.\w{1,60}|\([^()\n]{0,200}\)|\s){0,8}"
_TAKES_AWAY = re.compile(
    r"(?i)\b(?:drop|truncate|alter)\s+(?:table|column|schema|database|policy|role|type|index)\b|\bdelete\s+from\b"
    r"|\b(?:grant|revoke)\s+\w+|\btruncate\s+\w|\.(?:deleteMany|dropTable|dropColumn|truncate)\b"
    rf"|{_STORE}{_CHAIN}\.(?:delete|deleteFrom|destroy|remove)\s*+\("
)
_OVERWRITES = re.compile(
    rf"(?i)\bupdate\s+[\w.\"$]{{1,100}}\s+set\b|{_STORE}{_CHAIN}\.(?:update|updateMany|updateTable|upsert)\s*+\("
    r"|\binsert\s+into\b|\$?\b(?:execute|query)Raw"
    r"|\.update\([^()\n]{0,200}\)\s*+\.set\s*+\("
)
# What a query is narrowed by: fewer of them, and it is about more rows, or those of others.
_NARROWS = re.compile(r"(?i)\.(?:where|andWhere|having)\s*+\(|\beq\([^()\n]{0,200}(?:user|owner|account|org|team)")
_COMMENTS = re.compile(r"/\*[^*\n]{0,200}\*/")
_MOST = 100_000  # characters that are put in one spelling
_POLICY = re.compile(
    r"(?i)\bpolicy\b|row\s+level\s+security|\bgrant\b|\brevoke\b|security\s+definer|\brole\b|bypassrls"
)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a fix is of this tier at least."""

    tier: int
    words: str


def of_source(change: FileChange, name: str) -> Iterable[Reason]:
    """Look at the changed lines of a source file: as they stand, and in one spelling."""
    lines = "\n".join((*change.removed, *change.added))
    touched = "\n\f\n".join((lines, _COMMENTS.sub(" ", lines), spelled(lines[:_MOST])))
    if _TAKES_AWAY.search(touched):
        yield Reason(tier=3, words=f"{name} has SQL that takes away in its changed lines")
    if _OVERWRITES.search(touched):
        yield Reason(tier=2, words=f"{name} overwrites rows in its changed lines")
    if _AUTH.search(touched) or (_TOKEN.search(touched) and not reads_language(change.path)):
        yield Reason(tier=2, words=f"{name} has auth or billing in its changed lines")
    before, after = (len(_NARROWS.findall(spelled("\n".join(each)[:_MOST]))) for each in (change.removed, change.added))
    if after < before:
        yield Reason(tier=2, words=f"{name} narrows a query less")
    if reaches(change):
        yield Reason(tier=2, words=f"{name} reaches beyond its program in its new lines")
    if found := foreign_imports(change):
        yield Reason(tier=2, words=f"{name} newly imports {', '.join(map(quoted, found))}")


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

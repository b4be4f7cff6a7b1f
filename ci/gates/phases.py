"""The phase of a migration: what its first line declares, held against what its SQL does.

`expand` adds and breaks nobody, `data` changes rows, `contract` takes away. Without a declaration the SQL decides, and
what it does not decide is refused by name. A file that holds the way back as well (dbmate, goose, sql-migrate) is read
up to there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ci.gates.effects import Effect, Finding
from ci.gates.recording import quoted, whole
from ci.gates.statements import findings

_DECLARED = re.compile(r"--\s*shipway:\s*phase=(\S+)\s*")
_OTHERWISE = re.compile(r"^\s*--\s*shipway:", re.MULTILINE)
# The way there, then the way back: only a file that has both marks is run up to the second.
_BOTH_WAYS = re.compile(
    r"^--\s*(migrate:|\+goose\s+|\+migrate\s+)up\b.*?(?=^--\s*\1down\b)", re.MULTILINE | re.IGNORECASE | re.DOTALL
)
_PHASES = {"expand": Effect.EXPAND, "data": Effect.DATA, "contract": Effect.CONTRACT}


@dataclass(frozen=True, kw_only=True)
class Migration:
    """A migration as read: its phase, None where it cannot be decided; why it is refused, in `problems`."""

    name: str
    phase: Effect | None
    declared: bool
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def read_migration(name: str, sql: str) -> Migration:
    """Return the migration's phase and everything that speaks against it."""
    sql = whole(sql).removeprefix("\ufeff")
    first, _, rest = sql.partition("\n")
    match = _DECLARED.fullmatch(first)
    declared = _PHASES.get(match[1]) if match else None
    problems = []
    if declared is None and _OTHERWISE.match(first):
        problems.append(f"its first line names no phase: {quoted(first)}")
    elif _OTHERWISE.search(rest):
        problems.append("it has a line for Shipway that is not its first one")
    try:
        found = findings(_way_there(sql))
    except ValueError as error:
        return Migration(
            name=name,
            phase=declared,
            declared=declared is not None,
            problems=(*problems, f"it cannot be read: {error}"),
        )
    phase, wrong = _classified(found) if declared is None else (declared, _against(declared, found))
    return Migration(
        name=name,
        phase=phase,
        declared=declared is not None,
        problems=(*problems, *wrong),
        warnings=_warnings(found, declared),
        removed=tuple(dict.fromkeys(gone for each in found for gone in each.removed)),
    )


def spellings(name: str) -> tuple[str, ...]:
    """Return how source may spell the last part of a name: total_minor, totalMinor, TotalMinor."""
    last = name.rpartition(".")[2]
    head, *tail = last.split("_")
    camel = head + "".join(word[:1].upper() + word[1:] for word in tail)
    return tuple(dict.fromkeys((last, camel, camel[:1].upper() + camel[1:])))


def _way_there(sql: str) -> str:
    both = _BOTH_WAYS.search(sql)
    return sql if both is None else sql[: both.end()]


def _classified(found: tuple[Finding, ...]) -> tuple[Effect | None, list[str]]:
    open_questions = [each.what for each in found if each.effect is Effect.UNDECIDED]
    if open_questions:
        return None, [f"cannot be decided, declare its phase: {what}" for what in open_questions]
    by = {effect: [each.what for each in found if each.effect is effect] for effect in Effect}
    if by[Effect.CONTRACT] and by[Effect.EXPAND]:
        return None, [f"both phases in one: it {by[Effect.EXPAND][0]} and {by[Effect.CONTRACT][0]}"]
    if by[Effect.CONTRACT]:
        return Effect.CONTRACT, []
    return (Effect.DATA if by[Effect.DATA] else Effect.EXPAND), []


def _against(declared: Effect, found: tuple[Finding, ...]) -> list[str]:
    if declared is Effect.CONTRACT:
        return []
    return [f"{each.what} in {_article(declared)}" for each in found if each.effect is Effect.CONTRACT]


def _article(phase: Effect) -> str:
    return "an expand" if phase is Effect.EXPAND else f"a {phase} migration"


def _warnings(found: tuple[Finding, ...], declared: Effect | None) -> tuple[str, ...]:
    warnings = [each.warning for each in found if each.warning]
    if declared is not None and declared is not Effect.CONTRACT:
        warnings += [f"taken as declared: {each.what}" for each in found if each.effect is Effect.UNDECIDED]
    if declared is Effect.EXPAND:
        warnings += [f"{each.what} in an expand" for each in found if each.effect is Effect.DATA]
    return tuple(warnings)

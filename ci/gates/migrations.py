"""The migrations gate: what is served now goes on working while the database changes, and after a rollback.

Expand and data migrations run before the candidate is deployed, a contract migration alone and after the watch. So an
expand may take nothing away, a contract nothing that served source still names, and one promotion has not both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.gates.effects import Effect
from ci.gates.phases import Migration, read_migration
from ci.gates.recording import decide, joined, quoted
from ci.model import Outcome, Ruling
from ci.text import count, few

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, kw_only=True)
class Pending:
    """A migration of the candidate that the database has not had yet."""

    name: str
    sql: str


@dataclass(frozen=True, kw_only=True)
class Applied:
    """A migration that the database has had: its content's digest then, and in the candidate (None: it is gone)."""

    name: str
    digest: str
    now: str | None


@dataclass(frozen=True, kw_only=True)
class Mention:
    """Where the source of a served build names what a migration takes away, in any spelling of `phases.spellings`."""

    name: str
    places: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class MigrationsObserved:
    """The candidate's migrations, and what was found in served source of the names that were `looked_for` there."""

    pending: tuple[Pending, ...]
    applied: tuple[Applied, ...] = ()
    looked_for: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()


def rule(observed: MigrationsObserved, *, environment: str) -> Ruling:
    """FAIL names everything that is refused; NODATA where served source was not searched for what goes."""
    read = [read_migration(each.name, each.sql) for each in observed.pending]
    wrong = [f"{each.name}: {problem}" for each in read for problem in each.problems]
    wrong += [f"{each.name} was edited after it was applied" for each in observed.applied if _edited(each)]
    wrong += [f"{each.name} was applied and is gone" for each in observed.applied if each.now is None]
    removed = {name: each.name for each in read if each.phase is Effect.CONTRACT for name in each.removed}
    wrong += [
        f"{removed[each.name]}: served source still names {each.name} ({few(each.places)})"
        for each in observed.mentions
        if each.name in removed and each.places
    ]
    contracts = [each.name for each in read if each.phase is Effect.CONTRACT]
    others = [each.name for each in read if each.phase in {Effect.EXPAND, Effect.DATA}]
    if contracts and others:
        wrong.append(f"both phases in one promotion: {', '.join(others)} before it, {', '.join(contracts)} after it")
    missing = [
        f"{migration} takes {name} away: served source was not searched for it"
        for name, migration in removed.items()
        if name not in observed.looked_for
    ]
    warnings = [f"{each.name}: {warning}" for each in read for warning in each.warnings]
    figures = {
        "phases": {each.name: each.phase for each in read},
        "violations": wrong,
        "missing": missing,
        "warnings": warnings,
        "removed": list(removed),
    }
    if wrong:
        return decide("migrations", environment, Outcome.FAIL, joined(wrong + missing), observed, **figures)
    if missing:
        return decide("migrations", environment, Outcome.NODATA, joined(missing), observed, **figures)
    phases = ", ".join(f"{each.name} {each.phase}" for each in read)
    said = [f"{count(len(read), 'pending migration')}: {phases}" if read else "no migration is pending"]
    said += [f"warning: {warning}" for warning in warnings]
    return decide("migrations", environment, Outcome.PASS, joined(said), observed, **figures)


def removed_names(pending: Sequence[Pending]) -> tuple[str, ...]:
    """Return the names that these migrations take away, to be looked for in served source."""
    read = [read_migration(each.name, each.sql) for each in pending]
    return tuple(dict.fromkeys(name for each in read for name in each.removed))


def bars_rollback(since: Sequence[Migration]) -> tuple[str, ...]:
    """Return what keeps a rollback from going back over these migrations: each that is not an expand; none: it may.

    A file with problems is none that the build before could be trusted with.
    """
    return tuple(
        f"{quoted(each.name)} is {each.phase or 'of no phase that could be decided'}"
        for each in since
        if each.phase is not Effect.EXPAND or each.problems
    )


def _edited(applied: Applied) -> bool:
    return applied.now is not None and applied.now != applied.digest

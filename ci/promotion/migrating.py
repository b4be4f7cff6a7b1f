"""Steps 4 to 7 and 13: what a commit's migrations do, on a copy first, then on the environment's own database."""

from __future__ import annotations

import datetime
import functools
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.gates.effects import Effect
from ci.gates.migrations import Applied, Mention, MigrationsObserved, Pending, removed_names, rule
from ci.gates.phases import read_migration, spellings
from ci.promotion.databases import KEEPING, databases, locked, own_url
from ci.promotion.flow import SKIPPED
from ci.promotion.footprint import isolate
from ci.promotion.history import digest
from ci.promotion.promoting import demand, demand_green
from ci.promotion.work import Asked, What
from ci.vendors.neon_restoring import restore_point

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion

NO_MIGRATIONS = "shipway.toml has no [migrations]"
BEFORE = "shipway-before-"  # what restore points are called, before a flow's id
NO_COPY = "without Neon there is no copy of a migrated database"


async def rule_gates(promotion: Promotion, doing: Doing) -> Facts:
    """Rule whether environments are apart, and whether what is served outlives the migrations. Raises BlockedError."""
    isolation = await isolate(promotion.settings, promotion.made, promotion.journal, rehearsal=promotion.rehearsal)
    observed = await _observe(promotion, doing)
    facts = demand(isolation, rule(observed, environment=promotion.environment))
    phases = {each.name: read_migration(each.name, each.sql).phase for each in observed.pending}
    return {**facts, "pending": {name: phase.value if phase else None for name, phase in phases.items()}}


async def make_test_database(promotion: Promotion, doing: Doing) -> Facts:
    """Make a branch of the environment's database, and have the candidate's migrations run on it."""
    found = databases(promotion)
    if found is None:
        return {SKIPPED: "no Neon is connected: each check of stage 5 has a server of its own"}
    name = test_database(doing.flow.id)
    branch = await found.make(name)
    if promotion.settings.migrations is not None:
        await _migrate(promotion, await found.url(branch.id), "the migrations fail on a copy of the database")
    return {"branch": name}


async def test_rollback(promotion: Promotion, doing: Doing) -> Facts:
    """Run the integration tests of what is served, on copies of the migrated database: it may have to come back."""
    served = doing.facts["admission"]["served"]
    commits: dict[str, list[str]] = {}
    for name, apps in served.items():
        for commit in set(apps.values()) - {promotion.commit}:
            commits.setdefault(commit, []).append(name)
    database = doing.facts["test database"].get("branch")
    if not commits:
        return {SKIPPED: "nothing is served yet"}
    if database is None:
        return {SKIPPED: NO_COPY}
    if promotion.settings.migrations is not None and not doing.facts["gates"]["pending"]:
        return {SKIPPED: "no migration is pending"}
    for commit, names in commits.items():
        who = f"which {' and '.join(names)} {'serves' if len(names) == 1 else 'serve'}"
        await promotion.history.require(commit, who)
        asked = Asked(what=What.INTEGRATION, commit=commit, environment=promotion.environment, database=database)
        report = await promotion.work.run(asked)
        demand_green(report, f"{commit[:12]}, {who}, does not work on the migrated database")
    return {"tested": sorted(commits)}


async def keep_restore_point(promotion: Promotion, doing: Doing) -> Facts:
    """Keep what the environment's database holds before it is migrated, for a week; of those of before the newest."""
    found = databases(promotion)
    if found is None:
        return {SKIPPED: "no Neon is connected"}
    if not doing.facts["gates"]["pending"]:
        return {SKIPPED: "no migration is pending"}
    expires = datetime.datetime.now(datetime.UTC) + KEEPING
    parent = await found.own()
    name = f"{BEFORE}{doing.flow.id}"
    await found.make_room(f"{BEFORE}{promotion.environment}-", name=name)
    await restore_point(found.client, found.settings.project, name, parent=parent.id, expires=expires)
    return {"branch": name}


async def migrate(promotion: Promotion, doing: Doing) -> Facts:
    """Run expand and data migrations on the environment's own database; a contract waits until after the soak."""
    phases: Mapping[str, str | None] = doing.facts["gates"]["pending"]
    if not phases or Effect.CONTRACT in phases.values():
        await _note(promotion, but=phases)
        return {SKIPPED: "a contract migration runs alone, after the soak" if phases else "no migration is pending"}
    return await _migrate_own(promotion, doing)


async def contract(promotion: Promotion, doing: Doing) -> Facts:
    """Run the commit's contract migration on the environment's own database, now that nothing needs what it takes."""
    phases: Mapping[str, str | None] = doing.facts["gates"]["pending"]
    if Effect.CONTRACT not in phases.values():
        return {SKIPPED: "it has no contract migration"}
    return await _migrate_own(promotion, doing)


def test_database(flow: str) -> str:
    """Return the name of a flow's branch for tests."""
    return f"shipway-test-{flow}"


async def candidate_files(promotion: Promotion) -> dict[str, str]:
    """Return the candidate's migrations by name, none where shipway.toml has no [migrations]."""
    settings = promotion.settings.migrations
    if settings is None:
        return {}
    return await promotion.history.files(promotion.commit, settings.directory, settings.files)


async def pending_migrations(promotion: Promotion, doing: Doing) -> tuple[Pending, ...]:
    """Return the candidate's migrations that the environment's database has not had. Raises UsageError."""
    served: Mapping[str, Mapping[str, str]] = doing.facts["admission"]["served"]
    applied = await _applied(promotion, served.get(promotion.environment, {}))
    return _pending(await candidate_files(promotion), applied)


def _pending(files: Mapping[str, str], applied: Mapping[str, str]) -> tuple[Pending, ...]:
    return tuple(Pending(name=name, sql=text) for name, text in files.items() if name not in applied)


async def _observe(promotion: Promotion, doing: Doing) -> MigrationsObserved:
    """Tell what is pending from what was there when the environment was migrated last."""
    served: Mapping[str, Mapping[str, str]] = doing.facts["admission"]["served"]
    files, applied = await candidate_files(promotion), await _applied(promotion, served.get(promotion.environment, {}))
    pending = _pending(files, applied)
    removed = removed_names(pending)
    commits = dict.fromkeys(commit for apps in served.values() for commit in apps.values())
    mentions = []
    settings = promotion.settings.migrations
    for name in removed if settings else ():
        places: list[str] = []
        for commit in commits:
            await promotion.history.require(commit, "which is served")
            found = await promotion.history.naming(commit, spellings(name), but=settings.directory if settings else "")
            places += [f"{path} of {commit[:12]}" for path in found]
        mentions.append(Mention(name=name, places=tuple(places)))
    return MigrationsObserved(
        pending=pending,
        applied=tuple(
            Applied(name=name, digest=mark, now=digest(files[name]) if name in files else None)
            for name, mark in applied.items()
        ),
        looked_for=removed,
        mentions=tuple(mentions),
    )


async def _applied(promotion: Promotion, served: Mapping[str, str]) -> dict[str, str]:
    """Return the migrations that the environment's database has, with their digests: as noted, else as served."""
    settings = promotion.settings.migrations
    found = await anyio.to_thread.run_sync(promotion.journal.servings.migrations, promotion.environment)
    if found:
        return found
    for commit in dict.fromkeys(served.values()) if settings else ():
        await promotion.history.require(commit, f"which {promotion.environment} serves")
        files = await promotion.history.files(commit, settings.directory, settings.files) if settings else {}
        found |= {name: digest(text) for name, text in files.items()}
    return found


def applied_names(promotion: Promotion) -> list[str]:
    """Return the names of all migrations that the environment's database has had."""
    return list(promotion.journal.servings.migrations(promotion.environment))


async def _migrate_own(promotion: Promotion, doing: Doing) -> Facts:
    url = await own_url(promotion)
    if url is None:
        return {SKIPPED: f"no database of {promotion.environment} is connected"}
    await doing.fence()
    async with locked(url):
        await _migrate(promotion, url, f"the migrations fail on the database of {promotion.environment}")
    await _note(promotion)
    return {"migrated": True}


async def _note(promotion: Promotion, *, but: Collection[str] = ()) -> None:
    """Note which of the candidate's migrations the database has had by now: all but those that are pending still."""
    files = await candidate_files(promotion)
    marks = {name: digest(text) for name, text in files.items() if name not in but}
    noting = functools.partial(promotion.journal.servings.migrated, promotion.environment, marks)
    await anyio.to_thread.run_sync(noting)


async def _migrate(promotion: Promotion, url: str, failing: str) -> None:
    settings = promotion.settings.migrations
    if settings is None:
        return
    asked = Asked(
        what=What.MIGRATION,
        commit=promotion.commit,
        environment=promotion.environment,
        given={settings.url: url},
    )
    demand_green(await promotion.work.run(asked), failing)

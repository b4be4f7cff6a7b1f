"""What is new between what an environment serves and the candidate: for whoever approves, and for the report."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import anyio.to_thread
import httpx
from pydantic import TypeAdapter

from ci.errors import ToolError, UsageError
from ci.gates.phases import read_migration
from ci.journal.releases import Proof
from ci.model import AppChange, NewCommit, NewMigration, ReleaseNotes
from ci.promotion.flow import SKIPPED
from ci.promotion.inputs import read_inputs
from ci.promotion.migrating import pending_migrations
from ci.redact import Redactor
from ci.text import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.history import Entry
    from ci.promotion.inputs import Inputs
    from ci.promotion.promoting import Promotion

STEP = "release notes"
NOTES = TypeAdapter(ReleaseNotes)
LISTED = 50  # commits; the rest is counted
READ = 2000  # commits, of which those are found that are listed
LONGEST = 200  # characters of a subject
# What GitHub writes of a merge; what was merged stands below it.
MERGE = re.compile(r"Merge pull request (#[0-9]+) from \S+")


async def note_news(promotion: Promotion, doing: Doing) -> Facts:
    """Note what is new. What cannot be told is said, and bars nothing."""
    try:
        since = await _served(promotion, doing)
        if not since:
            return {SKIPPED: f"nobody can tell what {promotion.environment} serves now"}
        for commit in since:
            await promotion.history.require(commit, f"which {promotion.environment} serves")
        return {"notes": dataclasses.asdict(await _notes(promotion, doing, since))}
    except (UsageError, ToolError) as error:
        return {SKIPPED: f"what is new cannot be told: {error}"}


async def _served(promotion: Promotion, doing: Doing) -> tuple[str, ...]:
    """Return what the environment serves, as its apps say or, where none does, as the journal has it."""
    told: Mapping[str, str] = doing.facts["admission"]["served"].get(promotion.environment, {})
    if told:
        return tuple(dict.fromkeys([await promotion.history.whole(each) for each in told.values()]))

    def known() -> str | None:
        released = promotion.journal.releases.of(promotion.environment)
        left = [each.commit for each in released if each.state is not Proof.ROLLED_BACK]
        servings = promotion.journal.servings.of(promotion.environment)
        return next(iter(left), servings[-1].commit if servings else None)

    found = await anyio.to_thread.run_sync(known)
    return () if found is None else (found,)


async def _notes(promotion: Promotion, doing: Doing, since: tuple[str, ...]) -> ReleaseNotes:
    history, commit = promotion.history, promotion.commit
    redactor, page = Redactor(promotion.made.secrets), _page(promotion)
    entries = await history.log(commit, without=since, most=READ)
    straight = straightened(entries, commit)
    listed = tuple(
        NewCommit(
            sha=entry.sha,
            subject=redactor.text(subject_of(entry)),
            author=redactor.text(first_line(entry.author, LONGEST)),
            brings=brings,
            link=f"{page}/commit/{entry.sha}" if page else None,
        )
        for entry, brings in straight[:LISTED]
    )
    every = await history.count(commit, without=since, straight=True)
    pending = await pending_migrations(promotion, doing)
    return ReleaseNotes(
        since=since,
        commits=listed,
        total=await history.count(commit, without=since),
        more=every - len(listed),
        lost=await history.count(*since, without=(commit,)),
        apps=await _apps(promotion, doing, since),
        migrations=tuple(_migration(each.name, each.sql) for each in pending),
        link=f"{page}/compare/{since[0]}...{commit}" if page and len(since) == 1 else None,
    )


def straightened(entries: Sequence[Entry], commit: str) -> list[tuple[Entry, int]]:
    """Return the commits on the line of first parents, the newest first, each with how many came by merging there."""
    known = {entry.sha: entry for entry in entries}
    line = []
    while (entry := known.get(commit)) is not None:
        line.append(entry)
        commit = entry.parents[0] if entry.parents else ""
    seen = {entry.sha for entry in line}
    brings: dict[str, int] = {}
    for entry in reversed(line):  # what two merges hold came with the earlier one
        waiting, found = [each for each in entry.parents[1:] if each in known], 0
        while waiting:
            each = waiting.pop()
            if each not in seen:
                seen.add(each)
                found += 1
                waiting += [parent for parent in known[each].parents if parent in known]
        brings[entry.sha] = found
    return [(entry, brings[entry.sha]) for entry in line]


def subject_of(entry: Entry) -> str:
    """Return what a commit says of itself in one line: of a merged pull request its title, and its number."""
    subject = first_line(entry.message, LONGEST)
    merged = MERGE.fullmatch(subject)
    title = first_line(entry.message.partition("\n")[2], LONGEST) if merged else ""
    return f"{title} ({merged[1]})" if merged and title else subject


def _migration(name: str, sql: str) -> NewMigration:
    phase = read_migration(name, sql).phase
    return NewMigration(name=name, phase=phase.value if phase else None)


async def _apps(promotion: Promotion, doing: Doing, since: tuple[str, ...]) -> tuple[AppChange, ...]:
    """Say of each app whether the candidate changes what it is built from."""
    served: Mapping[str, str] = doing.facts["admission"]["served"].get(promotion.environment, {})
    inputs: Inputs | None
    try:
        inputs, why = await read_inputs(promotion.history, promotion.commit), ""
    except UsageError as error:
        inputs, why = None, error.message
    found: list[AppChange] = []
    for app in promotion.settings.apps:
        before = served.get(app.name) or (since[0] if len(since) == 1 else None)
        change = AppChange(app=app.name, since=before, changed=None, reason=why or "nobody can tell what it serves")
        if inputs is not None and before is not None:
            try:
                differs = await inputs.difference(app.path, before)
            except UsageError as error:
                change = dataclasses.replace(change, reason=error.message)
            else:
                told = differs or "nothing that it is built from changed"
                change = dataclasses.replace(change, changed=differs is not None, reason=told)
        found.append(change)
    return tuple(found)


def _page(promotion: Promotion) -> str | None:
    """Return where people look at the repository: beside its API."""
    settings = promotion.settings.github
    if settings is None:
        return None
    url = httpx.URL(settings.address)
    host = "https://github.com" if url.host == "api.github.com" else f"{url.scheme}://{url.netloc.decode()}"
    return f"{host}/{settings.repository}"


def notes_of(facts: Mapping[str, Facts]) -> ReleaseNotes | None:
    """Return what the step noted, None where it has noted nothing."""
    found = facts.get(STEP, {}).get("notes")
    return None if found is None else NOTES.validate_python(found)

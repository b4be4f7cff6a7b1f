"""Looks at a release that users were moved to, each written down before anything is ruled on it.

Before users are moved, the same is read of what they had until then: the baseline.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.promotion.connected import dsn_place
from ci.promotion.watch.counting import UNREAD, Counting, unread
from ci.promotion.watch.verdicts import ARMED, WINDOW, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ci.journal import Journal, Look
    from ci.promotion.connected import Connected
    from ci.settings import Settings

Facts = dict[str, Any]
UNTRIED = "[environments.{}.sentry] has no `dsn`"


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is watched: a release, by the flow that moved users to it.

    `releases` are the commits that its apps were built from, `commit` is that of the promotion. `baseline` is what
    `baseline()` returned before the move, `switched` the moment of that. `deployed` is when the first of its apps was
    deployed, where that was before.
    """

    flow: str
    commit: str
    releases: tuple[str, ...]
    switched: float
    baseline: Mapping[str, Any]
    settings: Settings
    made: Connected
    journal: Journal
    root: Path
    deployed: float | None = None

    @property
    def plan(self) -> Plan:
        """By what is ruled."""
        return Plan(
            environment=self.made.name,
            commit=self.commit,
            switched=self.switched,
            deployed=self.switched if self.deployed is None else self.deployed,
            watch=self.settings.watch,
            baseline=self.baseline,
        )

    @property
    def counting(self) -> Counting:
        """Who counts."""
        return Counting(settings=self.settings, made=self.made, root=self.root)

    async def looks(self) -> tuple[Look, ...]:
        """All that the journal holds."""
        return await anyio.to_thread.run_sync(self.journal.looks.of, self.flow)

    async def record(self, kind: str, number: int, document: Mapping[str, Any]) -> Look:
        """Write a look down."""
        return await anyio.to_thread.run_sync(self.journal.looks.record, self.flow, kind, number, document)


async def baseline(
    settings: Settings, made: Connected, *, journal: Journal, root: Path, releases: Sequence[str]
) -> Facts:
    """Return what was counted of the releases that are served now, for the journal; a blind source is told in it.

    Time in which another release was served, or had just been moved to, is left out and told.
    """
    watch, counting = settings.watch, Counting(settings=settings, made=made, root=root)
    until = time.time() - watch.lag
    since, told = until - watch.baseline, list[str]()
    servings = await anyio.to_thread.run_sync(journal.servings.of, made.name)
    if servings and (moved := servings[-1].moment + watch.warm_up) > since:
        since = min(moved, until)
        told.append(
            f"the baseline is {max(0.0, until - since) / 60:.1f} minutes long: another release was served before"
        )
    facts: Facts = {
        "source": counting.source,
        "connected": made.sentry is not None,
        "since": since,
        "until": until,
        "releases": list(releases),
        "errors": None,
        "requests": None,
        "users": None,
    }
    if made.sentry is not None and dsn_place(made.name) not in made.secrets:
        facts["untried"] = UNTRIED.format(made.name)
    if made.sentry is None:
        told.append(f"[environments.{made.name}.sentry] is not connected: nobody sees errors")
    elif not releases or until <= since:
        told.append("there is no baseline: of errors only the hard trip counts")
    else:
        facts |= await _before(counting, releases, since, until)
        if (why := unread(facts["errors"], facts["requests"])) is not None:
            told.append(f"the baseline could not be read, of errors only the hard trip counts: {why}")
    return {**facts, "notices": told}


async def _before(counting: Counting, releases: Sequence[str], since: float, until: float) -> Facts:
    parts = {
        **counting.parts(releases, since, until),
        "known": functools.partial(counting.users, releases, since, until),
    }
    found = await counting.read(parts)
    known = found.pop("known")
    return {**found, "users": None if known is None or UNREAD in known else known["users"]}


async def look(subject: Subject, kind: str, number: int, *, until: float, since_last: float | None = None) -> Look:
    """Read all that there is up to a moment, and write it down; what cannot be read is told in it.

    With `since_last` errors and requests since that moment are read once more by themselves.
    """
    plan, counting, releases = subject.plan, subject.counting, subject.releases
    since = plan.begins
    parts = {
        **counting.parts(releases, since, until),
        "types": functools.partial(counting.types, releases, plan.deployed, until),
        "known": functools.partial(counting.users, releases, since, until),
    }
    found = await counting.read(parts)
    document: Facts = {"after": round(until - since, 3), "span": round(until - since, 3), "until": until, **found}
    if since_last is not None:
        document["recent"] = await counting.read(counting.parts(releases, since_last, until))
        document["recent"]["span"] = round(until - since_last, 3)
    return await subject.record(kind, number, document)


def reached(looks: Sequence[Look]) -> float:
    """Return the moment up to which the newest look of window or armed watch read, 0 where there is none."""
    return max((each.document["until"] for each in looks if each.kind in {WINDOW, ARMED}), default=0.0)

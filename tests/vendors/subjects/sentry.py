from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry import TOKEN, Sentry
from ci.rehearsal.sentry.envelopes import parse
from ci.rehearsal.sentry.intake import take
from ci.vendors import sentry
from ci.vendors.sentry_values import Commit, Place, Window
from tests.vendors.envelopes import error, packed, session, transaction
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from pathlib import Path

RELEASE = "api@1"
NOW = datetime.datetime.now(datetime.UTC)
HOUR = Window(since=NOW - datetime.timedelta(hours=1), until=NOW + datetime.timedelta(hours=1))
PRODUCTION = Place(projects=("api",), environment="production")
EVENT = error(user={"id": "1"})


def standing(directory: Path) -> Sentry:
    """Return a Sentry that has had an error, a request and a session."""
    stand_in = Sentry(directory)
    items = (("event", EVENT), ("transaction", transaction()), ("session", session(RELEASE)))
    take(stand_in.store, stand_in.store.projects["api"], parse(packed(*items)))
    return stand_in


def resolved(stand_in: Any) -> int:
    """Count the issues that are resolved."""
    return sum(group["status"] == "resolved" for group in stand_in.store.groups.values())


SUBJECT = Subject(
    name="sentry",
    stand_in=standing,
    connect=lambda address, patience, transport: sentry.connect(
        TOKEN, "acme", address=address, patience=patience, transport=transport
    ),
    secrets=(TOKEN,),
    asked={
        "organization": Asked(run=lambda it: it.organization()),
        "projects": Asked(run=lambda it: it.projects()),
        "environments": Asked(run=lambda it: it.environments()),
        "issues": Asked(run=lambda it: it.issues("", place=PRODUCTION)),
        "new issues": Asked(run=lambda it: it.new_issues(RELEASE, place=PRODUCTION)),
        "issue": Asked(run=lambda it: it.issue("1001")),
        "resolve": Asked(run=lambda it: it.resolve("1001", release=RELEASE), effects=resolved),
        "reopen": Asked(
            prepare=lambda it: it.resolve("1001"),
            run=lambda it: it.reopen("1001"),
            effects=lambda it: 1 - resolved(it),
        ),
        "events": Asked(run=lambda it: it.events("1001")),
        "failures": Asked(run=lambda it: it.failures("1001")),
        "error counts": Asked(run=lambda it: it.error_counts([RELEASE], HOUR, place=PRODUCTION)),
        "tally": Asked(run=lambda it: it.tally([RELEASE], HOUR, place=PRODUCTION)),
        "tallies": Asked(run=lambda it: it.tallies(["1001"], [RELEASE], HOUR, place=PRODUCTION)),
        "users": Asked(run=lambda it: it.users([RELEASE], HOUR, place=PRODUCTION)),
        "arrived": Asked(run=lambda it: it.arrived(EVENT["event_id"])),
        "series": Asked(run=lambda it: it.series("errors", "", HOUR)),
        "requests": Asked(run=lambda it: it.requests(RELEASE, HOUR, place=PRODUCTION, slower=300)),
        "health": Asked(run=lambda it: it.health(HOUR)),
        "release": Asked(run=lambda it: it.release(RELEASE)),
        "ensure release": Asked(
            run=lambda it: it.ensure_release("api@2", ["api"], commits=[Commit(id="c" * 40)]),
            effects=lambda it: len(it.store.releases),
            status=201,
        ),
        "mark released": Asked(
            run=lambda it: it.mark_released(RELEASE, NOW),
            effects=lambda it: sum(each["released"] is not None for each in it.store.releases.values()),
        ),
        "commits": Asked(run=lambda it: it.commits(RELEASE)),
        "deploys": Asked(run=lambda it: it.deploys(RELEASE)),
        "ensure deploy": Asked(
            run=lambda it: it.ensure_deploy(RELEASE, "production", name="d1"),
            effects=lambda it: len(it.store.deploys),
        ),
    },
)

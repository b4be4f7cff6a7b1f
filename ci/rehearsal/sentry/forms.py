"""Issues in Sentry's form."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry import shapes
from ci.rehearsal.sentry.store import written

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.store import Store

DERIVED = {
    "blocker": "none",
    "progress": "none",
    "status": "open",
    "viewCount": 0,
    "hasOpenFixPr": False,
    "isAssigned": False,
    "hasRootCause": False,
    "lastCompletedAutofixStep": "none",
    "lastProgressedAt": None,
}


@dataclass(frozen=True, kw_only=True)
class Issue:
    """A group with its rows: all of them in these environments, and those of the period, the oldest first."""

    group: Mapping[str, Any]
    rows: Sequence[Row]
    within: Sequence[Row]
    found: Sequence[Row]

    @property
    def first(self) -> Row:
        """The event that made it."""
        return self.rows[0]

    @property
    def last(self) -> Row:
        """The newest event."""
        return self.rows[-1]


def users_of(rows: Sequence[Row]) -> int:
    """Count who was hit."""
    return len({row["user_key"] for row in rows if row["user_key"]})


def _facts(store: Store, issue: Issue, address: str) -> dict[str, Any]:
    group, last = issue.group, issue.last
    known = store.projects[group["project"]]
    details_of = {"inNextRelease": True} if "after" in group["details"] else group["details"]
    return {
        "id": group["id"],
        "shortId": group["short"],
        "shareId": None,
        "title": last["title"],
        "culprit": last["culprit"],
        "permalink": f"{address}/organizations/{store.organization}/issues/{group['id']}/",
        "logger": last["logger"],
        "level": last["level"],
        "status": group["status"],
        "statusDetails": details_of,
        "substatus": group["substatus"],
        "isPublic": False,
        "platform": last["platform"],
        "priority": "high" if last["level"] in {"error", "fatal"} else "low",
        "priorityLockedAt": None,
        "seerFixabilityScore": None,
        "seerAutofixLastTriggered": None,
        "seerExplorerAutofixLastTriggered": None,
        "project": {"id": known["id"], "name": known["slug"], "slug": known["slug"], "platform": last["platform"]},
        "type": last["type"],
        "issueType": "error",
        "issueCategory": "error",
        "metadata": last["metadata"],
        "numComments": 0,
        "assignedTo": None,
        "isBookmarked": False,
        "isSubscribed": False,
        "subscriptionDetails": None,
        "hasSeen": False,
        "annotations": [],
        "isUnhandled": not last["handled"],
        **_counted(issue.rows, issue.within),
        "derivedData": DERIVED,
    }


def _counted(rows: Sequence[Row], counted: Sequence[Row]) -> dict[str, Any]:
    return {
        "count": str(len(counted)),
        "userCount": users_of(counted),
        "firstSeen": written(rows[0]["timestamp"]),
        "lastSeen": written(rows[-1]["timestamp"]),
    }


def row_of(store: Store, issue: Issue, address: str, *, filtered: bool) -> dict[str, Any]:
    """Return an issue in the form that it has in a list; `filtered` where a query chose among its events."""
    return {
        **_facts(store, issue, address),
        "stats": {"24h": _hours(issue.within)},
        "lifetime": {**_counted(issue.rows, issue.rows), "stats": None},
        "filtered": {**_counted(issue.found, issue.found), "stats": {"24h": _hours(issue.found)}} if filtered else None,
        # The published API has these as never null, and the real one gives null.
        "inbox": {"reason": 0, "reason_details": None, "date_added": written(issue.first["timestamp"])},
        "owners": {"type": "none", "owner": "none", "date_added": written(issue.first["timestamp"])},
        "integrationIssues": [],
        "sentryAppIssues": [],
        "sessionCount": 0,
        "latestEventHasAttachments": False,
        "matchingEventId": issue.found[-1]["id"],
        "matchingEventEnvironment": issue.found[-1]["environment"],
    }


def _hours(rows: Sequence[Row]) -> list[list[int]]:
    last = int(time.time()) // 3600
    counts = dict.fromkeys(range(last - 23, last + 1), 0)
    for row in rows:
        hour = int(row["timestamp"]) // 3600
        if hour in counts:
            counts[hour] += 1
    return [[hour * 3600, count] for hour, count in counts.items()]


def details(store: Store, issue: Issue, address: str) -> dict[str, Any]:
    """Return an issue in the form in which it is shown alone."""
    first, last = issue.first["release"], issue.last["release"]
    keys = sorted({name for row in issue.rows for name in row["tags"]})
    return {
        **_facts(store, issue, address),
        "activity": [
            {
                "id": "0",
                "type": "first_seen",
                "data": {},
                "user": None,
                "dateCreated": written(issue.first["timestamp"]),
            }
        ],
        "seenBy": [],
        "participants": [],
        "pluginActions": [],
        "pluginContexts": [],
        "pluginIssues": [],
        "userReportCount": 0,
        "firstRelease": shapes.release(store, store.releases[first]) if first else None,
        "lastRelease": shapes.release(store, store.releases[last]) if last else None,
        "tags": [{"key": key, "name": key.title(), "totalValues": len(issue.rows)} for key in keys],
        "stats": {"24h": _hours(issue.rows), "30d": []},
    }

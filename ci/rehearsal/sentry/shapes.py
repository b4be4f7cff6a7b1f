"""Organizations, projects, releases and events in Sentry's form: what its published API requires of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry.grouping import values
from ci.rehearsal.sentry.store import written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.rehearsal.sentry.columns import Row
    from ci.rehearsal.sentry.store import Store

FLAGS = [
    "hasFeedbacks",
    "hasFlags",
    "hasMinifiedStackTrace",
    "hasMonitors",
    "hasNewFeedbacks",
    "hasProfiles",
    "hasReplays",
    "hasUserReports",
    "hasInsightsHttp",
    "hasInsightsDb",
    "hasInsightsAssets",
    "hasInsightsAppStart",
    "hasInsightsScreenLoad",
    "hasInsightsVitals",
    "hasInsightsCaches",
    "hasInsightsQueues",
    "hasInsightsAgentMonitoring",
    "hasInsightsMCP",
    "hasLogs",
    "hasTraceMetrics",
    "isBookmarked",
    "firstTransactionEvent",
]


def organization(store: Store, address: str) -> dict[str, Any]:
    """Return the organization."""
    created = min((each["created"] for each in store.projects.values()), default=time.time())
    return {
        "id": "1",
        "slug": store.organization,
        "name": store.organization,
        "status": {"id": "active", "name": "active"},
        "dateCreated": written(created),
        "isEarlyAdopter": False,
        "require2FA": False,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None},
        "links": {"organizationUrl": f"{address}/organizations/{store.organization}", "regionUrl": address},
        "hasAuthProvider": False,
        "allowMemberInvite": True,
        "allowMemberProjectCreation": True,
        "allowSuperuserAccess": False,
        "features": [],
    }


def project(store: Store, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a project, with what it has had so far."""
    events = [row for row in store.events.values() if row["project"] == known["slug"]]
    latest = store.latest(frozenset({known["slug"]}))
    return {
        **dict.fromkeys(FLAGS, False),
        **_named(known),
        "platform": events[-1]["platform"] if events else None,
        "dateCreated": written(known["created"]),
        "isMember": True,
        "features": [],
        "firstEvent": written(events[0]["received"]) if events else None,
        "access": [],
        "hasAccess": True,
        "hasSessions": any(row["project"] == known["slug"] for row in store.sessions.values()),
        "team": None,
        "teams": [],
        "platforms": sorted({row["platform"] for row in events}),
        "environments": sorted({row["environment"] for row in events if row["environment"]}),
        "latestRelease": {"version": latest} if latest else None,
    }


def _named(known: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": known["id"], "slug": known["slug"], "name": known["slug"]}


def release(store: Store, known: Mapping[str, Any], *, new_groups: int = 0) -> dict[str, Any]:
    """Return a release."""
    version = known["version"]
    deploys = sorted(
        (each for each in store.deploys.values() if each["release"] == version), key=lambda each: -each["finished"]
    )
    rows = [row for row in store.seen("events") if row["release"] == version]
    short = version[:12] if len(version) == 40 and "@" not in version else version  # noqa: PLR2004 - a commit's hash
    return {
        "id": known["id"],
        "version": version,
        "shortVersion": short,
        "status": "open",
        "versionInfo": {"package": None, "version": {"raw": version}, "description": short, "buildHash": None},
        "ref": known["ref"],
        "url": known["url"],
        "dateReleased": written(known["released"]),
        "dateCreated": written(known["created"]),
        "data": {},
        "newGroups": new_groups,
        "owner": None,
        "commitCount": len(known["commits"]),
        "lastCommit": None,
        "deployCount": len(deploys),
        "lastDeploy": deploy(deploys[0]) if deploys else None,
        "authors": [],
        "projects": [
            {
                **_named(store.projects[slug]),
                "id": int(store.projects[slug]["id"]),
                "newGroups": new_groups,
                "platform": None,
                "platforms": [],
                "hasHealthData": any(row["release"] == version for row in store.sessions.values()),
            }
            for slug in known["projects"]
        ],
        "firstEvent": written(min((row["timestamp"] for row in rows), default=None)),
        "lastEvent": written(max((row["timestamp"] for row in rows), default=None)),
        "currentProjectMeta": {},
        "userAgent": None,
    }


def deploy(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a deploy."""
    return {
        "id": known["id"],
        "environment": known["environment"],
        "name": known["name"],
        "url": known["url"],
        "dateStarted": written(known["started"]),
        "dateFinished": written(known["finished"]),
    }


def event(store: Store, row: Row) -> dict[str, Any]:
    """Return an event of an issue, as it stands in a list."""
    return {
        "id": row["id"],
        "eventID": row["id"],
        "event.type": row["type"],
        "groupID": row["group"],
        "projectID": store.projects[row["project"]]["id"],
        "message": row["message"] or "",
        "title": row["title"],
        "location": row["metadata"].get("filename"),
        "culprit": row["culprit"],
        "user": row["user"],
        "tags": tags(row),
        "platform": row["platform"],
        "dateCreated": written(row["timestamp"]),
        "crashFile": None,
        "metadata": row["metadata"],
    }


def tags(row: Row) -> list[dict[str, str]]:
    """Return the tags of an event as pairs."""
    return [{"key": name, "value": value} for name, value in sorted(row["tags"].items())]


def whole_event(store: Store, row: Row, before: str | None, after: str | None) -> dict[str, Any]:
    """Return an event with all that came with it."""
    payload = store.payloads[f"{row['project']} {row['id']}"]
    entries = [{"type": "exception", "data": {"values": [_failure(each) for each in values(payload.get("exception"))]}}]
    entries += [{"type": name, "data": payload[name]} for name in ("breadcrumbs", "request") if payload.get(name)]
    known = store.releases.get(row["release"]) if row["release"] else None
    dates = {"dateCreated": written(known["created"]), "dateReleased": written(known["released"])} if known else {}
    return {
        **{name: value for name, value in event(store, row).items() if name != "event.type"},
        "type": row["type"],
        "dateReceived": written(row["received"]),
        "contexts": payload.get("contexts") or {},
        "context": payload.get("extra") or {},
        "size": row["size"],
        "entries": entries,
        "dist": row["dist"],
        "sdk": row["sdk"],
        "packages": payload.get("modules") or {},
        "errors": [],
        "occurrence": None,
        "_meta": {},
        "release": {"version": row["release"], **dates} if known else None,
        "userReport": None,
        "sdkUpdates": [],
        "resolvedWith": [],
        "nextEventID": after,
        "previousEventID": before,
    }


def _failure(error: Mapping[str, Any]) -> dict[str, Any]:
    frames = (error.get("stacktrace") or {}).get("frames") or []
    return {
        "type": error.get("type"),
        "value": error.get("value"),
        "module": error.get("module"),
        "mechanism": error.get("mechanism"),
        "stacktrace": {"frames": [_frame(each) for each in frames]} if frames else None,
        "rawStacktrace": None,
    }


def _frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    line = frame.get("lineno")
    lines = [*(frame.get("pre_context") or ()), frame.get("context_line"), *(frame.get("post_context") or ())]
    first = (line or 0) - len(frame.get("pre_context") or ())
    return {
        "filename": frame.get("filename"),
        "absPath": frame.get("abs_path"),
        "module": frame.get("module"),
        "function": frame.get("function"),
        "lineNo": line,
        "colNo": frame.get("colno"),
        "inApp": bool(frame.get("in_app")),
        "context": [[first + number, text] for number, text in enumerate(lines) if text is not None],
    }

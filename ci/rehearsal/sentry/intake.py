"""What becomes of an envelope: errors join their issue, transactions become spans, sessions are counted."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from ci.rehearsal.sentry.envelopes import EnvelopeError
from ci.rehearsal.sentry.grouping import group_of
from ci.rehearsal.sentry.spans import of_stream, of_transaction
from ci.rehearsal.sentry.store import moment_of
from ci.rehearsal.sentry.tidying import tidied

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.rehearsal.sentry.envelopes import Envelope, Item
    from ci.rehearsal.sentry.store import Store

EVENTS = ("event", "transaction")
AHEAD = 60.0  # seconds that a sender's clock may be ahead


def take(store: Store, project: Mapping[str, Any], envelope: Envelope) -> str | None:
    """Keep what is in an envelope, and return the event's id. Raises EnvelopeError."""
    found: str | None = envelope.headers.get("event_id")
    for item in envelope.items:
        if item.kind in EVENTS:
            found = _take_event(store, project, item, found)
        elif item.kind == "span":
            for row in of_stream(_object(item), project["slug"]):
                _keep_span(store, row)
        elif item.kind == "session":
            _take_session(store, project["slug"], _object(item))
        elif item.kind == "sessions":
            _take_sessions(store, project["slug"], _object(item))
        elif item.kind == "client_report":
            _take_report(store, project["slug"], _object(item))
        elif item.kind == "attachment":
            about = {"event": found, "name": item.headers.get("filename", ""), "size": len(item.payload)}
            store.attachments[str(store.memory.number("attachment"))] = about
    return found


def _object(item: Item) -> dict[str, Any]:
    found = item.json()
    if not isinstance(found, dict):
        raise EnvelopeError(f"invalid JSON data: a {item.kind} is an object")
    return found


def _take_event(store: Store, project: Mapping[str, Any], item: Item, given: str | None) -> str:
    event = tidied(_object(item))
    key = str(event.get("event_id") or given or uuid.uuid4().hex).replace("-", "").lower()
    place = f"{project['slug']} {key}"
    if place in store.events:  # the same event, sent again
        return key
    received = time.time()
    timestamp = moment_of(event.get("timestamp")) or received
    row = {
        "id": key,
        "project": project["slug"],
        "received": received,
        "timestamp": min(timestamp, received + AHEAD),
        "level": event.get("level") or "error",
        "transaction": event.get("transaction"),
        "release": event.get("release"),
        "environment": event.get("environment"),
        "dist": event.get("dist"),
        "platform": event.get("platform") or "other",
        "logger": event.get("logger") or None,
        "sdk": {name: (event.get("sdk") or {}).get(name) for name in ("name", "version")},
        "size": len(item.payload),
        **_who(event),
        "http_status": _status(event),
    }
    store.note(project["slug"], row["release"], row["environment"])
    if item.kind == "transaction":
        row |= {"type": "transaction", "title": row["transaction"] or "", "tags": _tags(event, row)}
        for span in of_transaction(event, row):
            _keep_span(store, span)
    else:
        group = group_of(event)
        row |= {
            "type": group.kind,
            "title": group.title,
            "culprit": group.culprit,
            "metadata": dict(group.metadata),
            "handled": group.handled,
            "message": group.metadata.get("value", group.title),
        }
        row["tags"] = _tags(event, row) | ({"handled": "yes" if group.handled else "no"} if row["metadata"] else {})
        row["group"] = _join(store, project, group.hash, row)
    store.payloads[place] = event
    store.events[place] = row
    return key


def _join(store: Store, project: Mapping[str, Any], digest: str, row: Mapping[str, Any]) -> str:
    """Return the id of the event's issue; a resolved one that comes back is open again."""
    slug = project["slug"]
    place = f"{slug} {digest}"
    known = store.groups.get(place)
    if known is None:
        known = {
            "id": str(store.memory.number("group", first=1001)),
            "short": f"{slug.upper()}-{store.memory.number(f'short {slug}')}",
            "project": slug,
            "status": "unresolved",
            "substatus": "new",
            "details": {},
        }
        store.groups[place] = known
    elif known["status"] == "resolved" and _came_back(store, known["details"], row["release"]):
        store.groups[place] = {**known, "status": "unresolved", "substatus": "regressed", "details": {}}
    return str(known["id"])


def _came_back(store: Store, details: Mapping[str, Any], release: str | None) -> bool:
    """Whether an event of the release means that a resolved issue is back: https://docs.sentry.io/product/issues."""
    if "inRelease" in details:
        return store.age_of(release) >= store.age_of(details["inRelease"])
    if "after" in details:
        return store.age_of(release) > store.age_of(details["after"])
    return True


def _who(event: Mapping[str, Any]) -> dict[str, Any]:
    user = event.get("user") if isinstance(event.get("user"), dict) else None
    if not user:
        return {"user": None, "user_key": None}
    names = (("id", "id"), ("username", "username"), ("email", "email"), ("ip", "ip_address"))
    key = next((f"{short}:{user[name]}" for short, name in names if user.get(name)), None)
    return {"user": user, "user_key": key}


def _status(event: Mapping[str, Any]) -> int | None:
    response = (event.get("contexts") or {}).get("response") or {}
    found = response.get("status_code") if isinstance(response, dict) else None
    return found if isinstance(found, int) else None


def _tags(event: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, str]:
    given = event.get("tags") or {}
    pairs = given.items() if isinstance(given, dict) else [pair for pair in given if len(pair) == 2]  # noqa: PLR2004
    found = {str(name): str(value) for name, value in pairs if value is not None}
    own = {
        "level": row["level"],
        "environment": row["environment"],
        "release": row["release"],
        "transaction": row["transaction"],
        "server_name": event.get("server_name"),
        "user": row["user_key"],
    }
    return found | {name: str(value) for name, value in own.items() if value}


def _keep_span(store: Store, row: dict[str, Any]) -> None:
    store.note(row["project"], row["release"], row["environment"])
    store.spans[f"{row['trace']} {row['id']}"] = row


def _take_session(store: Store, project: str, body: Mapping[str, Any]) -> None:
    key = f"{project} {body.get('sid')}"
    known = store.sessions.get(key)
    attributes = body.get("attrs") or {}
    store.note(project, attributes.get("release"), attributes.get("environment"))
    store.sessions[key] = {
        "project": project,
        "received": known["received"] if known else time.time(),
        "started": moment_of(body.get("started")) or time.time(),
        "release": attributes.get("release"),
        "environment": attributes.get("environment"),
        "user_key": body.get("did"),
        "status": _session_status(str(body.get("status", "ok")), int(body.get("errors") or 0)),
        "count": 1,
    }


def _take_sessions(store: Store, project: str, body: Mapping[str, Any]) -> None:
    """Count sessions that a server's SDK added up by the minute."""
    attributes = body.get("attrs") or {}
    store.note(project, attributes.get("release"), attributes.get("environment"))
    for each in body.get("aggregates") or ():
        for name, status in (("exited", "healthy"), ("errored", "errored"), ("crashed", "crashed")):
            if each.get(name):
                store.sessions[str(store.memory.number("sessions"))] = {
                    "project": project,
                    "received": time.time(),
                    "started": moment_of(each.get("started")) or time.time(),
                    "release": attributes.get("release"),
                    "environment": attributes.get("environment"),
                    "user_key": each.get("did"),
                    "status": status,
                    "count": int(each[name]),
                }


def _session_status(status: str, errors: int) -> str:
    if status in {"crashed", "abnormal"}:
        return status
    return "errored" if errors or status == "errored" else "healthy"


def _take_report(store: Store, project: str, body: Mapping[str, Any]) -> None:
    """Add up what a client says that it did not send."""
    for each in body.get("discarded_events") or ():
        key = f"{project} {each.get('category')} {each.get('reason')}"
        store.reports[key] = store.reports.get(key, 0) + int(each.get("quantity") or 0)

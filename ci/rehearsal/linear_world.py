"""One Linear workspace: what is in it, how its parts hang together, and what changes it."""

from __future__ import annotations

import datetime
import uuid
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from ci.rehearsal.linear_filters import meets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.rehearsal.memory import Memory

USUAL_PAGE, LARGEST_PAGE = 50, 250
TEAM = {"id": "9cfb482a-81e3-4154-b5b9-2c805e70a02d", "key": "REC", "name": "Receipts"}
USER = {"id": "3f1a0f54-6a3d-4c0e-8d55-1e1f6e0c9b11", "name": "Shipway", "email": "shipway@receipts.test"}
ORGANIZATION = {"id": "5d2b8a0e-0f34-4d7c-9a61-9a5a7c1f2b22", "name": "Receipts", "urlKey": "receipts"}
STATES = (
    ("Backlog", "backlog"),
    ("Todo", "unstarted"),
    ("In Progress", "started"),
    ("Done", "completed"),
    ("Canceled", "canceled"),
)
PRIORITIES = ("No priority", "Urgent", "High", "Medium", "Low")
SHELVES = {"team": "teams", "state": "states", "user": "users", "creator": "users", "assignee": "users"}
Document = dict[str, Any]


def refused(message: str, *, shown: str = "", code: str = "INPUT_ERROR", kind: str = "invalid input") -> GraphQLError:
    """Return what Linear says where it does not do what it is asked."""
    extensions = {
        "type": kind,
        "code": code,
        "statusCode": 400,
        "userError": True,
        "userPresentableMessage": shown or message,
    }
    return GraphQLError(message, extensions=extensions)


def now() -> str:
    """Return the time as Linear writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class World:
    """What is known, on the shelves of a memory; a new one has one team with the usual states."""

    def __init__(self, memory: Memory) -> None:
        """Know what was known before."""
        self.memory = memory
        if not self.shelf("teams"):
            self.shelf("users")[USER["id"]] = {**USER, "createdAt": now()}
            self.add_team(TEAM)

    def shelf(self, name: str) -> Any:
        """Return the documents of a kind, by id."""
        return self.memory.shelf(name)

    def add_team(self, team: Mapping[str, str]) -> None:
        """Add a team with states of its own."""
        self.shelf("teams")[team["id"]] = {**team, "createdAt": now()}
        for position, (name, kind) in enumerate(STATES):
            identity = str(uuid.uuid5(uuid.UUID(team["id"]), name))
            state = {"id": identity, "name": name, "type": kind, "position": position, "team": team["id"]}
            self.shelf("states")[identity] = {**state, "color": "#888888", "createdAt": now()}

    def get(self, shelf: str, identity: str | None, word: str) -> Document:
        """Return a document. Raises GraphQLError."""
        found: Document | None = self.shelf(shelf).get(identity) if identity else None
        if found is None:
            raise refused(f"Entity not found: {word}", shown=f"Could not find referenced {word}.")
        return found

    def issue(self, identity: str) -> Document:
        """Return an issue by its id or its identifier. Raises GraphQLError."""
        named = (each for each in self.shelf("issues").values() if each["identifier"] == identity)
        return next(named, None) or self.get("issues", identity, "Issue")

    def follow(self, document: Mapping[str, Any], name: str) -> Any:
        """Return what a name of a document stands for: a value, or the documents that belong to it."""
        if name == "labels" and "labelIds" in document:
            return [self.shelf("labels")[each] for each in document["labelIds"]]
        if name in {"attachments", "comments"}:
            return [each for each in self.shelf(name).values() if each["issue"] == document["id"]]
        value = document.get(name)
        if name == "issue" and isinstance(value, str):
            return self.issue(value)
        return self.shelf(SHELVES[name]).get(value) if name in SHELVES and isinstance(value, str) else value

    def page(self, known: list[Document], arguments: Mapping[str, Any]) -> Document:
        """Return a connection, the newest first. Raises GraphQLError."""
        first = arguments.get("first")
        first = USUAL_PAGE if first is None else first
        beyond = [name for name in ("last", "before", "sort") if arguments.get(name)]
        if not 1 <= first <= LARGEST_PAGE or beyond or arguments.get("orderBy") == "updatedAt":
            raise refused(
                f"the stand-in gives the `first` 1 to {LARGEST_PAGE} and what comes `after`, the newest first"
            )
        filters = arguments.get("filter")
        found = [each for each in reversed(known) if meets(each, filters, self.follow)]
        if not arguments.get("includeArchived"):
            found = [each for each in found if not each.get("archivedAt")]
        ids = [each["id"] for each in found]
        after = arguments.get("after")
        start = ids.index(after) + 1 if after in ids else 0
        nodes = found[start : start + first]
        return {
            "nodes": nodes,
            "pageInfo": {
                "startCursor": nodes[0]["id"] if nodes else None,
                "endCursor": nodes[-1]["id"] if nodes else None,
                "hasPreviousPage": start > 0,
                "hasNextPage": start + first < len(found),
            },
        }

    def new_id(self, given: str | None, shelf: str) -> str:
        """Return the id that is given, or a new one. Raises GraphQLError where it is none, or taken."""
        if given is None:
            return str(uuid.uuid4())
        try:
            version = uuid.UUID(given).version
        except ValueError:
            version = None
        if version != 4:  # noqa: PLR2004 - of UUIDs
            raise refused("Argument Validation Error", shown="id must be a UUID of version 4.")
        if given in self.shelf(shelf):
            raise refused("Entity with this id already exists", shown="An entity with this id exists already.")
        return given


def create_issue(world: World, given: Mapping[str, Any], base: str) -> Document:
    """Make an issue. `base` is the address under which a person finds it."""
    team = world.get("teams", given["teamId"], "Team")
    if not given.get("title"):
        raise refused("Argument Validation Error", shown="title must be longer than or equal to 1 characters.")
    states = [each for each in world.shelf("states").values() if each["team"] == team["id"]]
    first = next(each for each in states if each["type"] == "unstarted")
    identity = world.new_id(given.get("id"), "issues")
    identifier = f"{team['key']}-{world.memory.number(team['id'])}"
    made = {
        "id": identity,
        "identifier": identifier,
        "number": int(identifier.rpartition("-")[2]),
        "title": given["title"],
        "description": given.get("description"),
        "team": team["id"],
        "state": world.get("states", given.get("stateId") or first["id"], "WorkflowState")["id"],
        "labelIds": [world.get("labels", each, "IssueLabel")["id"] for each in given.get("labelIds") or []],
        "creator": USER["id"],
        "url": f"{base}/{ORGANIZATION['urlKey']}/issue/{identifier}",
        "createdAt": now(),
        **_priority(given.get("priority") or 0),
    }
    world.shelf("issues")[identity] = made
    return made


def update_issue(world: World, identity: str, given: Mapping[str, Any]) -> Document:
    """Change an issue."""
    known = world.issue(identity)
    changed = {**known, **{name: given[name] for name in ("title", "description") if name in given}, "updatedAt": now()}
    if given.get("stateId"):
        changed["state"] = world.get("states", given["stateId"], "WorkflowState")["id"]
    if given.get("priority") is not None:
        changed |= _priority(given["priority"])
    labels: list[str] = known["labelIds"] if given.get("labelIds") is None else given["labelIds"]
    labels = [*labels, *(each for each in given.get("addedLabelIds") or [] if each not in labels)]
    gone = set(given.get("removedLabelIds") or [])
    changed["labelIds"] = [world.get("labels", each, "IssueLabel")["id"] for each in labels if each not in gone]
    world.shelf("issues")[known["id"]] = changed
    return changed


def archive_issue(world: World, identity: str, *, trash: bool) -> Document:
    """Put an issue away."""
    known = world.issue(identity)
    world.shelf("issues")[known["id"]] = {**known, "archivedAt": now(), "trashed": trash or None}
    return known


def create_comment(world: World, given: Mapping[str, Any]) -> Document:
    """Say something of an issue."""
    issue = world.issue(given.get("issueId") or "")
    if not given.get("body"):
        raise refused("Argument Validation Error", shown="body must be longer than or equal to 1 characters.")
    identity = world.new_id(given.get("id"), "comments")
    made = {"id": identity, "body": given["body"], "issue": issue["id"], "user": USER["id"], "createdAt": now()}
    world.shelf("comments")[identity] = {**made, "url": f"{issue['url']}#comment-{identity[:8]}"}
    return dict(world.shelf("comments")[identity])


def create_label(world: World, given: Mapping[str, Any]) -> Document:
    """Make a label."""
    team = world.get("teams", given["teamId"], "Team")["id"] if given.get("teamId") else None
    if any(each["name"] == given["name"] and each["team"] == team for each in world.shelf("labels").values()):
        raise refused("Duplicate label name", shown=f'A label named "{given["name"]}" exists already.')
    identity = world.new_id(given.get("id"), "labels")
    made = {"id": identity, "name": given["name"], "team": team, "color": given.get("color") or "#888888"}
    world.shelf("labels")[identity] = {**made, "creator": USER["id"], "createdAt": now()}
    return dict(world.shelf("labels")[identity])


def attach(world: World, given: Mapping[str, Any]) -> Document:
    """Attach an address to an issue; the same one again is the same attachment."""
    issue = world.issue(given["issueId"])
    known = [each for each in world.shelf("attachments").values() if each["issue"] == issue["id"]]
    same = next((each for each in known if each["url"] == given["url"]), None)
    identity = same["id"] if same else world.new_id(given.get("id"), "attachments")
    made = {"id": identity, "issue": issue["id"], "url": given["url"], "title": given.get("title") or given["url"]}
    made |= {"subtitle": given.get("subtitle"), "creator": USER["id"], "createdAt": now()}
    world.shelf("attachments")[identity] = made
    return made


def _priority(value: int) -> Document:
    if not 0 <= value < len(PRIORITIES):
        raise refused("Argument Validation Error", shown="priority must be between 0 and 4.")
    return {"priority": value, "priorityLabel": PRIORITIES[value]}

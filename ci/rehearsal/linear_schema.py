"""The part of Linear's schema that the stand-in knows, and what its fields are resolved by."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLNonNull,
    GraphQLScalarType,
    build_schema,
    get_nullable_type,
    is_list_type,
    is_object_type,
)

from ci.rehearsal import linear_world as world_of
from ci.rehearsal.linear_world import ORGANIZATION, USER, Document, World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import GraphQLResolveInfo, GraphQLSchema

HERE = Path(__file__).parent
# What a field that nobody here sets, and that must have a value, has.
EMPTY: Mapping[str, Any] = {"Boolean": False, "Int": 0, "Float": 0, "String": "", "JSONObject": {}}
ONES = {
    "comment": ("comments", "Comment"),
    "team": ("teams", "Team"),
    "workflowState": ("states", "WorkflowState"),
    "issueLabel": ("labels", "IssueLabel"),
    "attachment": ("attachments", "Attachment"),
    "user": ("users", "User"),
}
LISTS = {"teams": "teams", "workflowStates": "states", "issueLabels": "labels", "issues": "issues"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is handed to all resolvers: the workspace, and the address by which it was reached."""

    world: World
    base: str


@functools.cache
def published() -> str:
    """Return what is a part of Linear's published schema."""
    return (HERE / "linear.graphql").read_text(encoding="utf-8")


@functools.cache
def schema() -> GraphQLSchema:
    """Return the whole schema, with what Linear's own library asks for beside it."""
    return build_schema(published() + (HERE / "linear_library.graphql").read_text(encoding="utf-8"))


def resolve(source: Any, info: GraphQLResolveInfo, **arguments: Any) -> Any:
    """Return a field's value. Raises GraphQLError."""
    asked: Asked = info.context
    name, kind = info.field_name, info.parent_type.name
    if kind == "Query":
        return _read(asked.world, name, arguments)
    if kind == "Mutation":
        return _written(asked, name, arguments)
    if kind == "Issue" and name in {"labels", "attachments", "comments"}:
        return asked.world.page(asked.world.follow(source, name), arguments)
    value = asked.world.follow(source, name)
    return _empty(source, info) if value is None else value


def _read(world: World, name: str, arguments: Mapping[str, Any]) -> Any:
    if name in LISTS:
        return world.page(list(world.shelf(LISTS[name]).values()), arguments)
    if name in ONES:
        shelf, word = ONES[name]
        return world.get(shelf, arguments.get("id"), word)
    match name:
        case "issue":
            return world.issue(arguments["id"])
        case "attachmentsForURL":
            known = [each for each in world.shelf("attachments").values() if each["url"] == arguments["url"]]
            return world.page(known, arguments)
        case "searchIssues":
            return _searched(world, arguments)
        case "viewer":
            return {**world.shelf("users")[USER["id"]], "isMe": True, "active": True}
        case "organization":
            return ORGANIZATION
        case _:
            return {"kind": "user", "identifier": USER["id"], "limits": []}


def _searched(world: World, arguments: Mapping[str, Any]) -> Document:
    """Return the issues that have all words of a term, those first that have them in their title."""
    words = str(arguments["term"]).lower().split()
    found: list[tuple[bool, Document]] = []
    for issue in world.shelf("issues").values():
        said = [each["body"] for each in world.follow(issue, "comments")] if arguments.get("includeComments") else []
        title = f"{issue['identifier']} {issue['title']}".lower()
        text = "\n".join([title, issue.get("description") or "", *said]).lower()
        if all(word in text for word in words):
            found.append((all(word in title for word in words), issue))
    ranked = [issue for _, issue in sorted(found, key=lambda each: each[0])]  # a page turns them round
    return {**world.page(ranked, arguments), "totalCount": len(ranked)}


def _written(asked: Asked, name: str, arguments: Mapping[str, Any]) -> Document:
    world = asked.world
    given = arguments.get("input", {})
    match name:
        case "issueCreate":
            done = {"issue": world_of.create_issue(world, given, asked.base)}
        case "issueUpdate":
            done = {"issue": world_of.update_issue(world, arguments["id"], given)}
        case "issueArchive":
            done = {"entity": world_of.archive_issue(world, arguments["id"], trash=bool(arguments.get("trash")))}
        case "commentCreate":
            done = {"comment": world_of.create_comment(world, given)}
        case "issueLabelCreate":
            done = {"issueLabel": world_of.create_label(world, given)}
        case "attachmentCreate":
            done = {"attachment": world_of.attach(world, given)}
        case _:
            done = {"attachment": world_of.attach(world, arguments)}
    return {"success": True, "lastSyncId": world.memory.number("sync"), **done}


def _empty(source: Mapping[str, Any], info: GraphQLResolveInfo) -> Any:
    """Return the value of a field that nobody sets."""
    if not isinstance(info.return_type, GraphQLNonNull):
        return None
    inner = get_nullable_type(info.return_type)
    if is_list_type(inner):
        return []
    if is_object_type(inner):
        return {}
    if isinstance(inner, GraphQLScalarType) and inner.name == "DateTime":
        return source.get("createdAt") or "2026-01-01T00:00:00.000Z"
    return EMPTY.get(getattr(inner, "name", ""), "public")

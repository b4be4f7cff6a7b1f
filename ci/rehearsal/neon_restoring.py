"""The Neon stand-in's way back: branches of a moment, and branches that are made to hold what another one holds.

It keeps no history. A moment can be had where nothing was committed since: there it is what the branch holds now.
"""

from __future__ import annotations

import datetime
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from ci.rehearsal.neon_account import RESETTING, RefusedError
from ci.rehearsal.neon_documents import branch_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.rehearsal.neon_account import Account

Document = dict[str, Any]


async def hold_moment(account: Account, branch: Mapping[str, Any], wanted: Any) -> None:
    """Refuse a moment that is none, or that cannot be had. Raises RefusedError, ToolError."""
    if wanted is None:
        return
    try:
        moment = datetime.datetime.fromisoformat(wanted)
    except (TypeError, ValueError):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the timestamp is no date and time of ISO 8601") from None
    if moment.tzinfo is None or moment > datetime.datetime.now(datetime.UTC):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the timestamp must not be in the future")
    if moment < datetime.datetime.fromisoformat(branch["told"]["created_at"]):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the timestamp is before the branch was created")
    if account.computes is None or not account.computes.has(branch["told"]["id"]):
        return
    if await account.computes.changed(branch["told"]["id"]) > moment.timestamp():
        raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, "this stand-in has no history: the branch changed since")


async def begin(account: Account, branch: Document, asked: Mapping[str, Any]) -> tuple[Document, list[Document]]:
    """Note that a branch is to be restored, and return it with what is to be done. Raises RefusedError, ToolError."""
    told = branch["told"]
    project, name = told["project_id"], told["id"]
    if not asked.get("source_branch_id"):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "source_branch_id is required")
    if asked.get("source_lsn"):
        raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, "this stand-in knows moments, and no LSN")
    source = account.branch(project, asked["source_branch_id"])
    itself = source["told"]["id"] == name
    children = account.children(name)
    keep = asked.get("preserve_under_name")
    if (children or itself) and not keep:
        raise RefusedError(HTTPStatus.BAD_REQUEST, "preserve_under_name is required: the branch has children")
    if itself and not asked.get("source_timestamp"):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "source_timestamp or source_lsn is required")
    if keep and any(each["told"]["name"] == keep for each in account.branches_of(project)):
        raise RefusedError(HTTPStatus.CONFLICT, f"branch name {keep} already exists")
    await hold_moment(account, source, asked.get("source_timestamp"))
    account.lock(project)
    kept = _kept(account, branch, str(keep)) if keep else None
    if kept is not None:
        for child in children:
            # Those that are not made yet are made of what it held.
            own = {"copied_from": kept} if child["copied_from"] == name else {}
            account.branches[child["told"]["id"]] = {
                **account.branches[child["told"]["id"]],
                **own,
                "told": {**child["told"], "parent_id": kept},
            }
    now = {**told, "parent_id": kept if itself else source["told"]["id"], "current_state": RESETTING}
    account.branches[name] = {
        **branch,
        **{part: source[part] for part in ("databases", "roles")},
        "told": now,
        "restoring": {"source": kept if itself else source["told"]["id"], "keep": kept},
    }
    active = [each["id"] for each in account.endpoints_of(name) if each["current_state"] == "active"]
    operations = [account.begin(project, name, "create_timeline")]
    operations += [account.begin(project, name, "start_compute", each) for each in active]
    return now, operations


def _kept(account: Account, branch: Document, name: str) -> str:
    """Note the branch that is to hold what another one held, and return its id."""
    told = branch["told"]
    kept = f"br-rehearsal-{secrets.token_hex(4)}"
    document = branch_document(kept, told["project_id"], name, parent=told.get("parent_id"))
    account.branches[kept] = {**branch, "told": document, "copied_from": branch["copied_from"]}
    return kept

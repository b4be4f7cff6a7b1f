"""What Resend takes as a mail, and how it tells of mails, lists and refusals."""

from __future__ import annotations

import datetime
import email.utils
import re
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FIELDS = {"from", "to", "cc", "bcc", "reply_to", "subject", "text", "html", "headers", "attachments"}
FIELDS |= {"template", "scheduled_at", "tags", "topic_id"}
MOST_ADDRESSES = 50
LARGEST_BATCH = 100
PAGE, LARGEST_PAGE = 20, 100
_ADDRESS = re.compile(r"[^\s@<>,\"]+@[^\s@<>,\"]+\.[^\s@<>,\"]+")


class RefusedError(Exception):
    """What the real one would answer instead."""

    def __init__(self, status: int, name: str, message: str) -> None:
        """Keep what it says."""
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


def check(body: Any, domains: Mapping[str, bool]) -> None:
    """Raise what the real one says of a mail that it does not take."""
    if not isinstance(body, dict):
        raise RefusedError(HTTPStatus.BAD_REQUEST, "validation_error", "The request body is not valid JSON.")
    for name in ("from", "to", "subject"):
        if not body.get(name):
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "missing_required_field", f"Missing `{name}` field.")
    if strange := sorted(set(body) - FIELDS):
        raise invalid(f"The stand-in knows no field `{strange[0]}`.")
    if body.get("template") or body.get("scheduled_at"):
        raise invalid("The stand-in keeps no templates and no schedule.")
    _check_types(body)
    if not body.get("html") and not body.get("text"):
        raise invalid("Missing `html` or `text` field.")
    if len(many(body["to"])) > MOST_ADDRESSES:
        raise invalid(f"The `to` field must have at most {MOST_ADDRESSES} recipients.")
    _check_addresses(body, domains)


def _check_types(body: dict[str, Any]) -> None:
    for name in ("from", "subject", "html", "text"):
        if not isinstance(body.get(name) or "", str):
            raise invalid(f"The `{name}` field must be a `string`.")
    if not isinstance(body.get("headers") or {}, dict) or not isinstance(body.get("attachments") or [], list):
        raise invalid("The `headers` field must be an object, `attachments` an array.")


def check_batch(body: Any, domains: Mapping[str, bool]) -> None:
    """The same of many mails, of which none is taken where one is not."""
    if not isinstance(body, list) or not 1 <= len(body) <= LARGEST_BATCH:
        raise invalid(f"The batch must have between 1 and {LARGEST_BATCH} emails.")
    for each in body:
        check(each, domains)
        if each.get("attachments"):
            raise invalid("The `attachments` field is not supported in batches.")


def _check_addresses(body: dict[str, Any], domains: Mapping[str, bool]) -> None:
    for name in ("from", "to", "cc", "bcc", "reply_to"):
        for each in many(body.get(name)):
            if not isinstance(each, str) or not _ADDRESS.fullmatch(email.utils.parseaddr(each)[1]):
                raise invalid(
                    f"Invalid `{name}` field. The email address needs to follow the `email@example.com` or "
                    "`Name <email@example.com>` format."
                )
    place = email.utils.parseaddr(body["from"])[1].rpartition("@")[2]
    if place not in domains:
        message = f"The {place} domain is not verified. Please, add and verify your domain."
        raise RefusedError(HTTPStatus.FORBIDDEN, "validation_error", message)


def letter(mail: dict[str, Any], *, text: bool) -> dict[str, Any]:
    """Return a mail that came in, with its text or as the list has it."""
    moment = datetime.datetime.fromtimestamp(mail["moment"], datetime.UTC)
    names = ("to", "from", "subject", "message_id", "cc", "bcc", "reply_to", *(("html", "text") if text else ()))
    more = {"object": "email", "headers": mail["headers"]} if text else {}
    return {
        **more,
        **{name: mail[name] for name in names},
        "id": mail["received"],
        "created_at": moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "attachments": [],
    }


def domain(name: str, *, receives: bool) -> dict[str, Any]:
    """Return a domain as the list has it."""
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)),
        "name": name,
        "status": "verified",
        "created_at": "2026-01-01 00:00:00.000000+00",
        "region": "us-east-1",
        "capabilities": {"sending": "enabled", "receiving": "enabled" if receives else "disabled"},
    }


def listed(request: Request, known: list[dict[str, Any]]) -> Response:
    """Answer a part of a list, by `limit` and by `after` or `before`, which are ids."""
    query = request.query_params
    limit = query.get("limit", str(PAGE))
    if not limit.isdigit() or not 1 <= int(limit) <= LARGEST_PAGE:
        raise invalid(f"The `limit` must be between 1 and {LARGEST_PAGE}.")
    if "after" in query and "before" in query:
        raise invalid("The `after` and `before` parameters cannot be used together.")
    places = {each["id"]: place for place, each in enumerate(known)}
    if "before" in query:
        end = places.get(query["before"], 0)
        start = max(0, end - int(limit))
        more = start > 0
    else:
        start = places[query["after"]] + 1 if query.get("after") in places else 0
        end = start + int(limit)
        more = end < len(known)
    return JSONResponse({"object": "list", "has_more": more, "data": known[start:end]})


def many(value: Any) -> list[Any]:
    """Return what may be one, several or none as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]


def invalid(message: str) -> RefusedError:
    """Return the refusal of a value."""
    return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, "validation_error", message)


def _answer(status: int, name: str, message: str) -> Response:
    return JSONResponse({"statusCode": int(status), "name": name, "message": message}, status_code=status)


def missing(what: str) -> Response:
    """Answer that it is not there."""
    return _answer(HTTPStatus.NOT_FOUND, "not_found", f"{what} not found")


def unknown(_request: Request) -> Response:
    """Answer at an address that Resend does not have."""
    return _answer(HTTPStatus.NOT_FOUND, "not_found", "The requested endpoint does not exist")


def refused(_request: Request, error: Exception) -> Response:
    """Answer a refusal."""
    assert isinstance(error, RefusedError)  # noqa: S101 - that is what it is registered for
    return _answer(error.status, error.name, error.message)

"""Mailpit, standing in: keeps the mails that its SMTP side (sink.py) is handed, and tells of them by Mailpit's API.

As with the real one, to read a mail by `/message/{ID}` marks it as read, while its source does not; a deletion without
ids empties the mailbox; the newest 500 are kept. `chaos` has its SMTP side refuse, sink_faults.py fail in other ways: https://mailpit.axllent.org/docs/integration/chaos/.
"""

from __future__ import annotations

import base64
import binascii
import email
import email.utils
import secrets
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ci.rehearsal.mailpit_mails import ACTIVE, UnknownFilterError, matches, parts, stored, told
from ci.rehearsal.mailpit_sending import InvalidError, built
from ci.rehearsal.pages import page
from ci.rehearsal.sink_faults import MailFaults
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request

MOST = 500
VERSION = "v1.30.5"
LATEST = "latest"
LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
TRIGGERS = ("Sender", "Recipient", "Authentication")


class _GoneError(Exception):
    """There is no such mail."""


class Mailpit(StandIn):
    """One mailbox. `users` are those who may use the API; without any, everybody."""

    def __init__(self, directory: Path, *, users: Mapping[str, str] | None = None) -> None:
        """Know what it knew before."""
        api = "/api/v1"
        routes = [
            self._route(f"{api}/info", self._info),
            self._route(f"{api}/messages", self._listed),
            self._route(f"{api}/messages", self._mark, "PUT"),
            self._route(f"{api}/messages", self._delete, "DELETE"),
            self._route(f"{api}/search", self._search),
            self._route(f"{api}/search", self._delete_found, "DELETE"),
            self._route(f"{api}/send", self._send, "POST"),
            self._route(f"{api}/chaos", self._chaos, "GET", "PUT"),
            self._route(f"{api}/message/{{id}}", self._message),
            self._route(f"{api}/message/{{id}}/headers", self._headers),
            self._route(f"{api}/message/{{id}}/raw", self._raw),
            self._route(f"{api}/message/{{id}}/part/{{part}}", self._part),
            self._route("/", self._inbox),
            self._route("/view/{id}", self._view),
        ]
        self.smtp_faults = MailFaults()
        routes += self.smtp_faults.routes()
        super().__init__("mailpit", directory, routes, unknown=lambda _request: _missing())
        self.users = users or {}
        self.started = time.time()
        self.mails = self.memory.shelf("mails")
        self.sources = self.memory.shelf("sources")
        self.settings = self.memory.shelf("settings")

    @property
    def chaos(self) -> dict[str, dict[str, int]]:
        """By trigger the code with which SMTP refuses, and for how many of 100."""
        known: dict[str, dict[str, int]] = self.settings.get("chaos", {})
        return {name: {"ErrorCode": 451, "Probability": 0, **known.get(name, {})} for name in TRIGGERS}

    @chaos.setter
    def chaos(self, triggers: Mapping[str, Mapping[str, int]]) -> None:
        self.settings["chaos"] = {name: dict(trigger) for name, trigger in triggers.items()}

    def deliver(self, content: bytes, *, sender: str, to: Sequence[str], user: str = "") -> str:
        """Take a mail in and return its id. Addresses that its header does not name become its Bcc."""
        parsed = email.message_from_bytes(content)
        named = {
            address.lower()
            for name in ("to", "cc", "bcc")
            for _, address in email.utils.getaddresses([str(value) for value in parsed.get_all(name, [])])
        }
        more = [f"Return-Path: <{sender}>"]
        if hidden := [address for address in to if address.lower() not in named]:
            more.append(f"Bcc: {', '.join(hidden)}")
        if "message-id" not in parsed:
            more.append(f"Message-ID: <{uuid.uuid4().hex}@mailpit>")
        source = "\r\n".join([*more, ""]).encode("utf-8", errors="replace") + content
        identity = "".join(secrets.choice(LETTERS) for _ in range(22))
        self.sources[identity] = base64.b64encode(source).decode()
        self.mails[identity] = stored(source, identity=identity, moment=time.time(), user=user)
        for old in list(self.mails)[:-MOST]:
            self._forget(old)
        return identity

    def source(self, identity: str) -> bytes:
        """Return a mail's source. Raises KeyError."""
        return base64.b64decode(self.sources[identity])

    def _route(self, path: str, act: Callable[[Request], Awaitable[Response]], *methods: str) -> Route:
        async def admitted(request: Request) -> Response:
            if self.users and not self._knows(request):
                headers = {"www-authenticate": 'Basic realm="Login"'}
                return PlainTextResponse("Unauthorised.\n", status_code=HTTPStatus.UNAUTHORIZED, headers=headers)
            try:
                return await act(request)
            except _GoneError:
                return _missing()
            except UnknownFilterError as error:
                return _wrong(str(error))

        return Route(path, admitted, methods=list(methods or ("GET",)))

    def _knows(self, request: Request) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind.lower() == "basic" and user in self.users and self.users[user] == password

    async def _info(self, _request: Request) -> Response:
        mails = list(self.mails.values())
        stats = {"Uptime": int(time.time() - self.started), "Memory": 0, "MessagesDeleted": 0, "SMTPAccepted": 0}
        return JSONResponse(
            {
                "Version": VERSION,
                "LatestVersion": VERSION,
                "Database": "mailpit.sqlite",
                "DatabaseSize": sum(mail["Size"] for mail in mails),
                "Messages": len(mails),
                "Unread": sum(not mail["Read"] for mail in mails),
                "Tags": {},
                "RuntimeStats": {**stats, "SMTPAcceptedSize": 0, "SMTPRejected": 0, "SMTPIgnored": 0},
            }
        )

    async def _listed(self, request: Request) -> Response:
        return self._page(request, self._newest())

    async def _search(self, request: Request) -> Response:
        query = request.query_params.get("query", "").strip()
        return self._page(request, self._found(query)) if query else _wrong("Error: no search query")

    async def _mark(self, request: Request) -> Response:
        body = await body_of(request)
        if not isinstance(body, dict):
            return _wrong("invalid character")
        if body.get("IDs") and body.get("Search"):
            return _wrong("You may specify either IDs or a search query, not both")
        ids = [mail["ID"] for mail in self._found(body["Search"])] if body.get("Search") else body.get("IDs")
        for identity in ids or list(self.mails):
            if identity in self.mails:
                self.mails[identity] = {**self.mails[identity], "Read": body.get("Read") is True}
        return PlainTextResponse("ok")

    async def _delete(self, request: Request) -> Response:
        body = await body_of(request)
        ids = body.get("IDs") if isinstance(body, dict) else None
        for identity in ids or list(self.mails):
            self._forget(identity)
        return PlainTextResponse("ok")

    async def _delete_found(self, request: Request) -> Response:
        query = request.query_params.get("query", "").strip()
        if not query:
            return _wrong("Error: no search query")
        for mail in self._found(query):
            self._forget(mail["ID"])
        return PlainTextResponse("ok")

    async def _message(self, request: Request) -> Response:
        mail = self._chosen(request)
        answer = told(self.source(mail["ID"]), mail)
        self.mails[mail["ID"]] = {**mail, "Read": True}
        return JSONResponse(answer)

    async def _headers(self, request: Request) -> Response:
        parsed = email.message_from_bytes(self.source(self._chosen(request)["ID"]))
        names = {"-".join(word.capitalize() for word in name.split("-")): name for name in sorted(parsed.keys())}
        return JSONResponse(
            {shown: [str(value) for value in parsed.get_all(name, [])] for shown, name in names.items()}
        )

    async def _raw(self, request: Request) -> Response:
        return Response(self.source(self._chosen(request)["ID"]), media_type="text/plain")

    async def _part(self, request: Request) -> Response:
        parsed = email.message_from_bytes(self.source(self._chosen(request)["ID"]))
        wanted = request.path_params["part"]
        part = next((part for part in parts(parsed) if part.identity == wanted), None)
        if part is None:
            return _missing()
        active = part.kind in ACTIVE
        kind, disposition = ("application/octet-stream", "attachment") if active else (part.kind, "inline")
        headers = {"content-disposition": f'{disposition}; filename="{quote(part.name)}"'}
        return Response(part.content, media_type=kind, headers=headers)

    async def _send(self, request: Request) -> Response:
        body = await body_of(request)
        try:
            made, to = built(body)
        except InvalidError as error:
            return JSONResponse({"Error": str(error)}, status_code=HTTPStatus.BAD_REQUEST)
        return JSONResponse({"ID": self.deliver(made.as_bytes(), sender=body["From"]["Email"], to=to)})

    async def _chaos(self, request: Request) -> Response:
        if request.method == "PUT":
            body = await body_of(request)
            if not isinstance(body, dict) or not all(isinstance(each, dict) for each in body.values()):
                return _wrong("invalid chaos triggers")
            self.chaos = body
        return JSONResponse(self.chaos)

    async def _inbox(self, _request: Request) -> Response:
        return page("inbox.html", name="Mailpit", mails=[_card(mail) for mail in self._newest()])

    async def _view(self, request: Request) -> Response:
        mail = self._chosen(request)
        whole = told(self.source(mail["ID"]), mail)
        self.mails[mail["ID"]] = {**mail, "Read": True}
        names = [each["FileName"] for each in whole["Attachments"]]
        shown = {**_card(mail), "html": whole["HTML"], "text": whole["Text"], "attachments": names}
        return page("mail.html", mail=shown, up="/")

    def _chosen(self, request: Request) -> dict[str, Any]:
        """Return the mail that the path names."""
        identity = request.path_params["id"]
        if identity == LATEST and self.mails:
            return self._newest()[0]
        mail: dict[str, Any] | None = self.mails.get(identity)
        if mail is None:
            raise _GoneError
        return mail

    def _newest(self) -> list[dict[str, Any]]:
        return [self.mails[identity] for identity in reversed(list(self.mails))]

    def _found(self, query: str) -> list[dict[str, Any]]:
        return [mail for mail in self._newest() if matches(mail, query)]

    def _forget(self, identity: str) -> None:
        self.mails.pop(identity, None)
        self.sources.pop(identity, None)

    def _page(self, request: Request, found: list[dict[str, Any]]) -> Response:
        start = _number(request.query_params.get("start"), 0)
        limit = _number(request.query_params.get("limit"), 50)
        known = list(self.mails.values())
        shown = [{name: value for name, value in mail.items() if name != "searched"} for mail in found]
        return JSONResponse(
            {
                "total": len(known),
                "unread": sum(not mail["Read"] for mail in known),
                "messages_count": len(found),
                "messages_unread": sum(not mail["Read"] for mail in found),
                "start": start,
                "tags": [],
                "messages": shown[start : start + limit],
            }
        )


def _card(mail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "place": f"/view/{mail['ID']}",
        "subject": mail["Subject"],
        "to": [each["Address"] for each in mail["To"] + mail["Cc"] + mail["Bcc"]],
        "sender": mail["From"]["Address"],
        "moment": mail["Created"],
        "state": "read" if mail["Read"] else "new",
    }


def _number(text: str | None, fallback: int) -> int:
    return int(text) if text and text.isdigit() else fallback


def _missing() -> Response:
    return PlainTextResponse("404 page not found", status_code=HTTPStatus.NOT_FOUND)


def _wrong(message: str) -> Response:
    return PlainTextResponse(message, status_code=HTTPStatus.BAD_REQUEST)

"""Resend, standing in: takes mails and delivers them to an inbox page, `/`, where a person reads them.

A mail is "queued", then "sent", then "delivered", which takes `seconds` in all. Mails to a domain that receives come in
there when they are delivered. As with the real one, bounced@, complained@ and suppressed@resend.dev end as they say,
with an addition to the name too; resend_fates.py has any other address end so.
"""

from __future__ import annotations

import datetime
import email.utils
import time
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci.rehearsal.once import Clash, Kept, Once
from ci.rehearsal.pages import page
from ci.rehearsal.resend_fates import Fates
from ci.rehearsal.resend_mails import (
    RefusedError,
    check,
    check_batch,
    domain,
    letter,
    listed,
    many,
    missing,
    refused,
    unknown,
)
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

RATE = 10  # requests a second, as new accounts have them
FULL, SENDING = "full_access", "sending_access"
KEYS = {f"re_standing_{'f' * 24}": FULL, f"re_standing_{'s' * 24}": SENDING}
DOMAINS = {"receipts.test": False, "inbox.receipts.test": True}  # whether it receives
ENDS = {"bounced@resend.dev": "bounced", "complained@resend.dev": "complained", "suppressed@resend.dev": "suppressed"}
LONGEST_KEY = 256


class Resend(StandIn):
    """One account. `keys` say what each may, `domains` which there are and whether they receive.

    `seconds` is how long delivery takes, `pace` how long it takes to accept a mail, `rate` how many requests a second
    may have.
    """

    def __init__(
        self,
        directory: Path,
        *,
        keys: Mapping[str, str] | None = None,
        domains: Mapping[str, bool] | None = None,
        seconds: float = 0.3,
        pace: float = 0.0,
        rate: int = RATE,
    ) -> None:
        """Know what it knew before."""
        routes = [
            Route("/emails", self._send, methods=["POST"]),
            Route("/emails/batch", self._send, methods=["POST"]),
            Route("/emails", self._listed, methods=["GET"]),
            Route("/emails/receiving", self._received, methods=["GET"]),
            Route("/emails/receiving/{id}", self._letter, methods=["GET"]),
            Route("/emails/{id}", self._one, methods=["GET"]),
            Route("/domains", self._domains, methods=["GET"]),
            Route("/domains/{id}", self._domain, methods=["GET"]),
            Route("/", self._inbox, methods=["GET"]),
            Route("/inbox/{id}", self._shown, methods=["GET"]),
        ]
        super().__init__("resend", directory, routes, unknown=unknown)
        self._starlette.add_exception_handler(RefusedError, refused)
        self.keys = KEYS if keys is None else keys
        self.domains = DOMAINS if domains is None else domains
        self.seconds, self.pace = seconds, pace
        self.mails = self.memory.shelf("mails")
        self.once = Once(self.memory.shelf("keys"))
        self.fates = Fates(self.memory.shelf("settings"))
        self.answer_at(self.fates.routes())
        self.rate = rate
        self._second, self._asked = 0, 0

    async def _written_down(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell in all answers to a key what is left of this second."""

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start" and b"authorization" in dict(scope["headers"]):
                limits = [(name.encode(), value.encode()) for name, value in self._limits().items()]
                message = {**message, "headers": [*message.get("headers", ()), *limits]}
            await send(message)

        await super()._written_down(scope, receive, tell)

    async def _send(self, request: Request) -> Response:
        self._admit(request, FULL, SENDING)
        key = request.headers.get("idempotency-key")
        if key is None:
            return JSONResponse(await self._taken(request))
        if not 1 <= len(key) <= LONGEST_KEY:
            message = f"The idempotency key must be between 1-{LONGEST_KEY} characters."
            raise RefusedError(HTTPStatus.BAD_REQUEST, "invalid_idempotency_key", message)
        match self.once.begin(key, await request.body()):
            case Clash.OTHERWISE:
                message = "This idempotency key has been used on a request that had a different payload."
                raise RefusedError(HTTPStatus.CONFLICT, "invalid_idempotent_request", message)
            case Clash.IN_FLIGHT:
                message = "Another request with the same idempotency key is currently in progress."
                raise RefusedError(HTTPStatus.CONFLICT, "concurrent_idempotent_requests", message)
            case Kept() as kept:
                return JSONResponse(kept.body, status_code=kept.status)
            case None:
                pass
        try:
            answer = await self._taken(request)
        except BaseException:
            self.once.give_up(key)
            raise
        self.once.end(key, HTTPStatus.OK, answer)
        return JSONResponse(answer)

    async def _taken(self, request: Request) -> dict[str, Any]:
        body = await body_of(request)
        if not request.url.path.endswith("/batch"):
            check(body, self.domains)
            await anyio.sleep(self.pace)
            return self._keep(body)
        check_batch(body, self.domains)
        await anyio.sleep(self.pace)
        return {"data": [self._keep(each) for each in body]}

    def _keep(self, body: dict[str, Any]) -> dict[str, str]:
        identity = str(uuid.uuid4())
        sender = email.utils.parseaddr(body["from"])[1]
        self.mails[identity] = {
            "id": identity,
            "received": str(uuid.uuid4()),
            "moment": time.time(),
            "message_id": f"<{identity}@{sender.rpartition('@')[2]}>",
            **{name: many(body.get(name)) for name in ("to", "cc", "bcc", "reply_to")},
            **{name: body.get(name) for name in ("from", "subject", "html", "text", "headers", "attachments")},
        }
        goes = [each for name in ("to", "cc", "bcc") for each in many(body.get(name))]
        if (fate := self.fates.of(email.utils.parseaddr(each)[1] for each in goes)) is not None:
            self.mails[identity] = {**self.mails[identity], "fate": fate.event, "until": fate.seconds}
        return {"id": identity}

    async def _one(self, request: Request) -> Response:
        self._admit(request, FULL)
        mail = self.mails.get(request.path_params["id"])
        return missing("Email") if mail is None else JSONResponse(self._described(mail))

    async def _listed(self, request: Request) -> Response:
        self._admit(request, FULL)
        return listed(request, [self._described(mail) for mail in self._newest()])

    async def _received(self, request: Request) -> Response:
        self._admit(request, FULL)
        return listed(request, [letter(mail, text=False) for mail in self._newest() if self._came_in(mail)])

    async def _letter(self, request: Request) -> Response:
        self._admit(request, FULL)
        identity = request.path_params["id"]
        found = next((mail for mail in self._newest() if mail["received"] == identity and self._came_in(mail)), None)
        return missing("Email") if found is None else JSONResponse(letter(found, text=True))

    async def _domains(self, request: Request) -> Response:
        self._admit(request, FULL)
        return listed(request, [domain(name, receives=receives) for name, receives in self.domains.items()])

    async def _domain(self, request: Request) -> Response:
        self._admit(request, FULL)
        known = [domain(name, receives=receives) for name, receives in self.domains.items()]
        found = next((each for each in known if each["id"] == request.path_params["id"]), None)
        return missing("Domain") if found is None else JSONResponse({"object": "domain", "records": [], **found})

    async def _inbox(self, _request: Request) -> Response:
        return page("inbox.html", name="Resend", mails=[self._card(mail) for mail in self._newest()])

    async def _shown(self, request: Request) -> Response:
        mail = self.mails.get(request.path_params["id"])
        return missing("Email") if mail is None else page("mail.html", mail=self._card(mail), up="/")

    def _admit(self, request: Request, *may: str) -> None:
        """Raise what the real one says to a caller without the right key."""
        given = request.headers.get("authorization", "")
        if not given.lower().startswith("bearer ") or not given[7:].strip():
            message = "Missing API key in the authorization header. Include it as `Authorization: Bearer YOUR_API_KEY`."
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "missing_api_key", message)
        access = self.keys.get(given[7:].strip())
        if access is None:
            raise RefusedError(HTTPStatus.FORBIDDEN, "invalid_api_key", "API key is invalid")
        if access not in may:
            message = "This API key is restricted to only send emails"
            raise RefusedError(HTTPStatus.UNAUTHORIZED, "restricted_api_key", message)
        self._count()

    def _count(self) -> None:
        """Count a request; raise what the real one says of too many in one second."""
        if (second := int(time.monotonic())) != self._second:
            self._second, self._asked = second, 0
        self._asked += 1
        if self._asked > self.rate:
            message = f"Too many requests. You can only make {self.rate} requests per second."
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "rate_limit_exceeded", message)

    def _limits(self) -> dict[str, str]:
        left = max(0, self.rate - self._asked)
        over = {"retry-after": "1"} if self._asked > self.rate else {}
        return {"ratelimit-limit": str(self.rate), "ratelimit-remaining": str(left), "ratelimit-reset": "1", **over}

    def _newest(self) -> list[dict[str, Any]]:
        return [self.mails[identity] for identity in reversed(list(self.mails))]

    def _event(self, mail: dict[str, Any]) -> str:
        age = time.time() - mail["moment"]
        if age < self.seconds:
            return "queued" if age < self.seconds / 2 else "sent"
        if mail.get("fate") and (mail["until"] is None or age < mail["until"]):
            return str(mail["fate"])
        ends = [ENDS[address] for each in mail["to"] if (address := _plain(each)) in ENDS]
        return ends[0] if ends else "delivered"

    def _came_in(self, mail: dict[str, Any]) -> bool:
        names = {email.utils.parseaddr(each)[1].rpartition("@")[2].lower() for each in mail["to"]}
        return self._event(mail) == "delivered" and any(self.domains.get(name) for name in names)

    def _described(self, mail: dict[str, Any]) -> dict[str, Any]:
        moment = datetime.datetime.fromtimestamp(mail["moment"], datetime.UTC)
        texts = {name: mail[name] for name in ("html", "text") if mail[name] is not None}
        shown = {name: mail[name] for name in ("id", "message_id", "to", "from", "subject", "cc", "bcc", "reply_to")}
        created = moment.strftime("%Y-%m-%d %H:%M:%S.%f+00")
        return {"object": "email", **shown, **texts, "created_at": created, "last_event": self._event(mail)}

    def _card(self, mail: dict[str, Any]) -> dict[str, Any]:
        """Return what a page shows of a mail."""
        moment = datetime.datetime.fromtimestamp(mail["moment"], datetime.UTC)
        return {
            **{name: mail[name] for name in ("to", "subject", "html", "text")},
            "place": f"/inbox/{mail['id']}",
            "sender": mail["from"],
            "state": self._event(mail),
            "moment": moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
            "attachments": [str(each.get("filename")) for each in mail["attachments"] or ()],
        }


def _plain(address: str) -> str:
    """Return an address without the name before it and without the addition in it."""
    name, _, place = email.utils.parseaddr(address)[1].lower().rpartition("@")
    return f"{name.partition('+')[0]}@{place}"

"""Stripe, standing in: what a product needs to sell a plan, as the official library asks for it.

Customers, products, prices, subscriptions, invoices, Checkout with a page to click through, events, and webhooks that
are signed and delivered to this machine's apps. No money moves. Objects look as they do since 2025-03-31.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import anyio
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ci.rehearsal import stripe_checkout, stripe_portal
from ci.rehearsal.once import Clash, Kept, Once
from ci.rehearsal.pages import page
from ci.rehearsal.standin import StandIn
from ci.rehearsal.stripe_events import Deliveries
from ci.rehearsal.stripe_forms import Form, RefusedError, decoded
from ci.rehearsal.stripe_operations import OPERATIONS
from ci.rehearsal.stripe_store import Store, new_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from starlette.requests import Request

VERSION = "2026-10-28.endive"
LONGEST_KEY = 255


@dataclass(frozen=True, kw_only=True)
class Access:
    """What a key opens. `permissions` are those of a restricted key, as `rak_balance_read`; None is everything."""

    account: str
    live: bool
    permissions: frozenset[str] | None = None


KEYS = {
    f"sk_test_{'t' * 24}": Access(account="acct_1Standing000000", live=False),
    f"sk_live_{'l' * 24}": Access(account="acct_1Standing000000", live=True),
    f"rk_test_{'r' * 24}": Access(
        account="acct_1Standing000000", live=False, permissions=frozenset({"rak_balance_read"})
    ),
}


class Stripe(StandIn):
    """Accounts by their keys.

    `pace` is how many seconds a write takes, `pauses` are those before each further try to deliver a webhook, `unruly`
    those within which each event comes twice and in no order.
    """

    def __init__(
        self,
        directory: Path,
        *,
        keys: Mapping[str, Access] | None = None,
        pace: float = 0.0,
        pauses: Sequence[float] = (1.0, 5.0, 30.0),
        unruly: float = 0.0,
    ) -> None:
        """Know what it knew before."""
        routes = [
            Route("/v1/{path:path}", self._api, methods=["GET", "POST", "DELETE"]),
            Route("/c/pay/{id}", self._checkout, methods=["GET", "POST"]),
            Route("/p/session/{id}", self._portal, methods=["GET", "POST"]),
        ]
        super().__init__("stripe", directory, routes, unknown=lambda request: _refused(_unknown(request), "req_0"))
        self.keys = KEYS if keys is None else keys
        self.pace = pace
        self.deliveries = Deliveries(self.memory, pauses, unruly)
        self.once = Once(self.memory.shelf("keys"))

    def store(self, account: str, *, live: bool, base: str = "", version: str = VERSION) -> Store:
        """Return what an account holds in a mode."""
        tell = self.deliveries.tell
        return Store(memory=self.memory, account=account, live=live, base=base, version=version, tell=tell)

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """Deliver events, those first that were left undelivered when it last ended."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.deliveries.deliver)
            yield
            group.cancel_scope.cancel()

    async def _api(self, request: Request) -> Response:
        identity = new_id("req", 14)
        try:
            answer = await self._answered(request)
        except RefusedError as error:
            answer = _refused(error, identity)
        answer.headers["request-id"] = identity
        answer.headers["stripe-version"] = request.headers.get("stripe-version", VERSION)
        return answer

    async def _answered(self, request: Request) -> Response:
        access = self._access(request)
        version = request.headers.get("stripe-version", VERSION)
        if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.[a-z]+)?", version):
            raise RefusedError(f"Invalid Stripe API version: {version[:40]}")
        body = await request.body()
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        if key is None:
            return JSONResponse(await self._done(request, access, body, version))
        if len(key) > LONGEST_KEY:
            raise RefusedError(f"Idempotency key is too long, it can be at most {LONGEST_KEY} characters.")
        place = f"{access.account} {access.live} {key}"
        match self.once.begin(place, f"{request.url.path}\n".encode() + body):
            case Clash.OTHERWISE:
                message = "Keys for idempotent requests can only be used with the same parameters they were first used "
                message += f"with. Try using a key other than '{key}' if you meant to execute a different request."
                raise RefusedError(message, kind="idempotency_error")
            case Clash.IN_FLIGHT:
                message = "There is currently another in-progress request using this Idempotent Key."
                raise RefusedError(message, status=HTTPStatus.CONFLICT, code="idempotency_key_in_use")
            case Kept() as kept:
                return JSONResponse(kept.body, kept.status, {"idempotent-replayed": "true", "idempotency-key": key})
            case None:
                pass
        try:
            answer = await self._done(request, access, body, version)
        except BaseException:
            self.once.give_up(place)
            raise
        self.once.end(place, HTTPStatus.OK, answer)
        return JSONResponse(answer, headers={"idempotency-key": key})

    async def _done(self, request: Request, access: Access, body: bytes, version: str) -> dict[str, Any]:
        """Carry out a request."""
        path = request.url.path
        found = next(
            (
                (operation, match)
                for operation in OPERATIONS
                if operation.method == request.method and (match := re.fullmatch(operation.path, path))
            ),
            None,
        )
        if found is None:
            raise _unknown(request)
        operation, match = found
        needed = f"rak_{operation.resource}_{'read' if request.method == 'GET' else 'write'}"
        if access.permissions is not None and needed not in access.permissions:
            message = "The provided key does not have the required permissions for this endpoint on account "
            message += f"'{access.account}'. Having the '{needed}' permission would allow this request to continue."
            raise RefusedError(message, status=HTTPStatus.FORBIDDEN)
        if request.method != "GET":
            await anyio.sleep(self.pace)
        form = Form(given=decoded(body.decode(errors="replace") if body else request.url.query))
        store = self.store(access.account, live=access.live, base=_base(request), version=version)
        return store.expanded(operation.act(store, form, *match.groups()), form)

    async def _checkout(self, request: Request) -> Response:
        """Show a session's page, and take the card that is given there."""
        identity = request.path_params["id"]
        given = dict(parse_qsl((await request.body()).decode(errors="replace")))  # first: the rest happens at once
        store = self._holder("sessions", identity, _base(request))
        if store is None:
            return page("checkout.html", status=HTTPStatus.NOT_FOUND, session=None, lines=[], wrong="", email="")
        session = stripe_checkout.current(store, identity)
        email, wrong = (session["customer_details"] or {}).get("email") or "", ""
        if request.method == "POST" and session["status"] == "open":
            email = given.get("email", email)
            try:
                session = stripe_checkout.pay(store, session, email=email, number=given.get("number", ""))
            except RefusedError as error:
                wrong = str(error)
            else:
                where = session["success_url"].replace("{CHECKOUT_SESSION_ID}", identity)
                return RedirectResponse(where, status_code=HTTPStatus.SEE_OTHER)
        lines = store.shelf("lines")[identity]["lines"]
        status = HTTPStatus.PAYMENT_REQUIRED if wrong else HTTPStatus.OK
        return page("checkout.html", status=status, session=session, lines=lines, wrong=wrong, email=email)

    async def _portal(self, request: Request) -> Response:
        """Show a customer's plans, and change them as the person there wishes."""
        identity = request.path_params["id"]
        given = dict(parse_qsl((await request.body()).decode(errors="replace")))
        store = self._holder("portals", identity, _base(request))
        session = stripe_portal.current(store, identity) if store else None
        if store is None or session is None:
            return page("portal.html", status=HTTPStatus.NOT_FOUND, session=None, plans=[], names={}, wrong="")
        wrong = ""
        if request.method == "POST":
            try:
                stripe_portal.change(store, session, identity=given.get("subscription", ""), wish=given.get("wish", ""))
            except RefusedError as error:
                wrong = str(error)
            else:
                return RedirectResponse(request.url.path, status_code=HTTPStatus.SEE_OTHER)
        plans = stripe_portal.plans(store, session)
        names = {plan["id"]: store.get(plan["items"]["data"][0]["price"]["product"], "prod")["name"] for plan in plans}
        status = HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK
        return page("portal.html", status=status, session=session, plans=plans, names=names, wrong=wrong)

    def _holder(self, shelf: str, session: str, base: str) -> Store | None:
        """Return the store that has a session: its page is open to whoever has its address."""
        stores = (self.store(access.account, live=access.live, base=base) for access in self.keys.values())
        return next((store for store in stores if session in store.shelf(shelf)), None)

    def _access(self, request: Request) -> Access:
        """Return what the caller's key opens. Raises RefusedError."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                given = base64.b64decode(given, validate=True).decode().partition(":")[0]
            except (binascii.Error, UnicodeDecodeError):
                given = ""
        if not given:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header."
            raise RefusedError(message, status=HTTPStatus.UNAUTHORIZED)
        access = self.keys.get(given)
        if access is None:
            hidden = f"{given[:8]}{'*' * max(0, len(given) - 12)}{given[-4:]}"
            raise RefusedError(f"Invalid API Key provided: {hidden}", status=HTTPStatus.UNAUTHORIZED)
        return access


def _base(request: Request) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _unknown(request: Request) -> RefusedError:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return RefusedError(message, status=HTTPStatus.NOT_FOUND)


def _refused(error: RefusedError, identity: str) -> Response:
    told = {**error.error, "request_log_url": f"https://dashboard.stripe.com/test/logs/{identity}"}
    return JSONResponse({"error": told}, status_code=error.status)

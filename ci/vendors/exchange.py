"""One vendor over HTTP: where it is, who we are to it, how long and how often we ask, and what its errors mean.

Every request ends within `Patience.request` seconds. It is sent again where that can do no harm, or where the vendor
surely did nothing with it, after the time that the vendor asks for; never past `Patience.whole` seconds.
"""

from __future__ import annotations

import functools
import ipaddress
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPMethod, HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import anyio
import httpx
import pydantic
import stamina

from ci.errors import Trouble, VendorError
from ci.redact import Redactor
from ci.text import clean, encodable, first_line
from ci.vendors.answers import Answer, Dialect
from ci.vendors.pace import Deadline

T = TypeVar("T")
Query = Mapping[str, str | int | bool | Sequence[str]]
Before = Callable[[], Awaitable[None]]

LARGEST = 32 * 1024 * 1024  # bytes of an answer
SAFE = frozenset({HTTPMethod.GET, HTTPMethod.HEAD})
# Idempotent by https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2; a vendor whose PUT or DELETE is not says so.
REPEATABLE = SAFE | {HTTPMethod.PUT, HTTPMethod.DELETE}
DENIED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
NOWHERE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)  # no byte of the request went out
SOON = 0.001  # seconds; none at all would be taken for no
SAID, LOOKED_AT = 300, 20_000  # characters of what a vendor says: that go into a message, that are searched for tokens
stamina.instrumentation.set_on_retry_hooks(())  # without it each pause is a line on standard error


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long we wait, in seconds: for one answer, for all tries together, before the first repetition."""

    request: float = 15.0
    whole: float = 60.0
    first: float = 0.5
    tries: int = 4


class Exchange:
    """Asks one vendor at one address. `authorization` are the headers that hold the token; they are in no message.

    `secrets` are further values that must not be told, as a key in a body. `before` is awaited before each attempt of a
    request that is no GET or HEAD: who may write may have changed since the one before. What it raises goes through.
    """

    def __init__(
        self,
        dialect: Dialect,
        address: str,
        *,
        authorization: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        patience: Patience | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        before: Before | None = None,
    ) -> None:
        """Keep no connection open yet. `transport` is for what listens in on the requests."""
        self.before = before
        self.dialect = dialect
        self.address = address.rstrip("/")
        self.patience = patience or Patience()
        tokens = {name: value.rpartition(" ")[2] for name, value in (authorization or {}).items()}
        self.redactor = Redactor({**tokens, **(secrets or {})})
        headers = {"accept": "application/json", "user-agent": "shipway", **dialect.headers, **(authorization or {})}
        self.client = httpx.AsyncClient(
            headers=headers,
            timeout=self.patience.request,
            transport=transport,
            verify=_trust() if self.address.startswith("https:") else False,  # else nothing is encrypted
            trust_env=not is_near(self.address),  # no proxy leads to a loopback
            follow_redirects=False,  # they would take the token elsewhere
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[int] = (200,),
        repeatable: bool | None = None,
        plain: bool = False,
        within: float | None = None,
    ) -> Answer:
        """Send a request and return the answer, whose status is one of `accept`, and whose body is JSON unless `plain`.

        Of a body that may have no end, what came `within` so many seconds is taken; fewer than `Patience.request`.
        `body` is sent as JSON; in its place `content` is sent as it is, and `headers` say what it is.
        `repeatable` says that to send it twice does what to send it once does; without it the method decides.
        Raises VendorError for all else.
        """
        again = method in REPEATABLE if repeatable is None else repeatable
        parameters = {name: _written(value) for name, value in (query or {}).items()}
        request = self.client.build_request(
            method,
            f"{self.address}{path}",
            params=parameters or None,
            json=encodable(body),
            content=content,
            headers=headers,
        )
        deadline = Deadline.after(self.patience.whole)
        failed: list[VendorError] = []

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, _AgainError):
                return False
            failed.append(error.meant)
            if error.pause is None:
                return True
            return max(error.pause, SOON) if error.pause < deadline.left else False

        try:
            async for attempt in stamina.retry_context(
                on=wait,
                attempts=self.patience.tries,
                timeout=self.patience.whole,
                wait_initial=self.patience.first,
                wait_max=self.patience.first * 16,
                wait_jitter=self.patience.first,
            ):
                with attempt:
                    if failed and deadline.left <= 0:  # the machine slept through it
                        raise failed[-1]
                    return await self._once(
                        request, f"{method} {path}", accept, again=again, plain=plain, within=within
                    )
        except _AgainError as error:
            raise error.meant from error.__cause__
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    async def _once(
        self,
        request: httpx.Request,
        what: str,
        accept: Sequence[int],
        *,
        again: bool,
        plain: bool,
        within: float | None,
    ) -> Answer:
        written = request.method not in SAFE
        if written and self.before is not None:
            await self.before()
        try:
            with anyio.fail_after(self.patience.request + (within or 0)):
                answer = await self._send(request, within)
        except (httpx.HTTPError, TimeoutError) as error:
            undone = isinstance(error, NOWHERE)
            told = _reason(error, self.patience)
            meant = self._error(what, Trouble.UNREACHABLE, told, unsettled=written and not undone)
            if undone or again:
                raise _AgainError(meant, None) from error
            raise meant from error
        own = self.dialect.trouble(answer)
        if answer.status in accept and (plain or _is_json(answer)) and own is None:
            return answer
        wanted = answer.status in accept or answer.status < HTTPStatus.BAD_REQUEST
        if wanted and own is None:  # a network's sign-in page, or a place that moved
            told = f"{answer.status} and {answer.headers.get('content-type', 'no type')} is not what was asked for"
            meant = self._error(what, Trouble.UNREADABLE, told, status=answer.status, unsettled=written)
            raise _AgainError(meant, None) if again else meant
        undone = answer.status in self.dialect.undone or self.dialect.undone_by(answer) or own is Trouble.LIMITING
        broken = answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or own is Trouble.BROKEN
        meant = self._refusal(what, answer, undone=undone, broken=broken, unsettled=written and broken and not undone)
        if (undone or (broken and again)) and not self.dialect.final(answer):
            raise _AgainError(meant, self.dialect.pause(answer))
        raise meant

    async def _send(self, request: httpx.Request, within: float | None) -> Answer:
        response = await self.client.send(request, stream=True)
        try:
            content = bytearray()
            with anyio.move_on_after(within) as listening:
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LARGEST:
                        raise httpx.ReadError(f"the answer is larger than {LARGEST // 1024 // 1024} MiB")
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        found = {name.lower(): value for name, value in response.headers.items()}
        whole = not listening.cancelled_caught
        return Answer(status=response.status_code, headers=found, content=bytes(content), whole=whole)

    def _refusal(self, what: str, answer: Answer, *, undone: bool, broken: bool, unsettled: bool) -> VendorError:
        message, code = self.dialect.said(answer)
        told = f"{answer.status}{f' {code}' if code else ''}{f': {message}' if message else ''}"
        if broken:
            trouble = Trouble.BROKEN
        elif undone:
            trouble = Trouble.LIMITING
            if (seconds := self.dialect.pause(answer)) is not None:
                told += f"; it asks to wait {seconds:.0f} s"
        else:
            denied = Trouble.DENYING if answer.status in DENIED else Trouble.REFUSING
            trouble = self.dialect.trouble(answer) or denied
        return self._error(what, trouble, told, status=answer.status, code=code, unsettled=unsettled)

    def _error(
        self,
        what: str,
        trouble: Trouble,
        told: str,
        *,
        status: int | None = None,
        code: str | None = None,
        unsettled: bool = False,
    ) -> VendorError:
        line = first_line(self.redactor.text(first_line(clean(told), LOOKED_AT)), SAID)  # no half of a token is left
        return VendorError(
            f"{self.dialect.vendor} {trouble.value}: {line} ({self.redactor.text(what)})",
            trouble=trouble,
            status=status,
            code=code,
            unsettled=unsettled,
        )

    def read(self, answer: Answer, kind: type[T], *, what: str) -> T:
        """Return the answer's body as a value. `what` names it in a message. Raises VendorError where it is none."""
        try:
            return _reader(kind).validate_json(answer.content)
        except pydantic.ValidationError as error:
            raise self._unreadable(what, error) from None  # it holds what was answered, which may be a password

    def value(self, data: Any, kind: type[T], *, what: str) -> T:
        """The same for a part of a body that was read already."""
        try:
            return _reader(kind).validate_python(data)
        except pydantic.ValidationError as error:
            raise self._unreadable(what, error) from None  # as above

    def wrong(
        self,
        what: str,
        told: str,
        *,
        trouble: Trouble = Trouble.UNREADABLE,
        code: str | None = None,
        unsettled: bool = False,
    ) -> VendorError:
        """Return the error that an answer means which is not what was asked for, without being JSON."""
        return self._error(what, trouble, told, code=code, unsettled=unsettled)

    def _unreadable(self, what: str, error: pydantic.ValidationError) -> VendorError:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return self._error(what, Trouble.UNREADABLE, f"{place}: {first['msg']}" if place else first["msg"])


class _AgainError(Exception):
    """An attempt that may be repeated; `meant` is what it means where it is not."""

    def __init__(self, meant: VendorError, pause: float | None) -> None:
        super().__init__()
        self.meant = meant
        self.pause = pause


def _reader(kind: type[T]) -> pydantic.TypeAdapter[T]:
    """Return what reads values of a kind: it takes some milliseconds to make, and kinds are few."""
    hashable: Any = kind
    made: pydantic.TypeAdapter[T] = _adapter(hashable)
    return made


@functools.cache
def _adapter(kind: Any) -> Any:
    return pydantic.TypeAdapter(kind)


@functools.cache
def _trust() -> ssl.SSLContext:
    """Return what is known of certificates: it takes 20 ms to read, and an app is asked again and again."""
    return httpx.create_ssl_context()


def segment(text: str) -> str:
    """Return the text as one segment of a path."""
    return quote(encodable(text), safe="")


def _is_json(answer: Answer) -> bool:
    try:
        answer.json()
    except ValueError:
        return False
    return True


def _written(value: str | float | bool | Sequence[str]) -> str | list[str]:  # noqa: FBT001 - a query's value
    if isinstance(value, bool):
        return "true" if value else "false"
    text: str | list[str] = str(value) if isinstance(value, str | int | float) else [str(each) for each in value]
    return encodable(text)  # type: ignore[no-any-return]


def is_near(address: str) -> bool:
    """Whether an address is one of this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception, patience: Patience) -> str:
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return f"no answer within {patience.request:g} s"
    return str(error) or type(error).__name__

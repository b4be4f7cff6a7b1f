"""Who makes the requests of a probe or a measurement: with cookies of its own, and a stranger's trust in an answer.

What an answer says is held against what is expected of it. Nothing of it is told but the value that was other than
expected, or the first line of an error, without secrets and without what was captured: that may be a session.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import anyio
import httpx

from ci.promotion.dotted import AbsentError, at
from ci.promotion.filling import Scalar, can_fill, fill, fill_json, fill_path
from ci.promotion.target import Target, origin
from ci.redact import Redactor
from ci.settings.smoke import ORIGIN, RANDOM, SECRET, SHA256, Cleaning, Request
from ci.text import clean, encodable, first_line
from ci.vendors.answers import Answer
from ci.vendors.exchange import is_near

if TYPE_CHECKING:
    import ssl
    from types import TracebackType

LARGEST = 16 * 1024 * 1024  # bytes of an answer
LONGEST = 8192  # characters of a value that is captured
REDIRECTS = 5
SAID, LOOKED_AT = 120, 20_000  # characters of an answer: that are told, that are searched for secrets
GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class UnmetError(Exception):
    """What a probe met was other than expected: the message says how. `status` is None where there was no answer."""

    def __init__(self, detail: str, status: int | None = None) -> None:
        """Keep what a report shows."""
        super().__init__(detail)
        self.detail = detail
        self.status = status

    def answered(self, expected: int | None = None) -> str:
        """Say what was answered, beside the status that was expected where that is another."""
        answered = "no answer" if self.status is None else f"answered {self.status}"
        wanted = f", expected {expected}" if expected not in {None, self.status} else ""
        return f"{answered}{wanted}" + (f"; {self.detail}" if self.detail else "")


@dataclass(frozen=True, kw_only=True)
class File:
    """A file that is sent as it is, in a field of a form."""

    field: str
    name: str
    type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Timed:
    """An answer, whatever it says, and the seconds from its request's first byte to its own last."""

    answer: Answer
    seconds: float


class Visitor:
    """Makes the requests of one try of a probe at one app. `answered` says whether anything answered it."""

    def __init__(self, target: Target, app: str, *, trusted: ssl.SSLContext | bool = True) -> None:
        """Keep no connection open yet."""
        self.target = target
        self.address = target.addresses[app]
        self.answered = False
        self.captured: dict[str, Scalar] = {}
        self.values: dict[str, Scalar] = {
            **{f"{SECRET}{name}": value for name, value in target.secrets.items()},
            RANDOM: secrets.token_hex(8),
            ORIGIN: origin(self.address),
        }
        self.client = httpx.AsyncClient(
            headers={"user-agent": "shipway", "accept": "*/*", "accept-encoding": "identity"},
            verify=trusted,
            trust_env=not all(map(is_near, target.everywhere)),  # no proxy leads to a loopback
            follow_redirects=False,
        )

    async def __aenter__(self) -> Self:
        """Be ready to ask."""
        await self.client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self.client.__aexit__(kind, error, trace)

    async def ask(self, request: Request) -> None:
        """Make a request, hold its answer against what is expected, keep what is to be captured. Raises UnmetError."""
        answer = (await self.timed(request)).answer
        try:
            self._judge(request, answer)
            for name, source in request.capture.items():
                self.captured[name] = self.values[name] = self._found(source, answer)
        except UnmetError as error:
            raise UnmetError(error.detail, answer.status) from None

    async def clean(self, cleaning: Cleaning) -> str | None:
        """Take away what was made, as far as it is known what; return what went wrong with it."""
        if not can_fill(self.values, cleaning.path, cleaning.headers, cleaning.json_):
            return None
        request = Request(
            method=cleaning.method,
            path=cleaning.path,
            service=cleaning.service,
            headers=cleaning.headers,
            json=cleaning.json_,
        )
        try:
            answer = (await self.timed(request)).answer
        except UnmetError as error:
            return error.detail
        fine = answer.status < HTTPStatus.BAD_REQUEST or answer.status in GONE
        return None if fine else f"answered {answer.status}"

    def told(self, text: str) -> str:
        """Return what may be told of a text of strangers: one line, without secrets, cut."""
        known = {f"captured {name}": value for name, value in self.captured.items() if isinstance(value, str)}
        redactor = Redactor({**known, **self.target.secrets})
        return first_line(redactor.text(first_line(clean(text), LOOKED_AT)), SAID)

    async def timed(self, request: Request, file: File | None = None) -> Timed:
        """Make a request, a file in its form if need be; return its answer. Raises UnmetError where there is none."""
        try:
            with anyio.fail_after(request.timeout):
                built = self._built(request, file)
                began = time.perf_counter()
                answer = await self._follow(built, follow=request.follow)
                seconds = time.perf_counter() - began
        except TimeoutError:
            raise UnmetError(f"no answer within {request.timeout:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:  # strangers find more than httpx names
            raise UnmetError(self.told(str(error) or type(error).__name__)) from None
        return Timed(answer=answer, seconds=seconds)

    def refusal(self, answer: Answer) -> str:
        """Return what may be told of an error's answer; another one's may be a session."""
        refused = answer.status >= HTTPStatus.BAD_REQUEST
        return self.told(answer.content[:LOOKED_AT].decode(errors="replace")) if refused else ""

    def _built(self, request: Request, file: File | None) -> httpx.Request:
        own = request.service is None
        address = self.address if request.service is None else self.target.services[request.service]
        headers = {name.lower(): fill(value, self.values) for name, value in request.headers.items()}
        if own:
            headers = {**self.target.headers, **headers}
        more: dict[str, Any] = {}
        if request.json_ is not None:
            more["json"] = encodable(fill_json(request.json_, self.values))
        fields = {name: fill(value, self.values) for name, value in request.form.items()}
        if (upload := request.upload) is not None:
            begins = upload.starts.encode()[: upload.size]
            content = begins + secrets.token_bytes(upload.size - len(begins))
            self.values[SHA256] = hashlib.sha256(content).hexdigest()
            if upload.field is None:
                more["content"] = content
                headers.setdefault("content-type", upload.type)
            else:
                more |= {"files": {upload.field: (upload.name, content, upload.type)}, "data": fields}
        elif file is not None:
            more |= {"files": {file.field: (file.name, file.content, file.type)}, "data": fields}
        elif fields:
            more["data"] = fields
        for name, value in headers.items():
            if not (value.isascii() and value.isprintable()):
                raise UnmetError(f"the value for the header {name} cannot be sent in one")
        return self.client.build_request(
            request.method,
            f"{address}{fill_path(request.path, self.values)}",
            headers=headers,
            timeout=request.timeout,
            **more,
        )

    async def _follow(self, request: httpx.Request, *, follow: bool) -> Answer:
        for _ in range(REDIRECTS):
            answer, following = await self._send(request)
            if not follow or following is None:
                return answer
            where = origin(str(following.url))
            if where not in set(map(origin, self.target.everywhere)):
                raise UnmetError(f"it leads away, to {self.told(where)}", answer.status)
            if where != origin(str(request.url)):
                for name in self.target.headers:
                    following.headers.pop(name, None)
            request = following
        raise UnmetError(f"more than {REDIRECTS} redirects", answer.status)

    async def _send(self, request: httpx.Request) -> tuple[Answer, httpx.Request | None]:
        response = await self.client.send(request, stream=True)
        self.answered = True
        try:
            content = bytearray()
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > LARGEST:
                    told = f"the answer is larger than {LARGEST // 1024 // 1024} MiB"
                    raise UnmetError(told, response.status_code)
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        answer = Answer(status=response.status_code, headers=headers, content=bytes(content))
        return answer, response.next_request

    def _judge(self, request: Request, answer: Answer) -> None:
        if answer.status != request.status:
            raise UnmetError(self.refusal(answer))
        for name, pattern in request.expect_headers.items():
            parts = [re.escape(fill(part, self.values)) for part in pattern.split("*")]
            found = answer.headers.get(name.lower())
            if found is None or not re.fullmatch(".*".join(parts), found, re.DOTALL):
                was = "is not there" if found is None else f"is {self.told(found)}"
                raise UnmetError(f"the header {name} {was}, expected {self.told(fill(pattern, self.values))}")
        for path, expected in request.expect.items():
            wanted = fill_json(expected, self.values)
            found = _at(path, answer)
            if isinstance(found, bool) is not isinstance(wanted, bool) or found != wanted:
                raise UnmetError(f"{path} is {self.told(_spelled(found))}, expected {self.told(_spelled(wanted))}")
        if request.returns_upload and hashlib.sha256(answer.content).hexdigest() != self.values[SHA256]:
            raise UnmetError(f"its {len(answer.content)} bytes are not those that were uploaded")

    def _found(self, source: str, answer: Answer) -> Scalar:
        kind, _, name = source.partition(":")
        found: Any = None
        if kind == "json":
            found = _at(name, answer)
        elif kind == "header":
            found = answer.headers.get(name.lower())
        else:
            found = next((each.value for each in self.client.cookies.jar if each.name == name), None)
        if not isinstance(found, str | int | float) or found == "":
            raise UnmetError(f"there is no value at {source}")
        if isinstance(found, str) and len(found) > LONGEST:
            raise UnmetError(f"the value at {source} is longer than {LONGEST} characters")
        kept: Scalar = encodable(found)
        return kept


def _at(path: str, answer: Answer) -> Any:
    try:
        return at(path, answer)
    except AbsentError as error:
        raise UnmetError(str(error)) from None


def _spelled(value: Any) -> str:
    return json.dumps(value)[:LOOKED_AT]

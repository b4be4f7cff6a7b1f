"""Anthropic's models, through the anthropic SDK (2.x): https://platform.claude.com/docs/en/api/messages.

The SDK writes the requests; what carries them is our Exchange, behind a transport of the SDK's own HTTP library. So
the SDK's retries are off, and one policy holds for all vendors: bounded, by the vendor's headers, with the key in no
message. It differs from the SDK's in one thing: an answer that was lost is not asked for again, because it was paid
for. It is `unsettled`, and whoever keeps the budget counts it as spent.

Answers are streamed, for what stands idle for minutes is cut by networks on the way; they are taken whole or not at
all. An error in the middle of one, as an overload, is an answer that was lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import anyio
from pydantic import Field

from ci.errors import ToolError, Trouble, VendorError
from ci.vendors import answers
from ci.vendors.adapter import Adapter
from ci.vendors.answers import Answer, Dialect
from ci.vendors.anthropic_forms import PARTS, Answered, Counted, written
from ci.vendors.exchange import Exchange, Patience, T
from ci.vendors.model import Message, Opaque, Part, Price, Prompt, Reply, Role, Usage
from ci.vendors.pace import Deadline

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import anthropic
    import httpx
    import httpx2

ADDRESS = "https://api.anthropic.com"
MAJOR = "2"  # of the SDK: 1.x shows its key in another header, 3.x is not known
OVERLOADED = 529
BREATH = 8  # times the first pause, after an answer that ended in an overload
# Answers take their time; the SDK's own limit is ten minutes. Nobody else's work changes by one, so that it may.
PATIENCE = Patience(request=180.0, whole=420.0, first=1.0, tries=4)
# https://platform.claude.com/docs/en/about-claude/pricing, November 2026; the longest beginning that fits counts.
PRICES: Mapping[str, Price] = {
    "claude-haiku-5-5": Price(read=0.5, answered=2.5),  # a fifth of it up to 100,000 tokens
    "claude-haiku": Price(read=1, answered=5),
    "claude-sonnet-5": Price(read=2, answered=10),
    "claude-sonnet": Price(read=3, answered=15),
    "claude-opus-5-5": Price(read=4, answered=20),
    "claude-opus": Price(read=5, answered=25),
    "claude-fable": Price(read=10, answered=50),
    "claude-mythos": Price(read=10, answered=50),
}
UNKNOWN = Price(read=25, answered=125)  # more than any on that page, so that no budget is overspent


def _own(answer: Answer) -> bool:
    """Whether an error is the API's own, and not that of something on the way."""
    try:
        body = answer.json()
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("type") == "error"


def _undone(answer: Answer) -> bool:
    """Whether it says that it did nothing, and that it may be asked again: what fails is not billed."""
    if (asked := answer.headers.get("x-should-retry")) in {"true", "false"}:
        return asked == "true"
    return answer.status in {429, OVERLOADED} or (answer.status >= 500 and _own(answer))  # noqa: PLR2004 - HTTP's


def _pause(answer: Answer) -> float | None:
    milliseconds = answers.number(answer.headers.get("retry-after-ms", ""))
    return milliseconds / 1000 if milliseconds is not None else answers.pause(answer)


def _said(answer: Answer) -> tuple[str, str | None]:
    """Read `error`, with the request's id, by which Anthropic's support finds it."""
    message, code = answers.said(answer)
    request = answer.headers.get("request-id", "")
    return (f"{message} [{request}]" if message and request else message), code


DIALECT = Dialect(vendor="Anthropic", said=_said, pause=_pause, undone=frozenset(), undone_by=_undone)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What Anthropic says of a model: tokens that it reads and answers at most, and whether it is on its way out."""

    id: str
    lifecycle: str
    window: Annotated[int | None, Field(alias="max_input_tokens")] = None
    room: Annotated[int | None, Field(alias="max_tokens")] = None


class Anthropic(Adapter):
    """One model of Anthropic's; a `Model`."""

    def __init__(self, exchange: Exchange, client: anthropic.AsyncAnthropic, name: str, price: Price) -> None:
        """Take the way there, the SDK that goes it, and which model is asked at which price."""
        super().__init__(exchange)
        self.name = name
        self.price = price
        self._client = client
        self._calm = Deadline.after(0)

    async def reply(self, prompt: Prompt) -> Reply:
        """Ask the model. Raises VendorError, which is `unsettled` where the answer may have been made and billed."""
        await anyio.sleep(max(0.0, self._calm.left))
        message = await _unwrapped(lambda: self._streamed(prompt))
        try:
            found = self.exchange.value(message, Answered, what="a reply")
            parts = tuple(self._part(block) for block in found.content)
        except VendorError as error:
            error.unsettled = True  # it was made, whatever it says
            raise
        usage = found.usage.usage()
        details = found.stop_details or {}
        why = ": ".join(str(details[name]) for name in ("category", "explanation") if details.get(name))
        said = Message(role=Role.ASSISTANT, parts=parts)
        return Reply(message=said, stop=found.stop_reason, usage=usage, cost=self.price.cost(usage), why=why or None)

    async def _streamed(self, prompt: Prompt) -> dict[str, Any]:
        """Return a message as the API has it, put together by the SDK from its stream."""
        import anthropic  # noqa: PLC0415 - as below

        asked = self._client.messages.stream(model=self.name, max_tokens=prompt.room, **written(prompt))
        async with asked as stream:
            try:
                return (await stream.get_final_message()).to_dict()
            except anthropic.APIStatusError as error:
                self._calm = Deadline.after(self.exchange.patience.first * BREATH)
                answer = Answer(status=OVERLOADED, headers={}, content=json.dumps(error.body).encode())
                told, code = answers.said(answer)
                told = f"{code or 'an error'} in the middle of an answer: {told}"
                raise self.exchange.wrong("a reply", told, trouble=Trouble.BROKEN, code=code, unsettled=True) from None
            except Exception as error:  # noqa: BLE001 - the SDK has no error for a stream that is none
                told = f"it is no stream of a message ({type(error).__name__})"
                raise self.exchange.wrong("a reply", told, unsettled=True) from None

    async def count(self, prompt: Prompt) -> int:
        """Return how many tokens the prompt has. Raises VendorError."""
        raw = await _unwrapped(
            lambda: self._client.messages.with_raw_response.count_tokens(model=self.name, **written(prompt))
        )
        return self._read(raw.http_response, Counted, "a count").input_tokens

    async def most(self, prompt: Prompt) -> float:
        """Return the dollars that an answer costs at most, all of the prompt put into the cache. Raises VendorError."""
        return self.price.cost(Usage(written=await self.count(prompt), answered=prompt.room))

    async def known(self) -> Known | None:
        """Return what Anthropic says of the model, None where it has none of that name. Raises VendorError."""
        try:
            raw = await _unwrapped(lambda: self._client.models.with_raw_response.retrieve(self.name))
        except VendorError as error:
            if error.status == 404:  # noqa: PLR2004 - HTTP's
                return None
            raise
        return self._read(raw.http_response, Known, "a model")

    async def aclose(self) -> None:
        """Close the SDK and the connections."""
        await self._client.close()
        await super().aclose()

    def _read(self, response: httpx2.Response, kind: type[T], what: str) -> T:
        answer = Answer(status=response.status_code, headers={}, content=response.content)
        return self.exchange.read(answer, kind, what=what)

    def _part(self, block: dict[str, Any]) -> Part:
        kind = PARTS.get(str(block.get("type")))
        return (
            Opaque(block=block) if kind is None else self.exchange.value(block, kind, what="a part of a reply").part()
        )


def connect(
    key: str,
    model: str,
    *,
    address: str = ADDRESS,
    price: Price | None = None,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Anthropic:
    """Return the client of a model. Its price is what is known of its name, the dearest where nothing is.

    Raises ToolError where the SDK is of another major version.
    """
    import anthropic  # noqa: PLC0415 - it costs half a second, which other commands must not pay
    import httpx2  # noqa: PLC0415 - as above

    if anthropic.__version__.partition(".")[0] != MAJOR:
        raise ToolError(f"the Python package anthropic is {anthropic.__version__}: {MAJOR}.x is needed")
    exchange = Exchange(
        DIALECT,
        address,
        authorization={"authorization": f"Bearer {key}"},
        patience=patience or PATIENCE,
        transport=transport,
    )

    class Carrying(httpx2.AsyncBaseTransport):
        """Has the Exchange carry the SDK's requests, with what is the SDK's own in their headers."""

        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            content = await request.aread()
            body = json.loads(content) if content else None
            streamed = isinstance(body, dict) and body.get("stream") is True
            own = ("anthropic-", "x-stainless-", "user-agent")
            answer = await exchange.ask(
                request.method,
                request.url.path,
                body=body,
                headers={name: value for name, value in request.headers.items() if name.lower().startswith(own)},
                repeatable=request.method == "GET" or request.url.path.endswith("/count_tokens"),
                plain=streamed,
            )
            return httpx2.Response(
                answer.status,
                headers={"content-type": "text/event-stream" if streamed else "application/json"},
                content=answer.content,
                request=request,
            )

    client = anthropic.AsyncAnthropic(
        api_key=key,
        base_url=ADDRESS,  # only its paths count: the Exchange knows where they are
        timeout=exchange.patience.whole,
        max_retries=0,
        http_client=httpx2.AsyncClient(transport=Carrying()),
        open_telemetry=False,
    )
    return Anthropic(exchange, client, model, price or price_of(model))


def price_of(model: str) -> Price:
    """Return what a model costs by the beginning of its name."""
    fitting = [name for name in PRICES if model.startswith(name)]
    return PRICES[max(fitting, key=len)] if fitting else UNKNOWN


async def _unwrapped(ask: Callable[[], Awaitable[T]]) -> T:
    """Return what the SDK gives; our own error comes out of the one that the SDK wraps it in."""
    import anthropic  # noqa: PLC0415 - as above

    try:
        return await ask()
    except anthropic.APIConnectionError as error:
        if not isinstance(error.__cause__, VendorError):
            raise
        found = error.__cause__
    raise found

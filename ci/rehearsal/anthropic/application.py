"""The routes of the Messages API and of its models, who may call them, and the errors that they answer with."""

from __future__ import annotations

import datetime
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ci.rehearsal.anthropic.demands import ASKED, COUNTED, DemandError, check
from ci.rehearsal.anthropic.script import ERRORS, Script
from ci.rehearsal.anthropic.stream import events
from ci.rehearsal.anthropic.tokens import count, tokens_of, usage
from ci.rehearsal.planned import OWN
from ci.rehearsal.standin import StandIn, body_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from starlette.requests import Request

KEY = "sk-ant-of-the-stand-in"
MODELS = {
    "claude-haiku-5-5": "Claude Haiku 5.5",
    "claude-sonnet-5-5": "Claude Sonnet 5.5",
    "claude-opus-5-5": "Claude Opus 5.5",
    "claude-sonnet-5": "Claude Sonnet 5",
    "claude-opus-5": "Claude Opus 5",
    "claude-haiku-4-5": "Claude Haiku 4.5",
}
WINDOW, ROOM = 1_000_000, 128_000  # tokens in, tokens out
LARGEST = 32 * 1024 * 1024  # bytes of a request
LIMITS = {"requests": 4000, "input-tokens": 2_000_000, "output-tokens": 400_000}
KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    413: "request_too_large",
    **{status: kind for kind, status in ERRORS.items()},
}


class Anthropic(StandIn):
    """A model that answers by its `script`; `keys` are those that are let in. `billed` are the answers it gave."""

    def __init__(self, directory: Path, *, keys: Sequence[str] = (KEY,)) -> None:
        """Know the rules that it knew before."""
        routes = [
            Route("/v1/messages", self._messages, methods=["POST"]),
            Route("/v1/messages/count_tokens", self._count, methods=["POST"]),
            Route("/v1/models", self._models, methods=["GET"]),
            Route("/v1/models/{model}", self._model, methods=["GET"]),
            Route(f"{OWN}rules", self._to_answer, methods=["POST"]),
            Route(f"{OWN}rules", self._to_tell, methods=["GET"]),
            Route(f"{OWN}rules", self._to_forget, methods=["DELETE"]),
        ]
        super().__init__("anthropic", directory, routes, unknown=lambda _request: self._refusal(404, "Not Found"))
        self.keys = keys
        self.script = Script(self.memory)
        self.billed = self.memory.shelf("billed")
        self.cache = self.memory.shelf("cache")

    async def _messages(self, request: Request) -> Response:
        body = await self._admitted(request, ASKED)
        if isinstance(body, Response):
            return body
        if (size := count(body)) > WINDOW:
            return self._refusal(400, f"prompt is too long: {size} tokens > {WINDOW} maximum")
        answer = self.script.answer(body)
        if answer is None:
            return self._refusal(400, "This stand-in has no rule for the last message")
        if answer.error is not None and not body.get("stream"):
            return self._refusal(ERRORS[answer.error], "The script has it so.")
        message = self._message(body, answer.blocks, answer.stop)
        self.billed[message["id"]] = {"model": body["model"], "usage": message["usage"]}
        if body.get("stream"):
            found = events(message, answer.error)
            return StreamingResponse(found, media_type="text/event-stream", headers=self._headers())
        return JSONResponse(message, headers=self._headers())

    def _message(self, body: dict[str, Any], blocks: list[dict[str, Any]], stop: str) -> dict[str, Any]:
        blocks, spent, cut = _cut(blocks, body["max_tokens"])
        stop = "max_tokens" if cut else stop
        refused = {"type": "refusal", "category": "general_harms", "explanation": "The script has it so."}
        return {
            "id": f"msg_{self.memory.number('message'):024}",
            "type": "message",
            "role": "assistant",
            "model": body["model"],
            "content": blocks,
            "stop_reason": stop,
            "stop_sequence": None,
            "stop_details": refused if stop == "refusal" else None,
            "usage": usage(body, spent, self.cache),
        }

    async def _count(self, request: Request) -> Response:
        body = await self._admitted(request, COUNTED)
        if isinstance(body, Response):
            return body
        return JSONResponse({"input_tokens": count(body)}, headers=self._headers())

    async def _models(self, request: Request) -> Response:
        if (denied := self._denial(request)) is not None:
            return denied
        data = [_described(model) for model in MODELS]
        answer = {"data": data, "has_more": False, "first_id": data[0]["id"], "last_id": data[-1]["id"]}
        return JSONResponse(answer, headers=self._headers())

    async def _model(self, request: Request) -> Response:
        if (denied := self._denial(request)) is not None:
            return denied
        model = request.path_params["model"]
        if model not in MODELS:
            return self._refusal(404, f"model: {model}")
        return JSONResponse(_described(model), headers=self._headers())

    async def _to_answer(self, request: Request) -> Response:
        """Take a rule from who plays a scenario in another process."""
        body = await body_of(request)
        try:
            rule = dict(body)
            self.script.add(rule.pop("when"), *rule.pop("answer"), within=rule.pop("in", "last"), **rule)
        except (KeyError, TypeError, ValueError, re.error) as error:
            return JSONResponse({"message": f"{type(error).__name__}: {error}"}, status_code=HTTPStatus.BAD_REQUEST)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _to_tell(self, _request: Request) -> Response:
        return JSONResponse([rule for _, rule in sorted(self.script.rules.items())])

    async def _to_forget(self, _request: Request) -> Response:
        self.script.clear()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _admitted(self, request: Request, known: frozenset[str]) -> dict[str, Any] | Response:
        """Return a request's body, or what it is refused with."""
        if (denied := self._denial(request)) is not None:
            return denied
        if len(await request.body()) > LARGEST:
            return self._refusal(413, "Request exceeds the maximum size")
        body = await body_of(request)
        try:
            check(body, known=known, most=ROOM)
        except DemandError as error:
            return self._refusal(400, str(error))
        found: dict[str, Any] = body
        if found["model"] not in MODELS:
            return self._refusal(404, f"model: {found['model']}")
        return found

    def _denial(self, request: Request) -> Response | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        given = request.headers.get("x-api-key") or (token if kind == "Bearer" else "")
        if not given:
            return self._refusal(401, "x-api-key header is required")
        if given not in self.keys:
            return self._refusal(401, "invalid x-api-key")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", request.headers.get("anthropic-version", "")):
            return self._refusal(400, "anthropic-version: header is required")
        return None

    def _headers(self) -> dict[str, str]:
        reset = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)).isoformat(timespec="seconds")
        found = {"request-id": f"req_{self.memory.number('request'):024}"}
        for name, most in LIMITS.items():
            found[f"anthropic-ratelimit-{name}-limit"] = str(most)
            found[f"anthropic-ratelimit-{name}-remaining"] = str(most - 1)
            found[f"anthropic-ratelimit-{name}-reset"] = reset.replace("+00:00", "Z")
        return found

    def _refusal(self, status: int, message: str) -> Response:
        headers = self._headers()
        error = {"type": KINDS[status], "message": message}
        body = {"type": "error", "error": error, "request_id": headers["request-id"]}
        return JSONResponse(body, status_code=status, headers=headers)


def _cut(blocks: list[dict[str, Any]], room: int) -> tuple[list[dict[str, Any]], int, bool]:
    """Return as much of the answer as there is room for, its tokens, and whether something was cut off."""
    kept: list[dict[str, Any]] = []
    spent = 0
    for block in blocks:
        text = block.get("text") or block.get("thinking") or str(block.get("input", ""))
        size = tokens_of(text)
        if spent + size > room:
            if block["type"] == "text" and room > spent:
                kept.append({**block, "text": text[: (room - spent) * 4]})
            elif block["type"] == "tool_use":
                kept.append({**block, "input": {}})
            return kept, room, True
        kept.append(block)
        spent += size
    return kept, max(spent, 1), False


def _described(model: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model,
        "display_name": MODELS[model],
        "created_at": "2026-06-01T00:00:00Z",
        "lifecycle": "active",
        "max_input_tokens": WINDOW,
        "max_tokens": ROOM,
        "capabilities": None,
        "deprecated_at": None,
        "retires_at": None,
        "line": model.split("-")[1],
    }

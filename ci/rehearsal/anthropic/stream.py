"""An answer in the events of a stream: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PIECE = 20  # characters of one delta


def events(message: Mapping[str, Any], error: str | None = None) -> Iterator[bytes]:
    """Yield the events in the order in which the real API sends them; an `error` is the last one, in their middle."""
    begun = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    yield _event("message_start", message=begun)
    for at, block in enumerate(message["content"]):
        yield _event("content_block_start", index=at, content_block=_empty(block))
        if at == 0:
            yield _event("ping")
        for delta in _deltas(block):
            yield _event("content_block_delta", index=at, delta=delta)
        yield _event("content_block_stop", index=at)
    if error is not None:
        yield _event("error", error={"type": error, "message": "The script has it so."})
        return
    ended = {"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]}
    ended |= {"stop_details": message["stop_details"], "container": None}
    yield _event("message_delta", delta=ended, usage=message["usage"])
    yield _event("message_stop")


def _event(name: str, **more: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **more})}\n\n".encode()


def _empty(block: Mapping[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {name: blank.get(name, value) for name, value in block.items()}


def _deltas(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        for piece in _pieces(block["text"]):
            yield {"type": "text_delta", "text": piece}
    elif block["type"] == "thinking":
        for piece in _pieces(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": piece}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        yield {"type": "input_json_delta", "partial_json": ""}
        for piece in _pieces(json.dumps(block["input"])):
            yield {"type": "input_json_delta", "partial_json": piece}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE):
        yield text[start : start + PIECE]

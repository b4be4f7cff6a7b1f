"""Tokens, guessed at four characters each, and what of a request the prompt cache had.

https://platform.claude.com/docs/en/build-with-claude/prompt-caching: a marked block closes a prefix, in the order
tools, system, messages. A prefix that was sent before, and not long ago, is read; it is written else.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from typing import TYPE_CHECKING, Any

from ci.rehearsal.anthropic.demands import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.rehearsal.memory import Shelf

LEAST = 1024  # tokens that are cached
KEPT = 300.0  # seconds
BACK = 20  # blocks before a mark among which a prefix is looked for that was sent before
IMAGE = 1600  # tokens of a picture or a page


def tokens_of(text: str) -> int:
    """Guess how many tokens a text has."""
    return math.ceil(len(text) / 4)


def count(body: Mapping[str, Any]) -> int:
    """Guess how many tokens a request has."""
    return sum(_size(block) for block in _blocks(body)) + 3 * len(body["messages"])


def usage(body: Mapping[str, Any], output: int, cache: Shelf) -> dict[str, Any]:
    """Return what a request used, in the API's form, and keep what it marked."""
    read = written = before = 0
    digest = hashlib.sha256()
    ends: list[tuple[str, int]] = []  # of every prefix: its digest and its tokens
    marked: list[str] = []
    for block in _blocks(body):
        before += _size(block)
        bare = {name: value for name, value in block.items() if name != "cache_control"}
        digest.update(json.dumps(bare, sort_keys=True).encode())
        ends.append((f"{body['model']} {digest.hexdigest()}", before))
        if not block.get("cache_control") or before < LEAST:
            continue
        fresh = (size for key, size in reversed(ends[-BACK:]) if cache.get(key, 0.0) >= time.time() - KEPT)
        read = max(read, next(fresh, 0))
        written = before - read
        marked.append(ends[-1][0])
    cache.update(dict.fromkeys(marked, time.time()))
    return {
        "input_tokens": count(body) - read - written,
        "output_tokens": output,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "server_tool_use": None,
        "service_tier": "standard",
        "inference_geo": None,
    }


def _blocks(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all that the model reads, in the order of the prefix."""
    yield from body.get("tools") or ()
    yield from blocks_of(body.get("system") or "")
    for message in body["messages"]:
        yield from blocks_of(message["content"])


def _size(block: Mapping[str, Any]) -> int:
    if block.get("type") in {"image", "document"}:
        return IMAGE
    return tokens_of(json.dumps({name: value for name, value in block.items() if name != "cache_control"}))

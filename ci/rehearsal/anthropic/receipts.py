"""What a receipt says, for the extraction of the example: read from what the file holds as text, guessing nothing.

A picture cannot be read here. What a sample document says stands in it beside the picture: as a line of JSON after
`receipt:` (a comment of a PNG, a JPEG or a PDF), or in lines such as `Total: 12.50 EUR`, as text or shown by a PDF.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

from ci.rehearsal.anthropic.demands import blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIELDS = ("merchant", "date", "total", "currency")
_MARK = re.compile(r"receipt:\s*(\{[^{}]*\})")
_SHOWN = re.compile(r"\(((?:[^()\\]|\\.)*)\)\s*Tj")
_LINES = {
    "merchant": re.compile(r"^\s*(?:merchant|sold by|shop)\s*:\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE),
    "date": re.compile(r"\b(\d{4}-\d\d-\d\d)\b"),
    "total": re.compile(r"^\s*(?:grand )?total\b\D*?(\d+\.\d\d)\b", re.IGNORECASE | re.MULTILINE),
    "currency": re.compile(r"^\s*(?:grand )?total\b.*\b([A-Z]{3})\b", re.MULTILINE | re.IGNORECASE),
}


def wants_receipt(schema: Any) -> bool:
    """Whether an answer in this JSON schema is what was read off a receipt."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return isinstance(properties, dict) and set(FIELDS) <= set(properties)


def read_receipt(message: Mapping[str, Any]) -> dict[str, str | None]:
    """Return what the message's files, or its text, say: None for what is not there."""
    told = "\n".join(texts_of(message))
    for found in _MARK.finditer(told):
        try:
            known = json.loads(found[1])
        except ValueError:
            continue
        return {name: known.get(name) for name in FIELDS}
    lines = {name: expression.search(told) for name, expression in _LINES.items()}
    return {name: found[1] if found else None for name, found in lines.items()}


def texts_of(message: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a message and its files say, as far as that is text."""
    for block in blocks_of(message["content"]):
        if block["type"] == "text":
            yield block["text"]
        elif block["type"] in {"image", "document"}:
            source = block["source"]
            if source["type"] == "text":
                yield source["data"]
                continue
            data = base64.b64decode(source["data"]).decode("latin-1")
            yield data
            yield "\n".join(re.sub(r"\\(.)", r"\1", found[1]) for found in _SHOWN.finditer(data))

"""Tables as TOML, and a text of TOML without some of its tables."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")
HEAD = re.compile(r"\s*\[\[?\s*([A-Za-z0-9_-]+)[\s.\]]")


def write(tables: Mapping[str, Any]) -> str:
    """Return tables of tables, texts, numbers and lists of texts as TOML."""
    return "\n".join(_lines((), tables)) + "\n"


def without(text: str, *names: str) -> str:
    """Return a text without its tables of these names and those below; no line inside a text may look like a table."""
    kept, keeping = [], True
    for line in text.splitlines(keepends=True):
        if head := HEAD.match(line):
            keeping = head[1] not in names
        if keeping:
            kept.append(line)
    return "".join(kept)


def changed(text: str, name: str, values: Mapping[str, Any]) -> str:
    """Return a text in whose tables of this name, one or a list, values are others; the tables below them stay."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        if line.strip() in {f"[{name}]", f"[[{name}]]"}:
            inside = True
            kept += [line, *(f"{_key(each)} = {_value(value)}\n" for each, value in values.items())]
            continue
        inside = inside and HEAD.match(line) is None
        if not (inside and line.partition("=")[0].strip() in values):
            kept.append(line)
    return "".join(kept)


def _lines(path: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    values = {name: each for name, each in table.items() if not isinstance(each, Mapping)}
    found = []
    if path and (values or not table):
        found += ["", f"[{'.'.join(_key(part) for part in path)}]"]
    found += [f"{_key(name)} = {_value(each)}" for name, each in values.items()]
    for name, each in table.items():
        if isinstance(each, Mapping):
            found += _lines((*path, name), each)
    return found


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """Return a value: JSON's texts are TOML's too, but for one character."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("\x7f", "\\u007f")

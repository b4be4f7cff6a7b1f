"""Patches as text, out of edits of the shop's files: what a test says, as `git diff` would write it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.diagnosis.shop import FILES

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of a file: its new text, None where it goes, or pairs of a text in it and what stands there then.
Edit = str | None | tuple[tuple[str, str], ...]
NOT_AT_ALL = 4


@dataclass(frozen=True, kw_only=True)
class Case:
    """A patch, the lowest tier that it may have (NOT_AT_ALL: it goes nowhere), and why its proof is denied, if it is.

    `named` are the packages that the failure names.
    """

    name: str
    patch: bytes
    least: int
    denied: str = ""
    author: str = "model"
    named: tuple[str, ...] = ("packages/core",)


def edited(name: str, edits: Mapping[str, Edit], least: int, denied: str = "", **more: str | tuple[str, ...]) -> Case:
    """Return the case of some edits."""
    named = more.get("named", ("packages/core",))
    author = str(more.get("author", "model"))
    assert isinstance(named, tuple)
    patch = "".join(diff(path, edit) for path, edit in edits.items()).encode("utf-8", "surrogateescape")
    return Case(name=name, patch=patch, least=least, denied=denied, author=author, named=named)


def diff(path: str, edit: Edit, *, mode: str = "100644") -> str:
    """Return what git would say of one file."""
    before = FILES.get(path)
    after = edit if not isinstance(edit, tuple) else replaced(path, edit)
    head = f'diff --git "a/{quote(path)}" "b/{quote(path)}"\n'
    one, other = f'"a/{quote(path)}"', f'"b/{quote(path)}"'
    if before is None:
        head, one = f"{head}new file mode {mode}\n", "/dev/null"
    if after is None:
        head, other = f"{head}deleted file mode 100644\n", "/dev/null"
    old, new = ((text or "").split("\n") for text in (before, after))
    return head + f"--- {one}\n+++ {other}\n" + "".join(_hunks(old, new)) if before or after else head


def _hunks(old: list[str], new: list[str]) -> list[str]:
    """Return the hunks: all lines end alike, or the last one is said not to."""
    return list(difflib.unified_diff(_marked(old), _marked(new)))[2:]


def _marked(lines: list[str]) -> list[str]:
    last = [f"{line}\n\\ No newline at end of file\n" for line in lines[-1:] if line]
    return [f"{line}\n" for line in lines[:-1]] + last


def replaced(path: str, pairs: tuple[tuple[str, str], ...]) -> str:
    """Return a file's text with some parts of it replaced, each of which is there."""
    text = FILES[path]
    for old, new in pairs:
        assert old in text, (path, old)
        text = text.replace(old, new)
    return text


def quote(path: str) -> str:
    """Return a path as git quotes it."""
    raw = path.encode("utf-8", "surrogateescape")
    return "".join(chr(each) if 32 <= each < 127 and each not in b'"\\' else f"\\{each:03o}" for each in raw)

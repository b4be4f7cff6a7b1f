"""Reading JSON, JSON with comments and YAML written by strangers; what is broken is named by file and line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ci.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 64 * 1024 * 1024
"""Bytes. The largest lockfiles in the wild have 3 MB."""

STRING = r'"(?:[^"\\]|\\.)*"'
COMMENT = re.compile(rf"{STRING}|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
TRAILING_COMMA = re.compile(rf"{STRING}|,(?=\s*[}}\]])", re.DOTALL)
CONFLICT = re.compile(r"^(?:<{7} |={7}$|>{7} )", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file that was read: `path` from the workspace's root, its text, and the value in it."""

    path: str
    text: str
    value: Any

    def at(self, *keys: str) -> str:
        """`path:line` of the last key, looked for behind the ones before it; the path alone where one is missing."""
        offset = 0
        for key in keys:
            found = re.compile(rf"""^[ ]*{re.escape(key)}[ ]*:|["']{re.escape(key)}["'][ ]*:""", re.MULTILINE).search(
                self.text, offset
            )
            if found is None:
                return self.path
            offset = found.end()
        return f"{self.path}:{line_at(self.text, offset)}"


def line_at(text: str, offset: int) -> int:
    """The line of an offset, counted from 1."""
    return text.count("\n", 0, offset) + 1


def read_text(root: Path, path: str) -> str:
    """The text of a file of the workspace.

    Raises:
        UsageError: it is no regular file, larger than `LIMIT`, or not UTF-8.
    """
    file = root / path
    try:
        if not file.is_file():
            raise UsageError(f"{path} is not a file", hint="it may be a dangling link, or a directory of that name")
        if file.stat().st_size > LIMIT:
            raise UsageError(f"{path} is larger than {LIMIT // 1024**2} MB")
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from error


def read_json(root: Path, path: str) -> Document:
    """A strict JSON file, as package.json has to be.

    Raises:
        UsageError: it is not JSON; the message has file:line:column.
    """
    text = read_text(root, path)
    return Document(path=path, text=text, value=_json(path, text, text))


def read_jsonc(root: Path, path: str) -> Document:
    """JSON with comments and trailing commas, as tsconfig.json, biome.jsonc and turbo.json may be.

    Raises:
        UsageError: it is not that either; the message has file:line:column.
    """
    text = read_text(root, path)
    return Document(path=path, text=text, value=_json(path, text, without_comments(text)))


def without_comments(text: str) -> str:
    """JSON with comments as plain JSON. Every line and column stays where it was."""
    return TRAILING_COMMA.sub(_blank, COMMENT.sub(_blank, text))


def read_yaml(root: Path, path: str) -> Document:
    """A YAML file.

    Raises:
        UsageError: it is not YAML; the message has file:line and names merge conflict markers as such.
    """
    text = read_text(root, path)
    return Document(path=path, text=text, value=parse_yaml(path, text))


def parse_yaml(path: str, text: str, *, first_line: int = 1) -> Any:
    """The value of a YAML text that begins at `first_line` of the file at `path`.

    Raises:
        UsageError: as for `read_yaml`.
    """
    refuse_conflicts(path, text)
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = path if mark is None else f"{path}:{mark.line + first_line}:{mark.column + 1}"
        raise UsageError(f"{where}: invalid YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: invalid YAML: {_first_line(error)}") from error


def refuse_conflicts(path: str, text: str) -> None:
    """Raise UsageError where an unfinished merge left its markers."""
    marker = CONFLICT.search(text)
    if marker is not None:
        raise UsageError(
            f"{path}:{line_at(text, marker.start())}: merge conflict markers",
            hint="finish the merge; for the lockfile, `pnpm install` does it",
        )


def _json(path: str, text: str, plain: str) -> Any:
    try:
        return json.loads(plain)
    except json.JSONDecodeError as error:
        refuse_conflicts(path, text)
        raise UsageError(f"{path}:{error.lineno}:{error.colno}: invalid JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:
        raise UsageError(f"{path}: invalid JSON: {_first_line(error)}") from error


def _blank(found: re.Match[str]) -> str:
    token = found.group()
    return token if token.startswith('"') else re.sub(r"[^\n]", " ", token)


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]

"""The kinds of value that shipway.toml knows: durations, sizes, commands, globs, secret references.

Each kind reads what a person writes into one plain Python value, and complains in plain words. A complaint
never repeats the value: it may be a secret in the wrong place.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {
    "B": 1,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_UNITS = {unit.lower(): factor for unit, factor in _BYTES.items()}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h)\s*)+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)
_QUOTES = re.compile(r"""'[^']*'|\\.|("(?:\\.|[^"\\])*")|(.)""", re.DOTALL)
_SHELL = re.compile(r"[|<>&;`\n]|\$\(|\$[A-Za-z_]")
_SHELL_IN_QUOTES = re.compile(r"`|\$\(|\$[A-Za-z_]")
_ADVISORY = re.compile(r"(GHSA)(-[a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})|(CVE)(-\d{4}-\d{4,})", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:env://[A-Za-z_][A-Za-z0-9_]*|file://[^\0\n]+|cmd://[^\0\n]+)")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_DAY = 86_400.0


def complaint(expected: str, hint: str | None = None, *, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Make the error of a field: what was expected, and what to do about it; `at` is its place below the field."""
    return PydanticCustomError("shipway", "{expected}", {"expected": expected, "hint": hint, "at": at})


def _read_duration(value: Any) -> float:
    wanted = 'expected a duration: a number of seconds, or text like "90s", "5m" or "1h 30m"'
    if isinstance(value, str) and _DURATION.fullmatch(value.strip()):
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise complaint(wanted)
    if not 0 < seconds <= _DAY:
        raise complaint("expected a duration above zero and of one day at most")
    return seconds


def _read_size(value: Any) -> int:
    wanted = 'expected a size: a number of bytes, or text like "200 kB" or "1.5 MB"'
    if isinstance(value, str) and (match := _SIZE.fullmatch(value.strip())):
        factor = _UNITS.get(match[2].lower())
        if factor is None:
            raise complaint(wanted, hint=f"units: {', '.join(_BYTES)}")
        return round(float(match[1]) * factor)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise complaint(wanted)


def _read_command(value: Any) -> tuple[str, ...]:
    wanted = 'expected a command: a list like ["pnpm", "db:migrate"], or one line of text'
    if isinstance(value, str):
        value = _split(value)
    if not isinstance(value, tuple) or not value or not all(isinstance(word, str) for word in value):
        raise complaint(wanted)
    if not value[0].strip() or any("\0" in word for word in value):
        raise complaint("expected a command whose first word is a program")
    return value


def _split(line: str) -> tuple[str, ...]:
    parts = list(_QUOTES.finditer(line))
    bare = "".join(part[2] or " " for part in parts)
    quoted = "\n".join(part[1] for part in parts if part[1])
    if _SHELL.search(bare) or _SHELL_IN_QUOTES.search(quoted):
        raise complaint(
            "no shell reads this command, so | < > & ; ` $( and $NAME mean nothing in it",
            hint="put the line into a script of package.json and name that script here",
        )
    try:
        words = tuple(shlex.split(line))
    except ValueError:
        raise complaint("a quote in this command is not closed") from None
    if words and re.match(r"[A-Za-z_][A-Za-z0-9_]*=", words[0]):
        raise complaint("expected a command whose first word is a program", hint="set variables in `env`")
    return words


def _read_several(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _check_inside(value: str) -> str:
    path = value.removeprefix("!")
    if not path or path.startswith("/") or "\\" in path or ".." in path.split("/"):
        raise complaint("expected a path inside the workspace, relative to its root, with / between its parts")
    return value


def _check_outside(value: str) -> str:
    if not value.startswith("../") or "\\" in value:
        raise complaint('expected a path outside the workspace, that begins with "../"')
    return value


def _check_reference(value: Any) -> str:
    if not isinstance(value, str) or not _REFERENCE.fullmatch(value):
        raise complaint(
            "a secret is given by reference, never by its value",
            hint='write "env://NAME", "file://PATH" or "cmd://COMMAND"; a value that was committed is to be renewed',
        )
    return value


def _check_variable(value: str) -> str:
    if not _VARIABLE.fullmatch(value):
        raise complaint("expected the name of an environment variable: letters, digits and _")
    return value


def _check_advisory(value: str) -> str:
    match = _ADVISORY.fullmatch(value)
    if not match:
        raise complaint('expected an advisory like "GHSA-xxxx-xxxx-xxxx" or "CVE-2026-12345"')
    return "GHSA" + match[2].lower() if match[1] else "CVE" + match[4]


def _check_text(value: str) -> str:
    if not value.strip():
        raise complaint("expected some text here, not an empty one")
    return value


def _check_tenant(value: str) -> str:
    if ":tenant" not in value:
        raise complaint("expected a SQL statement in which :tenant stands for the tenant")
    return value


def _check_address(value: str) -> str:
    if not value.startswith("/") or value.startswith("//"):
        raise complaint('expected the path of a page, that begins with "/"')
    return value


def _check_vendor(value: str) -> str:
    parts = urlsplit(value)
    near = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}
    if not parts.hostname or parts.username or not (near or parts.scheme == "https"):
        raise complaint("expected an address that begins with https://", hint="http:// is for this machine only")
    return value.rstrip("/")


def frozen(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a mapping that cannot be changed."""
    return MappingProxyType(dict(value))


_TEXT_SCHEMA = {"type": "string"}


def _or_text(schema: Mapping[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [dict(schema), _TEXT_SCHEMA]})


_LIST_OR_TEXT = _or_text({"type": "array", "items": _TEXT_SCHEMA})

Text = Annotated[str, AfterValidator(_check_text)]
Duration = Annotated[float, BeforeValidator(_read_duration), _or_text({"type": "number", "exclusiveMinimum": 0})]
Size = Annotated[int, BeforeValidator(_read_size), _or_text({"type": "integer", "minimum": 0})]
Command = Annotated[tuple[str, ...], BeforeValidator(_read_command), _LIST_OR_TEXT]
Inside = Annotated[str, AfterValidator(_check_inside)]
Globs = Annotated[tuple[Inside, ...], BeforeValidator(_read_several), _LIST_OR_TEXT]
Outside = Annotated[str, AfterValidator(_check_outside)]
Page = Annotated[str, AfterValidator(_check_address)]
Vendor = Annotated[str, AfterValidator(_check_vendor)]
Advisory = Annotated[str, AfterValidator(_check_advisory)]
SetTenant = Annotated[str, AfterValidator(_check_tenant)]
Day = dt.date
Score = Annotated[float, Field(ge=0, le=1)]
Port = Annotated[int, Field(ge=1, le=65535)]
Variable = Annotated[str, AfterValidator(_check_variable)]
Reference = Annotated[str, BeforeValidator(_check_reference)]
Variables = Annotated[Mapping[Variable, str], AfterValidator(frozen)]
Secrets = Annotated[Mapping[Variable, Reference], AfterValidator(frozen)]
Databases = Annotated[Mapping[Variable, Literal["owner", "role"]], AfterValidator(frozen)]
Reasons = Annotated[Mapping[str, Text], AfterValidator(frozen)]

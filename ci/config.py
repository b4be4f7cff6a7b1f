"""shipway.toml -> typed settings. Every mistake is told at once, each with its line and a hint."""

from __future__ import annotations

import difflib
import functools
import re
import tomllib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ci.errors import UsageError
from ci.settings import Settings
from ci.toml_lines import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

NAME = "shipway.toml"
_LARGEST = 1_000_000

_EXPECTED = {
    "bool_type": "expected true or false, without quotes",
    "int_type": "expected a whole number, without quotes",
    "float_type": "expected a number, without quotes",
    "string_type": "expected text in quotes",
    "tuple_type": "expected a list in [ ]",
    "mapping_type": "expected a table of names and values",
    "dict_type": "expected a table of names and values",
    "model_type": "expected a table",
    "too_short": "expected at least one",
    "too_long": "there are too many",
    "date_type": "expected a date without quotes, like 2027-01-31",
    "date_from_datetime_inexact": "expected a date alone, like 2027-01-31",
}


def load(root: Path) -> Settings:
    """Read shipway.toml at the workspace's root; no file means the defaults.

    Raises UsageError that lists every mistake of the file, a line each.
    """
    path = root / NAME
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{NAME} is larger than {_LARGEST} bytes")
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return Settings()
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{NAME}:{line}: this is not UTF-8", hint="save the file in UTF-8") from error
    except OSError as error:
        raise UsageError(f"{NAME} cannot be read: {error.strerror}") from error
    return loads(text)


def loads(text: str, *, file: str = NAME) -> Settings:
    """Read settings from a TOML text; `file` is its name in messages.

    Raises UsageError that lists every mistake, a line each, as `file:line: what is wrong (hint: ...)`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise UsageError(f"{file} nests values too deeply") from None
    except ValueError as error:
        raise _mistakes(file, [_syntax(text, error)]) from None
    try:
        return Settings.model_validate(_freeze(data))
    except ValidationError as error:
        lines = locate(text)
        found = [_explain(detail, lines) for detail in error.errors(include_url=False)]
        raise _mistakes(file, found) from None


@functools.cache
def schema() -> dict[str, Any]:
    """Return the JSON schema of shipway.toml, for editors."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Settings.model_json_schema()}


def _mistakes(file: str, found: Sequence[tuple[int, str]]) -> UsageError:
    head = f"{file} has {len(found)} mistakes:" if len(found) > 1 else f"{file} has a mistake:"
    return UsageError("\n".join([head, *(f"{file}:{line}: {what}" for line, what in sorted(set(found)))]))


def _freeze(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, dict):
        return {name: _freeze(item) for name, item in value.items()}
    return value


def _syntax(text: str, error: ValueError) -> tuple[int, str]:
    what = str(error)
    place = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", what)
    if place is None:  # a number of thousands of digits
        return 1, "a number in this file cannot be read"
    line = int(place[1]) if place[1] else text.rstrip("\n").count("\n") + 1
    return line, f"this is not TOML: {what[: place.start()]}"


def _explain(detail: ErrorDetails, lines: Mapping[tuple[str | int, ...], int]) -> tuple[int, str]:
    below = detail.get("ctx", {}).get("at", ())
    path = (*(part for part in detail["loc"] if part != "[key]"), *below)
    line = next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), 1)
    what, hint = _reword(detail, path)
    return line, what if hint is None else f"{what} (hint: {hint})"


def _reword(detail: ErrorDetails, path: tuple[str | int, ...]) -> tuple[str, str | None]:
    context: Mapping[str, Any] = detail.get("ctx", {})
    kind = detail["type"]
    where = _spell(path)
    if kind == "extra_forbidden":
        return f"{where}: there is no such setting", _suggest(path)
    if kind == "missing":
        what = f"`{path[-1]}`" if isinstance(path[-1], str) else "an element"
        return f"{_spell(path[:-1])}: {what} is missing", None
    if kind == "literal_error":
        return f"{where}: expected {context['expected']}", _resemble(detail["input"], context["expected"])
    if kind == "shipway":
        return f"{where}: {context['expected']}", context["hint"]
    return f"{where}: {_EXPECTED.get(kind) or detail['msg'].replace('Input should be', 'expected a value')}", None


def _resemble(value: object, expected: str) -> str | None:
    words = re.findall(r"'([^']*)'", expected)
    close = difflib.get_close_matches(value.lower(), words, n=1) if isinstance(value, str) else []
    return f'did you mean "{close[0]}"?' if close else None


def _spell(path: Sequence[str | int]) -> str:
    """Write a path as a person would: stages.install.waivers[0].until."""
    spelled = ""
    for part in path:
        if isinstance(part, int):
            spelled += f"[{part}]"
        else:
            name = part if re.fullmatch(r"[\w-]{1,60}", part) else repr(part[:60])
            spelled += f".{name}" if spelled else name
    return spelled


def _suggest(path: tuple[str | int, ...]) -> str | None:
    """Return the setting that was probably meant: close in spelling here, or of the same name elsewhere."""
    names = tuple(part for part in path if isinstance(part, str))
    table, name = names[:-1], names[-1]
    known = list(_known())
    here = [setting[-1] for setting in known if setting[:-1] == table]
    if close := difflib.get_close_matches(name.lower().replace("-", "_"), here, n=1):
        return f"did you mean `{close[0]}`?"
    elsewhere = [setting for setting in known if setting[-1] == name]
    if len(elsewhere) == 1 and len(elsewhere[0]) > 1:
        return f"did you mean `{'.'.join(elsewhere[0])}`?"
    return f"known here: {', '.join(here)}" if here else None


def _known() -> Iterator[tuple[str, ...]]:
    """Yield the path of every setting, without the numbers of arrays."""
    definitions = schema()["$defs"]

    def walk(node: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        for name, setting in node.get("properties", {}).items():
            yield (*path, name)
            for reference in re.findall(r"'\$ref': '#/\$defs/(\w+)'", repr(setting)):
                yield from walk(definitions[reference], (*path, name))

    return walk(schema(), ())

"""Which Node a repository wants: who asks for what, and which exact version that comes to."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import UsageError
from ci.monorepo.documents import line_at, read_text
from ci.monorepo.versions import exact, longest_lived, newest, parse_range, satisfies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ci.monorepo.documents import Document

CODENAMES = {
    "argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14,
    "gallium": 16, "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24,
}  # fmt: skip
NEWEST = ("node", "latest", "current", "stable", "*")
LTS = ("lts/*", "lts", "--lts")


@dataclass(frozen=True, kw_only=True)
class NodeChoice:
    """The exact Node to run. `asked` is as written, `source` says where (file:line), or that nothing asks.

    `substituted` is set where none of the known versions is what was asked for and the nearest was taken.
    """

    version: str
    asked: str
    source: str
    notices: tuple[str, ...] = ()
    substituted: bool = False


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One place that asks for a Node."""

    asked: str
    source: str

    @property
    def range(self) -> str:
        """What was asked for as an npm range; `latest` and `lts` are any."""
        text = self.asked.strip().lower().removeprefix("node@")
        if text in NEWEST or text in LTS:
            return "*"
        if text.startswith("lts/"):
            return str(CODENAMES.get(text.removeprefix("lts/"), text))
        return re.sub(r"\bv(?=\d)", "", text)

    @property
    def specificity(self) -> int:
        """3 an exact version, 2 a minor line, 1 a major line, 0 anything wider."""
        if exact(self.range):
            return 3
        if re.fullmatch(r"~?\d+\.\d+(\.[x*])?|~\d+\.\d+\.\d+", self.range):
            return 2
        return int(re.fullmatch(r"[~^]?\d+(\.[x*])*|\^\d+(\.\d+){1,2}", self.range) is not None)


def choose_node(wishes: tuple[Wish, ...], *, known: tuple[str, ...], default: str) -> NodeChoice:
    """The Node of the most specific wish; an exact one is taken as it is, a range is met from `known`.

    A wish that only some version manager can read (`system`, `lts/-1`) is left out where another can be read.

    Raises:
        UsageError: no wish can be parsed.
    """
    strange = [wish for wish in wishes if parse_range(wish.range) is None]
    if strange and len(strange) == len(wishes):
        first = strange[0]
        raise UsageError(f"{first.source}: {first.asked!r} is no Node version", hint="write 22, 22.11.0 or a range")
    wishes = tuple(wish for wish in wishes if wish not in strange)
    if not wishes:
        return NodeChoice(version=default, asked="", source="nothing asks for a Node: the default")
    wish = max(wishes, key=lambda wish: wish.specificity)  # the first of equals: they come in order of weight
    version = exact(wish.range) or _within(wish, wishes, known, default)
    notices = [f"{each.source}: {each.asked!r} is no Node version, so it is not followed" for each in strange]
    substituted = version is None
    if version is None:
        version = _nearest(wish.range, known, default)
        notices.append(f"Node {wish.asked} ({wish.source}) is not to be had; Node {version} is used instead")
    notices += [
        f"{other.source} asks for Node {other.asked}; {wish.source} asks for {wish.asked} and is more specific"
        if other.specificity < wish.specificity
        else f"{other.source} asks for Node {other.asked}; {wish.source} asks for {wish.asked} and comes first"
        for other in wishes
        if other is not wish and not satisfies(version, other.range) and not substituted
    ]
    return NodeChoice(
        version=version, asked=wish.asked, source=wish.source, notices=tuple(notices), substituted=substituted
    )


def _within(wish: Wish, wishes: tuple[Wish, ...], known: tuple[str, ...], default: str) -> str | None:
    """The default where it will do, else the newest LTS, else the newest; what suits all wishes goes first."""
    if wish.asked.strip().lower() in NEWEST:
        return newest(known) or default
    candidates = [version for version in {*known, default} if satisfies(version, wish.range)]
    for_all = [version for version in candidates if all(satisfies(version, other.range) for other in wishes)]
    candidates = for_all or candidates
    if default in candidates:
        return default
    return max(candidates, key=longest_lived, default=None)


def _nearest(asked: str, known: tuple[str, ...], default: str) -> str:
    """The oldest known Node that is not older than the first number in the range, else the default."""
    floor = re.search(r"\d+", asked)
    newer = [version for version in (*known, default) if floor and satisfies(version, f">={floor.group()}")]
    return min(newer, key=lambda version: [int(part) for part in version.split(".")]) if newer else default


def read_wishes(root: Path, files: Iterable[str], manifest: Document, settings: Document | None) -> tuple[Wish, ...]:
    """All that ask for a Node; those that pnpm itself obeys come first, ranges of `engines` last.

    Raises:
        UsageError: a file that is asked cannot be read.
    """
    return tuple(_wishes(root, frozenset(files), manifest, settings))


def _wishes(root: Path, files: frozenset[str], manifest: Document, settings: Document | None) -> Iterator[Wish]:
    yield from _settings(settings, "useNodeVersion", "executionEnv")
    yield from _npmrc(root, files, "use-node-version")
    yield from _development_engines(manifest)
    for name in (".nvmrc", ".node-version"):
        if name in files:
            yield from _first_line(root, name)
    yield from _tool_versions(root, files)
    yield from _mise(root, files)
    yield from _table(manifest, "volta", "node")
    yield from _npmrc(root, files, "node-version")
    yield from _settings(settings, "nodeVersion")
    yield from _table(manifest, "engines", "node")


def _settings(settings: Document | None, *keys: str) -> Iterator[Wish]:
    for key in keys:
        value = settings.value.get(key) if settings is not None else None
        if settings is not None and value is not None:
            asked = value.get("nodeVersion") if isinstance(value, dict) else value
            if asked is not None:
                yield Wish(asked=str(asked), source=f"{settings.at(key)} {key}")


def _npmrc(root: Path, files: frozenset[str], key: str) -> Iterator[Wish]:
    if ".npmrc" in files:
        text = read_text(root, ".npmrc")
        for found in re.finditer(rf"^\s*{key}\s*=\s*[\"']?([^\s\"'#;]+)", text, re.MULTILINE):
            yield Wish(asked=found.group(1), source=f".npmrc:{line_at(text, found.end())} {key}")


def _development_engines(manifest: Document) -> Iterator[Wish]:
    table = manifest.value.get("devEngines")
    asked = table.get("runtime") if isinstance(table, dict) else None
    for engine in asked if isinstance(asked, list) else [asked]:
        if isinstance(engine, dict) and engine.get("name") == "node" and isinstance(engine.get("version"), str):
            yield Wish(asked=engine["version"], source=f"{manifest.at('devEngines', 'runtime')} devEngines.runtime")


def _first_line(root: Path, name: str) -> Iterator[Wish]:
    for number, line in enumerate(read_text(root, name).splitlines(), start=1):
        asked = line.partition("#")[0].strip()
        if asked:
            yield Wish(asked=asked, source=f"{name}:{number}")
            return


def _tool_versions(root: Path, files: frozenset[str]) -> Iterator[Wish]:
    if ".tool-versions" in files:
        text = read_text(root, ".tool-versions")
        for found in re.finditer(r"^(?:nodejs|node)[ \t]+(\S+)", text, re.MULTILINE):
            yield Wish(asked=found.group(1), source=f".tool-versions:{line_at(text, found.start())}")


def _mise(root: Path, files: frozenset[str]) -> Iterator[Wish]:
    for name in ("mise.toml", ".mise.toml", ".config/mise.toml"):
        if name not in files:
            continue
        text = read_text(root, name)
        try:
            tools: Any = tomllib.loads(text).get("tools", {})
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"{name}: invalid TOML: {error}") from error
        asked = tools.get("node", tools.get("nodejs")) if isinstance(tools, dict) else None
        asked = asked[0] if isinstance(asked, list) and asked else asked
        asked = asked.get("version") if isinstance(asked, dict) else asked
        if isinstance(asked, str):
            found = re.search(r"^\s*[\"']?node(?:js)?[\"']?\s*=", text, re.MULTILINE)
            yield Wish(asked=asked, source=f"{name}:{line_at(text, found.end())}" if found else name)


def _table(manifest: Document, table: str, key: str) -> Iterator[Wish]:
    values = manifest.value.get(table)
    if isinstance(values, dict) and isinstance(values.get(key), str) and values[key].strip():
        yield Wish(asked=values[key], source=f"{manifest.at(table, key)} {table}.{key}")

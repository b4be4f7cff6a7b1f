"""What a runner of scripts would run, and the reading of command-line words that all of their readers share."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.monorepo.workspace import Workspace

Words = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that is run in a package: a script with arguments, or a program, or a script line."""

    package: str
    script: str | None = None
    arguments: Words = ()
    program: Words = ()
    line: str | None = None
    cwd: str | None = None  # where it is not the package's own directory


@dataclass(frozen=True, kw_only=True)
class Delegation:
    """What a runner would run, in order. `label` names the runner's command in a chain, "" where it adds nothing."""

    targets: tuple[Target, ...]
    label: str = ""
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Options:
    """Words sorted out: flags with their values, what else stands there, and what follows `--`."""

    flags: Mapping[str, Words]
    rest: Words = ()
    passed: Words = ()

    def values(self, *names: str) -> Words:
        """All values given to any of the flags, in order."""
        return tuple(value for name in names for value in self.flags.get(name, ()))

    def has(self, *names: str) -> bool:
        """Whether any of the flags is there."""
        return any(name in self.flags for name in names)


def parse(words: Iterable[str], valued: frozenset[str]) -> Options:
    """Sort all words out. `valued` are the flags that take the next word."""
    flags: dict[str, Words] = {}
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "--":
            break
        if word.startswith("-") and word != "-":
            name, equals, value = word.partition("=")
            if not equals and name in valued and waiting:
                value = waiting.pop(0)
            flags[name] = (*flags.get(name, ()), value)
        else:
            rest.append(word)
    return Options(flags=flags, rest=tuple(rest), passed=tuple(waiting))


def split(words: Words, valued: frozenset[str]) -> tuple[Options, str | None, Words]:
    """The flags in front of the first plain word, that word, and all behind it, unread."""
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in valued else 1
    return parse((word for word in words[:at] if word != "--"), valued), next(iter(words[at:]), None), words[at + 1 :]


def directory(base: str, given: Words) -> str:
    """Where the last `-C DIR` leads from a directory, `base` where there is none."""
    return posixpath.normpath(posixpath.join(base, given[-1])) if given else base


def named_scripts(workspace: Workspace, paths: Iterable[str], script: str, arguments: Words) -> tuple[Target, ...]:
    """The script in each of the packages that has it; `/regex/` means all scripts that match, as pnpm has it."""
    pattern = re.fullmatch(r"/(.+)/[a-z]*", script)
    targets = []
    for path in paths:
        scripts = workspace.by_path[path].scripts if path in workspace.by_path else {}
        names = [name for name in scripts if _matches(pattern.group(1), name)] if pattern else [script]
        targets += [Target(package=path, script=name, arguments=arguments) for name in names if name in scripts]
    return tuple(targets)


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False

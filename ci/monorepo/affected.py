"""Scripts that ask git what changed: in a snapshot there is no such question, so that all is taken."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.monorepo.programs import strip
from ci.monorepo.shell import Opaque, read_line

if TYPE_CHECKING:
    from ci.monorepo.delegation import Words

_NX_VALUED = frozenset({"--base", "--head", "--files"})
_NX_PLAIN = frozenset({"--uncommitted", "--untracked"})
_SINCE = re.compile(r"\[[^\]]*\]")  # turbo's and pnpm's `...[origin/main]`


def without_question(script: str) -> tuple[Words, ...] | None:
    """Return the commands of a script so that they take all packages, None where they do so anyway.

    `nx affected` with nothing changed ends with 0 and does nothing; the same holds for `turbo --affected`. Only a plain
    sequence is changed: a line that needs a shell stays as it is.
    """
    commands = read_line(script)
    if isinstance(commands, Opaque) or any(command.before not in {"", "&&"} for command in commands):
        return None
    changed = tuple(_changed(command.words) for command in commands)
    if all(words is None for words in changed):
        return None
    found = tuple(words or command.words for words, command in zip(changed, commands, strict=True))
    return tuple(words if words[0] == "pnpm" else ("pnpm", "exec", *words) for words in found)


def _changed(words: Words) -> Words | None:
    program, environment, why = strip(words[1:] if words[:1] == ("pnpm",) else words)
    if environment or why or program[:1] not in {("nx",), ("turbo",)}:
        return None
    if program[:2] == ("nx", "affected"):
        return ("nx", "run-many", *_without(program[2:], _NX_PLAIN, _NX_VALUED))
    kept = _without(program, frozenset({"--affected"}), frozenset({"--since"}))
    kept = tuple(word for word in kept if not (word.startswith("--filter=") and _SINCE.search(word)))
    return kept if program[0] == "turbo" and kept != program else None


def _without(words: Words, plain: frozenset[str], valued: frozenset[str]) -> Words:
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, _ = word.partition("=")
        if name in valued and not equals:
            next(rest, None)
        elif name not in plain | valued:
            kept.append(word)
    return tuple(kept)

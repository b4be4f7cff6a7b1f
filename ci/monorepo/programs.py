"""Which program a simple command starts, behind the launchers that people put in front of it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.monorepo.delegation import Words

ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
PLAIN_LAUNCHERS = frozenset({"corepack", "exec", "command", "time", "env", "cross-env", "nice", "nohup"})
EXECUTORS = frozenset({"npx", "bunx"})
EXECUTOR_VALUED = frozenset({"-p", "--package", "-c", "--call", "-w", "--workspace"})
DOTENV = frozenset({"dotenv", "dotenvx", "env-cmd", "dotenv-run"})
DOTENV_VALUED = frozenset({"-e", "-f", "--file", "-v", "-c", "-p", "-o", "--env-file", "-r", "--env"})
SHELLS = frozenset({"sh", "bash", "zsh", "dash", "cross-env-shell", "eval", "source", "."})
ALIASES = {
    "@biomejs/biome": "biome", "@typescript/native-preview": "tsgo", "eslint_d": "eslint", "prettierd": "prettier",
    "nuxi": "nuxt", "nuxi-edge": "nuxt", "typescript": "tsc", "@playwright/test": "playwright",
}  # fmt: skip
VERSIONED = re.compile(r"(?<=.)@(?:\d|latest|next|canary|beta).*$")
LAUNCHED_FILE = re.compile(r"(?:^|/)node_modules/(?:\.bin/)?(?P<name>(?:@[^/]+/)?[^/]+)")


def strip(words: Words) -> tuple[Words, Mapping[str, str], str]:
    """A command without its launchers: the words of the program, the assignments, and why it cannot be read, or ""."""
    environment: dict[str, str] = {}
    while True:
        words = _take_assignments(words, environment)
        if not words:
            return (), environment, "an assignment without a command"
        program = posixpath.basename(words[0])
        if program in SHELLS:
            return words, environment, f"a shell ({program})"
        if program in PLAIN_LAUNCHERS:
            if words[1:2] and words[1].startswith("-"):
                return words, environment, f"options of {program}"
            words = words[1:]
        elif program in EXECUTORS:
            at = _behind_flags(words, EXECUTOR_VALUED)
            if any(word in {"-c", "--call"} for word in words[:at]):
                return words, environment, f"a script line for {program}"
            words = words[at:]
        elif program in DOTENV and len(words) > 1:
            inner = _behind_dotenv(words)
            if inner is None:
                return words, environment, f"options of {program}"
            words = inner
        else:
            return words, environment, ""


def name_of(words: Words) -> str:
    """The plain name of the program: `./node_modules/.bin/eslint` is eslint, `node --test` is node-test."""
    program = words[0]
    launched = LAUNCHED_FILE.search(program)
    name = launched["name"] if launched else program if program.startswith("@") else posixpath.basename(program)
    name = VERSIONED.sub("", name)
    if name in {"node", "tsx"}:
        if "--test" in words:
            return "node-test"
        file = next((word for word in words[1:] if not word.startswith("-")), "")
        launched = LAUNCHED_FILE.search(file)
        if launched is not None:
            name = launched["name"]
    return ALIASES.get(name, name)


def _take_assignments(words: Words, environment: dict[str, str]) -> Words:
    while words and (found := ASSIGNMENT.fullmatch(words[0])) is not None:
        environment[found.group(1)] = found.group(2)
        words = words[1:]
    return words


def _behind_flags(words: Words, valued: frozenset[str]) -> int:
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in valued else 1
    return at


def _behind_dotenv(words: Words) -> Words | None:
    """What stands behind `--`, else behind `run` or the flags; None where nothing does."""
    if "--" in words:
        return words[words.index("--") + 1 :] or None
    at = _behind_flags(words, DOTENV_VALUED)
    if words[at : at + 1] == ("run",):
        at += _behind_flags(words[at:], DOTENV_VALUED)
    return words[at:] or None

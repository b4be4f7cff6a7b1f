"""One program that a script runs, and in which form: does it rewrite files, does it wait for changes?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WRITING: Mapping[str, frozenset[str]] = {
    "eslint": frozenset({"--fix"}),
    "oxlint": frozenset({"--fix", "--fix-suggestions", "--fix-dangerously"}),
    "biome": frozenset({"--write", "--fix", "--apply", "--apply-unsafe"}),
    "prettier": frozenset({"--write", "-w"}),
    "oxfmt": frozenset({"--write"}),
    "next": frozenset({"--fix"}),
    "stylelint": frozenset({"--fix"}),
    "xo": frozenset({"--fix"}),
    "standard": frozenset({"--fix"}),
    "markdownlint": frozenset({"--fix", "-f"}),
    "markdownlint-cli2": frozenset({"--fix"}),
    "sherif": frozenset({"--fix", "-f"}),
    "knip": frozenset({"--fix", "--fix-type"}),
    "case-police": frozenset({"--fix"}),
    "vitest": frozenset({"-u", "--update"}),
    "jest": frozenset({"-u", "--updateSnapshot"}),
    "playwright": frozenset({"-u", "--update-snapshots"}),
    "node-test": frozenset({"--test-update-snapshots"}),
}
"""Flags that make a tool rewrite files of the repository."""

QUALIFIERS: Mapping[str, int] = {"--unsafe": 0, "--fix-type": 1}
"""Flags that only qualify a writing one, and how many words they take."""

CHECKS: Mapping[str, frozenset[str]] = {
    "prettier": frozenset({"--check", "-c", "--list-different", "-l"}),
    "oxfmt": frozenset({"--check", "--list-different"}),
    "sort-package-json": frozenset({"--check", "-c"}),
}
"""Flags of the tools that need one to check; the first named is what `checking` adds."""

CHECK_FLAG = {"prettier": "--check", "oxfmt": "--check", "sort-package-json": "--check"}
WRITES_UNLESS_TOLD = frozenset({"oxfmt", "sort-package-json"})
SUBCOMMANDS = {("dprint", "fmt"): "check", ("nx", "format:write"): "format:check", ("nx", "format"): "format:check"}
"""Commands that rewrite, and the one of the same tool that checks."""

WATCH = frozenset({"--watch", "-w", "--watchAll", "--ui"})
WATCH_TOOLS = frozenset({"nodemon", "tsc-watch", "chokidar", "onchange"})
SERVERS = frozenset({
    ("vite", ""), ("vite", "dev"), ("vite", "serve"), ("vite", "preview"), ("next", "dev"), ("next", "start"),
    ("astro", "dev"), ("astro", "preview"), ("nuxt", "dev"), ("nuxt", "preview"), ("tsx", "watch"), ("turbo", "watch"),
    ("storybook", "dev"), ("vitepress", "dev"), ("wrangler", "dev"), ("nx", "watch"), ("playwright", "show-report"),
})  # fmt: skip
VITEST_ONCE = frozenset({"run", "list", "related", "init", "bench", "typecheck"})


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """One program that a script runs.

    `tool` is the program's plain name ("eslint", "tsc", "node-test" for `node --test`), "" where the line is
    opaque; `opaque` then says why. `argv` is as written, without `npx`, `pnpm exec`, `dotenv`, `cross-env` and
    assignments, which are in `environment`. `cwd` is where it runs, from the workspace's root: the directory of
    `package` unless the line changes it. `chain` leads from the script asked for to this one. `line` is the
    command as written. `decisive` is false where its exit code alone cannot fail the script (`a || true`, `a | b`).
    """

    tool: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    package: str
    cwd: str
    script: str
    chain: tuple[str, ...]
    line: str
    decisive: bool = True
    opaque: str = ""
    notices: tuple[str, ...] = ()


def writes(invocation: Invocation) -> bool:
    """Whether its arguments make it rewrite files of the repository, as far as they tell.

    A tool that is not in the table is taken at its word: `--fix` and `--write` rewrite. What compilers and
    bundlers emit is no rewriting.
    """
    tool, rest = invocation.tool, invocation.argv[1:]
    if (tool, _subcommand(invocation)) in SUBCOMMANDS:
        return True
    if tool in CHECKS and any(word in CHECKS[tool] for word in rest):
        return False
    if tool in WRITES_UNLESS_TOLD:
        return "--stdin" not in rest and not any(word.startswith("--stdin") for word in rest)
    flags = WRITING.get(tool, frozenset({"--fix", "--write"}))
    return any(_names(word, flags) for word in rest)


def checking(invocation: Invocation) -> Invocation:
    """The same in the form that only checks and ends by itself; unchanged where it is that already.

    Where `writes` still holds for the answer, no checking form is known.
    """
    argv = list(invocation.argv)
    if writes(invocation):
        argv = _without_writing(invocation)
    if watching(invocation):
        argv = _once(invocation.tool, argv)
    return replace(invocation, argv=tuple(argv))


def watching(invocation: Invocation) -> bool:
    """Whether it does not end by itself: a watcher, a server, a window. A bare `vitest` watches unless CI is set."""
    tool, rest = invocation.tool, invocation.argv[1:]
    if tool in WATCH_TOOLS or (tool, _subcommand(invocation)) in SERVERS:
        return not (tool == "vite" and {"--help", "--version"} & set(rest))
    if {"--watch=false", "--no-watch", "--run"} & set(rest):
        return False
    if tool == "vitest":
        return _subcommand(invocation) not in VITEST_ONCE or bool({"--watch", "-w", "--ui"} & set(rest))
    if tool in {"prettier", "npm", "pnpm"}:  # where -w means something else
        return False
    return any(word in WATCH or word == "--watch=true" for word in rest)


def _without_writing(invocation: Invocation) -> list[str]:
    tool, argv = invocation.tool, list(invocation.argv)
    subcommand = _subcommand(invocation)
    if (tool, subcommand) in SUBCOMMANDS:
        argv[argv.index(subcommand)] = SUBCOMMANDS[tool, subcommand]
        return argv
    flags = WRITING.get(tool, frozenset())
    kept: list[str] = []
    while argv:
        word = argv.pop(0)
        if word in QUALIFIERS and flags:
            del argv[: QUALIFIERS[word]]
        elif not _names(word, flags):
            kept.append(word)
    if tool in CHECK_FLAG and not any(word in CHECKS[tool] for word in kept):
        kept.insert(1, CHECK_FLAG[tool])
    return kept


def _once(tool: str, argv: list[str]) -> list[str]:
    kept = [word for word in argv if word not in WATCH and word != "--watch=true"]
    if tool != "vitest":
        return kept
    if kept[1:2] and kept[1] in {"watch", "dev"}:
        return [kept[0], "run", *kept[2:]]
    return kept if kept[1:2] and kept[1] in VITEST_ONCE else [kept[0], "run", *kept[1:]]


def _names(word: str, flags: frozenset[str]) -> bool:
    """Whether a word is one of the flags, perhaps with a value that is not `false`."""
    name, _, value = word.partition("=")
    return name in flags and value != "false"


def _subcommand(invocation: Invocation) -> str:
    """The first word behind the program where it is plain, else ""."""
    word = next(iter(invocation.argv[1:]), "")
    return "" if word.startswith("-") else word

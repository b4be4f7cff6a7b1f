"""Which linters the repository's own scripts run, and in which form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.scripts import Invocation, checking, invocations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.monorepo.workspace import Package, Workspace

TOOLS = frozenset({"eslint", "biome", "prettier", "oxlint", "oxfmt"})
BIOME = {
    "lint": frozenset({"biome lint"}),
    "format": frozenset({"biome format"}),
    "check": frozenset({"biome lint", "biome format"}),
    "ci": frozenset({"biome lint", "biome format"}),
}
"""What a command of Biome looks after."""

WORDS = re.compile(r"[a-z0-9]+")
LINT = frozenset({
    "lint", "linting", "lints", "eslint", "oxlint", "biome", "format", "formatting", "fmt", "prettier", "oxfmt",
    "style",
})  # fmt: skip
CHECK = frozenset({"check", "checks", "verify", "validate", "ci"})
LAST = 5  # in the order in which scripts are asked: those that write
AUTOMATION = re.compile(r"\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.yml|\.circleci/config\.yml")
FIXING = frozenset({"fix", "fixes", "write", "apply", "autofix"})
NEVER = frozenset({"staged", "watch", "dev", "precommit", "prepare", "release", "version"})
# What a script does beside linting: other stages run it, or it verifies nothing.
ELSEWHERE = frozenset({
    "tsc", "tsgo", "vue-tsc", "svelte-check", "astro", "nuxt", "vitest", "jest", "playwright", "cypress", "node-test",
    "tsup", "vite", "rollup", "tsdown", "unbuild", "esbuild", "webpack", "rspack", "parcel", "svelte-kit",
    "react-router", "prisma", "wrangler", "size-limit", "changeset", "lint-staged", "husky", "simple-git-hooks",
    "lefthook", "echo", "printf", "true", ":", "exit", "rm", "rimraf", "del-cli", "mkdir", "cp", "mv", "sleep", "wait",
    "git", "npm", "pnpm", "yarn", "bun", "corepack", "docker",
})  # fmt: skip
NOTHING = "no package has what it runs"
"""Why a line is opaque that a runner would answer with "no tasks"."""

WHOLE = frozenset(("biome", command, *rest) for command in ("check", "ci") for rest in ((), (".",)))


@dataclass(frozen=True, kw_only=True)
class Lint:
    """One run of a linter, in checking form where one is known; what it then writes is itself a finding."""

    run: Invocation
    why: str


def linting(workspace: Workspace) -> tuple[Lint, ...]:
    """Return all that lints: what the root's scripts run, then what only packages run themselves.

    For each tool the first script that runs it is decisive: `lint` before `check` and `format:check`, those
    that check before those that write. What the root runs, packages' scripts are not asked for again.
    """
    root, *packages = workspace.packages
    known: set[str] = set()
    automation = _automation(workspace)
    found = list(_of_package(workspace, root, known, automation))
    lints = any(_is_lint(name) for name in root.scripts)
    for package in packages:
        found += _of_package(workspace, package, set(known), None if lints else automation)
    return _distinct(found)


def _distinct(found: list[Lint]) -> tuple[Lint, ...]:
    """Leave out what is run already: by the same command, or by a Biome that looks at the whole workspace."""
    whole = any(lint.run.cwd == "." and lint.run.argv in WHOLE for lint in found)
    seen: dict[tuple[str, ...], Lint] = {}
    for lint in found:
        run = lint.run
        if not (whole and run.tool == "biome" and run.argv not in WHOLE):
            seen.setdefault((run.cwd, run.line) if run.opaque else (run.cwd, *run.argv), lint)
    return tuple(seen.values())


def _of_package(workspace: Workspace, package: Package, known: set[str], automation: str | None) -> Iterator[Lint]:
    """Yield what the scripts of one package run; `known` are the aspects that are looked after, and grows.

    Tools whose report is not read are taken from the script that lints, and from others where none does or the
    automation calls them; from none where `automation` is None.
    """
    ranked = sorted((rank, at, name) for at, name in enumerate(package.scripts) if (rank := _rank(name)) is not None)
    for rank, _, name in ranked:
        others = automation is not None and rank != LAST and _is_lint(name)
        others = others and (rank in {0, ranked[0][0]} or _calls(automation or "", name))
        runs = [run for run in invocations(workspace, package.path, name) if not NEVER & set(_words(run.script))]
        fresh: set[str] = set()
        for run in runs:
            aspects = _aspects(run, others=others)
            if aspects <= known:
                continue
            fresh |= aspects
            yield Lint(run=checking(run), why=" > ".join((*run.chain, run.line)))
        known |= fresh


def _automation(workspace: Workspace) -> str:
    """Return the text of the repository's CI files, to see which scripts they call; a dangling link calls none."""
    places = [workspace.root / file for file in workspace.files if AUTOMATION.fullmatch(file)]
    return "\n".join(place.read_text(errors="replace") for place in places if place.is_file())


def _calls(automation: str, script: str) -> bool:
    return re.search(rf"\b(?:pnpm|npm|yarn)\b[^\n]*\s{re.escape(script)}(?![\w:-])", automation) is not None


def _rank(name: str) -> int | None:
    """Say in which order scripts are asked, None for those that do not lint."""
    words = set(_words(name))
    if NEVER & words or not words & (LINT | CHECK):
        return None
    if FIXING & words:
        return LAST
    if name in {"lint", "lint:all", "lint:ci", "lint:check"}:
        return 0
    if words & CHECK and words & LINT:
        return 1
    if "lint" in words:
        return 2
    return 3 if words & CHECK else 4


def _is_lint(name: str) -> bool:
    words = set(_words(name))
    return bool(LINT & words) and not NEVER & words


def _words(name: str) -> list[str]:
    return WORDS.findall(name.lower())


def _aspects(run: Invocation, *, others: bool) -> frozenset[str]:
    """Name what a run looks after, nothing where it is no linting; `others` lets tools count that are not known."""
    if run.opaque:
        return frozenset({f"{run.package}:{run.script}"} if others and run.opaque != NOTHING else ())
    if run.tool == "biome":
        return BIOME.get("".join(run.argv[1:2]), frozenset())
    if run.tool == "next":
        return frozenset({"eslint"} if run.argv[1:2] == ("lint",) else ())
    return frozenset({run.tool} if run.tool in TOOLS or (others and run.tool not in ELSEWHERE) else ())

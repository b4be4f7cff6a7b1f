"""Which linters the repository's own scripts run, and in which form."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.monorepo.scripts import Invocation, checking, invocations, writes
from ci.stages.linttargets import Targets

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
FORMATS, LAST = 4, 5  # in the order in which scripts are asked: those that may write, those that do
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


@dataclass(frozen=True, kw_only=True)
class Linting:
    """All that lints; `notices` name scripts that look at more than what is run."""

    runs: tuple[Lint, ...]
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Done:
    """A run that is planned, and what it looks after."""

    run: Invocation
    aspects: frozenset[str]


def linting(workspace: Workspace) -> Linting:
    """Return all that lints: what the root's scripts run, then what only packages run themselves.

    For each tool the first script that runs it is decisive, with those like it: `lint` before `check` and
    `format:check`, those that check before those that write. What the root's commands look at, packages' scripts are
    not asked for again; nor are packages that the root's script passes over where it runs the tool in others.
    """
    root, *packages = workspace.packages
    reader = _Reader(workspace=workspace, automation=_automation(workspace), targets=Targets(workspace))
    found = list(reader.of_package(root))
    above = tuple(reader.done)
    reader.lints = any(_is_lint(name) for name in root.scripts)
    for package in packages:
        found += reader.of_package(package, above)
    return Linting(runs=_distinct(found), notices=tuple(reader.notices))


def _distinct(found: list[Lint]) -> tuple[Lint, ...]:
    """Leave out what is run already: by the same command, or by a Biome that looks at the whole workspace."""
    whole = any(lint.run.cwd == "." and lint.run.argv in WHOLE for lint in found)
    seen: dict[tuple[str, ...], Lint] = {}
    for lint in found:
        run = lint.run
        if not (whole and run.tool == "biome" and run.argv not in WHOLE):
            seen.setdefault((run.cwd, run.line) if run.opaque else (run.cwd, *run.argv), lint)
    return tuple(seen.values())


@dataclass(kw_only=True)
class _Reader:
    """Reads the scripts of one package after the other; `done` is what is planned of the one at hand.

    Tools whose report is not read are taken from the script that lints, and from others where none does or the
    automation calls them; from none where `lints`, for then the root's own script says what is linted.
    """

    workspace: Workspace
    automation: str
    targets: Targets
    lints: bool = False
    done: list[_Done] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def of_package(self, package: Package, above: tuple[_Done, ...] = ()) -> Iterator[Lint]:
        """Yield what the scripts of one package run; `above` is what the root's run."""
        scripts = enumerate(package.scripts)
        ranked = sorted((rank, at, name) for at, name in scripts if (rank := _rank(name)) is not None)
        first: dict[str, int] = {}  # the rank of the scripts that are decisive for an aspect
        self.done = []
        for rank, _, name in ranked:
            called = _calls(self.automation, name)
            others = not self.lints and rank != LAST and _is_lint(name) and (rank in {0, ranked[0][0]} or called)
            fresh: list[_Done] = []
            for run in invocations(self.workspace, package.path, name):
                aspects = _aspects(run, others=others)
                if not aspects or NEVER & set(_words(run.script)) or self._is_done(run, aspects, above):
                    continue
                again = aspects <= first.keys()
                if again and (rank == LAST or (rank == FORMATS and writes(run))):
                    continue
                if again and not called and all(first[aspect] != rank for aspect in aspects):
                    self._pass_over(run, "another script comes first")
                elif not again and _handed_on(aspects, above):
                    self._pass_over(run, f"the root's scripts pass over {package.path}")
                else:
                    fresh.append(_Done(run=checking(run), aspects=aspects))
                    yield Lint(run=fresh[-1].run, why=" > ".join((*run.chain, run.line)))
            self.done += fresh
            first = {aspect: rank for each in fresh for aspect in each.aspects} | first

    def _is_done(self, run: Invocation, aspects: frozenset[str], above: tuple[_Done, ...]) -> bool:
        """Whether all that a run looks after, where it looks, is looked after by runs that are planned."""
        alike = [[each.run for each in (*self.done, *above) if aspect in each.aspects] for aspect in aspects]
        if run.tool in TOOLS or run.tool == "next":
            return all(self.targets.covered(run, runs) for runs in alike)
        return all(alike)

    def _pass_over(self, run: Invocation, why: str) -> None:
        self.notices.append(f"not covered: {' > '.join(run.chain)} runs `{run.line}`, but {why}")


def _handed_on(aspects: frozenset[str], above: tuple[_Done, ...]) -> bool:
    """Whether the root's scripts run the tool in packages, and so say in which."""
    return all(any(aspect in each.aspects and each.run.package != "." for each in above) for aspect in aspects)


def _automation(workspace: Workspace) -> str:
    """Return the text of the repository's CI files, to see which scripts they call; a dangling link calls none."""
    places = [workspace.root / file for file in workspace.files if AUTOMATION.fullmatch(file)]
    return "\n".join(place.read_text(errors="replace") for place in places if place.is_file())


@functools.lru_cache(maxsize=1024)
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
    return 3 if words & CHECK else FORMATS


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
    if run.tool == "next":  # `next lint` is ESLint
        return frozenset({"eslint"} if run.argv[1:2] == ("lint",) else ())
    return frozenset({run.tool} if run.tool in TOOLS or (others and run.tool not in ELSEWHERE) else ())

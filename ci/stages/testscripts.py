"""Which test commands a workspace has, as its own scripts run them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import Step
from ci.monorepo.invocation import Invocation, checking
from ci.monorepo.scripts import invocations
from ci.stages.testresults import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.monorepo.workspace import Package, Workspace

UNIT_SCRIPTS = ("test:unit", "unit", "test", "tests", "test:ci")
INTEGRATION_SCRIPTS = (
    "test:integration", "integration", "test:int", "test:integ", "test:it", "test-integration", "integration-test",
    "integration-tests", "integration:test", "test:db",
)  # fmt: skip
KNOWN = frozenset({"vitest", "jest", "node-test"})
PACKAGES: Mapping[str, str] = {"vitest": "vitest", "jest": "jest"}
PLACEHOLDERS = frozenset({"echo", "exit", "true", "false", ":", "printf", ""})
# What stands in test scripts beside tests, and is another stage's or a developer's matter.
BESIDE = frozenset({
    "eslint", "biome", "prettier", "oxlint", "oxfmt", "stylelint", "dprint", "xo", "standard", "vue-tsc",
    "svelte-check", "tsgo", "knip", "publint", "attw", "size-limit", "sherif", "syncpack", "madge", "depcruise",
    "cspell", "playwright", "cypress", "wdio", "detox", "start-server-and-test", "wait-on", "docker",
    "docker-compose", "podman", "husky", "lint-staged", "open", "codecov", "coveralls", "sort-package-json",
    "test-storybook", "http-server", "serve", "@arethetypeswrong/cli", "tsd", "changeset", "sleep", "kill-port", "git",
})  # fmt: skip
# What must have run before the tests of the same script can.
BUILDERS = frozenset({
    "tsc", "tsup", "tsdown", "unbuild", "vite", "rollup", "esbuild", "swc", "babel", "webpack", "rspack", "ncc",
    "rimraf", "mkdir", "cp", "rm", "shx", "del-cli", "cpy", "copyfiles", "prisma", "svelte-kit", "astro", "next",
    "nuxt", "graphql-codegen", "pkgroll", "bunchee", "microbundle", "cpx", "mkdist", "obuild",
})  # fmt: skip
NO_TESTS = frozenset({"bench", "list", "init", "typecheck", "related"})  # what Vitest does beside running tests
ELSEWHERE = re.compile(r"e2e|end-to-end|playwright|cypress|storybook|browser", re.IGNORECASE)
INTEGRATION = re.compile(r"integration|(?:^|[:_-])(?:integ?|int|db)(?:$|[:_-])", re.IGNORECASE)
NOBODY = "no package has what it runs"


@dataclass(frozen=True, kw_only=True)
class Group:
    """The commands of one runner in one package; `before` are commands of the same scripts that build for them."""

    tool: str
    package: str
    runs: tuple[Run, ...]
    before: tuple[Step, ...] = ()
    why: str


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What was found. `placeholders` are packages whose script is there and does nothing; `scripts` what was read."""

    groups: tuple[Group, ...] = ()
    placeholders: Mapping[str, str] = field(default_factory=dict)
    scripts: tuple[str, ...] = ()
    root: bool = False  # a script of the root defines the set
    notices: tuple[str, ...] = ()


def select(workspace: Workspace, names: tuple[str, ...], *, integration: bool = False) -> Selection:
    """Return the commands behind the first of the named scripts at the root that runs tests, else of each package."""
    root, *members = workspace.packages
    found = _of_package(workspace, root, names, integration=integration)
    if found.groups or not members:
        return Selection(
            groups=found.groups, placeholders=found.placeholders, scripts=found.scripts, root=bool(found.groups),
            notices=found.notices,
        )  # fmt: skip
    parts = [found, *(_of_package(workspace, package, names, integration=integration) for package in members)]
    return Selection(
        groups=tuple(group for part in parts for group in part.groups),
        placeholders={path: line for part in parts for path, line in part.placeholders.items()},
        scripts=tuple(script for part in parts for script in part.scripts),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
    )


def _of_package(workspace: Workspace, package: Package, names: tuple[str, ...], *, integration: bool) -> Selection:
    placeholders: dict[str, str] = {}
    read: list[str] = []
    for name in names:
        if name not in package.scripts:
            continue
        every = invocations(workspace, package.path, name)
        read.append(package.within("package.json") + f" scripts.{name}")
        groups, notices = _grouped(workspace, every, integration=integration)
        if groups:
            return Selection(groups=groups, placeholders=placeholders, scripts=tuple(read), notices=notices)
        if every and {each.tool for each in every if not each.opaque} <= PLACEHOLDERS and not _opaque(every):
            placeholders.setdefault(package.path, package.scripts[name])
    return Selection(placeholders=placeholders, scripts=tuple(read))


def _opaque(every: Iterable[Invocation]) -> bool:
    return any(each.opaque and each.opaque != NOBODY for each in every)


def _grouped(
    workspace: Workspace, every: tuple[Invocation, ...], *, integration: bool
) -> tuple[tuple[Group, ...], tuple[str, ...]]:
    runs: dict[tuple[str, str], list[Run]] = {}
    before: dict[str, list[Step]] = {}
    reasons: dict[tuple[str, str], str] = {}
    notices: list[str] = []
    for each in every:
        if _is_elsewhere(each, integration=integration):
            continue
        tool = _runner(each)
        if tool == "build":
            before.setdefault(each.package, []).append(
                Step(argv=checking(each).argv, cwd=each.cwd, environment=each.environment)
            )
        if tool in {"", "build"}:
            continue
        key = (tool, each.package)
        number = len(runs.setdefault(key, []))
        run = _run(workspace, each, tool, f"{tool}-{number}")
        if any(same.argv == run.argv and same.cwd == run.cwd for same in runs[key]):
            continue
        runs[key].append(run)
        reasons.setdefault(key, " > ".join((*each.chain, each.line)))
        notices += each.notices
    groups = (
        Group(
            tool=tool,
            package=package,
            runs=tuple(found),
            before=tuple(before.get(package, ())),
            why=reasons[tool, package],
        )
        for (tool, package), found in runs.items()
    )
    return tuple(groups), tuple(dict.fromkeys(notices))


def _is_elsewhere(each: Invocation, *, integration: bool) -> bool:
    """Whether a script on the way to the command says that it is another stage's."""
    scripts = [label.rpartition(" scripts.")[2] for label in each.chain] + [each.script]
    if any(ELSEWHERE.search(script) for script in scripts) or (each.opaque and ELSEWHERE.search(each.line)):
        return True
    if integration:
        return False
    projects = values(each.argv, "--project")
    config = values(each.argv, "--config", "-c")
    named = [*projects, *config]
    return any(INTEGRATION.search(script) for script in scripts) or bool(
        named and all(INTEGRATION.search(name) or ELSEWHERE.search(name) for name in named)
    )


def _runner(each: Invocation) -> str:
    """The runner behind a command: a known one, "script" for any other, "build" for what must go before, else ""."""
    if each.opaque:
        return "" if each.opaque == NOBODY else "script"
    words = each.argv[1:]
    if each.tool in KNOWN:
        return "" if each.tool == "vitest" and words and words[0] in NO_TESTS else each.tool
    if each.tool in PLACEHOLDERS or each.tool in BESIDE or not each.decisive:
        return ""
    if each.tool in BUILDERS:
        return "" if "--noEmit" in words else "build"
    return "script"


def _run(workspace: Workspace, each: Invocation, tool: str, key: str) -> Run:
    if tool == "script" and each.opaque:
        argv = ("pnpm", "run", each.script)
        return Run(tool=tool, argv=argv, cwd=each.package, package=each.package, key=key, script=each.script)
    once = checking(each)
    return Run(
        tool=tool,
        argv=once.argv,
        cwd=each.cwd,
        package=each.package,
        key=key,
        version=workspace.version_of(each.package, PACKAGES[tool]) if tool in PACKAGES else None,
        environment=each.environment,
        launcher=_launcher(each),
    )


def _launcher(each: Invocation) -> tuple[str, ...]:
    """Return what reads an environment file in front of the command: `dotenv -e .env.test --`."""
    try:
        words = shlex.split(each.line)
    except ValueError:
        return ()
    at = next((at for at in range(len(words)) if tuple(words[at : at + len(each.argv)]) == each.argv), 0)
    names = ("dotenv", "dotenvx", "env-cmd", "dotenv-run")
    begin = next((number for number, word in enumerate(words[:at]) if word in names), None)
    return () if begin is None else tuple(words[begin:at])


def values(words: tuple[str, ...], *names: str) -> tuple[str, ...]:
    """Return the values of an option, written with "=" or as the next word."""
    found = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found.append(value if equals else next(iter(words[at + 1 :]), ""))
    return tuple(found)

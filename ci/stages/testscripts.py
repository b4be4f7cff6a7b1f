"""Which test commands a workspace has, as its own scripts run them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.model import Step
from ci.monorepo.invocation import Invocation, checking
from ci.monorepo.scripts import invocations
from ci.monorepo.shell import Opaque, read_line
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
# What must have run before the tests of the same script can: tools, and those of their commands that build.
BUILDERS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys((
        "tsc", "tsup", "tsdown", "unbuild", "rollup", "esbuild", "swc", "babel", "webpack", "rspack", "ncc", "rimraf",
        "mkdir", "cp", "rm", "shx", "del-cli", "cpy", "copyfiles", "graphql-codegen", "pkgroll", "bunchee",
        "microbundle", "cpx", "mkdist", "obuild",
    ), frozenset[str]()),
    "vite": frozenset({"build"}), "next": frozenset({"build"}), "nuxt": frozenset({"build", "prepare", "generate"}),
    "astro": frozenset({"build", "sync"}), "svelte-kit": frozenset({"sync"}),
    "prisma": frozenset({"generate", "migrate", "db"}), "drizzle-kit": frozenset({"generate", "migrate", "push"}),
}  # fmt: skip
MIGRATORS = frozenset({"prisma", "drizzle-kit", "knex", "typeorm", "node-pg-migrate", "dbmate", "sequelize-cli"})
DRIVERS = frozenset({"playwright", "cypress", "wdio", "detox"})  # what stands before them prepares for e2e
BEFORE = "before"
TESTING = re.compile(r"test|spec|unit|integration|^check", re.IGNORECASE)
NO_TESTS = frozenset({"bench", "list", "init", "typecheck", "related"})  # what Vitest does beside running tests
ELSEWHERE = re.compile(r"e2e|end-to-end|playwright|cypress|storybook", re.IGNORECASE)
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
    found = of_package(workspace, root, names, integration=integration)
    if found.groups or not members:
        return Selection(
            groups=found.groups, placeholders=found.placeholders, scripts=found.scripts, root=bool(found.groups),
            notices=found.notices,
        )  # fmt: skip
    parts = [found, *(of_package(workspace, package, names, integration=integration) for package in members)]
    return Selection(
        groups=tuple(group for part in parts for group in part.groups),
        placeholders={path: line for part in parts for path, line in part.placeholders.items()},
        scripts=tuple(script for part in parts for script in part.scripts),
        notices=tuple(dict.fromkeys(notice for part in parts for notice in part.notices)),
    )


def of_package(workspace: Workspace, package: Package, names: tuple[str, ...], *, integration: bool) -> Selection:
    """Return the commands behind the first of the named scripts of a package that runs tests."""
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
    wanted = [
        each
        for each in every
        if not _is_elsewhere(each, integration=integration) and not _piped(workspace, each, into=True)
    ]
    for at, each in enumerate(wanted):
        tool = _runner(each, wanted[at + 1 :], decisive=each.decisive or _piped(workspace, each, into=False))
        if tool == BEFORE and (integration or not _migrates(each)):
            argv = ("pnpm", "run", each.script) if each.opaque else checking(each).argv
            step = Step(argv=argv, cwd=each.package if each.opaque else each.cwd, environment=each.environment)
            before.setdefault(each.package, []).append(step)
        if tool in {"", BEFORE}:
            continue
        key = (tool, each.package)
        found = runs.setdefault(key, [])
        run = _run(workspace, each, tool, f"{tool}-{len(found)}")
        if any(same.argv == run.argv and same.cwd == run.cwd for same in found):
            continue
        found.append(run)
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
    if each.tool not in KNOWN and any("browser" in script for script in scripts):
        return True
    if integration:
        return False
    projects = values(each.argv, "--project")
    config = values(each.argv, "--config", "-c")
    named = [*projects, *config]
    return any(INTEGRATION.search(script) for script in scripts) or bool(
        named and all(INTEGRATION.search(name) or ELSEWHERE.search(name) for name in named)
    )


def _runner(each: Invocation, following: list[Invocation], *, decisive: bool) -> str:
    """Return the runner behind a command: a known one, "script" for any other, BEFORE for preparation, else "".

    A command that nobody knows is a test where its script is called so and no known runner of the package follows.
    """
    words = each.argv[1:]
    if each.opaque == NOBODY or each.tool in BESIDE or (each.tool in PLACEHOLDERS and not each.opaque):
        return ""
    if each.tool in KNOWN:
        return "" if each.tool == "vitest" and words and words[0] in NO_TESTS else each.tool
    if each.tool in BUILDERS:
        asked = BUILDERS[each.tool]
        return BEFORE if "--noEmit" not in words and (not asked or (words and words[0] in asked)) else ""
    if not decisive:
        return ""
    later = [other for other in following if other.package == each.package]
    if any(other.tool in DRIVERS and other.script == each.script for other in later):
        return ""
    prepares = not TESTING.search(each.script) or any(other.tool in KNOWN for other in later)
    return BEFORE if prepares and not (each.opaque and TESTING.search(each.script)) else "script"


def _piped(workspace: Workspace, each: Invocation, *, into: bool) -> bool:
    """Whether a command stands behind a pipe (`into`), and so only shows what another says; or in front of one."""
    line = workspace.by_path[each.package].scripts.get(each.script, "") if each.package in workspace.by_path else ""
    commands = read_line(line) if "|" in line else ()
    if isinstance(commands, Opaque):
        return False
    behind = [number for number, command in enumerate(commands) if command.before == "|"]
    return any(commands[number if into else number - 1].line == each.line for number in behind)


def _migrates(each: Invocation) -> bool:
    """Whether it speaks to a database, which is there in the integration stage alone."""
    return each.tool in MIGRATORS and bool({"migrate", "push", "seed", "up"} & set(each.argv[1:3]))


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

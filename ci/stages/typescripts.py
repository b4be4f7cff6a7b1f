"""Which commands check the types: the root's script, else the packages' own, else the compiler itself."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.monorepo.generators import is_known
from ci.monorepo.scripts import Invocation, checking, invocations
from ci.monorepo.typescript import TypeScriptConfig, TypeScriptPackage, typescript_packages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ci.monorepo.workspace import Workspace

NAMES = re.compile(
    r"type-?checks?(?::all)?|types?[:-]check|check[:-]types?|tsc|ts[:-]check|check[:-](?:tsc?|typescript)|type-?checking"
    r"|tsc?[:-](?:check|noemit)|test[:-]types?|types|typescript|lint[:-](?:types?|tsc?)"
)
PARTS = re.compile(r"type-?check[:-].+")
"""Scripts that check a part each: all of them count where none checks the whole."""

ELSEWHERE = ("check", "check:all", "lint", "test", "validate", "verify", "ci")
"""Scripts in which a compiler is looked for where none bears the name; there it counts with `--noEmit` only."""

COMPILERS = frozenset({"tsc", "tsgo", "vue-tsc"})
UNREAD = ("!**/*.md", "!**/*.{png,jpg,jpeg,gif,webp,ico,woff,woff2,pdf,mp4}")  # by them
NO_CHECK = frozenset({"--init", "--version", "-v", "--showConfig", "--listFilesOnly", "--help", "--clean"})
NOISE = frozenset(
    {"echo", "true", ":", "rm", "rimraf", "del-cli", "mkdir", "cp", "sleep", "git", "npm", "pnpm", "yarn"}
)
FRAMEWORKS = {
    "vue": ("vue-tsc", "vue-tsc"),
    "astro": ("@astrojs/check", "astro"),
    "svelte": ("svelte-check", "svelte-check"),
}
"""For files that plain tsc cannot read: the npm package that checks them, and its tool."""


@dataclass(frozen=True, kw_only=True)
class TypeRun:
    """A command that checks types, with what its script runs before it in the same package."""

    run: Invocation
    before: tuple[Invocation, ...] = ()
    why: str


@dataclass(frozen=True, kw_only=True)
class TypeRuns:
    """All of them; `missing` maps a package to the reason why nothing can check it."""

    runs: tuple[TypeRun, ...]
    missing: tuple[tuple[str, str], ...] = ()


def type_runs(workspace: Workspace) -> TypeRuns:
    """Find them. A root script defines the set; raw compilers only where nobody has a script."""
    root = tuple(_of_package(workspace, "."))
    if root:
        return TypeRuns(runs=root)
    own = tuple(run for package in workspace.packages[1:] for run in _of_package(workspace, package.path))
    return TypeRuns(runs=own) if own else _raw(workspace)


def is_checker(run: Invocation) -> bool:
    """Whether a command checks types."""
    words = run.argv[1:]
    if run.tool in COMPILERS:
        return not NO_CHECK & set(words)
    return run.tool == "svelte-check" or (run.tool, *words[:1]) in {("astro", "check"), ("nuxt", "typecheck")}


def follows_references(run: Invocation) -> bool:
    """Whether it is `tsc -b`, which follows project references."""
    return run.tool in COMPILERS and bool({"-b", "--build"} & set(run.argv[1:2]))


def reached(starts: Iterable[str], references: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return the tsconfig files among and behind `starts`, along their references."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += references.get(path, ())
    return found


def configs_of(workspace: Workspace, run: Invocation) -> tuple[str, ...]:
    """Return the tsconfig files that a command starts from, as paths from the root, whether they are there or not."""
    words = list(run.argv[1:])
    named: list[str] = []
    if follows_references(run):
        valued = {"--pretty", "--outDir", "--tsBuildInfoFile"}
        named = [word for at, word in enumerate(words) if not word.startswith("-") and words[at - 1] not in valued]
    for at, word in enumerate(words[:-1]):
        if word in {"-p", "--project", "--tsconfig"}:
            named.append(words[at + 1])
    named += [word.partition("=")[2] for word in words if word.startswith(("--project=", "--tsconfig="))]
    places = (posixpath.normpath(posixpath.join(run.cwd, name)) for name in named or ["."])
    return tuple(place if place.endswith(".json") else _nearest(workspace, place) for place in places)


def _nearest(workspace: Workspace, directory: str) -> str:
    """Return the tsconfig.json that the compiler finds from a directory upwards."""
    place = directory
    while True:
        file = posixpath.normpath(posixpath.join(place, "tsconfig.json"))
        if file in workspace.file_set or place in {".", ""}:
            return (
                file if file in workspace.file_set else posixpath.normpath(posixpath.join(directory, "tsconfig.json"))
            )
        place = posixpath.dirname(place) or "."


def _of_package(workspace: Workspace, path: str) -> Iterator[TypeRun]:
    """Yield what the first fitting script of a package runs."""
    scripts = workspace.by_path[path].scripts
    named = [(name,) for name in sorted(filter(NAMES.fullmatch, scripts), key=_rank)]
    parts = tuple(name for name in scripts if PARTS.fullmatch(name) and not NAMES.fullmatch(name))
    for names in (*named, parts, *((name,) for name in ELSEWHERE if name in scripts)):
        found = [
            run
            for name in names
            for run in _with_before(invocations(workspace, path, name), strictly=name in ELSEWHERE)
        ]
        if found:
            yield from found
            return


def _rank(name: str) -> tuple[bool, bool, int]:
    return "type" not in name, name.startswith(("test", "lint")) or name == "types", len(name)


def _with_before(runs: tuple[Invocation, ...], *, strictly: bool) -> Iterator[TypeRun]:
    before: dict[str, list[Invocation]] = {}
    for run in runs:
        if run.opaque:
            opaque = not strictly and re.search(r"\b(?:tsc|vue-tsc|tsgo|svelte-check|astro check)\b", run.line)
            if opaque:
                yield TypeRun(run=run, why=" > ".join((*run.chain, run.line)))
        elif is_checker(run) and (not strictly or "--noEmit" in run.argv or run.tool not in COMPILERS):
            why = " > ".join((*run.chain, run.line))
            yield TypeRun(run=checking(run), before=tuple(before.get(run.package, ())), why=why)
        elif not strictly and run.tool not in NOISE and not is_known(run) and not run.script.startswith("build"):
            before.setdefault(run.package, []).append(run)


def _raw(workspace: Workspace) -> TypeRuns:
    """Return the compiler's own run for each package that has a tsconfig which can be checked by itself.

    References are followed with `-b` from the outermost project, so that none is checked twice.
    """
    members = [member for member in typescript_packages(workspace) if member.main is not None]
    by_config = {config.path: config for member in members for config in member.configs}
    references = {path: config.references for path, config in by_config.items()}
    referenced = {found for path in by_config for found in reached(references[path], references) if found != path}
    others = any(member.package != "." for member in members)
    runs: list[TypeRun] = []
    missing: list[tuple[str, str]] = []
    for member in members:
        main = member.main
        if (
            main is None
            or main.path in referenced
            or (member.package == "." and others and not (member.sources or main.references))
        ):
            continue
        argv, why = _command(workspace, member, main)
        if not argv:
            missing.append((member.package, why))
            continue
        tool = argv[0]
        run = Invocation(
            tool=tool, argv=argv, package=member.package, cwd=member.package, script="", chain=(), line=" ".join(argv)
        )
        runs.append(TypeRun(run=run, why=why))
    return TypeRuns(runs=tuple(runs), missing=tuple(missing))


def _command(workspace: Workspace, member: TypeScriptPackage, main: TypeScriptConfig) -> tuple[tuple[str, ...], str]:
    """Return the command and why it is the right one; an empty one with the reason why there is none."""
    why = f"{main.path}, and no script checks types"
    framework = FRAMEWORKS.get(member.checker)
    available = {*workspace.by_path[member.package].dependencies, *workspace.packages[0].dependencies}
    if framework is not None:
        npm, tool = framework
        if npm not in available:
            return (), f"it has .{member.checker} files, for which {npm} would have to be installed"
        if tool == "vue-tsc":
            return ((tool, "-b") if main.references else (tool, "--noEmit")), why
        return ((tool, "check") if tool == "astro" else (tool, "--tsconfig", "./tsconfig.json")), why
    tool = "tsc" if "typescript" in available else "tsgo" if "@typescript/native-preview" in available else ""
    if not tool:
        return (), "TypeScript is not among its dependencies, nor the root's"
    return ((tool, "-b") if main.references else (tool, "--noEmit", "-p", "tsconfig.json")), why

"""What must be generated or built before types can be checked and tests can run."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.monorepo.documents import read_text
from ci.monorepo.graph import order
from ci.monorepo.scripts import invocations
from ci.monorepo.taskgraphs import turbo_needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci.monorepo.workspace import Package, Workspace

NAMES = re.compile(r"(?:code-?gen|generate|gen|typegen|sync)(?::(?:types?|client|code|api|graphql|prisma|routes))?"
                   r"|(?:types?|client|prisma|db|graphql|api|i18n):(?:code-?gen|generate|gen|compile)")  # fmt: skip
OTHER_WORK = frozenset(
    {
        "drizzle-kit",
        "plop",
        "hygen",
        "turbo",
        "changeset",
        "nx",
        "pnpx",
        "npx",
        "curl",
        "docker",
        "vite",
        "typedoc",
        "git",
    }
)
"""Tools whose `generate` is something else: a migration, a scaffold, a site; or that reach the network."""

HOOKS = ("preinstall", "install", "postinstall", "prepare")
TYPE_TASKS = ("typecheck", "type-check", "types:check", "check-types", "check:types", "tsc", "test")


@dataclass(frozen=True, kw_only=True)
class Generation:
    """A command to run in a package before its types are checked; `argv` is run in the package's directory.

    `outputs` are globs from the workspace's root of what it is expected to write: a guess, as good as the
    tool's convention. `certain` is false where only a script's name speaks for it. `at_install`: a hook of the
    package (`postinstall`, `prepare`) runs the same tool, so that install has done it already.
    """

    package: str
    argv: tuple[str, ...]
    outputs: tuple[str, ...]
    why: str
    tool: str = ""
    certain: bool = True
    at_install: bool = False


@dataclass(frozen=True, kw_only=True)
class _Generator:
    """A tool that generates: its npm package, files that show its use, its command, what it writes in the package."""

    name: str
    npm: str
    files: str
    argv: tuple[str, ...]
    outputs: tuple[str, ...]


GENERATORS = (
    _Generator(name="prisma", npm="prisma", files=r"(?:prisma/)?schema\.prisma|prisma/schema/.+\.prisma",
               argv=("prisma", "generate"), outputs=("node_modules/.prisma/**", "node_modules/@prisma/client/**")),
    _Generator(name="astro", npm="astro", files=r"astro\.config\.[cm]?[jt]s", argv=("astro", "sync"), outputs=(".astro/**",)),
    _Generator(name="nuxt", npm="nuxt", files=r"nuxt\.config\.[cm]?[jt]s", argv=("nuxt", "prepare"), outputs=(".nuxt/**",)),
    _Generator(name="svelte-kit", npm="@sveltejs/kit", files=r"(?:svelte|vite)\.config\.[cm]?[jt]s",
               argv=("svelte-kit", "sync"), outputs=(".svelte-kit/**",)),
    _Generator(name="react-router", npm="@react-router/dev", files=r"react-router\.config\.[cm]?[jt]s",
               argv=("react-router", "typegen"), outputs=(".react-router/**",)),
    _Generator(name="graphql-codegen", npm="@graphql-codegen/cli", files=r"codegen\.(?:[cm]?[jt]s|ya?ml|json)",
               argv=("graphql-codegen",), outputs=("src/**/*generated*", "src/gql/**", "**/__generated__/**")),
)  # fmt: skip


def generations(workspace: Workspace) -> tuple[Generation, ...]:
    """All code generation, each behind that of the packages it depends on.

    Known tools are found by dependency and configuration, and run through the package's own script where one
    runs just that. Then scripts called `codegen`, `generate` and alike, and those that turbo.json puts before
    the checking of types. A script of the root that only leads to packages is left to them.
    """
    position = {path: number for number, path in enumerate(order(workspace))}
    tasks = {
        need
        for task in TYPE_TASKS
        for need in turbo_needs(workspace, task)
        if not need.startswith("^") and need not in {"build", "topo", "transit", *TYPE_TASKS} and "#" not in need
    }
    found = [entry for package in workspace.packages for entry in _of_package(workspace, package, tasks)]
    return tuple(sorted(found, key=lambda entry: position[entry.package]))


def builds(workspace: Workspace) -> tuple[Generation, ...]:
    """Packages whose types others read from what only their build writes, in the order to build them.

    That is so where `types`, `main` or `exports` lead to files that are not in the repository. Project
    references and path aliases may make it needless, therefore none of it is `certain`.
    """
    used = {target for package in workspace.packages for target in package.local}
    found = []
    for path in order(workspace):
        package = workspace.by_path[path]
        if path not in used or "build" not in package.scripts:
            continue
        entries = [entry.removeprefix("./") for entry in _entries(package.manifest)]
        missing = [entry for entry in entries if "*" not in entry and package.within(entry) not in workspace.file_set]
        folders = {entry.partition("/")[0] for entry in missing if "/" in entry}
        if missing and len(missing) == len(entries):
            found.append(
                Generation(
                    package=path,
                    argv=("pnpm", "run", "build"),
                    outputs=tuple(package.within(f"{folder}/**") for folder in sorted(folders)),
                    why=f"{package.within('package.json')} leads to {missing[0]}, which its build writes",
                    tool="build",
                    certain=False,
                )
            )
    return tuple(found)


def _of_package(workspace: Workspace, package: Package, tasks: set[str]) -> Iterator[Generation]:
    covered: set[str] = set()
    runs = {name: invocations(workspace, package.path, name) for name in package.scripts if _is_asked(name, tasks)}
    hooked = {
        run.tool for hook in HOOKS for run in invocations(workspace, package.path, hook) if run.package == package.path
    }
    for generator in GENERATORS:
        sign = next((file for file in sorted(package.own) if re.fullmatch(generator.files, file)), None)
        if sign is None or generator.npm not in package.dependencies:
            continue
        script = next((name for name, run in runs.items() if [each.tool for each in run] == [generator.argv[0]]), None)
        covered |= {name for name, run in runs.items() if {each.tool for each in run} == {generator.argv[0]}}
        yield Generation(
            package=package.path,
            argv=("pnpm", "exec", *generator.argv) if script is None else ("pnpm", "run", script),
            outputs=tuple(package.within(output) for output in _outputs(workspace, package, generator, sign)),
            why=f"{package.within(sign)} and {generator.npm} in {package.within('package.json')}",
            tool=generator.name,
            at_install=generator.argv[0] in hooked,
        )
    yield from _paraglide(workspace, package)
    for name, run in runs.items():
        own = {each.tool for each in run if each.package == package.path}
        if name in covered or not own or own & OTHER_WORK or (own & {"nuxt", "astro", "next"} and name not in tasks):
            continue
        asked = f"turbo.json puts {name} before the types" if name in tasks else f"its name, scripts.{name}"
        yield Generation(
            package=package.path,
            argv=("pnpm", "run", name),
            outputs=_turbo_free_outputs(package),
            why=f"{package.within('package.json')}: {asked}",
            tool=next(iter(sorted(own))),
            certain=name in tasks,
            at_install=bool(own & hooked - {"", "node"}),
        )


def _is_asked(name: str, tasks: Iterable[str]) -> bool:
    return name in tasks or NAMES.fullmatch(name) is not None


def _turbo_free_outputs(package: Package) -> tuple[str, ...]:
    """A script may write anywhere in its package, but for what is installed there."""
    return (package.within("**"), f"!{package.within('node_modules')}/**")


def _outputs(workspace: Workspace, package: Package, generator: _Generator, sign: str) -> tuple[str, ...]:
    """What the tool writes; Prisma's schema may name another directory."""
    if generator.name != "prisma":
        return generator.outputs
    text = read_text(workspace.root, package.within(sign))
    given = re.findall(r"^\s*output\s*=\s*\"([^\"]+)\"", text, re.MULTILINE)
    base = posixpath.dirname(sign)
    return tuple(f"{posixpath.normpath(posixpath.join(base, path))}/**" for path in given) or generator.outputs


def _paraglide(workspace: Workspace, package: Package) -> Iterator[Generation]:
    project = next(
        (file for file in sorted(package.own) if re.fullmatch(r"(?:.+/)?[\w-]+\.inlang/settings\.json", file)), None
    )
    if project is None or not {"@inlang/paraglide-js", "@inlang/paraglide-sveltekit"} & package.dependencies.keys():
        return
    config = next((file for file in sorted(package.own) if re.fullmatch(r"vite\.config\.[cm]?[jt]s", file)), None)
    given = (
        re.search(r"outdir:\s*['\"]([^'\"]+)", read_text(workspace.root, package.within(config))) if config else None
    )
    outdir = given.group(1) if given else "src/paraglide"
    yield Generation(
        package=package.path,
        argv=("pnpm", "exec", "paraglide-js", "compile", "--project", posixpath.dirname(project), "--outdir", outdir),
        outputs=(package.within(f"{outdir}/**"),),
        why=f"{package.within(project)}",
        tool="paraglide",
    )


def _entries(manifest: Any) -> list[str]:
    """Files that an importer of the package reads types from: those of `types` where there are any, else of code."""
    typed: list[str] = [manifest[key] for key in ("types", "typings") if isinstance(manifest.get(key), str)]
    code: list[str] = [manifest[key] for key in ("main", "module") if isinstance(manifest.get(key), str)]

    def visit(value: Any, key: str) -> None:
        if isinstance(value, str) and not value.endswith((".json", ".css")):
            (typed if key == "types" or re.search(r"\.d?\.?[cm]?tsx?$", value) else code).append(value)
        elif isinstance(value, dict):
            for inner, each in value.items():
                visit(each, inner)

    visit(manifest.get("exports"), "")
    return typed or code

"""What must be generated or built before types can be checked and tests can run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci.monorepo.generators import Generation, is_known, known_generations
from ci.monorepo.graph import order
from ci.monorepo.scripts import invocations
from ci.monorepo.taskgraphs import turbo_needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci.monorepo.workspace import Package, Workspace

__all__ = ["Generation", "builds", "generations"]

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
        "pnpm",
        "npm",
        "yarn",
        "npx",
        "curl",
        "docker",
        "vite",
        "typedoc",
        "git",
    }
)
"""Tools whose `generate` is something else: a migration, a scaffold, a site; or that reach the network."""

SITES = frozenset({"nuxt", "astro", "next"})
"""Tools whose `generate` makes a site."""

HOOKS = ("preinstall", "install", "postinstall", "prepare")
TYPE_TASKS = ("typecheck", "type-check", "types:check", "check-types", "check:types", "tsc")


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
        for need in turbo_needs(workspace, task, upstream=False)
        if need not in {"build", "topo", "transit", *TYPE_TASKS} and "#" not in need
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
    scripts = {name: invocations(workspace, package.path, name) for name in package.scripts if _is_asked(name, tasks)}
    hooks = tuple(
        run for hook in HOOKS for run in invocations(workspace, package.path, hook) if run.package == package.path
    )
    yield from known_generations(workspace, package, scripts, hooks)
    for name, runs in scripts.items():
        own = {run.tool for run in runs if run.package == package.path}
        if not own or all(is_known(run) for run in runs) or own & OTHER_WORK or (own & SITES and name not in tasks):
            continue
        reason = f"turbo.json puts {name} before the types" if name in tasks else f"its name, scripts.{name}"
        yield Generation(
            package=package.path,
            argv=("pnpm", "run", name),
            outputs=(package.within("**"), f"!{package.within('node_modules')}/**"),
            why=f"{package.within('package.json')}: {reason}",
            tool=min(own),
            certain=name in tasks,
            at_install=any(run.script == name for run in hooks),
        )


def _is_asked(name: str, tasks: Iterable[str]) -> bool:
    return name in tasks or NAMES.fullmatch(name) is not None


def _entries(manifest: Any) -> list[str]:
    """Files that `import "package"` reads types from: those of `types` where there are any, else of code."""
    typed: list[str] = [manifest[key] for key in ("types", "typings") if isinstance(manifest.get(key), str)]
    code: list[str] = [manifest[key] for key in ("main", "module") if isinstance(manifest.get(key), str)]

    def visit(value: Any, key: str) -> None:
        if isinstance(value, str):
            (typed if key == "types" or re.search(r"\.[cm]?tsx?$", value) else code).append(value)
        elif isinstance(value, dict):
            for inner, each in value.items():
                visit(each, inner)

    exports = manifest.get("exports")
    visit(exports["."] if isinstance(exports, dict) and "." in exports else exports, "")
    return typed or code

"""What turbo, nx and lerna would run, and which tasks turbo puts before a task."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from ci.monorepo.delegation import Delegation, Options, Target, Words, parse, split
from ci.monorepo.documents import read_jsonc
from ci.monorepo.selection import Selection, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.monorepo.workspace import Workspace

TURBO_VALUED = frozenset({
    "--filter", "-F", "--cache-dir", "--concurrency", "--env-mode", "--output-logs", "--log-order",
    "--log-prefix", "--cwd", "--token", "--team", "--api", "--ui", "--global-deps", "--profile", "--cache",
    "--cache-workers", "--scope", "--ignore", "--since",
})  # fmt: skip
TURBO_COMMANDS = frozenset({
    "bin", "boundaries", "clone", "completion", "config", "daemon", "devtools", "docs", "gen", "generate",
    "info", "link", "login", "logout", "ls", "prune", "query", "scan", "telemetry", "unlink", "watch",
})  # fmt: skip
NX_VALUED = frozenset({
    "-t", "--target", "--targets", "-p", "--projects", "--exclude", "--parallel", "--maxParallel", "-c",
    "--configuration", "--base", "--head", "--files", "--runner", "--output-style", "--outputStyle", "--nxBail",
})  # fmt: skip
NX_OWN = frozenset({
    "add", "connect", "daemon", "exec", "format", "format:check", "format:write", "generate", "g", "graph",
    "import", "init", "list", "migrate", "release", "repair", "report", "reset", "show", "sync", "sync:check",
    "view-logs", "watch",
})  # fmt: skip
LERNA_VALUED = frozenset(["--scope", "--ignore", "--concurrency", "--since", "--loglevel", "--npm-client"])


def read_turbo(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`turbo [run] TASK... [--filter SELECTOR] [-- ARGUMENTS]`: in each package that has the script.

    The root's own script runs only where turbo.json knows it as `//#task`. In a package turbo takes that package alone.
    """
    options = parse(words[1:], TURBO_VALUED)
    tasks = options.rest[1:] if options.rest[:1] == ("run",) else options.rest
    if not tasks or (options.rest[0] in TURBO_COMMANDS):
        return None
    selection = _scoped(workspace, package, options.values("--filter", "-F", "--scope"), root=True)
    notices = list(selection.notices)
    if options.has("--affected", "--since"):
        notices.append("turbo asks git for changes: all packages are taken")
    known = turbo_tasks(workspace)
    targets: list[Target] = []
    for task in tasks:
        named, _, script = task.rpartition("#")
        for path in selection.paths:
            member = workspace.by_path[path]
            if (named and named not in {member.name, "//" if path == "." else ""}) or script not in member.scripts:
                continue
            if path != "." or f"//#{script}" in known:
                targets.append(Target(package=path, script=script, arguments=options.passed))
    return Delegation(targets=tuple(targets), label=_label(words), notices=tuple(notices))


def turbo_tasks(workspace: Workspace) -> Mapping[str, Any]:
    """The tasks of turbo.json (`pipeline` before turbo 2), empty where there is none.

    Raises:
        UsageError: the file is broken.
    """
    for name in ("turbo.json", "turbo.jsonc"):
        if name in workspace.file_set:
            value = read_jsonc(workspace.root, name).value
            tasks = value.get("tasks", value.get("pipeline")) if isinstance(value, dict) else None
            return tasks if isinstance(tasks, dict) else {}
    return {}


def turbo_needs(workspace: Workspace, task: str, *, upstream: bool = True) -> tuple[str, ...]:
    """The tasks that turbo runs before a task, first things first.

    `codegen` is a task of the same package, `^build` one of the packages it depends on: without
    `upstream` these are left out, and what they need in turn. That `build` needs `^build` itself is not told.
    """
    tasks = turbo_tasks(workspace)
    needed: dict[str, None] = {}
    entered: set[str] = set()

    def visit(name: str) -> None:
        if name in entered:
            return
        entered.add(name)
        definition = tasks.get(name)
        before = definition.get("dependsOn") if isinstance(definition, dict) else None
        for other in before if isinstance(before, list) else ():
            if not isinstance(other, str) or other.startswith("$") or other.removeprefix("^") == name:
                continue
            if upstream or not other.startswith("^"):
                visit(other.removeprefix("^"))
                needed[other] = None

    visit(task)
    return tuple(name for name in needed if name.removeprefix("^") != task)


def read_nx(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`nx run-many -t TARGET...`, `nx affected -t TARGET...`, `nx run PROJECT:TARGET`, `nx TARGET [PROJECT]`."""
    options, command, behind = split(words[1:], NX_VALUED)
    if command is None or command in NX_OWN:
        return None
    more = parse(behind, NX_VALUED)
    options = Options(flags={**options.flags, **more.flags}, rest=more.rest, passed=more.passed)
    notices: tuple[str, ...] = ()
    if command in {"run-many", "affected"}:
        names = [name for value in options.values("-t", "--target", "--targets") for name in value.split(",")]
        names += options.rest if options.has("-t", "--target", "--targets") else ()
        chosen = [name for value in options.values("-p", "--projects") for name in value.split(",")]
        left_out = [f"!{_nx_selector(name)}" for value in options.values("--exclude") for name in value.split(",")]
        selection = select(workspace, [*map(_nx_selector, chosen), *left_out], root=_root_is_project(workspace))
        paths, notices = selection.paths, selection.notices
        if command == "affected":
            notices = (*notices, "nx affected asks git for changes: all packages are taken")
    else:
        project, _, target = options.rest[0].partition(":") if command == "run" and options.rest else ("", "", command)
        project = project or next(iter(options.rest), "")
        names = [target.partition(":")[0] if command == "run" else target]
        paths = select(workspace, [project], root=True).paths if project else (package,)
    targets = tuple(
        target for name in names for path in paths for target in _nx_target(workspace, path, name, options.passed)
    )
    return Delegation(targets=targets, label=_label(words), notices=notices)


def read_lerna(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`lerna run SCRIPT [--scope NAME] [-- ARGUMENTS]`, in every package that has it."""
    options = parse(words[1:], LERNA_VALUED)
    if options.rest[:1] != ("run",) or len(options.rest) == 1:
        return None
    ignored = [f"!{name}" for name in options.values("--ignore")]
    selection = select(workspace, [*options.values("--scope"), *ignored], base=package)
    targets = tuple(
        Target(package=path, script=script, arguments=options.passed)
        for script in options.rest[1].split(",")
        for path in selection.paths
        if script in workspace.by_path[path].scripts
    )
    return Delegation(targets=targets, label=_label(words), notices=selection.notices)


def _scoped(workspace: Workspace, package: str, filters: Iterable[str], *, root: bool) -> Selection:
    if package != "." and not filters:
        return Selection(paths=(package,))
    return select(workspace, filters, base=package, root=root)


def _nx_selector(name: str) -> str:
    """Nx takes names, globs of names and globs of directories."""
    return f"./{name}" if "/" in name and not name.startswith("@") else name


def _nx_target(workspace: Workspace, path: str, name: str, arguments: Words) -> Iterable[Target]:
    """A target of project.json with a plain command, else the package's script of that name."""
    file = posixpath.normpath(f"{path}/project.json")
    definition: Any = None
    if file in workspace.file_set:
        value = read_jsonc(workspace.root, file).value
        targets = value.get("targets") if isinstance(value, dict) else None
        definition = targets.get(name) if isinstance(targets, dict) else None
    if isinstance(definition, dict):
        given = definition.get("options")
        options = given if isinstance(given, dict) else {}
        command = definition.get("command", options.get("command"))
        if isinstance(command, str):  # nx runs commands at the root unless told otherwise
            cwd = options.get("cwd")
            place = cwd.replace("{projectRoot}", path) if isinstance(cwd, str) else "."
            return [Target(package=path, line=command, arguments=arguments, cwd=posixpath.normpath(place))]
    member = workspace.by_path[path]
    settings = member.manifest.get("nx")
    included = settings.get("includedScripts") if isinstance(settings, dict) else None
    if name in member.scripts and (not isinstance(included, list) or name in included):
        return [Target(package=path, script=name, arguments=arguments)]
    return []


def _root_is_project(workspace: Workspace) -> bool:
    """Nx takes the root in only where its package.json has a part for nx, or a project.json lies there."""
    return "nx" in workspace.packages[0].manifest or "project.json" in workspace.file_set


def _label(words: Words) -> str:
    return " ".join(words)

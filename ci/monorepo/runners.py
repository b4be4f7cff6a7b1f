"""What `pnpm`, `npm`, `yarn`, `bun` and `node --run` would run.

Each reader takes the words of a command in a package and answers with a Delegation; None means that the
command runs no script of the workspace (`pnpm install`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.monorepo.delegation import Delegation, Options, Target, Words, directory, named_scripts, parse, split
from ci.monorepo.selection import Selection, select

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace

PNPM_VALUED = frozenset({
    "--filter", "-F", "--filter-prod", "-C", "--dir", "--prefix", "--workspace-concurrency", "--reporter",
    "--loglevel", "--resume-from",
})  # fmt: skip
PNPM_COMMANDS = frozenset({
    "add", "approve-builds", "audit", "bin", "cache", "cat-file", "cat-index", "config", "create", "dedupe",
    "deploy", "dlx", "doctor", "env", "fetch", "find-hash", "i", "ignored-builds", "import", "init", "install",
    "install-test", "it", "licenses", "link", "list", "ln", "ls", "ll", "la", "login", "logout", "outdated",
    "pack", "patch", "patch-commit", "patch-remove", "prune", "publish", "rb", "rebuild", "remove", "rm",
    "root", "self-update", "server", "setup", "store", "un", "uninstall", "unlink", "up", "update", "upgrade",
    "version", "view", "whoami", "why",
})  # fmt: skip
NPM_VALUED = frozenset(["--workspace", "-w", "--prefix", "-C", "--loglevel", "--cwd"])
LIFECYCLE = {"t": "test", "tst": "test", "test": "test", "start": "start", "stop": "stop", "restart": "restart"}
RUN = frozenset({"run", "run-script", "rum", "urn"})
RECURSIVE = frozenset({"recursive", "multi", "m"})


def read_pnpm(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`pnpm [flags] [run] SCRIPT`, recursive or filtered or not, `pnpm exec PROGRAM`, and `pnpm PROGRAM`."""
    options, command, behind = split(words[1:], PNPM_VALUED)
    recursive, verb = False, ""
    while command in RUN | RECURSIVE | {"exec"} and verb != "exec":
        recursive = recursive or command in RECURSIVE
        verb = command if command not in RECURSIVE else verb
        more, command, behind = split(behind, PNPM_VALUED)
        options = Options(flags={**options.flags, **more.flags})
    if command is None or (not verb and command in PNPM_COMMANDS):
        return None
    if not verb and command in LIFECYCLE:
        command, verb = LIFECYCLE[command], "run"
    selection = _pnpm_selection(workspace, package, options, recursive=recursive)
    targets = () if verb == "exec" else named_scripts(workspace, selection.paths, command, behind)
    alone = not (recursive or options.has("-r", "--recursive", "--filter", "-F", "--filter-prod"))
    if not targets and (verb == "exec" or (alone and not verb)):  # no script: a program of node_modules/.bin
        targets = tuple(Target(package=path, program=(command, *behind)) for path in selection.paths)
    return Delegation(targets=targets, notices=selection.notices, label=_label(words, selection))


def read_npm(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`npm run SCRIPT [-- ARGUMENTS]`, `npm test`, `npm exec PROGRAM`; npm takes its own flags behind the name too."""
    options, command, behind = split(words[1:], NPM_VALUED)
    if command in {"exec", "x"}:
        program = tuple(word for word in behind if word not in {"--", "-y", "--yes"})
        return Delegation(targets=(Target(package=package, program=program),)) if program else None
    if command in RUN:
        more, command, behind = split(behind, NPM_VALUED)
        options = Options(flags={**options.flags, **more.flags})
    else:
        command = LIFECYCLE.get(command or "")
    if command is None:
        return None
    late = parse(behind, NPM_VALUED)
    named = (*options.values("--workspace", "-w"), *late.values("--workspace", "-w"))
    places = (*options.values("--prefix", "-C"), *late.values("--prefix", "-C"))
    selection = Selection(paths=(directory(package, places),))
    if named or options.has("--workspaces", "-ws") or late.has("--workspaces", "-ws"):
        selection = select(
            workspace, (name if name.startswith(("@", ".")) or "/" not in name else f"./{name}" for name in named)
        )
    targets = named_scripts(workspace, selection.paths, command, (*late.rest, *late.passed))
    return Delegation(targets=targets, notices=selection.notices, label=_label(words, selection))


def read_yarn(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`yarn [run] SCRIPT`, `yarn workspace NAME SCRIPT`, `yarn workspaces [foreach] run SCRIPT`; bun's words alike."""
    options, command, behind = split(words[1:], NPM_VALUED)
    selection = Selection(paths=(directory(package, options.values("--cwd")),))
    if command == "workspaces":
        if "run" not in behind:
            return None
        selection = select(workspace, ())
        command, behind = "run", behind[behind.index("run") + 1 :]
    elif command == "workspace" and len(behind) > 1:
        selection = select(workspace, behind[:1])
        command, behind = behind[1], behind[2:]
    explicit = command in {"run", "exec"}
    if explicit:
        _, command, behind = split(behind, NPM_VALUED)
    if command is None or (not explicit and command in PNPM_COMMANDS):
        return None
    targets = named_scripts(workspace, selection.paths, command, behind)
    if not targets:
        targets = tuple(Target(package=path, program=(command, *behind)) for path in selection.paths)
    return Delegation(targets=targets, notices=selection.notices, label=_label(words, selection))


def read_bun(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`bun run SCRIPT` and `bun SCRIPT`; `bun test`, `bun build` and files are Bun's own work."""
    _, command, behind = split(words[1:], NPM_VALUED)
    if command == "run":
        _, command, behind = split(behind, NPM_VALUED)
    elif command in {"test", "build", "x", *PNPM_COMMANDS}:
        return None
    targets = named_scripts(workspace, (package,), command or "", behind)
    return Delegation(targets=targets) if targets else None


def read_node(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`node --run SCRIPT [-- ARGUMENTS]`; all else is a program for Node."""
    options = parse(words[1:], frozenset({"--run"}))
    if not options.values("--run"):
        return None
    return Delegation(targets=named_scripts(workspace, (package,), options.values("--run")[-1], options.passed))


def _pnpm_selection(workspace: Workspace, package: str, options: Options, *, recursive: bool) -> Selection:
    """The packages that pnpm would run in: this one, or all or the filtered ones, by default without the root."""
    filters = options.values("--filter", "-F", "--filter-prod")
    here = directory(package, options.values("-C", "--dir", "--prefix"))
    if options.has("-w", "--workspace-root"):
        return Selection(paths=(".",))
    if not (recursive or filters or options.has("-r", "--recursive")):
        return Selection(paths=(here,))
    root = options.has("--include-workspace-root") or workspace.settings.get("includeWorkspaceRoot") is True
    return select(workspace, filters, base=here, root=root)


def _label(words: Words, selection: Selection) -> str:
    return " ".join(words) if len(selection.paths) != 1 else ""

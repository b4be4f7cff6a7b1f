"""What a script really runs: through `pnpm run`, `turbo`, `nx` and the rest down to the programs themselves."""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wcmatch import fnmatch

from ci.errors import UsageError
from ci.monorepo.bundles import read_concurrently, read_run_all
from ci.monorepo.invocation import Invocation, checking, watching, writes
from ci.monorepo.programs import name_of, strip
from ci.monorepo.runners import read_bun, read_node, read_npm, read_pnpm, read_yarn
from ci.monorepo.shell import Command, Opaque, read_line
from ci.monorepo.taskgraphs import read_lerna, read_nx, read_turbo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ci.monorepo.delegation import Delegation, Target, Words
    from ci.monorepo.workspace import Workspace

    Reader = Callable[[Workspace, str, Words], Delegation | None]

__all__ = ["Invocation", "checking", "invocations", "watching", "writes"]

LIMIT = 5_000
"""Commands of one script. More than that is a script that calls itself in ever new ways."""

READERS: Mapping[str, Reader] = {
    "pnpm": read_pnpm, "npm": read_npm, "yarn": read_yarn, "bun": read_bun, "node": read_node,
    "turbo": read_turbo, "nx": read_nx, "lerna": read_lerna,
    "run-s": read_run_all, "run-p": read_run_all, "npm-run-all": read_run_all, "npm-run-all2": read_run_all,
    "concurrently": read_concurrently, "conc": read_concurrently,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the reader stands: in which script of which package, and how it came there."""

    package: str
    cwd: str
    script: str
    chain: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    active: frozenset[tuple[str, str]] = frozenset()
    decisive: bool = True
    notices: tuple[str, ...] = ()


def invocations(workspace: Workspace, package_path: str, script_name: str) -> tuple[Invocation, ...]:
    """All that a script of a package runs, in order, with its pre and post scripts; a cycle ends where it closes.

    A script that is not there gives nothing.

    Raises:
        UsageError: it leads to more than `LIMIT` commands, or turbo.json or a project.json is broken.
    """
    start = _Place(package=package_path, cwd=package_path, script=script_name)
    found = tuple(itertools.islice(_script(workspace, start, script_name, ()), LIMIT + 1))
    if len(found) > LIMIT:
        raise UsageError(f"{_label(start)}: leads to more than {LIMIT} commands")
    return found


def _script(workspace: Workspace, place: _Place, name: str, arguments: Words) -> Iterator[Invocation]:
    """A script with what npm and pnpm run around it: `pretest`, `test`, `posttest`."""
    scripts = workspace.by_path[place.package].scripts
    if name not in scripts or (place.package, name) in place.active:
        return
    for each in (f"pre{name}", name, f"post{name}"):
        if each in scripts:
            inner = replace(place, cwd=place.package, script=each, active=place.active | {(place.package, name)})
            inner = replace(inner, chain=(*place.chain, _label(inner)))
            behind = f" {shlex.join(arguments)}" if arguments and each == name else ""
            yield from _line(workspace, inner, scripts[each] + behind)


def _line(workspace: Workspace, place: _Place, line: str) -> Iterator[Invocation]:
    commands = read_line(line)
    if isinstance(commands, Opaque):
        yield _opaque(place, line, commands.reason)
        return
    for command in commands:
        for word in command.globs:
            if _expands(workspace, place.cwd, word):
                yield _opaque(place, line, f"a glob for the shell ({word})")
                return
    for command in commands:
        if command.words[0] == "cd" and len(command.words) > 1:
            place = _change_directory(workspace, place, command.words[1])
            if place.cwd.startswith(".."):
                yield _opaque(place, line, "a directory outside the workspace")
                return
        else:
            yield from _command(workspace, place, command)


def _change_directory(workspace: Workspace, place: _Place, to: str) -> _Place:
    cwd = posixpath.normpath(posixpath.join(place.cwd, to))
    return replace(place, cwd=cwd, package=cwd if cwd in workspace.by_path else place.package)


def _command(workspace: Workspace, place: _Place, command: Command) -> Iterator[Invocation]:
    words, environment, reason = strip(command.words)
    place = replace(
        place,
        environment={**place.environment, **environment},
        decisive=place.decisive and command.decisive,
    )
    if reason:
        yield _opaque(place, command.line, reason)
        return
    tool = name_of(words)
    reader = READERS.get(posixpath.basename(words[0])) or READERS.get(tool)
    delegation = reader(workspace, place.package, words) if reader is not None else None
    if delegation is None:
        yield Invocation(
            tool=tool,
            argv=words,
            environment=place.environment,
            package=place.package,
            cwd=place.cwd,
            script=place.script,
            chain=place.chain,
            line=command.line,
            decisive=place.decisive,
            notices=place.notices,
        )
        return
    if not delegation.targets:
        yield replace(_opaque(place, command.line, "no package has what it runs"), notices=delegation.notices)
        return
    label = (delegation.label,) if delegation.label else ()
    inner = replace(place, chain=(*place.chain, *label), notices=(*place.notices, *delegation.notices))
    for target in delegation.targets:
        yield from _target(workspace, inner, target, command)


def _target(workspace: Workspace, place: _Place, target: Target, command: Command) -> Iterator[Invocation]:
    if target.package not in workspace.by_path:
        yield _opaque(place, command.line, f"{target.package} is no package of the workspace")
        return
    cwd = target.cwd or (place.cwd if target.package == place.package else target.package)
    inner = replace(place, package=target.package, cwd=cwd)
    if target.script is not None:
        yield from _script(workspace, inner, target.script, target.arguments)
    elif target.line is not None:
        behind = f" {shlex.join(target.arguments)}" if target.arguments else ""
        yield from _line(workspace, inner, target.line + behind)
    else:
        yield from _command(workspace, inner, replace(command, words=target.program))


def _opaque(place: _Place, line: str, reason: str) -> Invocation:
    return Invocation(
        tool="",
        argv=(),
        environment=place.environment,
        package=place.package,
        cwd=place.cwd,
        script=place.script,
        chain=place.chain,
        line=line,
        decisive=place.decisive,
        opaque=reason,
        notices=place.notices,
    )


def _expands(workspace: Workspace, cwd: str, word: str) -> bool:
    """Whether a shell may find files for the wildcards; where it finds none it passes the word on as it is.

    A directory that is not there may have been built when the line runs, unless its name is that of a scope or a flag.
    """
    literal = posixpath.dirname(re.split(r"[*?\[{]", word, maxsplit=1)[0])
    if word.startswith(("-", "@")):
        return False
    folder = posixpath.normpath(posixpath.join(cwd, literal))
    prefix = "" if folder == "." else f"{folder}/"
    inside = {file[len(prefix) :].partition("/")[0] for file in workspace.files if file.startswith(prefix)}
    pattern = word[len(literal) :].lstrip("/").partition("/")[0]
    return not inside or bool(fnmatch.filter(list(inside), pattern, flags=fnmatch.BRACE | fnmatch.CASE))


def _label(place: _Place) -> str:
    manifest = "package.json" if place.package == "." else f"{place.package}/package.json"
    return f"{manifest} scripts.{place.script}"

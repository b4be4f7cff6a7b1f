"""Git submodules that did not come along: what fails for want of one is not verified, and no failure of the code."""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
from typing import TYPE_CHECKING

from ci.model import Check, Execution, Failure, Status, Verdict
from ci.stages.judging import local
from ci.text import few

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ci.monorepo.workspace import Workspace
    from ci.stages.context import Context

# How compilers, bundlers, test runners and Node say that something they were told to read is not there.
MISSING = re.compile(
    r"(?i)cannot find (?:module|package)|(?:could not|can't|failed to|unable to) resolve|no such file|\bENOENT\b"
    r"|\bTS(?:2307|6053|5083)\b|\bnot found\b|does not exist"
)
QUOTED = re.compile(r"""["'`]([^"'`\s]+)["'`]""")
IMPORTER = re.compile(r"""\bfrom ["'`]?([^"'`\s:]+)""")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Absent:
    """Submodules that are not here: their `paths` from the workspace's root, and the `names` of packages in them."""

    paths: tuple[str, ...]
    names: frozenset[str]

    def holder(self, path: str) -> str | None:
        """Return the submodule that a path, or the name of a package, leads into."""
        if any(path == name or path.startswith(f"{name}/") for name in self.names):
            return path
        plain = posixpath.normpath(path)
        return next((each for each in self.paths if plain == each or plain.startswith(f"{each}/")), None)


def excuse(context: Context, check: Check) -> Check:
    """Return the check with a judge that knows which submodules are not here; the check itself where all are."""
    if not context.absent:
        return check
    return _excused(check, Absent(paths=context.absent, names=_names(context.workspace, context.absent)))


def _names(workspace: Workspace, paths: tuple[str, ...]) -> frozenset[str]:
    """Return the packages of the workspace that the lockfile knows in a submodule."""
    found = Absent(paths=paths, names=frozenset())
    return frozenset(
        name
        for package, dependencies in workspace.lockfile.importers.items()
        for name, version in dependencies.items()
        if version.startswith("link:") and found.holder(posixpath.join(package, version.removeprefix("link:")))
    )


def _excused(check: Check, absent: Absent) -> Check:
    return dataclasses.replace(check, judge=functools.partial(judge, check=check, absent=absent))


def judge(execution: Execution, *, check: Check, absent: Absent) -> Verdict:
    """Judge as the check itself does, then turn `failed` into `error` where every file at fault lacks a submodule.

    Errors beside it in the same file are taken for its consequences. Where other files fail too, a notice names
    the submodule.
    """
    verdict = check.judge(execution)
    if verdict.second is not None:
        verdict = dataclasses.replace(verdict, second=_excused(verdict.second, absent))
    if verdict.status is not Status.FAILED:
        return verdict
    wanted = {failure: found for failure in verdict.failures if (found := _wanted(failure, execution, check, absent))}
    if not wanted:
        return verdict
    names = few(sorted(set(wanted.values())))
    files = {failure.file for failure in wanted if failure.file is not None}
    if all(failure in wanted or failure.file in files for failure in verdict.failures):
        first = next(iter(wanted))
        reason = f"{names} is in a git submodule, which is not part of this run: {first.message}"
        return dataclasses.replace(verdict, status=Status.ERROR, reason=reason, second=None)
    notice = f"{names} is in a git submodule, which is not part of this run"
    return dataclasses.replace(verdict, notices=(*verdict.notices, notice))


def _wanted(failure: Failure, execution: Execution, check: Check, absent: Absent) -> str | None:
    """Return the submodule, or the package in one, that a failure names as missing."""
    text = local(f"{failure.message}\n{failure.detail or ''}", execution)
    if not MISSING.search(f"{failure.rule or ''} {text}"):
        return None
    named = (path for quoted in QUOTED.findall(text) for path in _readings(quoted, failure, text, check))
    return next(filter(None, map(absent.holder, named)), None)


def _readings(quoted: str, failure: Failure, text: str, check: Check) -> Iterator[str]:
    """Yield the paths that a quoted path may mean: from its file, from who imports it, from the root."""
    if not quoted.startswith("."):
        yield quoted
        return
    files = [*([failure.file] if failure.file else ()), *IMPORTER.findall(text)]
    for file in files:
        for base in ("", check.package):
            yield posixpath.join(base, posixpath.dirname(file), quoted)

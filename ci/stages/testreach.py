"""Which unit test files the commands take up, and whose it is to take up the others."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from wcmatch import glob

from ci.monorepo.testconfigs import TYPES, UNIT
from ci.stages import exclusion, jest, vitest
from ci.stages.testscripts import KNOWN, UNIT_SCRIPTS, Group, of_package, values
from ci.text import count, few

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ci.stages.testkinds import Kinds
    from ci.stages.testresults import Run

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE | glob.EXTGLOB


def members(kinds: Kinds, groups: Iterable[Group]) -> tuple[Group, ...]:
    """Return the commands of packages whose tests the root's own commands cannot take up, by known runners.

    None where the root's script runs tests in packages: then it says in which.
    """
    groups = tuple(groups)
    if any(group.package != "." for group in groups):
        return ()
    taken = _may_take(kinds, groups)
    found: list[Group] = []
    for package in kinds.workspace.packages[1:]:
        own = {test.path for test in kinds.tests if test.package == package.path and test.kind in {UNIT, TYPES}}
        if own and not own & taken:
            scripts = of_package(kinds.workspace, package, UNIT_SCRIPTS, integration=False)
            found += [group for group in scripts.groups if group.tool in KNOWN]
    return tuple(found)


def expected(kinds: Kinds, group: Group, others: Iterable[Group]) -> tuple[str, ...]:
    """Return the unit tests that nobody takes up if this group does not: those of its package.

    The root stands for the packages that have no group. A Vitest project that is named says itself what it leaves.
    Node's runner does not tell which files it took up: of its group these are the ones that it is not given.
    """
    others = tuple(others)
    if any(values(run.argv, "--project") for run in group.runs):
        return ()
    homes = {other.package for other in others} - {group.package}
    tests = (test for test in kinds.tests if test.kind == UNIT)
    own = {
        test.path
        for test in tests
        if test.package == group.package or (group.package == "." and test.package not in homes)
    }
    near = (other for other in others if other.package in {".", group.package})
    given = [group] if group.tool == "node-test" else []
    return tuple(sorted(own - _may_take(kinds, (*near, *given)))) if own else ()


def not_taken(files: Sequence[str]) -> tuple[str, ...]:
    """Say that no command took up these test files."""
    return (f"not covered: no test command took up {count(len(files), 'test file')}: {few(files)}",) if files else ()


def _may_take(kinds: Kinds, groups: Iterable[Group]) -> set[str]:
    return {file for group in groups for run in group.runs for file in _of_run(kinds, run)}


def _of_run(kinds: Kinds, run: Run) -> Iterable[str]:
    """Return the unit tests that a command may take up, as far as its words and a plain configuration tell."""
    files = kinds.files(run.cwd, UNIT, TYPES)
    if run.tool == "vitest":
        return _of_vitest(kinds, run, files)
    if run.tool == "jest":
        return _chosen(files, jest.choices(run.argv))
    if run.tool != "node-test":
        return files
    found = exclusion.node_words(run, kinds.workspace, directories=True)
    words = {posixpath.normpath(posixpath.join(run.cwd, word)) for word in found}
    return files if words - kinds.workspace.file_set else [file for file in files if file in words]


def _of_vitest(kinds: Kinds, run: Run, files: Iterable[str]) -> Iterable[str]:
    words = vitest.kept(run.argv)
    filters = [word.removeprefix("./") for word in words if word not in vitest.kept(run.argv, filters=False)]
    places = [posixpath.normpath(posixpath.join(run.cwd, place)) for place in values(words, "--dir", "--root", "-r")]
    if filters:
        files = [file for file in files if any(word in file for word in filters)]
    if places and "." not in places:
        files = [file for file in files if file.startswith(tuple(f"{place}/" for place in places))]
    config = kinds.config(run)
    if config is None or not config.certain or not all(each.include for each in config.projects):
        return files
    base = posixpath.dirname(config.path) or "."
    within = [posixpath.dirname(place) if place.endswith(("ts", "js")) else place for place in config.places]
    # A project may have a root of its own, from which what it includes counts.
    anywhere = "**/" if config.multiple else ""
    patterns = [f"{anywhere}{pattern}" for each in config.projects for pattern in each.include]
    patterns += [posixpath.normpath(f"{place}/**") for place in within]
    takes = glob.compile(patterns, flags=FLAGS)
    return [file for file in files if takes.match(posixpath.relpath(file, base))] if patterns else files


def _chosen(files: Iterable[str], patterns: tuple[str, ...]) -> Iterable[str]:
    try:
        wanted = re.compile("|".join(patterns), re.IGNORECASE)
    except re.error:  # what only JavaScript understands may take anything
        return files
    return [file for file in files if wanted.search(file)]

"""Test commands without some files, each runner in the way that leaves its configuration as it is."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from typing import TYPE_CHECKING

from wcmatch import glob

from ci.monorepo.versions import satisfies
from ci.stages import jest, nodetest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.monorepo.tests import FoundTest
    from ci.monorepo.workspace import Workspace
    from ci.stages.testresults import Run

FLAGS = glob.GLOBSTAR | glob.DOTGLOB
DIRECTORIES_UNTIL = "<21"  # Node searches a directory that it is given
TYPESCRIPT_SINCE = ">=22.18.0 <23 || >=23.6.0"  # Node runs it without being asked


def vitest(
    run: Run, files: tuple[str, ...], tests: tuple[FoundTest, ...], workspace: Workspace, *, nested: bool
) -> Run:
    """Return a Vitest command without these files; `nested` where projects have roots of their own."""
    globs = _globs(run, files, tests, workspace, nested=nested)
    return dataclasses.replace(run, argv=(*run.argv, f"--exclude={_braced(globs)}"))


def without(run: Run, files: tuple[str, ...], tests: tuple[FoundTest, ...], workspace: Workspace) -> Run | None:
    """Return a command of Jest or of Node's own runner without these files, None where nothing is left of it."""
    if run.tool == "jest":
        patterns = _patterns(run, files, tests)
        return dataclasses.replace(run, argv=jest.leaving_out(run.argv, patterns, run.major)) if patterns else run
    return _node(run, files, workspace) if run.tool == "node-test" else run


def _globs(
    run: Run, files: tuple[str, ...], tests: tuple[FoundTest, ...], workspace: Workspace, *, nested: bool
) -> list[str]:
    """Return globs that take these files and no other test: by the end of a name, else by folder, else each file.

    They count from the command's directory, and from any package's where projects have roots of their own. A file
    that cannot be told from one that is to run is left in.
    """
    kept = _kept(run, files, tests)
    found: dict[str, None] = {}
    for file in files:
        name = posixpath.basename(file)
        path = posixpath.relpath(file, workspace.owner(file).path if nested else run.cwd)
        within = posixpath.dirname(path)
        anywhere = "**/" if nested else ""
        ways = [f"**/*{_literal(name[name.find('.') :])}"] if "." in name else []
        ways += [f"{anywhere}{_literal(within)}/**"] if within else []
        ways.append(f"{anywhere}{_literal(path)}")
        chosen = next((way for way in ways if not glob.globfilter(kept, way, flags=FLAGS)), None)
        if chosen is not None:
            found[chosen] = None
    return list(found)


def _patterns(run: Run, files: tuple[str, ...], tests: tuple[FoundTest, ...]) -> tuple[str, ...]:
    """Return regular expressions for these files and no other test: by the end of a name, else of a path.

    Jest 30 holds them against paths from each project's own root, Jest 29 against whole paths: as little of a path as
    tells a file from those that are to run fits both. One that cannot be told is left in.
    """
    kept = _kept(run, files, tests)
    found: dict[str, None] = {}
    for file in files:
        name = posixpath.basename(file)
        parts = posixpath.relpath(file, run.cwd).split("/")
        ways = [f"{jest.escaped(name[name.find('.') :])}$"] if "." in name else []
        ways += [f"(?:^|/){jest.escaped('/'.join(parts[at:]))}$" for at in reversed(range(len(parts)))]
        tried = (way for way in ways if not any(re.search(way, path, re.IGNORECASE) for path in kept))
        if (chosen := next(tried, None)) is not None:
            found[chosen] = None
    return tuple(found)


def _node(run: Run, files: tuple[str, ...], workspace: Workspace) -> Run | None:
    """Return the command with the files that Node would have found, but for these; Node can leave none out itself.

    What is not in the repository, as built tests are, stays as it is named.
    """
    words = node_words(run, workspace, directories=satisfies(workspace.node.version, DIRECTORIES_UNTIL))
    out = {posixpath.relpath(file, run.cwd) for file in files}
    left = [word for word in words if word not in out]
    if len(left) == len(words):
        return run
    return dataclasses.replace(run, argv=nodetest.chosen(run.argv, left)) if left else None


def node_words(run: Run, workspace: Workspace, *, directories: bool) -> tuple[str, ...]:
    """Return the files that a command of Node's runner finds, from where it runs, and words that no file fits.

    `directories`: what is in one that it names counts.
    """
    _, asked = nodetest.split(run.argv)
    folder = "" if run.cwd == "." else f"{run.cwd}/"
    here = [file[len(folder) :] for file in workspace.files if file.startswith(folder) and "node_modules/" not in file]
    typed = satisfies(workspace.node.version, TYPESCRIPT_SINCE) or "--experimental-strip-types" in run.argv
    usual = _found(here, *nodetest.usual(typescript=typed))
    if not asked:
        return tuple(usual)
    named = (_named(word, here, usual if directories else []) or (word,) for word in asked)
    return tuple(dict.fromkeys(word for words in named for word in words))


def _named(word: str, here: list[str], usual: list[str]) -> Iterable[str]:
    plain = posixpath.normpath(word)
    if plain in here:
        return (plain,)
    below = [file for file in usual if plain == "." or file.startswith(f"{plain}/")]
    return below or _found(here, plain)


def _found(files: list[str], *globs: str) -> list[str]:
    takes = glob.compile(globs, flags=FLAGS | glob.BRACE | glob.EXTGLOB)
    return [file for file in files if takes.match(file)]


def _kept(run: Run, files: tuple[str, ...], tests: tuple[FoundTest, ...]) -> list[str]:
    taken = frozenset(files)
    return [posixpath.relpath(test.path, run.cwd) for test in tests if test.path not in taken]


def _literal(path: str) -> str:
    return re.sub(r"[*?\[\](){}!+@]", r"\\\g<0>", path)


def _braced(globs: list[str]) -> str:
    """Return one glob, for Vitest 1 takes --exclude but once."""
    return globs[0] if len(globs) == 1 else f"{{{','.join(globs)}}}"

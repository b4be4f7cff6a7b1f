"""What concerns a package: the files that its checks see, and the checks that they need."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.graph import closure
from ci.stages.context import INSTALL, Context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from ci.model import Step
    from ci.monorepo.workspace import Package, Workspace

READ = re.compile(
    r"\.(?:[cm]?[jt]sx?|vue|svelte|astro|css|s[ac]ss|less|html|json[c5]?|ya?ml|toml|prisma|graphql|gql|sh)$|(?:^|/)\.\w+rc$"
)
LARGEST = 1_000_000  # bytes; what is larger is data
UPWARD = re.compile(rb"""\.\.(?<![.\w]\.\.)(?:/[^\s"'`*${}\\,;()<>|]*|(?=["'`]))""")
PLACE = re.compile(  # what stands in front of a path that counts from the file itself
    rb"""(?:\b(?:from|import|require|(?:un|do)?[mM]ock|(?:import|require)Actual)(?:<[^<>]*>)?[\s(]*
    |(?:\b__dirname|\bimport\.meta\.dirname)\s*,\s*|\bURL\(\s*)["'`]$""",
    re.VERBOSE,
)
SEGMENTS = re.compile(rb"""["'`](?:\s*,\s*["'`](?!\.\./[^."'`])[^"'`\n]+["'`])+""")  # join(here, "..", "..", "b")
SEGMENT = re.compile(rb"""["'`]([^"'`\n]+)["'`]""")
WILD = (b"*", b"$", b"{")
IN_LINE = re.compile(r"""(?:^|[\s=:"'(])(\.\.(?:/[^\s"';&|)]*)?)(?=$|[\s"';&|)])""")  # of a script
HOISTED = re.compile(r"^\s*(?:node-linker\s*=\s*hoisted|shamefully-hoist\s*=\s*true)", re.MULTILINE)


def inputs_of(
    workspace: Workspace, package: str, *, steps: Iterable[Step] = (), without: Iterable[str] = ()
) -> tuple[str, ...]:
    """Return globs for all that concerns a package: everything but packages that it does not depend on.

    Dependencies are those that its manifest names, those of the root, which every package can import, and what its
    files, its scripts and the words of `steps` reach by paths that lead upwards: a package, or a directory with all
    packages in it. `without` are further globs to leave out.
    """
    if package == "." or _hoisted(workspace):
        return ("**", *without)
    near = set(closure(workspace, package)).union(
        *(closure(workspace, path) for path in (*workspace.packages[0].local, *_reached(workspace, package, steps)))
    )
    far = [other.path for other in workspace.packages if other.path not in near and other.path != "."]
    around = {folder for path in near for folder in _folders(path)}
    closed = [path for path in far if path not in around]
    return ("**", *(f"!{path}/**" for path in closed), *without)


def _folders(path: str) -> Iterator[str]:
    while (path := path.rpartition("/")[0]) != "":
        yield path


def needs_of(context: Context, package: str) -> tuple[str, ...]:
    """Return the checks that a check of one package needs: install, and what is generated in what it depends on."""
    near = closure(context.workspace, package)
    return (INSTALL, *(check.id for check in context.generation if package == "." or check.package in near))


def _reached(workspace: Workspace, path: str, steps: Iterable[Step]) -> set[str]:
    """Return the packages that a package leads to by paths out of it, itself or by a file of the root."""
    package = workspace.by_path[path]
    targets = {*_of_files(workspace, package), *_of_lines(package, steps)}
    outside = {target for target in targets if target != path and not target.startswith((f"{path}/", "../"))} - {".."}
    shared = [file for file in outside if file in workspace.file_set and workspace.owner(file).path == "."]
    outside |= {mentioned for file in shared for mentioned in _mentioned(workspace, file)}
    found = {workspace.owner(f"{target}/.").path for target in outside}
    if "." in outside:
        found.update(workspace.by_path)
    parents = tuple(f"{target}/" for target in outside if target not in workspace.file_set)
    found.update(other.path for other in workspace.packages if other.path.startswith(parents))
    return found - {".", path}


def _of_files(workspace: Workspace, package: Package) -> Iterator[str]:
    """Yield where paths in the package's files lead, counted from the file, and from the package where that may be."""
    for file in filter(READ.search, package.files):
        directory = posixpath.dirname(file)
        for path, either in _upward(workspace.root / file, *_facts(workspace.root / file)):
            yield posixpath.normpath(posixpath.join(directory, path))
            if either:
                yield posixpath.normpath(posixpath.join(package.path, path))


def _of_lines(package: Package, steps: Iterable[Step]) -> Iterator[str]:
    """Yield where paths in scripts and commands lead, counted from where those run."""
    lines = [(package.path, line) for line in package.scripts.values()]
    lines += [(step.cwd, word) for step in steps for word in (*step.argv, *step.environment.values())]
    for cwd, line in lines:
        for path in IN_LINE.findall(line) if ".." in line else ():
            yield posixpath.normpath(posixpath.join(cwd, path))


def _mentioned(workspace: Workspace, file: str) -> set[str]:
    """Return the directories with packages in them that a file of the root names."""
    if not READ.search(file):
        return set()
    text = content_of(workspace.root / file)
    folders = {package.path.rpartition("/")[0] or package.path for package in workspace.packages[1:]}
    return {folder for folder in folders if f"{folder}/".encode() in text}


def content_of(place: Path) -> bytes:
    """Return what stands in a source; nothing for a dangling link, for what is no file, and for what is data."""
    return place.read_bytes() if 0 < _facts(place)[1] <= LARGEST and place.is_file() else b""


def _facts(place: Path) -> tuple[int, int]:
    """Return when a file was modified and how large it is; nothing for a dangling link."""
    try:
        facts = place.stat()
    except OSError:
        return 0, 0
    return facts.st_mtime_ns, facts.st_size


@functools.lru_cache(maxsize=65_536)
def _upward(place: Path, _modified: int, _size: int) -> frozenset[tuple[str, bool]]:
    """Return the paths in a file that lead upwards, and of each whether it may count from elsewhere than the file.

    Several checks ask; each file is read once.
    """
    content = content_of(place)
    found: set[tuple[str, bool]] = set()
    at = 0
    while (match := UPWARD.search(content, at)) is not None:
        at = match.end()
        path = match[0].decode(errors="replace")
        if content[at : at + 1] in WILD:  # the last name is not known whole
            path = f"{posixpath.dirname(path)}/"
        either = PLACE.search(content[max(0, match.start() - 60) : match.start()]) is None
        if path.rstrip("/").endswith("..") and (more := SEGMENTS.match(content, at)) is not None:
            at = more.end()
            path = posixpath.join(path, *(word.decode(errors="replace") for word in SEGMENT.findall(more[0][1:])))
        found.add((path, either))
    return frozenset(found)


def _hoisted(workspace: Workspace) -> bool:
    """Whether every package can import every other, because all of them lie in the root's node_modules."""
    if workspace.settings.get("nodeLinker") == "hoisted" or workspace.settings.get("shamefullyHoist") is True:
        return True
    return ".npmrc" in workspace.file_set and HOISTED.search(read_text(workspace.root, ".npmrc")) is not None

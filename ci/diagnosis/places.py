"""Where a failure points: the files of the repository that its words and stacks name, and whose they are."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from ci.model import CheckRun, Failure

ROOT = "."
MOST = 200_000  # characters of a failure that are looked at
PATH = re.compile(r"[\w@.+\[\]()/-]*\w\.[A-Za-z]\w{0,5}\b")
TEST = re.compile(r"(?:^|/)(?:tests?|e2e|__tests__)/|\.(?:test|spec|integration)\.")


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The repository at the commit: its files, and the directories of its packages, "." for the root."""

    files: Collection[str]
    packages: tuple[str, ...]

    def owner(self, path: str) -> str:
        """Return the package that a file belongs to."""
        inside = (package for package in self.packages if path.startswith(f"{package}/"))
        return max(inside, key=len, default=ROOT)

    def owners(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return the packages of files, each once, in the order in which they are named."""
        return tuple(dict.fromkeys(map(self.owner, paths)))


def named(failures: Iterable[Failure], tree: Tree, *, package: str = ROOT) -> tuple[str, ...]:
    """Return the files of the repository that failures name, the surest first: their own, then those they tell of.

    A path may count from the check's `package`, too; what is no file of the repository is passed over.
    """
    failures = tuple(failures)
    known = tree.files if isinstance(tree.files, set | frozenset) else frozenset(tree.files)
    said = [failure.file for failure in failures if failure.file]
    said += [failure.test_id.partition(" > ")[0] for failure in failures if failure.test_id]
    for failure in failures:
        said += PATH.findall(f"{failure.message}\n{failure.detail or ''}"[:MOST])
    found = (_found(path, known, package) for path in said)
    return tuple(dict.fromkeys(path for path in found if path is not None))


def packages(files: Iterable[str], checks: Iterable[CheckRun], tree: Tree) -> tuple[str, ...]:
    """Return the packages that a failure names by its files and its checks; the root where it names nothing else."""
    of_files = tree.owners(files)
    of_checks = (check.package for check in checks if check.package != ROOT)
    return tuple(dict.fromkeys((*of_files, *of_checks))) or (ROOT,)


def likely_owner(files: Collection[str], suspects: Collection[str], tree: Tree, *, among: tuple[str, ...]) -> str:
    """Return the package in which the cause probably lies.

    That is whose files are named and were changed; else whose were changed at all, one that the failure names first;
    else, where no change is known, whose sources are named most, and at last whose tests or checks are.
    """
    changed = [path for path in suspects if not TEST.search(path)] or list(suspects)
    sources = [path for path in files if not TEST.search(path)]
    both = [path for path in files if path in set(suspects)]
    near = [path for path in changed if tree.owner(path) in among]
    for paths in (both, near, changed, sources, files):
        counts = Counter(map(tree.owner, paths))
        if counts:
            return max(counts, key=lambda owner: (owner != ROOT, counts[owner]))
    return among[0] if among else ROOT


def _found(path: str, known: Collection[str], package: str) -> str | None:
    """Return the file of the repository that a path in a text means, if it means one."""
    return next((candidate for candidate in _candidates(path, package) if candidate in known), None)


def _candidates(path: str, package: str) -> Iterator[str]:
    plain = path.strip("()[]") if path.startswith(("(", "[")) else path
    for each in dict.fromkeys((path, plain)):
        yield posixpath.normpath(each.lstrip("/"))
        yield posixpath.normpath(posixpath.join(package, each.lstrip("/")))

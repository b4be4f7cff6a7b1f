"""The tier gate: how far a fix may go, out of its diff alone.

1: straight to main. 2: a pull request that somebody reviews. 3: an issue, with the diff as a proposal at most. FAIL:
the patch goes nowhere, and the issue tells why. What the model wishes for can only make it less. A change makes a tier
higher, or leaves it: no file that is added to a patch lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from wcmatch import glob

from ci.gates.changes import MODES, FileChange
from ci.gates.contents import Reason, of_migration, of_source
from ci.gates.dependencies import adds_dependency
from ci.gates.formatting import formatted
from ci.gates.judges import judges_by_content
from ci.gates.lookalikes import folded
from ci.gates.places import (
    FIXTURES,
    MIGRATIONS,
    SOURCE,
    SQL,
    TESTS,
    delicate,
    places,
    sensitive,
)
from ci.gates.recording import Count, decide, joined, number, quoted, whole
from ci.gates.refusals import refusals
from ci.model import Outcome, Ruling
from ci.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_FILES = 50  # a fix of more than that is none
MOST_LINES = 2000
_LINE = 200  # characters of a line that count as one
_OF_LOCK = 25  # times as many lines as elsewhere, where a lock file alone is repaired
_TOLD = 12
_FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.FORCEUNIX | glob.IGNORECASE


@dataclass(frozen=True, kw_only=True)
class TierObserved:
    """A patch, and what is known beside it.

    `packages` are the directories of all packages of the workspace, `named` those that the failure names, `apps` those
    that are deployed, `migrations` where `shipway.toml` says they are: all from the workspace's root, which is `prefix`
    from the repository's. A file is of the innermost package that it is in, so that "." in `named` is for files of no
    other. `protected` are more globs, from the workspace's root.

    `alike` are paths beside added files that look like them. `trusted`: everyone who committed since main was last
    green may write to the repository. `foreign`: a bot's commits are among what led here.
    """

    changes: tuple[FileChange, ...]
    named: tuple[str, ...]
    packages: tuple[str, ...]
    author: Literal["fixer", "model"]
    trusted: bool
    wished: Annotated[int, Field(ge=1, le=3)] = 1
    prefix: str = "."
    apps: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    foreign: bool = False
    files: Count = 3
    lines: Count = 40


def rule(observed: TierObserved, *, environment: str = "main") -> Ruling:
    """PASS: it may go out as far as `tier` says. FAIL: not at all. ERROR: this is not what git tells of a patch."""
    odd = [quoted(each.path) for each in observed.changes if not _readable(each)]
    if odd:
        reason = f"what changed cannot be read: {joined(odd)}"
        return decide("tier", environment, Outcome.ERROR, reason, observed, tier=3, why=[reason])
    wrong = _wrong(observed)
    raised = [*_of_all(observed), *(each for change in observed.changes for each in _of_one(change, observed))]
    lines = sum(_weight(change) for change in observed.changes)
    figures = {"files": len(observed.changes), "lines": lines}
    if wrong:
        told = [*wrong, *(each.words for each in raised)]
        reason = f"this fix may not go out: {_told(wrong)}"
        return decide("tier", environment, Outcome.FAIL, reason, observed, tier=3, why=told, **figures)
    tier = max((1, *(each.tier for each in raised)))
    why = [f"tier {each.tier}: {each.words}" for each in sorted(raised, key=lambda each: -each.tier)]
    size = f"{count(len(observed.changes), 'file')}, {count(lines, 'changed line')}"
    reason = f"tier {tier}: {size}; {_told([each.partition(': ')[2] for each in why]) or 'source of what failed'}"
    return decide("tier", environment, Outcome.PASS, reason, observed, tier=tier, why=why, **figures)


def _told(reasons: list[str]) -> str:
    rest = len(reasons) - _TOLD
    return joined([*reasons[:_TOLD], *([f"and {rest} more"] if rest > 0 else [])])


def _readable(change: FileChange) -> bool:
    there = bool(change.mode_before), bool(change.mode_after)
    expected = {"added": (False, True), "deleted": (True, False), "modified": (True, True)}[change.kind]
    return there == expected and {change.mode_before, change.mode_after} <= MODES


def _wrong(observed: TierObserved) -> list[str]:
    model = observed.author == "model"
    wrong = [each for change in observed.changes for each in refusals(change, model=model)]
    if not observed.changes:
        wrong.append("it changes nothing")
    wrong += [f"{quoted(path)} looks like a file that is added beside it" for path in observed.alike]
    lines = sum(_weight(change) for change in observed.changes)
    if len(observed.changes) > MOST_FILES or lines > MOST_LINES:
        size = f"{count(len(observed.changes), 'file')} and {count(lines, 'changed line')}"
        wrong.append(f"it is too large: {size}, at most {MOST_FILES} and {MOST_LINES}")
    return wrong


def _of_all(observed: TierObserved) -> Iterable[Reason]:
    """Reasons that no single file is the reason of."""
    if observed.wished > 1:
        yield Reason(tier=observed.wished, words=f"tier {observed.wished} is what was asked for")
    if observed.foreign:
        yield Reason(tier=3, words="a bot's commits led here")
    if not observed.trusted:
        yield Reason(tier=2, words="not everyone who committed since main was last green is trusted")
    touched = {_app(each, observed) for each in observed.changes}
    services = [app for app in observed.apps if app in touched]
    if len(services) > 1:
        yield Reason(tier=3, words=f"it changes several services: {', '.join(map(quoted, services))}")
    if len(observed.changes) > observed.files:
        words = f"{count(len(observed.changes), 'file')}, at most {number(observed.files)}"
        yield Reason(tier=2, words=words)
    lines = sum(_weight(change) for change in observed.changes)
    most = observed.lines * (_OF_LOCK if _only_lock(observed) else 1)
    if lines > most:
        yield Reason(tier=2, words=f"{count(lines, 'changed line')}, at most {number(most)}")


def _of_one(change: FileChange, observed: TierObserved) -> Iterable[Reason]:
    """Reasons that lie in one file; none for source of a package that failed."""
    name, path = quoted(change.path), whole(change.path)
    if any(glob.globmatch(_inner(path, observed), folded(whole(each)), flags=_FLAGS) for each in observed.protected):
        yield Reason(tier=2, words=f"{name} is protected by shipway.toml")
    if _only_lock(observed):
        return  # a tool made it of manifests that people committed, and the install that follows holds it against them
    yield from _of_place(change, observed)
    owner = _owner(change, observed)
    if owner not in observed.named:
        whose = f"of {quoted(owner)}, which" if owner is not None else "outside the workspace, and"
        yield Reason(tier=2, words=f"{name} is {whose} the failure does not name")
    elif _from_workspace(path, observed.prefix).rpartition("/")[0] == ("" if owner == "." else owner):
        yield Reason(tier=2, words=f"{name} is beside a package's manifest, where its tools' files are")
    if not path.isascii():
        yield Reason(tier=2, words=f"{name} has letters beyond ASCII in its name")
    if change.kind == "deleted":
        yield Reason(tier=2, words=f"{name} is deleted")
    if change.kind == "modified" and change.mode_before != change.mode_after:
        yield Reason(tier=2, words=f"{name} is executable no more")
    if adds_dependency(change):
        yield Reason(tier=2, words=f"{name} gets a new dependency")


def _of_place(change: FileChange, observed: TierObserved) -> Iterable[Reason]:
    """Reasons by where a file is, and by what stands in it there."""
    name, path = quoted(change.path), whole(change.path)
    kinds, inner = places(path), _inner(path, observed)
    # A linter or a formatter may change a test's looks, and no assertion of it: that is all that it does by itself.
    tool = observed.author == "fixer" and set(kinds) <= {TESTS, FIXTURES}
    own = tool and formatted(change, whole_text=FIXTURES in kinds)
    for place in kinds if not own else ():
        if place is not MIGRATIONS and not (place is SQL and MIGRATIONS in kinds):
            yield Reason(tier=place.least, words=f"{name} is {place.what}")
    if not own and judges_by_content(change):
        yield Reason(tier=2, words=f"{name} is a test by what stands in it")
    only_looks = observed.author == "fixer" and formatted(change, whole_text=True)
    for what in sensitive(path):
        yield Reason(tier=2 if only_looks else 3, words=f"{name} is about {what}")
    if not only_looks and (words := delicate(path)):
        yield Reason(tier=2, words=f"{name} may be about {', '.join(words)}")
    if MIGRATIONS in kinds or any(_below(inner, folded(whole(each))) for each in observed.migrations):
        yield from of_migration(change, name)
    if SOURCE.search(folded(path)):
        found = of_source(change, name) if not only_looks else ()
        yield from (each for each in found if TESTS not in kinds or each.tier > 2)  # noqa: PLR2004 - a test's own
    else:
        yield Reason(tier=2, words=f"{name} is no source file")


def _only_lock(observed: TierObserved) -> bool:
    """Whether this is the workspace's lock file, or the repository's, that a fixer repaired, and nothing else.

    Lock files are protected because nobody can read what a model writes there. What a package manager writes follows
    from manifests that were reviewed, is checked by hash, and may run no script that is not allowed already.
    """
    if observed.author != "fixer" or len(observed.changes) != 1:
        return False
    (change,) = observed.changes
    return change.kind == "modified" and change.path in {"pnpm-lock.yaml", f"{observed.prefix}/pnpm-lock.yaml"}


def _weight(change: FileChange) -> int:
    """Count changed lines; a very long one is as many as it would be in usual lengths."""
    return sum(1 + len(line) // _LINE for line in (*change.removed, *change.added))


def _owner(change: FileChange, observed: TierObserved) -> str | None:
    """Return the innermost package that a file is in, None where it is outside the workspace."""
    if not _below(change.path, observed.prefix):
        return None
    inner = _from_workspace(change.path, observed.prefix)
    homes = [each for each in observed.packages if _below(inner, each)]
    return max(homes, key=lambda each: 0 if each == "." else len(each), default=".")


def _app(change: FileChange, observed: TierObserved) -> str | None:
    """Return the app that a file is of, by where it lies where no package says so: manifests may be broken."""
    owner = _owner(change, observed)
    if owner is None or (owner in observed.apps and owner != "."):
        return owner
    inner = _from_workspace(change.path, observed.prefix)
    homes = [each for each in observed.apps if each != "." and _below(inner, each)]
    return max(homes, key=len, default=owner)


def _inner(path: str, observed: TierObserved) -> str:
    return _from_workspace(folded(path), folded(whole(observed.prefix)))


def _from_workspace(path: str, prefix: str) -> str:
    return path if prefix == "." else path.removeprefix(f"{prefix.rstrip('/')}/")


def _below(path: str, directory: str) -> bool:
    return directory == "." or path.startswith(f"{directory.rstrip('/')}/")

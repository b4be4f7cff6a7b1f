"""The integrity gate: whether a patch makes the failure go away by making the code right.

What ran is the base commit's tests and configurations over the patched source, so that a patch cannot prove itself by
tests of its own. FAIL comes in two kinds, told apart in the ruling's values. `denied`: the diff holds what makes a
check say less; the runs may be well, and somebody who reads the diff may take it: a pull request at most, that names
each. `unproven`: the runs say that the failure is not gone, or something else broke: the patch is wrong, and goes
nowhere but into the issue's history. Whatever is no PASS is no proof: ERROR and NODATA are runs to be made again,
INCONCLUSIVE one that does not settle it; none of them goes out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.gates.changes import FileChange
from ci.gates.denials import denials
from ci.gates.recording import Count, decide, joined, number, quoted, whole
from ci.model import Outcome, Ruling, Status
from ci.text import count

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

_GREEN = frozenset({Status.PASSED, Status.FLAKY})
_NAMED = 5
_TOLD = 20


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A run: ids of what was executed, and of what failed in it. `ended`: it came to its end by itself.

    An id is a test's (`file > titles`); a check that has no tests is its own id (`lint/eslint@apps/web`), and what it
    complains of one more (`lint/eslint@apps/web > rule file`), executed wherever the check was. A skipped test was
    not executed.
    """

    executed: tuple[str, ...]
    failed: tuple[str, ...] = ()
    ended: bool = True
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Affected:
    """A check of what a patch affects, as it ended on the patched commit."""

    id: str
    status: Status


@dataclass(frozen=True, kw_only=True)
class IntegrityObserved:
    """What was run to prove a patch; None: it was not run.

    `failing` are the ids that the failure is about. `before` is the bad commit, `after` its tests and configurations
    over the patched source, both of the whole affected set. `repeats` are the failing ids alone on the patched source,
    `without` once more on the bad commit. Where the failure has no test (`failing` is empty) the patch brings one:
    `written` are its ids, `red` its run on the bad commit, `green` on the patched one.

    `untold`: among what failed is a check of tests that could not tell which tests it has, as where a file of them was
    not loaded. What was executed before says little then: `known` is what was executed on the last good commit.
    """

    changes: tuple[FileChange, ...]
    failing: tuple[str, ...]
    before: Tried | None
    after: Tried | None
    repeats: tuple[Tried, ...]
    affected: tuple[Affected, ...]
    without: Tried | None
    written: tuple[str, ...] = ()
    red: Tried | None = None
    green: Tried | None = None
    untold: bool = False
    known: Tried | None = None
    times: Count = 3


def rule(observed: IntegrityObserved, *, environment: str = "main") -> Ruling:
    """PASS where everything was seen and nothing speaks against it; see above for what is to be made of the others."""
    denied = [*(each for change in observed.changes for each in denials(change)), *_unknown(observed)]
    unproven = [*_against(observed), *_broken(observed)]
    broken = [
        f"{what} did not end: {each.reason or 'no reason is known'}" for what, each in _runs(observed) if not each.ended
    ]
    broken += [f"{quoted(each.id)} ended in error" for each in observed.affected if each.status is Status.ERROR]
    missing = _missing(observed)
    short = _short(observed)
    figures = {"denied": denied, "unproven": unproven, "broken": broken, "missing": missing, "short": short}
    for outcome, reasons in (
        (Outcome.FAIL, [*unproven, *denied]),
        (Outcome.ERROR, broken),
        (Outcome.NODATA, missing),
        (Outcome.INCONCLUSIVE, short),
    ):
        if reasons:
            told = reasons[:_TOLD] + ([f"and {len(reasons) - _TOLD} more"] if len(reasons) > _TOLD else [])
            return decide("integrity", environment, outcome, joined(told), observed, **figures)
    what = f"{count(len(observed.failing), 'failing id')} well {number(observed.times)} times, red without the patch"
    tests = f"{len(observed.after.executed) if observed.after else 0} executed, all that were before"
    new = f"; {count(len(observed.written), 'new test')} red before and green after" if observed.written else ""
    reason = f"{what}; {tests}; {count(len(observed.affected), 'affected check')} green{new}"
    return decide("integrity", environment, Outcome.PASS, reason, observed, **figures)


def _runs(observed: IntegrityObserved) -> Iterable[tuple[str, Tried]]:
    """Every run there is, with its name."""
    for what, each in (
        ("the run before the patch", observed.before),
        ("the run after it", observed.after),
        ("the run without it", observed.without),
        ("the new test's run on the bad commit", observed.red),
        ("the new test's run on the fix", observed.green),
    ):
        if each is not None:
            yield what, each
    for at, each in enumerate(observed.repeats, start=1):
        yield f"repeat {at}", each


def _against(observed: IntegrityObserved) -> list[str]:
    """What the runs that ended say against the patch."""
    found = []
    before, after = _ended(observed.before), _ended(observed.after)
    if before and after:
        gone = _unseen(before.executed, after)
        found += _some(gone, "is executed no more", "are executed no more")
        found += _some(sorted(set(after.failed) - set(before.failed)), "fails now", "fail now")
    if after:
        found += _some([each for each in observed.failing if each in after.failed], "fails still", "fail still")
    for at, repeat in enumerate(observed.repeats, start=1):
        if _ended(repeat):
            found += _some(list(repeat.failed), f"fails in repeat {at}", f"fail in repeat {at}")
    if without := _ended(observed.without):
        well = _well(observed.failing, without)
        found += _some(well, "is well without the patch too", "are well without the patch too")
    return found


def _unknown(observed: IntegrityObserved) -> list[str]:
    """Where it is not told which tests there were: those of the last good commit that the patched source lacks."""
    if not observed.untold:
        return []
    if not (known := _ended(observed.known)):
        return ["which tests there were is not known: what failed does not tell, and no commit is known to be well"]
    after = frozenset(observed.after.executed) if observed.after else frozenset()
    gone = [each for each in known.executed if not _has(each, after)]
    return _some(
        gone,
        "was executed when it was last well, and is no more",
        "were executed when it was last well, and are no more",
    )


def _broken(observed: IntegrityObserved) -> list[str]:
    """What the affected checks, and a new test, say against the patch."""
    red = [each.id for each in observed.affected if each.status is Status.FAILED]
    found = _some(red, "is red with the patch", "are red with the patch")
    if bad := _ended(observed.red):
        well = _well(observed.written, bad)
        found += _some(well, "is new and does not fail on the bad commit", "are new and do not fail on the bad commit")
    if good := _ended(observed.green):
        wrong = [each for each in observed.written if each in good.failed]
        found += _some(wrong, "is new and fails on the fix", "are new and fail on the fix")
    return found


def _missing(observed: IntegrityObserved) -> list[str]:
    found = [
        f"{what} was not made"
        for what, each in (("the run before the patch", observed.before), ("the run after it", observed.after))
        if each is None
    ]
    if not observed.affected:
        found.append("no affected check was run")
    if not observed.changes:
        found.append("there is no patch")
    if observed.failing and observed.without is None:
        found.append("the run without the patch was not made")
    if not observed.failing and not observed.written:
        found.append("the failure has no test, and the patch brings none")
    if observed.written and observed.red is None:
        found.append("the new test was not run on the bad commit")
    if observed.written and observed.green is None:
        found.append("the new test was not run on the fix")
    if observed.failing and not observed.repeats:
        found.append("the failing ids were not repeated")
    return found


def _short(observed: IntegrityObserved) -> list[str]:
    """What was run and does not tell enough."""
    found = []
    seen = [
        (f"in {what}", each, ids)
        for what, each, ids in (
            ("the run after the patch", observed.after, observed.failing),
            ("the run without it", observed.without, observed.failing),
            ("the new test's run on the bad commit", observed.red, observed.written),
            ("the new test's run on the fix", observed.green, observed.written),
            *((f"repeat {at}", each, observed.failing) for at, each in enumerate(observed.repeats, start=1)),
        )
        if each is not None
    ]
    for where, run, ids in seen:
        found += _some(_unseen(ids, run), f"was not executed {where}", f"were not executed {where}")
    if observed.failing and len(observed.repeats) < max(1, observed.times):
        found.append(f"{count(len(observed.repeats), 'repeat')}, {number(observed.times)} are needed")
    skipped = [each.id for each in observed.affected if each.status not in _GREEN | {Status.FAILED, Status.ERROR}]
    found += _some(skipped, "was skipped with the patch", "were skipped with the patch")
    if observed.before is not None and not observed.before.executed:
        found.append("nothing was executed before the patch")
    return found


def _ended(run: Tried | None) -> Tried | None:
    return run if run is not None and run.ended else None


def _unseen(ids: tuple[str, ...], run: Tried) -> list[str]:
    executed = frozenset(run.executed)
    return [each for each in ids if not _has(each, executed)]


def _well(ids: tuple[str, ...], run: Tried) -> list[str]:
    """Return the ids that were executed and did not fail."""
    unwell = {*_unseen(ids, run), *run.failed}
    return [each for each in ids if each not in unwell]


def _has(identity: str, executed: Container[str]) -> bool:
    """Whether an id was executed: by itself, or as a complaint of a check that was."""
    check, _, complaint = identity.partition(" > ")
    return identity in executed or (bool(complaint) and "@" in check and "/" in check and check in executed)


def _some(ids: list[str], one: str, many: str) -> list[str]:
    """Name ids of strangers in one reason, the first of them; none where there are none."""
    if not ids:
        return []
    rest = len(ids) - _NAMED
    named = ", ".join(quoted(whole(each)) for each in ids[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
    return [f"{named} {one if len(ids) == 1 else many}"]

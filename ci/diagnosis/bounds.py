"""Since when something is wrong, as far as runs are known: the last commit that was well, the first that was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.model import STAGE_NAMES, RunVerdict, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.model import HistoryEntry

WELL = frozenset({Status.PASSED.value, Status.FLAKY.value})
ILL = frozenset({Status.FAILED.value, Status.ERROR.value})


@dataclass(frozen=True, kw_only=True)
class Since:
    """`good` is the last commit that was well, `first_bad` the first after it that was not; None: nobody looked.

    `changed` are the files that differ between `good` and the commit in question.
    """

    good: str | None = None
    first_bad: str | None = None
    changed: tuple[str, ...] = ()


UNKNOWN = Since()


def bounds(commit: str, what: str, main: Sequence[str], looked: Mapping[str, tuple[HistoryEntry, ...]]) -> Since:
    """Return what recorded runs say; whoever asks adds the files that changed in between.

    `main` are main's own commits, the newest first, as `git rev-list --first-parent` gives them. `looked` are the runs
    of each commit, the newest first: of one that was run twice, the last word counts. `what` is a stage; where it is
    none, a whole run counts. A commit that is not main's has no bounds.
    """
    if commit not in main:
        return UNKNOWN
    behind = list(main)[list(main).index(commit) :]
    words = {each: _word(looked.get(each, ()), what) for each in behind}
    good = next((each for each in behind[1:] if words[each] is True), None)
    after = behind if good is None else behind[: behind.index(good)]
    bad = [each for each in after if words[each] is False]
    return Since(good=good, first_bad=bad[-1] if bad and good is not None else None)


def _word(runs: Sequence[HistoryEntry], what: str) -> bool | None:
    """Return whether it was well in the newest run that looked at it."""
    for run in runs:
        if what not in STAGE_NAMES:
            if run.verdict in {RunVerdict.PASSED.value, RunVerdict.FAILED.value}:
                return run.verdict == RunVerdict.PASSED.value
        elif (status := run.stages.get(what)) in WELL | ILL:
            return status in WELL
    return None

"""What ends the tries at mending an incident: as many as are allowed, the same failure again, bots among themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.diagnosis.cycle import MENDING, REVERT, flow_name, mended_by, off_thread
from ci.journal.fixes import Fate

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle
    from ci.journal import Journal
    from ci.promotion.history import Entry

BOTS = 4  # commits of bots in a row, behind which no further one goes
TRAILER = "Shipway-Cycle:"
_TRAILED = re.compile(rf"^{TRAILER} (\S+)/(\d+)$", re.MULTILINE)


async def reached(cycle: Cycle) -> str | None:
    """Return why no further try is made, None where one is."""
    if not 1 <= cycle.number <= cycle.own.cycles:
        return f"{cycle.own.cycles} cycles did not mend {cycle.beginning}"
    before = await off_thread(lambda: earlier(cycle))
    if cycle.facts.signature in before:
        return f"{cycle.incident.id} fails as {before[cycle.facts.signature]} did: what was merged did not mend it"
    newest = await cycle.history.log(cycle.commit, without=(), most=BOTS)
    if len(newest) == BOTS and all(map(is_bot, newest)):
        return f"the last {BOTS} commits up to {cycle.commit[:12]} are all by bots"
    return None


def earlier(cycle: Cycle) -> dict[str, str]:
    """Return the signatures of the other incidents that began with the same one, each with the first's id.

    Where a fix was taken back, what it was to mend is there again, which says nothing against the next try.
    """
    journal, found = cycle.journal, dict[str, str]()
    fixes = journal.fixes.of(cycle.beginning)
    back = {mended_by(journal, fix) for fix in fixes if fix.state is Fate.REVERTED}
    for each in chain(journal, cycle.beginning):
        signature = journal.cases.signature(each)
        if signature is not None and each != cycle.incident.id and each not in back:
            found.setdefault(signature, each)
    return found


def chain(journal: Journal, beginning: str) -> tuple[str, ...]:
    """Return the incidents of one failure's life: that it began with, and those about commits that were to mend it."""
    ids = [beginning]
    for fix in journal.fixes.of(beginning):
        ids.append(mended_by(journal, fix))
        if fix.commit is not None:
            ids += [each.id for each in journal.incidents.about(fix.commit)]
    return tuple(dict.fromkeys(ids))


def is_ours(journal: Journal, entry: Entry) -> bool:
    """Whether we made a commit. Anybody may write our trailer: it only tells where the journal would know of it."""
    if journal.fixes.is_ours(entry.sha):
        return True
    named = _TRAILED.search(entry.message)
    made = [flow_name(kind, named[1], int(named[2])) for kind in (MENDING, REVERT)] if named else []
    return any(facts.get("commit") == entry.sha for flow in made for facts in journal.flows.results(flow).values())


def is_bot(entry: Entry) -> bool:
    """Whether no person wrote a commit: GitHub marks the names of apps, and ours have a trailer."""
    return entry.author.endswith("[bot]") or _TRAILED.search(entry.message) is not None

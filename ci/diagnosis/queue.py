"""Which incidents wait for which half of a cycle: what a schedule or a worker does next. The journal is the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.diagnosis.cycle import FINDING, MENDING, REVERT, flow_name, leased_as, mended_by, unjudged
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage

if TYPE_CHECKING:
    from ci.journal import Flow, Journal
    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident

MAIN = "main"
OUT = "fix"  # the step that has a fix out
REVIEW = "review"  # the step that asks what became of a pull request
BEFORE = frozenset({Stage.WAITING, Stage.PROPOSED})  # the last step of a diagnosis, or its end
WAITING = "waiting"  # in the place of an incident: every one that waits
NONE_WAITS = "no incident waits for that"


def to_be_diagnosed(journal: Journal, *, looks: bool = False) -> tuple[str, ...]:
    """Return the incidents whose cause somebody with the model's key has to find, the oldest first.

    One whose case is not kept yet is left out: whoever opened it is not done with it. So is one whose commit is a fix
    that is to be taken back, and one with which nobody knows yet what it is about, but for whoever `looks` first.
    """
    found = []
    for each in journal.incidents.going_on():
        if each.state not in BEFORE:
            continue
        name = leased_as(journal.cases.beginning(each.id))
        begun = any(flow.is_open for flow in journal.flows.recent(name, kind=FINDING))
        wanted = begun or (each.state is Stage.WAITING and not waits_for_judgement(journal, each))
        known = wanted and journal.cases.signature(each.id) is not None
        clear = known and (looks or begun or to_be_looked_at(journal, each) is None)
        if clear and to_be_taken_back(journal, each) is None:
            found.append(each.id)
    return tuple(found)


def to_be_judged(journal: Journal) -> tuple[str, ...]:
    """Return the incidents that somebody with the token that writes has to go on with."""
    return tuple(each.id for each in journal.incidents.going_on() if waits_for_judgement(journal, each))


def to_be_looked_at(journal: Journal, incident: Incident) -> str | None:
    """Return the incident whose fix a person may have merged: this one may be about that commit, and go on with it.

    None where there is none, or somebody looked since this one was opened: whoever writes does, by GitHub's word.
    """
    if journal.cases.beginning(incident.id) != incident.id:
        return None
    for fix in journal.fixes.requested():
        name = flow_name(MENDING, fix.incident, fix.cycle)
        going_on = (each for each in journal.flows.recent(leased_as(fix.incident)) if each.is_open)
        if fix.incident != incident.id and any(each.id == name for each in going_on):
            looks = (each.moment for each in journal.flows.entries(name) if each.step == REVIEW)
            if max(looks, default=0.0) < incident.moment:
                return mended_by(journal, fix)
    return None


def to_be_taken_back(journal: Journal, incident: Incident) -> Fix | None:
    """Return the fix that is to be taken back before an incident is gone on with, None where none is.

    It is the one that the incident is about, or one before that no run looked at.
    """
    if incident.environment != MAIN:
        return None
    fix = journal.fixes.by_commit(incident.commit) or _unseen(journal, incident)
    if fix is None or fix.state not in {Fate.COMMITTED, Fate.REVERTED}:
        return None
    every = reverts_of(journal, fix)
    if not every or is_asked_again(journal, every[0], incident):
        return fix if fix.state is Fate.COMMITTED else None
    return fix if every[0].is_open else None


def reverts_of(journal: Journal, fix: Fix) -> tuple[Flow, ...]:
    """Return the flows that were to take a fix back, the newest first."""
    flows = journal.flows.recent(leased_as(fix.incident), kind=REVERT)
    return tuple(each for each in flows if int(each.asked["cycle"]) == fix.cycle)


def is_asked_again(journal: Journal, flow: Flow, incident: Incident) -> bool:
    """Whether it is asked once more if a fix is to blame: the commit of the flow before did not hold it at all."""
    apart = journal.flows.results(flow.id).get("blame", {}).get("apart", False)
    return bool(apart) and not flow.is_open and str(flow.asked["incident"]) != incident.id


def _unseen(journal: Journal, incident: Incident) -> Fix | None:
    """Return the newest fix that went to main by itself before an incident was opened, and no run has looked at since.

    Such a run may never come: it was cancelled, or whatever moved main starts none.
    """
    every = [each for each in journal.fixes.committed() if each.moment <= incident.moment]
    fix = every[-1] if every else None
    if fix is None or fix.commit is None:
        return None
    ran = any(each.id != incident.id for each in journal.incidents.about(fix.commit) if each.environment == MAIN)
    green = journal.runs.was_green(fix.commit, since=fix.moment, like=incident.commit)
    return None if ran or green else fix


def waits_for_judgement(journal: Journal, incident: Incident) -> bool:
    """Whether there is a proposal for an incident that was not judged to its end."""
    return bool(unjudged(journal, incident))

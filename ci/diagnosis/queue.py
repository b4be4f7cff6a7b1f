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


def to_be_diagnosed(journal: Journal, *, looks: bool = False) -> tuple[str, ...]:
    """Return the incidents whose cause somebody with the model's key has to find, the oldest first.

    One whose case is not kept yet is left out: whoever opened it is not done with it. So is one whose commit is a fix
    that is to be taken back, and one with which nobody knows yet what it is about, but for whoever `looks` first.
    """
    found = []
    for each in journal.incidents.going_on():
        if each.state not in BEFORE:
            continue
        begun = any(flow.is_open for flow in _flows(journal, each, FINDING))
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
    """Return the fix that is to be taken back before an incident is gone on with, None where none is."""
    fix = journal.fixes.by_commit(incident.commit) if incident.environment == MAIN else None
    if fix is None or fix.state not in {Fate.COMMITTED, Fate.REVERTED}:
        return None
    flow = revert_of(journal, fix)
    wanted = fix.state is Fate.COMMITTED if flow is None else flow.is_open
    return fix if wanted else None


def revert_of(journal: Journal, fix: Fix) -> Flow | None:
    """Return the flow that takes a fix back, None where none was begun: of each fix that is asked once."""
    flows = journal.flows.recent(leased_as(fix.incident))
    return next((each for each in flows if each.kind == REVERT and int(each.asked["cycle"]) == fix.cycle), None)


def waits_for_judgement(journal: Journal, incident: Incident) -> bool:
    """Whether there is a proposal for an incident that was not judged to its end."""
    return bool(unjudged(journal, incident))


def _flows(journal: Journal, incident: Incident, kind: str) -> tuple[Flow, ...]:
    beginning = journal.cases.beginning(incident.id)
    return tuple(each for each in journal.flows.recent(leased_as(beginning)) if each.kind == kind)

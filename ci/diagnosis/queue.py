"""Which incidents wait for which half of a cycle: what a schedule or a worker does next. The journal is the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.diagnosis.cycle import FINDING, MENDING, leased_as
from ci.journal.incidents import Stage

if TYPE_CHECKING:
    from ci.journal import Flow, Journal
    from ci.journal.incidents import Incident

WAITING = "waiting"  # in the place of an incident: every one that waits


def to_be_diagnosed(journal: Journal) -> tuple[str, ...]:
    """Return the incidents whose cause somebody with the model's key has to find, the oldest first.

    One whose case is not kept yet is left out: whoever opened it is not done with it.
    """
    found = []
    for each in journal.incidents.going_on():
        begun = any(flow.is_open for flow in _flows(journal, each, FINDING))
        wanted = begun or (each.state is Stage.WAITING and not waits_for_judgement(journal, each))
        if wanted and journal.cases.signature(each.id) is not None:
            found.append(each.id)
    return tuple(found)


def to_be_judged(journal: Journal) -> tuple[str, ...]:
    """Return the incidents that somebody with the token that writes has to go on with."""
    return tuple(each.id for each in journal.incidents.going_on() if waits_for_judgement(journal, each))


def waits_for_judgement(journal: Journal, incident: Incident) -> bool:
    """Whether there is a proposal for an incident that was not judged to its end."""
    judged = {int(each.asked["cycle"]) for each in _flows(journal, incident, MENDING) if not each.is_open}
    proposals = journal.proposals.of(journal.cases.beginning(incident.id))
    return any(each.cycle not in judged for each in proposals)


def _flows(journal: Journal, incident: Incident, kind: str) -> tuple[Flow, ...]:
    beginning = journal.cases.beginning(incident.id)
    return tuple(each for each in journal.flows.recent(leased_as(beginning)) if each.kind == kind)

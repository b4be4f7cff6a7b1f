"""What ends with an incident: the cycles that go on about it, when it is closed or opened anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.diagnosis.cycle import CLOSED, FINDING, MENDING, leased_as
from ci.diagnosis.queue import MAIN, OUT, waits_for_judgement
from ci.errors import ExitCode, UsageError
from ci.journal import Refusal, State
from ci.journal.incidents import Stage

if TYPE_CHECKING:
    from ci.journal import Flow, Journal
    from ci.journal.incidents import Incident

HALVES = frozenset({FINDING, MENDING})


def end(journal: Journal, incident: str, why: str) -> None:
    """End what goes on about an incident, whoever is at it: that is noticed behind the step."""
    for flow in journal.flows.recent(leased_as(journal.cases.beginning(incident))):
        if flow.is_open and flow.kind in HALVES and flow.asked["incident"] == incident:
            _end(journal, flow, why)


def sweep(journal: Journal) -> None:
    """End what nobody is at, and what is about incidents that were closed before a fix was out: a run was green.

    And have those diagnosed again whose proposal is not there to be judged: it was for what they were taken for before.
    """
    for flow in journal.flows.going_on(*HALVES):
        incident = journal.incidents.get(str(flow.asked["incident"]))
        closed = incident is not None and incident.state is Stage.CLOSED
        if closed and OUT not in journal.flows.results(flow.id) and journal.leases.of(flow.environment) is None:
            _end(journal, flow, f"{flow.asked['incident']} is closed")
    for incident in journal.incidents.going_on():
        if incident.state is Stage.PROPOSED and not waits_for_judgement(journal, incident):
            journal.incidents.move(incident.id, Stage.WAITING)


def followed(journal: Journal) -> tuple[str, ...]:
    """Return the incidents that are closed, and what is out for them is not promoted yet, or its request not closed."""
    found = []
    for flow in journal.flows.going_on(MENDING):
        incident = journal.incidents.get(str(flow.asked["incident"]))
        if incident is not None and incident.state is Stage.CLOSED and OUT in journal.flows.results(flow.id):
            found.append(incident.id)
    return tuple(found)


def demand_open(journal: Journal, incident: Incident) -> None:
    """Make sure that an incident may be gone on with. Raises UsageError for one that is closed."""
    if incident.state is not Stage.CLOSED or incident.id in followed(journal):
        return
    red = f"a run of {incident.commit[:12]} that is red opens it again"
    hint = red if incident.environment == MAIN else "a promotion that fails opens another one"
    raise UsageError(f"{incident.id} is closed", hint=hint)


def _end(journal: Journal, flow: Flow, why: str) -> None:
    refusal = Refusal(step=CLOSED, message=why, hint=None, code=int(ExitCode.GATE_REFUSED), state=State.ABORTED)
    journal.flows.refuse(flow.id, refusal)
    journal.flows.move(flow.id, State.ABORTED, why)

"""What was tried so far for an incident, and what became of it: for whoever tries next, and for people at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.diagnosis.cycle import MENDING, flow_name
from ci.diagnosis.proposed import OUT_OF_ITS_BOX, read
from ci.errors import UsageError

if TYPE_CHECKING:
    from ci.diagnosis.cycle import Cycle


def history(cycle: Cycle) -> list[str]:
    """Return what every cycle so far proposed and what became of it, a line each."""
    fixes = {each.cycle: each for each in cycle.journal.fixes.of(cycle.beginning)}
    lines = []
    for proposal in cycle.journal.proposals.of(cycle.beginning):
        try:
            said = read(proposal)
        except UsageError as error:
            lines.append(f"cycle {proposal.cycle}: {error.message}")
            continue
        flow = flow_name(MENDING, cycle.beginning, proposal.cycle)
        refusal = cycle.journal.flows.refusal(flow)
        fate = fixes[proposal.cycle].state.value if proposal.cycle in fixes else "went nowhere"
        why = f": {refusal.step}: {refusal.message}" if refusal is not None else ""
        what = OUT_OF_ITS_BOX if said.alarm else said.cause or said.over or said.ended
        lines.append(f"cycle {proposal.cycle} ({said.author or 'nobody'}): {what}; {fate}{why}")
    return lines

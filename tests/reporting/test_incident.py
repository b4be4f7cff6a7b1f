"""How far an incident is, in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ci.model import CycleRun, IncidentRun, RunVerdict
from ci.reporting.incident import PROPOSED, headline

if TYPE_CHECKING:
    from ci.model import RunReport

PATCH = "--- a/one.ts\n+++ b/one.ts\n@@ -1 +1 @@\n-1\n+2\n"
CYCLE = CycleRun(number=1, author="", cause="", approach="", fate=PROPOSED)
INCIDENT = IncidentRun(
    id="main-30bc4c181ba3",
    environment="main",
    commit="30bc4c181ba3" + "0" * 28,
    what="unit",
    reason="red",
    signature="",
    state="proposed",
    of=3,
    cycles=(CYCLE,),
)


@pytest.mark.parametrize(
    ("cycle", "said"),
    [
        (replace(CYCLE, patch=PATCH), "a fix is proposed in cycle 1 of 3"),
        (
            replace(CYCLE, cause="no model is connected"),
            "cycle 1 of 3: no fix (no model is connected); it waits to be judged",
        ),
        (CYCLE, "cycle 1 of 3: no fix (no cause was found); it waits to be judged"),
        (replace(CYCLE, patch=PATCH, fate="merged", tier=1), "over in cycle 1 of 3 (tier 1, merged)"),
    ],
)
def test_a_fix_is_called_proposed_only_where_there_is_one(green: RunReport, cycle: CycleRun, said: str) -> None:
    report = replace(green, kind="diagnosis", verdict=RunVerdict.PASSED)
    assert headline(report, replace(INCIDENT, cycles=(cycle,)), ()) == f"30bc4c181ba3: {said}"


def test_whoever_has_to_go_on_is_named_where_a_cycle_mends_nothing(green: RunReport) -> None:
    red = replace(green, kind="diagnosis", verdict=RunVerdict.FAILED)
    assert headline(red, INCIDENT, ("integrity: 2 tests are gone",)) == (
        "30bc4c181ba3: cycle 1 of 3: integrity: 2 tests are gone; another cycle follows"
    )
    assert headline(red, replace(INCIDENT, state="escalated", cycles=()), ()) == (
        "30bc4c181ba3: no cycle yet: nothing mends it; a person has to mend it"
    )

from __future__ import annotations

import pytest

from ci.gates.monitor import MonitorObserved, rule
from ci.model import Outcome


@pytest.mark.parametrize(
    ("observed", "outcome", "reason"),
    [
        (MonitorObserved(came_back=4.2), Outcome.PASS, "the test event came back after 4.2 s"),
        (MonitorObserved(connected=False), Outcome.NODATA, "no error monitor is connected"),
        (MonitorObserved(untried="no DSN"), Outcome.NODATA, 'no test event was sent: "no DSN"'),
        (MonitorObserved(error="503"), Outcome.ERROR, 'the monitor could not be asked: "503"'),
        (
            MonitorObserved(waited=90),
            Outcome.ERROR,
            "the test event did not come back in 90 s: zero errors would say nothing",
        ),
    ],
)
def test_a_monitor_is_alive_when_it_gives_the_event_back(
    observed: MonitorObserved, outcome: Outcome, reason: str
) -> None:
    found = rule(observed, environment="production")
    assert (found.ruling, found.reason) == (outcome, reason)

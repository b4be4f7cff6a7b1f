from __future__ import annotations

from ci.rehearsal import pagerduty as standing_in
from ci.vendors import pagerduty
from ci.vendors.pagerduty import Alert, Severity
from tests.vendors.hostile import Asked, Subject

KEY = "e0" + "k" * 30  # an integration's: those of rulesets begin with R
ALERT = Alert(
    key="incident-1",
    summary="production is ill",
    source="https://receipts.example.test",
    severity=Severity.CRITICAL,
    links=(("https://example.test/report", "the report"),),
    details={"commit": "abc"},
)

SUBJECT = Subject(
    name="pagerduty",
    stand_in=standing_in.PagerDuty,
    connect=lambda address, patience, transport: pagerduty.connect(
        KEY, address=f"{address}/v2", patience=patience, transport=transport
    ),
    secrets=(KEY,),
    rests=True,
    base="/v2",
    contract="pagerduty",
    asked={
        "trigger": Asked(
            run=lambda client: client.trigger(ALERT), effects=lambda it: len(it.alerts), quiet=True, status=202
        ),
        "resolve": Asked(
            prepare=lambda client: client.trigger(ALERT),
            run=lambda client: client.resolve(ALERT.key),
            quiet=True,
            status=202,
        ),
        "acknowledge": Asked(run=lambda client: client.acknowledge(ALERT.key), quiet=True, status=202),
        "change": Asked(
            run=lambda client: client.change("a deployment", source="Shipway", moment="2026-01-01T00:00:00Z"),
            effects=lambda it: len(it.changes),
            quiet=True,
            status=202,
        ),
    },
)

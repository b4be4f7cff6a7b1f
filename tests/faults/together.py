"""The row in which much is wrong at once: one red stage does not hide another."""

from __future__ import annotations

from tests.faults import code, delivery, tenancy
from tests.faults.planting import Fault, stages

_ROWS = {row.name: row for row in (*code.ROWS, *tenancy.ROWS, *delivery.ROWS)}
_PARTS = tuple(
    _ROWS[name]
    for name in (
        "an ESLint error",
        "a type error in a package that all others use",
        "a unit test that fails",
        "a new table without row-level security",
        "a page that scores below its budget",
    )
)

ROW = Fault(
    name="much at once",
    edits=tuple(edit for part in _PARTS for edit in part.edits),
    stages=stages(lint="failed", typecheck="failed", unit="failed", integration="failed", audit="failed"),
    failures=tuple(said for part in _PARTS for said in part.failures),
    others=True,
    long=False,
)

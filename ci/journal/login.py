"""A login of Postgres that is limited to what a diagnosis needs: SQL that whoever owns the journal runs once."""

from __future__ import annotations

from pathlib import Path

ROLE = "shipway_diagnosis"
_SQL = Path(__file__).parent / "diagnosis_login.sql"


def grants() -> str:
    """Return that SQL, which may be run again."""
    return _SQL.read_text(encoding="utf-8")

"""Whether the tenant outlives the transaction that set it: a pool hands the connection on as it is.

This needs a COMMIT, so it is tried on a connection of the role's own, without any row: what is compared are the
settings whose names the statement, the policies and the functions hold.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .catalog import Connection
    from .report import Report
    from .settings import Settings

NAME = "set_tenant"  # as an exemption names it
_SETTING = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")  # one that Postgres does not know itself has a dot
_SOURCES: LiteralString = """
    SELECT concat_ws(' ', qual, with_check) FROM pg_policies
    UNION ALL SELECT concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"""
_VALUES: LiteralString = "SELECT name, current_setting(name, true) FROM unnest(%s::text[]) name"


def check_lasting(connection: Connection, settings: Settings, tenant: str, report: Report) -> None:
    """Set the tenant as the role, commit, and look what is left of it."""
    reason = settings.exemption(NAME)
    if reason:
        report.notes.append(f"{NAME}: exempt: {reason}")
        return
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(settings.role)))
    texts = [settings.set_tenant, *(text for (text,) in connection.execute(_SOURCES).fetchall())]
    names = sorted({"role", *(name for text in texts for name in _SETTING.findall(text))})
    before = _values(connection, names)
    connection.commit()
    try:
        # SET takes no parameters on the server's side
        psycopg.ClientCursor(connection).execute(settings.set_tenant_query.encode(), {"tenant": tenant})
        connection.commit()
    except psycopg.Error as error:
        connection.rollback()
        said = str(error).splitlines()[0]
        report.notes.append(f"whether the tenant outlives its transaction could not be tried: {said}")
        return
    after = _values(connection, names)
    left = [name for name in names if after[name] and after[name] != before[name]]
    ok = not left
    message = (
        f"set_tenant outlives its transaction: {', '.join(left)} is still set after COMMIT, so the next request on a "
        "pooled connection begins as this tenant; set it with SET LOCAL, or set_config(..., true)"
        if left
        else "what set_tenant sets ends with the transaction"
    )
    report.role.append({"name": "session", "ok": ok, "message": message})
    if not ok:
        report.problem(None, message, kind="session")


def _values(connection: Connection, names: list[str]) -> Mapping[str, str | None]:
    return dict(connection.execute(_VALUES, [names]).fetchall())

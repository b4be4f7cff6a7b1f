"""Views and SECURITY DEFINER functions: they run with their owner's eyes, past the policies of who asks.

Whether one leaks is tried: what tenant A gets from it must not change when the rows of tenant B are gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalog import Table
    from .report import Report
    from .session import Session

_VIEWS: LiteralString = """
    WITH RECURSIVE reads AS (
        SELECT r.ev_class AS view FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = ANY (%(tables)s) AND r.ev_class <> d.refobjid
        UNION
        SELECT r.ev_class FROM reads JOIN pg_depend d ON d.refobjid = reads.view AND d.refclassid = 'pg_class'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass WHERE r.ev_class <> reads.view)
    SELECT c.oid, n.nspname, c.relname, c.relkind = 'm'
    FROM reads JOIN pg_class c ON c.oid = reads.view JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
      AND has_any_column_privilege(%(role)s, c.oid, 'SELECT')
      AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions)
                      WHERE option_name = 'security_invoker' AND option_value::bool)
    ORDER BY n.nspname, c.relname"""
_FUNCTIONS: LiteralString = """
    SELECT p.oid, n.nspname, p.proname, pg_get_function_identity_arguments(p.oid), p.pronargs <= p.pronargdefaults
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_type t ON t.oid = p.prorettype
    WHERE p.prosecdef AND p.prokind = 'f' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND has_schema_privilege(%(role)s, n.oid, 'USAGE') AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
      AND t.typname NOT IN ('trigger', 'event_trigger', 'void')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
      AND (t.typrelid = ANY (%(tables)s)
           OR EXISTS (SELECT FROM unnest(%(names)s::text[]) name
                      WHERE p.prosrc || coalesce(pg_get_function_sqlbody(p.oid), '') ~* ('\\m' || name || '\\M')))
    ORDER BY n.nspname, p.proname"""


class Surfaces:
    """Tries what the role may read that is no table."""

    def __init__(self, session: Session, tables: Sequence[Table], tenants: tuple[str, str], report: Report) -> None:
        """Take the tables whose rows must not shine through, which hold rows of both tenants."""
        self._session = session
        self._tables = tables
        self._tenants = tenants
        self._report = report

    def run(self) -> None:
        """Report each view without security_invoker, each materialised view, and each SECURITY DEFINER function."""
        execute = self._session.connection.execute
        known = {
            "tables": [table.oid for table in self._tables],
            "names": [table.name for table in self._tables],
            "role": self._session.settings.role,
        }
        for _, schema, name, stored in execute(_VIEWS, known).fetchall():
            view = sql.Identifier(schema, name)
            leaks, message = self._try(sql.SQL("{}").format(view), view if stored else None)
            kind = "a materialised view" if stored else "a view without security_invoker"
            self._report.views.append({"view": f"{schema}.{name}", "leaks": leaks, "message": f"{kind}: {message}"})
            if leaks:
                self._report.problem(
                    f"{schema}.{name}", f"{schema}.{name}, {kind}, {message}", kind="view", command="SELECT"
                )
            elif leaks is None:
                self._report.errors.append(f"{schema}.{name}: {message}")
        for _, schema, name, arguments, callable_ in execute(_FUNCTIONS, known).fetchall():
            shown = f"{schema}.{name}({arguments})"
            if callable_:
                leaks, message = self._try(sql.SQL("{}()").format(sql.Identifier(schema, name)), None)
            else:
                leaks, message = None, "it takes arguments, so it was not tried: see that it asks for the tenant itself"
            self._report.functions.append({"function": shown, "leaks": leaks, "message": message})
            if leaks:
                self._report.problem(shown, f"{shown}, a SECURITY DEFINER function, {message}", kind="function")

    def _try(self, source: sql.Composed, stored: sql.Identifier | None) -> tuple[bool | None, str]:
        try:
            with self._session.undone():
                before = self._contents(source, stored)
                self._session.hush()
                for table in self._tables:
                    self._forget(table)
                after = self._contents(source, stored)
        except psycopg.errors.InsufficientPrivilege as error:
            return False, f"refused: {str(error).splitlines()[0]}"
        except psycopg.Error as error:
            return None, f"it could not be tried: {str(error).splitlines()[0]}"
        if before != after:
            return True, "shows tenant A what belongs to tenant B"
        return False, "shows tenant A nothing of tenant B"

    def _contents(self, source: sql.Composed, stored: sql.Identifier | None) -> object:
        if stored is not None:
            self._session.connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}").format(stored))
        query = sql.SQL("SELECT md5(string_agg(x::text, chr(10) ORDER BY x::text)) FROM {} x").format(source)
        with self._session.role(self._tenants[0]):
            return self._session.connection.execute(query).fetchone()

    def _forget(self, table: Table) -> None:
        """Delete the rows of tenant B, as the owner."""
        if not self._session.bypasses:
            self._session.set_tenant(self._tenants[1])
        column = sql.Identifier(self._session.settings.tenant_column)
        delete = sql.SQL("DELETE FROM {} WHERE {}::text = {}").format(table.sql, column, sql.Literal(self._tenants[1]))
        self._session.connection.execute(delete)

"""Views without security_invoker and materialised views: read, and written through where that can be done."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from .catalog import Table, table
from .surfaces import Held, look
from .target import Target
from .trials import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .report import Report, ViewFindings
    from .rows import Row
    from .session import Session

# With the oids of the tables that each reads, and what can be written and what may be.
_VIEWS: LiteralString = """
    WITH RECURSIVE reads(view, base) AS (
        SELECT r.ev_class, d.refobjid FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = ANY (%(tables)s) AND r.ev_class <> d.refobjid
        UNION
        SELECT r.ev_class, reads.base
        FROM reads JOIN pg_depend d ON d.refobjid = reads.view AND d.refclassid = 'pg_class'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass WHERE r.ev_class <> reads.view)
    SELECT c.oid, n.nspname, c.relname, c.relkind = 'm', c.relhastriggers, array_agg(DISTINCT reads.base),
           has_any_column_privilege(%(role)s, c.oid, 'SELECT'),
           has_any_column_privilege(%(role)s, c.oid, 'INSERT') AND can & 8 > 0,
           has_any_column_privilege(%(role)s, c.oid, 'UPDATE') AND can & 4 > 0,
           has_table_privilege(%(role)s, c.oid, 'DELETE') AND can & 16 > 0
    FROM reads JOIN pg_class c ON c.oid = reads.view JOIN pg_namespace n ON n.oid = c.relnamespace,
         pg_relation_is_updatable(c.oid, true) can
    WHERE c.relkind IN ('v', 'm') AND has_schema_privilege(%(role)s, n.oid, 'USAGE')
      AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions)
                      WHERE option_name = 'security_invoker' AND option_value::bool)
    GROUP BY c.oid, n.nspname, can ORDER BY n.nspname, c.relname"""
_SEEN = 500  # rows of a view in which the tenant's column is looked for


class Views:
    """Tries what the role has any right to."""

    def __init__(self, session: Session, held: Sequence[Held], tenants: tuple[str, str], report: Report) -> None:
        """Take the tables whose rows must not shine through, which hold rows of both tenants."""
        self._session = session
        self._held = held
        self._tenants = tenants
        self._report = report

    def run(self) -> tuple[str, ...]:
        """Report each view that the role may use. Return the names of all, as `view` and `schema.view`."""
        known = {"tables": [one.table.oid for one in self._held], "role": self._session.acting}
        views = self._session.connection.execute(_VIEWS, known).fetchall()
        names: list[str] = []
        for oid, schema, name, stored, worked, bases, *rights in views:
            names += [name, f"{schema}.{name}"]
            granted = {word for word, may in zip(("SELECT", "INSERT", "UPDATE", "DELETE"), rights, strict=True) if may}
            if not granted:
                continue
            kind = "a materialised view" if stored else "a view without security_invoker"
            findings = self._report.view(f"{schema}.{name}", kind)
            reason = self._session.settings.exemption(f"{schema}.{name}", name)
            if reason:
                findings.check("select", ok=True, message=f"exempt: {reason}")
                continue
            view = table(self._session.connection, oid)
            if "SELECT" in granted:
                self._read(view, findings, stored=stored)
            if granted - {"SELECT"}:
                held = tuple(one for one in self._held if one.table.oid in bases)
                self._write(view, held, frozenset(granted), findings, worked=worked)
        return tuple(names)

    def _read(self, view: Table, findings: ViewFindings, *, stored: bool) -> None:
        seen = look(self._session, view.sql, self._held, self._tenants, view.sql if stored else None)
        if seen.leaks is None:
            findings.error(seen.message)
        else:
            findings.check("select", ok=not seen.leaks, message=seen.message, command="SELECT")

    def _write(
        self, view: Table, held: tuple[Held, ...], granted: frozenset[str], findings: ViewFindings, *, worked: bool
    ) -> None:
        """Write through it as to a table; that it can be written is what Postgres itself says."""
        if "SELECT" not in granted:
            findings.check("select", ok=True, message="it may be written only, and changes nothing of tenant B")
        trial = Trial(
            session=self._session,
            target=self._target(view, held, worked=worked),
            granted=granted,
            a=self._tenants[0],
            b=self._tenants[1],
            report=findings,
        )
        if "UPDATE" in granted:
            trial.update()
        if "DELETE" in granted:
            trial.delete()
        if trial.target.column is not None and "INSERT" in granted:
            trial.insert()
        if trial.target.column is not None and "UPDATE" in granted:
            trial.move()

    def _target(self, view: Table, held: tuple[Held, ...], *, worked: bool) -> Target:
        """Say of the view's columns what their table says of them, by name, and find its rows of both tenants."""
        declared = {column.name: column for one in held for column in one.table.columns}
        view = replace(
            view,
            columns=tuple(declared.get(column.name, column) for column in view.columns),
            unique=frozenset(name for one in held for name in one.table.unique),
        )
        mine = {name: value for one in held for name, value in one.mine.items()}
        theirs = {name: value for one in held for name, value in one.theirs.items()}
        named = self._session.settings.tenant_column
        column = named if view.column(named) is not None else None
        seen = tuple(tuple(self._rows(view, tenant)) for tenant in self._tenants)
        for name in sorted((column.name for column in view.columns), key=lambda name: name != named):
            own, other = (
                next((row for row in rows if row[name] == tenant), None)
                for rows, tenant in zip(seen, self._tenants, strict=True)
            )
            if own is not None and other is not None:
                column, mine, theirs = name, dict(own), dict(other)
                break
        bases = tuple(one.table for one in held)
        return Target(relation=view, bases=bases, column=column, mine=mine, theirs=theirs, worked=worked)

    def _rows(self, view: Table, tenant: str) -> Iterator[Row]:
        """Yield rows as the view's owner has them with the tenant set; a view that he may not read has none."""
        columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(each.name)) for each in view.columns)
        query = sql.SQL("SELECT {} FROM {} LIMIT {}").format(columns, view.sql, _SEEN)
        with self._session.undone():
            self._session.set_tenant(tenant)
            try:
                with self._session.connection.transaction():
                    rows = self._session.connection.execute(query).fetchall()
            except psycopg.Error:
                return
        for row in rows:
            yield {column.name: value for column, value in zip(view.columns, row, strict=True)}

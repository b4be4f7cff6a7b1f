"""What the statements of a trial name: a table, or a view of one, with a row of either tenant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .catalog import Column, Table
    from .rows import Row
    from .session import Session

_WRITABLE = """
    SELECT a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.oid = %s AND has_column_privilege(%s, c.oid, a.attnum, %s) AND a.attgenerated = '' AND a.attidentity <> 'a'
      AND (c.relkind <> 'v' OR c.relhastriggers OR pg_column_is_updatable(c.oid, a.attnum, false))
    ORDER BY a.attnum"""
_TRIED = 6  # columns for a blind update


@dataclass(frozen=True, kw_only=True)
class Target:
    """`relation` is named by the statements; what they did is looked for in `bases`.

    `column` of it names the tenant, None where a view has none. `mine` and `theirs` are rows of tenant A and B, by
    column and as text. `worked` says that triggers do a view's work, so that they must not be kept out.
    """

    relation: Table
    bases: tuple[Table, ...]
    column: str | None
    mine: Row
    theirs: Row
    worked: bool = False

    @property
    def is_view(self) -> bool:
        """Whether it is another relation than those that hold the rows."""
        return self.relation not in self.bases

    def writable(self, session: Session, command: str) -> Sequence[str]:
        """Return the columns that the role may INSERT or UPDATE."""
        found = session.connection.execute(_WRITABLE, [self.relation.oid, session.acting, command]).fetchall()
        return tuple(name for (name,) in found)

    def of(self, tenant: str) -> sql.Composed:
        """Return the condition that a row is this tenant's; any row where there is no such column."""
        if self.column is None:
            return sql.Composed([sql.SQL("true")])
        return sql.SQL("{}::text = {}").format(sql.Identifier(self.column), sql.Literal(tenant))

    def counting(self, tenant: str) -> sql.Composed:
        """Return what counts a tenant's rows."""
        return sql.SQL("SELECT count(*) FROM {} WHERE {}").format(self.relation.sql, self.of(tenant))

    def blind_updates(self, session: Session, tenant: str) -> Sequence[sql.Composed]:
        """Return updates of every row there is: to this tenant first, then to what its own row holds anyway."""
        may = self.writable(session, "UPDATE")
        names = [name for name in may if name in self.mine and name not in self.relation.unique and name != self.column]
        values = {self.column: tenant} if self.column in may and self.column is not None else {}
        values |= {name: value for name in names if (value := self.mine[name]) is not None}
        return [
            sql.SQL("UPDATE {} SET {} = {}").format(self.relation.sql, sql.Identifier(name), sql.Literal(value))
            for name, value in list(values.items())[:_TRIED]
        ]

    def touching(self, session: Session, tenant: str) -> sql.Composed:
        """Return an update of one tenant's rows that changes nothing. It reads, so it needs the right to."""
        may = self.writable(session, "UPDATE")
        name = self.column if self.column in may or not may else may[0]
        column = sql.Identifier(name or self.relation.columns[0].name)
        return sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(self.relation.sql, column, column, self.of(tenant))

    def handing(self, tenant: str) -> sql.Composed:
        """Return an update that makes every row this tenant's."""
        column = sql.Identifier(self.column or "")
        return sql.SQL("UPDATE {} SET {} = {}").format(self.relation.sql, column, sql.Literal(tenant))

    def inserts(self, session: Session, row: Row) -> Iterator[sql.Composed]:
        """Yield inserts of a copy of the row without what Postgres fills in, so that only a policy is in its way.

        Where that does not do, what fills in may be at fault: then with it; then without one column each, for a
        view may call one that takes no value otherwise than its table does.
        """
        may = {*self.writable(session, "INSERT"), self.column}

        def given(column: Column) -> bool:
            return column.name in may and column.name in row and not column.generated

        whole = {column.name: row[column.name] for column in self.relation.columns if given(column)}
        filled = {column.name for column in self.relation.columns if column.default} & self.relation.unique
        short = {name: value for name, value in whole.items() if name not in filled or name == self.column}
        yield self._insert(short)
        yield self._insert(whole)
        for left_out in set(short) - {self.column} if self.is_view else ():
            yield self._insert({name: value for name, value in short.items() if name != left_out})

    def _insert(self, values: Mapping[str, str | None]) -> sql.Composed:
        return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self.relation.sql,
            sql.SQL(", ").join(sql.Identifier(name) for name in values),
            sql.SQL(", ").join(sql.Literal(value) for value in values.values()),
        )

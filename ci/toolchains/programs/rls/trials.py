"""What tenant A can do to the row of tenant B, tried for real; each trial is undone.

The statements are blind where they can be: an UPDATE or DELETE without a WHERE reads nothing, so only the policy
of that command holds it back, not the one for SELECT. What they did is then seen with the owner's eyes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from .session import Outcome, Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .catalog import Column, Table
    from .report import TableReport
    from .rows import Row

_INSERTABLE = "SELECT has_column_privilege(%s, %s::oid, %s, 'INSERT')"
_TRIED = 6  # columns for a blind update


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One table with a row of tenant A (`mine`) and one of tenant B (`theirs`), both by column and as text."""

    session: Session
    table: Table
    granted: frozenset[str]
    a: str
    b: str
    mine: Row
    theirs: Row
    report: TableReport

    def run(self) -> None:
        """Try everything, and report each trial."""
        self._select()
        self._update()
        self._delete()
        self._insert()
        self._move()

    @property
    def _column(self) -> sql.Identifier:
        return sql.Identifier(self.session.settings.tenant_column)

    def _select(self) -> None:
        count = sql.SQL("SELECT count(*) FROM {} WHERE {}::text = %s").format(self.table.sql, self._column)
        with self.session.role(self.a):
            own = self.session.attempt(count, [self.a])
            other = self.session.attempt(count, [self.b])
        if "SELECT" in self.granted and not own.value:
            why = own.said or "its own row is not seen with its tenant set"
            self.report.error(f"the trial proves nothing: {why}; check set_tenant, or give rows by `seed`")
        self._say("select", "SELECT", leaks=bool(other.value), outcome=other, bad="tenant A sees rows of tenant B")

    def see_without_tenant(self, when: str) -> None:
        """Look at the table as the role with no tenant set."""
        count = sql.SQL("SELECT count(*) FROM {} WHERE {} IS NOT NULL").format(self.table.sql, self._column)
        with self.session.role(None):
            seen = self.session.attempt(count)
        bad = f"with no tenant set ({when}) rows of tenants are seen"
        self._say("unset", "SELECT", leaks=bool(seen.value), outcome=seen, bad=bad)

    def _update(self) -> None:
        outcome = Outcome()
        for column, value in self._assignments():
            update = sql.SQL("UPDATE {} SET {} = {}").format(self.table.sql, sql.Identifier(column), sql.Literal(value))
            outcome, touched = self._act(update)
            if touched or outcome.error is None:
                break
        else:
            update = sql.SQL("UPDATE {} SET {} = {} WHERE {}::text = {}").format(
                self.table.sql, self._column, self._column, self._column, sql.Literal(self.b)
            )
            outcome, touched = self._act(update)
        self._say("update", "UPDATE", leaks=touched, outcome=outcome, bad="tenant A changes rows of tenant B")

    def _assignments(self) -> Sequence[tuple[str, str | None]]:
        """Return what a blind update can write: its own tenant first, then what its own row holds anyway."""
        plain = [
            column for column in self.table.columns if not column.generated and column.name not in self.table.unique
        ]
        tenant = self.session.settings.tenant_column
        own = [(column.name, self.mine[column.name]) for column in plain if column.name != tenant]
        return [(tenant, self.a), *own][:_TRIED]

    def _delete(self) -> None:
        outcome, gone = self._act(sql.SQL("DELETE FROM {}").format(self.table.sql))
        if outcome.error is not None and not gone:
            narrow = sql.SQL("DELETE FROM {} WHERE {}::text = {}")
            outcome, gone = self._act(narrow.format(self.table.sql, self._column, sql.Literal(self.b)))
            gone = gone or outcome.constrained  # only a foreign key has saved the row
        self._say("delete", "DELETE", leaks=gone, outcome=outcome, bad="tenant A deletes rows of tenant B")

    def _insert(self) -> None:
        values = self._copy_of_theirs()
        insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            self.table.sql,
            sql.SQL(", ").join(sql.Identifier(name) for name in values),
            sql.SQL(", ").join(sql.Literal(value) for value in values.values()),
        )
        with self.session.undone():
            before = self.session.places(self.table, self.b)
            with self.session.role(self.a):
                outcome = self.session.attempt(insert)
                more = self.session.places(self.table, self.b) - before
        leaks = bool(more) or outcome.constrained
        self._say("insert", "INSERT", leaks=leaks, outcome=outcome, bad="tenant A inserts a row as tenant B")

    def _copy_of_theirs(self) -> Mapping[str, str | None]:
        """Return B's row without what Postgres fills in, so that nothing but a policy stands in its way."""

        def given(column: Column) -> bool:
            if column.name == self.session.settings.tenant_column:
                return True
            if column.generated or (column.default and column.name in self.table.unique):
                return False
            allowed = self.session.connection.execute(
                _INSERTABLE, [self.session.settings.role, self.table.oid, column.name]
            ).fetchone()
            return bool(allowed and allowed[0])

        return {column.name: self.theirs[column.name] for column in self.table.columns if given(column)}

    def _move(self) -> None:
        update = sql.SQL("UPDATE {} SET {} = {}").format(self.table.sql, self._column, sql.Literal(self.b))
        with self.session.undone():
            before = self.session.places(self.table, self.b)
            with self.session.role(self.a):
                outcome = self.session.attempt(update)
                moved = len(self.session.places(self.table, self.b)) > len(before)
        leaks = moved or outcome.constrained
        self._say("move", "UPDATE", leaks=leaks, outcome=outcome, bad="tenant A moves its row to tenant B by an update")

    def _act(self, statement: sql.Composed) -> tuple[Outcome, bool]:
        """Execute a statement as A, and say whether a row of B is no longer where it was."""
        with self.session.undone():
            before = self.session.places(self.table, self.b)
            self.session.hush()
            with self.session.role(self.a):
                outcome = self.session.attempt(statement)
                touched = bool(before - self.session.places(self.table, self.b))
        return outcome, touched

    def _say(self, name: str, command: str, *, leaks: bool, outcome: Outcome, bad: str) -> None:
        if leaks:
            only = f": only a constraint refuses it ({outcome.said})" if outcome.constrained else ""
            self.report.check(name, ok=False, message=f"{bad}{only}", command=command)
        else:
            good = f"refused: {outcome.said}" if outcome.error is not None else "no row of another tenant is touched"
            self.report.check(name, ok=True, message=good)

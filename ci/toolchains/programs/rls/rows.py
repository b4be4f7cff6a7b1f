"""A row for a tenant, with all the rows that it needs, made by the owner inside the transaction."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from .catalog import Column, Table, table
from .values import NoValueError, first_guess, other_guesses

if TYPE_CHECKING:
    from .session import Session

Row = Mapping[str, str | None]
_ATTEMPTS = 200
_CHECKED = """
    SELECT pg_get_constraintdef(oid), coalesce((SELECT array_agg(a.attname::text) FROM pg_attribute a
           WHERE a.attrelid = conrelid AND a.attnum = ANY (conkey)), '{}'), contypid <> 0
    FROM pg_constraint WHERE contype = 'c' AND conname = %s AND (conrelid = %s OR contypid <> 0)"""


class NoRowError(Exception):
    """Why no row can be made for a table, in one line."""


class Rows:
    """Makes rows, and remembers what was made for whom."""

    def __init__(self, session: Session) -> None:
        """Take the transaction to make them in."""
        self._session = session
        self._made: dict[tuple[int, str], Row] = {}
        self._numbers = itertools.count(7001)  # unlikely in a seed

    def make(self, wanted: Table, tenant: str) -> Row:
        """Return a row of the tenant in the table, a new one where there is none. Raises NoRowError."""
        return self._row(wanted, {self._session.settings.tenant_column: tenant}, tenant, ())

    def _row(self, wanted: Table, fixed: Row, tenant: str, below: tuple[Table, ...]) -> Row:
        key = (wanted.oid, tenant)
        if key in self._made and all(self._made[key].get(name) == value for name, value in fixed.items()):
            return self._made[key]
        found = self._find(wanted, fixed, tenant) if fixed else None
        if found is None:
            if any(wanted.oid == one.oid for one in below):
                circle = " -> ".join(one.name for one in (*below, wanted))
                raise NoRowError(f"its foreign keys lead in a circle: {circle}")
            found = self._insert(
                wanted, self._values(wanted, fixed, tenant, (*below, wanted)), frozenset(fixed), tenant
            )
        self._made[key] = found
        return found

    def _find(self, wanted: Table, known: Row, tenant: str) -> Row | None:
        conditions = sql.SQL(" AND ").join(
            [sql.SQL("true")]
            + [
                sql.SQL("{}::text = {}").format(sql.Identifier(name), sql.Literal(value))
                for name, value in known.items()
            ]
        )
        query = sql.SQL("SELECT {} FROM {} WHERE {} LIMIT 1").format(_as_text(wanted), wanted.sql, conditions)
        with self._session.undone():
            if not self._session.bypasses:
                self._session.set_tenant(tenant)
            row = self._session.connection.execute(query).fetchone()
        return None if row is None else _named(wanted, row)

    def _values(self, wanted: Table, fixed: Row, tenant: str, below: tuple[Table, ...]) -> dict[str, str | None]:
        """Fill what must be filled: parents first, then the rest by type."""
        values = {name: value for name, value in fixed.items() if wanted.column(name) is not None}
        tenant_column = self._session.settings.tenant_column
        if (own := wanted.column(tenant_column)) is not None and not own.generated:
            values.setdefault(tenant_column, tenant)
        must = {column.name for column in wanted.columns if column.required}
        for key in wanted.foreign_keys:
            if any(name not in values and name not in must for name in key.columns):
                continue  # a part of it may stay empty: then nothing is compared
            pairs = dict(zip(key.columns, key.targets, strict=True))
            known = {pairs[name]: values[name] for name in key.columns if name in values}
            parent = self._parent(table(self._session.connection, key.parent), known, tenant, below)
            values |= {name: parent[target] for name, target in pairs.items()}
        required = {column.name for column in wanted.columns if column.required and not column.default}
        for column in wanted.columns:
            if column.name in required and column.name not in values and not column.generated:
                try:
                    values[column.name] = first_guess(column, next(self._numbers))
                except NoValueError as error:
                    raise NoRowError(f"{wanted.shown}: {error}") from error
        return values

    def _parent(self, wanted: Table, known: Row, tenant: str, below: tuple[Table, ...]) -> Row:
        """Make a row to refer to; where none can be made, a look-up table's own one will do."""
        try:
            return self._row(wanted, known, tenant, below)
        except NoRowError:
            found = self._find(wanted, known, tenant)
            if found is None:
                raise
            return found

    def _insert(self, wanted: Table, values: dict[str, str | None], fixed: frozenset[str], tenant: str) -> Row:
        """Insert, changing what a constraint refuses, as long as there is something left to try."""
        guesses: dict[str, Iterator[tuple[str, str]]] = {}
        latest: Iterator[tuple[str, str]] = iter(())
        with_tenant = not self._session.bypasses
        for _ in range(_ATTEMPTS):
            try:
                return self._insert_once(wanted, values, tenant if with_tenant else None)
            except psycopg.errors.CheckViolation as error:
                name = error.diag.constraint_name or ""
                if name not in guesses:
                    guesses[name] = self._guesses(wanted, name, values, fixed)
                latest = guesses[name]
                self._change(wanted, values, latest, error)
            except psycopg.errors.UniqueViolation as error:
                if not self._renew(wanted, values, fixed):
                    raise NoRowError(f"{wanted.shown}: {_said(error)}; give rows by `seed`") from error
            except psycopg.errors.DataError as error:  # a guess that is no value of the type
                self._change(wanted, values, latest, error)
            except psycopg.Error as error:
                if with_tenant:
                    raise NoRowError(f"{wanted.shown}: {_said(error)}; give rows by `seed`") from error
                with_tenant = True  # a trigger or a default may read the tenant
        raise NoRowError(f"{wanted.shown}: no row was accepted in {_ATTEMPTS} attempts; give rows by `seed`")

    @staticmethod
    def _change(
        wanted: Table, values: dict[str, str | None], guesses: Iterator[tuple[str, str]], refusal: psycopg.Error
    ) -> None:
        change = next(guesses, None)
        if change is None:
            raise NoRowError(f"{wanted.shown}: {_said(refusal)}; give rows by `seed`") from refusal
        values[change[0]] = change[1]

    def _insert_once(self, wanted: Table, values: Row, tenant: str | None) -> Row:
        columns = sql.SQL(", ").join(sql.Identifier(name) for name in values)
        literals = sql.SQL(", ").join(sql.Literal(value) for value in values.values())
        what = sql.SQL("({}) VALUES ({})").format(columns, literals) if values else sql.SQL("DEFAULT VALUES")
        insert = sql.SQL("INSERT INTO {} {} RETURNING {}").format(wanted.sql, what, _as_text(wanted))
        with self._session.connection.transaction():
            if tenant is not None:
                self._session.set_tenant(tenant)
            row = self._session.connection.execute(insert).fetchone()
            if tenant is not None:
                self._session.unset_tenant()
        if row is None:
            raise NoRowError(f"{wanted.shown}: a trigger or rule swallows its rows; give them by `seed`")
        return _named(wanted, row)

    def _guesses(self, wanted: Table, constraint: str, values: Row, fixed: frozenset[str]) -> Iterator[tuple[str, str]]:
        """Yield changes of one column at a time for a check constraint, or for a partition's bound."""
        row = self._session.connection.execute(_CHECKED, [constraint, wanted.oid]).fetchone()
        if row is None:
            text, names = wanted.bound, list(wanted.partition_key)
        else:
            text, names, of_domain = row
            names = [column.name for column in wanted.columns if column.kind == "d"] if of_domain else names
        free = [column for column in wanted.columns if column.name in names and _free(column, fixed)]
        own = {name: value for name, value in values.items() if value is not None}
        for column in free:
            for guess in dict.fromkeys(other_guesses(column, text)):
                yield column.name, guess
            if column.name in own:
                yield column.name, own[column.name]

    def _renew(self, wanted: Table, values: dict[str, str | None], fixed: frozenset[str]) -> bool:
        """Give every free column of a unique index another value, and say whether there was one."""
        inherited = {name for key in wanted.foreign_keys for name in key.columns}
        renewed = False
        for name in wanted.unique & set(values) - fixed - inherited:
            column = wanted.column(name)
            if column is not None and not column.labels:
                values[name] = first_guess(column, next(self._numbers))
                renewed = True
        return renewed


def _free(column: Column, fixed: frozenset[str]) -> bool:
    return column.name not in fixed and not column.generated


def _as_text(wanted: Table) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(column.name)) for column in wanted.columns)


def _named(wanted: Table, row: tuple[str | None, ...]) -> Row:
    return {column.name: value for column, value in zip(wanted.columns, row, strict=True)}


def _said(error: psycopg.Error) -> str:
    return str(error).splitlines()[0]

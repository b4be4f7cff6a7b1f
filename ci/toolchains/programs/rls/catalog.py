"""Tables, columns and constraints, read from Postgres' own catalog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Sequence

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Column:
    """`type` is the full SQL name, `base` that of a domain's base type; `length` only where the type has one."""

    name: str
    type: str
    base: str
    kind: str  # b base, e enum, d domain, c composite, r range, m multirange
    category: str
    length: int | None
    required: bool
    default: bool
    generated: bool  # always: it takes no value
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ForeignKey:
    """`columns` refer to `targets` of the table `parent`, by its oid."""

    columns: tuple[str, ...]
    parent: int
    targets: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, or a partition of one. `bound` is a partition's own, and for a root that of all its partitions."""

    oid: int
    schema: str
    name: str
    columns: tuple[Column, ...]
    foreign_keys: tuple[ForeignKey, ...]
    unique: frozenset[str]  # columns of unique indexes
    partition: bool
    partition_key: tuple[str, ...]
    bound: str

    @property
    def shown(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> sql.Identifier:
        """The quoted name."""
        return sql.Identifier(self.schema, self.name)

    def column(self, name: str) -> Column | None:
        """Return the column of that name."""
        return next((column for column in self.columns if column.name == name), None)


_TENANT_TABLES: LiteralString = """
    SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind IN ('r', 'p') AND a.attname = %s AND NOT a.attisdropped
      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ORDER BY n.nspname, c.relname"""
_TABLE: LiteralString = """
    SELECT n.nspname, c.relname, c.relispartition,
           coalesce((SELECT array_agg(a.attname::text) FROM pg_partitioned_table p, pg_attribute a
                     WHERE p.partrelid IN (c.oid, (SELECT inhparent FROM pg_inherits WHERE inhrelid = c.oid))
                       AND a.attrelid = p.partrelid AND a.attnum = ANY (p.partattrs::int2[])), '{}'),
           coalesce(pg_get_expr(c.relpartbound, c.oid),
                    (SELECT string_agg(pg_get_expr(k.relpartbound, k.oid), ' ') FROM pg_inherits i
                     JOIN pg_class k ON k.oid = i.inhrelid WHERE i.inhparent = c.oid), ''),
           coalesce((SELECT array_agg(DISTINCT a.attname::text) FROM pg_index i
                     JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                     WHERE i.indrelid = c.oid AND i.indisunique), '{}')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s"""
_COLUMNS: LiteralString = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), format_type(b.oid, NULL), t.typtype, b.typcategory,
           CASE WHEN coalesce(nullif(t.typtypmod, -1), a.atttypmod) > 0
                THEN coalesce(nullif(t.typtypmod, -1), a.atttypmod) END,
           a.attnotnull OR t.typnotnull, a.atthasdef OR t.typdefault IS NOT NULL OR a.attidentity <> '',
           a.attgenerated <> '' OR a.attidentity = 'a',
           coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
                     FROM pg_enum e WHERE e.enumtypid = b.oid), '{}')
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_type b ON b.oid = coalesce(nullif(t.typbasetype, 0), t.oid)
    WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_FOREIGN_KEYS: LiteralString = """
    SELECT (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.conkey) WITH ORDINALITY k(num, n)
            JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.num),
           c.confrelid,
           (SELECT array_agg(a.attname::text ORDER BY k.n) FROM unnest(c.confkey) WITH ORDINALITY k(num, n)
            JOIN pg_attribute a ON a.attrelid = c.confrelid AND a.attnum = k.num)
    FROM pg_constraint c WHERE c.conrelid = %s AND c.contype = 'f'
      AND NOT EXISTS (SELECT FROM pg_class p WHERE p.oid = c.confrelid AND p.relispartition)"""


def tenant_tables(connection: Connection, tenant_column: str) -> tuple[Table, ...]:
    """Return every table of every schema of the project that has the tenant column, partitions too."""
    oids = connection.execute(_TENANT_TABLES, [tenant_column]).fetchall()
    return tuple(table(connection, oid) for (oid,) in oids)


def table(connection: Connection, oid: int) -> Table:
    """Read one table."""
    schema, name, partition, key, bound, unique = _one(connection, _TABLE, [oid])
    columns = connection.execute(_COLUMNS, [oid]).fetchall()
    foreign_keys = connection.execute(_FOREIGN_KEYS, [oid]).fetchall()
    return Table(
        oid=oid,
        schema=schema,
        name=name,
        columns=tuple(_column(row) for row in columns),
        foreign_keys=tuple(
            ForeignKey(columns=tuple(own), parent=parent, targets=tuple(targets))
            for own, parent, targets in foreign_keys
        ),
        unique=frozenset(unique),
        partition=partition,
        partition_key=tuple(key),
        bound=bound,
    )


def _column(row: Sequence[Any]) -> Column:
    name, full, base, kind, category, modifier, required, default, generated, labels = row
    text = category == "S" and modifier is not None
    return Column(
        name=name,
        type=full,
        base=base,
        kind=kind,
        category=category,
        length=modifier - 4 if text else modifier,  # the length of a text type counts its header
        required=required,
        default=default,
        generated=generated,
        labels=tuple(labels),
    )


def _one(connection: Connection, query: LiteralString, parameters: Sequence[Any]) -> tuple[Any, ...]:
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise LookupError(f"no row for {parameters}")
    return row

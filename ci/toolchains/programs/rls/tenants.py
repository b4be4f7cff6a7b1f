"""Which two tenants are tried."""

from __future__ import annotations

import collections
import uuid
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from .settings import RefusalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalog import Table
    from .session import Session


def choose_tenants(session: Session, tables: Sequence[Table]) -> tuple[str, str]:
    """Return two tenants: those named, else the two with rows in most tables, else new ones of the column's type."""
    column = session.settings.tenant_column
    types = collections.Counter(found.base for table in tables if (found := table.column(column)) is not None)
    type_ = types.most_common(1)[0][0]
    named = session.settings.tenants
    if named is not None:
        one, other = (_in_type(session, tenant, type_) for tenant in named)
        return one, other
    there: collections.Counter[str] = collections.Counter()
    if session.bypasses:
        for table in tables:
            query = sql.SQL("SELECT DISTINCT {}::text FROM {} WHERE {} IS NOT NULL LIMIT 50")
            name = sql.Identifier(column)
            there.update(
                tenant for (tenant,) in session.connection.execute(query.format(name, table.sql, name)).fetchall()
            )
    there_already = [tenant for tenant, _ in sorted(there.items(), key=lambda item: (-item[1], item[0]))][:2]
    if type_ == "uuid":
        fresh = [str(uuid.uuid4()), str(uuid.uuid4())]
    elif type_ in {"smallint", "integer", "bigint", "numeric"}:
        fresh = ["32001", "32002"]
    else:
        fresh = ["shipway-a", "shipway-b"]
    one, other, *_ = *there_already, *fresh
    return one, other


def _in_type(session: Session, tenant: str, type_: str) -> str:
    """Return the tenant as Postgres writes it."""
    try:
        query = sql.SQL("SELECT {}::{}::text").format(sql.Literal(tenant), sql.SQL(type_))
        row = session.connection.execute(query).fetchone()
    except psycopg.Error as error:
        raise RefusalError(f"{tenant!r} is no tenant: {str(error).splitlines()[0]}") from error
    return str(row[0]) if row else tenant

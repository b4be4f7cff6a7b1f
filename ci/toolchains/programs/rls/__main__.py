"""The command: settings in, report out. Exit 0 says that the report was written, not that it is good."""

from __future__ import annotations

import argparse
import collections
import contextlib
import json
import sys
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from .catalog import Connection, Table, tenant_tables
from .report import Report
from .rows import NoRowError, Row, Rows
from .session import Session
from .settings import RefusalError, Settings, read
from .structure import check_owner, check_role, check_table, rights
from .surfaces import Surfaces
from .trials import Trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


_FRESH = "on a fresh connection"


def main() -> int:
    """Verify, write the report and return the exit code."""
    parser = argparse.ArgumentParser(prog="shipway-rls", description="Verify row-level security.")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    try:
        report = verify(read(options.config))
        options.out.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")
    except RefusalError as refusal:
        sys.stderr.write(f"shipway-rls: {refusal}\n")
        return 1
    return 0


def verify(settings: Settings) -> Report:
    """Read the structure as the role, then try two tenants in a transaction of the owner that is rolled back."""
    report = Report()
    with _connected(settings.role_url, "APP_DATABASE_URL") as connection:
        tables = tenant_tables(connection, settings.tenant_column)
        roles = _roles(connection, settings, report)
        check_role(connection, roles, report)
        check_owner(connection, roles, tables, report)
    names = {name for table in tables for name in (table.name, table.shown)}
    report.errors += [
        f"{name} is exempt, but no such table has {settings.tenant_column}"
        for name in settings.exempt
        if name not in names
    ]
    if not tables:
        report.errors.append(f"no table has the column {settings.tenant_column!r}")
        return report
    with _connected(settings.owner_url, "DATABASE_URL") as connection:
        _try_tenants(Session(connection, settings), tables, report)
        connection.rollback()
    return report


@contextlib.contextmanager
def _connected(url: str, name: str) -> Iterator[Connection]:
    try:
        connection = psycopg.connect(url, connect_timeout=10, application_name="shipway-rls")
    except psycopg.Error as error:
        raise RefusalError(f"no connection by {name}: {str(error).splitlines()[0]}") from error
    with contextlib.closing(connection):
        yield connection


def _roles(connection: Connection, settings: Settings, report: Report) -> Sequence[str]:
    """Return the role, and the login that APP_DATABASE_URL names where it is another one."""
    row = connection.execute(
        "SELECT session_user::text, to_regrole(quote_ident(%s)) IS NOT NULL", [settings.role]
    ).fetchone()
    login, known = row or ("", False)
    if not known:
        raise RefusalError(f"there is no role {settings.role!r} in the database")
    if login != settings.role:
        may = connection.execute("SELECT pg_has_role(%s, 'MEMBER')", [settings.role]).fetchone()
        if not (may and may[0]):
            report.errors.append(
                f"APP_DATABASE_URL logs in as {login!r}, which is not, and cannot become, {settings.role!r}"
            )
        return (settings.role, login)
    return (settings.role,)


def _try_tenants(session: Session, tables: Sequence[Table], report: Report) -> None:
    seeded = session.settings.seed is not None
    before_seed = _look_before_seed(session, tables) if seeded else Report()
    _seed(session)
    tenants = _tenants(session, tables)
    trials, held = _trials(session, tables, tenants, report)
    report.add(before_seed, kind="unset")
    if not seeded:
        for trial in trials:
            trial.see_without_tenant(_FRESH)
    session.unset_tenant()
    for trial in trials:
        trial.run()
    with session.undone():
        session.set_tenant(tenants[0])
        session.unset_tenant()
        for trial in trials:
            trial.see_without_tenant("after another request")
    Surfaces(session, held, tenants, report).run()


def _look_before_seed(session: Session, tables: Sequence[Table]) -> Report:
    """Look with no tenant set at rows made up: a setting that a seed makes is '' ever after, where it was NULL."""
    report = Report()
    with session.undone():
        trials, _ = _trials(session, tables, _tenants(session, tables), report)
        for trial in trials:
            trial.see_without_tenant(_FRESH)
    return report


def _trials(
    session: Session, tables: Sequence[Table], tenants: tuple[str, str], report: Report
) -> tuple[list[Trial], list[Table]]:
    """Check what each table declares, and make a row of both tenants in it. Return trials, and all that hold rows."""
    settings = session.settings
    rows = Rows(session)
    trials: list[Trial] = []
    held: list[Table] = []
    for table in tables:
        entry = report.table(table.shown)
        reason = settings.exempt.get(table.shown) or settings.exempt.get(table.name)
        if reason:
            entry.check("exempt", ok=True, message=f"exempt: {reason}")
            continue
        granted = rights(session.connection, settings.role, table)
        enabled = check_table(session.connection, settings.role, table, granted, entry)
        try:
            made = _both(rows, table, tenants)
        except NoRowError as error:
            # what is open anyway needs no trial to be red; a part of a table that nobody reaches needs none at all
            if enabled and granted:
                entry.error(f"no row can be made to try it with: {error}")
            continue
        held.append(table)
        if granted:
            trials.append(
                Trial(
                    session=session,
                    table=table,
                    granted=granted,
                    a=tenants[0],
                    b=tenants[1],
                    mine=made[0],
                    theirs=made[1],
                    report=entry,
                )
            )
    return trials, held


def _both(rows: Rows, table: Table, tenants: tuple[str, str]) -> tuple[Row, Row]:
    return rows.make(table, tenants[0]), rows.make(table, tenants[1])


def _seed(session: Session) -> None:
    seed = session.settings.seed
    if seed is None:
        return
    try:
        session.connection.execute(seed.read_bytes())
    except (OSError, psycopg.Error) as error:
        raise RefusalError(f"the seed {seed} cannot be used: {str(error).splitlines()[0]}") from error
    if session.connection.info.transaction_status is not psycopg.pq.TransactionStatus.INTRANS:
        raise RefusalError(f"the seed {seed} ends the transaction: take BEGIN and COMMIT out of it")
    session.unset_tenant()  # a seed under forced policies sets each tenant, and leaves the last one behind


def _tenants(session: Session, tables: Sequence[Table]) -> tuple[str, str]:
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
            query = psycopg.sql.SQL("SELECT DISTINCT {}::text FROM {} WHERE {} IS NOT NULL LIMIT 50")
            name = psycopg.sql.Identifier(column)
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
        query = psycopg.sql.SQL("SELECT {}::{}::text").format(psycopg.sql.Literal(tenant), psycopg.sql.SQL(type_))
        row = session.connection.execute(query).fetchone()
    except psycopg.Error as error:
        raise RefusalError(f"{tenant!r} is no tenant: {str(error).splitlines()[0]}") from error
    return str(row[0]) if row else tenant


if __name__ == "__main__":
    sys.exit(main())

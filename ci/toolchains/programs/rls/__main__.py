"""The command: settings in, report out. Exit 0 says that the report was written, not that it is good."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from .catalog import Connection, Table, tenant_tables
from .functions import Functions
from .lasting import NAME, check_lasting
from .report import Report, TableFindings
from .rows import NoRowError, Rows
from .session import Session
from .settings import RefusalError, Settings, read
from .structure import check_owner, check_role, check_table, reachable, rights
from .surfaces import Held
from .target import Target
from .tenants import choose_tenants
from .trials import Trial
from .views import Views

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
    except (RefusalError, psycopg.Error) as refusal:
        sys.stderr.write(f"shipway-rls: {str(refusal).splitlines()[0]}\n")
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
        others = reachable(connection, roles)
    if not tables:
        report.errors.append(f"no table has the column {settings.tenant_column!r}")
        return report
    with _connected(settings.owner_url, "DATABASE_URL") as connection:
        session = Session(connection, settings)
        tenants, surfaces = _try_tenants(session, tables, others, report)
        connection.rollback()
    names = {NAME, *others, *surfaces, *(name for table in tables for name in (table.name, table.shown))}
    report.errors += [
        f"{name} is exempt, but no such table has {settings.tenant_column}, and no view, function or role is called so"
        for name in settings.exempt
        if name not in names
    ]
    with _connected(settings.role_url, "APP_DATABASE_URL") as connection:
        check_lasting(connection, settings, tenants[0], report)
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


def _try_tenants(
    session: Session, tables: Sequence[Table], others: Sequence[str], report: Report
) -> tuple[tuple[str, str], set[str]]:
    """Try everything. Return the tenants, and the names of all views and functions that there are to be tried."""
    seeded = session.settings.seed is not None
    before_seed = _look_before_seed(session, tables) if seeded else Report()
    _seed(session)
    tenants = choose_tenants(session, tables)
    trials, held = _trials(session, tables, tenants, report)
    report.add(before_seed, kind="unset")
    if held and not trials:
        report.errors.append(f"{session.settings.role} has no right to any table of tenants, so nothing was tried")
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
    names = {*Views(session, held, tenants, report).run(), *Functions(session, held, tenants, report).run()}
    _note_truncate(session, held, report)
    for role in others:
        names |= _try_as(session, role, held, tenants, report)
    return tenants, names


def _try_as(session: Session, role: str, held: Sequence[Held], tenants: tuple[str, str], report: Report) -> set[str]:
    """Try the same as a role that the application's may become, and report what it can do besides."""
    found = Report()
    reason = session.settings.exemption(role)
    if reason:
        report.notes.append(f"{role}: exempt: {reason}")
        return set()
    try:
        with session.acting_as(role):
            for one in held:
                entry = found.table(one.table.shown)
                if granted := rights(session.connection, role, one.table):
                    _trial(session, one, granted, tenants, entry).run(sees_own=False)
            names = {*Views(session, held, tenants, found).run(), *Functions(session, held, tenants, found).run()}
            _note_truncate(session, held, report)
    except RefusalError as refusal:
        report.errors.append(f"{session.settings.role} may become {role}, which could not be tried: {refusal}")
        return set()
    report.add_as(role, found)
    return names


def _note_truncate(session: Session, held: Sequence[Held], report: Report) -> None:
    """Say which tables the role may empty for all tenants at once."""
    role = session.acting
    named = [one.table.shown for one in held if "TRUNCATE" in rights(session.connection, role, one.table)]
    if named:
        report.notes.append(f"{role} may TRUNCATE {', '.join(named)}, which no policy holds back: revoke it")


def _look_before_seed(session: Session, tables: Sequence[Table]) -> Report:
    """Look with no tenant set at rows made up: a setting that a seed makes is '' ever after, where it was NULL."""
    report = Report()
    with session.undone():
        trials, _ = _trials(session, tables, choose_tenants(session, tables), report)
        for trial in trials:
            trial.see_without_tenant(_FRESH)
    return report


def _trials(
    session: Session, tables: Sequence[Table], tenants: tuple[str, str], report: Report
) -> tuple[list[Trial], list[Held]]:
    """Check what each table declares, and make a row of both tenants in it. Return trials, and all that hold rows."""
    settings = session.settings
    rows = Rows(session)
    trials: list[Trial] = []
    held: list[Held] = []
    for table in tables:
        entry = report.table(table.shown)
        reason = settings.exemption(table.shown, table.name)
        if reason:
            entry.check("exempt", ok=True, message=f"exempt: {reason}")
            continue
        granted = rights(session.connection, settings.role, table)
        enabled = check_table(session.connection, settings.role, table, granted, entry)
        try:
            one = Held(table=table, mine=rows.make(table, tenants[0]), theirs=rows.make(table, tenants[1]))
        except NoRowError as error:
            # what is open anyway needs no trial to be red; a part of a table that nobody reaches needs none at all
            if enabled and granted:
                entry.error(f"no row can be made to try it with: {error}")
            continue
        held.append(one)
        if granted:
            trials.append(_trial(session, one, granted, tenants, entry))
    return trials, held


def _trial(
    session: Session, one: Held, granted: frozenset[str], tenants: tuple[str, str], report: TableFindings
) -> Trial:
    target = Target(
        relation=one.table,
        bases=(one.table,),
        column=session.settings.tenant_column,
        mine=one.mine,
        theirs=one.theirs,
    )
    return Trial(session=session, target=target, granted=granted, a=tenants[0], b=tenants[1], report=report)


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


if __name__ == "__main__":
    sys.exit(main())

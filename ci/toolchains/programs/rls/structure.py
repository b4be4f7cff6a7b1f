"""The role, and what each table declares, read from the catalog over the role's own connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .catalog import Connection, Table
    from .report import Report, TableFindings

_COMMANDS = {"SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d"}
_POWERS: LiteralString = """
    SELECT rolname, rolsuper, rolbypassrls FROM pg_roles
    WHERE (rolname = ANY (%(roles)s)
           OR EXISTS (SELECT FROM unnest(%(roles)s::text[]) r WHERE pg_has_role(r, pg_roles.oid, 'MEMBER')))
      AND (rolsuper OR rolbypassrls) ORDER BY rolname <> ALL (%(roles)s), rolname"""
_OWNED: LiteralString = """
    SELECT r.rolname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner, unnest(%(roles)s::text[]) role
    WHERE c.oid = %(table)s AND pg_has_role(role, c.relowner, 'MEMBER') LIMIT 1"""
# Before Postgres 16 a member may always become what it is a member of.
_REACHABLE: LiteralString = """
    SELECT rolname::text FROM pg_roles WHERE NOT rolsuper AND NOT rolbypassrls AND rolname <> %(role)s
      AND (rolname = ANY (%(roles)s) OR EXISTS (SELECT FROM unnest(%(roles)s::text[]) r
               WHERE pg_has_role(r, oid, CASE WHEN current_setting('server_version_num')::int < 160000
                                              THEN 'MEMBER' ELSE 'SET' END)))
    ORDER BY rolname"""
_SECURITY: LiteralString = "SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE oid = %s"
_POLICIES: LiteralString = """
    SELECT polcmd::text FROM pg_policy WHERE polrelid = %s AND polpermissive
      AND EXISTS (SELECT FROM unnest(polroles) r WHERE r = 0 OR pg_has_role(%s, r, 'USAGE'))"""
_RIGHTS: LiteralString = """
    SELECT has_any_column_privilege(%(role)s, %(table)s::oid, 'SELECT'),
           has_any_column_privilege(%(role)s, %(table)s::oid, 'INSERT'),
           has_any_column_privilege(%(role)s, %(table)s::oid, 'UPDATE'),
           has_table_privilege(%(role)s, %(table)s::oid, 'DELETE'),
           has_table_privilege(%(role)s, %(table)s::oid, 'TRUNCATE')"""


def check_role(connection: Connection, roles: Sequence[str], report: Report) -> None:
    """Check that none of the roles has, or can take on, a power that looks past every policy."""
    mighty = connection.execute(_POWERS, {"roles": list(roles)}).fetchall()
    for name, superuser, _ in mighty:
        power = "is a superuser" if superuser else "has BYPASSRLS"
        how = f"{name} {power}" if name in roles else f"{roles[0]} is a member of {name}, which {power}"
        report.role.append({"name": "power", "ok": False, "message": how})
        report.problem(None, f"{how}: no policy holds it back", kind="role")
    if not mighty:
        message = f"{roles[0]} is no superuser, has no BYPASSRLS and is in no role that has"
        report.role.append({"name": "power", "ok": True, "message": message})


def check_owner(connection: Connection, roles: Sequence[str], tables: Sequence[Table], report: Report) -> None:
    """Check that the role owns no tenant table: an owner may switch its policies off."""
    owned = False
    for table in tables:
        row = connection.execute(_OWNED, {"roles": list(roles), "table": table.oid}).fetchone()
        if row is not None:
            owned = True
            how = "owns" if row[0] in roles else f"is a member of {row[0]}, which owns"
            message = f"{roles[0]} {how} {table.shown}"
            report.role.append({"name": "owner", "ok": False, "message": message})
            report.problem(table.shown, f"{message}: an owner may switch its policies off", kind="owner")
    if not owned:
        report.role.append({"name": "owner", "ok": True, "message": f"{roles[0]} owns no tenant table"})


def reachable(connection: Connection, roles: Sequence[str]) -> tuple[str, ...]:
    """Return the roles that the first of these may become, by SET ROLE or by RESET ROLE back to its login.

    Those that no policy holds back at all are wrong by themselves and left out.
    """
    found = connection.execute(_REACHABLE, {"role": roles[0], "roles": list(roles)}).fetchall()
    return tuple(name for (name,) in found)


def rights(connection: Connection, role: str, table: Table) -> frozenset[str]:
    """Return the commands that the role has any right to on the table, among them TRUNCATE."""
    row = connection.execute(_RIGHTS, {"role": role, "table": table.oid}).fetchone() or ()
    return frozenset(command for command, granted in zip((*_COMMANDS, "TRUNCATE"), row, strict=True) if granted)


def check_table(
    connection: Connection, role: str, table: Table, granted: frozenset[str], report: TableFindings
) -> bool:
    """Check that row-level security is on, forced, and has a policy for each command. Return whether it is on."""
    enabled, forced = connection.execute(_SECURITY, [table.oid]).fetchone() or (False, False)
    if table.partition and not granted:
        report.check(
            "rls", ok=True, message="a partition that the role has no right to: reached through its parent only"
        )
        return False
    report.check(
        "rls", ok=enabled, message=f"row-level security is {'enabled' if enabled else 'not enabled'}",
    )  # fmt: skip
    if not enabled:
        return False
    report.check(
        "force",
        ok=forced,
        message="row-level security is forced"
        if forced
        else "row-level security is not forced: its owner sees all rows",
    )
    there = {command for (command,) in connection.execute(_POLICIES, [table.oid, role]).fetchall()}
    for command, code in _COMMANDS.items():
        if there & {"*", code}:
            report.check("policy", ok=True, message=f"a policy for {command}")
        elif command in granted:
            report.check("policy", ok=False, message=f"no policy for {command} applies to {role}", command=command)
        else:
            report.check("policy", ok=True, message=f"no policy for {command}, and {role} has no right to it")
    if "TRUNCATE" in granted:
        report.check("truncate", ok=True, message=f"{role} may TRUNCATE it, which no policy holds back")
    return True

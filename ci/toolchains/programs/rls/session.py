"""One transaction that is never committed, in which one is now the owner, now the application's role with a tenant.

Both must be one connection: rows that the owner makes for the trial are seen by no other one. Inside it `SET ROLE`
makes Postgres apply exactly the policies and rights of a login of that role.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg import sql

from .settings import RefusalError, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .catalog import Connection, Table

_POLICY = "ExecWithCheckOptions"  # where Postgres raises that WITH CHECK refuses a row; a code could be anyone's


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a statement of the role came to: rows touched, or Postgres' refusal."""

    rows: int = 0
    value: Any = None
    error: psycopg.Error | None = None
    swallowed: bool = False  # an INSERT that Postgres has nothing against and that makes no row

    @property
    def works(self) -> bool:
        """Whether nothing was in its way."""
        return self.error is None and not self.swallowed

    @property
    def conclusive(self) -> bool:
        """Whether it got as far as the policies."""
        return self.error is None or self.by_policy or self.constrained

    @property
    def by_policy(self) -> bool:
        """Whether a policy refused the row, or a view's own check: no missing right, and no trigger's own rule."""
        return self.error is not None and self.error.diag.source_function == _POLICY

    @property
    def constrained(self) -> bool:
        """Whether a constraint of a table refused it, which Postgres looks at after the policies have let it through.

        Triggers run before them and may raise the same codes, but tell no table and column or constraint; what
        fails inside of a function says so in its context. A row that fits no partition is refused before, too.
        """
        if self.error is None or not (self.error.sqlstate or "").startswith("23"):
            return False
        told = self.error.diag
        inside = " function " in f" {told.context or ''}"
        return bool(told.table_name and (told.constraint_name or told.column_name)) and not inside

    @property
    def let_through(self) -> bool:
        """Whether no policy and no trigger was in its way."""
        return self.works or self.constrained

    @property
    def said(self) -> str:
        """Postgres' message in one line."""
        return "" if self.error is None else str(self.error).splitlines()[0]


class Session:
    """The transaction. Everything done inside `undone` leaves no trace."""

    def __init__(self, connection: Connection, settings: Settings) -> None:
        """Take an open connection of the owner. Raises RefusalError when it may not become the role."""
        self.connection = connection
        self.settings = settings
        self.acting = settings.role
        row = connection.execute("SELECT rolsuper, rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
        self.superuser, self.bypasses = row.fetchone() or (False, False)
        connection.execute("SET LOCAL statement_timeout = '20s'")
        self._allow_role()

    def _allow_role(self) -> None:
        try:
            with self.undone():
                self.become_role()
        except psycopg.errors.UndefinedObject as error:
            raise RefusalError(f"there is no role {self.acting!r} in the database") from error
        except psycopg.errors.InsufficientPrivilege:
            try:
                with self.connection.transaction():  # who created a role may grant it to himself
                    grant = sql.SQL("GRANT {} TO CURRENT_USER WITH SET TRUE")
                    self.connection.execute(grant.format(sql.Identifier(self.acting)))
                with self.undone():
                    self.become_role()
            except psycopg.Error as error:
                raise RefusalError(
                    f"the owner of DATABASE_URL may not become {self.acting!r}: {str(error).splitlines()[0]}"
                ) from error

    @contextlib.contextmanager
    def acting_as(self, role: str) -> Iterator[None]:
        """Let another role stand for the application's. Raises RefusalError when the owner may not become it."""
        before, self.acting = self.acting, role
        try:
            self._allow_role()
            yield
        finally:
            self.acting = before

    @contextlib.contextmanager
    def undone(self) -> Iterator[None]:
        """Roll back to here at the end: rows, settings and role."""
        with self.connection.transaction(force_rollback=True):
            yield

    def become_role(self) -> None:
        """Be the application's role until `become_owner` or the end of `undone`."""
        self.connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(self.acting)))

    def become_owner(self) -> None:
        """Be the owner again."""
        self.connection.execute("SET LOCAL ROLE NONE")

    def set_tenant(self, tenant: str) -> None:
        """Set the tenant as the application does."""
        cursor = psycopg.ClientCursor(self.connection)  # SET takes no parameters on the server's side
        cursor.execute(self.settings.set_tenant_query.encode(), {"tenant": tenant})

    def unset_tenant(self) -> None:
        """Bring the settings to what a transaction leaves behind that set the tenant for itself alone."""
        self.connection.execute("RESET ALL")
        self.connection.execute("SET LOCAL statement_timeout = '20s'")

    def hush(self) -> None:
        """Keep foreign keys and triggers out of a trial about policies; only a superuser can."""
        if self.superuser:
            self.connection.execute("SET LOCAL session_replication_role = replica")

    def unhush(self) -> None:
        """Let foreign keys and triggers work again."""
        if self.superuser:
            self.connection.execute("SET LOCAL session_replication_role = origin")

    @contextlib.contextmanager
    def role(self, tenant: str | None) -> Iterator[None]:
        """Be the role, with that tenant or with none, and undo it all."""
        with self.undone():
            self.become_role()
            if tenant is not None:
                self.set_tenant(tenant)
            yield

    def attempt(self, statement: sql.Composed | LiteralString) -> Outcome:
        """Execute one statement; what Postgres says against it is a value, and then nothing of it stays."""
        try:
            with self.connection.transaction():
                cursor = self.connection.execute(statement)
                row = cursor.fetchone() if cursor.description else None
                return Outcome(rows=cursor.rowcount, value=row[0] if row else None)
        except psycopg.Error as error:
            if error.sqlstate is None:  # nothing that Postgres said
                raise
            return Outcome(error=error)

    def places(self, table: Table, tenant: str) -> frozenset[tuple[int, str]]:
        """Return where the tenant's rows lie, as the owner sees them. An updated row lies elsewhere."""
        with self.undone():
            self.become_owner()
            if not self.bypasses:
                self.set_tenant(tenant)
            column = sql.Identifier(self.settings.tenant_column)
            query = sql.SQL("SELECT tableoid::int8, ctid::text FROM {} WHERE {}::text = %s").format(table.sql, column)
            return frozenset((oid, place) for oid, place in self.connection.execute(query, [tenant]).fetchall())

    def forget(self, table: Table, tenant: str) -> Outcome:
        """Delete the tenant's rows, as the owner."""
        if not self.bypasses:
            self.set_tenant(tenant)
        column = sql.Identifier(self.settings.tenant_column)
        return self.attempt(
            sql.SQL("DELETE FROM {} WHERE {}::text = {}").format(table.sql, column, sql.Literal(tenant))
        )

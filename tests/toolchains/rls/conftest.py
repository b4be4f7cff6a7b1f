"""The sound schema, and the program on it with one more fault."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import psycopg


class Database(Protocol):
    """The fixture's, of conftest."""

    def url(self, user: str = "postgres") -> str:
        """Return its address for that login."""
        ...

    def execute(self, statements: str) -> None:
        """Execute statements as the owner."""

    def connect(self) -> AbstractContextManager[psycopg.Connection[tuple[Any, ...]]]:
        """Connect as the owner."""
        ...


class Verify(Protocol):
    """The program on the sound schema with `statements` on top, and settings on top of the usual ones."""

    def __call__(
        self, statements: str = "", *, owner_url: str | None = None, role_url: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Return the report, or the refusal."""
        ...


POLICY = "tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
SCHEMA = f"""
    CREATE TYPE plan AS ENUM ('free', 'pro');
    CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL, plan plan NOT NULL);
    CREATE TABLE users (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL REFERENCES tenants,
        email text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
        role varchar(8) NOT NULL CHECK (role IN ('owner', 'member')),
        UNIQUE (tenant_id, id));
    CREATE TABLE receipts (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL, author uuid NOT NULL,
        cents integer NOT NULL CHECK (cents > 0), currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]+$'),
        at date NOT NULL, tags text[] NOT NULL, data jsonb NOT NULL,
        FOREIGN KEY (tenant_id, author) REFERENCES users (tenant_id, id));
    GRANT USAGE ON SCHEMA public TO app_user;
    GRANT SELECT, INSERT, UPDATE, DELETE ON users, receipts TO app_user;
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    ALTER TABLE users FORCE ROW LEVEL SECURITY;
    ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE receipts FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON users USING ({POLICY});
    CREATE POLICY own ON receipts USING ({POLICY});
"""
SEED = """
    SELECT set_config('app.tenant_id', '00000000-0000-4000-8000-00000000000a', true);
    INSERT INTO tenants VALUES ('00000000-0000-4000-8000-00000000000a', 'A', 'free');
    INSERT INTO users (tenant_id, email, role) VALUES ('00000000-0000-4000-8000-00000000000a', 'a@a', 'owner');
    SELECT set_config('app.tenant_id', '00000000-0000-4000-8000-00000000000b', true);
    INSERT INTO tenants VALUES ('00000000-0000-4000-8000-00000000000b', 'B', 'free');
    INSERT INTO users (tenant_id, email, role) VALUES ('00000000-0000-4000-8000-00000000000b', 'b@b', 'owner');
"""
SETTINGS = {
    "role": "app_user",
    "tenant_column": "tenant_id",
    "set_tenant": "select set_config('app.tenant_id', :tenant, true)",
}


@pytest.fixture
def verify(database: Database, environment: dict[str, str], tmp_path: Path) -> Verify:
    """Set up the sound schema and return the program: more SQL and settings in, its report out."""
    database.execute(SCHEMA)

    def run(
        statements: str = "", *, owner_url: str | None = None, role_url: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        urls = {
            "DATABASE_URL": owner_url or database.url(),
            "APP_DATABASE_URL": role_url or database.url("app_user"),
        }
        if statements:
            database.execute(statements)
        (tmp_path / "config.json").write_text(json.dumps({**SETTINGS, **settings}))
        ended = subprocess.run(
            ["shipway-rls", "--config", str(tmp_path / "config.json"), "--out", str(tmp_path / "out.json")],
            env={**environment, **urls},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if ended.returncode != 0:
            return {"refusal": ended.stderr}
        report: dict[str, Any] = json.loads((tmp_path / "out.json").read_text())
        return report

    return run


def kinds(report: dict[str, Any]) -> set[tuple[str | None, str]]:
    """Return which kind of problem is told of what."""
    return {(problem["table"], problem["kind"]) for problem in report["problems"]}

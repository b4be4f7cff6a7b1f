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
WITHOUT_DELETE = f"""
    DROP POLICY own ON receipts;
    CREATE POLICY a ON receipts FOR SELECT USING ({POLICY});
    CREATE POLICY b ON receipts FOR INSERT WITH CHECK ({POLICY});
    CREATE POLICY c ON receipts FOR UPDATE USING ({POLICY});
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


def kinds(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(problem["table"], problem["kind"]) for problem in report["problems"]}


def test_a_sound_schema_has_no_problem_and_every_table_is_really_tried(verify: Verify) -> None:
    report = verify()
    assert report["problems"] == []
    assert report["errors"] == []
    for table in report["tables"]:
        assert {"rls", "force", "policy", "select", "update", "delete", "insert", "move", "unset"} == {
            check["name"] for check in table["checks"]
        }
    assert {table["table"] for table in report["tables"]} == {"public.users", "public.receipts"}


def test_nothing_of_the_trial_stays_in_the_database(verify: Verify, database: Database) -> None:
    verify()
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("ALTER TABLE receipts DISABLE ROW LEVEL SECURITY",
         {"rls", "select", "update", "delete", "insert", "move", "unset"}),
        ("ALTER TABLE receipts NO FORCE ROW LEVEL SECURITY", {"force"}),
        (WITHOUT_DELETE, {"policy"}),
        ("DROP POLICY own ON receipts; CREATE POLICY own ON receipts USING (true)",
         {"select", "update", "delete", "insert", "move", "unset"}),
        ("CREATE POLICY more ON receipts FOR SELECT USING (true)", {"select", "unset"}),
        ("CREATE POLICY more ON receipts FOR UPDATE USING (true)", {"update", "move"}),
        ("CREATE POLICY more ON receipts FOR DELETE USING (true)", {"delete"}),
        ("CREATE POLICY more ON receipts FOR INSERT WITH CHECK (true)", {"insert"}),
        (f"CREATE POLICY more ON receipts FOR UPDATE USING ({POLICY}) WITH CHECK (true)", {"move"}),
        ("CREATE POLICY more ON receipts USING (coalesce(current_setting('app.tenant_id', true), '') = '')", {"unset"}),
    ],
)  # fmt: skip
def test_a_planted_fault_is_found_by_name_and_nothing_else_is(verify: Verify, fault: str, expected: set[str]) -> None:
    report = verify(fault)
    assert kinds(report) == {("public.receipts", kind) for kind in expected}
    assert report["errors"] == []


def test_a_role_that_looks_past_policies_or_owns_a_table_is_named(verify: Verify, database: Database) -> None:
    role = f"mighty_{database.url()[-8:]}"  # roles belong to the whole server
    database.execute(f"CREATE ROLE {role} BYPASSRLS; GRANT {role} TO app_user; ALTER TABLE receipts OWNER TO app_user")
    try:
        report = verify()
    finally:
        database.execute(f"ALTER TABLE receipts OWNER TO postgres; DROP ROLE {role}")
    assert {(None, "role"), ("public.receipts", "owner")} <= kinds(report)
    assert f"app_user is a member of {role}, which has BYPASSRLS" in report["problems"][0]["problem"]


def test_views_and_functions_that_show_other_tenants_are_found_and_those_that_do_not_are_only_listed(
    verify: Verify,
) -> None:
    report = verify("""
        CREATE VIEW leaks AS SELECT cents FROM receipts;
        CREATE VIEW leaks_too AS SELECT sum(cents) FROM leaks;
        CREATE VIEW safe WITH (security_invoker) AS SELECT cents FROM receipts;
        CREATE VIEW filtered AS SELECT * FROM receipts WHERE tenant_id::text = current_setting('app.tenant_id', true);
        CREATE MATERIALIZED VIEW stored AS SELECT tenant_id, count(*) FROM receipts GROUP BY 1;
        CREATE VIEW unreachable AS SELECT * FROM receipts;
        GRANT SELECT ON leaks, leaks_too, safe, filtered, stored TO app_user;
        CREATE FUNCTION all_receipts() RETURNS SETOF receipts LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM receipts';
        CREATE FUNCTION receipts_of(uuid) RETURNS SETOF receipts LANGUAGE sql SECURITY DEFINER
            AS 'SELECT * FROM receipts WHERE tenant_id = $1';
        CREATE FUNCTION harmless() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
    """)
    assert kinds(report) == {
        ("public.leaks", "view"),
        ("public.leaks_too", "view"),
        ("public.stored", "view"),
        ("public.all_receipts()", "function"),
    }
    assert {view["view"]: view["leaks"] for view in report["views"]}["public.filtered"] is False
    assert [function["function"] for function in report["functions"]] == [
        "public.all_receipts()",
        "public.receipts_of(uuid)",
    ]
    assert report["errors"] == []


def test_missing_rights_are_safe_and_a_named_table_is_exempt_with_its_reason(verify: Verify) -> None:
    report = verify(
        f"""
        REVOKE ALL ON users FROM app_user;
        CREATE TABLE log (tenant_id uuid NOT NULL, at timestamptz NOT NULL);
        ALTER TABLE log ENABLE ROW LEVEL SECURITY;
        ALTER TABLE log FORCE ROW LEVEL SECURITY;
        CREATE POLICY add ON log FOR INSERT WITH CHECK ({POLICY});
        GRANT INSERT ON log TO app_user;
        CREATE TABLE open (tenant_id uuid);
        """,
        exempt={"open": "public prices"},
    )
    assert report["problems"] == []
    assert report["errors"] == []
    assert {"name": "exempt", "ok": True, "message": "exempt: public prices"} in next(
        table["checks"] for table in report["tables"] if table["table"] == "public.open"
    )


def test_partitions_are_tried_for_themselves_where_the_role_can_reach_them(verify: Verify) -> None:
    report = verify(f"""
        CREATE TABLE events (tenant_id uuid NOT NULL, at date NOT NULL, what text NOT NULL) PARTITION BY RANGE (at);
        CREATE TABLE events_2031 PARTITION OF events FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
        CREATE TABLE events_2032 PARTITION OF events FOR VALUES FROM ('2032-01-01') TO ('2033-01-01');
        ALTER TABLE events ENABLE ROW LEVEL SECURITY; ALTER TABLE events FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON events USING ({POLICY});
        GRANT SELECT, INSERT, UPDATE, DELETE ON events, events_2032 TO app_user;
    """)
    assert {table for table, _ in kinds(report)} == {"public.events_2032"}
    assert ("public.events_2032", "select") in kinds(report)
    assert report["errors"] == []


def test_a_table_without_a_row_to_try_is_an_error_and_a_seed_cures_it(verify: Verify, tmp_path: Path) -> None:
    statements = f"""
        CREATE TABLE odd (tenant_id uuid NOT NULL, code text NOT NULL CHECK (md5(code) LIKE '00%'));
        ALTER TABLE odd ENABLE ROW LEVEL SECURITY; ALTER TABLE odd FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON odd USING ({POLICY});
        GRANT SELECT, INSERT, UPDATE, DELETE ON odd TO app_user;
    """
    report = verify(statements)
    assert len(report["errors"]) == 1
    assert "public.odd: no row can be made" in report["errors"][0]
    assert "odd_code_check" in report["errors"][0]
    seed = tmp_path / "seed.sql"
    seed.write_text("""
        INSERT INTO odd SELECT gen_random_uuid(), n::text FROM generate_series(1, 5000) n
        WHERE md5(n::text) LIKE '00%' LIMIT 2;
    """)
    report = verify(seed=str(seed))
    assert report["errors"] == []
    assert report["problems"] == []


SEED = """
    SELECT set_config('app.tenant_id', '00000000-0000-4000-8000-00000000000a', true);
    INSERT INTO tenants VALUES ('00000000-0000-4000-8000-00000000000a', 'A', 'free');
    INSERT INTO users (tenant_id, email, role) VALUES ('00000000-0000-4000-8000-00000000000a', 'a@a', 'owner');
    SELECT set_config('app.tenant_id', '00000000-0000-4000-8000-00000000000b', true);
    INSERT INTO tenants VALUES ('00000000-0000-4000-8000-00000000000b', 'B', 'free');
    INSERT INTO users (tenant_id, email, role) VALUES ('00000000-0000-4000-8000-00000000000b', 'b@b', 'owner');
"""


def test_a_tenant_that_the_seed_sets_is_not_left_behind(verify: Verify, tmp_path: Path) -> None:
    seed = tmp_path / "seed.sql"
    seed.write_text(SEED)
    report = verify(seed=str(seed))
    assert (report["problems"], report["errors"]) == ([], [])
    assert [entry["table"] for entry in report["tables"]] == ["public.receipts", "public.users"]
    unset = [check["message"] for check in report["tables"][1]["checks"] if check["name"] == "unset"]
    assert len(unset) == 2


def test_a_policy_that_is_open_to_a_fresh_connection_is_found_beside_a_seed(verify: Verify, tmp_path: Path) -> None:
    seed = tmp_path / "seed.sql"
    seed.write_text(SEED)
    opened = "CREATE POLICY early ON users USING (current_setting('app.tenant_id', true) IS NULL)"
    assert kinds(verify(opened, seed=str(seed))) == {("public.users", "unset")}


def test_the_settings_may_stand_in_a_variable(
    verify: Verify, database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    urls = {"DATABASE_URL": database.url(), "APP_DATABASE_URL": database.url("app_user")}
    assert verify()["problems"] == []
    ended = subprocess.run(
        ["shipway-rls", "--out", str(tmp_path / "again.json")],
        env={**environment, **urls, "SHIPWAY_RLS_CONFIG": json.dumps(SETTINGS)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads((tmp_path / "again.json").read_text())["problems"] == []


def test_a_setting_that_sets_nothing_is_no_proof(verify: Verify) -> None:
    report = verify(set_tenant="select set_config('app.typo', :tenant, true)")
    assert report["problems"] == []
    assert len(report["errors"]) == 2
    assert "the trial proves nothing" in report["errors"][0]


def test_an_owner_without_powers_and_a_plain_set_statement_will_do(verify: Verify, database: Database) -> None:
    name = f"owner_{database.url()[-8:]}"
    password = database.url().split(":")[2].split("@")[0]
    database.execute(f"""
        CREATE ROLE {name} LOGIN CREATEROLE PASSWORD '{password}';
        GRANT app_user TO {name} WITH ADMIN TRUE, SET FALSE, INHERIT FALSE;
        ALTER TABLE tenants OWNER TO {name}; ALTER TABLE users OWNER TO {name}; ALTER TABLE receipts OWNER TO {name};
    """)
    try:
        report = verify(owner_url=database.url(name), set_tenant="SET LOCAL app.tenant_id = :tenant")
    finally:
        database.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
    assert report["problems"] == []
    assert report["errors"] == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"set_tenant": "select set_config('app.tenant_id', '1', true)"}, "no :tenant in it"),
        ({"role": "nobody_here"}, "no role 'nobody_here'"),
        ({"exempt": {"users": " "}}, "exempt without a reason"),
        ({"role_url": "postgresql://app_user@127.0.0.1:1/app"}, "no connection by APP_DATABASE_URL"),
        ({"rol": "app_user"}, "unknown key 'rol'"),
    ],
)
def test_what_cannot_be_verified_is_refused_in_one_line(verify: Verify, settings: dict[str, Any], said: str) -> None:
    refusal = verify(**settings)["refusal"]
    assert said in refusal
    assert len(refusal.splitlines()) == 1

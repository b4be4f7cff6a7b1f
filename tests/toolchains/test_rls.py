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


def kinds(report: dict[str, Any]) -> set[tuple[str | None, str]]:
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


def test_a_role_without_any_right_is_no_proof(verify: Verify) -> None:
    report = verify("REVOKE ALL ON users, receipts FROM app_user")
    assert report["problems"] == []
    assert report["errors"] == ["app_user has no right to any table of tenants, so nothing was tried"]


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


ASKS_FOR_A_USER = """
    CREATE FUNCTION ask() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF coalesce(current_setting('app.user_id', true), '') = '' THEN
            RAISE EXCEPTION 'no user in the session' USING errcode = 'insufficient_privilege'; END IF;
        RETURN new; END $$;
    CREATE TRIGGER ask BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION ask();
"""
USER = "SELECT set_config('app.user_id', '1', true);"


def test_a_refusal_that_the_tenants_own_row_meets_too_proves_nothing(verify: Verify, tmp_path: Path) -> None:
    seed = tmp_path / "seed.sql"
    seed.write_text(USER + SEED)
    opened = "CREATE POLICY more ON users FOR INSERT WITH CHECK (true);"
    report = verify(ASKS_FOR_A_USER + opened, seed=str(seed))
    assert report["problems"] == []
    assert len(report["errors"]) == 1
    assert "public.users: the trial of INSERT proves nothing" in report["errors"][0]
    assert "no user in the session" in report["errors"][0]


def test_a_policy_is_tried_behind_a_trigger_that_refuses_everything(verify: Verify, tmp_path: Path) -> None:
    seed = tmp_path / "seed.sql"
    seed.write_text(USER + SEED)
    report = verify(ASKS_FOR_A_USER, seed=str(seed))
    assert (report["problems"], report["errors"], report["notes"]) == ([], [], [])


def test_a_right_that_is_missing_beside_the_table_is_no_proof_of_its_policy(verify: Verify) -> None:
    numbered = f"""
        CREATE TABLE numbered (id serial PRIMARY KEY, tenant_id uuid NOT NULL);
        ALTER TABLE numbered ENABLE ROW LEVEL SECURITY; ALTER TABLE numbered FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON numbered USING ({POLICY}) WITH CHECK (true);
        GRANT SELECT, INSERT ON numbered TO app_user;
    """
    assert kinds(verify(numbered)) == {("public.numbered", "insert")}


def test_a_trigger_that_refuses_what_is_another_tenants_is_no_constraint(verify: Verify) -> None:
    report = verify(f"""
        CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NOT (new.{POLICY}) AND current_user = 'app_user' THEN
                RAISE EXCEPTION 'wrong tenant' USING errcode = 'check_violation'; END IF;
            RETURN new; END $$;
        CREATE TRIGGER guard BEFORE INSERT OR UPDATE ON receipts FOR EACH ROW EXECUTE FUNCTION guard();
    """)
    assert (report["problems"], report["errors"], report["notes"]) == ([], [], [])
    refused = {check["message"] for table in report["tables"] for check in table["checks"] if check["name"] == "move"}
    assert "refused: wrong tenant" in refused


def test_a_row_that_only_a_constraint_keeps_out_is_a_hole(verify: Verify) -> None:
    report = verify("CREATE POLICY more ON users FOR INSERT WITH CHECK (true)")
    assert kinds(report) == {("public.users", "insert")}
    assert "only a constraint refuses it (duplicate key" in report["problems"][0]["problem"]


def test_a_policy_that_refuses_the_tenants_own_row_too_is_noted(verify: Verify) -> None:
    report = verify(
        f"DROP POLICY own ON receipts; CREATE POLICY own ON receipts USING ({POLICY}) WITH CHECK (author IS NULL)"
    )
    assert (report["problems"], report["errors"]) == ([], [])
    assert [note.partition(":")[0] for note in report["notes"]] == ["public.receipts"] * 2
    assert "policy for INSERT refuses tenant A's own row as well" in report["notes"][0]


def test_what_can_be_written_through_a_view_is_tried_too(verify: Verify) -> None:
    report = verify(
        """
        CREATE VIEW purge AS SELECT cents FROM receipts;
        GRANT DELETE ON purge TO app_user;
        CREATE VIEW written AS
            SELECT id AS number, tenant_id AS "tenantId", author, cents, currency, at, tags, data
            FROM receipts WHERE OWN;
        CREATE VIEW checked AS SELECT * FROM users WHERE OWN WITH CHECK OPTION;
        CREATE VIEW summed AS SELECT tenant_id, sum(cents) FROM receipts WHERE OWN GROUP BY 1;
        GRANT ALL ON written, checked, summed TO app_user;
        CREATE VIEW worked AS SELECT id, tenant_id, cents FROM receipts WHERE OWN;
        CREATE FUNCTION work() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
            'BEGIN UPDATE receipts SET cents = new.cents; RETURN new; END';
        CREATE TRIGGER work INSTEAD OF UPDATE ON worked FOR EACH ROW EXECUTE FUNCTION work();
        GRANT SELECT, UPDATE ON worked TO app_user;
    """.replace("OWN", POLICY)
    )
    assert {(problem["table"], problem["command"]) for problem in report["problems"]} == {
        ("public.purge", "DELETE"),
        ("public.written", "INSERT"),
        ("public.written", "UPDATE"),
        ("public.worked", "UPDATE"),
    }
    assert report["errors"] == []
    views = {view["view"]: view for view in report["views"]}
    assert views["public.purge"]["message"].endswith(": tenant A deletes rows of tenant B")
    assert views["public.checked"] == {
        "view": "public.checked",
        "leaks": False,
        "message": "a view without security_invoker: shows tenant A nothing of tenant B",
    }


def test_a_function_that_reads_by_a_detour_is_found(verify: Verify) -> None:
    report = verify("""
        CREATE VIEW every_one AS SELECT * FROM receipts;
        CREATE FUNCTION of_view() RETURNS SETOF every_one LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM every_one';
        CREATE FUNCTION plain() RETURNS bigint LANGUAGE sql AS 'SELECT sum(cents) FROM every_one';
        CREATE FUNCTION detour() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT plain()';
        CREATE FUNCTION built() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS
            $$ DECLARE n bigint; BEGIN EXECUTE 'SELECT count(*) FROM rec' || 'eipts' INTO n; RETURN n; END $$;
        CREATE FUNCTION by_number(int) RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT plain()';
        CREATE FUNCTION known() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT plain()';
        CREATE SEQUENCE numbers;
        CREATE FUNCTION next_number() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS $$SELECT nextval('numbers')$$;
        CREATE FUNCTION version_of_it() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
    """, exempt={"known": "a sum that everybody may know"})  # fmt: skip
    assert kinds(report) == {("public.of_view()", "function"), ("public.detour()", "function"),
                             ("public.built()", "function")}  # fmt: skip
    assert {entry["function"]: entry["leaks"] for entry in report["functions"] if not entry["leaks"]} == {
        "public.by_number(integer)": None,
        "public.known()": False,
        "public.next_number()": None,
    }
    assert report["errors"] == []


def test_a_role_that_the_applications_may_become_is_tried_too(verify: Verify, database: Database) -> None:
    role = f"support_{database.url()[-8:]}"  # roles belong to the whole server
    database.execute(f"""
        CREATE ROLE {role};
        GRANT {role} TO app_user WITH INHERIT FALSE, SET TRUE;
        GRANT SELECT ON receipts, users TO {role};
        CREATE POLICY support ON receipts FOR SELECT TO {role} USING (true);
    """)
    try:
        report = verify()
        exempt = verify(exempt={role: "only behind the support desk's own login"})
    finally:
        database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    assert kinds(report) == {("public.receipts", "select")}
    assert report["problems"][0]["problem"].endswith(f"tenant A sees rows of tenant B, after SET ROLE {role}")
    assert report["errors"] == []
    assert (exempt["problems"], exempt["errors"]) == ([], [])
    assert exempt["notes"] == [f"{role}: exempt: only behind the support desk's own login"]


@pytest.mark.parametrize(
    "set_tenant", ["select set_config('app.tenant_id', :tenant, false)", "SET app.tenant_id = :tenant",
                   "select be(:tenant)"]
)  # fmt: skip
def test_a_tenant_that_outlives_its_transaction_is_a_hole(verify: Verify, set_tenant: str) -> None:
    hidden = "CREATE FUNCTION be(t text) RETURNS text LANGUAGE sql AS $$SELECT set_config('app.tenant_id', t, false)$$"
    report = verify(hidden, set_tenant=set_tenant)
    assert kinds(report) == {(None, "session")}
    assert "app.tenant_id is still set after COMMIT" in report["problems"][0]["problem"]
    exempt = verify(set_tenant=set_tenant, exempt={"set_tenant": "the pool runs DISCARD ALL"})
    assert (exempt["problems"], exempt["errors"]) == ([], [])


def test_a_right_to_truncate_is_noted(verify: Verify) -> None:
    report = verify("GRANT TRUNCATE ON users, receipts TO app_user")
    assert report["problems"] == []
    (note,) = report["notes"]
    assert note.startswith("app_user may TRUNCATE public.receipts, public.users, which no policy holds back")


def test_an_exemption_for_nothing_is_an_error(verify: Verify) -> None:
    report = verify("CREATE VIEW every_one AS SELECT * FROM receipts", exempt={"every_one": "none", "evry_one": "typo"})
    assert len(report["errors"]) == 1
    assert report["errors"][0].startswith("evry_one is exempt, but no such table")


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

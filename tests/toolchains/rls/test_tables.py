from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.toolchains.rls.conftest import POLICY, SEED, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.toolchains.rls.conftest import Database, Verify

WITHOUT_DELETE = f"""
    DROP POLICY own ON receipts;
    CREATE POLICY a ON receipts FOR SELECT USING ({POLICY});
    CREATE POLICY b ON receipts FOR INSERT WITH CHECK ({POLICY});
    CREATE POLICY c ON receipts FOR UPDATE USING ({POLICY});
"""


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


def test_a_right_to_truncate_is_noted(verify: Verify) -> None:
    report = verify("GRANT TRUNCATE ON users, receipts TO app_user")
    assert report["problems"] == []
    (note,) = report["notes"]
    assert note.startswith("app_user may TRUNCATE public.receipts, public.users, which no policy holds back")

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.toolchains.rls.conftest import POLICY, SEED, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.toolchains.rls.conftest import Verify

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
    report = verify(f"CREATE POLICY more ON receipts FOR UPDATE USING ({POLICY}) WITH CHECK (true)")
    assert kinds(report) == {("public.receipts", "move")}
    assert "only a constraint refuses it (insert or update on table" in report["problems"][0]["problem"]


def test_a_trigger_may_say_whose_row_it_is(verify: Verify) -> None:
    report = verify("""
        CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF current_user = 'app_user' THEN new.tenant_id := current_setting('app.tenant_id'); END IF;
            RETURN new; END $$;
        CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION mine();
    """)
    assert (report["problems"], report["errors"], report["notes"]) == ([], [], [])


def test_a_policy_that_refuses_the_tenants_own_row_too_is_noted(verify: Verify) -> None:
    report = verify(
        f"DROP POLICY own ON receipts; CREATE POLICY own ON receipts USING ({POLICY}) WITH CHECK (author IS NULL)"
    )
    assert (report["problems"], report["errors"]) == ([], [])
    assert [note.partition(":")[0] for note in report["notes"]] == ["public.receipts"] * 2
    assert "policy for INSERT refuses tenant A's own row as well" in report["notes"][0]

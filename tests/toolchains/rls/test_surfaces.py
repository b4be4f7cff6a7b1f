from __future__ import annotations

from typing import TYPE_CHECKING

from tests.toolchains.rls.conftest import POLICY, kinds

if TYPE_CHECKING:
    from tests.toolchains.rls.conftest import Database, Verify


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


def test_a_view_is_tried_by_an_owner_whom_foreign_keys_hold_back(verify: Verify, database: Database) -> None:
    name = f"owner_{database.url()[-8:]}"
    password = database.url().split(":")[2].split("@")[0]
    database.execute(f"""
        CREATE ROLE {name} LOGIN BYPASSRLS PASSWORD '{password}';
        GRANT app_user TO {name};
        CREATE TABLE words (tenant_id uuid NOT NULL, author uuid NOT NULL,
                            FOREIGN KEY (tenant_id, author) REFERENCES users (tenant_id, id));
        ALTER TABLE words ENABLE ROW LEVEL SECURITY; ALTER TABLE words FORCE ROW LEVEL SECURITY;
        CREATE POLICY own ON words USING ({POLICY});
        CREATE VIEW every_word AS TABLE words;
        GRANT SELECT ON words, every_word TO app_user;
        GRANT ALL ON ALL TABLES IN SCHEMA public TO {name};
    """)
    try:
        report = verify(owner_url=database.url(name))
    finally:
        database.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
    assert kinds(report) == {("public.every_word", "view")}
    assert report["errors"] == []

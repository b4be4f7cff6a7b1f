from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.toolchains.rls.conftest import SETTINGS, kinds

if TYPE_CHECKING:
    from pathlib import Path

    from tests.toolchains.rls.conftest import Database, Verify


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


def test_an_exemption_for_nothing_is_an_error(verify: Verify) -> None:
    report = verify("CREATE VIEW every_one AS SELECT * FROM receipts", exempt={"every_one": "none", "evry_one": "typo"})
    assert len(report["errors"]) == 1
    assert report["errors"][0].startswith("evry_one is exempt, but no such table")


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

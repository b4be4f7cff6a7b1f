"""The example's own smoke, against the example in a world that is really up."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from ci.errors import ExitCode
from ci.gates.smoke import POINTS
from tests.conftest import ROOT, command, environment
from tests.rehearsal.test_world import started

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.long

EMAIL, PASSWORD = "smoke@example.test", "correct horse battery"
DEPLOYMENT = """
[environments.development]
addresses = {{ api = "{api}", web = "{web}" }}

[environments.development.smoke]
secrets = {{ SMOKE_EMAIL = "env://SMOKE_EMAIL", SMOKE_PASSWORD = "env://SMOKE_PASSWORD", KEY = "file://key" }}
headers = {{ X-Synthetic = "{{secret:KEY}}" }}
"""


def test_the_example_passes_its_seven_points_and_a_wrong_password_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "deployment"
    root.mkdir()
    (root / "key").write_text("synthetic-0123456789")

    def asked(password: str, *words: str) -> tuple[int, dict[str, Any], str]:
        env = environment(tmp_path / "state", SMOKE_EMAIL=EMAIL, SMOKE_PASSWORD=password)
        argv = command("smoke", "development", str(root), "--json", *words)
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=240, check=False)
        return done.returncode, json.loads(done.stdout or "{}"), done.stdout + done.stderr

    with started(tmp_path) as world, httpx.Client(trust_env=False) as client:
        web, api = world.places["Receipts"], world.places["its health"].removesuffix("/health")
        text = (ROOT / "examples/receipts/shipway.toml").read_text()
        settings = (text + DEPLOYMENT.format(api=api, web=web)).replace("[[smoke]]\n", '[[smoke]]\nwithin = "20s"\n')
        (root / "shipway.toml").write_text(settings)
        account = {"name": "Smoke", "email": EMAIL, "password": PASSWORD}
        assert client.post(f"{api}/api/auth/sign-up/email", json=account, headers={"origin": api}).is_success
        commit = client.get(f"{api}/version").json()["commit"]

        code, facts, said = asked(PASSWORD, "--commit", commit)
        assert code == ExitCode.PASSED, said
        assert facts["ruling"]["values"]["points"] == dict.fromkeys(POINTS, "passed")
        assert [run["name"] for run in facts["probes"]][:2] == ["api-serves", "web-serves"]
        assert facts["notices"] == []
        assert client.post(f"{api}/api/auth/sign-in/email", json=account, headers={"origin": api}).is_success
        assert client.get(f"{api}/api/receipts").json() == {"receipts": []}, "what was made is taken away"

        code, facts, said = asked("another one altogether", "--commit", commit)
        red = {run["name"] for run in facts["probes"] if not run["passed"]}
        assert (code, red) == (ExitCode.GATE_REFUSED, {"sign-in", "database", "file"}), said
        assert "another one altogether" not in said

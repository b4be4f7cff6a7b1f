"""The whole story, undisturbed: real stages, real deployments, real browsers, by the command that a user types."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from ci.errors import ExitCode
from tests.conftest import ROOT, command, environment

if TYPE_CHECKING:
    from pathlib import Path

WITHIN = 2400  # seconds: what else runs here may take most of the machine
SAFE = "every app serves"


@pytest.mark.long
def test_a_good_release_goes_out_and_a_bad_one_comes_back_with_nobody_asked(tmp_path: Path) -> None:
    done = subprocess.run(
        command("rehearse", "--report", str(tmp_path / "report")),
        cwd=tmp_path,
        env=environment(tmp_path / "state"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == ExitCode.PASSED, done.stdout[-6000:] + done.stderr[-2000:]
    told = json.loads((tmp_path / "report/report.json").read_text())
    assert (told["kind"], told["scenario"], told["verdict"]) == ("rehearsal", "story", "passed")
    words = [step["name"].partition(" ")[2] for step in told["steps"]]
    assert words == [
        "promote staging",
        "promote production --no-wait",
        "promote staging",
        "tick",
        "promote production",
    ]
    bad = json.loads((tmp_path / "report" / told["steps"][-1]["page"]).with_name("report.json").read_text())
    assert (bad["put_back"]["how"], bad["put_back"]["pinned"]) == ("back", bad["commit"])
    assert bad["put_back"]["detected"] > 0
    assert bad["put_back"]["recovered"] > 0
    page = (tmp_path / "report" / told["steps"][-1]["page"]).read_text()
    assert SAFE in page
    left = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "examples/receipts" not in left.stdout

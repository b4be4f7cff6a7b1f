"""The loop, undisturbed: a broken test is found, mended, proven, reviewed, merged and promoted, all of it for real."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from ci.errors import ExitCode
from tests.conftest import command, environment

if TYPE_CHECKING:
    from pathlib import Path

WITHIN = 2400  # seconds: what else runs here may take most of the machine


@pytest.mark.long
def test_a_commit_that_breaks_a_test_is_mended_and_reaches_staging(tmp_path: Path) -> None:
    done = subprocess.run(
        command("rehearse", "failing-test", "--report", str(tmp_path / "report")),
        cwd=tmp_path,
        env=environment(tmp_path / "state"),
        capture_output=True,
        text=True,
        timeout=WITHIN,
        check=False,
    )
    assert done.returncode == ExitCode.PASSED, done.stdout[-6000:] + done.stderr[-2000:]
    told = json.loads((tmp_path / "report/report.json").read_text())
    last = json.loads((tmp_path / "report" / told["steps"][-1]["page"]).with_name("report.json").read_text())
    (cycle,) = last["incident"]["cycles"]
    assert (cycle["author"], cycle["tier"], cycle["fate"]) == ("model", 1, "merged")
    assert "padStart(digits + 1, '0')" in cycle["patch"]
    assert last["incident"]["state"] == "closed"
    rulings = {ruling["gate"]: ruling["ruling"] for ruling in last["rulings"]}
    assert (rulings["tier"], rulings["integrity"]) == ("PASS", "PASS")

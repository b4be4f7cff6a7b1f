"""Workers of one run collect the tests each for themselves, and must agree on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    import pytest


def test_what_tests_are_named_depends_on_no_clock_and_no_process(request: pytest.FixtureRequest) -> None:
    names = [item.nodeid for item in request.session.items]
    files = sorted({str(Path(name.split("::", 1)[0])) for name in names})
    command = [sys.executable, "-P", "-m", "pytest", "--collect-only", "--quiet", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    again = {line for line in done.stdout.splitlines() if "::" in line}
    assert [name for name in names if name not in again] == []

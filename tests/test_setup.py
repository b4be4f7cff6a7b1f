"""The start of ./shipway and ./check: the Python environment that they set up once, and again when it is broken."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

ENVIRONMENT = Path(__file__).resolve().parent.parent / "scripts/environment"

# A Python that makes an environment of itself in no time, and whose pip has nothing to do.
PYTHON = f"""#!/bin/sh
case "$1 $2" in
"-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo made ;;
"-m pip") ;;
*) exec {shlex.quote(sys.executable)} "$@" ;;
esac
"""


def start(place: Path, *before: str) -> subprocess.CompletedProcess[str]:
    """Source the script as ./shipway does, for the requirements in `place`, and name the environment."""
    (place / "requirements.txt").touch()
    program = place / "python-program"
    program.write_text(PYTHON)
    program.chmod(0o755)
    lines = f"set -euo pipefail; root={place}; . {ENVIRONMENT}; find_python() {{ echo {program}; }}; "
    return subprocess.run(
        [*before, "bash", "-c", f'{lines} ready requirements.txt; "$venv/bin/python" -c "print(1)"; echo "$venv"'],
        env={**os.environ, "SHIPWAY_CACHE": str(place / "cache"), "HOME": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_environment_is_made_once(tmp_path: Path) -> None:
    first, second = start(tmp_path), start(tmp_path)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "setting up Python packages" in first.stderr
    assert second.stderr == ""


def test_an_environment_whose_python_is_gone_is_made_anew(tmp_path: Path) -> None:
    venv = Path(start(tmp_path).stdout.splitlines()[-1])
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/usr/bin/python3.0")
    again = start(tmp_path)
    assert again.returncode == 0, again.stderr
    assert "setting up Python packages" in again.stderr


def test_a_cache_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    directory = tmp_path / "cache/python"
    directory.mkdir(parents=True)
    directory.chmod(0o555)
    powerless = ("setpriv", "--inh-caps=-all", "--bounding-set=-all") if os.geteuid() == 0 else ()
    ended = start(tmp_path, *powerless)
    line = f"shipway: cannot write to {tmp_path}/cache (name another directory in SHIPWAY_CACHE)\n"
    assert (ended.returncode, ended.stderr) == (4, line)

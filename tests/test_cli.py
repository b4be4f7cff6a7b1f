from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("command", [(), ("run",), ("plan",), ("tools",), ("init",), ("replay",)])
def test_help_is_there_for_every_command(command: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "ci.cli", *command, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0
    assert ran.stdout.startswith("Usage: ")


def test_help_does_not_pay_for_the_driver() -> None:
    program = (
        "import sys; import ci.cli; "
        "heavy = {'pipeline', 'pydantic', 'sqlalchemy', 'rich', 'jinja2', 'anyio', 'yaml'} & set(sys.modules); "
        "print(sorted(heavy)); sys.exit(bool(heavy))"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize(
    "arguments", [("run", "--stage", "deploy"), ("run", "--slots", "-1"), ("sail",), ("run", "a", "b")]
)
def test_a_wrong_command_line_is_exit_2_and_says_what(arguments: tuple[str, ...]) -> None:
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "ci.cli", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 2
    assert "Error: " in ran.stderr
    assert "Traceback" not in ran.stderr


def ended(raising: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Let a command of the tool raise this."""
    program = f"""
import errno, sys
from ci import cli
from ci.errors import ToolError
def command():
    raise {raising}
cli._invoke = lambda _: command()
cli.main()
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_disk_that_is_full_in_mid_run_is_said_with_its_own_code() -> None:
    full = (
        "ExceptionGroup('', [ExceptionGroup('', [ToolError('x'), OSError(errno.ENOSPC, 'No space', '/c/check.json')])])"
    )
    ran = ended(full)
    assert (ran.returncode, ran.stderr) == (4, "shipway: no space left for /c/check.json (free some)\n")


def test_a_defect_is_one_line_and_is_told_even_where_its_trace_has_no_place(tmp_path: Path) -> None:
    ran = ended(r"ValueError('first line\n::error::second line')", TMPDIR=str(tmp_path))
    (trace,) = tmp_path.iterdir()
    told = f"shipway: a defect of Shipway itself: ValueError: first line (please report it with {trace})\n"
    assert (ran.returncode, ran.stderr) == (1, told)
    assert "second line" in trace.read_text(encoding="utf-8")
    raising = "(setattr(__import__('tempfile'), 'tempdir', '/proc/none'), KeyError('gone'))[1]"
    ran = ended(raising)
    assert (ran.returncode, len(ran.stderr.splitlines())) == (1, 1)
    assert ran.stderr.startswith("shipway: a defect of Shipway itself: KeyError: 'gone' (please report it; its trace")


@pytest.mark.parametrize("arguments", [("plan", "--json"), ("plan",)])
def test_a_reader_that_goes_away_ends_a_plan_and_is_no_defect(arguments: tuple[str, ...], tmp_path: Path) -> None:
    for shell, code, told in (("{} | true", 130, ""), ("{} >/dev/full", 4, "shipway: no space left for ")):
        tool = shlex.join([sys.executable, "-P", "-m", "ci.cli", *arguments, "examples/receipts"])
        ran = subprocess.run(
            ["bash", "-c", f"{shell.format(tool)}; exit ${{PIPESTATUS[0]}}"],
            cwd=ROOT,
            env={**os.environ, "SHIPWAY_STATE": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == code, ran.stderr
        assert ran.stderr.startswith(told)
        assert len(ran.stderr.splitlines()) == (1 if told else 0), ran.stderr

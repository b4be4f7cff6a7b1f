from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("command", [(), ("run",), ("plan",), ("tools",)])
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

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import UsageError
from ci.secrets import resolve

if TYPE_CHECKING:
    from pathlib import Path

SETTING = "stages.e2e.secrets.STRIPE_KEY"


def value_of(reference: str, root: Path) -> str:
    async def run() -> str:
        return await resolve(reference, root=root, setting=SETTING)

    return anyio.run(run)


def test_a_variable_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_TEST_KEY", "a value")
    assert value_of("env://STRIPE_TEST_KEY", tmp_path) == "a value"


def test_a_file_is_read_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"one\ntwo\r\n")
    assert value_of("file://key", tmp_path) == "one\ntwo"
    assert value_of(f"file://{tmp_path}/key", tmp_path / "elsewhere") == "one\ntwo"


def test_a_command_is_run_without_a_shell_and_may_use_the_callers_login(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_LOGIN", "let me in")
    (tmp_path / "vault.py").write_text("import os, sys; print(os.environ['VAULT_LOGIN'], sys.argv[1:])")
    value = value_of(f"cmd://{sys.executable} vault.py '$HOME; x' | cat", tmp_path)
    assert value == "let me in ['$HOME; x', '|', 'cat']"


@pytest.mark.parametrize(
    ("reference", "why"),
    [
        ("env://NOT_THERE", "the variable NOT_THERE is not set (export NOT_THERE, or change the reference)"),
        ("file://not-there", "not-there cannot be read: No such file or directory"),
        ("file://binary", "binary is not text in UTF-8"),
        ("file://empty", "what file:// gives is empty"),
        ("file://nul", "what file:// gives is not text"),
        ("cmd://no-such-program-here", "no-such-program-here "),
        ("cmd://sh -c 'echo hunter2; exit 3'", "sh ended with 3 (run the cmd:// line by hand to see why)"),
        ("cmd://sh 'x", "a quote in the cmd:// reference is not closed"),
        ("cmd:// ", "the cmd:// reference names no command"),
        ("hunter2", "not a reference to a secret"),
    ],
)
def test_a_reference_without_a_value_is_refused_by_the_settings_name(reference: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "empty").write_bytes(b"\n")
    (tmp_path / "nul").write_bytes(b"a\0b")
    with pytest.raises(UsageError) as caught:
        value_of(reference, tmp_path)
    assert str(caught.value).startswith(f"{SETTING}: {why}")
    assert "hunter2" not in str(caught.value)


def test_a_program_of_the_workspace_is_found_wherever_shipway_was_started(tmp_path: Path) -> None:
    program = tmp_path / "bin/secret"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o755)
    assert value_of("cmd://./bin/secret", tmp_path) == str(tmp_path)
    assert value_of("cmd://bin/secret", tmp_path) == str(tmp_path)

"""A run that could verify nothing is neither green nor red, and what is not vouched for is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Ran

    Run = Callable[..., Ran]
    Subject = Callable[[str], Path]


def test_a_stage_for_which_there_is_nothing_is_held_when_it_alone_is_asked_for(shipway: Run, subject: Subject) -> None:
    root = subject("references")
    ran = shipway("run", ".", "--stage", "e2e", cwd=root)
    assert ran.report is not None, ran.err
    assert (ran.code, ran.report["verdict"]) == (20, "held")
    assert set(ran.statuses.values()) == {"skipped"}
    assert "HELD nothing was verified, e2e skipped: " in ran.out
    assert "PASSED" not in ran.out
    assert ran.report["command"] == "shipway plan ."


def test_a_secret_too_short_to_be_redacted_is_named(shipway: Run, subject: Subject) -> None:
    root = subject("references")
    (root / "shipway.toml").write_text('[stages.e2e.secrets]\nPIN = "env://PIN"\nKEY = "env://KEY"\n')
    ran = shipway("run", ".", "--stage", "e2e", cwd=root, env={"PIN": "12x45", "KEY": "1234567x"})
    assert ran.report is not None, ran.err
    told = [notice for notice in ran.report["notices"] if "redacted" in notice]
    assert told == ["PIN is not redacted: its value is shorter than 6 characters"]

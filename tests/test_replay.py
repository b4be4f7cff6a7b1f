"""Reports with rulings of several gates, replayed by the command line; changed by hand, they do not pass for whole."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import pipeline
from ci.errors import UsageError
from ci.gates import GATES, budget, error_rate, migrations, slo, soak
from ci.gates.replay import differences
from ci.model import Outcome, Ruling
from ci.reporting.document import read_document, to_document, to_json
from tests.conftest import ROOT
from tests.gates.test_replay import made
from tests.reporting.conftest import make_green

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def rulings() -> tuple[Ruling, ...]:
    """Return what five gates say to what could be seen of a promotion; one refuses."""
    sql = "-- shipway: phase=expand\nalter table receipts add column note text;"
    looks = tuple(error_rate.Look(after=60.0 * n, errors=n, exposure=1.0 * n, requests=90 * n) for n in range(1, 6))
    return (
        budget.rule(budget.BudgetObserved(seconds=312.4), environment="staging"),
        migrations.rule(
            migrations.MigrationsObserved(pending=(migrations.Pending(name="0007_note.sql", sql=sql),)),
            environment="staging",
        ),
        soak.rule(
            soak.SoakObserved(
                commit="a1b2c3", now=900, servings=(soak.Serving(commit="a1b2c3", since=100, carries=True),)
            ),
            environment="staging",
        ),
        error_rate.rule(
            error_rate.ErrorRateObserved(
                source="Sentry", unit="minutes", baseline=error_rate.Baseline(errors=40, exposure=60.0), looks=looks
            ),
            environment="production",
        ),
        slo.rule(
            slo.SloObserved(source="spans", target=0.5, looks=(slo.Look(after=300, requests=300, slow=40),)),
            environment="production",
        ),
    )


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The report of a promotion, as it is written."""
    path = tmp_path / "report.json"
    path.write_text(to_json(replace(make_green(), kind="promotion", environment="production", rulings=rulings())))
    return path


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a report by hand."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def replayed(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    argv = [sys.executable, "-P", "-m", "ci.cli", "replay", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_report_as_it_was_written_is_the_same_and_says_so_for_each_ruling(kept: Path) -> None:
    ran = replayed(kept)
    assert (ran.returncode, ran.stderr) == (0, "")
    *lines, blank, last = ran.stdout.splitlines()
    told = [line.split(maxsplit=3) for line in lines]
    assert told == [[each.gate, each.environment, each.ruling, "the same"] for each in rulings()]
    assert {Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE} <= {each.ruling for each in rulings()}
    assert (blank, last) == ("", "all 5 rulings are the same")


def test_a_ruling_that_was_changed_by_hand_is_exit_1_and_named(kept: Path) -> None:
    changed(kept, lambda document: document["rulings"][4].update(ruling="PASS"))
    ran = replayed(kept)
    assert (ran.returncode, ran.stderr) == (1, "")
    lines = ran.stdout.splitlines()
    assert lines[4].split() == ["slo", "production", "PASS", "differs"]
    assert lines[5] == '  ruling is "PASS", and comes out as "FAIL"'
    assert lines[-1] == "1 of 5 rulings differ"
    assert sum("the same" in line for line in lines) == 4


def test_json_says_the_same_with_what_comes_out(kept: Path) -> None:
    changed(kept, lambda document: document["rulings"][0]["values"]["observed"].update(seconds=700.0))
    ran = replayed(kept, "--json")
    assert ran.returncode == 1
    first, *others = json.loads(ran.stdout)
    assert (first["gate"], first["ruling"], first["same"]) == ("budget", "PASS", False)
    assert first["again"]["ruling"] == "FAIL"
    assert 'ruling is "PASS", and comes out as "FAIL"' in first["differences"]
    assert "values.seconds is 312.4, and comes out as 700.0" in first["differences"]
    assert all(other["same"] and other["differences"] == [] for other in others)


def test_a_report_without_rulings_says_so_and_passes(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(to_json(make_green()))
    ran = replayed(path)
    assert (ran.returncode, ran.stdout) == (0, "the report has no rulings: there is nothing to make again\n")
    assert replayed(path, "--json").stdout == "[]\n"


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"schema": 1}', "[" * 100_000, "\udcff"])
def test_what_is_no_report_is_exit_2_in_one_line_with_the_file_and_what_to_do(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "given.json"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError) as refused:
        pipeline.replay(path)
    assert str(path) in str(refused.value)
    assert "it takes a report.json" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gate": "karma\n\x1b[31m"}, "there is no gate"),
        ({"values": {}}, "does not say what was observed"),
        ({"values": {"observed": {"seconds": "soon"}}}, "cannot be read"),
        ({"values": {"observed": {"seconds": float("nan")}}}, "is not JSON"),
    ],
)
def test_a_ruling_that_cannot_be_read_is_said_in_one_line(kept: Path, change: dict[str, Any], words: str) -> None:
    changed(kept, lambda document: document["rulings"][0].update(change))
    with pytest.raises(UsageError, match=words) as refused:
        pipeline.replay(kept)
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{kept}: ruling 1 cannot be made again: ")
    assert line.endswith(")")  # what to do
    assert "\x1b" not in line


def test_a_ruling_that_cannot_be_read_is_exit_2_and_nothing_else_is_printed(kept: Path) -> None:
    changed(kept, lambda document: document["rulings"][3].update(gate="karma"))
    ran = replayed(kept)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        f'shipway: {kept}: ruling 4 cannot be made again: there is no gate "karma"'
        " (this report may be of a newer Shipway)\n"
    )


@pytest.mark.parametrize("gate", sorted(GATES))
def test_whatever_a_gate_observed_comes_out_the_same_after_the_way_through_a_file(gate: str, tmp_path: Path) -> None:
    observed_type, rule = GATES[gate]
    chance = random.Random(f"file {gate}")  # noqa: S311 - the same cases each time
    every = tuple(rule(made(observed_type, chance), environment="staging") for _ in range(15))
    path = tmp_path / "report.json"
    path.write_text(to_json(replace(make_green(), rulings=every)))
    assert read_document(path).rulings == every
    assert [each.differences for each in pipeline.replay(path)] == [()] * 15


def test_differences_are_told_one_by_one_and_text_of_strangers_gives_no_commands() -> None:
    kept = rulings()[0]
    values = {"observed": kept.values["observed"], "seconds": True, "more": [1], "\x1b[31mred\n": {"a": 1}}
    told = differences(replace(kept, reason="::error::\x1b[2J\nall is well", values=values), kept)
    assert told[0].startswith('reason is "::error:: all is well", and comes out as "the pipeline takes')
    assert "values.seconds is true, and comes out as 312.4" in told
    assert "values.cached_seconds is absent, and comes out as 0" in told
    assert "values.more is a list, and comes out as absent" in told
    assert "values.red is an object, and comes out as absent" in told
    assert not any("\x1b" in line or "\n" in line for line in told)


def test_a_difference_that_cannot_be_seen_or_is_far_on_is_shown_all_the_same() -> None:
    kept = rulings()[0]
    (unseen,) = differences(replace(kept, reason=kept.reason + "\u202e"), kept)
    assert "\\u202e" in unseen
    (far,) = differences(replace(kept, reason="a" * 200 + "b"), replace(kept, reason="a" * 200 + "c"))
    assert far == f"reason is '{'a' * 20}b', and comes out as '{'a' * 20}c'"
    many = differences(replace(kept, values={str(n): n for n in range(99)}), kept)
    assert (len(many), many[-1]) == (7, "and more")


@pytest.mark.parametrize("depth", [100, 900])
def test_what_lies_very_deep_in_a_ruling_is_a_difference_or_said_in_one_line(kept: Path, depth: int) -> None:
    text, deep = kept.read_text(), "[" * depth + "]" * depth
    kept.write_text(text.replace('"cached_seconds": 0', f'"cached_seconds": {deep}'))
    assert pipeline.replay(kept)[0].differences == ("values.cached_seconds is a list, and comes out as 0",)
    kept.write_text(text.replace('"accepted": null', f'"accepted": {deep}'))
    with pytest.raises(UsageError, match="ruling 1 cannot be made again: what budget observed"):
        pipeline.replay(kept)


def test_true_is_not_one(kept: Path) -> None:
    document = to_document(read_document(kept))
    assert differences(replace(rulings()[0], values={"a": True}), replace(rulings()[0], values={"a": 1}))
    assert document["rulings"][0]["gate"] == "budget"

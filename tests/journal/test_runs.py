from __future__ import annotations

import dataclasses
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ci.errors import UsageError
from ci.journal import Journal
from ci.model import CheckRun, Measure, RunReport, RunVerdict, StageRun, Status

ROOT = Path("/repository")
SIZE = Measure(name="total", value=80_000, unit="bytes", group="apps/web", kind="bundle")


def report(number: int, **changes: object) -> RunReport:
    check = CheckRun(stage="audit", name="bundle", package="apps/web", status=Status.PASSED, measures=(SIZE,))
    made = RunReport(
        id=f"run-{number:04}",
        kind="run",
        tool="shipway 0",
        repository="x",
        started=f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z",
        verdict=RunVerdict.PASSED,
        seconds=1.0,
        executor="host",
        executor_reason="",
        isolation=(),
        slots=1,
        branch="main",
        commit="abc",
        stages=(StageRun(name="audit", status=Status.PASSED, target=60, checks=(check,)),),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def test_history_comes_back_oldest_first_and_limited(tmp_path: Path) -> None:
    journal = Journal.local(ROOT, directory=tmp_path)
    for number in range(5):
        journal.runs.record(report(number))
    assert [entry.id for entry in Journal.local(ROOT, directory=tmp_path).runs.history(3)] == [
        "run-0002",
        "run-0003",
        "run-0004",
    ]


def test_the_runs_of_a_commit_are_clean_ones_and_the_newest_comes_first(tmp_path: Path) -> None:
    runs = Journal.local(ROOT, directory=tmp_path).runs
    for number, (commit, dirty) in enumerate([("a", False), ("b", False), ("a", True), (None, False), ("a", False)]):
        runs.record(report(number, commit=commit, dirty=dirty))
    found = runs.of_commits(["a", "b", "c"])
    assert {commit: [entry.id for entry in entries] for commit, entries in found.items()} == {
        "a": [report(4).id, report(0).id],
        "b": [report(1).id],
    }


def test_the_baseline_is_of_green_clean_runs_on_main(tmp_path: Path) -> None:
    journal = Journal.local(ROOT, directory=tmp_path)
    assert journal.runs.baseline() == {}
    journal.runs.record(report(1))
    journal.runs.record(report(2, verdict=RunVerdict.FAILED))
    journal.runs.record(report(3, dirty=True))
    journal.runs.record(report(4, branch="feature"))
    journal.runs.record(report(5, stages=()))
    journal.runs.record(measured(6, dataclasses.replace(SIZE, value=1), pull_request="12"))  # of a fork's main
    assert journal.runs.baseline() == {("bundle", "apps/web", "total"): SIZE}


SCORE = Measure(name="seo", value=0.99, unit="score", group="apps/web /", kind="lighthouse", better="higher")


def measured(number: int, *measures: Measure, **changes: object) -> RunReport:
    check = CheckRun(stage="audit", name="all", package=".", status=Status.PASSED, measures=measures)
    return report(number, stages=(StageRun(name="audit", status=Status.PASSED, target=60, checks=(check,)),), **changes)


def test_a_run_that_measured_less_takes_no_baseline_away(tmp_path: Path) -> None:
    journal = Journal.local(ROOT, directory=tmp_path)
    smaller = dataclasses.replace(SIZE, value=70_000)
    for number, measures in enumerate([(SIZE, SCORE), (smaller,)]):
        journal.runs.record(measured(number, *measures))
    assert set(journal.runs.baseline().values()) == {smaller, SCORE}


def test_a_run_of_some_stages_is_no_baseline(tmp_path: Path) -> None:
    journal = Journal.local(ROOT, directory=tmp_path)
    journal.runs.record(report(1), whole=False)
    assert journal.runs.baseline() == {}
    assert len(journal.runs.history()) == 1


def test_two_repositories_do_not_share_a_journal(tmp_path: Path) -> None:
    Journal.local(ROOT, directory=tmp_path).runs.record(report(1))
    assert Journal.local(Path("/other"), directory=tmp_path).runs.history() == ()


def test_a_journal_of_a_newer_shipway_is_refused_and_left_alone(tmp_path: Path) -> None:
    Journal.local(ROOT, directory=tmp_path).runs.record(report(1))
    (file,) = tmp_path.glob("*/journal.sqlite")
    newer = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('pragma user_version=99'); c.close()"
    subprocess.run([sys.executable, "-c", newer, str(file)], check=True)
    with pytest.raises(UsageError, match="newer Shipway"):
        Journal.local(ROOT, directory=tmp_path)


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path[:0] = sys.argv[1:3]; from pathlib import Path; from ci.journal import Journal; "
        "from tests.journal.test_runs import ROOT, report\n"
        "for n in range(5): "
        "Journal.local(ROOT, directory=Path(sys.argv[3])).runs.record(report(int(sys.argv[4]) * 100 + n))"
    )
    here = Path(__file__).resolve().parents[2]
    writers = [
        subprocess.Popen([sys.executable, "-c", program, str(here), str(here), str(tmp_path), str(number)])
        for number in range(6)
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0] * 6
    assert len(Journal.local(ROOT, directory=tmp_path).runs.history(100)) == 30


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    Journal.local(ROOT, directory=tmp_path).runs.record(report(1))
    (file,) = tmp_path.glob("*/journal.sqlite")
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("begin immediate")
    writer.execute("delete from runs")
    reader = Journal.local(ROOT, directory=tmp_path)  # a lock is waited for 15 s, and then an error
    assert [entry.id for entry in reader.runs.history()] == ["run-0001"]
    assert len(reader.runs.baseline()) == 1
    writer.close()


@pytest.mark.parametrize("damage", ["garbage", "torn", "half"])
def test_a_damaged_journal_is_one_line_with_its_place_and_a_way_out(tmp_path: Path, damage: str) -> None:
    journal = Journal.local(ROOT, directory=tmp_path)
    journal.runs.record(report(1))
    (file,) = tmp_path.glob("*/journal.sqlite")
    whole = file.read_bytes()
    damaged = {
        "garbage": b"no database " * 500,
        "torn": whole[:4200],
        "half": whole[:2048] + b"\xff" * (len(whole) - 2048),
    }
    file.write_bytes(damaged[damage])
    for use in (journal.runs.history, journal.runs.baseline, lambda: journal.runs.record(report(2))):
        with pytest.raises(UsageError) as caught:
            use()
        assert str(caught.value).startswith(f"{file} cannot be used: ")
        assert "move it away" in str(caught.value)
        assert "\n" not in str(caught.value)

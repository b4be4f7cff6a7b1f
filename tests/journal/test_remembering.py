"""What a run leaves in the journal that several machines share, and what CI hosts do without one."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from ci import cli, hosts
from ci.errors import ExitCode, ShipwayError
from ci.journal import Journal
from ci.journal.incidents import Stage
from ci.model import STAGES, CheckRun, RunReport, RunVerdict, StageRun, Status
from ci.remembering import remember
from tests.conftest import IDENTITY, command, environment
from tests.journal.servers import PASSWORD
from tests.promotion.town import town
from tests.test_hosts import DOCUMENTED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.conftest import Ran

    Run = Callable[..., Ran]

COMMIT = "c" * 40
INCIDENT = f"main-{COMMIT[:12]}"


def variables(host: str, case: str, commit: str = COMMIT) -> dict[str, str]:
    """What the host sets, as it documents it."""
    return {name: value.replace("SHA", commit) for name, value in DOCUMENTED[host][case]["variables"].items()}


def report_of(identity: str = "1", red: Status | None = None, **more: Any) -> RunReport:
    """Return a run of main: green, or with a red stage."""
    verdicts = {None: RunVerdict.PASSED, Status.FAILED: RunVerdict.FAILED, Status.ERROR: RunVerdict.ERROR}
    stages = tuple(
        StageRun(
            name=stage.name,
            status=red if red and stage.name in {"unit", "audit"} else Status.PASSED,
            target=stage.target,
            reason=f"{stage.name} says no" if red else None,
        )
        for stage in STAGES
    )
    told: dict[str, Any] = {"commit": COMMIT, "branch": "main", "pull_request": None, "dirty": False, **more}
    return RunReport(
        id=identity,
        kind="run",
        tool="shipway 0",
        repository="shop",
        started=f"2026-01-01T00:00:0{identity}Z",
        verdict=verdicts[red],
        seconds=1.0,
        executor="host",
        executor_reason="asked for",
        isolation=(),
        slots=1,
        stages=stages,
        **told,
    )


def kept(journal: Journal, report: RunReport, *, whole: bool = True, on_host: bool = True) -> RunReport:
    """Keep a run as the driver does."""
    ci_run = hosts.recognise(variables("github", "push")) if on_host else None
    return remember(report, journal, main="main", ci_run=ci_run, whole=whole)


@pytest.mark.parametrize("on_host", [True, False])
def test_a_green_run_of_main_is_evidence_for_its_commit(opened: Callable[[], Journal], *, on_host: bool) -> None:
    kept(opened(), report_of(), on_host=on_host)
    found = opened().evidence.newest(COMMIT)
    assert found is not None
    assert (found.id, found.environment, json.loads(found.report)["commit"]) == ("1", None, COMMIT)


@pytest.mark.parametrize(
    ("report", "whole"),
    [
        pytest.param(report_of(dirty=True), True, id="dirty"),
        pytest.param(report_of(), False, id="some stages only"),
        pytest.param(report_of(pull_request="7"), True, id="a pull request"),
        pytest.param(report_of(branch="feature"), True, id="another branch"),
        pytest.param(report_of(branch=None), True, id="no branch"),
        pytest.param(report_of(commit=None), True, id="no commit"),
        pytest.param(report_of(red=Status.FAILED), True, id="red"),
    ],
)
def test_no_other_run_is_evidence_and_each_is_history(journal: Journal, report: RunReport, *, whole: bool) -> None:
    kept(journal, report, whole=whole)
    assert journal.evidence.newest(COMMIT) is None
    assert [entry.id for entry in journal.runs.history()] == ["1"]


@pytest.mark.parametrize("red", [Status.FAILED, Status.ERROR])
def test_a_red_main_opens_an_incident_on_a_ci_host_and_a_green_run_of_it_closes_that(
    journal: Journal, red: Status
) -> None:
    told = kept(journal, report_of("1", red=red))
    (found,) = journal.incidents.going_on(commit=COMMIT)
    assert (found.id, found.environment, found.what, found.reason, found.state) == (
        INCIDENT,
        "main",
        "unit",
        "unit says no",
        Stage.WAITING,
    )
    assert told.notices[-1].startswith(f"the incident {INCIDENT} is open")
    kept(journal, report_of("2"), whole=False)
    kept(journal, report_of("3", commit="d" * 40))
    assert len(journal.incidents.going_on()) == 1
    told = kept(journal, report_of("4"))
    assert journal.incidents.going_on() == ()
    assert told.notices[-1].startswith(f"the incident {INCIDENT} is closed")
    kept(journal, report_of("5", red=red))
    assert [each.id for each in journal.incidents.going_on()] == [INCIDENT]


def test_a_tool_that_cannot_be_had_is_no_incident_of_the_commit(journal: Journal) -> None:
    report = report_of(red=Status.ERROR)
    check = CheckRun(stage="unit", name="vitest", package=".", status=Status.ERROR, code=int(ExitCode.TOOL))
    stages = tuple(replace(stage, checks=(check,)) if stage.name == "unit" else stage for stage in report.stages)
    kept(journal, replace(report, stages=stages))
    assert journal.incidents.going_on() == ()


@pytest.mark.parametrize(
    ("report", "on_host"),
    [
        pytest.param(report_of(red=Status.FAILED), False, id="on a laptop"),
        pytest.param(report_of(red=Status.FAILED, pull_request="7"), True, id="a pull request"),
        pytest.param(report_of(red=Status.FAILED, branch="feature"), True, id="another branch"),
        pytest.param(report_of(red=Status.FAILED, dirty=True), True, id="dirty"),
    ],
)
def test_no_other_red_run_opens_an_incident(journal: Journal, report: RunReport, *, on_host: bool) -> None:
    kept(journal, report, on_host=on_host)
    assert journal.incidents.going_on() == ()


# --- through the command line -----------------------------------------------------------------------


def repository(subject: Callable[[str], Path], reference: str) -> tuple[Path, str]:
    """A small workspace whose journal is there; its commit."""
    root = subject("no-tests")
    (root / "shipway.toml").write_text(f'[journal]\nurl = "{reference}"\n')
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    return root, git(root, "rev-parse", "HEAD")


def git(root: Path, *arguments: str) -> str:
    """Run git."""
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_run_on_a_ci_host_keeps_to_the_journal_that_its_settings_name_and_so_does_status(
    shipway: Run, subject: Callable[[str], Path], url: str, tmp_path: Path
) -> None:
    root, sha = repository(subject, "env://SHIPWAY_JOURNAL_URL")
    env = {**variables("github", "push", sha), "SHIPWAY_JOURNAL_URL": url}
    green = shipway("run", ".", cwd=root, env=env)
    assert green.code == 0, green.err
    kept_one = Journal.remote(url).evidence.newest(sha)
    assert kept_one is not None
    assert green.report is not None
    assert kept_one.id == green.report["id"]
    (root / "packages/protocol/src/wrong.ts").write_text('export const wrong: number = "no number";\n')
    git(root, "add", "-A")
    git(root, "commit", "-qm", "three")
    sha = git(root, "rev-parse", "HEAD")
    red = shipway("run", ".", cwd=root, env={**env, **variables("github", "push", sha)})
    assert red.code == 10, red.err
    (found,) = Journal.remote(url).incidents.going_on(commit=sha)
    assert (found.id, found.what) == (f"main-{sha[:12]}", "typecheck")
    assert red.report is not None
    assert next(entry["id"] for entry in red.report["history"]) == green.report["id"]
    assert not list((tmp_path / "state").rglob("*.sqlite"))
    assert PASSWORD not in json.dumps(red.report) + red.out + red.err
    assert shipway("status", ".", cwd=root, env={"SHIPWAY_JOURNAL_URL": url}).code == 0
    without = shipway("status", ".", cwd=root)
    assert (without.code, "the variable SHIPWAY_JOURNAL_URL is not set" in without.err) == (2, True)


@pytest.mark.parametrize("value", [None, "", "postgres://nobody:of-the-journal@127.0.0.1:1/x"])
def test_a_run_that_cannot_have_its_journal_goes_on_without_one_and_says_so(
    shipway: Run, subject: Callable[[str], Path], tmp_path: Path, value: str | None
) -> None:
    root, sha = repository(subject, "env://SHIPWAY_JOURNAL_URL")
    env = variables("github", "pull_request", sha) | ({} if value is None else {"SHIPWAY_JOURNAL_URL": value})
    ran = shipway("run", ".", "--stage", "typecheck", cwd=root, env=env)
    assert ran.code == 0, ran.err
    assert ran.report is not None
    (line,) = [each for each in ran.report["notices"] if each.startswith("no journal: nothing is remembered")]
    assert line in " ".join(ran.out.split())
    assert PASSWORD not in line
    assert not list((tmp_path / "state").rglob("*.sqlite"))


COMMANDS = (
    ("promote", "staging"),
    ("promote", "staging", "--dry-run"),
    ("resume", "staging"),
    ("abort", "staging"),
    ("tick",),
    ("freeze", "staging", "--reason", "a demo"),
    ("unfreeze", "staging"),
    ("pin", COMMIT, "--reason", "bad"),
    ("unpin", COMMIT),
    ("incident", "close", INCIDENT),
)
REFUSAL = (
    "what a promotion remembers on a CI host ends with the job "
    "(set [journal] url in shipway.toml to a Postgres: a small project at Neon does)"
)


def test_nothing_is_promoted_on_a_ci_host_without_a_journal_that_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"

    def process(root: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        argv = command("promote", "staging", ".")
        return subprocess.run(
            argv, cwd=root, env=environment(state, **env), capture_output=True, text=True, timeout=120, check=False
        )

    def refused(words: tuple[str, ...]) -> ShipwayError:
        with cli.shipway.make_context("shipway", list(words)) as context, pytest.raises(ShipwayError) as caught:
            cli.shipway.invoke(context)
        return caught.value

    async def scene() -> None:
        async with town(tmp_path) as place:
            stand_ins = (place.github, place.vercel, place.neon)
            before = [len(each.calls) for each in stand_ins]
            done = await anyio.to_thread.run_sync(process, place.root, variables("github", "push", place.second))
            assert (done.returncode, done.stderr.splitlines()) == (2, [f"shipway: {REFUSAL}"])
            monkeypatch.chdir(place.root)
            monkeypatch.setenv("SHIPWAY_STATE", str(state))
            for host, commands in (("github", COMMANDS), ("gitlab", COMMANDS[:1]), ("jenkins", COMMANDS[:1])):
                with monkeypatch.context() as around:
                    for name, value in variables(host, "push", place.second).items():
                        around.setenv(name, value)
                    for words in commands:
                        error = await anyio.to_thread.run_sync(refused, words)
                        assert (error.exit_code, str(error)) == (2, REFUSAL), words
            assert [len(each.calls) for each in stand_ins] == before
            assert not state.exists()

    anyio.run(scene)

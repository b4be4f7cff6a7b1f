"""`shipway status` as a user runs it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ci import config
from ci.diagnosis import following, judging, queue, reverting
from ci.diagnosis.cycle import FINDING, MENDING, REVERT
from ci.errors import ExitCode
from ci.journal import Journal, State
from ci.journal.incidents import Stage
from ci.model import Outcome, Ruling
from ci.promotion.flow import INTENT, RESULT
from ci.promotion.promoting import RULINGS, plain
from ci.promotion.standing import CYCLES, REVIEWS, overview
from ci.rehearsal.serving import serving
from tests.conftest import IDENTITY, command, commit, environment

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "a" * 40
FINE = Ruling(gate="evidence", environment="staging", ruling=Outcome.PASS, reason="green", values={})
SLOW = Ruling(gate="budget", environment="staging", ruling=Outcome.FAIL, reason="the pipeline takes 700 s", values={})
TEXT = """
[[apps]]
name = "web"
path = "apps/web"
serves = {{ path = "/version" }}

[environments.staging]
addresses = {{ web = "{address}" }}

[environments.production]
addresses = {{ web = "http://127.0.0.1:1" }}
"""


def app(served: str) -> Starlette:
    """What staging serves."""

    async def version(_request: object) -> JSONResponse:
        return JSONResponse({"commit": served})

    return Starlette(routes=[Route("/version", version)])


def asked(root: Path, served: str, *words: str, more: str = "") -> subprocess.CompletedProcess[str]:
    """Ask for the status where staging serves a commit, and production does not answer."""

    def run() -> subprocess.CompletedProcess[str]:
        argv = command("status", str(root), *words)
        env = environment(root.parent / "state")
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)

    async def calls() -> subprocess.CompletedProcess[str]:
        async with serving(app(served)) as address:
            (root / "shipway.toml").write_text(TEXT.format(address=address) + more)
            return await anyio.to_thread.run_sync(run)

    return anyio.run(calls)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose main has three commits."""
    root = tmp_path / "repository"
    root.mkdir()
    (root / "a").write_text("a")
    commit(root)
    for number in range(2):
        words = ["commit", "-q", "--allow-empty", "-m", str(number)]
        subprocess.run(["git", *IDENTITY, *words], cwd=root, check=True)
    return root


def begin(journal: Journal, name: str) -> None:
    journal.flows.begin(name, kind="promotion", environment="staging", commit=COMMIT, asked={}, lasting=60)


def named(root: Path, name: str) -> str:
    return subprocess.run(
        ["git", "rev-parse", name], cwd=root, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_it_says_what_is_served_and_how_far_it_is_behind_main(repository: Path) -> None:
    told = asked(repository, named(repository, "HEAD~2"))
    assert told.returncode == ExitCode.PASSED, told.stderr
    assert f"{named(repository, 'HEAD~2')[:12]}  2 commits of main not released" in told.stdout
    assert "unknown: web cannot be reached" in told.stdout
    assert "all of main" in asked(repository, named(repository, "HEAD")).stdout
    assert "a commit that is not known here" in asked(repository, "f" * 40).stdout


def test_it_says_what_goes_on_and_who_holds_the_environment(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    begin(journal, "p-1")
    journal.flows.move("p-1", State.WAITING, "for an approval")
    journal.leases.take("staging", flow="p-1", holder="laptop:1:abcd")
    told = asked(repository, named(repository, "HEAD"))
    assert "p-1 waiting: for an approval" in told.stdout
    assert "held by laptop:1:abcd" in told.stdout
    (staging, production) = json.loads(asked(repository, named(repository, "HEAD"), "--json").stdout)["environments"]
    assert (staging["environment"], staging["flows"][0]["state"]) == ("staging", "waiting")
    assert (staging["holder"], production["flows"]) == ("laptop:1:abcd", [])
    assert production["served"][0]["commit"] is None


def test_it_says_at_which_step_a_promotion_is(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    begin(journal, "p-1")
    journal.flows.write("p-1", "evidence", INTENT, epoch=1, facts={})
    journal.flows.write("p-1", "evidence", RESULT, epoch=1, facts={RULINGS: plain(FINE, SLOW)})
    journal.flows.write("p-1", "deploy web", INTENT, epoch=1, facts={})
    told = asked(repository, named(repository, "HEAD"))
    assert "at deploy web, for " in told.stdout
    assert "1 PASS; budget FAIL: the pipeline takes 700 s" in told.stdout
    assert told.stdout.endswith("next  shipway resume staging\n")


def test_it_says_how_long_a_testing_window_still_takes_and_how_its_tests_went(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    begin(journal, "p-1")
    journal.servings.record("staging", COMMIT, flow="p-1")
    journal.flows.move("p-1", State.WAITING)
    for passed in (True, True, False):
        journal.servings.repeat("staging", "smoke", passed=passed)
    told = asked(repository, named(repository, "HEAD")).stdout
    (line,) = [each for each in told.splitlines() if "testing window" in each]
    assert line.strip().startswith("at testing window: 29 m ")
    assert line.endswith(" to go; its tests passed 2 times, failed 1 time")
    assert told.endswith("next  shipway tick\n")


def test_a_window_goes_on_beside_a_later_promotion(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    for name, state in (("p-1", State.WAITING), ("p-2", State.DONE), ("p-3", State.RUNNING)):
        begin(journal, name)
        journal.flows.move(name, state)
    told = asked(repository, named(repository, "HEAD")).stdout
    assert ("p-1 waiting" in told, "p-2" in told, "p-3 running" in told) == (True, False, True)


def test_it_says_what_bars_promotions(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    journal.bars.freeze("staging", "a demo\x1b[2J")
    journal.bars.pin("b" * 40, "errors went up")
    newest = named(repository, "HEAD")
    journal.incidents.open("p-1", environment="staging", commit=newest, what="tier 2", reason="red\n[bold]")
    told = asked(repository, named(repository, "HEAD~1")).stdout
    assert "frozen      a demo; for " in told
    assert f"incident    {newest[:12]}, tier 2: red [bold]  p-1  waiting, for " in told
    assert "pinned out  bbbbbbbbbbbb  errors went up" in told
    facts = json.loads(asked(repository, newest, "--json").stdout)
    assert [each["reason"] for each in facts["pins"]] == ["errors went up"]
    assert facts["environments"][0]["frozen"]["reason"] == "a demo\x1b[2J"
    assert facts["environments"][0]["incidents"][0]["id"] == "p-1"


def test_it_says_what_main_is_red_with_what_mends_that_and_what_is_to_be_reviewed(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    newest = named(repository, "HEAD")
    served = named(repository, "HEAD~1")
    assert not asked(repository, served).stdout.startswith("main")
    journal.incidents.open("main-1", environment="main", commit=newest, what="unit", reason="1 of 2\n[bold]")
    assert asked(repository, served).stdout.endswith("next  shipway diagnose main-1\n")
    journal.incidents.move("main-1", Stage.FIXING)
    for kind, url in (("diagnosis", None), ("fix", "https://example.org/pull/1"), ("revert", "https://example.org/2")):
        name = f"{kind}-main-1-1"
        place = {"environment": "incident main-1", "commit": newest}
        journal.flows.begin(name, kind=kind, asked={}, lasting=60, **place)
        if url is not None:
            asks, waits = ("fix", "review") if kind == "fix" else ("taken back", "revert's review")
            journal.flows.write(name, asks, RESULT, epoch=1, facts={"url": url})
            journal.flows.write(name, waits, INTENT, epoch=1, facts={})
            journal.flows.move(name, State.PAUSED, "#1 waits for its review")
    told = asked(repository, served).stdout
    lines = told[: told.index("staging")].splitlines()
    assert lines[:3] == [
        "main  main",
        "  diagnosis   diagnosis-main-1-1 running",
        "  fix         fix-main-1-1 paused: #1 waits for its review",
    ]
    assert lines[3].startswith("              at review, for ")
    assert "  review      https://example.org/pull/1" in lines
    assert "  review      https://example.org/2" in lines
    assert lines[-1].startswith(f"  incident    {newest[:12]}, unit: 1 of 2 [bold]  main-1  fixing, for ")
    assert told.endswith("next  shipway tick\n")
    main = json.loads(asked(repository, served, "--json").stdout)["main"]
    assert (main["branch"], main["incidents"][0]["id"], len(main["flows"])) == ("main", "main-1", 3)


def test_what_mends_is_named_here_as_it_is_where_it_is_done() -> None:
    assert CYCLES == (FINDING, MENDING, REVERT)
    assert REVIEWS == {following.REVIEW: judging.FIX, reverting.REVIEW: reverting.BACK}
    assert queue.OUT == judging.FIX


def test_it_names_the_next_command(repository: Path) -> None:
    journal = Journal.local(repository, directory=repository.parent / "state")
    old, newest = named(repository, "HEAD~1"), named(repository, "HEAD")

    def following(served: str, more: str = "") -> str:
        async def look() -> str:
            async with serving(app(served)) as address:
                found = await overview(config.loads(TEXT.format(address=address) + more), journal, repository)
            return found.command

        return anyio.run(look)

    assert (following(newest), following(old)) == ("git push", "shipway promote staging")
    journal.bars.freeze("staging", "a demo")
    assert following(old) == "shipway unfreeze staging"
    journal.incidents.open("p-1", environment="staging", commit=newest, what="tier 2", reason="red")
    assert following(old) == "shipway diagnose p-1"
    journal.incidents.move("p-1", Stage.FIXING)
    assert following(old) == "shipway tick"
    journal.incidents.move("p-1", Stage.ESCALATED)
    assert following(old) == "git push"  # of what mends it
    begin(journal, "p-2")
    assert following(old) == "shipway resume staging"
    journal.flows.move("p-2", State.PAUSED, "waits for a person")
    assert following(old) == "shipway approve staging"
    journal.flows.write("p-2", "dogfood", INTENT, epoch=0, facts={})
    assert following(old, more="\n[promotion]\ndogfood = 60.0\n") == "shipway tick"
    journal.leases.take("staging", flow="p-2", holder="laptop:1:abcd")
    assert following(old) == "shipway status"


def test_it_tells_of_the_journal_that_promotions_go_by(repository: Path) -> None:
    told = asked(repository, named(repository, "HEAD"), more='[journal]\nurl = "env://SHIPWAY_JOURNAL_THAT_IS_NOT_SET"')
    assert told.returncode == ExitCode.USAGE
    assert "journal.url" in told.stderr


def test_what_an_app_says_moves_no_terminal(repository: Path) -> None:
    told = asked(repository, "\x1b[2Jc0ffee")
    assert "\x1b" not in told.stdout
    assert "unknown: web gives an answer that cannot be read" in told.stdout


def test_without_environments_it_says_so(tmp_path: Path, shipway: Any) -> None:
    ran = shipway("status", cwd=tmp_path)
    assert (ran.code, "No environment is configured" in ran.out) == (ExitCode.PASSED, True)

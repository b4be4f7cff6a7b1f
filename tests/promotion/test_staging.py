"""A whole promotion to staging, what it has run told by a table: what it does, what says no, what a kill leaves."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx
import pytest

from ci import processes
from ci.errors import ExitCode, UsageError, VendorError
from ci.gates.replay import differences, replay
from ci.journal import State, leases
from ci.model import Status
from ci.promotion import carrying
from ci.promotion.flow import BusyError
from ci.promotion.promoting import RULING, read
from ci.promotion.work import Asked, What
from ci.rehearsal.github.rules import RULESET, Rules
from ci.rehearsal.sentry.envelopes import parse
from ci.rehearsal.sentry.intake import take
from tests.conftest import ROOT, command, environment
from tests.promotion.table import Slow, Table, Unheld
from tests.promotion.town import Town, promote, promotion, town
from tests.promotion.townplan import APPS, SECRETS, SERVER
from tests.vendors.envelopes import error, packed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from anyio.abc import Process

    from ci.promotion.flow import Ended
    from ci.rehearsal.standin import StandIn


PARTS = 3  # of a sweep, each in a town of its own
CUTS = ("lose", "reset", "status", "cut")


async def served(place: Town) -> set[str]:
    """Which commits users of staging get."""
    async with httpx.AsyncClient(trust_env=False) as client:
        addresses = place.settings.environments.staging.addresses
        return {(await client.get(f"{addresses[name]}/version")).json()["commit"] for name in APPS}


def played(
    directory: Path, scene: Callable[[Town], Awaitable[None]], *, soak: float = 0.2, databases: bool = False
) -> None:
    """Play a scene in a town of its own."""

    async def run() -> None:
        async with town(directory, soak=soak, databases=databases) as place:
            await scene(place)

    anyio.run(run)


def test_a_commit_of_main_goes_to_staging_step_by_step(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        work = Table(journal=place.journal)
        ended = await promote(place, place.second, work)
        assert (ended.refusal, ended.flow.state) == (None, State.DONE)
        assert not {run.status for run in ended.steps} - {Status.PASSED, Status.SKIPPED}
        assert place.tree("staging") == place.tree(place.second)
        assert await served(place) == {place.second}
        assert place.made()["neon"] == ["main"]
        asked = [(each.what, each.environment, each.commit == place.second) for each in work.asked]
        assert asked == [
            (What.STAGES, None, True),
            (What.MIGRATION, "staging", True),
            (What.STAGES, "staging", True),
            (What.TIER_2, "staging", True),
            (What.TIER_1, "staging", True),
        ]
        assert (work.asked[2].database or "").startswith("shipway-test-staging-")
        assert list(work.asked[1].given) == ["DATABASE_URL"]
        gates = [ruling.gate for facts in ended.facts.values() for ruling in read(facts)]
        assert gates == [
            "evidence",
            "budget",
            "isolation",
            "migrations",
            "evidence",
            "benchmarks",
            "extraction",
            "soak",
        ]
        assert {run.name for run in ended.steps if run.name.startswith("deploy")} == {"deploy api", "deploy web"}

    played(tmp_path, scene)


def test_a_stage_that_may_be_empty_is_no_lack_of_evidence(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        text = (place.root / "shipway.toml").read_text()
        may = text.replace("[stages.e2e.tier2]", "[stages.e2e]\nallow_empty = true\n[stages.e2e.tier2]")
        commit = place.push("e2e may be empty", **{"shipway.toml": may})
        slow = Table(journal=place.journal, skipped=("e2e",), seconds=660.0)  # so that it ends there
        refusal = (await promote(place, commit, slow)).refusal
        assert refusal is not None
        assert refusal.message.startswith("budget: the pipeline takes 660 s")
        evidence = next(RULING.validate_python(each) for each in refusal.rulings)
        assert "e2e empty as allowed" in evidence.reason
        assert differences(evidence, replay(evidence)) == ()

    played(tmp_path, scene)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is different, and how the promotion must end: at which step, with which exit code, with which words.

    `moved` says that users got the candidate: only what fails after the switch leaves it so.
    """

    name: str
    step: str
    says: str
    code: ExitCode = ExitCode.GATE_REFUSED
    state: State = State.BLOCKED
    before: Callable[[Town], str | None] = lambda _place: None  # returns another commit to promote
    red: dict[What, str] = field(default_factory=dict)
    table: dict[str, Any] = field(default_factory=dict)
    during: Callable[[Town, Asked], None] | None = None
    record: str = ""  # the environment that records anew what it has
    rehearsal: bool = True
    incident: bool = True
    comment: bool = True
    moved: bool = False


def pin(place: Town) -> None:
    place.journal.bars.pin(place.first, "errors went up", good=None)


def freeze(place: Town) -> None:
    place.journal.bars.freeze("staging", "a demo")


def open_incident(place: Town) -> None:
    place.journal.incidents.open("i", environment="main", commit=place.second, what="unit", reason="red")


def push_more(place: Town, asked: Asked) -> None:
    if asked.what is What.TIER_2:
        place.push("three")


def deploy_by_push(place: Town) -> None:
    place.vercel.set_project("web", creating="enabled")


def protect(place: Town) -> None:
    place.github.state.protect("staging", Rules(source=RULESET, approvals=1))


def move_branch(place: Town, asked: Asked) -> None:
    if asked.what is What.TIER_2:
        place.git("checkout", "-q", place.first)
        place.push("elsewhere", branch="staging", **{"other.txt": "x\n"})
        place.git("checkout", "-q", "main")


def keep(place: Town, name: str, value: str) -> None:
    (place.directory / "secrets" / name).write_text(value)


def migrate(place: Town, *texts: str) -> str:
    names = [f"migrations/{number:04}.sql" for number in range(2, len(texts) + 2)]
    return place.push("migrations", **dict(zip(names, texts, strict=True)))


def edit(place: Town, old: str, new: str) -> str:
    assert old in SERVER
    return place.push(new, **{"server.py": SERVER.replace(old, new)})


def share_database(place: Town) -> None:
    text = (place.root / "shipway.toml").read_text()
    lines = text.partition("[environments.staging.neon]")[2].partition("\n\n")[0]
    more = f"\n[environments.production.neon]{lines}\n"
    less = 'database = "file://' + str(place.directory / "secrets/production-database") + '"\n'
    (place.root / "shipway.toml").write_text(text.replace(less, "") + more)


def fail_anew(place: Town, asked: Asked) -> None:
    if asked.what is What.TIER_1:
        event = error(release=asked.commit, environment="staging", user={"id": "1"})
        take(place.sentry.store, place.sentry.store.projects["api"], parse(packed(("event", event))))


def break_build(place: Town) -> str:
    return place.push("broken", **{"server.py": "import sys; sys.exit(3)\n"})


SCENARIOS = [
    Scenario(
        name="a pinned commit",
        step="admission",
        says="which is pinned out: errors went up",
        before=pin,
        incident=False,
        comment=False,
    ),
    Scenario(
        name="a frozen environment",
        step="admission",
        says="staging is frozen: a demo",
        before=freeze,
        incident=False,
        comment=False,
    ),
    Scenario(
        name="a commit that is not on main",
        step="admission",
        says="is no commit of main",
        before=lambda place: place.push("apart", branch="feature", **{"a.txt": "a\n"}),
        incident=False,
        comment=False,
    ),
    Scenario(
        name="an incident is open on the commit",
        step="admission",
        says="an incident is open",
        before=open_incident,
        incident=False,
        comment=False,
    ),
    Scenario(
        name="the platform deploys by itself",
        step="admission",
        says="Vercel deploys pushes to web by itself",
        before=deploy_by_push,
        incident=False,
        comment=False,
    ),
    Scenario(
        name="the branch is protected",
        step="pull request",
        says="staging is protected: #1 has 0 of 1 approving reviews",
        before=protect,
        incident=False,
    ),
    Scenario(
        name="the branch asks for a check that the commit has not passed",
        step="pull request",
        says="staging is protected: it asks for ci/other, which",
        before=lambda place: place.github.state.protect("staging", Rules(source=RULESET, contexts=("ci/other",))),
        incident=False,
    ),
    Scenario(
        name="a stage is red",
        step="evidence",
        says="the seven stages are not green: unit/table@.: 1 test failed",
        code=ExitCode.STAGE_FAILED,
        red={What.STAGES: "1 test failed"},
        comment=False,
    ),
    Scenario(
        name="a stage is skipped",
        step="evidence",
        says="e2e skipped",
        table={"skipped": ("e2e",)},
        comment=False,
    ),
    Scenario(
        name="the pipeline takes eleven minutes",
        step="evidence",
        says="the pipeline takes 660 s",
        table={"seconds": 660.0},
        comment=False,
    ),
    Scenario(
        name="what is served does not work on the migrated database",
        step="rollback safety",
        says="which staging serves, does not work on the migrated database: unit/table@.: no such column",
        code=ExitCode.STAGE_FAILED,
        red={What.INTEGRATION: "no such column"},
        before=lambda place: migrate(place, "alter table receipts add column note text;\n"),
    ),
    Scenario(
        name="a migration that cannot be classified",
        step="gates",
        says="0002.sql: cannot be decided, declare its phase",
        before=lambda place: migrate(place, "do $$ begin perform 1; end $$;\n"),
    ),
    Scenario(
        name="both phases in one promotion",
        step="gates",
        says="both phases in one promotion",
        before=lambda place: migrate(
            place, "alter table receipts add column note text;\n", "alter table receipts drop column merchant;\n"
        ),
    ),
    Scenario(
        name="a contract while served source still names what goes",
        step="gates",
        says="0002.sql: served source still names receipts.merchant",
        before=lambda place: migrate(place, "alter table receipts drop column merchant;\n"),
    ),
    Scenario(
        name="a migration that was applied and edited",
        step="gates",
        says="0001.sql was edited after it was applied",
        before=lambda place: place.push("edited", **{"migrations/0001.sql": "create table receipts (id bigint);\n"}),
    ),
    Scenario(
        name="the migrations fail on a copy of the database",
        step="test database",
        says="the migrations fail on a copy of the database: unit/table@.: canceling statement due to lock timeout",
        code=ExitCode.STAGE_FAILED,
        red={What.MIGRATION: "canceling statement due to lock timeout"},
    ),
    Scenario(
        name="environments share a database",
        step="gates",
        says="database",
        before=share_database,
        record="production",
    ),
    Scenario(
        name="environments share the secret of a webhook",
        step="gates",
        says="webhook",
        before=lambda place: keep(place, "production-hook", SECRETS["staging-hook"]),
        record="production",
    ),
    Scenario(
        name="the addresses of stand-ins outside a rehearsal",
        step="gates",
        says="stand-in",
        rehearsal=False,
    ),
    Scenario(
        name="a route that takes four times as long",
        step="benchmarks",
        says="candidate against current: list",
        before=lambda place: edit(place, "LIST, READ, MERCHANT = 0.005", "LIST, READ, MERCHANT = 0.02"),
    ),
    Scenario(
        name="a field that is read wrong",
        step="extraction",
        says='merchant is "Corner Shop", expected "Corner Bakery"',
        before=lambda place: edit(place, "Corner Bakery", "Corner Shop"),
    ),
    Scenario(
        name="reading that takes too long",
        step="extraction",
        says="target 3 s",
        before=lambda place: edit(place, "0.005, 0.0", "0.005, 3.2"),
    ),
    Scenario(
        name="an app is not built",
        step="deploy api",
        says="api is not built",
        code=ExitCode.STAGE_FAILED,
        before=break_build,
    ),
    Scenario(
        name="one of two apps is not built",
        step="deploy web",
        says="web is not built",
        code=ExitCode.STAGE_FAILED,
        before=lambda place: edit(place, "class Server", "assert 'API_URL' not in os.environ\nclass Server"),
    ),
    Scenario(
        name="a test fails with the services of staging alone",
        step="stages",
        says="the stages are not green with the services of staging: unit/table@.: wrong variable",
        code=ExitCode.STAGE_FAILED,
        red={What.STAGES: "wrong variable"},
        table={"only": "staging"},
    ),
    Scenario(
        name="an e-mail of tier 2 never arrives",
        step="tier 2",
        says="tier 2 is not green: unit/table@.: no mail",
        code=ExitCode.STAGE_FAILED,
        red={What.TIER_2: "no mail"},
    ),
    Scenario(
        name="the branch moves in the meantime",
        step="second look",
        says="staging moved from",
        during=move_branch,
    ),
    Scenario(
        name="a new error type in the window",
        step="testing window",
        says='new error type "TypeError: x is undefined"',
        during=fail_anew,
        comment=False,
        moved=True,
    ),
    Scenario(
        name="tests of the window fail",
        step="testing window",
        says="tier 1",
        red={What.TIER_1: "sign-in fails"},
        comment=False,
        moved=True,
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_what_says_no_leaves_staging_as_it_was_and_is_told(tmp_path: Path, scenario: Scenario) -> None:
    async def scene(place: Town) -> None:
        changed = scenario.before(place)
        if scenario.record:
            await place.record(scenario.record)
        commit = changed or place.second
        before = place.branches()["staging"]
        work = Table(journal=place.journal, red=scenario.red, **scenario.table)
        if (during := scenario.during) is not None:
            work.during = lambda asked: during(place, asked)
        ended = await promote(place, commit, work, rehearsal=scenario.rehearsal)
        refusal = ended.refusal
        assert refusal is not None
        assert (refusal.step, refusal.state, ExitCode(refusal.code)) == (scenario.step, scenario.state, scenario.code)
        assert scenario.says in refusal.message, refusal.message
        assert await served(place) == {commit if scenario.moved else place.first}
        if scenario.step != "second look" and not scenario.moved:
            assert place.branches()["staging"] == before
        assert place.made()["neon"] == ["main"]
        assert place.made()["comments"] == scenario.comment
        known = [each for each in place.journal.incidents.going_on() if each.id == ended.flow.id]
        assert bool(known) == scenario.incident

    played(tmp_path, scene)


def test_a_pull_request_that_is_open_already_and_a_main_that_moves_change_nothing(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        place.git(
            "push",
            "-q",
            str(place.github.state.bare.path),
            f"{place.second}:refs/heads/shipway/staging/{place.second[:12]}",
        )
        async with promotion(place.root, place.journal, place.second) as (made, fence):
            fence.held = Unheld()  # type: ignore[assignment]
            await made.github.pulls.ensure(head=made.head, base="staging", title="by hand", body="")
        work = Table(journal=place.journal)
        work.during = functools.partial(push_more, place)
        ended = await promote(place, place.second, work)
        assert ended.flow.state is State.DONE
        assert (place.made()["pulls"], await served(place)) == (1, {place.second})
        assert place.tree("staging") == place.tree(place.second)

    played(tmp_path, scene)


def test_a_commit_that_staging_holds_is_refused_at_once_and_keeps_its_status(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await promote(place, place.second)
        work = Table(journal=place.journal)
        again = await promote(place, place.second, work)
        assert again.refusal is not None
        assert (again.refusal.step, again.refusal.message) == (
            "admission",
            f"staging holds {place.second[:12]} already",
        )
        assert work.asked == []
        async with promotion(place.root, place.journal, place.second) as (made, _fence):
            known = {each.context: each.state for each in await made.github.checks.statuses(place.second)}
        assert known["shipway/staging"] == "success"

    played(tmp_path, scene)


def test_a_branch_that_waits_for_our_own_status_has_it_before_the_merge(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        place.github.state.protect("staging", Rules(source=RULESET, contexts=("shipway/staging",)))
        ended = await promote(place, place.second)
        assert (ended.refusal, ended.flow.state) == (None, State.DONE)
        assert place.tree("staging") == place.tree(place.second)

    played(tmp_path, scene)


def test_a_contract_migration_is_pending_until_the_window_has_passed(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await promote(place, migrate(place, "alter table receipts add column memo text;\n"))
        known = place.journal.servings.migrations("staging")
        assert list(known) == ["0001.sql", "0002.sql"]
        commit = place.push("drop", **{"migrations/0003.sql": "alter table receipts drop column memo;\n"})
        work = Table(journal=place.journal)
        work.during = lambda _asked: known.update(place.journal.servings.migrations("staging"))
        ended = await promote(place, commit, work)
        assert ended.flow.state is State.DONE
        assert [each.what for each in work.asked].count(What.MIGRATION) == 2  # on the copy, and after the window
        assert list(known) == ["0001.sql", "0002.sql"]
        assert "0003.sql" in place.journal.servings.migrations("staging")

    played(tmp_path, scene, databases=True)


def test_what_github_does_not_merge_is_moved_back(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        place.github.faults.add(
            kind="status", method="PUT", path="/merge$", status=405, body='{"message": "Not allowed"}'
        )
        ended = await promote(place, place.second)
        assert ended.refusal is not None
        assert (ended.refusal.step, "Not allowed" in ended.refusal.message) == ("merge", True)
        assert await served(place) == {place.first}
        assert place.journal.servings.of("staging")[-1].commit == place.first
        assert place.branches()["staging"] == place.first

    played(tmp_path, scene)


def test_a_slow_pipeline_is_promoted_where_a_person_says_why(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        work = Table(journal=place.journal, seconds=660.0)
        ended = await promote(place, place.second, work, accept_slow="a customer waits")
        assert ended.flow.state is State.DONE
        assert 'accepted: "a customer waits"' in str(ended.facts["evidence"])

    played(tmp_path, scene)


def test_a_live_key_in_staging_is_refused_before_it_is_used(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        keep(place, "staging-stripe", SECRETS["production-stripe"])
        with pytest.raises(UsageError, match="a key of Stripe's live mode, and test mode is meant; it was not tried"):
            await promote(place, place.second)
        assert (await served(place), place.made()["pulls"]) == ({place.first}, 0)

    played(tmp_path, scene)


def test_a_dry_run_names_every_write_and_does_none(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        def asked() -> subprocess.CompletedProcess[str]:
            argv = command("promote", "staging", str(place.root), "--commit", place.second, "--dry-run")
            env = environment(tmp_path / "state")
            return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)

        stand_ins = (place.github, place.vercel, place.neon)
        before = [len(each.calls) for each in stand_ins]
        done = await anyio.to_thread.run_sync(asked)
        assert done.returncode == ExitCode.PASSED, done.stderr
        for words in ("pull request: the branch shipway/staging/", "switch: what users", "deploy api", "merge: "):
            assert words in done.stdout
        made = [call for each, number in zip(stand_ins, before, strict=True) for call in each.calls[number:]]
        assert [call for call in made if call.method != "GET"] == []

    played(tmp_path, scene)


def test_an_abort_ends_it_at_its_next_step_and_cleans_up(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        async def stop(_asked: Asked) -> None:
            carrying.abort(place.journal, carrying.unfinished(place.journal, "staging"), "we wait for the demo")

        ended = await promote(place, place.second, Slow(journal=place.journal, then=stop))
        assert ended.refusal is not None
        assert (ended.refusal.step, ended.flow.state) == ("abort", State.ABORTED)
        assert await served(place) == {place.first}
        made = place.made()
        assert (made["neon"], made["comments"], place.journal.incidents.going_on()) == (["main"], 1, ())
        assert (await promote(place, place.second)).flow.state is State.DONE

    played(tmp_path, scene)


def test_a_window_is_left_to_whoever_ticks_and_bars_nobody(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        ended = await promote(place, place.second, wait=False)
        assert (ended.flow.state, ended.refusal) == (State.WAITING, None)
        third = place.push("three")
        other = await promote(place, third, wait=False)
        assert (other.flow.state, await served(place)) == (State.WAITING, {third})
        assert [flow.commit for flow in carrying.due(place.journal)] == [third, place.second]
        for commit in (place.second, third):
            assert (await promote(place, commit)).flow.state is State.DONE

    played(tmp_path, scene, soak=15.0)


def test_of_two_at_once_one_wins_and_the_other_says_who_holds_it(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        said: list[str] = []
        third = place.push("three")

        async def other(_asked: Asked) -> None:
            try:
                await promote(place, third)
            except BusyError as error:
                said.append(error.message)

        work = Slow(journal=place.journal, then=other)
        ended = await promote(place, place.second, work)
        assert ended.flow.state is State.DONE
        assert said == [f"the promotion of {place.second[:12]} to staging is not finished"]
        assert (place.made()["pulls"], await served(place)) == (1, {place.second})

    played(tmp_path, scene)


@pytest.mark.parametrize("red", [None, What.TIER_2], ids=["green", "red"])
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.long
def test_killed_behind_any_entry_and_resumed_it_ends_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, red: What | None, part: int
) -> None:
    monkeypatch.setattr(leases, "GRACE", 0.2)

    async def scene(place: Town) -> None:
        table = {red: "no mail"} if red else {}

        async def undisturbed(commit: str) -> tuple[Ended, dict[str, int]]:
            before = counted(place)
            ended = await promote(place, commit, Table(journal=place.journal, red=table))
            return ended, {name: number - before[name] for name, number in counted(place).items()}

        ended, expected = await undisturbed(place.push("the first"))
        entries = len(place.journal.flows.entries(ended.flow.id))
        assert entries > 30
        for number in range(1 + part, entries + 1, PARTS):
            commit = place.push(f"killed behind {number}")
            before = counted(place)
            argv = [sys.executable, "-P", "-m", "tests.promotion.town", "staging"]
            argv += [str(place.directory), commit, str(number)]
            argv += [red.value] if red else []
            killed = await processes.run(argv, cwd=ROOT, environment={**os.environ, "PYTHONPATH": str(ROOT)})
            assert killed.code == -9, (number, killed.stderr.decode()[-2000:])
            again = await promote(place, commit, Table(journal=place.journal, red=table))
            assert (again.flow.state, again.refusal and again.refusal.step) == (
                ended.flow.state,
                ended.refusal and ended.refusal.step,
            ), number
            made = {name: count - before[name] for name, count in counted(place).items()}
            assert made == expected, number
            assert await served(place) == {commit if red is None else place.first}, number

    played(tmp_path, scene)


@pytest.mark.parametrize("vendor", ["github", "vercel", "neon"])
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.long
def test_cut_at_any_request_it_ends_as_if_undisturbed(tmp_path: Path, vendor: str, part: int) -> None:
    async def scene(place: Town) -> None:
        stand_in: StandIn = getattr(place, vendor)
        started, before = len(stand_in.calls), counted(place)
        await promote(place, place.push("the first"))
        expected = {name: number - before[name] for name, number in counted(place).items()}
        requests = len(stand_in.calls) - started
        assert requests > 10
        for number in range(part, requests, PARTS):
            commit, before = place.push(f"cut at {number}"), counted(place)
            stand_in.faults.add(kind=CUTS[number % len(CUTS)], after=number, times=1, status=503)
            for _ in range(3):
                try:
                    ended = await promote(place, commit)
                except VendorError:
                    continue
                break
            stand_in.faults.clear()
            assert (ended.flow.state, ended.refusal) == (State.DONE, None), number
            made = {name: count - before[name] for name, count in counted(place).items()}
            assert made == expected, number
            assert await served(place) == {commit}, number

    played(tmp_path, scene)


def counted(place: Town) -> dict[str, int]:
    """How many of each there are."""
    return {name: len(each) if isinstance(each, list) else each for name, each in place.made().items()}


@pytest.mark.long
def test_who_was_stopped_and_wakes_after_its_time_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "GRACE", 0.2)

    async def scene(place: Town) -> None:
        argv = [sys.executable, "-P", "-m", "tests.promotion.town", "staging"]
        argv += [str(place.directory), place.second, "0"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        async with await anyio.open_process(argv, cwd=ROOT, env=environment) as stopped:
            with anyio.fail_after(60):
                await until_steps(place, 6)
            known = place.journal.flows.recent("staging")
            await stop_between_writes(place, stopped)
            try:
                done = steps_of(place, known[0].id)
                ended = await promote(place, place.second)
                assert (ended.flow.id, ended.flow.state) == (known[0].id, State.DONE)
                made, entries = place.made(), len(place.journal.flows.entries(known[0].id))
            finally:
                stopped.send_signal(signal.SIGCONT)
            with anyio.fail_after(60):
                assert await stopped.wait() != 0
        assert done < 18, "it was stopped too late to prove anything"
        assert place.made() == made
        assert len(place.journal.flows.entries(known[0].id)) == entries
        assert await served(place) == {place.second}

    played(tmp_path, scene)


async def stop_between_writes(place: Town, process: Process) -> None:
    """Stop a process where it does not hold the journal's file: nobody else could write to that."""
    path = str(place.journal.store.engine.url.database)
    while True:
        process.send_signal(signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as file:
            try:
                file.execute("begin immediate")
            except sqlite3.OperationalError:
                process.send_signal(signal.SIGCONT)
            else:
                file.execute("rollback")
                return
        await anyio.sleep(0.01)


async def until_steps(place: Town, number: int) -> None:
    def enough() -> bool:
        known = place.journal.flows.recent("staging")
        return bool(known) and steps_of(place, known[0].id) >= number

    while not enough():  # noqa: ASYNC110 - it stands in a file
        await anyio.sleep(0.02)


def steps_of(place: Town, flow: str) -> int:
    return len(place.journal.flows.results(flow))

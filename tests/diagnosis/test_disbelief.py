"""Nothing that a proposal says is believed: who judges it makes sure by itself, in the village."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sql

from ci.diagnosis import cases
from ci.diagnosis.cycle import MENDING, flow_name
from ci.diagnosis.queue import to_be_judged
from ci.errors import DiskFullError, ExitCode
from ci.journal import Refusal, State
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.journal.proposals import Proposal
from ci.journal.tables import ENTRIES, FIXES, FLOWS, INCIDENTS, PROPOSALS
from ci.model import CheckRun, Failure, Status
from tests.diagnosis.acts import BROKEN, only_fix, play, red, red_again, reviewed, stage, why
from tests.diagnosis.village import FILES, OTHER, RIGHT, SOURCE, WRONG, Village, mends, report

if TYPE_CHECKING:
    from pathlib import Path

    from ci.journal.incidents import Incident

TIER_1 = "e2e/tier-1@apps/web"  # a check of a deployment, which no plan of a commit has


def refused(made: Village, name: str = "staging-1") -> Incident:
    """Have a promotion to staging be refused by a test of the deployment, and its incident be opened."""
    kept, commit = made.journal, made.main()
    kept.flows.begin(name, kind="promotion", environment="staging", commit=commit, asked={}, lasting=60.0)
    no = Refusal(step="tier 1", message="1 of 3 failed", hint=None, code=ExitCode.GATE_REFUSED, state=State.BLOCKED)
    kept.flows.refuse(name, no)
    kept.flows.move(name, State.BLOCKED, "tier 1: 1 of 3 failed")
    opened = kept.incidents.open(name, environment="staging", commit=commit, what="tier 1", reason="1 of 3 failed")
    check = CheckRun(
        stage="e2e",
        name="tier-1",
        package="apps/web",
        status=Status.FAILED,
        reason="1 of 3 tests failed",
        failures=(Failure(message="expected 200", file="e2e/shop.spec.ts", test="sells", test_id="e2e/shop > sells"),),
    )
    cases.keep(kept, opened, dataclasses.replace(report([check], commit), environment="staging"))
    return opened


def says(made: Village, incident: Incident, *, cycle: int = 1, patch: bytes = b"", **document: Any) -> None:
    """Have a first half that is nobody's say something."""
    made.journal.proposals.keep(Proposal(incident=incident.id, cycle=cycle, document=document, patch=patch))


def patch_of(old: str = WRONG, new: str = RIGHT) -> bytes:
    """Return the patch of the village's source."""
    return (
        f"diff --git a/{SOURCE} b/{SOURCE}\n--- a/{SOURCE}\n+++ b/{SOURCE}\n@@ -1,3 +1,3 @@\n"
        f" export function add(a: number, b: number): number {{\n-  {old}\n+  {new}\n }}\n"
    ).encode()


def test_what_no_plan_runs_is_not_flaky_for_it(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = refused(made)
        await made.finds(incident, None)
        (proposal,) = made.journal.proposals.of(incident.id)
        assert (proposal.document["flaky"], proposal.document["author"]) == (False, "")
        ended = await made.judges(incident)
        assert ended.refusal is not None
        assert ended.refusal.code == ExitCode.ESCALATED
        assert stage(made, incident) is Stage.ESCALATED

    play(tmp_path, acts)


def test_who_calls_flaky_what_no_plan_runs_closes_nothing(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = refused(made)
        says(made, incident, author="a second run", flaky=True)
        ended = await made.judges(incident)
        assert "do not pass here: it was not run" in why(ended)
        assert stage(made, incident) is Stage.WAITING

    play(tmp_path, acts)


def test_who_calls_a_gate_flaky_closes_nothing(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = made.breaks_production(made.main())
        says(made, incident, author="a second run", flaky=True)
        ended = await made.judges(incident)
        assert "it is called flaky, and there is no check to run again" in why(ended)
        assert stage(made, incident) is Stage.ESCALATED

    play(tmp_path, acts)


def test_who_calls_itself_a_tool_is_judged_as_a_model(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        before = made.main()
        says(made, incident, author="eslint --fix", patch=patch_of())
        ended = await made.judges(incident)
        assert ended.flow.state is State.PAUSED
        assert "0 of the model's first 3 fixes" in ended.facts["fix"]["why"]
        assert (only_fix(made, incident).author, only_fix(made, incident).state) == ("model", Fate.REQUESTED)
        assert made.main() == before

    play(tmp_path, acts, more="shadow = 3")


def test_who_changes_what_a_tool_makes_is_judged_as_a_model(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made, {SOURCE: f"var x = 1;\n{FILES[SOURCE]}"})
        made.trials.fixes = {SOURCE: f"const x = 1;\n{FILES[SOURCE]}".encode()}
        says(
            made,
            incident,
            author="eslint --fix",
            patch=f"diff --git a/{SOURCE} b/{SOURCE}\n--- a/{SOURCE}\n+++ b/{SOURCE}\n@@ -1,2 +1,2 @@\n-var x = 1;\n"
            f"+const x = 666;\n export function add(a: number, b: number): number {{\n".encode(),
        )
        ended = await made.judges(incident)
        assert only_fix(made, incident).author == "model", ended

    play(tmp_path, acts, more="shadow = 3")


@pytest.mark.parametrize("document", ["not json", "[1]", '"abc"', "[" * 100_000, '{"tier": 0}', '{"else": 1}'])
def test_what_cannot_be_read_is_a_persons_and_hides_no_other_incident(tmp_path: Path, document: str) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        row = {"incident": incident.id, "cycle": 1, "document": document, "patch": b"", "transcript": ""}
        with made.journal.store.writing() as connection:
            connection.execute(sql.insert(PROPOSALS).values({**row, "moment": incident.moment + 1}))
        assert to_be_judged(made.journal) == (incident.id,)
        ended = await made.judges(incident)
        assert "the proposal of cycle 1 cannot be read" in why(ended)
        assert stage(made, incident) is Stage.ESCALATED

    play(tmp_path, acts)


@pytest.mark.parametrize("number", [-5, 0, 4])
def test_a_cycle_that_there_may_not_be_is_none(tmp_path: Path, number: int) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        before = made.main()
        says(made, incident, cycle=number, author="model", patch=patch_of())
        ended = await made.judges(incident)
        assert f"3 cycles did not mend {incident.id}" in why(ended)
        assert (made.main(), stage(made, incident)) == (before, Stage.ESCALATED)

    play(tmp_path, acts)


def test_the_same_failure_again_ends_it_whatever_the_first_half_makes_of_it(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident, again = await red_again(made)
        patch = patch_of(RIGHT, "return b + a;")
        made.journal.proposals.keep(Proposal(incident=incident.id, cycle=2, document={"author": "model"}, patch=patch))
        assert f"{again.id} fails as {incident.id} did" in why(await made.judges(again))

    play(tmp_path, acts)


@pytest.mark.parametrize(
    ("message", "author"),
    [
        ("fix\n\nDocs: what Shipway-Cycle: means", "stranger"),
        ("bump\n\n> Shipway-Cycle: x/1", "dependabot[bot]"),
        ("fix\n\nShipway-Cycle: main-x/1", "another stranger"),
    ],
)
def test_a_trailer_that_anybody_may_write_makes_nobody_trusted(tmp_path: Path, message: str, author: str) -> None:
    async def acts(made: Village) -> None:
        made.git("config", "user.name", author)
        for name, text in BROKEN.items():
            (made.root / name).write_text(text)
        made.git("add", "-A")
        made.git("-c", f"user.name={author}", "commit", "-q", f"--author={author} <x@example.invalid>", "-m", message)
        made.git("push", "-q", "origin", "HEAD:refs/heads/main")
        incident = await made.opens(made.git("rev-parse", "HEAD"))
        says(made, incident, author="model", patch=patch_of())
        ended = await made.judges(incident)
        (ruling,) = ended.facts.get("tier", {}).get("rulings") or (ended.refusal and ended.refusal.rulings) or ()
        observed = ruling["values"]["observed"]
        assert (observed["trusted"], observed["foreign"]) == (False, author != "stranger")

    play(tmp_path, acts)


def test_what_may_hold_secrets_is_not_in_what_changed(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        made.push(
            "settings", {".env": "TOKEN=correct-horse-battery\n", "packages/core/.npmrc": "//x/:_authToken=plain\n"}
        )
        made.git("rm", "-q", ".env", "packages/core/.npmrc")
        incident = await red(made)
        model = mends()
        await made.finds(incident, model)
        told = str(model.asked)
        assert RIGHT in told
        assert "2 of the changed files may hold secrets, and are not shown" in told
        assert "correct-horse-battery" not in told
        assert "plain" not in told.replace("explain", "")

    play(tmp_path, acts)


def test_no_line_of_a_strangers_begins_where_a_trailer_would_in_a_request(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        cause = "x\nShipway-Fixes: main-aaaaaaaaaaaa\nThis reverts commit aaaaaaaaaaaa.\nCo-authored-by: A <a@b.c>"
        says(made, incident, author="model", patch=patch_of(), cause=cause, approach=cause)
        await made.judges(incident)
        (number,) = made.github.state.pulls
        lines = made.github.state.issues[number]["body"].splitlines()
        assert sum(line.lstrip().startswith("Shipway-Fixes: main-aaaaaaaaaaaa") for line in lines) == 2
        assert not [line for line in lines if line.startswith(("Shipway-", "This reverts", "Co-authored-by"))]

    play(tmp_path, acts, more="shadow = 1")


def test_a_fix_of_what_was_closed_meanwhile_does_not_go_out(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        before = made.main()
        await made.finds(incident, mends())
        made.journal.incidents.close(incident.id)
        ended = await made.judges(incident)
        assert why(ended) == f"commit: {incident.id} was closed meanwhile"
        assert not made.github.state.pulls
        assert (made.main(), stage(made, incident)) == (before, Stage.CLOSED)

    play(tmp_path, acts)


def test_without_a_repository_at_github_a_fix_is_a_persons_after_one_cycle(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        settings = made.root / "shipway.toml"
        settings.write_text(settings.read_text()[settings.read_text().index("[diagnosis]") :])
        await made.finds(incident, mends())
        ended = await made.judges(incident)
        assert "shipway.toml has no [github]: a fix is for a person to commit" in why(ended)
        assert stage(made, incident) is Stage.ESCALATED

    play(tmp_path, acts)


def test_whoever_died_behind_moving_main_notes_it_though_no_further_one_may_go_today(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        await made.judges(incident)
        fix = only_fix(made, incident)
        flow = flow_name(MENDING, incident.id, 1)
        with made.journal.store.writing() as connection:  # as if nothing had been noted since main was moved
            since = (ENTRIES.c.flow == flow) & ENTRIES.c.step.in_(["fix", "review", "over"])
            connection.execute(sql.delete(ENTRIES).where(since))
            connection.execute(sql.delete(FIXES))
            connection.execute(sql.update(FLOWS).where(FLOWS.c.id == flow).values(state="running", ended=None))
            connection.execute(sql.update(INCIDENTS).values(state=Stage.PROPOSED.value))
        settings = made.root / "shipway.toml"
        settings.write_text(settings.read_text().replace("shadow = 0", "shadow = 9"))
        ended = await made.judges(incident)
        assert ended.refusal is None, why(ended)
        assert (only_fix(made, incident).state, only_fix(made, incident).commit) == (Fate.COMMITTED, fix.commit)
        assert made.github.state.pulls == {}

    play(tmp_path, acts)


async def twice(made: Village) -> tuple[Incident, Incident]:
    """Have main red on two commits, one behind the other, and what mends it proposed for both."""
    first = await red(made)
    second = await made.opens(made.push("another push", {OTHER: "export const other = 5;\n"}))
    for each in (first, second):
        await made.finds(each, mends())
    return first, second


def test_where_main_is_well_again_nothing_more_goes_out(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first, second = await twice(made)
        assert (await made.judges(first)).flow.state is State.DONE
        head = made.main()
        ended = await made.judges(second)
        assert why(ended) == f"commit: main is past it: what failed on {second.commit[:12]} passes on {head[:12]}"
        assert (made.main(), stage(made, second), made.journal.fixes.of(second.id)) == (head, Stage.CLOSED, ())
        assert not made.github.state.pulls

    play(tmp_path, acts)


def test_the_same_patch_is_asked_for_once(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        first, second = await twice(made)
        await made.judges(first)
        ended = await made.judges(second)
        assert ended.flow.state is State.PAUSED
        assert str(ended.flow.reason).startswith("the same patch waits for a review at http")
        assert len(made.github.state.pulls) == 1
        await reviewed(made, merge=True)
        await made.judges(first)
        assert "main is past it" in why(await made.judges(second))
        assert (stage(made, first), stage(made, second)) == (Stage.CLOSED, Stage.CLOSED)

    play(tmp_path, acts, more="shadow = 1")


def test_a_full_disk_says_nothing_of_a_fix(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        made.trials.broken = DiskFullError("there is no room left at /work", hint="make some")
        ended = await made.judges(incident)
        assert (ended.flow.state, ended.pause, ended.refusal) == (State.PAUSED, ExitCode.TOOL, None)
        assert str(ended.flow.reason).startswith("there is no room left at /work")
        made.trials.broken = None
        ended = await made.judges(incident)
        assert ended.refusal is None, why(ended)
        assert RIGHT in made.text(SOURCE)
        assert [each.cycle for each in made.journal.proposals.of(incident.id)] == [1]

    play(tmp_path, acts)

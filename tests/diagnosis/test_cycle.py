"""A cycle from a red main to what becomes of it, in the village."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from ci.diagnosis import limits
from ci.errors import ExitCode
from ci.journal import State
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.journal.notices import Kind
from ci.journal.proposals import Proposal
from ci.mended import report_of
from ci.vendors.model import ScriptedModel, ToolUse, using
from tests.diagnosis.acts import BROKEN, only_fix, play, red, red_again, reviewed, stage, why
from tests.diagnosis.village import (
    FILES,
    OTHER,
    RIGHT,
    SOURCE,
    TEST,
    WRONG,
    Village,
    finishes,
    mends,
)
from tests.diagnosis.villager import FIND, JUDGE, KILLED, villagers

if TYPE_CHECKING:
    from pathlib import Path


def test_a_simple_fix_goes_to_main_and_its_incident_is_over(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        ended = await made.judges(incident)
        assert (ended.flow.state, ended.refusal) == (State.DONE, None)
        assert RIGHT in made.text(SOURCE)
        fix = only_fix(made, incident)
        assert (fix.state, fix.tier, fix.author, fix.commit) == (Fate.COMMITTED, 1, "model", made.main())
        assert stage(made, incident) is Stage.CLOSED
        said = made.git("--git-dir", str(made.github.state.bare.path), "log", "-1", "--format=%B", "main")
        assert f"Shipway-Fixes: {incident.id}\nShipway-Cycle: {incident.id}/1" in said
        assert made.journal.evidence.newest(made.main()) is not None

    play(tmp_path, acts)


@pytest.mark.parametrize(
    ("more", "words"), [("shadow = 1", "0 of the model's first 1"), ("shadow = 0\ntier1 = false", "lets no fix go")]
)
def test_a_fix_that_has_to_be_reviewed_is_a_pull_request_and_over_once_that_is_merged(
    tmp_path: Path, more: str, words: str
) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        before = made.main()
        await made.finds(incident, mends())
        ended = await made.judges(incident)
        assert ended.flow.state is State.PAUSED
        assert words in ended.facts["fix"]["why"]
        assert made.main() == before
        assert only_fix(made, incident).state is Fate.REQUESTED
        assert (await made.judges(incident)).flow.state is State.PAUSED  # nobody reviewed it yet
        assert len(made.github.state.pulls) == 1
        await reviewed(made, merge=True)
        ended = await made.judges(incident)
        assert ended.flow.state is State.DONE
        fix = only_fix(made, incident)
        assert (fix.state, fix.commit, made.journal.fixes.earned()) == (Fate.MERGED, made.main(), 1)

    play(tmp_path, acts, more=more)


def test_a_pull_request_that_a_person_closes_ends_in_a_persons_hands_and_costs_what_was_earned(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        await made.judges(incident)
        await reviewed(made, merge=False)
        ended = await made.judges(incident)
        assert "a person closed #1" in why(ended)
        assert ended.refusal is not None
        assert ended.refusal.code == ExitCode.ESCALATED
        assert stage(made, incident) is Stage.ESCALATED
        assert (only_fix(made, incident).state, made.journal.fixes.earned()) == (Fate.DECLINED, 0)

    play(tmp_path, acts, more="shadow = 1")


def test_what_could_not_keep_the_checks_of_a_cycle_apart_stands_in_its_report(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        made.trials.isolation = ("its own files", "could not be had: a network of its own")
        incident = await red(made)
        found, judged = await made.finds(incident, mends()), await made.judges(incident)
        for ended in (found, judged):
            told = report_of([ended], made.journal, incident, repository="village", cycles=3)
            assert told.notices == ("checks of the cycle: could not be had: a network of its own",)

    play(tmp_path, acts)


def test_a_fix_stands_on_what_main_has_by_now_and_is_a_pull_request_where_main_changed_its_files(
    tmp_path: Path,
) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        later = made.push("elsewhere", {OTHER: "export const other = 2;\n"})
        await made.judges(incident)
        assert RIGHT in made.text(SOURCE)
        assert made.text(OTHER) == "export const other = 2;\n"
        assert made.git("--git-dir", str(made.github.state.bare.path), "rev-parse", "main^") == later

    play(tmp_path, acts)


def test_a_fix_of_a_file_that_main_changed_since_is_a_pull_request(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        later = made.push("too", {SOURCE: f"// {WRONG}\n{BROKEN[SOURCE]}"})
        ended = await made.judges(incident)
        assert ended.flow.state is State.PAUSED
        assert f"main changed {SOURCE} since" in ended.facts["fix"]["why"]
        assert made.main() == later

    play(tmp_path, acts)


def test_what_passes_on_the_same_files_is_flaky_and_nothing_is_committed(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        made.trials.flaky = 1
        incident = await made.opens(made.push("slow", {OTHER: "export const other = 3;\n"}))
        before = made.main()
        await made.finds(incident, None)
        ended = await made.judges(incident)
        assert ended.flow.state is State.DONE
        assert (only_fix(made, incident).state, made.main()) == (Fate.NOTHING, before)
        assert stage(made, incident) is Stage.CLOSED

    play(tmp_path, acts)


def test_who_says_that_a_red_commit_is_flaky_is_found_out_by_a_run(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        lie = Proposal(incident=incident.id, cycle=1, document={"author": "a second run", "flaky": True})
        made.journal.proposals.keep(lie)
        ended = await made.judges(incident)
        assert "the very same files do not pass here: unit/vitest@.: 1 of 2 tests failed" in why(ended)
        assert stage(made, incident) is Stage.WAITING

    play(tmp_path, acts)


def test_what_a_tool_repairs_goes_to_main_though_no_fix_of_a_model_would(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made, {SOURCE: f"var x = 1;\n{FILES[SOURCE]}"})
        made.trials.fixes = {SOURCE: f"const x = 1;\n{FILES[SOURCE]}".encode()}
        await made.finds(incident, None)
        ended = await made.judges(incident)
        assert ended.refusal is None, why(ended)
        assert (only_fix(made, incident).author, only_fix(made, incident).state) == ("eslint --fix", Fate.COMMITTED)
        assert made.text(SOURCE).startswith("const x")

    play(tmp_path, acts, more="shadow = 3")


def test_without_a_model_what_no_tool_repairs_is_a_persons(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, None)
        ended = await made.judges(incident)
        assert "neither a tool nor a model repaired it" in why(ended)
        assert stage(made, incident) is Stage.ESCALATED
        assert ended.facts["people told"]["sent"] == {"console": "sent"}

    play(tmp_path, acts)


def test_a_model_that_asks_for_less_freedom_gets_it(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends(tier=2))
        ended = await made.judges(incident)
        assert ended.facts["fix"]["why"] == "a fix of tier 2 is for a person to review"

    play(tmp_path, acts)


def test_whoever_weakens_the_test_proves_nothing_and_does_it_once(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        was, cheat = "expect(add(1, 2)).toBe(3)", "expect(3).toBe(3)"
        await made.finds(incident, mends(cheat, old=was, path=TEST))
        ended = await made.judges(incident)
        assert why(ended).startswith("proof: integrity: ")
        assert stage(made, incident) is Stage.WAITING
        await made.finds(incident, mends(cheat, old=was, path=TEST))
        ended = await made.judges(incident)
        assert "it is the same patch as in an earlier cycle" in why(ended)
        assert stage(made, incident) is Stage.ESCALATED
        assert WRONG in made.text(SOURCE)

    play(tmp_path, acts)


def test_after_three_cycles_over_restarts_people_are_told_the_whole_history(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        for number, new in enumerate(("return a * b;", "return b - a;", "return a;"), 1):
            await made.finds(incident, mends(new))
            await made.judges(incident)
            assert stage(made, incident) is (Stage.ESCALATED if number == 3 else Stage.WAITING)
        tale = made.journal.notices.tale(f"{incident.id}-escalated", Kind.OPENED)
        assert tale is not None
        told = json.loads(tale.document)
        tried = next(each["text"] for each in told["excerpts"] if each["name"] == "what was tried")
        assert [line.partition(" (")[0] for line in tried.splitlines()] == ["cycle 1", "cycle 2", "cycle 3"]
        await made.finds(incident, mends())
        assert "3 cycles did not mend" in why(await made.judges(incident))

    play(tmp_path, acts)


def test_what_fails_in_the_same_way_after_its_fix_is_a_persons(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident, again = await red_again(made)
        assert made.journal.cases.beginning(again.id) == incident.id
        await made.finds(again, mends())
        ended = await made.judges(again)
        assert f"{again.id} fails as {incident.id} did" in why(ended)
        assert [each.cycle for each in made.journal.proposals.of(incident.id)] == [1, 2]

    play(tmp_path, acts)


def test_behind_four_commits_of_bots_no_further_one_goes(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        for number in range(limits.BOTS - 1):
            made.push(f"bump\n\n{limits.TRAILER} x/{number}", {OTHER: f"export const other = {number};\n"})
        incident = await made.opens(made.push(f"bump\n\n{limits.TRAILER} x/9", BROKEN))
        await made.finds(incident, mends())
        assert "are all by bots" in why(await made.judges(incident))

    play(tmp_path, acts)


def test_a_model_that_never_ends_costs_no_more_than_it_may(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        looks = [
            using(ToolUse(id=str(n), name="read_file", input={"path": SOURCE, "first": 1, "last": n + 1}), cost=0.03)
            for n in range(50)
        ]
        await made.finds(incident, ScriptedModel(*looks, most=0.03))
        (proposal,) = made.journal.proposals.of(incident.id)
        assert proposal.document["dollars"] <= 0.1
        assert "has spent its dollars" in proposal.document["ended"]
        assert stage(made, incident) is Stage.PROPOSED

    play(tmp_path, acts, more="dollars_a_cycle = 0.1")


def test_a_model_that_gives_no_patch_leaves_a_diagnosis_to_a_person(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, ScriptedModel(finishes(tier=3)))
        ended = await made.judges(incident)
        assert "finished" in why(ended)
        tale = made.journal.notices.tale(f"{incident.id}-escalated", Kind.OPENED)
        assert tale is not None
        assert json.loads(tale.document)["advice"].startswith("Add")

    play(tmp_path, acts)


@pytest.mark.long
@pytest.mark.parametrize("more", ["shadow = 0", "shadow = 1"])
def test_killed_at_any_point_a_cycle_comes_to_the_same_end(tmp_path: Path, more: str) -> None:
    """Behind every entry of both halves a process is killed, and another one goes on."""

    async def acts(made: Village) -> None:
        incident = await red(made)
        async with villagers(made.directory) as processes:
            for half, points in ((FIND, 10), (JUDGE, 24 if more == "shadow = 0" else 13)):  # the last: it waits
                deaths = 0
                # Each step is killed with its intention written down, done again, and killed with what came of it.
                while await processes.end(incident.id, half, 1 + deaths % 2) == KILLED:
                    deaths += 1
                assert deaths == points, half
        if more == "shadow = 1":
            await reviewed(made, merge=True)
            await made.judges(incident)
        assert RIGHT in made.text(SOURCE)
        assert stage(made, incident) is Stage.CLOSED
        assert [each.cycle for each in made.journal.proposals.of(incident.id)] == [1]
        assert len(made.github.state.pulls) == (1 if more == "shadow = 1" else 0)
        fixes = made.git("--git-dir", str(made.github.state.bare.path), "log", "--format=%s", "main").splitlines()
        assert sum(each.startswith("Mend") for each in fixes) == 1

    play(tmp_path, acts, more=more)

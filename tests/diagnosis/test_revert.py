"""A fix that went to main by itself, and main is red on the next run: in the village."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sql
from rich.console import Console

from ci import mended, mending
from ci.asked import MendingRequest
from ci.diagnosis import limits, reverting
from ci.diagnosis.queue import to_be_diagnosed, to_be_taken_back
from ci.errors import ExitCode
from ci.journal import State
from ci.journal.fixes import Fate
from ci.journal.incidents import Stage
from ci.journal.notices import Kind
from ci.journal.tables import ENTRIES, FLOWS
from ci.journal.tables import REVERTS as REVERTED
from ci.model import RunVerdict
from ci.promotion.admission import FIXES, REVERTS
from ci.promotion.flow import PausedError
from ci.promotion.history import History
from ci.rehearsal.github.rules import Rules
from ci.reporting.incident import headline
from tests.diagnosis.acts import BROKEN, only_fix, play, red, reviewed, stage, why
from tests.diagnosis.village import FILES, LINT, OTHER, RIGHT, SOURCE, WRONG, Village, mends, report
from tests.diagnosis.villager import BACK, KILLED, villagers

if TYPE_CHECKING:
    from pathlib import Path

    from ci.journal.incidents import Incident
    from ci.promotion.flow import Ended

STAGED = """shadow = 0

[[apps]]
name = "web"
path = "packages/core"

[environments.staging]
addresses = { web = "http://127.0.0.1:9" }
"""
STRICT = f"{RIGHT}\n"  # what the linter minds once the fix is out


async def out(made: Village) -> Incident:
    """Have a fix go to main by itself; return the incident that it was for."""
    incident = await red(made)
    await made.finds(incident, mends())
    await made.judges(incident)
    assert only_fix(made, incident).state is Fate.COMMITTED
    made.git("pull", "-q", "origin", "main")
    return incident


async def red_again(made: Village, text: str = STRICT) -> Incident:
    """Have the next run of main be red."""
    made.forbids(text)
    return await made.opens(made.main())


def messages(made: Village) -> list[str]:
    """The messages of main's commits, the newest first."""
    text = made.git("--git-dir", str(made.github.state.bare.path), "log", "--format=%B%x00", "main")
    return [each.strip() for each in text.split("\0") if each.strip()]


def test_a_fix_with_which_main_is_red_is_taken_back_and_what_failed_before_is_gone_on_with(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        fix = made.main()
        again = await red_again(made)
        ended = await made.takes_back(again)
        assert (ended.flow.state, ended.refusal) == (State.DONE, None)
        assert made.text(SOURCE) == BROKEN[SOURCE]
        said = messages(made)[0]
        assert said.startswith('Revert "Mend unit: Add"')
        assert (REVERTS.findall(said), FIXES.findall(said)) == ([fix], [])
        assert f"{limits.TRAILER} {incident.id}/1" in said
        assert only_fix(made, incident).state is Fate.REVERTED
        assert made.journal.fixes.earned() == 0
        name = reverting.following(ended)
        assert to_be_diagnosed(made.journal) == (name,)
        assert name == f"main-{made.main()[:12]}"
        assert (stage(made, again), stage(made, incident)) == (Stage.CLOSED, Stage.CLOSED)
        after = made.journal.incidents.get(name)
        assert after is not None
        assert made.journal.cases.beginning(name) == incident.id
        assert made.journal.cases.signature(name) == made.journal.cases.signature(incident.id)
        assert to_be_taken_back(made.journal, after) is None

    play(tmp_path, acts)


def test_the_next_fix_after_one_was_taken_back_is_for_a_person_to_review(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        name = reverting.following(await made.takes_back(await red_again(made)))
        assert name is not None
        after = made.journal.incidents.get(name)
        assert after is not None
        await made.finds(after, mends(f"{RIGHT} // the sum"))
        ended = await made.judges(after)
        assert (ended.flow.state, ended.flow.asked["cycle"]) == (State.PAUSED, 2)
        assert "the next one is reviewed" in ended.facts["fix"]["why"]
        await reviewed(made, merge=True)
        await made.judges(after)
        assert RIGHT in made.text(SOURCE)
        assert [each.state for each in made.journal.fixes.of(incident.id)] == [Fate.REVERTED, Fate.MERGED]
        assert not made.journal.fixes.is_on_probation()
        assert made.journal.incidents.going_on() == ()

    play(tmp_path, acts)


def test_a_fix_is_taken_back_on_top_of_what_main_has_by_now(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        again = await red_again(made)
        later = made.push("elsewhere", {OTHER: "export const other = 2;\n"})
        await made.takes_back(again)
        assert (made.text(SOURCE), made.text(OTHER)) == (BROKEN[SOURCE], "export const other = 2;\n")
        assert made.git("--git-dir", str(made.github.state.bare.path), "rev-parse", "main^") == later
        assert only_fix(made, incident).state is Fate.REVERTED

    play(tmp_path, acts)


def test_a_fix_whose_files_main_changed_since_stays_and_people_are_told_once(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        again = await red_again(made)
        later = made.push("too", {SOURCE: f"// the sum\n{FILES[SOURCE]}"})
        ended = await made.takes_back(again)
        assert f"taken back: main changed {SOURCE} since" in why(ended)
        assert ended.refusal is not None
        assert ended.refusal.code == ExitCode.ESCALATED
        assert made.main() == later
        assert (only_fix(made, incident).state, stage(made, again)) == (Fate.COMMITTED, Stage.ESCALATED)
        tale = made.journal.notices.tale(f"{again.id}-not-reverted", Kind.OPENED)
        assert tale is not None
        assert f"git revert {again.commit}" in json.loads(tale.document)["advice"]
        assert (to_be_taken_back(made.journal, again), reverting.following(ended)) == (None, None)

    play(tmp_path, acts)


def test_what_passes_when_it_is_run_again_takes_no_fix_back(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        made.trials.flaky = 1
        again = await made.opens(made.main())
        ended = await made.takes_back(again)
        assert "the very same files passed" in ended.facts["taken back"]["skipped"]
        assert (only_fix(made, incident).state, reverting.following(ended)) == (Fate.COMMITTED, again.id)
        assert RIGHT in made.text(SOURCE)
        assert (stage(made, again), to_be_taken_back(made.journal, again)) == (Stage.WAITING, None)

    play(tmp_path, acts)


def test_what_cannot_be_run_again_proves_no_flake(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        again = await red_again(made)
        made.trials.unable = frozenset({LINT})
        await made.takes_back(again)
        assert only_fix(made, incident).state is Fate.REVERTED

    play(tmp_path, acts)


def test_what_is_red_without_the_fix_too_takes_it_back_only_where_it_was_to_mend_that(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        again = await red_again(made, "export function")  # the linter would have minded it before, too
        ended = await made.takes_back(again)
        assert "failed without it, too" in ended.facts["taken back"]["skipped"]
        assert only_fix(made, incident).state is Fate.COMMITTED

    play(tmp_path, acts)


def test_a_fix_after_which_main_fails_as_it_did_before_is_taken_back_and_no_further_try_is_made(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        made.trials.flaky = 99
        again = await made.opens(made.main())
        ended = await made.takes_back(again)
        assert ended.facts["blame"]["brought"] == []
        assert only_fix(made, incident).state is Fate.REVERTED
        after = made.journal.incidents.get(str(reverting.following(ended)))
        assert after is not None
        await made.finds(after, mends())
        assert f"fails as {again.id} did: what was merged did not mend it" in why(await made.judges(after))

    play(tmp_path, acts)


def test_where_main_is_protected_it_is_taken_back_by_a_pull_request(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        fix = made.main()
        made.github.state.protect("main", Rules())
        again = await red_again(made)
        for _ in range(2):
            ended = await made.takes_back(again)
            assert (ended.flow.state, len(made.github.state.pulls)) == (State.PAUSED, 1)
            assert mending.due(made.journal) == (again.id,)
        verdict, line, command, code = told(made, ended, again)
        assert (verdict, command, code) == (RunVerdict.HELD, "shipway tick", ExitCode.HELD)
        assert "#1 waits for its review" in line
        assert (made.main(), only_fix(made, incident).state) == (fix, Fate.COMMITTED)
        await reviewed(made, merge=True)
        ended = await made.takes_back(again)
        assert ended.flow.state is State.DONE
        found = only_fix(made, incident)
        assert (found.state, found.reference.rpartition("/")[2]) == (Fate.REVERTED, "1")
        assert reverting.following(ended) == f"main-{made.main()[:12]}"
        assert made.journal.cases.beginning(f"main-{made.main()[:12]}") == incident.id

    play(tmp_path, acts)


def test_a_person_who_does_not_want_it_taken_back_has_it_so(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        made.github.state.protect("main", Rules())
        again = await red_again(made)
        await made.takes_back(again)
        await reviewed(made, merge=False)
        ended = await made.takes_back(again)
        assert (only_fix(made, incident).state, reverting.following(ended)) == (Fate.COMMITTED, again.id)

    play(tmp_path, acts)


def test_what_a_person_took_back_is_not_taken_back_twice(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        again = await red_again(made)
        made.git("revert", "--no-edit", again.commit)
        made.git("push", "-q", "origin", "HEAD:refs/heads/main")
        theirs = made.main()
        ended = await made.takes_back(again)
        assert (ended.flow.state, made.main()) == (State.DONE, theirs)
        assert only_fix(made, incident).state is Fate.REVERTED
        assert made.journal.cases.beginning(f"main-{theirs[:12]}") == incident.id

    play(tmp_path, acts)


def test_what_fixed_is_promoted_nowhere_once_it_was_taken_back(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        await made.finds(incident, mends())
        ended = await made.judges(incident)
        assert ended.flow.state is State.PAUSED
        made.git("pull", "-q", "origin", "main")
        again = await red_again(made)
        assert mending.due(made.journal) == (again.id, incident.id)
        await made.takes_back(again)
        assert mending.due(made.journal) == ()
        assert "was taken back by" in str(made.journal.flows.flow(ended.flow.id).reason)
        assert not made.journal.flows.flow(ended.flow.id).is_open

    play(tmp_path, acts, more=STAGED)


def test_a_fix_stays_where_main_passes_by_now_and_nothing_is_to_be_mended(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        fix = made.main()
        again = await red_again(made)
        later = made.push("its way out", {SOURCE: FILES[SOURCE].replace(RIGHT, f"{RIGHT} // well")})
        ended = await made.takes_back(again)
        assert ended.facts["taken back"]["skipped"].startswith(f"main passes by now, with {later[:12]}: ")
        assert (only_fix(made, incident).state, made.main()) == (Fate.COMMITTED, later)
        assert (stage(made, again), reverting.following(ended)) == (Stage.CLOSED, None)
        assert told(made, ended, again)[3] == ExitCode.PASSED
        assert fix != later

    play(tmp_path, acts)


def test_a_clone_that_is_too_shallow_says_so(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        await out(made)
        shallow = made.directory / "shallow"
        made.git("clone", "-q", "--depth", "1", f"file://{made.github.state.bare.path}", str(shallow))
        made.trials.history = History(root=shallow)
        ended = await made.takes_back(await red_again(made))
        assert why(ended) == f"blame: this clone has no commit before {made.main()[:12]}"
        assert ended.refusal is not None
        assert (ended.refusal.hint, ended.refusal.code) == ("git fetch --unshallow", ExitCode.USAGE)

    play(tmp_path, acts)


def test_where_the_run_of_a_fix_never_came_it_is_taken_back_by_the_next_one_that_is_red(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        made.forbids(STRICT)
        later = await made.opens(made.push("elsewhere", {OTHER: "export const other = 4;\n"}))
        assert (to_be_diagnosed(made.journal), mending.due(made.journal)) == ((), (later.id,))
        ended = await made.takes_back(later)
        assert only_fix(made, incident).state is Fate.REVERTED
        assert (made.text(SOURCE), made.text(OTHER)) == (BROKEN[SOURCE], "export const other = 4;\n")
        assert REVERTS.findall(messages(made)[0]) == [only_fix(made, incident).commit]
        assert (stage(made, later), reverting.following(ended)) == (Stage.CLOSED, f"main-{made.main()[:12]}")

    play(tmp_path, acts)


def test_what_a_later_commit_broke_takes_no_fix_back_and_is_asked_once(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        later = await made.opens(made.push("hurry", {SOURCE: f"var x = 1;\n{FILES[SOURCE]}"}))
        ended = await made.takes_back(later)
        assert f"what fails with {later.commit[:12]} passes with it" in ended.facts["taken back"]["skipped"]
        assert (only_fix(made, incident).state, reverting.following(ended)) == (Fate.COMMITTED, later.id)
        assert (to_be_taken_back(made.journal, later), to_be_diagnosed(made.journal)) == (None, (later.id,))

    play(tmp_path, acts)


def test_a_late_run_of_a_commit_before_the_fix_says_nothing_of_it(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await red(made)
        early = made.push("elsewhere", {OTHER: "export const other = 4;\n"})
        await made.finds(incident, mends())
        await made.judges(incident)
        made.git("pull", "-q", "origin", "main")
        late = await made.opens(early)
        ended = await made.takes_back(late)
        assert ended.facts["taken back"]["skipped"] == f"{early[:12]} does not hold it"
        assert (to_be_taken_back(made.journal, late), to_be_diagnosed(made.journal)) == (None, (late.id,))
        made.forbids(STRICT)
        later = await made.opens(made.push("elsewhere", {OTHER: "export const other = 5;\n"}))
        await made.takes_back(later)
        assert only_fix(made, incident).state is Fate.REVERTED

    play(tmp_path, acts)


@pytest.mark.parametrize("green", ["its own run", "a later one"])
def test_a_fix_that_was_seen_green_is_not_asked_about_later(tmp_path: Path, green: str) -> None:
    async def acts(made: Village) -> None:
        await out(made)
        fix = made.main()
        made.forbids(STRICT)
        middle = made.push("more", {OTHER: "export const other = 4;\n"})
        later = await made.opens(made.push("elsewhere", {OTHER: "export const other = 5;\n"}))
        assert to_be_taken_back(made.journal, later) is not None
        well = report([], fix if green == "its own run" else middle)
        for each in (well, report([], later.commit)):
            verdict = RunVerdict.PASSED if each is well else RunVerdict.FAILED
            ran = dataclasses.replace(each, id=each.commit or "", verdict=verdict, started="2199-01-01T00:00:00Z")
            made.journal.runs.record(ran)
        assert to_be_taken_back(made.journal, later) is None

    play(tmp_path, acts)


def test_nothing_is_proposed_before_the_fix_is_taken_back_or_the_last_proposal_judged(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        async def proposes(incident: Incident, words: str) -> None:
            request = MendingRequest(path=made.root, incident=incident.id, judge=False)
            with pytest.raises(PausedError, match=words):
                async for _ in mending.cycles(request, made.root, made.journal, Console(quiet=True)):
                    pass

        incident = await red(made)
        await made.finds(incident, mends())
        await proposes(incident, "waits to be judged")
        await made.judges(incident)
        made.git("pull", "-q", "origin", "main")
        again = await red_again(made)
        assert (mending.due(made.journal), to_be_diagnosed(made.journal)) == ((again.id,), ())
        await proposes(again, "is taken back before anything else is proposed")

    play(tmp_path, acts)


def forgets(made: Village, flow: str) -> None:
    """Have a process die before it could write down that it took the fix back."""
    with made.journal.store.writing() as connection:
        lost = (ENTRIES.c.flow == flow) & (ENTRIES.c.step != reverting.BLAME)
        connection.execute(sql.delete(ENTRIES).where(lost))
        connection.execute(sql.delete(REVERTED))
        connection.execute(sql.update(FLOWS).where(FLOWS.c.id == flow).values(state=State.RUNNING.value))


def test_who_died_before_it_was_written_down_takes_nothing_back_twice(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        incident = await out(made)
        again = await red_again(made)
        ended = await made.takes_back(again)
        by = made.main()
        made.git("pull", "-q", "origin", "main")
        later = made.push("elsewhere", {OTHER: "export const other = 2;\n"})
        forgets(made, ended.flow.id)
        ended = await made.takes_back(again)
        assert (made.main(), ended.facts[reverting.BACK]) == (later, {"commit": by})
        assert made.journal.cases.beginning(f"main-{by[:12]}") == incident.id

    play(tmp_path, acts)


def test_who_died_before_the_pull_request_was_written_down_finds_it(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        await out(made)
        made.github.state.protect("main", Rules())
        again = await red_again(made)
        ended = await made.takes_back(again)
        made.push("elsewhere", {OTHER: "export const other = 2;\n"})
        forgets(made, ended.flow.id)
        after = await made.takes_back(again)
        assert after.facts[reverting.BACK]["number"] == ended.facts[reverting.BACK]["number"]
        assert len(made.github.state.pulls) == 1

    play(tmp_path, acts)


def told(made: Village, ended: Ended, incident: Incident) -> tuple[RunVerdict, str, str, int]:
    """What a report says of it: how it stands, in a line, what is to be done next, and the exit code."""
    report = mended.report_of((ended,), made.journal, incident, repository="village", cycles=3)
    assert report.incident is not None
    line = headline(report, report.incident, ())
    return report.verdict, line.partition(": ")[2], report.command or "", mended.exit_code(ended)


def test_a_report_says_that_a_fix_was_taken_back_and_what_follows(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        await out(made)
        again = await red_again(made)
        ended = await made.takes_back(again)
        after = reverting.following(ended)
        assert told(made, ended, again) == (
            RunVerdict.HELD,
            f"cycle 1 of 3: {again.commit[:12]} was taken back, main is red with it; {after} is to be mended",
            f"shipway diagnose {after}",
            ExitCode.HELD,
        )

    play(tmp_path, acts)


def test_a_report_says_that_a_fix_stays_and_why(tmp_path: Path) -> None:
    async def acts(made: Village) -> None:
        await out(made)
        made.trials.flaky = 1
        again = await made.opens(made.main())
        verdict, line, command, code = told(made, await made.takes_back(again), again)
        assert (verdict, command, code) == (RunVerdict.HELD, f"shipway diagnose {again.id}", ExitCode.HELD)
        assert "stays: the very same files passed when they were run again" in line

    play(tmp_path, acts)


@pytest.mark.long
@pytest.mark.parametrize("protected", [False, True], ids=["straight", "by a pull request"])
def test_killed_at_any_point_a_fix_is_taken_back_once(tmp_path: Path, *, protected: bool) -> None:
    """Behind every entry a process is killed, and another one goes on."""

    async def acts(made: Village) -> None:
        incident = await out(made)
        if protected:
            made.github.state.protect("main", Rules())
        again = await red_again(made)
        async with villagers(made.directory) as processes:

            async def sweep() -> int:
                deaths = 0
                while await processes.end(again.id, BACK, 1 + deaths % 2) == KILLED:
                    deaths += 1
                return deaths

            if protected:
                assert await sweep() == 5
                await reviewed(made, merge=True)
                assert await sweep() == 8
            else:
                assert await sweep() == 12
        assert made.text(SOURCE).count(WRONG) == 1
        assert sum(each.startswith("Revert") for each in messages(made)) == 1
        assert len(made.github.state.pulls) == (1 if protected else 0)
        assert only_fix(made, incident).state is Fate.REVERTED
        assert [each.id for each in made.journal.incidents.going_on()] == [f"main-{made.main()[:12]}"]

    play(tmp_path, acts)

"""What happens around the switch and on the way back: stale edges, cold starts, lost replies, people at Vercel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.errors import ExitCode
from ci.journal import State
from ci.journal.releases import Proof
from ci.promotion import deploying, releasing
from tests.promotion.released import is_done
from tests.promotion.townplan import APPS

if TYPE_CHECKING:
    from ci.journal import Flow
    from ci.promotion.flow import Ended
    from tests.promotion.released import Lender, Played, Released

CONTRACT = "-- shipway: phase=contract\nalter table receipts drop column colour;\n"


async def ending(place: Released, played: Played, new: str) -> tuple[ExitCode, set[str], Proof | None]:
    """How a promotion ended: its code, what all apps serve, and how far the release is proven."""
    return played.code, await place.serves(), place.proof(new)


def back(to: str) -> tuple[ExitCode, set[str], Proof]:
    """The ending of one that was put back."""
    return ExitCode.ROLLED_BACK, {to}, Proof.ROLLED_BACK


def test_an_app_that_still_serves_the_old_commit_though_vercel_says_it_moved_has_all_put_back(
    town: Lender, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert deploying.SERVED == releasing.WITHIN == 90.0
    monkeypatch.setattr(deploying, "SERVED", 4.0)

    async def scene(place: Released) -> None:
        old, new = place.served, await place.candidate()
        place.behave(new, "web", says=old)
        played = await place.promote(new)
        assert played.refused == f"switch: web does not serve {new[:12]} after 4 s: it serves {old[:12]}"
        assert await ending(place, played, new) == back(old)
        assert [each.commit for each in place.journal.bars.pins()] == [new]
        assert [each.partition(":")[0] for each in place.news()] == ["issue", "mail", "page"]

    town.play(scene)


@pytest.mark.parametrize("seconds", [3, pytest.param(40, marks=pytest.mark.long)])
def test_an_app_that_answers_only_after_a_cold_start_passes(town: Lender, seconds: int) -> None:
    async def scene(place: Released) -> None:
        new = await place.candidate()
        place.behave(new, cold=seconds)
        played = await place.promote(new)
        assert (played.refused, played.code, place.proof(new)) == ("", ExitCode.PASSED, Proof.GOOD)
        moves = {run.name: run.seconds for run in played.ended.steps}
        assert moves["switch"] >= seconds

    town.play(scene)


def test_one_reply_that_is_lost_during_the_smoke_fails_nothing(town: Lender) -> None:
    async def scene(place: Released) -> None:
        new = await place.candidate()
        place.behave(new, "api", drops=True)
        played = await place.promote(new)
        assert (played.refused, played.code, place.proof(new)) == ("", ExitCode.PASSED, Proof.GOOD)
        tries = [probe["tries"] for point in served(played.ended)["points"] for probe in point["probes"]]
        assert sorted(tries)[-2:] == [1, 2]

    town.play(scene)


def served(ended: Ended) -> Any:
    """What the smoke observed where users are."""
    return ended.facts["smoke"]["rulings"][0]["values"]["observed"]


def test_domains_that_vercel_would_assign_by_itself_again_are_kept_and_the_next_push_does_not_ship(
    town: Lender,
) -> None:
    async def scene(place: Released) -> None:
        vercel, new = place.town.vercel, await place.candidate()

        def assign(_flow: Flow | None = None) -> None:
            for app in APPS:
                vercel.set_project(f"live-{app}", auto_assign=True)

        assign()
        seen: list[bool] = []

        def staged(_flow: Flow) -> None:
            seen.extend(place.project(app)["auto_assign"] for app in APPS)
            assign()

        played = await place.promote(new, once={"staged smoke": staged})
        assert (played.refused, seen) == ("", [False, False])
        assert [place.project(app)["auto_assign"] for app in APPS] == [False, False]
        later = await place.candidate("pushed, and promoted by nobody")
        for app in APPS:
            vercel.set_project(f"live-{app}", creating="enabled")
        vercel.pushed("prod", later)
        with anyio.fail_after(60):
            for app in APPS:
                while not [each for each in vercel.account.of(place.project(app)) if ready(each, later)]:  # noqa: ASYNC110
                    await anyio.sleep(0.05)  # it stands in a file
        assert await place.serves() == {new}

    town.play(scene)


def ready(deployment: dict[str, Any], commit: str) -> bool:
    """Whether it is one of the commit, built for production."""
    return (deployment["commit"], deployment["state"], deployment["target"]) == (commit, "READY", "production")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 200, "body": "{}"}, "autoAssignCustomDomains of live-api is True though it was set to False"),
        pytest.param({"status": 403, "body": "{}"}, "Vercel denies access: 403", marks=pytest.mark.long),
    ],
    ids=["it does nothing", "it refuses"],
)
def test_where_domains_cannot_be_kept_nothing_is_deployed(town: Lender, fault: dict[str, Any], said: str) -> None:
    async def scene(place: Released) -> None:
        vercel, old, new = place.town.vercel, place.served, await place.candidate()
        vercel.set_project("live-api", auto_assign=True)
        vercel.faults.add(kind="status", method="PATCH", path="^/v9/projects/", times=1000, **fault)
        built = len(vercel.account.deployments)
        played = await place.promote(new)
        assert played.refused.startswith("deploy api: new builds of live-api would take its domains by themselves: ")
        assert said in played.refused
        assert (played.code, played.ended.flow.state) == (ExitCode.USAGE, State.BLOCKED)
        assert (await place.serves(), len(vercel.account.deployments)) == ({old}, built)
        assert (place.news(), place.journal.incidents.going_on()) == ([], ())  # the commit may come again
        vercel.faults.clear()
        again = await place.promote(new)
        assert (again.refused, await place.serves()) == ("", {new})

    town.play(scene)


async def served_in_turn(place: Released) -> tuple[str, dict[str, Any]]:
    """Return the commit that is served now, and a deployment of web that was served before: after another release."""

    def before() -> list[dict[str, Any]]:
        known = place.town.vercel.account.of(place.project("web"))
        return [each for each in known if each["served"] and not each["removed"] and each["commit"] != place.served]

    if not before():
        assert (await place.promote(await place.candidate("served now"))).refused == ""
        await place.settle()
    return place.served, before()[0]


@pytest.mark.long
def test_users_whom_a_person_moved_elsewhere_before_the_rollback_come_back_too_and_that_is_said(town: Lender) -> None:
    async def scene(place: Released) -> None:
        (old, other), new = await served_in_turn(place), await place.candidate("bad")
        at = {"mark": lambda _: place.lose(new), "rollback target": lambda _: place.move("web", other["id"])}
        played = await place.promote(new, once=at)
        assert await ending(place, played, new) == back(old)
        said = f"web led to {other['id']} of {other['commit'][:12]}: somebody else moved its users there"
        assert said in played.report.notices

    town.play(scene)


def test_users_whom_a_person_moves_while_vercel_says_that_they_are_back_are_found_and_put_back_again(
    town: Lender,
) -> None:
    async def scene(place: Released) -> None:
        (old, other), new = await served_in_turn(place), await place.candidate("bad")

        def once(_flow: Flow) -> None:
            place.lose(new)
            place.behave(old, "web", says=new)  # an edge that is late

        began = place.town.vercel.account.now()

        async def done(kind: str) -> None:
            with anyio.fail_after(120):
                while not is_done(place.project("web")["request"], kind, since=began):  # noqa: ASYNC110
                    await anyio.sleep(0.01)  # it stands in a file

        async def person() -> None:
            await done("rollback")
            await anyio.to_thread.run_sync(place.move, "web", other["id"])
            await done("promote")
            (place.town.directory / "outages" / f"{old}.json").unlink()

        async with anyio.create_task_group() as group:
            group.start_soon(person)
            played = await place.promote(new, once={"mark": once})
        assert await ending(place, played, new) == back(old), played.notes
        found = [each for each in played.report.notices if other["id"] in each]  # by Vercel's word, or by the app's
        assert [each.partition(":")[0] for each in found] == [
            "web is not back",
            f"web led to {other['id']} of {other['commit'][:12]}",
        ]

    town.play(scene)


def test_a_contract_in_between_is_no_way_back_but_to_the_release_that_brought_it(town: Lender, url: str) -> None:
    async def scene(place: Released) -> None:
        (place.town.directory / "secrets/production-database").write_text(url)
        await place.town.record("production")
        new = await place.candidate("takes a column away", **{"migrations/0002.sql": CONTRACT})
        played = await place.promote(new)
        assert (played.refused, played.code) == ("", ExitCode.PASSED)
        assert "0002.sql" in place.journal.servings.migrations("production")
        bad = await place.candidate("bad")
        played = await place.promote(bad, once={"mark": lambda _: place.lose(bad)})
        assert await ending(place, played, bad) == back(new), played.notes
        await place.settle()
        kept = [place.project(app)["production"] for app in APPS]
        bad = await place.candidate("as bad, and what was good is gone")

        def once(_flow: Flow) -> None:
            place.lose(bad)
            for each in kept:
                del place.town.vercel.account.deployments[each]

        played = await place.promote(bad, once={"mark": once})
        assert await ending(place, played, bad) == (ExitCode.MIXED, {bad}, Proof.SERVING)
        why = played.ended.facts["rollback target"]["failed"]
        assert f"{new[:12]} is gone; 0002.sql took away what " in why
        assert why.endswith(": only a later commit can mend it")
        assert place.journal.bars.pins() == ()
        (page,) = [each for each in place.pager.incidents.values() if each["status"] == "triggered"][-1:]
        assert (page["severity"], "is bad, not rolled back" in page["summary"]) == ("critical", True)

    town.play(scene, last=True)

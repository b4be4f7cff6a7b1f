"""What a promotion to production says and leaves alone: release notes, the team's own window, unchanged apps."""

from __future__ import annotations

import dataclasses
import io
import re
from typing import TYPE_CHECKING

import anyio
import httpx
from rich.console import Console

from ci import promoted
from ci.errors import ExitCode
from ci.journal import State
from ci.model import Status
from ci.promoted import exit_code
from ci.promotion.carrying import due, waits_at
from ci.promotion.deploying import read_deployment
from ci.promotion.news import notes_of
from ci.promotion.standing import overview
from ci.reporting.document import from_document, to_document
from ci.reporting.status import print_status
from tests.promotion.live import LIVE, played, proven, served
from tests.promotion.townplan import APPS, SKIPPED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci.promotion.flow import Ended, Facts
    from ci.vendors.platform import Deployment
    from tests.promotion.town import Town

EVIL = "[click](https://evil.example) @everyone `code`"


def test_whoever_must_approve_reads_what_is_new_on_the_pull_request_and_in_the_report(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        add = "alter table receipts add column note text;\n"
        commit = await proven(place, place.push(EVIL, **{"migrations/0002.sql": add}))
        waiting = await LIVE(place, commit, skip_soak=SKIPPED)
        assert (waiting.flow.state, waiting.refusal) == (State.PAUSED, None)
        notes = notes_of(waiting.facts)
        assert notes is not None
        assert [(each.sha, each.subject, each.author) for each in notes.commits] == [
            (commit, EVIL, "Test"),
            (place.second, "two", "Test"),
        ]
        assert (notes.since, notes.total, notes.more, notes.lost) == ((place.first,), 2, 0, 0)
        assert [(each.name, each.phase) for each in notes.migrations] == [("0002.sql", "expand")]
        assert {each.changed for each in notes.apps} == {None}
        assert {each.reason for each in notes.apps} == {"no pnpm workspace here: no package.json"}
        (pull,) = (place.github.state.issues[number] for number in place.github.state.pulls)
        assert f"`{place.second[:12]}`](<" in pull["body"]
        assert f"`` {EVIL} ``" in pull["body"]
        assert "migration `0002.sql`: `expand`" in pull["body"]
        report = promoted.report_of(waiting, place.journal, repository="town", order=[])
        assert report.release_notes == notes
        assert from_document(to_document(report)) == report

    played(tmp_path, scene, approval="person")


def deployed(facts: Mapping[str, Facts]) -> list[Deployment]:
    """What the release consists of, app by app."""
    return [read_deployment(facts[f"deploy {name}"]) for name in APPS]


def dogfooding(place: Town, seconds: float, message: str = "the team goes first") -> str:
    """Push a commit that the team is to use first."""
    text = re.sub("dogfood = .*\n", "", (place.root / "shipway.toml").read_text())
    return place.push(message, **{"shipway.toml": text.replace("[promotion]", f"[promotion]\ndogfood = {seconds}")})


async def told(place: Town) -> list[str]:
    """What `shipway status` prints."""
    stream = io.StringIO()
    found = dataclasses.asdict(await overview(place.settings, place.journal, place.root))
    print_status(Console(file=stream, width=200), found)
    return [line.strip() for line in stream.getvalue().splitlines()]


def test_the_team_uses_a_release_at_its_own_addresses_first_without_a_lease_and_a_tick_goes_on(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        commit = await proven(place, dogfooding(place, 6.0))
        waiting = await LIVE(place, commit, skip_soak=SKIPPED)
        assert (waiting.flow.state, waiting.refusal, exit_code(waiting)) == (State.PAUSED, None, ExitCode.HELD)
        assert place.journal.leases.of("production") is None
        assert await served(place) == {place.first}
        addresses = {each.app: each.address for each in deployed(waiting.facts)}
        assert list(addresses) == list(APPS)
        for app, address in addresses.items():
            assert f"{app} {address}" in (waiting.flow.reason or "")
            async with httpx.AsyncClient(trust_env=False) as client:
                assert (await client.get(f"{address}/version")).json()["commit"] == commit
            assert f"use it first at {address} ({app})" in await told(place)
        assert any(re.fullmatch(r"at dogfood: .* to go", line) for line in await told(place))
        assert promoted.report_of(waiting, place.journal, repository="town", order=[]).command == "shipway tick"
        ended = waiting
        with anyio.fail_after(60):
            while ended.flow.state is State.PAUSED:
                assert due(place.journal) == (ended.flow,)
                assert await served(place) == {place.first}
                await anyio.sleep(0.5)
                ended = await LIVE(place, commit)
        assert (ended.refusal, ended.flow.state, await served(place)) == (None, State.DONE, {commit})
        assert ended.flow.id == waiting.flow.id
        steps = [entry.step for entry in place.journal.flows.entries(ended.flow.id)]
        assert steps.index("dogfood") < steps.index("look after first use") < steps.index("baseline")
        assert steps.index("baseline") < steps.index("switch")

    played(tmp_path, scene)


def test_a_persons_word_ends_the_teams_own_window_and_what_bars_it_by_then_is_looked_at_again(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        commit = await proven(place, dogfooding(place, 3600.0))
        waiting = await LIVE(place, commit, skip_soak=SKIPPED)
        assert waits_at(place.journal, waiting.flow) == "dogfood"
        place.journal.approvals.approve(waiting.flow.id, "dogfood", by="ada", reason="it is fine")
        ended = await LIVE(place, commit)
        assert (ended.refusal, ended.flow.state, await served(place)) == (None, State.DONE, {commit})
        assert ended.facts["dogfood"] == {"by": "ada", "reason": "it is fine"}
        later = await proven(place, dogfooding(place, 3600.0, "one more"))
        waiting = await LIVE(place, later, skip_soak=SKIPPED)
        place.journal.bars.freeze("production", "the team found something")
        place.journal.approvals.approve(waiting.flow.id, "dogfood", by="ada", reason="")
        ended = await LIVE(place, later)
        assert ended.refusal is not None
        assert (ended.refusal.step, await served(place)) == ("look after first use", {commit})
        assert "the team found something" in ended.refusal.message

    played(tmp_path, scene, watch=(0.4, 0.4, 1.0))


MANIFESTS = {
    "package.json": "{}",
    "pnpm-workspace.yaml": 'packages: ["apps/*"]\n',
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .: {}\n",
    "apps/api/package.json": '{"name": "@town/api"}',
    "apps/web/package.json": '{"name": "@town/web"}',
}


def workspace(place: Town) -> dict[str, str]:
    """The files by which the town's apps are packages of their own."""
    api, web = (f'name = "{name}"\npath = ' for name in APPS)
    text = (place.root / "shipway.toml").read_text()
    text = text.replace(f'{api}"."', f'{api}"apps/api"').replace(f'{web}"."', f'{web}"apps/web"')
    return {**MANIFESTS, "shipway.toml": text}


def test_an_app_that_nothing_changed_of_keeps_what_it_serves_with_its_own_commit(tmp_path: Path) -> None:
    async def scene(place: Town) -> None:
        await place.record("staging")
        (place.root / "apps").mkdir()

        async def release(message: str, **files: str) -> tuple[str, Ended]:
            commit = await proven(place, place.push(message, **files))
            ended = await LIVE(place, commit, skip_soak=SKIPPED)
            assert (ended.refusal, ended.flow.state) == (None, State.DONE)
            return commit, ended

        async def commits() -> list[str]:
            addresses = place.settings.environments.production.addresses
            async with httpx.AsyncClient(trust_env=False) as client:
                return [(await client.get(f"{addresses[name]}/version")).json()["commit"] for name in APPS]

        first, ended = await release("packages of their own", **workspace(place))
        assert await commits() == [first, first]
        before = deployed(ended.facts)
        second, ended = await release("only web", **{"apps/web/page.txt": "new"})
        assert await commits() == [first, second]
        api, web = deployed(ended.facts)
        assert (api, web.id == before[1].id) == (before[0], False)
        told = f"nothing that it is built from changed since {first[:12]}: it keeps that deployment"
        steps = {run.name: run for run in ended.steps}
        assert (steps["deploy api"].status, steps["deploy api"].reason) == (Status.SKIPPED, told)
        assert steps["deploy web"].status is Status.PASSED
        released = place.journal.releases.of("production")[0]
        assert [released.deployments[name]["commit"] for name in APPS] == [first, second]
        notes = notes_of(ended.facts)
        assert notes is not None
        assert [(each.app, each.changed) for each in notes.apps] == [("api", False), ("web", True)]
        standing = next(
            each
            for each in (await overview(place.settings, place.journal, place.root)).environments
            if each.environment == "production"
        )
        assert (standing.release, {each.behind for each in standing.served}) == (second, {0})
        third, ended = await release("only api, whose address web is given", **{"apps/api/page.txt": "new"})
        assert await commits() == [third, third]

    played(tmp_path, scene, watch=(0.4, 0.4, 1.0))

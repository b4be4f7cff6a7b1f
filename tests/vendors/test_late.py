"""A vendor that is still at it when the connection breaks: what it does then is found, and not done a second time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from ci.rehearsal import linear as linear_stand_in
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.serving import serving
from ci.vendors import linear
from ci.vendors.pace import Pace, until
from tests.vendors.github_world import play
from tests.vendors.subjects.linear import DRAFT
from tests.vendors.subjects.linear import KEY as LINEAR_KEY

if TYPE_CHECKING:
    from pathlib import Path

    from ci.rehearsal.github import GitHub
    from tests.vendors.subjects.github import Both

LATE = 0.5


def test_a_stand_in_that_is_late_cuts_the_connection_at_once_and_does_its_work_later(tmp_path: Path) -> None:
    async def run() -> None:
        stand_in = PagerDuty(tmp_path)
        event = {"routing_key": "k" * 32, "event_action": "trigger", "dedup_key": "one"}
        event |= {"payload": {"summary": "ill", "source": "web", "severity": "error"}}  # type: ignore[dict-item]
        async with serving(stand_in) as address, httpx.AsyncClient(trust_env=False) as client:
            stand_in.faults.add(kind="late", method="POST", seconds=LATE)
            with pytest.raises(httpx.TransportError):
                await client.post(f"{address}/v2/enqueue", json=event)
            assert stand_in.calls == []

            async def done() -> bool | None:
                return True if stand_in.calls else None

            assert await until(done, Pace(first=0.05, most=0.05, whole=20))
            assert (stand_in.calls[0].status, len(stand_in.alerts)) == (202, 1)

    anyio.run(run)


def test_an_issue_on_github_that_is_made_after_the_cut_is_one_issue(tmp_path: Path) -> None:
    async def scene(stand_in: GitHub, clients: Both) -> None:
        stand_in.faults.add(kind="late", method="POST", path="/issues$", seconds=LATE)
        made = await clients.author.issues.ensure("incident:1", title="It is ill", body="Why.", label="shipway")
        await anyio.sleep(LATE)  # what was cut is done by now, whoever wrote what was found
        assert [issue.number for issue in await clients.author.issues.labelled("shipway")] == [made.number]

    play(tmp_path, scene)


def test_an_issue_on_linear_that_is_made_after_the_cut_is_one_issue(tmp_path: Path) -> None:
    async def run() -> None:
        stand_in = linear_stand_in.Linear(tmp_path)
        async with serving(stand_in) as address, linear.connect(LINEAR_KEY, address=address) as client:
            stand_in.faults.add(kind="late", after=1, seconds=LATE)
            await client.create(DRAFT, key="incident-1")
            await anyio.sleep(LATE)
            written = [call for call in stand_in.calls if "issueCreate" in call.body]
            assert (len(written), len(stand_in.world.shelf("issues"))) == (1, 1)

    anyio.run(run)

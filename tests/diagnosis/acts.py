"""What people and machines do in the village, and how things stand there, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from ci.rehearsal.github.people import REVIEWER
from ci.vendors.github import client as github
from tests.diagnosis.village import FILES, RIGHT, SOURCE, WRONG, Village, mends, village

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident, Stage
    from ci.promotion.flow import Ended

BROKEN = {SOURCE: FILES[SOURCE].replace(RIGHT, WRONG)}


def play(directory: Path, acts: Callable[[Village], Awaitable[None]], *, more: str = "shadow = 0") -> None:
    """Have something happen in a village."""

    async def whole() -> None:
        async with village(directory, more=more) as made:
            await acts(made)

    anyio.run(whole)


async def red(made: Village, files: dict[str, str] = BROKEN) -> Incident:
    """Push what turns main red, and open its incident."""
    return await made.opens(made.push("faster", files))


async def red_again(made: Village) -> tuple[Incident, Incident]:
    """Have main red, mended, and red with the fix in the same way; return the incidents of both."""
    first = await red(made)
    await made.finds(first, mends())
    await made.judges(first)
    made.git("pull", "-q", "origin", "main")
    made.trials.flaky = 1
    return first, await made.opens(made.main())


def stage(made: Village, incident: Incident) -> Stage:
    """How far an incident is."""
    found = made.journal.incidents.get(incident.id)
    assert found is not None
    return found.state


def only_fix(made: Village, incident: Incident) -> Fix:
    """What became of the only proposal."""
    (fix,) = made.journal.fixes.of(incident.id)
    return fix


def why(ended: Ended) -> str:
    """What said no, and why."""
    assert ended.refusal is not None
    return f"{ended.refusal.step}: {ended.refusal.message}"


async def reviewed(made: Village, *, merge: bool) -> None:
    """Merge the open pull request as another person, or close it."""
    settings = made.root.joinpath("shipway.toml").read_text()
    address = settings.partition('address = "')[2].partition('"')[0]
    person = github.connect(REVIEWER.token, made.github.state.slug, login=REVIEWER.login, address=address)
    async with person as client:
        (pull,) = await client.pulls.every_one(base="main")
        if merge:
            await client.pulls.merge(pull.number, sha=pull.head_sha)
        else:
            await client.pulls.change(pull.number, state="closed")

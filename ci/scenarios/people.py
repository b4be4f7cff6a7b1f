"""What others do in a rehearsal than who types commands: a CI host that runs on a push, a person who reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.errors import ToolError
from ci.rehearsal.github import GitHub
from ci.rehearsal.github.people import REVIEWER
from ci.rehearsal.pushing import MAIN
from ci.vendors.github import client as github
from ci.vendors.github.talk import Opinion

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.rehearsal.world import World


def as_host(commit: str) -> dict[str, str]:
    """Return the variables that GitHub Actions sets for a push to main."""
    return {
        "GITHUB_ACTIONS": "true",
        "CI": "true",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": f"refs/heads/{MAIN}",
        "GITHUB_REF_NAME": MAIN,
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_SHA": commit,
    }


async def review(world: World, note: Callable[[str], None]) -> None:
    """Approve of the pull requests into main that are open, and merge them, as a person does.

    Raises ToolError, VendorError.
    """
    hub = world.stand_ins["github"]
    reviewer = hub.state.gate.known(REVIEWER.login) if isinstance(hub, GitHub) else None
    if not isinstance(hub, GitHub) or reviewer is None:
        raise ToolError("there is nobody at GitHub in this world who reviews")
    address = next(place.address for place in world.places if place.name == "GitHub")
    person = github.connect(reviewer.token, hub.state.slug, login=reviewer.login, address=address)
    async with person as client:
        for pull in await client.pulls.every_one(base=MAIN, state="open"):
            note(f"{reviewer.login} reviews #{pull.number} and merges it, which is played: {pull.title}")
            await client.pulls.review(pull.number, Opinion.APPROVE, "Reads well.", sha=pull.head_sha)
            await client.pulls.merge(pull.number, sha=pull.head_sha)

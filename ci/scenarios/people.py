"""What others do in a rehearsal than who types commands: a CI host that runs on a push, a person who reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from ci.errors import ToolError
from ci.rehearsal.github import GitHub
from ci.rehearsal.github.people import REVIEWER
from ci.rehearsal.pushing import MAIN

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
    """Approve of the pull requests into main that are open, and merge them, as a person does. Raises ToolError."""
    hub = world.stand_ins["github"]
    if not isinstance(hub, GitHub):
        raise ToolError("there is no GitHub in this world")
    address = f"{next(place.address for place in world.places if place.name == 'GitHub')}/repos/{hub.state.slug}"
    headers = {"authorization": f"Bearer {REVIEWER.token}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as client:
        found = (await client.get(f"{address}/pulls", params={"state": "open", "base": MAIN})).json()
        for pull in found:
            number, sha = pull["number"], pull["head"]["sha"]
            note(f"{REVIEWER.login} reviews #{number} and merges it, which is played: {pull['title']}")
            approved = await client.post(
                f"{address}/pulls/{number}/reviews", json={"event": "APPROVE", "body": "Reads well.", "commit_id": sha}
            )
            merged = await client.put(f"{address}/pulls/{number}/merge", json={"sha": sha})
            for answer in (approved, merged):
                if not answer.is_success:
                    raise ToolError(f"GitHub does not take the review of #{number}: {answer.text[:300]}")

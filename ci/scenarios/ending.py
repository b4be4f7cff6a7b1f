"""How a command ended in a rehearsal's world, beside how its scenario says that it must."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import httpx

from ci.rehearsal.connections import TEAM_EMAIL
from ci.rehearsal.github import GitHub
from ci.rehearsal.linear import Linear
from ci.rehearsal.neon import Neon
from ci.rehearsal.pagerduty import PagerDuty
from ci.rehearsal.resend import Resend
from ci.rehearsal.tenancy import APPS, STAGING
from ci.scenarios.scenario import NOBODY, Serves, Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci.journal import Journal
    from ci.rehearsal.world import World
    from ci.scenarios.scenario import End

VERSIONS = {"api": "/version", "web": "/version.json"}


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended: the process' exit code, the step that said no and why."""

    code: int
    step: str | None = None
    reason: str = ""

    @property
    def words(self) -> str:
        """Say it in a line."""
        said = f"{self.step} said no: {self.reason}; " if self.step else ""
        return f"{said}exit code {self.code}"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How the world stands: what each app of an environment serves, which commits are pinned out, who was told.

    `board` is how many issues staging's board has.
    """

    served: Mapping[str, str]
    pins: frozenset[str] = frozenset()
    told: Told = NOBODY
    board: int = 0


async def stand(world: World, journal: Journal, environment: str) -> Standing:
    """Return how the world stands, by what its apps say themselves."""
    pins = await anyio.to_thread.run_sync(journal.bars.pins)
    async with httpx.AsyncClient(trust_env=False) as client:
        served = {
            app.name: (await client.get(f"{world.apps[environment][app.name]}{VERSIONS[app.name]}")).json()["commit"]
            for app in APPS
        }
    linear = world.stand_ins.get("linear")
    return Standing(
        served=served,
        pins=frozenset(pin.commit for pin in pins),
        told=_told(world),
        board=len(linear.world.shelf("issues")) if isinstance(linear, Linear) else 0,
    )


def read_end(code: int, report: Path | None) -> Ended:
    """Read who said no in a command's report, as a person would."""
    if report is None:
        return Ended(code=code)
    try:
        steps: list[dict[str, Any]] = json.loads(report.read_text(encoding="utf-8"))["steps"]
    except (OSError, ValueError, KeyError):
        return Ended(code=code, reason=f"there is no report at {report}")
    for step in steps:
        if step["status"] in {"failed", "error"}:
            return Ended(code=code, step=step["name"], reason=step["reason"] or "")
    return Ended(code=code)


def differences(
    end: End, ended: Ended, world: World, commit: str, *, environment: str, before: Standing, after: Standing
) -> tuple[str, ...]:
    """Return in what a command about a commit ended otherwise than expected, in the world and in its own words."""
    wrong = []
    if ended.code != end.code:
        wrong.append(f"it ended with {ended.code}, and {int(end.code)} is expected")
    if ended.step != end.step:
        said = f": {ended.reason}" if ended.reason else ""
        wrong.append(f"{ended.step or 'nobody'} said no{said}; {end.step or 'nobody'} is expected to")
    wrong += [f"the reason does not say {words!r}: {ended.reason}" for words in end.says if words not in ended.reason]
    wrong += _served_otherwise(end.serves, commit, environment, before.served, after.served)
    if (commit in after.pins) != end.pinned:
        wrong.append(f"{commit[:12]} is {'not ' if end.pinned else ''}pinned out")
    for what in ("mails", "pages", "issues"):
        sent, expected = (getattr(each, what) for each in (after.told, end.told))
        sent -= getattr(before.told, what)
        if sent != expected:
            wrong.append(f"{sent} {what} were sent, and {expected} is expected")
    if end.escalated:
        if (more := after.board - before.board) != 1:
            wrong.append(f"{more} issues came to staging's board, and 1 is expected")
    elif environment == STAGING.name and end.step is not None and not _is_commented(world, commit, end):
        wrong.append(f"no comment on the pull request of {commit[:12]} says why {end.step} said no")
    return (*wrong, *_left(world))


def _served_otherwise(
    serves: Serves, commit: str, environment: str, before: Mapping[str, str], after: Mapping[str, str]
) -> list[str]:
    if serves is Serves.ANY:
        return []
    if serves is Serves.MIXED:
        is_so = commit in after.values() and set(after.values()) != {commit}
        return [] if is_so else [f"{environment} serves {dict(after)}, and a mix is expected"]
    expected = dict.fromkeys(after, commit) if serves in {Serves.NEW, Serves.MENDED} else before
    return [
        f"{environment} serves {found[:12]} of {app}, and {expected[app][:12]} is expected"
        for app, found in after.items()
        if found != expected[app]
    ]


def _told(world: World) -> Told:
    hub, pager, post = (world.stand_ins.get(name) for name in ("github", "pagerduty", "resend"))
    issues = hub.state.issues.values() if isinstance(hub, GitHub) else ()
    return Told(
        mails=sum(TEAM_EMAIL in each["to"] for each in post.mails.values()) if isinstance(post, Resend) else 0,
        pages=len(pager.incidents) if isinstance(pager, PagerDuty) else 0,
        issues=sum(not each["is_pull"] for each in issues),
    )


def _is_commented(world: World, commit: str, end: End) -> bool:
    """Whether the commit's pull request has a comment with what is expected of the reason."""
    hub = world.stand_ins["github"]
    if not isinstance(hub, GitHub):
        return False
    head = f"shipway/{STAGING.name}/{commit[:12]}"
    numbers = {int(number) for number, pull in hub.state.pulls.items() if pull["head"] == head}
    bodies = [each["body"] for each in hub.state.comments.values() if each["number"] in numbers]
    return any(all(words in body for words in (f"*{end.step}*", *end.says)) for body in bodies)


def _left(world: World) -> list[str]:
    """Return what was made for tests and is there still."""
    neon = world.stand_ins["neon"]
    if not isinstance(neon, Neon):
        return []
    names = [str(each["told"]["name"]) for each in neon.account.branches.values()]
    return [f"the branch {name} is left at Neon" for name in names if "-test-" in name or "-run-" in name]

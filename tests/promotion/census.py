"""What there is in a town before and after somebody is disturbed, counted: nothing may be there twice."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.journal.notices import Kind, Sending
from ci.promoted import exit_code
from ci.promotion.connected import connected
from ci.promotion.notices.delivering import deliver
from ci.promotion.rollback.rolling_back import outcome
from tests.promotion.live import proofs
from tests.promotion.notified import STORY
from tests.promotion.townplan import LIVE_PROJECT

if TYPE_CHECKING:
    from ci.promotion.flow import Ended
    from tests.promotion.town import Town

AGAIN = frozenset({"changes"})  # what cannot be read back, and may come once more after a kill
EARLIER = "earlier-"


def counted(place: Town) -> dict[str, int]:
    """How many there are at the vendors and in the journal."""
    hub = place.github.state
    issues = [each for number, each in hub.issues.items() if number not in hub.pulls]
    made = {name: len(each) if isinstance(each, list) else each for name, each in place.made().items()}
    there: dict[str, Any] = {
        "issues": issues,
        "open issues": [each for each in issues if each["state"] == "open"],
        "releases": proofs(place),
        "servings": place.journal.servings.of("production"),
        "releases at Sentry": place.sentry.store.releases,
        "deploys at Sentry": place.sentry.store.deploys,
        "pins": place.journal.bars.pins(),
        "restore points": place.neon.account.branches_of(LIVE_PROJECT),
    }
    if (people := place.people) is not None:
        statuses = [each["status"] for each in people.pagerduty.incidents.values()]
        there |= {
            "pages": statuses,
            "pages that are over": [each for each in statuses if each == "resolved"],
            "changes": people.pagerduty.changes,
            "mails": people.resend.mails,
        }
    return {**made, **{name: len(each) for name, each in there.items()}}


@dataclass(frozen=True, kw_only=True)
class Census:
    """What there was at a moment."""

    place: Town
    before: dict[str, int]

    @property
    def made(self) -> dict[str, int]:
        """What was made since then."""
        return {name: number - self.before[name] for name, number in counted(self.place).items()}

    def differs(self, expected: dict[str, int]) -> dict[str, tuple[int, int]]:
        """What is there more or less often than it must be."""
        found = self.made
        more = {name: 1 if name in AGAIN and found[name] > number else 0 for name, number in expected.items()}
        return {name: (found[name], number) for name, number in expected.items() if found[name] - more[name] != number}


def census(place: Town) -> Census:
    """Count."""
    return Census(place=place, before=counted(place))


def ending_of(ended: Ended) -> tuple[object, ...]:
    """How it ended."""
    return (ended.flow.state, ended.refusal and ended.refusal.step, outcome(ended.facts), exit_code(ended))


def untold(place: Town, incident: str) -> list[str]:
    """What is wrong with how people were told of an incident: each must be told once, and know it for one."""
    assert place.people is not None
    wrong = [
        f"{each.channel} is {each.state}"
        for each in place.journal.notices.of(incident, Kind.OPENED)
        if each.state is not Sending.SENT
    ]
    if len(pages := place.people.pages(incident)) != 1:
        wrong.append(f"{len(pages)} pages")
    mails = place.people.mails(incident)
    if not 1 <= len(mails) <= 2 or len(set(mails)) != 1:
        wrong.append(f"mails {mails}")
    issues = [each for each in place.github.state.issues.values() if incident in str(each["body"])]
    if len(issues) != 1:
        wrong.append(f"{len(issues)} issues")
    return wrong


async def wake(place: Town, number: int) -> str:
    """Have people told of an incident of before, which is over with the next release that passes."""
    incident = f"{EARLIER}{number}"
    place.journal.incidents.open(incident, environment="production", commit=place.first, what="unit", reason="red")
    story = dataclasses.replace(STORY, incident=incident)
    async with connected(place.settings, "production", root=place.root) as made:
        told = await deliver(story, made, place.journal, say=print)
    assert told.said == ()
    return incident


def forget(place: Town, commit: str) -> None:
    """Let the next one go: what this one left behind bars it."""
    for each in place.journal.incidents.going_on():
        place.journal.incidents.close(each.id)
    place.journal.bars.unpin(commit)
    place.journal.bars.unfreeze("production")


def bury(place: Town) -> None:
    """Let somebody else go on at once: whoever was killed does nothing any more."""
    lease = place.journal.leases.of("production")
    if lease is not None:
        place.journal.leases.give_back(lease)

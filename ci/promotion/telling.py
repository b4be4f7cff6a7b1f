"""Tells people what became of a promotion that failed, and that one which passed ends what failed before."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.errors import ExitCode
from ci.journal import Refusal, State
from ci.promotion import closing
from ci.promotion.flow import SKIPPED
from ci.promotion.notices import delivering
from ci.promotion.notices.story import Change, Ending, Link, Over, Story
from ci.promotion.promoting import RULING, read
from ci.promotion.rollback import rolling_back
from ci.vendors.pagerduty import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.notices.delivering import Told
    from ci.promotion.promoting import Promotion

SWITCH, WINDOW = "switch", "window"
ENDINGS = {
    rolling_back.BACK: Ending.ROLLED_BACK,
    rolling_back.MIXED: Ending.MIXED,
    rolling_back.FAILED: Ending.LEFT,
}
SEVERITIES = {
    Ending.ROLLED_BACK: Severity.ERROR,
    Ending.MIXED: Severity.CRITICAL,
    Ending.LEFT: Severity.CRITICAL,
    Ending.STOPPED: Severity.WARNING,
    Ending.HELD: Severity.ERROR,
    Ending.UNMERGED: Severity.WARNING,
    Ending.DOUBTED: Severity.INFO,
}
SAFE = {
    Ending.ROLLED_BACK: True,
    Ending.STOPPED: True,
    Ending.MIXED: False,
    Ending.LEFT: False,
    Ending.HELD: None,
    Ending.UNMERGED: True,
}


async def tell_failure(promotion: Promotion, prefix: str, doing: Doing) -> Facts:
    """Tell of the incident that this promotion opened, by every channel of its environment, each once."""
    incident = doing.facts[f"{prefix}incident"].get("incident")
    refusal = doing.refusal
    if incident is None or refusal is None:
        return {SKIPPED: "there is nothing to be told"}
    ending = _ending(doing, refusal)
    return await deliver(promotion, doing, await _story(promotion, doing, refusal, incident, ending))


async def tell_stuck(promotion: Promotion, doing: Doing) -> Facts:
    """Tell that a rollback by hand left apps where they were: whoever asked for it may not look on any more."""
    came, flipped = rolling_back.outcome(doing.facts), doing.facts.get("rollback", {})
    if came is None or came not in flipped or came == rolling_back.BACK:
        return {SKIPPED: "all apps are back, or none was touched"}
    refusal = Refusal(
        step="rollback",
        message=str(doing.flow.asked.get("reason") or "rolled back by a person"),
        hint=None,
        code=int(ExitCode.MIXED),
        state=State.BLOCKED,
    )
    opening = functools.partial(
        promotion.journal.incidents.open,
        doing.flow.id,
        environment=promotion.environment,
        commit=promotion.commit,
        what=refusal.step,
        reason=str(flipped[came]),
    )
    await anyio.to_thread.run_sync(opening)
    story = await _story(promotion, doing, refusal, doing.flow.id, ENDINGS[came])
    return await deliver(promotion, doing, story)


def nobody_knows(facts: Mapping[str, Facts]) -> bool:
    """Whether there was an incident to be told, and every way to tell it failed."""
    return any(facts.get(f"{prefix}people told", {}).get("nobody") for prefix in ("", rolling_back.LATE))


async def tell_change(promotion: Promotion, doing: Doing) -> Facts:
    """Record the switch where changes are recorded."""
    before = doing.facts["admission"]["served"].get(promotion.environment, {})
    change = Change(
        flow=doing.flow.id,
        product=product(promotion),
        environment=promotion.environment,
        commit=promotion.commit,
        moment=switched(doing.facts) or time.time(),
        before=next(iter(before.values()), None),
        links=links(promotion, doing.facts),
    )
    return _told(await delivering.record(change, promotion.made, promotion.journal), doing)


async def tell_over(promotion: Promotion, doing: Doing) -> Facts:
    """End the incidents of the environment: a release passed, so whoever was woken may sleep."""
    journal, name = promotion.journal, promotion.environment
    going_on = await anyio.to_thread.run_sync(lambda: journal.incidents.going_on(environment=name))
    lines: list[str] = []
    for incident in going_on:
        over = Over(
            incident=incident.id,
            product=product(promotion),
            environment=name,
            commit=promotion.commit,
            moment=time.time(),
        )
        told = await delivering.resolve(over, promotion.made, journal, say=doing.note)
        lines += told.said
        await anyio.to_thread.run_sync(journal.incidents.close, incident.id)
    for line in lines:
        doing.note(line)
    return {"closed": [each.id for each in going_on], "said": lines}


async def deliver(promotion: Promotion, doing: Doing, story: Story) -> Facts:
    """Tell it by all channels of the environment; return what came of that."""
    return _told(await delivering.deliver(story, promotion.made, promotion.journal, say=doing.note), doing)


def _told(told: Told, doing: Doing) -> dict[str, Any]:
    for line in told.said:
        doing.note(line)
    sent = {each.channel.value: each.state.value for each in told.notices}
    return {"sent": sent, "said": list(told.said), "nobody": told.nobody}


async def _story(promotion: Promotion, doing: Doing, refusal: Refusal, incident: str, ending: Ending) -> Story:
    prefix = _prefix(doing.facts)
    target, noted = doing.facts.get(f"{prefix}rollback target", {}), doing.facts.get(f"{prefix}rollback noted", {})
    flipped = doing.facts.get(f"{prefix}rollback", {})
    made = [*(RULING.validate_python(each) for each in refusal.rulings), *read(noted)]
    page = None
    if promotion.page is not None:
        page = await anyio.to_thread.run_sync(functools.partial(promotion.page, doing.flow))
    why = {
        Ending.MIXED: f"{refusal.message}; not put back: {flipped.get(rolling_back.MIXED)}",
        Ending.LEFT: f"{refusal.message}; not put back: "
        f"{target.get(rolling_back.FAILED) or flipped.get(rolling_back.FAILED)}",
    }
    return Story(
        incident=incident,
        product=product(promotion),
        environment=promotion.environment,
        commit=promotion.commit,
        ending=ending,
        what=refusal.step,
        reason=why.get(ending, refusal.message),
        severity=SEVERITIES[ending],
        safe=SAFE[ending],
        detected=refusal.moment or time.time(),
        started=switched(doing.facts),
        restored=flipped.get("at"),
        returned_to=target.get("commit") if ending is Ending.ROLLED_BACK else None,
        apps=tuple(app.name for app in promotion.settings.apps),
        rulings=tuple({(each.gate, each.reason): each for each in made}.values()),  # one that is made again is one
        pinned=bool(noted.get("pinned")),
        outside=bool(noted.get("outside")),
        links=links(promotion, doing.facts),
        advice=refusal.hint or "" if ending is Ending.UNMERGED else "",
        command=_command(promotion, ending),
        report=page,
    )


def _ending(doing: Doing, refusal: Refusal) -> Ending:
    came = rolling_back.outcome(doing.facts)
    if came is not None:
        return ENDINGS[came]
    if refusal.state is State.HELD and SWITCH in doing.facts:
        return Ending.UNMERGED if refusal.step == closing.MERGE else Ending.HELD
    return Ending.STOPPED


def _prefix(facts: Mapping[str, Facts]) -> str:
    late = facts.get(f"{rolling_back.LATE}rollback target", {})
    return rolling_back.LATE if late and SKIPPED not in late else ""


def _command(promotion: Promotion, ending: Ending) -> str:
    if ending in {Ending.MIXED, Ending.LEFT}:
        return f"shipway rollback {promotion.environment}"
    return "shipway status"


def links(promotion: Promotion, facts: Mapping[str, Facts]) -> tuple[Link, ...]:
    """Return what a person may want to open."""
    places = {
        "monitoring": promotion.own.notify.monitoring,
        "pull request": facts.get("pull request", {}).get("url"),
        **{
            f"the deployment of {app.name}": facts.get(f"deploy {app.name}", {}).get("address")
            for app in promotion.settings.apps
        },
    }
    return tuple(Link(name=name, address=str(address)) for name, address in places.items() if address)


def product(promotion: Promotion) -> str:
    """Return what is ill, as people call it."""
    return promotion.settings.github.repository if promotion.settings.github else promotion.root.name


def switched(facts: Mapping[str, Facts]) -> float | None:
    """Return when users had it, None where they never did."""
    at = facts.get(SWITCH, {}).get("at")
    return None if at is None else float(at)

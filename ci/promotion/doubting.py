"""Tells people of a release that stays though nobody can tell how it does, or something speaks against it."""

from __future__ import annotations

import functools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.promotion.notices.story import Ending, Story
from ci.promotion.telling import SEVERITIES, WINDOW, deliver, links, product, switched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion


async def tell_hold(
    promotion: Promotion, doing: Doing, reason: str, rulings: Sequence[Any], *, what: str = WINDOW
) -> Facts:
    """Tell that a release serves of which nobody can say whether it is bad; told once for each watch of a flow.

    It is an incident until the next release that passes, be it this one. What was held waits for a person's word.
    """
    held = what == WINDOW
    story = replace(
        _of_watch(promotion, doing, reason, rulings, what=what),
        incident=f"{doing.flow.id}-{'held' if held else 'unseen'}",
        command=f"shipway approve {promotion.environment}" if held else "shipway status",
    )
    opening = functools.partial(
        promotion.journal.incidents.open,
        story.incident,
        environment=promotion.environment,
        commit=promotion.commit,
        what=what,
        reason=reason,
    )
    await anyio.to_thread.run_sync(opening)
    return await deliver(promotion, doing, story)


async def tell_doubt(
    promotion: Promotion, doing: Doing, doubts: Sequence[str], rulings: Sequence[Any]
) -> Sequence[str]:
    """Tell, by what wakes nobody, what speaks against a release that stays: a person may know better.

    Returns what did not go well.
    """
    if not doubts:
        return ()
    story = replace(
        _of_watch(promotion, doing, "\n".join(doubts), rulings, what=WINDOW),
        incident=f"{doing.flow.id}-doubted",
        ending=Ending.DOUBTED,
        severity=SEVERITIES[Ending.DOUBTED],
        command=f"shipway rollback {promotion.environment}",
    )
    said: Sequence[str] = (await deliver(promotion, doing, story))["said"]
    return said


def _of_watch(promotion: Promotion, doing: Doing, reason: str, rulings: Sequence[Any], *, what: str) -> Story:
    return Story(
        incident="",
        product=product(promotion),
        environment=promotion.environment,
        commit=promotion.commit,
        ending=Ending.HELD,
        what=what,
        reason=reason,
        severity=SEVERITIES[Ending.HELD],
        safe=None,
        detected=time.time(),
        started=switched(doing.facts),
        apps=tuple(app.name for app in promotion.settings.apps),
        rulings=tuple(rulings),
        links=links(promotion, doing.facts),
    )

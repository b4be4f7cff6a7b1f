"""A story as PagerDuty's alert: what a person reads on a phone at night."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.promotion.notices import wording
from ci.reporting.wording import one_line
from ci.vendors.pagerduty import LONGEST_SUMMARY, Alert

if TYPE_CHECKING:
    from ci.promotion.notices.story import Story


def alert(story: Story) -> Alert:
    """Return the alert, whose key is the incident: however often it is sent, it is one."""
    summary = f"{wording.subject(story)}. {one_line(story.reason, LONGEST_SUMMARY)}"
    told = {
        "users": wording.safety(story),
        "reason": story.reason,
        "pin": wording.blame(story),
        "advice": story.advice,
        "next": story.command,
        **{name.lower(): value for name, value in wording.facts(story)},
        **{f"{each.gate} {each.ruling}": each.reason for each in story.rulings},
        **{f"log {each.name}": each.text for each in story.excerpts},
    }
    return Alert(
        key=story.incident,
        summary=one_line(summary, LONGEST_SUMMARY),
        source=f"{story.product} {story.environment}",
        severity=story.severity,
        links=tuple((each.address, each.name) for each in story.links),
        details={name: value for name, value in told.items() if value},
    )

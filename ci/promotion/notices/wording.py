"""The sentences that all channels share: what happened, whether users are safe, what comes next."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ci.promotion.notices.story import Ending
from ci.reporting.wording import duration, listed

if TYPE_CHECKING:
    from ci.promotion.notices.story import Change, Over, Story

HEADLINES = {
    Ending.ROLLED_BACK: "{} was rolled back",
    Ending.MIXED: "{} is mixed: not every app is back",
    Ending.LEFT: "{} is bad and was not rolled back",
    Ending.STOPPED: "a release to {} was stopped",
    Ending.HELD: "nobody can see how {} is",
    Ending.UNMERGED: "{} serves a good release that was not merged",
    Ending.DOUBTED: "{} serves a release that a person should look at",
    Ending.ESCALATED: "a failure of {} is for a person to mend",
}
DRILL = "DRILL"  # before all that is told of one
PLAYED = "This is a drill: nothing is wrong, and nothing is to be done."
SAFE, UNSAFE, UNKNOWN = "Users are safe", "Users are NOT safe", "Nobody knows whether users are safe"


def short(commit: str) -> str:
    """Return a commit as people say it."""
    return commit[:12]


def moment(seconds: float) -> str:
    """Return a moment in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def headline(story: Story) -> str:
    """Return what happened, in a few words."""
    said = HEADLINES[story.ending].format(story.environment)
    return f"{DRILL}: {said}" if story.drill else f"{said[0].upper()}{said[1:]}"


def users(story: Story) -> str:
    """Return whether users are safe, in two to four words, and no more than is known."""
    return UNKNOWN if story.safe is None else SAFE if story.safe else UNSAFE


def safety(story: Story) -> str:
    """Return whether users are safe, and why."""
    return f"{f'{PLAYED} ' if story.drill else ''}{users(story)}: {_why(story)}."


def _why(story: Story) -> str:
    bad = short(story.commit)
    if story.ending is Ending.MIXED:
        return f"some of them get {bad}, and some what served before"
    if story.safe and story.ending in {Ending.STOPPED, Ending.ESCALATED} and story.returned_to is None:
        return f"they never got {bad}"
    if story.ending is Ending.UNMERGED:
        return f"they get {bad}, which proved good"
    if story.safe and story.returned_to is not None:
        back = f"they get {short(story.returned_to)} again"
        return f"{back} since {moment(story.restored)}" if story.restored is not None else back
    if story.returned_to is not None:
        return f"they get {short(story.returned_to)}"
    if story.ending is Ending.DOUBTED:
        return f"they get {bad}, and what speaks against it may be chance"
    return f"they still get {bad}" if story.ending in {Ending.LEFT, Ending.HELD} else f"{bad} does not serve them"


def blame(story: Story) -> str:
    """Return whether the commit may come back."""
    if story.drill:
        return f"{short(story.commit)} holds what served before, under a name of its own; nothing is pinned."
    if story.outside:
        return "The cause is outside: what served before has the same trouble, so the commit is not pinned."
    if story.pinned:
        return f"{short(story.commit)} is pinned: it cannot be promoted again until it is fixed, reverted or unpinned."
    return f"{short(story.commit)} is not pinned."


def subject(story: Story) -> str:
    """Return the line that a person sees before anything else."""
    drill = f"{DRILL}: " if story.drill else ""
    return f"{drill}{story.product} {_shortly(story)}: {story.what}. {users(story)}"


def _shortly(story: Story) -> str:
    bad, back = short(story.commit), short(story.returned_to) if story.returned_to else None
    return {
        Ending.ROLLED_BACK: f"{story.environment} rolled back from {bad}{f' to {back}' if back else ''}",
        Ending.MIXED: f"{story.environment} is MIXED after {bad}",
        Ending.LEFT: f"{story.environment} is bad, not rolled back from {bad}",
        Ending.STOPPED: f"{story.environment}: {bad} was stopped",
        Ending.HELD: f"{story.environment}: nobody can see how {bad} does",
        Ending.UNMERGED: f"{story.environment}: {bad} serves, and was not merged",
        Ending.DOUBTED: f"{story.environment}: {bad} stays, look at it",
        Ending.ESCALATED: f"{story.environment}: {bad} is for a person to mend",
    }[story.ending]


def facts(story: Story) -> tuple[tuple[str, str], ...]:
    """Return what is known in figures, each with its name."""
    found = [
        ("Environment", story.environment),
        ("Commit" if story.ending in {Ending.UNMERGED, Ending.DOUBTED} else "Bad commit", story.commit),
        ("Serves again", story.returned_to or ""),
        ("Apps", listed(story.apps, 12)),
        ("Severity", story.severity.value),
        ("Began", moment(story.started) if story.started is not None else ""),
        ("Found", _after(story.detected, story.started, "began")),
        ("Restored", _after(story.restored, story.detected, "was found")),
        ("Incident", story.incident),
    ]
    return tuple((name, value) for name, value in found if value)


def _after(end: float | None, start: float | None, what: str) -> str:
    if end is None:
        return ""
    if start is None or end < start:
        return moment(end)
    return f"{moment(end)}, {duration(end - start)} after it {what}"


def ended(over: Over) -> str:
    """Return how an incident ended."""
    if over.drill:
        since = f"{over.environment} serves {short(over.commit)} again since {moment(over.moment)}"
        return f"{DRILL}, over: it was played, and {since}."
    return f"Over: {over.environment} serves {short(over.commit)}, which passed, since {moment(over.moment)}."


def switched(change: Change) -> str:
    """Return what a switch was."""
    word = "rolled back" if change.back else "switched"
    before = f" from {short(change.before)}" if change.before else ""
    return f"{change.product} {change.environment} {word}{before} to {short(change.commit)}"

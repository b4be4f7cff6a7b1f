"""What is done at the end of a promotion, whatever came of it: nothing is left over, and who must know is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.to_thread

from ci.errors import ExitCode
from ci.journal import State
from ci.promotion.databases import databases
from ci.promotion.flow import SKIPPED
from ci.promotion.migrating import test_database
from ci.promotion.rollback import rolling_back
from ci.text import clean

if TYPE_CHECKING:
    from ci.journal import Refusal
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion

SWITCHED = "switch"  # the step after which users have it
MERGE = "merge"
# What these say no to is no failure of the commit.
NO_INCIDENT = frozenset(
    {
        "admission",
        "soak",
        "evidence of staging",
        "pull request",
        "look after the wait",
        "look after first use",
        "bars",
        MERGE,
    }
)


async def remove_test_database(promotion: Promotion, doing: Doing) -> Facts:
    """Delete the branch for tests, with what was made of it."""
    found = databases(promotion)
    if found is None:
        return {SKIPPED: "none was made"}
    await found.delete(test_database(doing.flow.id))
    return {}


async def tell_commit(promotion: Promotion, doing: Doing) -> Facts:
    """Set the commit's status at GitHub, which counts once however often it is set."""
    refusal = doing.refusal
    if refusal is not None and refusal.step == "admission":
        return {SKIPPED: "nothing was tried, so the status that it has stands"}
    state = "success" if refusal is None else "failure" if refusal.state is State.BLOCKED else "error"
    told = f"{promotion.environment} serves it" if refusal is None else said(refusal)
    await promotion.github.checks.set(promotion.commit, promotion.status, state, description=told)
    return {"state": state}


async def tell_pull_request(promotion: Promotion, doing: Doing) -> Facts:
    """Say on the pull request why it is not merged, once."""
    if doing.refusal is None:
        return {SKIPPED: "it was merged"}
    pulls = await promotion.github.pulls.every_one(head=promotion.head, base=promotion.own.branch, state="all")
    if not pulls:
        return {SKIPPED: "there is none"}
    await promotion.github.issues.comment(
        pulls[0].number, f"shipway-{doing.flow.id}", _body(promotion, doing, doing.refusal)
    )
    return {"number": pulls[0].number}


async def tell_window(promotion: Promotion, doing: Doing) -> Facts:
    """Set a status of the commit for its testing window: production asks for it."""
    refusal = doing.refusal
    told = "the testing window passed" if refusal is None else said(refusal)
    await promotion.github.checks.set(
        promotion.commit,
        f"shipway/{promotion.environment}-window",
        "success" if refusal is None else "failure",
        description=told,
    )
    return {}


async def open_incident(promotion: Promotion, doing: Doing) -> Facts:
    """Open an incident where the commit failed, or a person is needed whatever it was; it waits for its diagnosis."""
    refusal = doing.refusal
    if refusal is None:
        return {SKIPPED: "there is none"}
    came = rolling_back.outcome(doing.facts)
    stuck = came in {rolling_back.MIXED, rolling_back.FAILED}
    stuck |= refusal.step == MERGE and refusal.state is State.HELD  # it serves, and its branch does not name it
    ours = refusal.state is State.ABORTED or (came is None and refusal.code == ExitCode.USAGE)
    if not stuck and (ours or refusal.step in NO_INCIDENT):
        return {SKIPPED: "the commit did not fail"}
    incidents = promotion.journal.incidents
    await anyio.to_thread.run_sync(
        lambda: incidents.open(
            doing.flow.id,
            environment=promotion.environment,
            commit=promotion.commit,
            what=refusal.step,
            reason=refusal.message,
        )
    )
    return {"incident": doing.flow.id}


def said(refusal: Refusal) -> str:
    """Return why it goes no further, in one line."""
    return " ".join(clean(f"{refusal.step}: {refusal.message}").split())


def _body(promotion: Promotion, doing: Doing, refusal: Refusal) -> str:
    """Write it for a person; text of strangers stands in a block in which nothing is read as Markdown."""
    quoted = clean(refusal.message).replace("```", "'''")
    hint = f"\n\n{clean(refusal.hint)}".replace("```", "'''") if refusal.hint else ""
    name = promotion.environment
    users = {
        None: f"{name} serves what it served before",
        rolling_back.BACK: f"{name} was put back to what it served before",
        rolling_back.MIXED: f"some apps of {name} are back to what they served before, and some are NOT",
        rolling_back.FAILED: f"{name} was NOT put back, and serves it",
    }[rolling_back.outcome(doing.facts)]
    if refusal.state is State.HELD and SWITCHED in doing.facts:
        users = f"{name} serves it"
    return (
        f"The promotion of {promotion.name} to {name} ended at the step *{refusal.step}*; "
        f"{users}.\n\n```\n{quoted}{hint}\n```"
    )

"""The end of a drill, whatever came of it: staging serves what it served, people are told, the times are kept."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.errors import VendorError
from ci.journal.timings import DRILL
from ci.promotion import telling
from ci.promotion.deploying import UNDONE
from ci.promotion.drills.planting import scenario_of
from ci.promotion.drills.scenario import Fault
from ci.promotion.flow import SKIPPED
from ci.promotion.notices import delivering
from ci.promotion.notices.story import Over, Story
from ci.promotion.promoting import RULING
from ci.promotion.rollback import choosing, rolling_back
from ci.promotion.rollback.timing import times
from ci.vendors.pagerduty import Severity
from ci.vendors.sentry_values import Place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion

FAULT, TARGET, BACK, TOLD, TIMES = "fault", "rollback target", "rollback", "people told", "times"
UNTOUCHED = "nothing was switched"
UNKNOWN: Mapping[str, Any] = {}  # what came of a step that took too long


async def choose(promotion: Promotion, doing: Doing) -> Facts:
    """Choose what was served before; users may have been moved also where the switch was not finished."""
    servings = await anyio.to_thread.run_sync(promotion.journal.servings.of, promotion.environment)
    if not any(each.flow == doing.flow.id for each in servings):
        return {SKIPPED: UNTOUCHED}
    deployments = doing.facts["served before"]["deployments"]
    try:
        gone = await choosing.lacking(promotion, deployments)
    except VendorError as error:
        doing.note(f"the platform does not say whether all are there still: {error.message}")
        gone = None  # it is tried all the same
    if gone is not None:
        return {rolling_back.FAILED: f"{gone} of what was served before is gone"}
    return {"commit": doing.flow.asked["served"], "deployments": deployments, "bad": None}


async def note(promotion: Promotion, doing: Doing) -> Facts:
    """Write down what is served again. Nothing is pinned, and nothing frozen: no release was bad."""
    if rolling_back.BACK not in doing.facts.get(BACK, UNKNOWN):
        return {SKIPPED: "nothing was put back"}
    noting = functools.partial(
        promotion.journal.servings.record,
        promotion.environment,
        doing.flow.asked["served"],
        flow=f"{doing.flow.id}{UNDONE}",
    )
    await anyio.to_thread.run_sync(noting)
    return {}


async def remove_branch(promotion: Promotion, doing: Doing) -> Facts:  # noqa: ARG001 - a step's form
    """Delete the branch of the drill's commit, which is on no other one."""
    await promotion.github.refs.delete(promotion.head)
    return {}


async def resolve_errors(promotion: Promotion, doing: Doing) -> Facts:
    """Resolve what the pretended errors are filed under at Sentry: what was first seen in the drill's release."""
    sentry, own = promotion.made.sentry, promotion.own.sentry
    if scenario_of(doing).fault is not Fault.ERRORS or FAULT not in doing.facts or sentry is None or own is None:
        return {SKIPPED: "no error was pretended"}
    place = Place(projects=own.projects, environment=own.environment or promotion.environment)
    try:
        found = await sentry.new_issues(promotion.commit, place=place)
        for each in found:
            await sentry.resolve(each.id)
    except VendorError as error:  # it bears the drill's tag: a person can do that too
        doing.note(f"what was pretended is still open at Sentry: {error.message}")
        return {SKIPPED: f"it is still open at Sentry: {error.message}"}
    return {"resolved": [each.link for each in found]}


async def tell(promotion: Promotion, doing: Doing) -> Facts:
    """Tell people by staging's own channels: that it is a drill, where all is well; else what is not."""
    refusal, flipped, target = doing.refusal, doing.facts.get(BACK, UNKNOWN), doing.facts.get(TARGET, UNKNOWN)
    if refusal is None or SKIPPED in target:
        return {SKIPPED: "staging was not touched"}
    back = rolling_back.BACK in flipped
    page = None
    if promotion.page is not None:
        page = await anyio.to_thread.run_sync(functools.partial(promotion.page, doing.flow))
    story = Story(
        incident=doing.flow.id,
        product=telling.product(promotion),
        environment=promotion.environment,
        commit=promotion.commit,
        ending=telling.ENDINGS[_came(doing.facts)],
        what=refusal.step,
        reason=refusal.message if back else f"a drill could not put everything back: {_why(doing.facts)}",
        severity=Severity.INFO if back else Severity.CRITICAL,
        safe=back,
        detected=refusal.moment or time.time(),
        started=telling.switched(doing.facts),
        restored=flipped.get("at"),
        returned_to=doing.flow.asked["served"] if back else None,
        apps=tuple(app.name for app in promotion.settings.apps),
        rulings=tuple(RULING.validate_python(each) for each in refusal.rulings),
        links=telling.links(promotion, doing.facts),
        command="shipway status" if back else f"shipway promote {promotion.environment}",
        report=page,
        drill=back,
    )
    told = await telling.deliver(promotion, doing, story)
    none = f"[environments.{promotion.environment}.notify] names no way to tell people"
    return told if told["sent"] else {**told, SKIPPED: none}


async def tell_over(promotion: Promotion, doing: Doing) -> Facts:
    """Resolve the page and close the issue at once. What could not be put back stays open."""
    told = doing.facts.get(TOLD, UNKNOWN)
    if not told.get("sent") or rolling_back.BACK not in doing.facts.get(BACK, UNKNOWN):
        return {SKIPPED: "there is nothing to be ended"}
    over = Over(
        incident=doing.flow.id,
        product=telling.product(promotion),
        environment=promotion.environment,
        commit=doing.flow.asked["served"],
        moment=doing.facts.get(BACK, UNKNOWN)["at"],
        drill=True,
    )
    ended = await delivering.resolve(over, promotion.made, promotion.journal, say=doing.note)
    for line in ended.said:
        doing.note(line)
    return {"sent": {each.channel.value: each.state.value for each in ended.notices}, "said": list(ended.said)}


async def keep_times(promotion: Promotion, doing: Doing) -> Facts:
    """Keep how long it took, and whether it ended as its scenario says."""
    if FAULT not in doing.facts:
        return {SKIPPED: "nothing was planted"}
    journal, scenario = promotion.journal, scenario_of(doing)
    entries = await anyio.to_thread.run_sync(journal.flows.entries, doing.flow.id)
    took = times(entries, doing.refusal, since=FAULT, begun=True)
    found, wrong = _is_found(doing), _wrong(doing)
    reason = wrong or (doing.refusal.message if doing.refusal else "")
    recording = functools.partial(
        journal.timings.record,
        doing.flow.id,
        kind=DRILL,
        environment=promotion.environment,
        scenario=scenario.name,
        commit=promotion.commit,
        expected=wrong is None,
        reason=reason,
        detected=took.detected if found else None,
        recovered=took.recovered,
    )
    kept = await anyio.to_thread.run_sync(recording)
    return {
        "expected": kept.expected,
        "reason": kept.reason,
        "detected": kept.detected,
        "recovered": kept.recovered,
    }


def is_expected(facts: Mapping[str, Facts]) -> bool:
    """Whether a drill ended as its scenario says, and people could be told, by what came of its steps."""
    return bool(facts.get(TIMES, {}).get("expected")) and not facts.get(TOLD, {}).get("nobody")


def _wrong(doing: Doing) -> str | None:
    """Return in what it ended otherwise, None where it did not."""
    scenario, refusal = scenario_of(doing), doing.refusal
    if rolling_back.BACK not in doing.facts.get(BACK, UNKNOWN):
        return f"not everything was put back: {_why(doing.facts)}"
    if refusal is None or not _is_found(doing):
        said = f"{refusal.step}: {refusal.message}" if refusal else "nobody said no"
        return f"{scenario.found_by} was to find what was planted; {said}"
    return None


def _is_found(doing: Doing) -> bool:
    """Whether what was planted is what said no."""
    scenario, refusal = scenario_of(doing), doing.refusal
    return refusal is not None and refusal.step == scenario.found_by and scenario.says in refusal.message


def _came(facts: Mapping[str, Facts]) -> str:
    return rolling_back.outcome(facts) or rolling_back.FAILED


def _why(facts: Mapping[str, Facts]) -> str:
    for each in (facts.get(TARGET, UNKNOWN), facts.get(BACK, UNKNOWN)):
        for word in (rolling_back.MIXED, rolling_back.FAILED):
            if word in each:
                return str(each[word])
    return "nobody knows why"

"""A promotion to production, step by step: the list here is the whole of it.

Up to the switch nothing that users get is touched. What says no after it has every app put back, which is the first
thing that is done at the end; then people are told.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ci.promotion import admission, closing, deploying, migrating, news, overseeing, releasing, requesting, telling
from ci.promotion.rollback import rolling_back
from ci.promotion.route import LONG, Route, make_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.promotion.flow import Doing, Facts, FlowStep
    from ci.promotion.promoting import Promotion


def steps(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done under the lease, in its order: from the first look to the merge."""
    name = promotion.environment
    step = functools.partial(make_step, promotion)
    before = (step("served before", deploying.note_served), step(overseeing.BASELINE, overseeing.keep_baseline))
    # The team may use a release first for hours: what users meet until then is counted when they are about to be moved.
    early, late = (before, ()) if promotion.settings.promotion.dogfood is None else ((), before)
    return (
        step("admission", admission.admit),
        step("soak", releasing.find_soak),
        step("evidence of staging", releasing.find_evidence),
        step(news.STEP, news.note_news),
        step("pull request", requesting.request, writes=f"the branch {promotion.head} and its pull request"),
        step("gates", migrating.rule_gates),
        step(releasing.APPROVAL, releasing.await_approval),
        step("look after the wait", functools.partial(_look_again, releasing.APPROVAL)),
        *early,
        step("restore point", migrating.keep_restore_point, writes=f"a branch that keeps {name}'s database"),
        step("migrations", migrating.migrate, writes=f"{name}'s database: expand and data migrations", lasting=LONG),
        *deploying.deployments(promotion),
        step("staged smoke", releasing.smoke_staged, writes="what its probes make"),
        step(releasing.DOGFOOD, releasing.use_first),
        step("look after first use", functools.partial(_look_again, releasing.DOGFOOD)),
        *late,
        step("second look", requesting.look_again),
        step("bars", admission.look_again),
        step(releasing.SWITCH, releasing.switch, writes=f"what users of {name} get"),
        step("mark", releasing.mark, writes="a deploy of the release at Sentry"),
        step("change", telling.tell_change, writes="a change event at PagerDuty"),
        step("smoke", releasing.smoke_served, writes="what its probes make"),
        step(overseeing.WINDOW, overseeing.watch_window, writes="a test event; requests of our own", lasting=LONG),
        step("good", releasing.prove_good),
        step("incidents over", telling.tell_over, writes="pages resolved, issues closed"),
        step("merge", releasing.merge, writes=f"the branch {promotion.own.branch}"),
    )


def closing_steps(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done at the end of these, also where one said no: people are told before GitHub is asked for."""
    step = functools.partial(make_step, promotion)
    return (
        *rolling_back.steps(promotion),
        step("incident", closing.open_incident),
        step("people told", functools.partial(_tell, ""), writes="mail, page and issue, where it failed"),
        step("commit status", closing.tell_commit, writes="a status of the commit"),
        step("comment", closing.tell_pull_request, writes="a comment, where it is blocked"),
    )


def steps_after(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done under a lease once the armed watch is over."""
    writes = f"{promotion.environment}'s database: a contract migration"
    return (make_step(promotion, "contract migration", migrating.contract, writes=writes, lasting=LONG),)


def closing_after(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done at the very end, also where the armed watch said no."""
    step = functools.partial(make_step, promotion)
    return (
        *rolling_back.steps(promotion, rolling_back.LATE),
        step(f"{rolling_back.LATE}incident", closing.open_incident),
        step(
            f"{rolling_back.LATE}people told",
            functools.partial(_tell, rolling_back.LATE),
            writes="mail, page and issue, where it failed",
        ),
        step("window status", closing.tell_window, writes="a status of the commit"),
    )


async def _look_again(wait: str, promotion: Promotion, doing: Doing) -> Facts:
    return await releasing.look_again(promotion, doing, wait=wait)


async def _tell(prefix: str, promotion: Promotion, doing: Doing) -> Facts:
    return await telling.tell_failure(promotion, prefix, doing)


ROUTE = Route(
    steps=steps,
    closing=closing_steps,
    window=overseeing.ARMED,
    watch=overseeing.watch_armed,
    steps_after=steps_after,
    closing_after=closing_after,
)

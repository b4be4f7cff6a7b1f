"""A promotion to staging, step by step: the list here is the whole of it, each step stands in a file of its own.

Up to the switch nothing that users of staging get is touched: what says no before it leaves staging as it was.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from ci.promotion import admission, closing, deploying, migrating, news, proving, requesting, soaking, trying
from ci.promotion.route import LONG, Route, make_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.promotion.flow import FlowStep
    from ci.promotion.promoting import Promotion


def steps(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done under the lease, in its order: from the first look to the merge."""
    name = promotion.environment
    step = functools.partial(make_step, promotion)
    return (
        step("admission", admission.admit),
        step("evidence", proving.find_evidence, lasting=LONG),
        step(news.STEP, news.note_news),
        step("pull request", requesting.request, writes=f"the branch {promotion.head} and its pull request"),
        step("gates", migrating.rule_gates),
        step("test database", migrating.make_test_database, writes=f"a branch of {name}'s database, for tests"),
        step("rollback safety", migrating.test_rollback, writes="branches of that, for tests", lasting=LONG),
        step("restore point", migrating.keep_restore_point, writes=f"a branch that keeps {name}'s database"),
        step("migrations", migrating.migrate, writes=f"{name}'s database: expand and data migrations", lasting=LONG),
        *deploying.deployments(promotion),
        step("stages", proving.prove_again, writes="branches of the test database, for tests", lasting=LONG),
        step("tier 2", trying.test_tier_2, writes="what tier 2 makes at the candidate", lasting=LONG),
        step("served before", deploying.note_served),
        step("benchmarks", trying.compare, writes="what its requests make", lasting=LONG),
        step("extraction", trying.read_samples, writes="what reading costs", lasting=LONG),
        step("second look", requesting.look_again),
        step("bars", admission.look_again),
        step("switch", deploying.switch, writes=f"what users of {name} get"),
        step("merge", deploying.merge_or_move_back, writes=f"the branch {promotion.own.branch}"),
    )


def closing_steps(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done at the end of these, also where one said no."""
    step = functools.partial(make_step, promotion)
    return (
        step("test database removed", closing.remove_test_database, writes="the branch for tests"),
        step("commit status", closing.tell_commit, writes="a status of the commit"),
        step("comment", closing.tell_pull_request, writes="a comment, where it is blocked"),
        step("incident", closing.open_incident),
    )


def steps_after(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done under a lease once the testing window has passed."""
    writes = f"{promotion.environment}'s database: a contract migration"
    return (make_step(promotion, "contract migration", migrating.contract, writes=writes, lasting=LONG),)


def closing_after(promotion: Promotion) -> Sequence[FlowStep]:
    """Return what is done at the very end."""
    step = functools.partial(make_step, promotion)
    return (
        step("window status", closing.tell_window, writes="a status of the commit"),
        step("window incident", closing.open_incident),
    )


ROUTE = Route(
    steps=steps,
    closing=closing_steps,
    window=soaking.STEP,
    watch=soaking.soak,
    steps_after=steps_after,
    closing_after=closing_after,
)

"""Whether a drill may begin, and what it deploys: a commit of its own with the very files that staging serves.

That commit is empty on top of what is served. So each app's own word tells the two apart, errors of the one are not
filed under the other, and nobody's code is touched.
"""

from __future__ import annotations

import datetime
import functools
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.errors import UsageError
from ci.journal import State
from ci.promotion.admission import refuse_deployments_by_push, refuse_frozen, refuse_stopped
from ci.promotion.asking import commit_of, is_same
from ci.promotion.drills.scenario import ENVIRONMENT, KIND
from ci.promotion.flow import BlockedError, BusyError
from ci.promotion.footprint import isolate
from ci.promotion.promoting import demand
from ci.vendors.github.objects import Signature

if TYPE_CHECKING:
    from ci.journal import Flow, Journal
    from ci.promotion.drills.scenario import Scenario
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.settings import Settings
    from ci.vendors.github.client import GitHub
    from ci.vendors.platform import Platform

LASTING = 86_400.0  # seconds; past them whoever looks ends it
PROMOTION = "promotion"
LIVE = "production"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How a drill was asked for: `anyway` although a commit is in its testing window."""

    scenario: Scenario
    anyway: bool = False


def going_on(journal: Journal) -> Flow | None:
    """Return the drill that is not finished, None where none is."""
    known = journal.flows.recent(ENVIRONMENT)
    return next((each for each in known if each.kind == KIND and each.is_open), None)


def refuse_busy(journal: Journal, *, anyway: bool) -> None:
    """Refuse while something else goes on in staging. Raises BusyError, BlockedError."""
    for found in journal.flows.recent(ENVIRONMENT):
        if found.kind != PROMOTION or not found.is_open:
            continue
        name = found.commit[:12]
        if found.state is not State.WAITING:
            raise BusyError(
                f"the promotion of {name} to {ENVIRONMENT} is not finished",
                hint=f"`shipway resume {ENVIRONMENT}` or `shipway abort {ENVIRONMENT}`",
            )
        if not anyway:
            raise BlockedError(
                f"{name} is in its testing window, which a drill would break: it moves {ENVIRONMENT}'s users",
                hint="wait for it, or `--anyway`: the window then begins anew after the drill",
            )


def refuse_production(settings: Settings) -> None:
    """Refuse a staging that is served where production is: users of that would be moved. Raises BlockedError."""
    own, live = settings.environments.staging, settings.environments.production
    shared = sorted(set(own.addresses.values()) & set(live.addresses.values()))
    if own.vercel is not None and live.vercel is not None:
        shared += sorted(set(own.vercel.projects.values()) & set(live.vercel.projects.values()))
    if shared:
        raise BlockedError(
            f"{ENVIRONMENT} and {LIVE} are both at {shared[0]}: {LIVE} is never drilled",
            hint=f"give each its own in shipway.toml: [environments.{ENVIRONMENT}], [environments.{LIVE}]",
        )


async def served_now(settings: Settings, platform: Platform) -> str:
    """Return the one commit that all apps serve, by the platform's word. Raises BlockedError, VendorError."""
    commits: dict[str, str] = {}
    for app in settings.apps:
        found = await platform.serving(app.name)
        if len(found) != 1 or found[0].commit is None:
            told = "nothing" if not found else "what it cannot tell" if len(found) == 1 else "several deployments"
            raise BlockedError(f"{ENVIRONMENT} serves {told} of {app.name}: there is nothing to be put back to")
        commits[app.name] = found[0].commit
    if len(set(commits.values())) != 1:
        told = ", ".join(f"{commit[:12]} of {name}" for name, commit in commits.items())
        raise BlockedError(f"{ENVIRONMENT} serves {told or 'no app'}: a drill is about one commit")
    return next(iter(commits.values()))


async def make_commit(github: GitHub, served: str, scenario: Scenario) -> str:
    """Make the drill's commit at GitHub, which no branch has yet, and return it. Raises UsageError, VendorError.

    It bears the author of what is served: platforms there are that build nothing that was written by a stranger.
    """
    known = await github.objects.commit(served)
    if known is None:
        raise UsageError(f"GitHub has no commit {served[:12]}, which {ENVIRONMENT} serves")
    message = (
        f"Drill of Shipway: {scenario.name} [skip ci]\n\n"
        f"The files of {served}, for a deployment that {ENVIRONMENT} serves for a moment and is put back from.\n"
    )
    who = Signature(
        name=known.name or "Shipway",
        email=known.email or "shipway@localhost",
        moment=datetime.datetime.now(datetime.UTC),
    )
    return await github.objects.make_commit(message, known.tree, (served,), who)


def begin(journal: Journal, commit: str, served: str, asked: Asked) -> Flow:
    """Begin a drill with its commit. Raises BusyError where somebody holds staging."""
    lease = journal.leases.of(ENVIRONMENT)
    if lease is not None:
        raise BusyError(
            f"{ENVIRONMENT} is being changed by {lease.flow}, held by {lease.holder}",
            hint="wait for it, or look at `shipway status`",
        )
    return journal.flows.begin(
        f"{KIND}-{ENVIRONMENT}-{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{secrets.token_hex(2)}",
        kind=KIND,
        environment=ENVIRONMENT,
        commit=commit,
        asked={"scenario": asked.scenario.name, "served": served, "anyway": asked.anyway},
        lasting=LASTING,
    )


async def admit(promotion: Promotion, doing: Doing) -> Facts:
    """Refuse what must not be disturbed, and what is not as it was asked for; return what is served now."""
    if promotion.environment != ENVIRONMENT:
        raise BlockedError(f"{promotion.environment} is never drilled: only {ENVIRONMENT} is")
    refuse_production(promotion.settings)
    asked = doing.flow.asked
    await anyio.to_thread.run_sync(functools.partial(refuse_busy, promotion.journal, anyway=asked["anyway"]))
    await refuse_frozen(promotion)
    await refuse_stopped(promotion)
    await refuse_deployments_by_push(promotion)
    served = await served_now(promotion.settings, promotion.platform)
    if served != asked["served"]:
        raise BlockedError(f"{ENVIRONMENT} serves {served[:12]} by now, and no more {asked['served'][:12]}")
    for app in promotion.settings.apps:
        address = promotion.own.addresses.get(app.name)
        if app.serves is None or address is None:
            continue
        found = await commit_of(app.name, address, app.serves)
        if not is_same(found, served):
            raise BlockedError(
                f"{app.name} says that it serves {found[:12]}, and the platform that it serves {served[:12]}"
            )
    return {"served": {ENVIRONMENT: {app.name: served for app in promotion.settings.apps}}}


async def keep_apart(promotion: Promotion, doing: Doing) -> Facts:  # noqa: ARG001 - a step's form
    """Rule whether environments are apart: stand-ins are for a rehearsal's world. Raises BlockedError."""
    ruling = await isolate(promotion.settings, promotion.made, promotion.journal, rehearsal=promotion.rehearsal)
    return demand(ruling)


async def cut_branch(promotion: Promotion, doing: Doing) -> Facts:  # noqa: ARG001 - as above
    """Have a branch hold the drill's commit for as long as it is deployed. Raises VendorError."""
    await promotion.github.refs.create(promotion.head, promotion.commit)
    return {"branch": promotion.head}

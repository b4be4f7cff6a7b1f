"""What only production's promotion does: asks for the soak and a person's word, tries staged, switches, proves."""

from __future__ import annotations

import datetime
import functools
import time
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.errors import ExitCode, VendorError
from ci.gates.soak import Repeat, Serving, SoakObserved, rule
from ci.journal import State
from ci.journal.releases import Proof
from ci.model import Outcome
from ci.promotion import admission, proving, requesting, soaking
from ci.promotion.deploying import move_all, plain_deployment, targets_of
from ci.promotion.flow import SKIPPED, BlockedError, PausedError
from ci.promotion.migrating import applied_names
from ci.promotion.news import notes_of
from ci.promotion.promoting import RULING, demand, read
from ci.promotion.smoking import smoke
from ci.reporting.notes import heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.journal import Entry
    from ci.model import Ruling
    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.promotion.smoking import Smoked

BEFORE = "staging"  # the environment that a commit was soaked in
APPROVAL, DOGFOOD, SWITCH = "approval", "dogfood", "switch"
WITHIN = 90.0  # seconds for each app to serve what is meant


async def find_soak(promotion: Promotion, doing: Doing) -> Facts:
    """Find that staging used the commit for long enough, or a person's reason to go without. Raises BlockedError."""
    reason = doing.flow.asked.get("skip_soak")
    if reason:
        observed = SoakObserved(commit=promotion.commit, now=time.time(), servings=(), skipped=reason)
        return demand(rule(observed, environment=BEFORE))
    incident = doing.flow.asked.get("hotfix")
    recorded = await anyio.to_thread.run_sync(_recorded, promotion)
    if recorded is not None and (recorded.ruling is Outcome.FAIL or not incident):
        return demand(recorded)
    times = promotion.settings.promotion
    observed = await _observed(promotion, times.hotfix_soak if incident else times.soak)
    return demand(rule(observed, environment=BEFORE))


def _recorded(promotion: Promotion) -> Ruling | None:
    """Return how the commit's own window ended, None where it has not, or was never one of its own."""
    for flow in promotion.journal.flows.recent(BEFORE):
        if flow.commit != promotion.commit:
            continue
        found = promotion.journal.flows.results(flow.id).get(soaking.STEP)
        if found is not None:
            return read(found)[0]
        refusal = promotion.journal.flows.refusal(flow.id)
        if refusal is not None and refusal.step == soaking.STEP and refusal.rulings:
            return RULING.validate_python(refusal.rulings[0])
    return None


async def _observed(promotion: Promotion, required: float) -> SoakObserved:
    """Return the soak as the journal has it: what staging served, and how its tests went."""
    servings = promotion.journal.servings
    known = await anyio.to_thread.run_sync(servings.of, BEFORE)
    repeats = await anyio.to_thread.run_sync(lambda: servings.repeats(BEFORE, since=known[0].moment if known else 0))
    return SoakObserved(
        commit=promotion.commit,
        now=time.time(),
        servings=tuple(
            [
                Serving(commit=each.commit, since=each.moment, carries=await soaking.carries(promotion, each.commit))
                for each in known
            ]
        ),
        repeats=tuple(
            Repeat(name=each.name, at=each.moment, passed=each.passed, reason=each.reason) for each in repeats
        ),
        required=required,
        tested=soaking.tested(promotion),
    )


async def find_evidence(promotion: Promotion, _doing: Doing) -> Facts:
    """Find staging's green report of all seven stages for the commit, young enough. Raises BlockedError."""
    return demand(await proving.kept_ruling(promotion, BEFORE))


async def await_approval(promotion: Promotion, doing: Doing) -> Facts:
    """Go on where a person approved, here or by a review of the pull request; else wait. Raises PausedError."""
    if promotion.settings.promotion.approval == "none":
        return {SKIPPED: "shipway.toml asks for no person's approval"}
    given = await anyio.to_thread.run_sync(promotion.journal.approvals.of, doing.flow.id, APPROVAL)
    if given is not None:
        return {"by": given.by, "reason": given.reason}
    number = doing.facts["pull request"]["number"]
    reviews = await promotion.github.pulls.standing(number, sha=promotion.commit)
    for login, review in reviews.items():
        if review.state == "APPROVED":
            return {"by": login, "reason": f"a review of #{number}"}
    notes = notes_of(doing.facts)
    for line in () if notes is None else (f"new: {heading(notes)}", f"what is new is listed in #{number}"):
        doing.note(line)
    raise PausedError(
        f"{promotion.name} waits for a person's approval",
        hint=f"`shipway approve {promotion.environment}`, or approve of #{number}",
    )


async def look_again(promotion: Promotion, doing: Doing, *, wait: str) -> Facts:
    """Look again at what was looked at before the wait at a step. Raises BlockedError."""
    if SKIPPED in doing.facts[wait]:
        return {SKIPPED: "nobody was waited for"}
    await admission.admit(promotion, doing)
    return demand(await proving.kept_ruling(promotion, BEFORE))


async def smoke_staged(promotion: Promotion, doing: Doing) -> Facts:
    """Make the seven-point smoke at the release's own addresses, before anybody gets it. Raises BlockedError."""
    deployments = targets_of(promotion, doing.facts)
    headers: dict[str, str] = {}
    for each in deployments:
        headers |= await promotion.platform.passage(each.app)
    made = await smoke(
        promotion.settings,
        promotion.environment,
        root=promotion.root,
        addresses={each.app: each.address for each in deployments},
        commits={each.app: each.commit or promotion.commit for each in deployments},
        headers=headers,
    )
    _note(made, doing)
    return demand(made.ruling)


async def use_first(promotion: Promotion, doing: Doing) -> Facts:
    """Have the team use the release at its own addresses for a while, before any customer. Raises PausedError.

    A person's word ends it early.
    """
    lasting = promotion.settings.promotion.dogfood
    if lasting is None:
        return {SKIPPED: "shipway.toml has no dogfood window"}
    word = await anyio.to_thread.run_sync(promotion.journal.approvals.of, doing.flow.id, DOGFOOD)
    if word is not None:
        return {"by": word.by, "reason": word.reason}
    entries = await anyio.to_thread.run_sync(promotion.journal.flows.entries, doing.flow.id)
    left = first_use_left(entries, lasting)
    if left > 0:
        where = ", ".join(f"{each.app} {each.address}" for each in targets_of(promotion, doing.facts))
        raise PausedError(
            f"the team uses {promotion.name} first, for {left:.0f} s more, at {where}",
            hint=f"`shipway tick` goes on then; `shipway approve {promotion.environment}` now, "
            f"`shipway abort {promotion.environment}` never",
        )
    return {"seconds": lasting}


def first_use_left(entries: Sequence[Entry], lasting: float) -> float:
    """Return how many seconds the team's own window still takes; it began when its step was first come to."""
    began = next(each.moment for each in entries if each.step == DOGFOOD)
    return max(0.0, began + lasting - time.time())


async def switch(promotion: Promotion, doing: Doing) -> Facts:
    """Write down what is switched to, move all users, and ask each app. Raises BlockedError: all are put back then."""
    targets = targets_of(promotion, doing.facts)
    deployed = {each.app: plain_deployment(each) for each in targets}
    journal, name = promotion.journal, promotion.environment
    migrations = tuple(await anyio.to_thread.run_sync(applied_names, promotion))
    recording = functools.partial(
        journal.releases.record,
        name,
        promotion.commit,
        flow=doing.flow.id,
        deployments=deployed,
        migrations=migrations,
    )
    await anyio.to_thread.run_sync(recording)
    return await move_users(promotion, doing)


async def move_users(promotion: Promotion, doing: Doing) -> Facts:
    """Note what is served from now on, move all users, and ask each app. Raises BlockedError."""
    targets = targets_of(promotion, doing.facts)
    journal, name = promotion.journal, promotion.environment
    noting = functools.partial(journal.servings.record, name, promotion.commit, flow=doing.flow.id)
    await anyio.to_thread.run_sync(noting)
    try:
        await move_all(promotion, targets, doing)
    except VendorError as error:
        # Some may have moved by now: what is half done must not wait for whoever resumes it.
        message = f"not all apps could be switched: {error.message}"
        raise BlockedError(message, hint=error.hint, code=ExitCode.VENDOR) from error
    return {"deployments": {each.app: plain_deployment(each) for each in targets}, "at": time.time()}


async def smoke_served(promotion: Promotion, doing: Doing) -> Facts:
    """Make the seven-point smoke where users are, each app serving its own build's commit. Raises BlockedError."""
    deployments = targets_of(promotion, doing.facts)
    commits = {each.app: each.commit or promotion.commit for each in deployments}
    made = await smoke(promotion.settings, promotion.environment, root=promotion.root, commits=commits, within=WITHIN)
    _note(made, doing)
    return demand(made.ruling)


async def mark(promotion: Promotion, doing: Doing) -> Facts:
    """Say in Sentry that the release is live, so that errors are told apart by it."""
    sentry, settings = promotion.made.sentry, promotion.own.sentry
    if sentry is None or settings is None:
        return {SKIPPED: "no Sentry is connected"}
    moment = datetime.datetime.fromtimestamp(doing.facts[SWITCH]["at"], datetime.UTC)
    try:
        await sentry.ensure_release(promotion.commit, settings.projects)
        await sentry.ensure_deploy(
            promotion.commit,
            settings.environment or promotion.environment,
            name=doing.flow.id,
            finished=moment,
        )
    except VendorError as error:  # a mark that is missing is no reason to take a release back
        doing.note(f"Sentry has no mark of it: {error.message}")
        return {SKIPPED: f"Sentry has no mark of it: {error.message}"}
    return {"release": promotion.commit}


async def prove_good(promotion: Promotion, doing: Doing) -> Facts:
    """Write down that the release passed its window: from now on it can be gone back to."""
    await anyio.to_thread.run_sync(promotion.journal.releases.move, doing.flow.id, Proof.GOOD)
    return {}


async def merge(promotion: Promotion, doing: Doing) -> Facts:
    """Merge: the branch only ever names proven commits. What is refused so late holds. Raises BlockedError."""
    try:
        return await requesting.merge(promotion, doing)
    except BlockedError as error:
        why = error
    except VendorError as error:
        if not requesting.is_refusal(error):
            raise
        why = BlockedError(f"GitHub does not merge it: {error.message}", hint=error.hint)
    raise BlockedError(
        f"{promotion.name} serves and is good, but is not in {promotion.own.branch}: {why.message}",
        hint=why.hint or "merge its pull request by hand",
        code=ExitCode.HELD,
        state=State.HELD,
    )


def _note(made: Smoked, doing: Doing) -> None:
    for line in made.notices:
        doing.note(line)

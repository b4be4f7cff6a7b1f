"""Steps 7 and 12: each app deployed to an address of its own, and users moved to all of them, or back."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from ci.errors import ExitCode, ShipwayError, VendorError
from ci.promotion.asking import commit_of, is_same
from ci.promotion.flow import SKIPPED, BlockedError, FlowStep
from ci.promotion.keeping import KEPT, choose
from ci.promotion.requesting import is_refusal, merge
from ci.redact import Redactor
from ci.text import clean
from ci.vendors.platform import Deployment, Order, State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.promotion.flow import Doing, Facts
    from ci.promotion.promoting import Promotion
    from ci.settings.environments import App

SERVED = 90.0  # seconds for an app to serve what is meant
PAUSE = 0.5
UNDONE = "-back"  # behind a flow's id, where a serving is noted that put back what it had switched
LOG = 20  # lines of a build that failed


def deployments(promotion: Promotion) -> list[FlowStep]:
    """Return a step for each app, in the order of what they need."""
    return [
        FlowStep(
            name=f"deploy {app.name}",
            act=functools.partial(_deploy, promotion, app),
            writes=f"a deployment of {app.name} to {promotion.environment}, which nobody gets yet",
            lasting=2400.0,
        )
        for app in promotion.settings.apps
    ]


async def _deploy(promotion: Promotion, app: App, doing: Doing) -> Facts:
    """Deploy an app, given the addresses of those it needs; wait until it is built and says that it is the commit.

    One of production that nothing changed of keeps what it serves.
    """
    choice = await choose(promotion, app, doing)
    if choice.deployment is not None:
        return {**plain_deployment(choice.deployment), KEPT: choice.deployment.commit, SKIPPED: choice.why}
    if choice.why:
        doing.note(f"{app.name} is built anew: {choice.why}")
    values = {name: doing.facts[f"deploy {name}"]["address"] for name in app.needs}
    order = Order(
        app=app.name,
        commit=promotion.commit,
        branch=promotion.head,
        key=f"{doing.flow.id}-{app.name}",
        variables={name: _filled(text, values) for name, text in app.variables.items()},
    )
    made = await promotion.platform.wait(await promotion.platform.deploy(order))
    if made.state is not State.READY:
        lines = await promotion.platform.log(made)
        redactor = Redactor(promotion.made.secrets)
        told = "\n".join(redactor.text(clean(line)) for line in lines[-LOG:])
        raise BlockedError(
            f"{app.name} is not built: {made.reason or made.state.value}", hint=told or None, code=ExitCode.STAGE_FAILED
        )
    if app.serves is not None:
        headers = await promotion.platform.passage(app.name)
        await _until_served(app, made.address, promotion.commit, headers=headers)
    return plain_deployment(made)


async def switch(promotion: Promotion, doing: Doing) -> Facts:
    """Move all users to the candidate; each app must then say so itself. Else all are moved back: BlockedError."""
    try:
        await move_all(promotion, targets_of(promotion, doing.facts), doing)
    except BlockedError:
        await move_back(promotion, doing.facts["served before"])
        raise
    servings = promotion.journal.servings
    noting = functools.partial(servings.record, promotion.environment, promotion.commit, flow=doing.flow.id)
    await anyio.to_thread.run_sync(noting)
    return {}


async def move_all(promotion: Promotion, targets: Sequence[Deployment], doing: Doing) -> None:
    """Move users to all of these at once, and wait until each app says so. Raises BlockedError, VendorError."""
    wrong: list[ShipwayError] = []

    async def move(target: Deployment) -> None:
        try:
            await promotion.platform.switch(target)
        except ShipwayError as error:  # raised as it is, and when the others are done: half a move is none
            wrong.append(error)

    async with anyio.create_task_group() as group:
        for target in targets:
            group.start_soon(move, target)
    if wrong:
        raise wrong[0]
    commits = {each.app: each.commit or promotion.commit for each in targets}
    for app in promotion.settings.apps:
        address = promotion.own.addresses.get(app.name)
        if app.serves is None or address is None:
            doing.note(f"{app.name} is not asked what it serves: the platform's word counts")
            continue
        await _until_served(app, address, commits[app.name])


async def note_served(promotion: Promotion, _doing: Doing) -> Facts:
    """Note which deployments users get now, app by app: to these they are moved back."""
    found: dict[str, Any] = {}
    for app in promotion.settings.apps:
        for each in await promotion.platform.serving(app.name):
            found[app.name] = plain_deployment(each)
    return {"deployments": found} if found else {"deployments": {}, SKIPPED: "nothing is served yet"}


async def merge_or_move_back(promotion: Promotion, doing: Doing) -> Facts:
    """Merge; where GitHub refuses that, users are moved back and the promotion is blocked."""
    try:
        return await merge(promotion, doing)
    except VendorError as error:
        if not is_refusal(error):
            raise
        await move_back(promotion, doing.facts["served before"])
        await _record_back(promotion, doing)
        raise BlockedError(f"GitHub does not merge it: {error.message}", hint=error.hint) from None


async def move_back(promotion: Promotion, before: Facts) -> None:
    """Have users get what they had before. Raises VendorError."""
    for found in before["deployments"].values():
        target = read_deployment(found)
        if not all(each.id == target.id for each in await promotion.platform.serving(target.app)):
            await promotion.platform.roll_back(target, why=f"the promotion of {promotion.name} was refused")


async def _record_back(promotion: Promotion, doing: Doing) -> None:
    """Note that the commit of before is served again."""
    served: Mapping[str, str] = doing.facts["admission"]["served"].get(promotion.environment, {})
    for commit in list(served.values())[:1]:
        noting = functools.partial(
            promotion.journal.servings.record, promotion.environment, commit, flow=f"{doing.flow.id}{UNDONE}"
        )
        await anyio.to_thread.run_sync(noting)


def _filled(text: str, addresses: Mapping[str, str]) -> str:
    for name, address in addresses.items():
        text = text.replace(f"{{{name}}}", address)
    return text


def targets_of(promotion: Promotion, facts: Mapping[str, Facts]) -> list[Deployment]:
    """Return what the steps of a promotion deployed, app by app."""
    return [read_deployment(facts[f"deploy {app.name}"]) for app in promotion.settings.apps]


def plain_deployment(deployment: Deployment) -> dict[str, Any]:
    """Return a deployment as JSON has it."""
    return {**dataclasses.asdict(deployment), "state": deployment.state.value}


def read_deployment(facts: Mapping[str, Any]) -> Deployment:
    """Return what was written down of a deployment."""
    names = {each.name for each in dataclasses.fields(Deployment)}
    return Deployment(
        **{**{name: value for name, value in facts.items() if name in names}, "state": State(facts["state"])}
    )


async def _until_served(app: App, address: str, commit: str, *, headers: Mapping[str, str] | None = None) -> None:
    """Ask an app what it serves until that is the commit. Raises BlockedError."""
    if app.serves is None:
        return
    said = "it does not answer"
    with anyio.move_on_after(SERVED):
        while True:
            try:
                found = await commit_of(app.name, address, app.serves, headers=headers)
            except ShipwayError as error:
                said = error.message
            else:
                if is_same(found, commit):
                    return
                said = f"it serves {found[:12]}"
            await anyio.sleep(PAUSE)
    raise BlockedError(f"{app.name} does not serve {commit[:12]} after {SERVED:.0f} s: {said}")

"""What an environment has and lacks, found by reads alone: each outside service, its rights, the rules of branches.

What is wrong here would stop a promotion, in its middle at worst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.errors import ShipwayError, VendorError
from ci.model import Outcome
from ci.promotion.asking import commit_of, serves_nothing
from ci.promotion.findings import Finding, State, fine, wrong
from ci.promotion.footprint import isolate
from ci.promotion.notices.examining import issues, mails, pages
from ci.text import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.journal import Journal
    from ci.promotion.connected import Connected
    from ci.promotion.findings import Findings
    from ci.settings import Settings
    from ci.settings.environments import Serves
    from ci.vendors.github.client import GitHub
    from ci.vendors.neon import Neon
    from ci.vendors.platform import Platform
    from ci.vendors.stripe import Stripe
    from ci.vendors.vercel.client import Vercel

PROMOTED = ("staging", "production")
# What is said to be missing where nobody is told by it.
ALERTS = {"development": (), "staging": ("e-mail",), "production": ("e-mail", "PagerDuty", "issues")}


OUTCOMES = {Outcome.PASS: State.FINE, Outcome.FAIL: State.WRONG}


async def examine(
    settings: Settings, made: Connected, journal: Journal, *, rehearsal: bool = False
) -> tuple[Finding, ...]:
    """Look at all that is configured for an environment. A service that does not answer is a finding too.

    What must differ between environments is recorded in the journal, and compared with what others recorded there.
    """
    found: list[Finding] = []

    async def collect(what: str, findings: Findings | None, configure: str) -> None:
        if findings is None:
            found.append(Finding(what=what, state=State.ABSENT, says="not configured", fix=configure))
            return
        try:
            found.extend([each async for each in findings])
        except ShipwayError as error:
            found.append(Finding(what=what, state=State.UNKNOWN, says=error.message, fix=error.hint or ""))

    at = f"environments.{made.name}"
    hub = (
        _github(made.github, made.settings.branch, issues=made.settings.notify.issues != "linear")
        if made.github
        else None
    )
    await collect("GitHub", hub, "[github]")
    houses = made.settings.vercel
    vercel = _vercel(made.vercel, houses.projects, made.name) if made.vercel and houses else None
    if made.settings.commands is None:
        await collect("Vercel", vercel, f"[{at}.vercel] or [{at}.commands]")
    elif made.platform is not None:
        await collect("commands", _commands(made.platform, [app.name for app in settings.apps]), "")
    base = made.settings.neon
    await collect("Neon", _neon(made.neon, base.project) if made.neon and base else None, f"[{at}.neon]")
    await collect("Stripe", _stripe(made.stripe, made.name) if made.stripe else None, f"[{at}.stripe]")
    for app in settings.apps:
        address = made.settings.addresses.get(app.name)
        served = _served(app.name, address, app.serves, made.platform) if app.serves and address else None
        absent = f"[{at}.addresses] {app.name}" if app.serves else f"[[apps]] {app.name}: serves"
        await collect(f"app {app.name}", served, absent)
    for name, findings, where in (
        ("e-mail", mails(made), "email"),
        ("PagerDuty", pages(made), "pagerduty"),
        ("issues", issues(made), "issues"),
    ):
        if findings is not None or name in ALERTS[made.name]:
            await collect(name, findings, f"[{at}.notify] {where}")
    configured = _isolation(settings, made, journal, rehearsal=rehearsal) if made.settings.configured else None
    await collect("isolation", configured, f"[{at}.configured]")
    return tuple(found)


async def _github(github: GitHub, branch: str, *, issues: bool) -> Findings:
    """Whether the token may do what a promotion does, and the branch lets it; `issues`: whether they are kept there."""
    what = "GitHub"
    found = await github.repository()
    if found is None:
        yield wrong(what, "no such repository, or the token may not see it", "check [github] repository and token")
        return
    if not found.may_push:
        yield wrong(what, f"the token may not write to {found.full_name}", "give it write access to contents")
    else:
        yield fine(what, f"{found.full_name}: the token may write")
    if found.archived:
        yield wrong(what, f"{found.full_name} is archived", "unarchive it")
    if not found.allow_merge_commit:
        says = "merge commits are not allowed: a promotion merges with one, so that the tree stays what was tested"
        yield wrong("GitHub merges", says, "allow merge commits in the repository's settings")
    if issues and not found.has_issues:
        yield wrong("GitHub issues", "issues are off: incidents have no place", "turn them on, or connect Linear")
    async for finding in _branch(github, branch):
        yield finding


async def _branch(github: GitHub, branch: str) -> Findings:
    what = f"branch {branch}"
    demands = await github.refs.demands(branch)
    if demands is None:
        yield wrong(what, "is not there", f"git push origin main:{branch}")
        return
    refused = []
    if demands.linear:
        refused.append(wrong(what, "must have a linear history: it takes no merge commit", "lift that rule for it"))
    if demands.queued:
        refused.append(wrong(what, "has a merge queue, which merges something else than was tested", "lift that rule"))
    for finding in refused:
        yield finding
    if demands.hidden:
        says, fix = "has a protection that the token may not read", "give the token read access to administration"
        yield Finding(what=what, state=State.UNKNOWN, says=says, fix=fix)
    elif not refused:
        needs = f"; a merge needs {demands.approvals} approving reviews" if demands.approvals else ""
        yield fine(what, f"is there{needs}")


async def _vercel(vercel: Vercel, projects: Mapping[str, str], name: str) -> Findings:
    """Whether the projects are there, and nothing is deployed behind our back."""
    for app, project in projects.items():
        what = f"Vercel {app}"
        found = await vercel.project(project)
        if found is None:
            yield wrong(what, f"there is no project {project} for this token", "check its name, team and token")
            continue
        if name in PROMOTED and found.deploys_on_push:
            says = f"{found.name} deploys pushes by itself, behind the back of a promotion"
            yield wrong(what, says, "project settings, Git: turn deployments off for it")
        elif found.moving is not None:
            yield Finding(
                what=what, state=State.UNKNOWN, says=f"{found.name} is being moved right now", fix="look again later"
            )
        else:
            serving = "serves a deployment" if found.production else "serves nothing yet"
            yield fine(what, f"{found.name} {serving}")


async def _commands(platform: Platform, apps: Sequence[str]) -> Findings:
    """Whether the command for it tells what serves."""
    for app in apps:
        serving = [each.id for each in await platform.serving(app)]
        yield fine(f"commands {app}", f"status tells that {', '.join(serving) or 'nothing'} serves")


async def _isolation(settings: Settings, made: Connected, journal: Journal, *, rehearsal: bool) -> Findings:
    """Whether it shares nothing with the others, so far as they recorded what they have."""
    ruling = await isolate(settings, made, journal, rehearsal=rehearsal)
    state = OUTCOMES.get(ruling.ruling, State.UNKNOWN)
    fix = "" if state is State.FINE else "`shipway doctor --env NAME` records what an environment has"
    yield Finding(what="isolation", state=state, says=ruling.reason, fix=fix)


async def _served(app: str, address: str, serves: Serves, platform: Platform | None) -> Findings:
    """Which commit an app serves; before its first promotion there is nobody to answer."""
    try:
        says = f"serves {(await commit_of(app, address, serves))[:12]}"
    except VendorError:
        if not await serves_nothing(platform, app):
            raise
        says = "serves nothing yet"
    yield fine(f"app {app}", says)


async def _neon(neon: Neon, project: str) -> Findings:
    what = "Neon"
    found = await neon.project(project)
    if found is None:
        yield wrong(what, f"there is no project {project} for this key", "check [neon] project and token")
        return
    branches = await neon.branches(project)
    yield fine(what, f"{found.name}, Postgres {found.version}, {count(len(branches), 'branch', 'branches')}")


async def _stripe(stripe: Stripe, name: str) -> Findings:
    """Whose mode it is Stripe itself must say: a prefix proves nothing."""
    balance = await stripe.balance()
    mode = "live" if balance.livemode else "test"
    if balance.livemode is not (name == "production"):
        yield wrong("Stripe", f"the key is of the {mode} mode", "production has the live mode, and nothing else has")
    else:
        yield fine("Stripe", f"the key is of the {mode} mode")

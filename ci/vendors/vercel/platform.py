"""Vercel as a Platform: a project for each app of an environment, whose production domains are the app's.

New builds never get the domains by themselves: Shipway moves them when its gates have passed.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ci.errors import Trouble, UsageError, VendorError
from ci.text import clean, first_line
from ci.vendors.pace import Pace, until
from ci.vendors.platform import Deployment, Order, State
from ci.vendors.vercel import building, moving, values
from ci.vendors.vercel.client import PRODUCTION, Vercel
from ci.vendors.vercel.values import Project, Ready

BUILDING = Pace(first=0.5, most=5.0, whole=1800.0)
STATES = {
    Ready.QUEUED: State.QUEUED,
    Ready.INITIALIZING: State.BUILDING,
    Ready.BUILDING: State.BUILDING,
    Ready.READY: State.READY,
    Ready.CANCELED: State.CANCELED,
}
BYPASS = "x-vercel-protection-bypass"
WORDS = frozenset({"stdout", "stderr", "command", "fatal", "exit"})


class VercelPlatform:
    """`projects` are the names or ids of Vercel's projects by app."""

    def __init__(
        self, client: Vercel, projects: Mapping[str, str], *, build_pace: Pace = BUILDING, move_pace: Pace = moving.PACE
    ) -> None:
        """Take the client, which stays the caller's to close."""
        self.client = client
        self._projects = projects
        self.build_pace = build_pace
        self.move_pace = move_pace

    async def deploy(self, order: Order) -> Deployment:
        """Begin a build for production that gets no domain. Raises UsageError, VendorError."""
        project = await self._keep_domains(self._name(order.app))
        made = await building.create(
            self.client, project, commit=order.commit, branch=order.branch, key=order.key, variables=order.variables
        )
        return self.told(order.app, made)

    async def wait(self, deployment: Deployment) -> Deployment:
        """Return it once it is ready, failed or cancelled. Raises VendorError."""

        async def look() -> Deployment | None:
            found = await self.client.deployment(deployment.id)
            told = self.told(deployment.app, found) if found else _gone(deployment)
            return told if told.state.ended else None

        found = await until(look, self.build_pace)
        if found is None:
            told = f"{deployment.id} is not built after {self.build_pace.whole:.0f} s"
            raise VendorError(f"Vercel {Trouble.BROKEN.value}: {told}", trouble=Trouble.BROKEN, unsettled=True)
        return found

    async def log(self, deployment: Deployment) -> tuple[str, ...]:
        """Return the lines of its build. Raises VendorError."""
        events = await self.client.events(deployment.id)
        return tuple(line for event in events if event.kind in WORDS for line in clean(event.text).splitlines())

    async def passage(self, app: str) -> Mapping[str, str]:
        """Return the headers by which the own addresses of an app's deployments let a request in; none where all may.

        https://vercel.com/docs/deployment-protection/methods-to-bypass-deployment-protection/protection-bypass-automation
        Raises VendorError, UsageError where nothing would let it in.
        """
        project = await self.client.require_project(self._name(app))
        if not project.is_guarded:
            return {}
        if project.bypass is None:
            raise UsageError(
                f"the deployments of the Vercel project {project.name} let in only who shows who they are",
                hint="make a secret for Protection Bypass for Automation in the project's settings",
            )
        return {BYPASS: project.bypass}

    async def serving(self, app: str) -> tuple[Deployment, ...]:
        """Return what the production domains lead to. Raises VendorError."""
        domains = await self.client.domains(self._name(app))
        aliases = [await self.client.alias(each.name) for each in domains if each.serves_production]
        ids = dict.fromkeys(alias.deployment for alias in aliases if alias is not None and alias.deployment)
        found = [await self.client.deployment(each) for each in ids]
        return tuple(self.told(app, each) for each in found if each is not None)

    async def switch(self, deployment: Deployment) -> None:
        """Promote it, and keep new builds from the domains afterwards. Raises UsageError, VendorError."""
        project = await self._whole(deployment.app)
        found = await self.client.deployment(deployment.id)
        if found is not None and found.target != PRODUCTION:
            raise UsageError(
                f"{deployment.id} of {project.name} was built as a preview, without production's variables",
                hint="deploy the commit for production",
            )
        await moving.promote(self.client, project.id, deployment.id, pace=self.move_pace)
        await self._keep_domains(project.id)

    async def roll_back(self, deployment: Deployment, *, why: str) -> None:
        """Roll back to it; Vercel itself keeps new builds from the domains afterwards. Raises VendorError."""
        project = await self.client.require_project(self._name(deployment.app))
        await moving.roll_back(self.client, project.id, deployment.id, why=why, pace=self.move_pace)

    async def candidates(self, app: str) -> tuple[Deployment, ...]:
        """Return what Vercel would roll back to, the newest first. Raises VendorError."""
        project = await self.client.require_project(self._name(app))
        found = await self.client.deployments(project.id, target=PRODUCTION, state=Ready.READY, rollback_candidate=True)
        good = [each for each in found if each.candidate is not False and not each.removed]
        return tuple(self.told(app, each) for each in sorted(good, key=lambda each: each.created, reverse=True))

    async def _keep_domains(self, project: str) -> Project:
        """Keep new builds from the domains. Raises VendorError, UsageError where Vercel will not have it."""
        try:
            return await self.client.set_auto_assign(project, on=False)
        except VendorError as error:
            if error.trouble not in {Trouble.REFUSING, Trouble.DENYING}:
                raise
            raise UsageError(
                f"new builds of {project} would take its domains by themselves: {error.message}",
                hint="project settings, Environments, Production: turn Auto-assign Custom Production Domains off",
            ) from error

    async def _whole(self, app: str) -> Project:
        """Return a project that moves all of its users at once. Raises UsageError, VendorError."""
        project = await self.client.require_project(self._name(app))
        if project.rolling is not None:
            raise UsageError(
                f"rolling releases are on for the Vercel project {project.name}, and Shipway moves all users at once",
                hint="turn them off in the project's settings",
            )
        return project

    def _name(self, app: str) -> str:
        if app not in self._projects:
            raise UsageError(f"no Vercel project is named for the app {app}")
        return self._projects[app]

    def told(self, app: str, found: values.Deployment) -> Deployment:
        """Return a deployment of Vercel's as any platform's."""
        state = STATES.get(found.ready, State.FAILED)
        scheme = urlsplit(self.client.exchange.address).scheme
        reason = first_line(found.error) or f"Vercel calls it {found.ready.value}" if state is State.FAILED else ""
        reason = reason or first_line(found.alias_error)
        return Deployment(
            id=found.id,
            app=app,
            commit=found.commit,
            state=state,
            address=f"{scheme}://{found.url}",
            created=found.created / 1000,
            reason=reason,
        )


def _gone(deployment: Deployment) -> Deployment:
    return Deployment(
        id=deployment.id,
        app=deployment.app,
        commit=deployment.commit,
        state=State.FAILED,
        address=deployment.address,
        created=deployment.created,
        reason="Vercel does not have it any more",
    )

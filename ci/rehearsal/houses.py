"""The projects at Vercel of all environments: how they are set up, and how staging and production come to serve.

Development is deployed by Vercel itself, at each push to main. The environments that are staged were until now: they
serve what was pushed first. From then on nobody but whoever promotes deploys to them, or migrates their databases.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ci.rehearsal.arriving import answers, deployed, order
from ci.rehearsal.tenancy import API, APPS, DEVELOPMENT, ENVIRONMENTS, WEB, configuration, project

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ci.rehearsal.tenancy import App, Environment, Making
    from ci.rehearsal.vercel import Project, Vercel

# Development's projects are asked about each branch, and have no use for those that are promoted, or promoted from.
IGNORING = 'case "$VERCEL_GIT_COMMIT_REF" in staging|prod|shipway/*) exit 0 ;; *) exit 1 ;; esac'


class Houses:
    """All of them, with the `apps`' addresses and what the API is `told`, each by environment.

    `urls` are those of the databases, by environment, `preview` is that of development's previews.
    """

    def __init__(self, making: Making, vercel: Vercel, repository: str, urls: Mapping[str, str], preview: str) -> None:
        """Have none yet."""
        self.apps: dict[str, dict[str, str]] = {}
        self.told: dict[str, dict[str, str]] = {}
        self._making = making
        self._vercel = vercel
        self._repository = repository
        self._urls = urls
        self._preview = preview

    async def set_up(self, *, staged: Collection[Environment] = ()) -> None:
        """Set all projects up; of those that are `staged` as they are before a promotion, if they never served yet."""
        for environment in ENVIRONMENTS:
            at = self.apps[environment.name] = {}
            for app in APPS:
                made = await self._vercel.add(project(app, environment, self._repository, migrating=False))
                at[app.name] = f"http://{made['domains'][0]}"
            self.told[environment.name] = await configuration(
                self._making, environment, api=at[API.name], web=at[WEB.name]
            )
            by_itself = environment is DEVELOPMENT
            beforehand = environment in staged and self._is_to_come(environment)
            for app in APPS:
                await self._vercel.add(self._project(app, environment, migrating=by_itself or beforehand))
                name = app.project(environment)
                self._vercel.set_project(name, creating="enabled" if by_itself else "disabled")
                if staged and by_itself:
                    self._vercel.set_project(name, ignoring=IGNORING)
                elif staged:
                    self._vercel.set_project(name, auto_assign=beforehand)

    async def stage(self, environment: Environment, commit: str) -> None:
        """Have an environment serve a commit with its database migrated, if it never served. Raises ToolError."""
        if not self._is_to_come(environment):
            return
        names = [app.project(environment) for app in APPS]
        at, token = self._making.addresses["vercel"], self._making.secret("vercel")
        for name in names:
            await order(self._vercel, at, token, name, branch=environment.branch, commit=commit)
        for name in names:
            await deployed(self._vercel, name, commit)
        for app in APPS:
            await self._vercel.add(self._project(app, environment, migrating=False))
            self._vercel.set_project(app.project(environment), auto_assign=False)
        await answers(f"{self.apps[environment.name][WEB.name]}/health")

    def _is_to_come(self, environment: Environment) -> bool:
        """Whether it never served."""
        found = [self._vercel.account.project(app.project(environment)) for app in APPS]
        return any(each is None or each["production"] is None for each in found)

    def _project(self, app: App, environment: Environment, *, migrating: bool) -> Project:
        """Return a project with the variables that a person sets there."""
        at, told = self.apps[environment.name], self.told[environment.name]
        databases = {"production": self._urls[environment.name]}
        if environment is DEVELOPMENT:
            databases["preview"] = self._preview
        given = {
            target: {**told, "DATABASE_URL": url} if app is API else {"API_URL": at[API.name]}
            for target, url in databases.items()
        }
        return replace(project(app, environment, self._repository, migrating=migrating), variables=given)

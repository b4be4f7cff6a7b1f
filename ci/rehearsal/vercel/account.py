"""What the stand-in knows of projects and deployments, and the switches that it has before the domains."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ci.rehearsal import ports
from ci.rehearsal.switch import Switch, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.rehearsal.memory import Memory

Document = dict[str, Any]
PRODUCTION, PREVIEW = "production", "preview"
EVERYWHERE = "prod_deployment_urls_and_all_previews"  # but at the production domains
LIVE = frozenset({"QUEUED", "INITIALIZING", "BUILDING"})


@dataclass(frozen=True, kw_only=True)
class Project:
    """What a person would set up at Vercel for one app.

    `repository` is what git clones, `root` the app's directory in it. `build` is run there after the install, `start`
    is what serves the app: it listens on PORT. `variables` are those of "production" and of "preview". Each of `ports`
    is a production domain, as 127.0.0.1:PORT; 0 is a free one.
    """

    name: str
    repository: str
    repo_id: int = 1
    production_branch: str = "main"
    root: str = "."
    build: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    variables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ports: tuple[int, ...] = (0,)


class Account:
    """Documents by id: what is read is a copy. `plan` is hobby, pro or enterprise.

    `reach` says where a deployment is reached, `pushes` what was last seen of each branch. `takes_variables`: an order
    may give a deployment variables of its own, which the published API does not have.
    """

    def __init__(self, memory: Memory, *, plan: str, reach: Callable[[str], Target]) -> None:
        """Know what it knew before."""
        self.plan = plan
        self.reach = reach
        self.takes_variables = True
        self.pushes = memory.shelf("pushes")
        self.projects = memory.shelf("projects")
        self.deployments = memory.shelf("deployments")
        self.aliases = memory.shelf("aliases")  # of the domains, by name
        self.logs = memory.shelf("logs")
        self.switches: dict[str, Switch] = {}
        self._latest = 0

    def now(self) -> int:
        """Return the moment in milliseconds, no two of which are the same."""
        self._latest = max(int(time.time() * 1000), self._latest + 1)
        return self._latest

    def add(self, project: Project) -> Document:
        """Set up a project, or change one of this name."""
        before = self.project(project.name)
        domains = before["domains"] if before else self._domains(project)
        document = {
            "auto_assign": True,
            "creating": "enabled",
            "production": None,
            "request": None,
            "earlier": None,
            "shown": 0,
            "statuses": [],
            "failing": [],
            "rolling": None,
            "ignoring": None,
            "exposing": True,
            "login": None,
            "password": None,
            "id": f"prj_{uuid.uuid4().hex[:24]}",
            "created": self.now(),
            **(before or {}),
            "name": project.name,
            "repository": project.repository,
            "repo_id": project.repo_id,
            "branch": project.production_branch,
            "root": project.root,
            "build": list(project.build),
            "start": list(project.start),
            "variables": {target: dict(values) for target, values in project.variables.items()},
            "domains": domains,
        }
        self.projects[document["id"]] = document
        for domain in domains:
            self._lead(domain)
        return document

    def open_switches(self) -> dict[str, Switch]:
        """Return the switches of all domains, which lead where they led before."""
        for document in self.projects.values():
            for domain in document["domains"]:
                self._lead(domain)
        return self.switches

    def project(self, name: str) -> Document | None:
        """Return a project by its id or name."""
        found = (each for each in self.projects.values() if name in {each["id"], each["name"]})
        return next(found, None)

    def deployment(self, name: str) -> Document | None:
        """Return a deployment by its id or address."""
        if name in self.deployments:
            return dict(self.deployments[name])
        return next((each for each in self.deployments.values() if each["url"] == name), None)

    def of(self, project: Document) -> list[Document]:
        """Return a project's deployments, the newest first."""
        found = [each for each in self.deployments.values() if each["project"] == project["id"]]
        return sorted(found, key=lambda each: each["created"], reverse=True)

    def change(self, deployment: str, **fields: Any) -> Document:
        """Change a deployment."""
        self.deployments[deployment] = {**self.deployments[deployment], **fields}
        return dict(self.deployments[deployment])

    def change_project(self, project: str, **fields: Any) -> Document:
        """Change a project, by its id."""
        self.projects[project] = {**self.projects[project], **fields}
        return dict(self.projects[project])

    def lead(self, domain: str, deployment: Document) -> None:
        """Have a domain lead to a deployment from its next request on."""
        before = self.aliases.get(domain, {"uid": uuid.uuid4().hex, "created": self.now()})
        self.aliases[domain] = {**before, "deployment": deployment["id"], "project": deployment["project"]}
        self._lead(domain)

    def is_candidate(self, deployment: Document) -> bool:
        """Whether Vercel would roll back to it: it has served production, and is still there."""
        project = self.projects[deployment["project"]]
        kept = deployment["served"] and not deployment["removed"] and deployment["state"] == "READY"
        return bool(kept) and project["production"] != deployment["id"]

    def admits(self, deployment: str, shown: bytes) -> bool:
        """Whether a deployment's own address lets in who shows this secret."""
        found = self.deployments[deployment]
        project = self.projects[found["project"]]
        protected = protection(project)
        if protected is None or (protected == PREVIEW and found["target"] is not None):
            return True
        return project["password"] is not None and secrets.compare_digest(shown, project["password"].encode())

    def free_port(self) -> int:
        """Return a port that no deployment and no domain has or had: an address never leads to something else."""
        taken = {each["port"] for each in self.deployments.values()}
        return ports.keep(taken | {_port(name) for each in self.projects.values() for name in each["domains"]})

    def _domains(self, project: Project) -> list[str]:
        found: list[int] = []
        for port in project.ports:
            found.append(port or next(free for free in iter(self.free_port, None) if free not in found))
        return [f"127.0.0.1:{port}" for port in found]

    def _lead(self, domain: str) -> None:
        switch = self.switches.setdefault(domain, Switch(port=_port(domain)))
        alias = self.aliases.get(domain)
        found = self.deployment(alias["deployment"]) if alias else None
        switch.move(self.reach(found["id"]) if found else None)


def protection(project: Document) -> str | None:
    """Return which addresses let in those alone who show who they are, in Vercel's words; None where all are open.

    https://vercel.com/docs/deployment-protection. Here the production domains are always open.
    """
    everywhere = EVERYWHERE if project["password"] is not None else None
    return project["login"] or everywhere


def _port(domain: str) -> int:
    return int(domain.rpartition(":")[2])

"""The settings of shipway.toml as frozen values: what can be set, what it means, what stands when it is not set.

stages.py        the seven stages
environments.py  apps, environments and the services that they have
smoke.py         the probes of what is about to serve or serves
notify.py        who is told of incidents, and how
promotion.py     what a promotion asks of a candidate beside the stages
watch.py         how production is watched after that
diagnosis.py     who looks for the cause of a failure, and how far a fix may go
tables.py        what all tables have in common

Every description here is the text that docs/configuration.md gives, and what an editor shows through the schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import Field, model_validator

from ci.fields import Outside, Reference, complaint
from ci.settings.diagnosis import Diagnosis
from ci.settings.environments import App, Environment, Environments, GitHub
from ci.settings.promotion import Benchmarks, Extraction, Migrations, Promotion
from ci.settings.smoke import Smoke, Smoking
from ci.settings.stages import Stages
from ci.settings.tables import Table
from ci.settings.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator


class Run(Table):
    """How a run goes about its checks."""

    slots: Annotated[int, Field(ge=0, le=256)] = Field(
        default=0, description="How many checks run side by side; 0: as many as the machine has room for."
    )
    outside: tuple[Outside, ...] = Field(
        default=(), description="Files outside the workspace, within the git repository, that checks need, as globs."
    )


class Containers(Table):
    """Where images come from and packages are kept, where checks run on Dagger."""

    mirror: str | None = Field(
        default=None,
        pattern=r"^[^\s/]+(/[^\s/]+)*$",
        description="A registry, with a path where it has one, that stands in for the images' own registries, "
        "as registry.example.com/hub. The variable SHIPWAY_MIRROR goes before it.",
    )
    volume: str = Field(
        default="shipway-pnpm-store",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="The engine's cache volume for pnpm's packages. Another name begins with an empty one.",
    )


class Journal(Table):
    """Where Shipway remembers what it did: by itself, in a file on this machine."""

    url: Reference | None = Field(
        default=None,
        description="The URL of a Postgres that several machines share, by reference; a CI host needs one to promote.",
    )


class Settings(Table):
    """All of shipway.toml."""

    stages: Stages = Field(default_factory=Stages, description="The seven stages.")
    github: GitHub | None = Field(
        default=None, description="Where the repository is, with its pull requests and issues."
    )
    apps: tuple[App, ...] = Field(default=(), description="The apps that are deployed, each by itself.")
    environments: Environments = Field(
        default_factory=Environments, description="What the environments have at outside services."
    )
    smoke: tuple[Smoke, ...] = Field(default=(), description="What is asked of what is about to serve or serves.")
    promotion: Promotion = Field(default_factory=Promotion, description="How long things may be, and must be.")
    migrations: Migrations | None = Field(
        default=None, description="How an environment's own database is migrated; without it, it never is."
    )
    benchmarks: Benchmarks | None = Field(default=None, description="Routes that must not get slower.")
    extraction: Extraction | None = Field(default=None, description="The product's AI, asked to read sample documents.")
    watch: Watch = Field(
        default_factory=Watch,
        description="How production is watched once users are moved to a release, and what says that it is bad.",
    )
    diagnosis: Diagnosis = Field(
        default_factory=Diagnosis,
        description="Who looks for the cause of a failure, how far a fix may go, and what all of it may cost.",
    )
    journal: Journal = Field(default_factory=Journal, description="Where Shipway remembers what it did.")
    run: Run = Field(default_factory=Run, description="How a run goes about its checks.")
    containers: Containers = Field(default_factory=Containers, description="The images that checks run in on Dagger.")

    @model_validator(mode="after")
    def _apps_are_known(self) -> Self:
        known: set[str] = set()
        for place, app in enumerate(self.apps):
            if app.name in known:
                raise complaint("there is an app of this name before it", at=("apps", place, "name"))
            if unknown := sorted(set(app.needs) - known):
                raise complaint(f"no app {unknown[0]} stands before this one", at=("apps", place, "needs"))
            known.add(app.name)
        for at, names in self._named():
            if unknown := sorted(names - known):
                raise complaint(f"there is no app {unknown[0]}", "each has a table [[apps]]", at=at)
        return self

    @model_validator(mode="after")
    def _issues_have_a_repository(self) -> Self:
        for name, environment in self.environments:
            if environment.notify.issues == "github" and self.github is None:
                at = ("environments", name, "notify", "issues")
                raise complaint("no repository at GitHub is connected", "[github] names it", at=at)
        return self

    @model_validator(mode="after")
    def _probes_are_known(self) -> Self:
        apps = {app.name for app in self.apps}
        known: set[str] = set()
        for place, probe in enumerate(self.smoke):
            if probe.name in known:
                raise complaint("there is a probe of this name before it", at=("smoke", place, "name"))
            if probe.app is not None and probe.app not in apps:
                hint = "each has a table [[apps]]"
                raise complaint(f"there is no app {probe.app}", hint, at=("smoke", place, "app"))
            known.add(probe.name)
        for name, environment in self.environments:
            at = ("environments", name, "smoke")
            if environment.smoke is None:
                continue
            if unknown := sorted(set(environment.smoke.without) - known):
                hint = "each has a table [[smoke]]"
                raise complaint(f"there is no probe {unknown[0]}", hint, at=(*at, "without", unknown[0]))
            if lacking := list(self.lacking(name)):
                raise complaint(lacking[0], at=at)
        return self

    def lacking(self, environment: str) -> Iterator[str]:
        """Yield what an environment has to say for the probes that are made in it, and does not."""
        made: Environment = getattr(self.environments, environment)
        more = made.smoke or Smoking()
        asked = (("[benchmarks]", self.benchmarks), ("[extraction]", self.extraction))
        watched = (("[watch]", self.watch),) if environment == "production" else ()
        for where, each in (*asked, *watched):
            if each is not None and more.secrets:  # an environment without any is not promoted to
                for name in sorted(each.secrets - set(more.secrets)):
                    yield f"`secrets` lacks {name}, which {where} names"
                for name in sorted(each.services - set(more.services)):
                    yield f"`services` lacks {name}, which {where} asks"
        for probe in self.smoke:
            if probe.name in more.without:
                continue
            for name in sorted(probe.secrets - set(more.secrets)):
                yield f"`secrets` lacks {name}, which the probe {probe.name} names"
            for name in sorted(probe.services - set(more.services)):
                yield f"`services` lacks {name}, which the probe {probe.name} asks"

    def _named(self) -> Iterator[tuple[tuple[str, ...], set[str]]]:
        """Yield where apps are named, and which."""
        for name, environment in self.environments:
            yield ("environments", name, "addresses"), set(environment.addresses)
            if environment.vercel is not None:
                yield ("environments", name, "vercel", "projects"), set(environment.vercel.projects)
        if self.stages.e2e.tier2 is not None:
            yield ("stages", "e2e", "tier2", "app"), {self.stages.e2e.tier2.app}
        for at, each in (("benchmarks", self.benchmarks), ("extraction", self.extraction)):
            if each is not None:
                yield (at, "app"), {each.app}
        yield ("watch",), set(self.watch.apps)

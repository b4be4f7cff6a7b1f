"""[github], [[apps]] and [environments]: what there is to promote, from where to where, and by whose help."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from ci.fields import Command, Duration, Inside, Page, Reference, Secrets, Text, Variables, Vendor, complaint, frozen
from ci.settings.notify import Notify
from ci.settings.smoke import Smoking
from ci.settings.tables import Table, nothing, refuse_twice

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
Texts = Annotated[Mapping[Name, Text], AfterValidator(frozen)]
Addresses = Annotated[Mapping[Name, Vendor], AfterValidator(frozen)]


class Serves(Table):
    """How an app is asked which commit it serves."""

    path: Page = Field(description="The path of an answer in JSON.")
    commit: Text = Field(default="commit", description="The name of the commit in it.")


class App(Table):
    """One that is deployed by itself. Apps stand in the order in which they are deployed."""

    name: Name = Field(description="What it is called here.")
    path: Inside = Field(description="The directory of its package.")
    needs: tuple[Name, ...] = Field(default=(), description="Apps whose addresses it is given; they stand before it.")
    serves: Serves | None = Field(
        default=None, description="How it is asked which commit it serves; without it, the platform's word counts."
    )
    variables: Variables = Field(
        default_factory=nothing,
        description="Variables of each of its deployments; `{api}` is the address of the app `api` in that release.",
    )


class GitHub(Table):
    """Where the repository is, with its pull requests and issues."""

    repository: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$")] = Field(description="As owner/name.")
    token: Reference = Field(
        description="A token that may write contents, pull requests, issues, statuses and deployments, by reference."
    )
    login: Text | None = Field(
        default=None, description="Whom the token speaks for, where it is an app's: such a token cannot tell."
    )
    address: Vendor = Field(default="https://api.github.com", description="Where its API is, for a stand-in of it.")


class Neon(Table):
    """A project at Neon, where an environment has its database."""

    project: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}$")] = Field(description="The project's id.")
    token: Reference = Field(description="An API key that may make and delete branches of it, by reference.")
    database: Text = Field(default="neondb", description="The name of the database.")
    role: Text = Field(default="neondb_owner", description="The role that owns it: it migrates, and makes roles.")
    parent: Text | None = Field(
        default=None,
        description="The branch that others are made of, by name or id; without it, the default one.",
    )
    address: Vendor = Field(
        default="https://console.neon.tech/api/v2", description="Where Neon's API is, for a stand-in of it."
    )


class Vercel(Table):
    """The projects of an environment at Vercel."""

    token: Reference = Field(description="A token of the team, by reference.")
    team: Text | None = Field(default=None, description="The team's id; without it, the token's own account.")
    projects: Texts = Field(description="The project of each app, by id or name.")
    address: Vendor = Field(default="https://api.vercel.com", description="Where its API is, for a stand-in of it.")


class Commands(Table):
    """Any other platform, by commands of your own."""

    deploy: Command = Field(description="Puts a commit of an app at an address of its own.")
    status: Command = Field(description="Tells what is there.")
    switch: Command = Field(description="Has users get a deployment.")
    rollback: Command = Field(description="Has users get an earlier deployment again.")
    log: Command | None = Field(default=None, description="Prints the lines of a build.")
    secrets: Secrets = Field(default_factory=nothing, description="Secrets that all of them get, by reference.")
    timeout: Duration = Field(default=60.0, description="The longest that one of them may take.")


class Stripe(Table):
    """The account and mode by which an environment is paid."""

    key: Reference = Field(description="A key that may read the balance, by reference.")
    address: Vendor = Field(default="https://api.stripe.com", description="Where its API is, for a stand-in of it.")


class Configured(Table):
    """What the apps of an environment are configured with, as far as no two environments may share it."""

    auth: Text | None = Field(default=None, description="The issuer of its sessions: an address.")
    webhooks: Secrets = Field(
        default_factory=nothing, description="The secrets of its webhooks by names of yours, by reference."
    )
    ai: Reference | None = Field(default=None, description="The key for its model, by reference.")
    database: Reference | None = Field(
        default=None, description="The URL of its database, by reference; with Neon connected it is known."
    )
    health: Page | None = Field(
        default=None, description="Where the first app answers, for a nonce, with fingerprints of what it uses."
    )


class Sentry(Table):
    """Where an environment's errors are filed."""

    token: Reference = Field(description="A token that may read issues and events, by reference.")
    organization: Text = Field(description="The organization's slug.")
    projects: tuple[Text, ...] = Field(min_length=1, description="The projects of the apps, by their slugs.")
    environment: Text | None = Field(
        default=None, description="What the apps call the environment there; without it, as it is called here."
    )
    dsn: Reference | None = Field(
        default=None,
        description="Where one of the apps sends its errors, by reference: a test event is sent there, to see that it "
        "comes back.",
    )
    address: Vendor = Field(default="https://sentry.io", description="Where its API is, for a stand-in of it.")


class Tests(Table):
    """What stages 5 and 6 get besides where they are run for an environment, before it is promoted to."""

    variables: Variables = Field(default_factory=nothing, description="Variables of the tests.")
    secrets: Secrets = Field(default_factory=nothing, description="Variables that are secrets, each by reference.")

    @model_validator(mode="after")
    def _names_are_given_once(self) -> Self:
        refuse_twice(variables=self.variables, secrets=self.secrets)
        return self


class Environment(Table):
    """One of the three."""

    branch: Text = Field(default="main", description="The branch that it serves.")
    addresses: Addresses = Field(default_factory=nothing, description="Where users reach each app, by its name.")
    neon: Neon | None = Field(default=None, description="Where its database is.")
    vercel: Vercel | None = Field(default=None, description="Where its apps are served, at Vercel.")
    commands: Commands | None = Field(default=None, description="Where its apps are served, anywhere else.")
    stripe: Stripe | None = Field(default=None, description="By which account it is paid.")
    configured: Configured | None = Field(default=None, description="What no two environments may share.")
    sentry: Sentry | None = Field(default=None, description="Where its errors are filed.")
    tests: Tests = Field(default_factory=Tests, description="What stages 5 and 6 get besides, for it.")
    smoke: Smoking | None = Field(default=None, description="What it adds to the probes.")
    notify: Notify = Field(default_factory=Notify, description="Who is told of incidents there, and how.")

    @model_validator(mode="after")
    def _one_platform(self) -> Self:
        if self.vercel is not None and self.commands is not None:
            raise complaint("expected one platform: `vercel` or `commands`")
        return self


class Development(Environment):
    """The environment of main. Its Neon is also where stage 5 takes its databases from."""


class Staging(Environment):
    """The environment in which the team uses the product first."""

    branch: Text = Field(default="staging", description="The branch that it serves.")


class Production(Environment):
    """The environment of users."""

    branch: Text = Field(default="prod", description="The branch that it serves.")


class Environments(Table):
    """What the environments have at outside services."""

    development: Development = Field(default_factory=Development, description="The environment of main.")
    staging: Staging = Field(
        default_factory=Staging, description="The environment in which the team uses the product first."
    )
    production: Production = Field(default_factory=Production, description="The environment of users.")

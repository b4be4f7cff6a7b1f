"""[stages]: what the seven stages cannot read off the repository."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ci.fields import (
    Advisory,
    Command,
    Databases,
    Day,
    Duration,
    Globs,
    Inside,
    Page,
    Port,
    Reasons,
    Score,
    Secrets,
    SetTenant,
    Size,
    Text,
    Variable,
    Variables,
)
from ci.settings.tables import Table, nothing, refuse_twice

BUNDLED = ("**/*.{js,mjs,css}",)
"""What an app sends to a browser, as globs below the directory of its build."""


class _Stage(Table):
    timeout: Duration = Field(default=300.0, description="The longest that one step may take; it is ended then.")
    allow_empty: bool = Field(
        default=False, description="Whether a promotion accepts that this stage finds nothing to run."
    )


class Waiver(Table):
    """An advisory that is accepted for a time."""

    advisory: Advisory = Field(description="Its GHSA or CVE name.")
    until: Day = Field(description="The last day on which the waiver counts, as a date without quotes.")
    reason: Text = Field(description="Why it can wait; shown in every report.")


class Install(_Stage):
    """Stage 1: pnpm install and the dependency audit."""

    audit_level: Literal["low", "moderate", "high", "critical"] = Field(
        default="high", description="The audit fails on an advisory of this severity and above."
    )
    not_checked: Literal["warn", "fail"] = Field(
        default="warn", description="What it means for a run when the advisory service gives no answer."
    )
    waivers: tuple[Waiver, ...] = Field(default=(), description="Advisories that are accepted for a time.")


class ForbiddenImport(Table):
    """Files that must not import others."""

    from_: Globs = Field(alias="from", min_length=1, description="The files that must not import (a glob or several).")
    to: Globs = Field(min_length=1, description="What they must not import (a glob or several).")
    why: Text = Field(description="The reason; shown with every violation.")


class Lint(_Stage):
    """Stage 2: linters, formatting, import restrictions."""

    forbidden_imports: tuple[ForbiddenImport, ...] = Field(
        default=(), description="Imports across the parts of the repository that are not allowed."
    )


class Typecheck(_Stage):
    """Stage 3: TypeScript."""

    strict: Literal["warn", "require"] = Field(
        default="warn", description="Whether a package that is not in strict mode is a warning or a failure."
    )
    strict_exceptions: tuple[Inside, ...] = Field(
        default=(), description="Directories of packages that need not be strict yet."
    )


class Unit(_Stage):
    """Stage 4: unit tests."""

    projects: tuple[Text, ...] = Field(
        default=(), description="The Vitest projects that hold unit tests; none: found by reading."
    )
    coverage: bool = Field(default=False, description="Whether coverage is measured.")


class RowLevelSecurity(Table):
    """How tenants are kept apart in the database."""

    role: Text = Field(description="The role as which the application connects.")
    tenant_column: Text = Field(default="tenant_id", description="The column that names a row's tenant.")
    set_tenant: SetTenant = Field(description="The statement that sets the tenant, which it takes as :tenant.")
    seed: Inside | None = Field(
        default=None, description="A SQL file that makes rows of two tenants; without it they are generated."
    )
    tenants: tuple[Text, Text] | None = Field(
        default=None, description="The two tenants of the seed; without it the first two that it makes."
    )
    exempt: Reasons = Field(
        default_factory=nothing,
        description="Tables that need no policy, and views, functions and roles that may look past them, each with "
        "the reason.",
    )


class Integration(_Stage):
    """Stage 5: tests on a real Postgres, row-level security."""

    migrate: Command | None = Field(
        default=None, description="The command that migrates an empty database; without it, found by reading."
    )
    projects: tuple[Text, ...] = Field(
        default=(), description="The Vitest projects that hold integration tests; none: found by reading."
    )
    require: tuple[Text, ...] = Field(
        default=(),
        description="Names of suites of which at least one test must have run; each is looked for in whole words.",
    )
    env: Variables = Field(default_factory=nothing, description="Variables that the tests and the migration get.")
    secrets: Secrets = Field(
        default_factory=nothing, description="Variables whose values are secrets, each by reference."
    )
    database_variables: Databases = Field(
        default_factory=nothing,
        description="Further names for the database's URL, each of its `owner` or of the application's `role`.",
    )
    rls: RowLevelSecurity | None = Field(
        default=None, description="How tenants are kept apart; without it row-level security is not verified."
    )

    @model_validator(mode="after")
    def _names_are_given_once(self) -> Self:
        refuse_twice(env=self.env, secrets=self.secrets, database_variables=self.database_variables)
        return self


class Tier2(Table):
    """Tier 2: the tests that a promotion runs at a candidate's own address."""

    app: Text = Field(description="The app at whose address they begin, by its name in [[apps]].")
    address: Variable = Field(default="BASE_URL", description="The variable in which they get that address.")
    tags: tuple[Text, ...] = Field(default=("@tier2",), description="Tests with any of these tags are tier 2.")
    require: tuple[Text, ...] = Field(
        default=(),
        description="Names of suites of which at least one test must have run; each is looked for in whole words.",
    )


class E2e(_Stage):
    """Stage 6: Playwright."""

    timeout: Duration = Field(default=600.0, description="The longest that one step may take; it is ended then.")
    tags: tuple[Text, ...] = Field(
        default=("@tier1", "@critical"), description="Tests with any of these tags are tier 1."
    )
    database: bool = Field(default=False, description="Whether a Postgres runs beside the tests, migrated.")
    migrate: Command | None = Field(
        default=None, description="The command that migrates it; without it, that of the integration stage."
    )
    env: Variables = Field(default_factory=nothing, description="Variables that the tests and the apps get.")
    secrets: Secrets = Field(
        default_factory=nothing, description="Variables whose values are secrets, each by reference."
    )
    build: Command | None = Field(default=None, description="The command that builds the apps before the tests.")
    outputs: Globs = Field(default=(), description="What that build makes, as globs; none: found by reading.")
    tier2: Tier2 | None = Field(default=None, description="The tests that a promotion runs at a candidate's address.")

    @model_validator(mode="after")
    def _names_are_given_once(self) -> Self:
        refuse_twice(env=self.env, secrets=self.secrets)
        return self


class Bundle(Table):
    """A budget for what an app sends to a browser."""

    app: Inside = Field(description="The app's directory.")
    directory: Inside | None = Field(
        default=None, description="Where the build puts its files; without it, found by reading."
    )
    files: Globs = Field(default=BUNDLED, description="Which of them count, as globs below that directory.")
    raw: Size | None = Field(default=None, description="The most that they may weigh together, as they are.")
    gzip: Size | None = Field(default=None, description="The most together, compressed by gzip.")
    brotli: Size | None = Field(default=None, description="The most together, compressed by brotli.")
    chunk_gzip: Size | None = Field(default=None, description="The most that any one file may weigh by gzip.")


class Lighthouse(Table):
    """Scores that the pages of an app must reach."""

    app: Inside = Field(description="The app's directory.")
    pages: tuple[Page, ...] = Field(default=("/",), min_length=1, description="The pages to look at, as paths.")
    performance: Score | None = Field(default=None, description="The lowest score allowed, from 0 to 1.")
    accessibility: Score | None = Field(default=None, description="The lowest score allowed, from 0 to 1.")
    best_practices: Score | None = Field(default=None, description="The lowest score allowed, from 0 to 1.")
    seo: Score | None = Field(default=None, description="The lowest score allowed, from 0 to 1.")
    serve: Command | None = Field(
        default=None, description="The command that serves the built app; without it, found by reading."
    )
    port: Port | None = Field(default=None, description="The port on which that command serves.")
    database: bool = Field(default=False, description="Whether the app needs a Postgres beside it, migrated.")
    env: Variables = Field(default_factory=nothing, description="Variables that the app gets.")


class Audit(_Stage):
    """Stage 7: dependency audit, bundle sizes, Lighthouse."""

    build: Command | None = Field(
        default=None, description="The command that builds the apps for production; without it, found by reading."
    )
    bundles: tuple[Bundle, ...] = Field(default=(), description="Budgets for bundle sizes.")
    lighthouse: tuple[Lighthouse, ...] = Field(default=(), description="Budgets for Lighthouse scores.")


class Stages(Table):
    """The seven."""

    install: Install = Field(default_factory=Install, description="Stage 1: pnpm install and the dependency audit.")
    lint: Lint = Field(default_factory=Lint, description="Stage 2: linters, formatting, import restrictions.")
    typecheck: Typecheck = Field(default_factory=Typecheck, description="Stage 3: TypeScript.")
    unit: Unit = Field(default_factory=Unit, description="Stage 4: unit tests.")
    integration: Integration = Field(
        default_factory=Integration, description="Stage 5: tests on a real Postgres, row-level security."
    )
    e2e: E2e = Field(default_factory=E2e, description="Stage 6: Playwright.")
    audit: Audit = Field(default_factory=Audit, description="Stage 7: dependency audit, bundle sizes, Lighthouse.")

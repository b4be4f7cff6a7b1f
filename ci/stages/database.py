"""A Postgres beside a check, and the command that migrates it."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.model import Execution, Failure, Network, Service, Status, Step, StepRun, Verdict
from ci.monorepo.invocation import checking
from ci.monorepo.scripts import invocations
from ci.stages.judging import could_not_run, ended, local, tail
from ci.text import first_line
from ci.toolchains.versions import POSTGRES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.model import Toolchain
    from ci.monorepo.invocation import Invocation
    from ci.monorepo.workspace import Package, Workspace
    from ci.stages.context import Context

NAME = "app"
ROLE = "app"  # the application's role where no setting names it
SCRIPTS = (
    "db:migrate:deploy", "migrate:deploy", "db:migrate", "migrate", "db:deploy", "database:migrate",
    "prisma:migrate:deploy", "prisma:migrate", "drizzle:migrate", "db:migrate:up", "migrate:up", "migrations:run",
    "db:push",
)  # fmt: skip
# Commands of tools that ask questions or make migrations, and those that only apply what is there.
APPLYING: Mapping[tuple[str, ...], tuple[str, ...]] = {("prisma", "migrate", "dev"): ("prisma", "migrate", "deploy")}
# They would start a server of their own, or wait for it.
CONTAINERS = frozenset({"docker", "docker-compose", "podman", "wait-on", "sleep"})
OWNER_NAMES = ("DATABASE_URL", "POSTGRES_URL", "TEST_DATABASE_URL", "DATABASE_URL_UNPOOLED", "DIRECT_URL")
CREATES = re.compile(
    r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:UNLOGGED\s+)?(?:TABLE|(?:MATERIALIZED\s+)?VIEW|FUNCTION)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?P<name>(?:\"[^\"]+\"|\w+)(?:\.(?:\"[^\"]+\"|\w+))?)",
    re.IGNORECASE,
)
SQL_FILE = re.compile(r"(?P<path>[\w./@+-]+\.sql)\b(?::(?P<line>\d+))?")
MIGRATIONS = re.compile(r"(?:^|/)(?:migrations?|drizzle|migrate|schema|sql|supabase|db)/(?:.*/)?[^/]+\.sql$")
LARGEST = 1_000_000  # bytes of a migration that is looked into
# What Postgres itself says, else what the client that it said it to makes of it.
COMPLAINTS = (
    re.compile(r"(?m)\bERROR: +(?P<said>\S.*)$"),
    re.compile(r"(?m)^\s*\w*[eE]rror(?: \[?\w+\]?)?: +(?P<said>\S.*)$"),
)


@dataclass(frozen=True, kw_only=True)
class Migration:
    """The steps that migrate an empty database, none where nothing says how, and why these."""

    steps: tuple[Step, ...]
    why: str


def service(context: Context) -> Service:
    """Return a server with one database, `app`.

    The tests get its address as its owner in DATABASE_URL and other usual names, and in libpq's own PG*; the
    application's role, which owns nothing and bypasses nothing, connects by APP_DATABASE_URL.
    """
    role = _role(context)
    owner, application = (f"postgres://{name}:{{password}}@{{host}}:{{port}}/{NAME}" for name in ("postgres", role))
    names = _names(context, owner=owner, application=application)
    return Service(
        name="postgres",
        environment={**names, "PGUSER": "postgres", "PGDATABASE": NAME},
        roles=(role,),
        database=NAME,
    )


def service_of(context: Context) -> Service:
    """Return what the integration stage has for a database: a branch where Neon is connected, else a server.

    The names are the same for both. A branch's hold more: whether the connection is encrypted.
    """
    neon = context.settings.environments.development.neon
    if neon is None:
        return service(context)
    own = {"PGUSER": "{user}", "PGDATABASE": "{database}"}
    more = {"PGSSLMODE": "{sslmode}", "PGCHANNELBINDING": "{channel_binding}"}
    return Service(
        name="neon",
        environment={**_names(context, owner="{owner}", application="{application}"), **own, **more},
        roles=(_role(context),),
        database=neon.database,
        origin=f"{neon.parent or 'the default branch'} of {neon.project} as {neon.role} at {neon.address}",
    )


def _role(context: Context) -> str:
    settings = context.settings.stages.integration
    return settings.rls.role if settings.rls is not None else ROLE


def _names(context: Context, *, owner: str, application: str) -> dict[str, str]:
    variables = context.settings.stages.integration.database_variables
    return {
        **dict.fromkeys(OWNER_NAMES, owner),
        "APP_DATABASE_URL": application,
        "PGHOST": "{host}",
        "PGPORT": "{port}",
        "PGPASSWORD": "{password}",
        **{name: owner if whose == "owner" else application for name, whose in variables.items()},
    }


def toolchain(context: Context, **tools: str) -> Toolchain:
    """Return the tools of a check of the integration stage."""
    if service_of(context).name == "neon":
        return context.toolchain(**tools)
    return context.toolchain("postgres", postgres=POSTGRES, **tools)


def network(context: Context) -> Network:
    """Return what such a check must reach: a branch is elsewhere."""
    return Network.OUTSIDE if service_of(context).name == "neon" else Network.LOOPBACK


def with_ours(environment: Mapping[str, str], ours: Service) -> Mapping[str, str]:
    """Return what a script sets without the addresses of other databases: none of them is here."""
    return {name: value for name, value in environment.items() if name not in ours.environment}


def migration(context: Context, *, own: tuple[str, ...] | None = None) -> tuple[Step, ...]:
    """Return the steps that migrate it: `own`, those of the integration stage, or what is found by reading."""
    return find_migration(context, own=own).steps


def find_migration(context: Context, *, own: tuple[str, ...] | None = None) -> Migration:
    """Return how the database is migrated: by a setting, else a script that is called so, else Prisma or Drizzle."""
    settings = context.settings.stages.integration
    workspace, timeout, ours = context.workspace, settings.timeout, service_of(context)
    if context.migrated:
        return Migration(steps=(), why="the database is migrated already")
    if (command := own or settings.migrate) is not None:
        return Migration(steps=(Step(argv=command, timeout=timeout),), why="migrated as shipway.toml says")
    for package in workspace.packages:
        for name in SCRIPTS:
            if name in package.scripts:
                steps = tuple(
                    dataclasses.replace(step, timeout=timeout, environment=with_ours(step.environment, ours))
                    for step in _script(workspace, package, name)
                )
                return Migration(steps=steps, why=f"migrated by {package.within('package.json')} scripts.{name}")
    for package in workspace.packages:
        for npm, argv, sign in (
            ("prisma", ("prisma", "migrate", "deploy"), r"(?:.*/)?migrations/[^/]+/migration\.sql"),
            ("drizzle-kit", ("drizzle-kit", "migrate"), r"(?:.*/)?meta/_journal\.json"),
        ):
            if npm in package.dependencies and any(re.fullmatch(sign, file) for file in package.own):
                step = Step(argv=argv, cwd=package.path, timeout=timeout)
                return Migration(steps=(step,), why=f"migrated by {' '.join(argv)}: {package.path} has its migrations")
    left = "empty" if ours.name == "postgres" else "as its branch has it"
    return Migration(steps=(), why=f"no migration command is found, so the database is {left}")


def explain(step: StepRun, execution: Execution, *, scripts: tuple[str, ...]) -> Verdict:
    """Return the verdict on a migration that failed: with file and line where its output tells them.

    `scripts` are the workspace's SQL files, for most tools name no more than the end of a path.
    """
    if (verdict := could_not_run(execution)) is not None:
        return verdict
    output = local(step.output, execution)
    lines = [line for line in output.splitlines() if line.strip()]
    told = next((found["said"] for pattern in COMPLAINTS if (found := pattern.search(output))), None)
    said = first_line(told or (lines[-1] if lines else ended(step)))
    files = [found for found in SQL_FILE.finditer(output) if "node_modules" not in found["path"]]
    # Runners name each file that they begin with: the last one is it, unless a line is told.
    named = next((found for found in files if found["line"]), files[-1] if files else None)
    path = posixpath.normpath(named["path"]) if named else None
    ends = [script for script in scripts if path and f"/{script}".endswith(f"/{path}")]
    file = ends[0] if len(ends) == 1 or path in ends else None
    line = int(named["line"]) if named and named["line"] and file else None
    failure = Failure(message=f"migration failed: {said}", file=file, line=line, detail=tail(output))
    return Verdict(status=Status.FAILED, reason=failure.message, failures=(failure,))


def scripts(workspace: Workspace) -> tuple[str, ...]:
    """Return the workspace's SQL files."""
    return tuple(file for file in workspace.files if file.endswith(".sql"))


def unavailable(execution: Execution) -> Verdict | None:
    """Return the `error` verdict where Postgres did not start or ended early, else None."""
    for step in execution.steps:
        if step.background and step.argv[:1] == ("shipway-postgres",) and not step.succeeded:
            lines = [line for line in step.output.splitlines() if line.strip()]
            reason = first_line(lines[-1]).removeprefix("shipway-postgres: ") if lines else ended(step)
            return Verdict(
                status=Status.ERROR,
                reason=f"Postgres could not be had: {reason}",
                failures=(Failure(message=reason, detail=tail(step.output)),),
            )
    return None


def declarations(workspace: Workspace) -> dict[str, tuple[str, int]]:
    """Return where migrations create each table, view and function, by bare lower-case name: file and line."""
    found: dict[str, tuple[str, int]] = {}
    for file in workspace.files:
        if MIGRATIONS.search(file) is None or (workspace.root / file).stat().st_size > LARGEST:
            continue
        text = (workspace.root / file).read_text(encoding="utf-8", errors="replace")
        plain = re.sub(r"--[^\n]*", lambda comment: " " * len(comment.group()), text)
        for created in CREATES.finditer(plain):
            name = created["name"].rpartition(".")[2].strip('"').lower()
            found.setdefault(name, (file, text.count("\n", 0, created.start()) + 1))
    return found


def _script(workspace: Workspace, package: Package, name: str) -> Iterator[Step]:
    """The script's own commands where they can be read, so that a dialogue becomes what only applies."""
    every = tuple(each for each in invocations(workspace, package.path, name) if each.tool not in CONTAINERS)
    if not every or any(each.opaque or not each.decisive for each in every):
        yield Step(argv=("pnpm", "run", name), cwd=package.path)
        return
    for each in every:
        yield Step(argv=_applying(each), cwd=each.cwd, environment=each.environment)


def _applying(each: Invocation) -> tuple[str, ...]:
    argv = checking(each).argv
    applied = APPLYING.get(argv[:3])
    return argv if applied is None else applied + tuple(word for word in argv[3:] if word.startswith("--schema"))

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Execution, StepRun
from ci.stages import database

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.context import Context

    Workspace = Callable[..., Context]


SCRIPTS = ("db/2.sql", "db/migrations/3.sql", "other/5.sql", "db/5.sql")


def root(**manifest: Any) -> dict[str, Any]:
    return {"package.json": {"name": "root", **manifest}}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("prisma migrate dev --schema=db/schema.prisma", ("prisma", "migrate", "deploy", "--schema=db/schema.prisma")),
        ("docker compose up -d && node migrate.ts", ("node", "migrate.ts")),
        ("node migrate.ts > log.txt", ("pnpm", "run", "db:migrate")),
        ("node migrate.ts || true", ("pnpm", "run", "db:migrate")),
    ],
)
def test_a_script_migrates_in_the_form_that_only_applies(
    context: Workspace, script: str, expected: tuple[str, ...]
) -> None:
    (step,) = database.find_migration(context(root(scripts={"db:migrate": script}))).steps
    assert step.argv == expected


def test_a_script_of_a_package_is_found_behind_the_root(context: Workspace) -> None:
    files = {
        **root(scripts={"db:migrate": "pnpm --filter db migrate"}),
        "packages/db/package.json": {"name": "db", "scripts": {"migrate": "node src/migrate.ts"}},
    }
    (step,) = database.find_migration(context(files)).steps
    assert (step.argv, step.cwd) == (("node", "src/migrate.ts"), "packages/db")


def test_prisma_and_drizzle_are_known_by_their_migrations(context: Workspace) -> None:
    files = {
        "packages/db/package.json": {"name": "db", "devDependencies": {"prisma": "6.0.0"}},
        "packages/db/prisma/migrations/1_init/migration.sql": "create table a (id int);",
    }
    found = database.find_migration(context(files))
    assert (found.steps[0].argv, found.steps[0].cwd) == (("prisma", "migrate", "deploy"), "packages/db")


def test_another_database_that_a_script_names_is_not_ours(context: Workspace) -> None:
    script = "PGHOST=db DATABASE_URL=postgres://postgres:postgres@localhost/dev NODE_ENV=test prisma migrate deploy"
    (step,) = database.find_migration(context(root(scripts={"db:migrate": script}))).steps
    assert step.argv == ("prisma", "migrate", "deploy")
    assert step.environment == {"NODE_ENV": "test"}


def test_without_a_migration_it_says_so(context: Workspace) -> None:
    found = database.find_migration(context(root()))
    assert (found.steps, found.why) == ((), "no migration command is found, so the database is empty")


def test_a_setting_wins_and_a_check_may_have_one_of_its_own(context: Workspace) -> None:
    made = context(root(scripts={"db:migrate": "x"}), settings='[stages.integration]\nmigrate = "make db"\n')
    assert database.migration(made)[0].argv == ("make", "db")
    assert database.migration(made, own=("mine",))[0].argv == ("mine",)


def test_statements_are_found_where_they_stand(context: Workspace) -> None:
    files = {
        "packages/db/migrations/1.sql": '-- create table g ();\nCREATE TABLE IF NOT EXISTS public."Receipts" (\n);',
        "packages/db/migrations/2.sql": "create unlogged table a (x int);\ncreate or replace view v as select 1;\n",
        "docs/notes.sql": "create table elsewhere (x int);",
    }
    assert database.declarations(context(files).workspace) == {
        "receipts": ("packages/db/migrations/1.sql", 2),
        "a": ("packages/db/migrations/2.sql", 1),
        "v": ("packages/db/migrations/2.sql", 2),
    }


@pytest.mark.parametrize(
    ("output", "message", "file", "line"),
    [
        (
            'Error: P3018\n\nMigration name: 1_init\n\nDatabase error:\nERROR: type "citext" does not exist\n',
            'type "citext" does not exist',
            None,
            None,
        ),
        ("psql:migrations/3.sql:12: ERROR:  syntax error\n", "syntax error", "db/migrations/3.sql", 12),
        ("running 1.sql\nrunning 2.sql\nPostgresError: no such role\n", "no such role", "db/2.sql", None),
        ("error: twice there\n    at 5.sql:9\n", "twice there", None, None),
        ("error: no column\n    at node_modules/pg/lib/x.sql:3\n", "no column", None, None),
        ("", "exit code 1", None, None),
    ],
)
def test_a_failed_migration_is_told_with_its_place(
    output: str, message: str, file: str | None, line: int | None
) -> None:
    step = StepRun(argv=("psql",), cwd="db", seconds=1, exit_code=1, output=output)
    failure = database.explain(step, Execution(steps=(step,), root="/workspace"), scripts=SCRIPTS).failures[0]
    assert (failure.message, failure.file, failure.line) == (f"migration failed: {message}", file, line)

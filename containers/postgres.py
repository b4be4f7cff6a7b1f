"""A Postgres beside a check: a service with a healthcheck, one instance for each; and psycopg for who asks it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ci.toolchains.versions import POSTGRES
from containers.furniture import PSYCOPG
from containers.kitchen import CERTIFICATES

if TYPE_CHECKING:
    from dagger import Container, Service

    from containers.kitchen import Kitchen

ALIAS, PORT = "postgres", 5432
ROLES = "/docker-entrypoint-initdb.d/roles.sql"
LOCK = Path(__file__).with_name("psycopg.txt")
STARTS, ASKS = "docker-entrypoint.sh", "pg_isready"  # the commands that an error of the service names
PATIENCE = 60  # seconds to get ready in
# As the host's own: nothing of it outlives the check.
SETTINGS = {
    "listen_addresses": "*",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_messages": "warning",
}


def service(kitchen: Kitchen, *, instance: str, password: str, database: str, roles: tuple[str, ...]) -> Service:
    """Return a server of its own for `instance`: the engine shares those of the same definition.

    The owner is `postgres`; the roles may log in and are neither superusers nor above row-level security.
    """
    container = (
        kitchen.image("postgres", POSTGRES.partition(".")[0])
        .with_env_variable("POSTGRES_PASSWORD", password)
        .with_env_variable("POSTGRES_DB", database)
        .with_env_variable("POSTGRES_INITDB_ARGS", "--no-sync --encoding=UTF8 --locale=C.UTF-8")
        .with_env_variable("SHIPWAY_INSTANCE", instance)
        .with_new_file(ROLES, _creation(roles, database, password), permissions=0o644)
        .with_exposed_port(PORT)
        # While the image sets itself up, its server listens on a socket of the file system only.
        .with_docker_healthcheck(
            [ASKS, "--quiet", "--host=127.0.0.1", "--username=postgres", f"--dbname={database}"],
            interval="200ms",
            timeout="5s",
            start_period=f"{PATIENCE}s",
            start_interval="200ms",
            retries=10,
        )
    )
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return container.as_service(args=["postgres", *settings], use_entrypoint=True)


def _creation(roles: tuple[str, ...], database: str, password: str) -> str:
    """Return the statements that make the roles. Names come from settings, so they are quoted."""
    secret = password.replace("'", "''")
    lines = [f"CREATE ROLE {_name(role)} LOGIN PASSWORD '{secret}';" for role in roles]
    lines += [f"GRANT CONNECT ON DATABASE {_name(database)} TO {_name(role)};" for role in roles]
    return "\n".join((*lines, ""))


def _name(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def with_psycopg(kitchen: Kitchen, container: Container) -> Container:
    """Return the container with psycopg, by version and hash, for the Python that Debian's images have."""
    made = (
        kitchen.image("python")
        .with_env_variable("PIP_CERT", CERTIFICATES)
        .with_new_file("/psycopg.txt", LOCK.read_text(encoding="utf-8"))
        .with_exec(
            ["python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
             "--root-user-action=ignore", "--require-hashes", "--target", PSYCOPG, "-r", "/psycopg.txt"]
        )
    )  # fmt: skip
    return container.with_directory(PSYCOPG, made.directory(PSYCOPG))

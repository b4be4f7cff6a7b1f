"""Stage 5 with Neon connected: a branch for each check, none left behind, and never a test on something else."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import signal
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import anyio.abc
import psycopg
import pytest

from ci.branches import PREFIX, Branches, branches
from ci.errors import Trouble, UsageError, VendorError
from ci.executors.scratch import scratch
from ci.model import Check, Execution, Network, Service, Status, Step, StepRun, Toolchain, Verdict
from ci.rehearsal.neon import Neon, standing
from ci.rehearsal.serving import serving
from ci.settings.environments import Neon as Settings
from tests.conftest import command, environment
from tests.test_kill import own_cache

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.conftest import Ran

KEY = "napi_" + "k3y5" * 12
PROJECT = "dev-project"
SERVICE = Service(
    name="neon",
    environment={
        "DATABASE_URL": "{owner}",
        "APP_DATABASE_URL": "{application}",
        "PGHOST": "{host}",
        "PGPORT": "{port}",
        "PGUSER": "{user}",
        "PGPASSWORD": "{password}",
        "PGDATABASE": "{database}",
        "PGSSLMODE": "{sslmode}",
        "PGCHANNELBINDING": "{channel_binding}",
    },
    roles=("web",),
)
STATED = """
[environments.development.neon]
project = "dev-project"
token = "env://NEON_API_KEY"
address = "{address}/api/v2"
"""


def check(name: str = "vitest", *services: Service) -> Check:
    return Check(
        stage="integration",
        name=name,
        toolchain=Toolchain(name="node", tools={}),
        steps=(Step(argv=("x",)),),
        judge=lambda _: Verdict(status=Status.PASSED),
        network=Network.OUTSIDE,
        services=services or (SERVICE,),
    )


@dataclass(kw_only=True)
class Asking:
    """An executor that asks the database it is given and prints all that it was told."""

    before: Callable[[Check], Any] | None = None
    seen: list[dict[str, str]] = field(default_factory=list)
    name: str = "asking"

    async def execute(self, check: Check) -> Execution:
        """Connect as the owner and as the application's role."""
        assert not [service for service in check.services if service.name == "neon"]
        self.seen.append(dict(check.given))
        if self.before is not None:
            await self.before(check)
        told = [f"{name}={value}" for name, value in check.given.items()]
        uris = [check.given[name] for name in ("DATABASE_URL", "APP_DATABASE_URL") if name in check.given]
        told += [await asked(uri, "select current_user, current_database()") for uri in uris]
        step = StepRun(argv=("x",), cwd=".", seconds=0.1, exit_code=0, output="\n".join(told))
        return Execution(steps=(step,), run="r")


async def asked(uri: str, statement: str) -> str:
    async with await psycopg.AsyncConnection.connect(uri, autocommit=True) as connection:
        cursor = await connection.execute(statement)
        return " ".join(map(str, await cursor.fetchone() or ())) if cursor.description else ""


@contextlib.asynccontextmanager
async def world(place: Path) -> AsyncIterator[tuple[Neon, Settings]]:
    """Give a stand-in with the dev project, and what shipway.toml would say of it."""
    async with standing(place / "world", moment=0.05) as stand_in, serving(stand_in) as address:
        stand_in.account.open_project(PROJECT)
        yield stand_in, stated(address)


def stated(address: str) -> Settings:
    """Return what shipway.toml says."""
    return Settings.model_validate({"project": PROJECT, "token": "env://NEON_API_KEY", "address": f"{address}/api/v2"})


def names(stand_in: Neon) -> list[str]:
    return [branch["told"]["name"] for branch in stand_in.account.branches_of(PROJECT)]


@contextlib.asynccontextmanager
async def of_run(settings: Settings, cache: Path, run: str = "run-1") -> AsyncIterator[Branches]:
    cache.mkdir(exist_ok=True)
    with scratch(cache, run):
        async with branches(settings, KEY, cache=cache, run=run) as made:
            yield made


def notes(cache: Path) -> list[str]:
    return sorted(note.name for note in (cache / "branches").iterdir())


def test_each_check_has_a_branch_of_its_own_and_none_is_left(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (stand_in, settings):
            met: set[str] = set()
            both = anyio.Event()

            async def meet(_: Check) -> None:
                """Wait until the other one is there too."""
                met.update(names(stand_in))
                if len(met) == 3:
                    both.set()
                await both.wait()

            inner = Asking(before=meet)
            async with of_run(settings, tmp_path / "cache") as made, anyio.create_task_group() as group:
                for name in ("vitest", "rls"):
                    group.start_soon(made.around(inner).execute, check(name))
            assert met == {"main", f"{PREFIX}run-1-1", f"{PREFIX}run-1-2"}
            assert len({given["PGPORT"] for given in inner.seen}) == 2
            assert names(stand_in) == ["main"]
            assert (made.notices, notes(tmp_path / "cache")) == ([], [])

    anyio.run(play)


def test_both_roles_connect_and_the_applications_is_bound_by_policies(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (_, settings), of_run(settings, tmp_path / "cache") as made:

            async def look(check: Check) -> None:
                owner, application = check.given["DATABASE_URL"], check.given["APP_DATABASE_URL"]
                mighty = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
                assert await asked(owner, mighty) == "True"
                assert await asked(application, mighty) == "False"
                parts = urlsplit(owner)
                told = [check.given[f"PG{name}"] for name in ("USER", "PASSWORD", "HOST", "PORT")]
                assert told == [parts.username, parts.password, parts.hostname, str(parts.port)]
                assert (check.given["PGDATABASE"], check.given["PGSSLMODE"]) == ("neondb", "disable")

            execution = await made.around(Asking(before=look)).execute(check())
            assert execution.steps[0].output.splitlines()[-2:] == ["neondb_owner neondb", "web neondb"]

    anyio.run(play)


def test_a_role_that_the_parent_has_already_gets_a_password_on_the_branch_alone(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (_, settings), of_run(settings, tmp_path / "cache") as made:
            where = {"database": settings.database, "role": settings.role}
            main = await made.client.connection_uri(PROJECT, f"br-{PROJECT}", **where)
            await asked(main, "create role web login password 'of-main'")
            await made.around(Asking()).execute(check())
            parts = urlsplit(main)
            place = parts.netloc.rpartition("@")[2]
            old = parts._replace(netloc=f"web:of-main@{place}").geturl()
            assert await asked(old, "select current_user") == "web"

    anyio.run(play)


def test_a_role_that_neon_made_has_the_password_that_neon_knows(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (stand_in, settings), of_run(settings, tmp_path / "cache") as made:
            key = f"br-{PROJECT}"
            whole = stand_in.account.branches[key]
            stand_in.account.branches[key] = {**whole, "roles": {**whole["roles"], "web": "npg_of_the_console"}}
            execution = await made.around(inner := Asking()).execute(check())
            assert "web:npg_of_the_console@" in inner.seen[0]["APP_DATABASE_URL"]
            assert "npg_of_the_console" not in execution.steps[0].output

    anyio.run(play)


def test_nothing_secret_of_a_branch_is_in_what_comes_of_it_or_is_shown(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (_, settings), of_run(settings, tmp_path / "cache") as made:
            shown: list[str] = []

            async def show(check: Check) -> None:
                shown.extend(made.shown(check.id, f"it is {value} x") for value in check.given.values())

            inner = Asking(before=show)
            execution = await made.around(inner).execute(check())
            (given,) = inner.seen
            passwords = {urlsplit(given[name]).password or "?" for name in ("DATABASE_URL", "APP_DATABASE_URL")}
            assert len(passwords) == 2
            for text in (execution.steps[0].output, "\n".join(shown), repr(dataclasses.replace(check(), given=given))):
                assert not [password for password in passwords if password in text]
            assert f"PGHOST={given['PGHOST']}" in execution.steps[0].output

    anyio.run(play)


def test_a_check_that_asks_for_no_branch_costs_none(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (stand_in, settings), of_run(settings, tmp_path / "cache") as made:
            server = Service(name="postgres")
            inner = Asking()
            await made.around(inner).execute(check("unit", server))
            assert inner.seen == [{}]
            assert stand_in.calls == []

    anyio.run(play)


def test_a_branch_goes_also_when_its_check_breaks_or_is_interrupted(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (stand_in, settings):

            async def broken(_: Check) -> None:
                assert len(names(stand_in)) == 2
                raise OSError("the disk")

            async with of_run(settings, tmp_path / "cache") as made:
                with pytest.raises(OSError, match="the disk"):
                    await made.around(Asking(before=broken)).execute(check())
                assert names(stand_in) == ["main"]
                there = anyio.Event()

                async def hang(_: Check) -> None:
                    there.set()
                    await anyio.sleep_forever()

                async with anyio.create_task_group() as group:
                    group.start_soon(made.around(Asking(before=hang)).execute, check())
                    await there.wait()
                    group.cancel_scope.cancel()
            assert names(stand_in) == ["main"]
            assert notes(tmp_path / "cache") == []

    anyio.run(play)


def test_a_branch_that_cannot_be_deleted_is_told_and_the_next_run_deletes_it(tmp_path: Path) -> None:
    async def play() -> None:
        cache = tmp_path / "cache"
        async with world(tmp_path) as (stand_in, settings):
            async with of_run(settings, cache) as made:
                stand_in.faults.add(kind="status", method="DELETE", status=403, body='{"message": "read-only key"}')
                execution = await made.around(Asking()).execute(check())
                assert execution.steps[0].succeeded
            name = f"{PREFIX}run-1-1"
            assert names(stand_in) == ["main", name]
            (notice,) = made.notices
            assert notice.startswith(f"the branch {name} is left at Neon until the next run, or until it expires: Neon")
            assert notes(cache) == ["run-1"]
            async with of_run(settings, cache, "run-2") as made:
                pass  # which wants no branch
            assert (names(stand_in), notes(cache), made.notices) == (["main"], [], [])

    anyio.run(play)


def test_what_living_runs_and_people_have_is_not_swept(tmp_path: Path) -> None:
    async def play() -> None:
        cache = tmp_path / "cache"
        async with world(tmp_path) as (stand_in, settings), of_run(settings, cache) as living:

            async def other(_: Check) -> None:
                async with of_run(settings, cache, "run-2") as second:
                    await second.around(Asking()).execute(check())

            await living.client.make_branch(PROJECT, f"of-a-person-{PREFIX}run-0-1")
            await living.client.make_branch(PROJECT, f"{PREFIX}elsewhere-1")  # of another machine, and young
            (cache / "branches").mkdir(exist_ok=True)
            (cache / "branches" / "run-0").write_text(f"{settings.address} another-project\n", encoding="utf-8")
            await living.around(Asking(before=other)).execute(check())
            assert names(stand_in) == ["main", f"of-a-person-{PREFIX}run-0-1", f"{PREFIX}elsewhere-1"]
            assert [call.status for call in stand_in.calls if call.method == "DELETE"] == [200, 200]
            assert "run-0" in notes(cache)

    anyio.run(play)


def test_branches_are_made_of_the_parent_that_is_named_and_expire(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (stand_in, settings):
            found: list[dict[str, Any]] = []

            async def look(_: Check) -> None:
                found.extend(branch["told"] for branch in stand_in.account.branches_of(PROJECT))

            async with of_run(settings.model_copy(update={"parent": "tests"}), tmp_path / "cache") as made:
                with pytest.raises(UsageError, match="parent: dev-project has no branch 'tests'"):
                    await made.around(Asking()).execute(check())
                parent = await made.client.make_branch(PROJECT, "tests")
                await made.around(Asking(before=look)).execute(check())
            ours = found[-1]
            assert ours["parent_id"] == parent.id
            assert 3600 <= seconds(ours["expires_at"]) - seconds(ours["created_at"]) + 1 <= 3700

    anyio.run(play)


def seconds(moment: str) -> float:
    return datetime.datetime.fromisoformat(moment).timestamp()


def test_a_neon_that_is_out_of_reach_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        settings = stated(f"http://127.0.0.1:{taken.getsockname()[1]}")

        async def play() -> None:
            async with of_run(settings, tmp_path / "cache") as made:
                inner = Asking()
                with pytest.raises(VendorError, match=r"^Neon cannot be reached: .*\[environments\.") as raised:
                    await made.around(inner).execute(check())
                assert raised.value.trouble is Trouble.UNREACHABLE
                assert (inner.seen, made.notices) == ([], [])

        anyio.run(play)


# --- whole runs -----------------------------------------------------------------------------------


def leaks(place: Path, secrets: list[str]) -> list[str]:
    """Return the files below a place, but for packages and tools, that hold one of the secrets."""
    return [
        str(path)
        for path in place.rglob("*")
        if path.is_file() and not path.is_symlink() and "node_modules" not in path.parts
        if any(secret.encode() in path.read_bytes() for secret in secrets)
    ]


def test_a_run_uses_branches_and_leaves_none_nor_do_one_that_is_interrupted_and_one_that_is_killed(
    receipts: Path, tmp_path: Path
) -> None:
    cache = own_cache(tmp_path)
    arguments = command(
        "run", ".", "--executor", "host", "--stage", "integration", "--report", str(tmp_path / "report")
    )
    settings = environment(tmp_path / "state", SHIPWAY_CACHE=str(cache), NEON_API_KEY=KEY)

    async def play() -> None:
        async with world(tmp_path) as (stand_in, at):
            with (receipts / "shipway.toml").open("a", encoding="utf-8") as file:
                file.write(STATED.format(address=at.address.removesuffix("/api/v2")))

            async def broken_off(number: signal.Signals) -> int:
                """Start a run, end it with a signal when its first branch is ready, and return its exit code."""
                async with await anyio.open_process(arguments, cwd=receipts, env=settings) as run:
                    with anyio.fail_after(240):
                        while not (stand_in.account.branches_of(PROJECT)[1:] and ready(stand_in)):
                            assert run.returncode is None
                            await anyio.sleep(0.05)
                    run.send_signal(number)
                    return await run.wait()

            assert await broken_off(signal.SIGINT) == 130
            assert names(stand_in) == ["main"]
            assert await broken_off(signal.SIGKILL) == -signal.SIGKILL
            assert names(stand_in)[1:] != []
            stand_in.calls.clear()

            done = await anyio.run_process(arguments, cwd=receipts, env=settings, check=False)
            told = (done.stdout + done.stderr).decode()
            assert done.returncode == 0, told
            assert names(stand_in) == ["main"]
            assert notes(cache) == []
            run = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))["id"]
            made = [call for call in stand_in.calls if call.status == 201 and f"{PREFIX}{run}-" in call.body]
            assert len(made) == 2  # vitest, rls
            (password,) = stand_in.account.branches_of(PROJECT)[0]["roles"].values()
            assert password not in told
            for place in (tmp_path / "report", tmp_path / "state", cache):
                assert leaks(place, [password, KEY]) == []

            stand_in.calls.clear()
            again = await anyio.run_process(arguments, cwd=receipts, env=settings, check=False)
            assert again.returncode == 0
            assert stand_in.calls == []  # nothing changed, so nothing is asked

    anyio.run(play)


@contextlib.asynccontextmanager
async def dropping(port: int, words: bytes) -> AsyncIterator[int]:
    """Give the port of a way to a server that is cut when these words are said."""

    async def pump(source: anyio.abc.ByteStream, target: anyio.abc.ByteStream) -> None:
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):
            async for chunk in source:
                if words in chunk:
                    break
                await target.send(chunk)
        await source.aclose()
        await target.aclose()

    async def carry(caller: anyio.abc.SocketStream) -> None:
        async with await anyio.connect_tcp("127.0.0.1", port) as server, anyio.create_task_group() as both:
            both.start_soon(pump, caller, server)
            both.start_soon(pump, server, caller)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, carry)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - anyio's, no database's
        group.cancel_scope.cancel()


def test_a_compute_that_drops_the_connection_is_told_as_one_that_cannot_be_reached(tmp_path: Path) -> None:
    async def play() -> None:
        async with world(tmp_path) as (_, settings), of_run(settings, tmp_path / "cache") as made:
            branch = await made.client.make_branch(PROJECT, "one")
            owner = await made.client.connection_uri(PROJECT, branch.id, database=settings.database, role=settings.role)
            port = urlsplit(owner).port
            assert port is not None
            async with dropping(port, b"pg_roles") as way:
                with pytest.raises(VendorError, match="no role 'web' on the branch") as raised:
                    await made._admit(owner.replace(f":{port}/", f":{way}/"), branch.id, "web")  # noqa: SLF001 - no less
            assert raised.value.trouble is Trouble.UNREACHABLE

    anyio.run(play)


def ready(stand_in: Neon) -> bool:
    """Whether the newest branch has been asked for its connection: the check is about to begin."""
    return any(call.path.endswith("/connection_uri") for call in stand_in.calls[-3:])


def test_without_neon_the_stage_is_an_error_and_nothing_is_tested_on_another_server(
    receipts: Path, shipway: Callable[..., Ran]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with (receipts / "shipway.toml").open("a", encoding="utf-8") as file:
            file.write(STATED.format(address=f"http://127.0.0.1:{taken.getsockname()[1]}"))
        ran = shipway(
            *("run", ".", "--executor", "host", "--stage", "integration"), cwd=receipts, env={"NEON_API_KEY": KEY}
        )
    assert ran.code == 5, ran.out
    assert ran.statuses["integration"] == "error"
    assert ran.report is not None
    (stage,) = [stage for stage in ran.report["stages"] if stage["name"] == "integration"]
    assert [check["status"] for check in stage["checks"]] == ["error", "error"]
    assert all(check["reason"].startswith("Neon cannot be reached: ") for check in stage["checks"])
    assert all(check["steps"] == [] for check in stage["checks"])

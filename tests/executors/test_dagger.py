"""What only an engine can show: its cache, its services, its secrets, and what is said when it is gone."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import pytest

from ci.errors import NoExecutorError, ToolError, UsageError
from ci.executors.engine import Engine
from ci.model import Network, Reuse, Service, Step, Toolchain
from ci.toolchains.versions import POSTGRES
from containers import postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ci.model import Check, Execution
    from tests.executors.conftest import DaggerPlace

    MakeCheck = Callable[..., Check]


@pytest.fixture
def mark() -> str:
    """What no engine has in its cache."""
    return uuid.uuid4().hex


def again(place: DaggerPlace, run: str, *checks: Check) -> Execution:
    """Execute in another session, as another run."""
    return dataclasses.replace(place, run_id=run).execute(*checks)


# --- the cache ------------------------------------------------------------------------------------


def test_an_unchanged_check_comes_out_of_the_cache_and_names_the_run_that_made_it(
    dagger: DaggerPlace, check: MakeCheck, mark: str
) -> None:
    same = check(f"echo {mark}; date +%s%N")
    first, second = again(dagger, "run-1", same), again(dagger, "run-2", same)
    assert (first.run, second.run) == ("run-1", "run-1")
    assert first.steps == second.steps
    assert first.seconds > 0 < second.seconds


def test_a_fresh_run_takes_nothing_from_the_cache(dagger: DaggerPlace, check: MakeCheck, mark: str) -> None:
    same = check(f"echo {mark}")
    again(dagger, "run-1", same)
    assert again(dataclasses.replace(dagger, fresh=True), "run-2", same).run == "run-2"


def test_what_is_never_used_again_always_runs(dagger: DaggerPlace, check: MakeCheck, mark: str) -> None:
    never = check(f"echo {mark}", reuse=Reuse.NEVER)
    again(dagger, "run-1", never)
    assert again(dagger, "run-2", never).run == "run-2"


def test_an_edit_of_what_a_check_does_not_read_keeps_its_layer(
    dagger: DaggerPlace, check: MakeCheck, mark: str
) -> None:
    core = check(f"echo {mark}; ls", inputs=("packages/**", "package.json"))
    first = again(dagger, "run-1", core)
    (dagger.repository / "README.md").write_text("two\n")
    assert again(dagger, "run-2", core).run == "run-1"
    assert "README.md" not in first.steps[0].output
    (dagger.repository / "packages/core/index.ts").write_text("export const two = 2;\n")
    assert again(dagger, "run-3", core).run == "run-3"


def test_outputs_of_an_earlier_run_are_found_though_their_check_does_not_run_again(
    dagger: DaggerPlace, check: MakeCheck, mark: str
) -> None:
    made = check(f"mkdir dist; echo {mark} > dist/a", name="made", outputs=("dist",))
    after = check("cat dist/a", name="after", needs=(made.id,))
    again(dagger, "run-1", made)
    dagger.planned = (made,)
    assert again(dagger, "run-2", after).steps[0].output == f"{mark}\n"


# --- secrets --------------------------------------------------------------------------------------


def test_a_changed_secret_never_meets_the_result_of_the_old_value(
    dagger: DaggerPlace, check: MakeCheck, mark: str
) -> None:
    asks = check(f'echo {mark}; printf %s "$TOKEN" | wc -c', secrets=("TOKEN",))
    dagger.secrets = {"TOKEN": "four"}
    assert again(dagger, "run-1", asks).steps[0].output == f"{mark}\n4\n"
    assert again(dagger, "run-2", asks).run == "run-1"
    dagger.secrets = {"TOKEN": "seventh"}
    assert again(dagger, "run-3", asks).steps[0].output == f"{mark}\n7\n"


def test_a_secret_is_only_for_the_checks_that_name_it(dagger: DaggerPlace, check: MakeCheck) -> None:
    dagger.secrets = {"TOKEN": "hunter2"}
    assert "TOKEN" not in dagger.execute(check("env")).steps[0].output


# --- services -------------------------------------------------------------------------------------


@pytest.fixture
def with_database(check: MakeCheck) -> Callable[..., Check]:
    service = Service(
        name="postgres",
        environment={"DATABASE_URL": "postgres://postgres:{password}@{host}:{port}/app"},
        roles=("web",),
    )
    toolchain = Toolchain(name="postgres", tools={"postgres": POSTGRES, "rls": "1"})

    def make(*steps: Step | str, **more: object) -> Check:
        return dataclasses.replace(check(*steps, **more), services=(service,), toolchain=toolchain)

    return make


def test_two_steps_that_are_far_apart_share_a_database(
    dagger: DaggerPlace, with_database: Callable[..., Check], mark: str
) -> None:
    made = dagger.ask("DATABASE_URL", "select count(*) from pg_tables where schemaname = 'public'")
    create = Step(argv=("python3", "-c", CREATE), environment=made.environment)
    execution = dagger.execute(with_database(create, f"echo {mark}; sleep 15", made))
    assert execution.steps[-1].output == "1\n"


CREATE = (
    "import os, psycopg; connection = psycopg.connect(os.environ['DATABASE_URL'], autocommit=True); "
    "connection.execute('create table t (id int)')"
)


def test_a_second_run_after_a_failing_last_step_meets_a_database_of_its_own(
    dagger: DaggerPlace, with_database: Callable[..., Check], mark: str
) -> None:
    made = dagger.ask("DATABASE_URL", "select 1")
    create = Step(argv=("python3", "-c", CREATE), environment=made.environment)
    failing = with_database(create, f"echo {mark}; exit 3", reuse=Reuse.NEVER)
    for run in ("run-1", "run-2"):
        assert [step.exit_code for step in again(dagger, run, failing).steps] == [0, 3]


def test_two_checks_at_once_do_not_share_a_database(
    dagger: DaggerPlace, with_database: Callable[..., Check], mark: str
) -> None:
    made = dagger.ask("DATABASE_URL", "select 1")
    create = Step(argv=("python3", "-c", CREATE), environment=made.environment)
    checks = [with_database(create, f"echo {mark}", name=f"c{number}") for number in range(2)]
    outputs: list[list[int | None]] = []

    async def both() -> None:
        async def one(check: Check) -> None:
            other = dataclasses.replace(dagger, cache=dagger.cache / check.name)
            outputs.append([step.exit_code for step in (await other.run((check,))).steps])

        async with anyio.create_task_group() as group:
            for check in checks:
                group.start_soon(one, check)

    anyio.run(both)
    assert outputs == [[0, 0], [0, 0]]


# --- what goes wrong ------------------------------------------------------------------------------


def test_a_pin_whose_hash_is_wrong_is_refused(dagger: DaggerPlace, check: MakeCheck) -> None:
    toolchain = Toolchain(name="pnpm", tools={"pnpm": "10.34.9"}, pnpm_hash=f"sha512.{'0' * 128}")
    with pytest.raises(ToolError, match=r"pins pnpm@10.34.9\+sha512.000"):
        dagger.execute(dataclasses.replace(check("true"), toolchain=toolchain))


def test_a_tool_that_the_registry_does_not_have_is_named(dagger: DaggerPlace, check: MakeCheck) -> None:
    toolchain = Toolchain(name="pnpm", tools={"pnpm": "10.999.0"})
    with pytest.raises(ToolError, match="does not exist on the npm registry"):
        dagger.execute(dataclasses.replace(check("true"), toolchain=toolchain))


def test_an_image_that_cannot_be_had_is_named(dagger: DaggerPlace, check: MakeCheck) -> None:
    toolchain = Toolchain(name="pnpm", tools={"node": "0.0.1"})
    with pytest.raises(ToolError, match=r"Dagger cannot run unit/check@\.: .*node:0\.0\.1"):
        dagger.execute(dataclasses.replace(check("true"), toolchain=toolchain))


def test_a_check_whose_container_is_killed_is_an_error_that_says_so(
    dagger: DaggerPlace, check: MakeCheck, mark: str
) -> None:
    ours = "for p in /proc/[0-9]*; do grep -qs contained.py $p/cmdline && kill -9 ${p#/proc/}; done"
    line = f"echo {mark}; {ours}"
    with pytest.raises(ToolError, match=r"the container of unit/check@\. was killed by signal 9"):
        dagger.execute(check(line))


def test_what_asks_a_registry_can_reach_out(dagger: DaggerPlace, check: MakeCheck) -> None:
    asks = check("echo $NODE_EXTRA_CA_CERTS", registry=True, network=Network.OUTSIDE)
    assert dagger.execute(asks).steps[0].output == "/etc/ssl/certs/ca-certificates.crt\n"


def test_the_users_own_certificate_authorities_are_believed_there_too(
    dagger: DaggerPlace, check: MakeCheck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text("one authority\n")
    monkeypatch.setenv("npm_config_cafile", str(tmp_path / "ca.pem"))
    asks = check('cat "$NPM_CONFIG_CAFILE" "$pnpm_config_cafile"', registry=True, network=Network.OUTSIDE)
    assert dagger.execute(asks).steps[0].output == "one authority\none authority\n"


def test_a_file_of_authorities_that_is_not_there_is_named(
    dagger: DaggerPlace, check: MakeCheck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_cafile", str(tmp_path / "gone.pem"))
    with pytest.raises(UsageError, match=r"gone\.pem, which npm's settings name, cannot be read: No such file"):
        dagger.execute(check("true", registry=True))


@pytest.mark.long
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (("port", "5433"), r"the Postgres of unit/check@\. did not get ready in 60 s$"),
        (("shared_buffers", "none"), r'the Postgres of unit/check@\. ended before it was ready: .*buffers": "none"'),
    ],
)
def test_a_server_that_does_not_get_ready_is_an_error_that_says_so(
    dagger: DaggerPlace,
    with_database: Callable[..., Check],
    monkeypatch: pytest.MonkeyPatch,
    setting: tuple[str, str],
    words: str,
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, *setting)
    with pytest.raises(ToolError, match=words):
        dagger.execute(with_database("true", reuse=Reuse.NEVER))


@pytest.fixture
def lead(engine: Engine) -> Iterator[tuple[Engine, Callable[[], None]]]:
    """Give the engine behind a port of the loopback, and what cuts the way to it."""
    place = urlsplit(engine.address)
    if place.scheme != "unix":
        pytest.skip(f"{engine.address} is no socket of this machine")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", PROXY, str(port), place.path])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as knock:
                if knock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield Engine(address=f"tcp://127.0.0.1:{port}"), process.kill
    finally:
        process.kill()
        process.wait()


PROXY = """
import asyncio, sys
async def pour(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
async def lead(reader, writer):
    there = await asyncio.open_unix_connection(sys.argv[2])
    await asyncio.gather(pour(reader, there[1]), pour(there[0], writer), return_exceptions=True)
async def main():
    async with await asyncio.start_server(lead, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()
asyncio.run(main())
"""


@pytest.mark.parametrize("checks", [1, 60], ids=["one that takes long", "many that are quick"])
def test_an_engine_that_is_lost_ends_the_run_within_twenty_seconds_and_leaves_no_session(
    dagger: DaggerPlace,
    check: MakeCheck,
    lead: tuple[Engine, Callable[[], None]],
    mark: str,
    checks: int,
) -> None:
    engine, cut = lead
    threading.Timer(8, cut).start()
    began = time.monotonic()
    with pytest.raises(
        NoExecutorError, match=r"^(tcp://127\.0\.0\.1:\d+ was lost: Connection refused|the session with)"
    ):
        dataclasses.replace(dagger, engine=engine).execute(
            *(check(f"echo {mark} {number}; sleep {120 / checks}") for number in range(checks))
        )
    assert time.monotonic() - began < 8 + 20
    sessions = subprocess.run(["pgrep", "-f", "dagger session"], capture_output=True, text=True, check=False)
    assert sessions.stdout == ""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.errors import ToolError, Trouble, UsageError, VendorError
from ci.vendors.command import Command, CommandPlatform, Commands
from ci.vendors.pace import Pace, until
from ci.vendors.platform import Deployment, Order, State
from tests.vendors.acme import LostError, fence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

QUICK = Pace(first=0.01, most=0.05, whole=10.0)
ORDER = Order(app="web", commit="a" * 40, branch="main", key="key-1")
# A platform that keeps its deployments in a file, and does what the test says in `code`.
PROGRAM = """
import json, os, pathlib, subprocess, sys, time
state = pathlib.Path("state.json")
world = json.loads(state.read_text()) if state.exists() else {"serving": None, "deployments": []}
name = sys.argv[1]
def say(value): print(json.dumps(value), flush=True)
def keep(): state.write_text(json.dumps(world))
def noted(): open("calls", "a").write(name + "\\n")
def made(**more):
    found = {"id": f"d{len(world['deployments']) + 1}", "commit": os.environ["SHIPWAY_COMMIT"],
             "key": os.environ["SHIPWAY_KEY"], "address": "http://127.0.0.1:9/", "created": time.time(),
             "state": "ready", **more}
    world["deployments"].append(found); keep(); return found
def moved(): world["serving"] = os.environ["SHIPWAY_DEPLOYMENT"]; keep()
noted()
CODE
if name == "deploy": say(made())
if name == "status": say(world)
if name in ("switch", "rollback"): moved()
if name == "log": print("one\\n\\x1b[31mtwo\\x1b[0m")
"""


def platform(directory: Path, code: str = "", *, timeout: float = 20.0, **more: Any) -> CommandPlatform:
    """Return the platform of a program that does `code` before anything else."""
    (directory / "program.py").write_text(PROGRAM.replace("CODE", code))
    secrets = more.pop("named", {})
    commands = {
        name: Command(argv=(sys.executable, "program.py", name), timeout=timeout, secrets=secrets.get(name, ()))
        for name in ("deploy", "status", "switch", "rollback", "log")
    }
    settings = {"environment": "staging", "build_pace": QUICK, "move_pace": QUICK, **more}
    return CommandPlatform(Commands(directory=directory, **commands), **settings)


def called(directory: Path) -> list[str]:
    return (directory / "calls").read_text().split()


def run(calls: Callable[[], Awaitable[None]]) -> None:
    anyio.run(calls)


def test_one_order_makes_one_deployment_and_a_move_that_is_done_is_not_done_again(tmp_path: Path) -> None:
    async def calls() -> None:
        web = platform(tmp_path)
        made = await web.wait(await web.deploy(ORDER))
        assert await web.deploy(ORDER) == made
        assert await web.serving("web") == ()
        await web.switch(made)
        await web.switch(made)
        await web.roll_back(made, why="again")
        assert await web.serving("web") == (made,)
        assert [name for name in called(tmp_path) if name != "status"] == ["deploy", "switch"]
        assert await web.log(made) == ("one", "two")

    run(calls)


@pytest.mark.parametrize(
    "code",
    [
        'if name == "deploy" and not world["deployments"]: made(); time.sleep(60)',
        'if name == "deploy" and not world["deployments"]: made(); os.kill(os.getpid(), 9)',
        'if name == "deploy" and not world["deployments"]: made(); print("{half"); sys.exit()',
    ],
)
def test_a_deploy_whose_answer_is_lost_is_looked_up_and_not_repeated(tmp_path: Path, code: str) -> None:
    async def calls() -> None:
        web = platform(tmp_path, code, timeout=3)
        made = await web.deploy(ORDER)
        assert made.id == "d1"
        assert called(tmp_path).count("deploy") == 1

    run(calls)


def test_a_deployment_that_takes_its_time_is_waited_for_and_one_that_fails_is_a_value(tmp_path: Path) -> None:
    code = """
if name == "deploy": say(made(state="building")); sys.exit()
if name == "status" and world["deployments"]:
    looks = pathlib.Path("looks"); looks.write_text(looks.read_text() + "x" if looks.exists() else "x")
    if len(looks.read_text()) > 3:
        world["deployments"][0].update(state="failed", reason="\\x1b[31mout of memory\\x1b[0m\\nmore"); keep()
"""

    async def calls() -> None:
        web = platform(tmp_path, code)
        made = await web.deploy(ORDER)
        assert made.state is State.BUILDING
        found = await web.wait(made)
        assert (found.state, found.reason) == (State.FAILED, "out of memory")

    run(calls)


def test_a_move_that_takes_its_time_is_waited_for_and_one_that_never_happens_is_told(tmp_path: Path) -> None:
    later = 'subprocess.Popen(["sh", "-c", "sleep 0.3; mv next.json state.json"], start_new_session=True)'
    code = f"""
if name == "switch":
    moved(); os.replace("state.json", "next.json"); world["serving"] = None; keep()
    {later}; sys.exit()
if name == "rollback": sys.exit()
"""

    async def calls() -> None:
        web = platform(tmp_path, code, move_pace=Pace(first=0.01, most=0.05, whole=3.0))
        made = await web.deploy(ORDER)
        await web.switch(made)
        assert await web.serving("web") == (made,)
        other = await web.deploy(Order(app="web", commit="b" * 40, branch="main", key="key-2"))
        with pytest.raises(VendorError, match="users do not get d2 after 3 s") as raised:
            await web.roll_back(other, why="it is bad")
        assert (raised.value.trouble, raised.value.unsettled) == (Trouble.BROKEN, True)

    run(calls)


def test_a_command_gets_what_it_is_told_and_only_the_secrets_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRIPE_KEY", "of the caller")
    code = 'open(f"env-{name}", "w").write(json.dumps(dict(os.environ)))'

    async def calls() -> None:
        secrets = {"TOKEN": "tok-0123456789", "OTHER": "oth-0123456789"}
        web = platform(tmp_path, code, secrets=secrets, named={"deploy": ("TOKEN",), "rollback": ("OTHER",)})
        variables = {"API_URL": "http://127.0.0.1:1"}
        made = await web.deploy(Order(app="web", commit="c" * 40, branch="main", key="k", variables=variables))
        await web.roll_back(made, why="too \x1b[1mslow")

    run(calls)
    found = {name: json.loads((tmp_path / f"env-{name}").read_text()) for name in ("deploy", "status", "rollback")}
    told = {name: value for name, value in found["deploy"].items() if name.startswith("SHIPWAY_")}
    assert told == {
        "SHIPWAY_APP": "web",
        "SHIPWAY_ENVIRONMENT": "staging",
        "SHIPWAY_COMMIT": "c" * 40,
        "SHIPWAY_BRANCH": "main",
        "SHIPWAY_KEY": "k",
    }
    assert (found["deploy"]["TOKEN"], found["deploy"]["API_URL"]) == ("tok-0123456789", "http://127.0.0.1:1")
    assert (found["rollback"]["SHIPWAY_DEPLOYMENT"], found["rollback"]["SHIPWAY_REASON"]) == ("d1", "too slow")
    assert not {"OTHER", "STRIPE_KEY"} & set(found["deploy"])
    assert not {"OTHER", "TOKEN", "STRIPE_KEY", "API_URL"} & set(found["status"])
    assert "TOKEN" not in found["rollback"]


@pytest.mark.parametrize("why", ["slow " * 50_000, "half \udc80 a character", "a\nb"])
def test_any_reason_reaches_the_rollback_as_one_line(tmp_path: Path, why: str) -> None:
    code = 'open(f"env-{name}", "w").write(json.dumps(dict(os.environ)))'

    async def calls() -> None:
        web = platform(tmp_path, code)
        made = await web.deploy(ORDER)
        await web.roll_back(made, why=why)
        assert await web.serving("web") == (made,)

    run(calls)
    told = json.loads((tmp_path / "env-rollback").read_text())["SHIPWAY_REASON"]
    assert 0 < len(told) <= 500
    assert told[:1] == why[:1]
    assert "\n" not in told


@pytest.mark.parametrize("value", ["x" * 3_000_000, "a\0b"])
def test_what_no_program_can_be_given_is_an_error_of_the_command(tmp_path: Path, value: str) -> None:
    async def calls() -> None:
        order = Order(app="web", commit="c" * 40, branch="main", key="k", variables={"API_URL": value})
        with pytest.raises(VendorError, match="the deploy command of staging refuses: it cannot be started") as raised:
            await platform(tmp_path).deploy(order)
        assert not raised.value.unsettled

    run(calls)


def test_a_secret_is_neither_in_a_reason_nor_in_a_log(tmp_path: Path) -> None:
    code = """
if name == "deploy": say(made(state="failed", reason=os.environ["TOKEN"] + " is wrong")); sys.exit()
if name == "log": print("with", os.environ["TOKEN"]); sys.exit()
"""

    async def calls() -> None:
        named = {"deploy": ("TOKEN",), "log": ("TOKEN",)}
        web = platform(tmp_path, code, secrets={"TOKEN": "tok-0123456789"}, named=named)
        made = await web.deploy(ORDER)
        assert made.reason == "[redacted TOKEN] is wrong"
        assert await web.log(made) == ("with [redacted TOKEN]",)

    run(calls)


def test_a_secret_that_a_command_names_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names secrets that are not there: TOKEN"):
        platform(tmp_path, named={"deploy": ("TOKEN",)})


@pytest.mark.parametrize(
    ("code", "trouble", "told"),
    [
        ('sys.exit("no such app tok-0123456789")', Trouble.REFUSING, "exit code 1: no such app [redacted TOKEN]"),
        ("os.kill(os.getpid(), 9)", Trouble.REFUSING, "signal 9"),
        ('print("{}"); sys.exit()', Trouble.UNREADABLE, "serving: Field required"),
        ('print("hello"); sys.exit()', Trouble.UNREADABLE, "Invalid JSON"),
        ("sys.exit()", Trouble.UNREADABLE, "Invalid JSON"),
        ('print("x" * 9_000_000); sys.exit()', Trouble.UNREADABLE, "larger than 8 MiB"),
        ('say({"serving": None, "deployments": [], "servin": 1}); sys.exit()', Trouble.UNREADABLE, "servin"),
        (
            """found = {"id": "a", "state": "ready", "address": "javascript:x", "created": 1}
say({"serving": None, "deployments": [found]}); sys.exit()""",
            Trouble.UNREADABLE,
            "deployments.0.address",
        ),
        ("time.sleep(60)", Trouble.UNREACHABLE, "no answer within 3 s"),
    ],
)
def test_a_command_that_does_not_do_its_work_is_told_and_no_secret_with_it(
    tmp_path: Path, code: str, trouble: Trouble, told: str
) -> None:
    async def calls() -> None:
        web = platform(tmp_path, code, timeout=3, secrets={"TOKEN": "tok-0123456789"}, named={"status": ("TOKEN",)})
        with pytest.raises(VendorError, match=re.escape(told)) as raised:
            await web.serving("web")
        assert str(raised.value).startswith(f"the status command of staging {trouble.value}: ")
        assert raised.value.trouble is trouble
        assert "tok-0123456789" not in f"{raised.value!r} {raised.value.__cause__!r}"

    run(calls)


@pytest.mark.parametrize("name", ["deploy", "switch", "rollback"])
def test_a_command_that_changes_something_is_not_run_without_the_lease(tmp_path: Path, name: str) -> None:
    code = f'if name == "{name}": open("run", "a").write("x"); os.kill(os.getpid(), 9)'

    async def run() -> None:
        asked, before = fence(2)
        web = platform(tmp_path, code, before=before)
        nothing = Deployment(id="d", app="web", commit=None, state=State.READY, address="http://x", created=0)
        await web.serving("web")
        assert asked == []
        acts: dict[str, Callable[[], Awaitable[object]]] = {
            "deploy": lambda: web.deploy(ORDER),
            "switch": lambda: web.switch(nothing),
            "rollback": lambda: web.roll_back(nothing, why="it is bad"),
        }
        with pytest.raises(LostError):
            await acts[name]()
        assert (len(asked), (tmp_path / "run").read_text()) == (2, "x")

    anyio.run(run)


def test_a_program_that_is_not_there_is_a_tool_that_is_missing(tmp_path: Path) -> None:
    command = Command(argv=("no-such-program",))
    commands = Commands(directory=tmp_path, deploy=command, status=command, switch=command, rollback=command)

    async def calls() -> None:
        with pytest.raises(ToolError, match="no-such-program is not on this machine"):
            await CommandPlatform(commands, environment="staging").serving("web")
        nothing = Deployment(id="d", app="web", commit=None, state=State.READY, address="http://x", created=0)
        assert await CommandPlatform(commands, environment="staging").log(nothing) == ()

    run(calls)


def test_a_command_that_is_late_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    code = 'open("pid", "w").write(str(subprocess.Popen(["sleep", "300"]).pid)); time.sleep(300)'

    async def calls() -> None:
        with pytest.raises(VendorError, match="no answer within 2 s"):
            await platform(tmp_path, code, timeout=2).serving("web")

    async def gone() -> bool | None:
        try:
            os.kill(int((tmp_path / "pid").read_text()), 0)
        except ProcessLookupError:
            return True
        return None

    run(calls)
    assert anyio.run(until, gone, QUICK)

"""What every executor promises; each test runs on all of them."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.errors import ToolError
from ci.executors.isolation import Mode
from ci.model import Network, Service, Step, Toolchain
from ci.toolchains.versions import CHROMIUM, POSTGRES
from tests.executors.conftest import Place

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check

    MakeCheck = Callable[..., Check]

Shell = tuple[str, str, str]


def sh(line: str) -> Shell:
    return ("sh", "-c", line)


def living(marker: str) -> list[int]:
    """Processes of this machine whose command line holds the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.fixture(params=[Mode.NAMESPACES, Mode.COPY, "dagger"])
def place(request: pytest.FixtureRequest, repository: Path, tmp_path: Path) -> Place:
    """Each executor: the host in namespaces, and in a copy where they are refused; Dagger where an engine answers."""
    if request.param == "dagger":
        on_engine: Place = request.getfixturevalue("dagger")
        return on_engine
    return Place(mode=request.param, repository=repository, cache=tmp_path / "cache")


# --- how steps end --------------------------------------------------------------------------------


def test_a_failing_step_is_a_value_and_ends_the_check(place: Place, check: MakeCheck) -> None:
    execution = place.execute(check("exit 0", "echo broken; exit 7", "echo never"))
    assert [step.exit_code for step in execution.steps] == [0, 7]
    assert execution.steps[1].output == "broken\n"


def test_a_step_that_may_fail_does_not_end_the_check(place: Place, check: MakeCheck) -> None:
    execution = place.execute(check(Step(argv=sh("exit 3"), keep_going=True), "exit 0"))
    assert [step.exit_code for step in execution.steps] == [3, 0]


def test_a_signal_is_reported_as_a_signal(place: Place, check: MakeCheck) -> None:
    step = place.execute(check("kill -SEGV $$")).steps[0]
    assert (step.exit_code, step.signal) == (None, 11)


def test_a_command_that_is_not_there_is_an_error_and_names_itself(place: Place, check: MakeCheck) -> None:
    step = place.execute(check(Step(argv=("no-such-program",)))).steps[0]
    assert step.error == "no-such-program: command not found"


def test_a_step_over_its_time_ends_with_its_whole_tree_and_names_what_still_ran(place: Place, check: MakeCheck) -> None:
    marker = f"3{os.getpid()}77"
    line = f"trap '' TERM; setsid sleep {marker} & (sleep {marker} &) ; sleep {marker}"
    began = time.monotonic()
    step = place.execute(check(Step(argv=sh(line), timeout=1), "echo never")).steps[0]
    assert step.timed_out
    assert any(marker in command for command in step.living)
    assert time.monotonic() - began < 10
    assert living(marker) == []


def test_a_check_that_is_cancelled_leaves_no_process(place: Place, check: MakeCheck) -> None:
    marker = f"4{os.getpid()}77"

    async def cancel() -> None:
        with anyio.move_on_after(1.5):
            await place.run((check(f"setsid sleep {marker} & sleep {marker}"),))

    anyio.run(cancel)
    place.wait_for(lambda: living(marker) == [])
    assert living(marker) == []


def test_a_daemon_that_was_left_behind_is_ended_and_named(place: Place, check: MakeCheck) -> None:
    marker = f"5{os.getpid()}77"
    execution = place.execute(check(f"setsid sleep {marker} >/dev/null 2>&1 & sleep 0.2"))
    assert execution.steps[0].succeeded
    assert execution.left_behind == (f"sleep {marker}",)
    assert living(marker) == []


def test_a_step_that_prints_without_end_is_ended(place: Place, check: MakeCheck) -> None:
    step = place.execute(check(Step(argv=("yes", "x" * 200), timeout=60))).steps[0]
    assert step.error is not None
    assert "printed more than" in step.error
    assert step.omitted > 1_000_000


# --- what comes back ------------------------------------------------------------------------------


def test_head_and_tail_of_a_long_output_are_kept(place: Place, check: MakeCheck) -> None:
    step = place.execute(check("echo first; seq 100000; echo last")).steps[0]
    assert step.output.startswith("first\n1\n")
    assert step.output.endswith("100000\nlast\n")
    assert step.omitted > 400_000
    assert f"{step.omitted} bytes left out" in step.output


def test_escape_sequences_and_control_characters_do_not_come_through(place: Place, check: MakeCheck) -> None:
    step = place.execute(check(r"printf '\033[31mred\033[0m \033]0;title\007 50%%\r100%%\n\007\342\200\256x'")).steps[0]
    assert step.output == "100%\nx"


def test_standard_output_alone_can_be_kept_as_a_file(place: Place, check: MakeCheck) -> None:
    step = Step(argv=sh("echo '{}'; echo warning >&2"), stdout="deep/answer.json")
    execution = place.execute(check(step))
    assert execution.files == {"deep/answer.json": b"{}\n"}
    assert execution.steps[0].output == "warning\n"


def test_reports_of_a_failing_step_come_back(place: Place, check: MakeCheck) -> None:
    line = 'echo out > "${SHIPWAY_OUT}/report.json"; mkdir -p build/x; echo in > build/x/trace.txt; exit 1'
    execution = place.execute(check(line, reports=("build/**/*.txt",)))
    assert execution.files == {"report.json": b"out\n", "build/x/trace.txt": b"in\n"}


def test_known_places_are_filled_into_arguments_and_nothing_else_is(place: Place, check: MakeCheck) -> None:
    step = Step(argv=("printf", "%s|%s", "${SHIPWAY_ROOT}", "${HOME} $HOME"))
    execution = place.execute(check(step))
    assert execution.steps[0].output == f"{execution.root}|${{HOME}} $HOME"


def test_the_tail_of_a_running_step_is_shown_while_it_runs(place: Place, check: MakeCheck) -> None:
    place.execute(check("echo working; sleep 1"))
    assert "working\n" in place.shown


# --- the world of a step --------------------------------------------------------------------------


def test_the_environment_is_built_not_inherited(
    place: Place, check: MakeCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for you")
    output = place.execute(check("env", environment={"MINE": "yes"})).steps[0].output
    assert "not for you" not in output
    assert "MINE=yes\n" in output
    assert "CI=true\n" in output


def test_no_step_can_ask_anything(place: Place, check: MakeCheck) -> None:
    execution = place.execute(check("read -r answer && exit 9; (: < /dev/tty) 2>/dev/null && exit 8; exit 0"))
    assert execution.steps[0].exit_code == 0


def test_local_programs_are_found_before_those_of_the_machine(place: Place, check: MakeCheck) -> None:
    install = check("mkdir -p node_modules/.bin; printf '#!/bin/sh\\necho own' > node_modules/.bin/ls; "
                    "chmod +x node_modules/.bin/ls", name="install", outputs=("**/node_modules",))  # fmt: skip
    execution = place.execute(install, check(Step(argv=("ls",), cwd="packages/core"), needs=(install.id,)))
    assert execution.steps[0].output == "own\n"


def test_the_home_directory_and_the_cache_cannot_be_written(place: Place, check: MakeCheck) -> None:
    home, cache = Path.home(), place.cache
    execution = place.execute(
        check(
            Step(argv=sh(f"touch {home}/shipway-escaped"), keep_going=True),
            Step(argv=sh(f"touch {cache}/shipway-escaped"), keep_going=True),
            Step(argv=sh('touch "$HOME/mine" "${TMPDIR:-/tmp}/mine"'), keep_going=True),
        )
    )
    assert execution.steps[0].succeeded <= home.is_relative_to("/tmp")  # noqa: S108 - which is the check's own
    assert execution.steps[2].succeeded
    assert not (home / "shipway-escaped").exists()
    assert not (cache / "shipway-escaped").exists()


# --- workspaces -----------------------------------------------------------------------------------


def test_writes_are_discarded_and_named(place: Place, check: MakeCheck) -> None:
    line = "echo two > README.md; rm package.json; echo x > new.txt; mkdir dist; echo x > dist/a.js; touch .gitignore"
    execution = place.execute(check(line))
    assert execution.changed == ("M README.md", "A new.txt", "D package.json")
    assert (place.repository / "README.md").read_text(encoding="utf-8") == "one\n"


def test_outputs_are_found_by_those_that_need_them_and_stack(place: Place, check: MakeCheck) -> None:
    first = check("mkdir -p packages/core/dist; echo 1 > packages/core/dist/a; echo stray > stray",
                  name="first", outputs=("**/dist",))  # fmt: skip
    second = check("cat packages/core/dist/a; echo 2 > packages/core/dist/b; mkdir gen; echo 3 > gen/c",
                   name="second", needs=(first.id,), outputs=("**/dist", "gen"))  # fmt: skip
    third = check("cat packages/core/dist/a packages/core/dist/b gen/c; ls", needs=(first.id, second.id))
    output = place.execute(first, second, third).steps[0].output
    assert output.startswith("1\n2\n3\n")
    assert "stray" not in output


def test_of_everything_what_was_written_is_kept_and_not_what_was_there(place: Place, check: MakeCheck) -> None:
    source, git = "packages/core", "git config core.hooksPath .hooks"
    first = check(f"echo 1 > {source}/new.ts; echo 2 >> {source}/index.ts; mkdir .out; echo 3 > .out/a; {git}",
                  name="first", outputs=("**",))  # fmt: skip
    after = check("cat packages/core/new.ts packages/core/index.ts .out/a", needs=(first.id,))
    assert place.execute(first, after).steps[0].output.splitlines()[-1] == "3"
    assert place.kept == (".out/a", "packages/core/index.ts", "packages/core/new.ts")


def test_outputs_beside_files_of_the_repository_are_kept(place: Place, check: MakeCheck) -> None:
    first = check("echo 1 > packages/core/made; mkdir packages/core/deep; echo 2 > packages/core/deep/b",
                  name="first", outputs=("packages/core",))  # fmt: skip
    after = check("cat packages/core/made packages/core/deep/b", needs=(first.id,))
    assert place.execute(first, after).steps[0].output == "1\n2\n"
    assert set(place.kept) == {"packages/core/made", "packages/core/deep/b"}


def test_a_check_cannot_spoil_the_outputs_it_stands_on(place: Place, check: MakeCheck) -> None:
    first = check("mkdir dist; echo good > dist/a", name="first", outputs=("dist",))
    spoiler = check("echo bad > dist/a; rm -rf dist", name="spoiler", needs=(first.id,))
    execution = place.execute(first, spoiler, check("cat dist/a", needs=(first.id,)))
    assert execution.steps[0].output == "good\n"


def test_a_check_can_stand_on_many_preparations(place: Place, check: MakeCheck) -> None:
    place.prepared = tuple(check("true", name=f"p{number}", outputs=("p*",)) for number in range(70))
    needs = tuple(made.id for made in place.prepared)
    assert place.execute(check("ls -d p[0-9]* | wc -l", needs=needs)).steps[0].output == "70\n"


def test_git_works_and_writes_only_to_the_copy(place: Place, check: MakeCheck) -> None:
    line = "git status --porcelain && git log --format=%s && git config core.hooksPath .hooks && git add -A && echo ok"
    execution = place.execute(check(line))
    assert execution.steps[0].output == "one\nok\n"
    hooks = subprocess.run(["git", "config", "core.hooksPath"], cwd=place.repository, check=False, capture_output=True)
    assert hooks.stdout == b""


def test_a_workspace_below_the_top_of_a_repository_sees_its_own_files_only(place: Place, check: MakeCheck) -> None:
    top = place.repository
    place.repository = top / "packages"
    execution = place.execute(check("ls; ls ..; git rev-parse --show-prefix"))
    assert execution.steps[0].output == "core\npackages\npackages/\n"
    assert execution.root.endswith("/packages")


# --- servers and services -------------------------------------------------------------------------

SERVER = (
    "import sys; from http.server import HTTPServer, SimpleHTTPRequestHandler as Files; "
    "HTTPServer(('127.0.0.1', int(sys.argv[1])), Files).serve_forever()"
)


def server(port: int, **more: Any) -> Step:
    return Step(
        argv=("python3", "-c", SERVER, str(port)),
        background=True,
        ready=f"http://127.0.0.1:{port}/",
        timeout=20,
        **more,
    )


def ask(port: int) -> str:
    return f"python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:{port}/README.md\").read().decode())'"


def test_a_server_lives_as_long_as_the_check(place: Place, check: MakeCheck) -> None:
    execution = place.execute(check(server(18431), "sleep 1", ask(18431)))
    assert execution.steps[-1].output == "one\n\n"
    assert execution.left_behind == ()


def test_a_server_that_does_not_come_up_ends_the_check_and_shows_why(place: Place, check: MakeCheck) -> None:
    step = Step(argv=sh("echo no configuration; exit 4"), background=True, ready="tcp:18432", timeout=20)
    execution = place.execute(check(step, "echo never"))
    assert [(run.exit_code, run.output) for run in execution.steps] == [(4, "no configuration\n")]


def test_a_server_that_never_answers_is_given_up(place: Place, check: MakeCheck) -> None:
    step = Step(argv=sh("sleep 60"), background=True, ready="tcp:18433", timeout=1)
    run = place.execute(check(step, "echo never")).steps[0]
    assert run.error == "did not answer at tcp:18433 in time"


def test_a_postgres_of_its_own_stands_beside_the_steps(place: Place, check: MakeCheck) -> None:
    service = Service(
        name="postgres",
        environment={"APP_DATABASE_URL": "postgres://web:{password}@{host}:{port}/app"},
        roles=("web",),
    )
    query = "select current_user, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
    toolchain = Toolchain(name="postgres", tools={"postgres": POSTGRES, "rls": "1"})
    asked = check(place.ask("APP_DATABASE_URL", query))
    execution = place.execute(dataclasses.replace(asked, services=(service,), toolchain=toolchain))
    assert execution.steps[-1].output == "web|f|f\n"
    assert execution.left_behind == ()


def test_what_is_given_as_it_runs_is_a_variable_that_steps_may_name(place: Place, check: MakeCheck) -> None:
    asks = Step(argv=sh('echo "$DATABASE_URL" "$COPY"'), environment={"COPY": "${DATABASE_URL}!"})
    execution = place.execute(dataclasses.replace(check(asks), given={"DATABASE_URL": "postgres://elsewhere"}))
    assert execution.steps[0].output == "postgres://elsewhere postgres://elsewhere!\n"


def test_an_execution_says_which_tools_were_really_there(
    place: Place, check: MakeCheck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browsers/mine"
    browser.parent.mkdir()
    browser.write_text("#!/bin/sh\necho Mine 7.0\n")
    browser.chmod(0o755)
    monkeypatch.setenv("SHIPWAY_CHROMIUM", str(browser))
    toolchain = Toolchain(name="e2e", tools={"chromium": CHROMIUM})
    execution = place.execute(dataclasses.replace(check("true"), toolchain=toolchain))
    if place.name == "dagger":
        assert "Chromium" in execution.tools["chromium"]
        assert re.search(r"/playwright:v[\d.]+-noble@sha256:[0-9a-f]{64}$", execution.tools["image"])
    else:
        assert execution.tools == {"chromium": "Mine 7.0"}


# --- what a copied workspace cannot give ----------------------------------------------------------


@pytest.fixture
def walled(place: Place) -> Place:
    if place.name == "host" and place.mode is not Mode.NAMESPACES:
        pytest.skip("a copied workspace does not promise this; the report says so")
    return place


@pytest.fixture
def namespaces(walled: Place) -> Place:
    if walled.name == "dagger":
        pytest.skip("Dagger does not promise this; the report says so")
    return walled


def test_a_step_says_what_network_it_could_reach(place: Place, check: MakeCheck) -> None:
    inside, outside = check("true"), check("true", network=Network.OUTSIDE)
    cut_off = place.name == "host" and place.mode is Mode.NAMESPACES
    assert place.execute(inside).steps[0].network is (Network.LOOPBACK if cut_off else Network.OUTSIDE)
    assert place.execute(outside).steps[0].network is Network.OUTSIDE


def test_the_network_is_the_checks_own_loopback(namespaces: Place, check: MakeCheck) -> None:
    lines = Path("/proc/net/dev").read_text(encoding="utf-8").splitlines()[2:]
    assert len(lines) > 1, "this machine has no network to be cut off from"
    output = namespaces.execute(check("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).steps[0].output
    assert output.split()[0] == "lo"
    assert set(output.split()) <= {
        "lo",
        "sit0",
        "tunl0",
        "ip6tnl0",
        "gre0",
        "gretap0",
        "erspan0",
        "ip_vti0",
        "ip6_vti0",
    }


def test_two_checks_can_use_the_same_port_at_once(walled: Place, check: MakeCheck) -> None:
    async def both() -> list[str]:
        outputs: list[str] = []

        async def one(number: int) -> None:
            other = dataclasses.replace(walled, cache=walled.cache / str(number))
            name = f"check-{number}"  # or an engine makes one of both
            execution = await other.run((check(server(18434), "sleep 1", ask(18434), name=name),))
            outputs.append(execution.steps[-1].output)

        async with anyio.create_task_group() as group:
            group.start_soon(one, 1)
            group.start_soon(one, 2)
        return outputs

    assert anyio.run(both) == ["one\n\n", "one\n\n"]


def test_processes_of_the_machine_are_not_seen(walled: Place, check: MakeCheck) -> None:
    output = walled.execute(check("ls /proc | grep -c '^[0-9]*$'")).steps[0].output
    assert int(output) < 10


def test_everything_else_is_read_only_and_tmp_is_private(walled: Place, check: MakeCheck) -> None:
    outside = Path(f"/var/tmp/shipway-{os.getpid()}")  # noqa: S108 - it must not come into being
    line = f"touch {outside}; touch /etc/shipway && exit 9; echo x > /tmp/shipway-{os.getpid()}; exit 0"
    assert walled.execute(check(line)).steps[0].exit_code == 0
    assert not outside.exists()
    assert not Path(f"/tmp/shipway-{os.getpid()}").exists()  # noqa: S108 - as above


def test_more_preparations_than_overlays_take_are_an_error_of_that_check(namespaces: Place, check: MakeCheck) -> None:
    namespaces.prepared = tuple(check("true", name=f"p{number}", outputs=("p*",)) for number in range(500))
    with pytest.raises(ToolError, match="500 preparations at once are more than the 499 that overlayfs takes"):
        namespaces.execute(check("true", needs=tuple(made.id for made in namespaces.prepared)))


# --- packages -------------------------------------------------------------------------------------


def test_only_a_check_of_packages_gets_the_users_npmrc_and_the_tokens_that_it_names(
    place: Place, check: MakeCheck, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "npmrc").write_text("//a.example.test/:_authToken=${MY_FEED}\n")
    (place.repository / ".npmrc").write_text("//b.example.test/:_authToken=${NPM_TOKEN}\nx=${OTHER_TOKEN}\n")
    given = {"NPM_CONFIG_USERCONFIG": str(tmp_path / "npmrc"), "MY_FEED": "1", "NPM_TOKEN": "2", "OTHER_TOKEN": "3"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    line = 'cat "${NPM_CONFIG_USERCONFIG:-/dev/null}"; echo "<$MY_FEED|$NPM_TOKEN|$OTHER_TOKEN>"'
    assert place.execute(check(line)).steps[0].output == "<||>\n"
    installs = place.execute(check(line, name="install", registry=True))
    assert installs.steps[0].output == "//a.example.test/:_authToken=${MY_FEED}\n<1|2|>\n"

"""Bad input gets one clear line (what, where, what to do), its own exit code, no traceback; nothing is lost."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import command, environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Ran

    Run = Callable[..., Ran]
    Subject = Callable[[str], Path]


def complains(ran: Ran, code: int, *patterns: str) -> None:
    assert ran.code == code, (ran.code, ran.out, ran.err)
    assert "Traceback" not in ran.err + ran.out
    lines = [line for line in ran.err.splitlines() if line]
    assert len(lines) == len(patterns), lines
    for line, pattern in zip(lines, patterns, strict=True):
        assert re.search(pattern, line), line


def test_a_directory_that_is_not_there(shipway: Run, tmp_path: Path) -> None:
    complains(shipway("run", "nowhere", cwd=tmp_path), 2, r"^shipway: .*nowhere is not a directory \(name the root")


def test_a_directory_that_is_no_workspace(shipway: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    complains(shipway("run", "empty", cwd=tmp_path), 2, r"^shipway: .*package\.json")


def test_a_workspace_of_another_package_manager(shipway: Run, tmp_path: Path) -> None:
    root = tmp_path / "npm"
    root.mkdir()
    (root / "package.json").write_text("{}", encoding="utf-8")
    (root / "package-lock.json").write_text("{}", encoding="utf-8")
    complains(shipway("run", ".", cwd=root), 2, r"^shipway: .*package-lock\.json.*npm")


def test_a_lockfile_with_a_merge_conflict(shipway: Run, subject: Subject) -> None:
    root = subject("turbo-biome")
    lock = root / "pnpm-lock.yaml"
    text = lock.read_text(encoding="utf-8").splitlines()
    lock.write_text("\n".join([*text[:9], "<<<<<<< HEAD", *text[9:]]), encoding="utf-8")
    complains(shipway("run", ".", cwd=root), 2, r"^shipway: pnpm-lock\.yaml:10: .*conflict")


def test_a_package_json_that_is_no_json(shipway: Run, subject: Subject) -> None:
    root = subject("turbo-biome")
    (root / "package.json").write_text('{\n  "name": "x",,\n}\n', encoding="utf-8")
    complains(shipway("plan", ".", cwd=root), 2, r"^shipway: package\.json:2")


FIVE_MISTAKES = """\
[stages.unitt]
coverage = true
[stages.lint]
timeout = "soon"
[stages.typecheck]
strict = "always"
[stages.integration]
secrets = { STRIPE_KEY = "sk_test_literal" }
[run]
slots = -1
"""


def test_settings_with_five_mistakes_show_all_five_with_line_and_hint(shipway: Run, subject: Subject) -> None:
    root = subject("turbo-biome")
    (root / "shipway.toml").write_text(FIVE_MISTAKES, encoding="utf-8")
    ran = shipway("run", ".", cwd=root)
    complains(
        ran,
        2,
        r"^shipway: shipway\.toml",
        r"shipway\.toml:1: .*unitt.*unit",
        r"shipway\.toml:4: ",
        r"shipway\.toml:6: .*require",
        r"shipway\.toml:8: .*env://",
        r"shipway\.toml:10: ",
    )
    assert "sk_test_literal" not in ran.err


def test_a_report_directory_with_something_else_in_it_is_left_alone(
    subject: Subject, tmp_path: Path, shipway: Run
) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report/thesis.txt").write_text("years of work", encoding="utf-8")
    ran = shipway("run", ".", "--stage", "audit", cwd=subject("no-root-scripts"))
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert (tmp_path / "report/thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_a_missing_tool_without_a_network(shipway: Run, subject: Subject, tmp_path: Path) -> None:
    nothing_answers = {"SHIPWAY_CACHE": str(tmp_path / "cache"), "NPM_CONFIG_REGISTRY": "http://127.0.0.1:9/"}
    ran = shipway("run", ".", "--stage", "install", cwd=subject("turbo-biome"), env=nothing_answers)
    assert ran.code == 4
    assert ran.report is not None
    assert ran.statuses["install"] == "error"
    assert re.search(r"pnpm 10\.34\.9 .*(network|registry|reached)", ran.out), ran.out
    assert "Traceback" not in ran.out + ran.err


def on_a_small_disk(
    size: str, cache: Path, arguments: list[str], root: Path, state: Path
) -> subprocess.CompletedProcess[str]:
    """Run the tool with a cache on a filesystem of this size, in a mount namespace of its own."""
    cache.mkdir()
    mounted = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, str(cache), *command(*arguments)],
        cwd=root,
        env=environment(state, SHIPWAY_CACHE=str(cache)),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("size", ["64k", "1m", "12m"])
def test_a_full_disk_is_said_in_one_line_wherever_it_strikes(subject: Subject, tmp_path: Path, size: str) -> None:
    if subprocess.run(["unshare", "-Urm", "true"], check=False).returncode != 0:
        pytest.skip("this machine refuses the namespaces in which a small disk is mounted")
    arguments = ["run", ".", "--stage", "install", "--report", str(tmp_path / "report")]
    ran = on_a_small_disk(size, tmp_path / "cache", arguments, subject("turbo-biome"), tmp_path / "state")
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert re.search("^shipway: no (space|room) .*SHIPWAY_CACHE", ran.stderr, re.MULTILINE), ran.stderr
    assert len(ran.stderr.splitlines()) == 1


def test_two_runs_on_one_repository_at_once_are_both_green(subject: Subject, tmp_path: Path) -> None:
    root = subject("turbo-biome")
    runs = [
        subprocess.Popen(
            command("run", ".", "--stage", "install", "--no-cache", "--report", str(tmp_path / f"report-{number}")),
            cwd=root,
            env=environment(tmp_path / "state"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for number in (1, 2)
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs


def start(root: Path, tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command("run", ".", "--no-cache", "--report", str(tmp_path / "report"), *arguments),
        cwd=root,
        env=environment(tmp_path / "state"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(line: str, run: subprocess.Popen[str]) -> None:
    assert run.stdout is not None
    for said in run.stdout:
        if line in said:
            return
    raise AssertionError(f"it never said {line!r}")


def test_files_edited_during_a_run_are_named_and_not_part_of_it(subject: Subject, tmp_path: Path) -> None:
    root = subject("turbo-biome")
    run = start(root, tmp_path, "--stage", "install")
    wait_for("install/pnpm@. started", run)
    (root / "biome.json").write_text("{ edited", encoding="utf-8")
    out, err = run.communicate(timeout=300)
    assert run.returncode == 0, out + err
    assert "edited during the run" in out
    assert "biome.json" in out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_in_one_line(subject: Subject, tmp_path: Path, number: signal.Signals) -> None:
    root = subject("turbo-biome")
    run = start(root, tmp_path)
    wait_for("started", run)
    time.sleep(0.5)
    run.send_signal(number)
    _, err = run.communicate(timeout=30)
    assert run.returncode == 130, err
    assert err.splitlines() == ["shipway: interrupted; everything it started was ended, and nothing is left behind"]
    assert not (tmp_path / "report").exists()
    marker = f"SHIPWAY_ROOT={root}".encode()
    assert [pid for pid in Path("/proc").glob("[0-9]*") if marker in read(pid / "environ")] == []


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""

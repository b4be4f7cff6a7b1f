"""What the driver puts between the parts: what a run keeps, redacts and tells."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from typing import TYPE_CHECKING

import anyio

from ci.executors.redacting import Redacting
from ci.model import Check, Execution, Failure, Status, StepRun, Toolchain, Verdict
from ci.redact import Redactor
from ci.reporting.keepsakes import Keepsakes
from tests.conftest import command, environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SHOT = "test-results/counts/test-failed-1.png"
TRACE = "test-results/counts/trace.zip"


def green(_: Execution) -> Verdict:
    return Verdict(status=Status.PASSED)


def suite(package: str) -> Check:
    tools = Toolchain(name="node", tools={})
    return Check(stage="e2e", name="playwright", package=package, toolchain=tools, steps=(), judge=green)


def left(**files: bytes) -> Execution:
    names = {"shot": SHOT, "trace": TRACE}
    return Execution(steps=(), files={names[name]: content for name, content in files.items()})


RED = Verdict(
    status=Status.FAILED,
    reason="1 test of 1 failed: counts",
    failures=(Failure(message="no button", test="counts", artifact=SHOT),),
    artifacts=(SHOT, TRACE),
)


def test_what_both_looks_left_is_kept_apart() -> None:
    kept, check = Keepsakes(), suite("apps/web")
    first = kept.keep(check, left(shot=b"first", trace=b"t1"), RED)
    second = kept.keep(check, left(shot=b"second"), RED)
    assert [kept.artifacts[name] for name in first.artifacts] == [b"first", b"t1"]
    assert [kept.artifacts[name] for name in second.artifacts] == [b"second"]
    assert second.failures[0].artifact is not None
    assert kept.artifacts[second.failures[0].artifact] == b"second"


def test_a_failure_that_the_second_look_takes_over_has_its_picture_from_the_first() -> None:
    kept, check = Keepsakes(), suite(".")
    kept.keep(check, left(shot=b"first", trace=b"t1"), RED)
    second = kept.keep(check, left(), dataclasses.replace(RED, reason="the time was up"))
    assert second.failures[0].artifact is not None
    assert kept.artifacts[second.failures[0].artifact] == b"first"


def test_packages_whose_names_look_alike_do_not_share_a_folder() -> None:
    kept = Keepsakes()
    for package in ("apps/a-b", "apps/a/b", "apps/a@b", "."):
        kept.keep(suite(package), left(shot=package.encode()), RED)
    assert sorted(kept.artifacts.values()) == [b".", b"apps/a-b", b"apps/a/b", b"apps/a@b"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Printing:
    """An executor whose steps print megabytes."""

    name: str = "printing"

    async def execute(self, _: Check) -> Execution:
        """Return at once."""
        lines = "".join(f"{number} the key is a1b2c3d4e5f6\n" for number in range(60_000))
        return Execution(steps=(StepRun(argv=("x",), cwd=".", seconds=1.0, exit_code=0, output=lines),))


def test_redacting_much_does_not_stop_the_clocks() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await anyio.sleep(0.01)
            ticks += 1

    async def play() -> Execution:
        async with anyio.create_task_group() as group:
            group.start_soon(tick)
            executor = Redacting(executor=Printing(), redactor=Redactor({"API_KEY": "a1b2c3d4e5f6"}))
            execution = await executor.execute(suite("."))
            group.cancel_scope.cancel()
        return execution

    assert "a1b2c3" not in anyio.run(play).steps[0].output
    assert ticks > 3


def test_a_report_that_finds_no_place_in_the_end_costs_neither_the_verdict_nor_the_history(
    subject: Callable[[str], Path], tmp_path: Path
) -> None:
    root, report = subject("turbo-biome"), tmp_path / "report"
    arguments = command("run", ".", "--stage", "install", "--report", str(report))
    settings = environment(tmp_path / "state")
    with subprocess.Popen(
        arguments, cwd=root, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        first = run.stdout.readline()
        report.write_text("in the way", encoding="utf-8")
        out, err = run.communicate(timeout=300)
    assert run.returncode == 2, first + out + err
    assert err.splitlines() == [f"shipway: {report} is a file (give --report a directory)"]
    assert re.search(r"PASSED \d of 7 stages", out), out
    report.unlink()
    subprocess.run(arguments, cwd=root, env=settings, check=True, capture_output=True)
    assert (report / "report.json").read_text(encoding="utf-8").count('"verdict"') == 3

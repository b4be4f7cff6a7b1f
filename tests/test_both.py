"""The example on both executors: one and the same report, but for where and how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.executors.engine import RUNNER, Engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Ran


def essence(report: dict[str, Any]) -> dict[str, Any]:
    """Return what a report says, without the executor, times, outputs of steps and versions of its tools."""
    said = ("name", "package", "status", "counts", "failures", "repeat", "why", "reason")
    return {
        "verdict": report["verdict"],
        "stages": {
            stage["name"]: (stage["status"], [{key: check[key] for key in said} for check in stage["checks"]])
            for stage in report["stages"]
        },
        "commands": [
            [step["argv"] for step in check["steps"] if not step["background"]]
            for stage in report["stages"]
            for check in stage["checks"]
        ],
    }


@pytest.mark.long
def test_a_run_says_the_same_on_the_host_and_on_an_engine(
    receipts: Path, shipway: Callable[..., Ran], engine: Engine
) -> None:
    host = shipway("run", ".", "--no-cache", "--executor", "host", cwd=receipts)
    dagger = shipway("run", ".", "--no-cache", cwd=receipts, env={RUNNER: engine.address}, timeout=900)
    assert host.report is not None, host.err
    assert dagger.report is not None, dagger.err
    assert (host.code, dagger.code) == (0, 0)
    assert essence(dagger.report) == essence(host.report)
    assert (host.report["executor"], host.report["executor_reason"]) == ("host", "it was asked for")
    assert (dagger.report["executor"], dagger.report["executor_reason"]) == ("dagger", f"{engine.address} answers")

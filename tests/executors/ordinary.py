"""Runs checks as a user without privileges, whoever runs the tests: root is never refused anything.

    python tests/executors/ordinary.py    a request on standard input, what came of the last check as JSON

Root becomes another user in a user namespace, who owns what root owns and may nothing beside.
"""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.executors.isolation import Mode
from ci.model import Check, Step, Toolchain
from tests.executors.conftest import Place, passes

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
USER = ("unshare", "--user", "--map-user=12345", "--map-group=12345")


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What is looked at of an execution."""

    codes: list[int | None]
    outputs: list[str]
    files: Mapping[str, str]
    changed: list[str]


def execute(
    place: Place,
    *checks: Check,
    home: Path | None = None,
    mounted: Path | None = None,
    python: Path = Path(sys.executable),
) -> Ended:
    """Execute the checks; `home` is the user's, `python` runs Shipway, the cache is used by its name at `mounted`."""
    becoming = USER if os.geteuid() == 0 or mounted else ()
    command = [*becoming, str(python), "-P", __file__]
    if becoming and subprocess.run([*becoming, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("this machine refuses user namespaces")
    if mounted is not None:
        place.cache.mkdir(exist_ok=True)
        bind = f"mount --bind '{place.cache}' '{mounted}' && exec \"$@\""
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", bind, "sh", *command]
    request = {
        "mode": place.mode.value,
        "repository": str(place.repository),
        "cache": str(mounted or place.cache),
        "checks": [
            {"name": check.name, "argvs": [step.argv for step in check.steps], "outputs": check.outputs,
             "needs": check.needs}
            for check in checks
        ],
    }  # fmt: skip
    found = ":".join((str(ROOT), *site.getsitepackages()))
    environment = {**os.environ, "PYTHONPATH": found, **({"HOME": str(home)} if home else {})}
    done = subprocess.run(
        command, input=json.dumps(request), capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    if "Skipped" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    return Ended(**json.loads(done.stdout))


def main() -> None:
    """Answer one request."""
    request = json.load(sys.stdin)
    place = Place(mode=Mode(request["mode"]), repository=Path(request["repository"]), cache=Path(request["cache"]))
    checks = tuple(
        Check(
            stage="unit",
            name=told["name"],
            toolchain=Toolchain(name="none", tools={}),
            steps=tuple(Step(argv=tuple(argv), timeout=30, keep_going=True) for argv in told["argvs"]),
            judge=passes,
            outputs=tuple(told["outputs"]),
            needs=tuple(told["needs"]),
        )
        for told in request["checks"]
    )
    execution = anyio.run(place.run, checks)
    json.dump(
        {
            "codes": [step.exit_code for step in execution.steps],
            "outputs": [step.output for step in execution.steps],
            "files": {path: content.decode() for path, content in execution.files.items()},
            "changed": execution.changed,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()

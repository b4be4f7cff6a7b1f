"""Vercel's own SDK (@vercel/sdk, option serverURL) reads the stand-in's answers by its own schemas."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.processes import inherited, run
from ci.rehearsal.serving import serving
from ci.toolchains.wheels import node_wheel
from tests.conftest import ROOT
from tests.vendors.subjects.vercel import COMMIT, NAME, TEAM, TOKEN, stand_in

if TYPE_CHECKING:
    from pathlib import Path

HERE = ROOT / "tests/vendors/clients/vercel"


@pytest.mark.long
def test_vercels_own_sdk_goes_the_whole_round(tmp_path: Path) -> None:
    for name in ("package.json", "package-lock.json", "round.mjs"):
        shutil.copy2(HERE / name, tmp_path / name)
    wheel = node_wheel()
    environment = {**inherited(), "PATH": os.pathsep.join([str(wheel.node.parent), os.environ["PATH"]])}

    async def calls() -> None:
        npm = [str(wheel.node), str(wheel.npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        installed = await run(npm, cwd=tmp_path, environment=environment, timeout=300)
        assert installed.code == 0, installed.complaint
        it = stand_in(tmp_path / "vercel")
        async with serving(it) as address:
            argv = [str(wheel.node), "round.mjs", address, TOKEN, TEAM, NAME, COMMIT]
            done = await run(argv, cwd=tmp_path, environment=environment, timeout=120)
            assert done.code == 0, done.stderr.decode()
        found = json.loads(done.text)
        assert found == {
            "user": "rehearsal",
            "autoAssigned": True,
            "built": "READY",
            "meta": "sdk",
            "events": [f"building {COMMIT}"],
            "promoted": "promote",
            "candidates": [True, False],
            "rolledBack": "rollback",
            "serves": True,
            "aliases": 1,
            "failed": [],
            "production": True,
            "autoAssignedAfter": False,
            "refused": {"name": "SDKError", "status": 400},
        }

    anyio.run(calls)

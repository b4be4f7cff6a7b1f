from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import anyio
import pytest

from ci.rehearsal.serving import serving
from ci.toolchains.wheels import node_wheel
from tests.vendors.subjects.neon import KEY, PROJECT, on_paper

HERE = Path(__file__).parent / "clients/neon"


@pytest.mark.long
def test_the_vendors_own_client_is_answered_as_by_the_vendor(tmp_path: Path) -> None:
    wheel = node_wheel()
    place = tmp_path / "client"
    shutil.copytree(HERE, place)
    path = {**os.environ, "PATH": f"{wheel.node.parent}{os.pathsep}{os.environ['PATH']}"}
    install = [str(wheel.node), str(wheel.npm), "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
    subprocess.run(install, cwd=place, env=path, check=True, capture_output=True, timeout=300)

    async def play() -> None:
        async with serving(on_paper(tmp_path / "world")) as address:
            asked = [str(wheel.node), "round.mjs", f"{address}/api/v2", KEY, PROJECT]
            done = await anyio.run_process(asked, cwd=place, env=path, check=False)
        assert done.returncode == 0, done.stderr.decode()
        told = json.loads(done.stdout)
        assert told.pop("uri").startswith("postgresql://neondb_owner:npg_")
        assert told == {
            "user": "founder@example.test",
            "project": PROJECT,
            "created": 201,
            "state": "ready",
            "found": ["of-the-client"],
            "databases": ["neondb"],
            "roles": ["neondb_owner"],
            "idle": "idle",
            "deleted": [200, 204],
            "refused": [404, "branch not found"],
        }

    anyio.run(play)

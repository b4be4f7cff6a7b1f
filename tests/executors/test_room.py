from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import pytest

from ci.executors.room import GIB, limits, room

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NONE = 9_223_372_036_854_771_712  # what version 1 writes where there is no limit


@pytest.mark.parametrize(
    ("groups", "files", "expected"),
    [
        pytest.param(
            "0::/\n", {"cpu.max": "200000 100000", "memory.max": str(4 * GIB)}, (2.0, 4 * GIB), id="a container"
        ),
        pytest.param(
            "0::/system.slice/runner.service\n",
            {
                "system.slice/cpu.max": "150000 100000",
                "system.slice/memory.max": "max",
                "system.slice/runner.service/cpu.max": "max 100000",
                "system.slice/runner.service/memory.max": str(3 * GIB),
            },
            (1.5, 3 * GIB),
            id="every level limits",
        ),
        pytest.param(
            "0::/docker/abc\n", {"cpu.max": "50000 100000", "memory.max": "max"}, (0.5, math.inf), id="the host's path"
        ),
        pytest.param(
            "5:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "300000",
                "cpu,cpuacct/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(2 * GIB),
            },
            (3.0, 2 * GIB),
            id="version 1",
        ),
        pytest.param(
            "5:memory:/\n4:cpu,cpuacct:/\n0::/\n",
            {
                "cpu,cpuacct/cpu.cfs_quota_us": "-1",
                "cpu,cpuacct/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(NONE),
            },
            (math.inf, NONE),
            id="version 1 without limits",
        ),
        pytest.param("0::/\n", {}, (math.inf, math.inf), id="no limits"),
    ],
)
def test_what_a_container_may_use_is_what_counts(
    tmp_path: Path, groups: str, files: Mapping[str, str], expected: tuple[float, float]
) -> None:
    for path, content in (
        ("proc/self/cgroup", groups),
        *((f"sys/fs/cgroup/{name}", f"{text}\n") for name, text in files.items()),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content, encoding="utf-8")
    assert limits(tmp_path) == expected


def test_a_machine_without_control_groups_has_no_limits(tmp_path: Path) -> None:
    assert limits(tmp_path) == (math.inf, math.inf)


def test_there_is_room_for_one_check_at_least_and_one_more_than_cores_at_most() -> None:
    assert 1 <= room() <= (os.cpu_count() or 1) + 1

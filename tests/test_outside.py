"""A workspace in a directory of a larger repository: what it needs from above comes along where it is named."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.conftest import ROOT, commit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Ran

    Run = Callable[..., Ran]

READING = """\
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

it("agrees with all others", () => {
  const shared = `${import.meta.dirname}/../../../../../shared/decimals.txt`;
  expect(readFileSync(shared, "utf8").trim()).toBe("2");
});
"""


def unit(ran: Ran) -> dict[str, Any]:
    assert ran.report is not None, ran.err
    stage = next(stage for stage in ran.report["stages"] if stage["name"] == "unit")
    check: dict[str, Any] = next(check for check in stage["checks"] if check["package"] == "packages/money")
    return check


def test_a_named_file_above_the_workspace_is_seen_and_a_change_of_it_is_a_change(tmp_path: Path, shipway: Run) -> None:
    top = tmp_path / "everything"
    root = top / "clients/web"
    shutil.copytree(ROOT / "tests/subjects/no-root-scripts", root, symlinks=True)
    (root / "packages/money/src/shared.test.ts").write_text(READING, encoding="utf-8")
    (top / "shared").mkdir()
    (top / "shared/decimals.txt").write_text("2\n", encoding="utf-8")
    commit(top)

    alone = unit(shipway("run", ".", "--stage", "unit", cwd=root))
    assert alone["status"] == "failed"
    assert "ENOENT" in alone["failures"][0]["message"]

    (root / "shipway.toml").write_text('[run]\noutside = ["../../shared/**"]\n', encoding="utf-8")
    assert unit(shipway("run", ".", "--stage", "unit", cwd=root))["status"] == "passed"
    assert unit(shipway("run", ".", "--stage", "unit", cwd=root))["cached_from"] is not None

    (top / "shared/decimals.txt").write_text("3\n", encoding="utf-8")
    changed = unit(shipway("run", ".", "--stage", "unit", cwd=root))
    assert changed["status"] == "failed"
    assert changed["failures"][0]["message"] == "expected '3' to be '2' // Object.is equality"

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ci.gates import GATES

GATES_HOME = Path(__file__).resolve().parents[2] / "ci" / "gates"
IMPURE = {"asyncio", "anyio", "datetime", "httpx", "os", "pathlib", "random", "secrets", "socket", "subprocess", "time"}


@pytest.mark.parametrize("file", sorted(GATES_HOME.glob("*.py")), ids=lambda file: file.name)
def test_a_gate_has_no_clock_no_chance_no_file_and_no_network(file: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imported |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Name):
            assert node.id not in {"open", "input", "print"}
    assert not imported & IMPURE


def test_every_gate_is_in_the_map() -> None:
    ruling = {file.stem for file in GATES_HOME.glob("*.py") if "\ndef rule(" in file.read_text(encoding="utf-8")}
    assert ruling == set(GATES)

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FILES = {
    "apps/web/tsconfig.json": json.dumps(
        {"compilerOptions": {"paths": {"@/*": ["./src/*"], "~db": ["../../packages/db/src/index.ts"]}}}
    ),
    "apps/web/src/lib/l.ts": "export const l = 1;",
    "apps/api/tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./lib/*"]}}}',
    "apps/api/lib/l.ts": "export const l = 2;",
    "packages/db/package.json": '{"name": "@x/db", "exports": {".": "./src/index.ts", "./gone": "./dist/gone.js"}}',
    "packages/db/src/index.ts": "export const db = 1; export type Row = number;",
}
NAMES = {"@x/db": "packages/db"}
Imports = list[list[Any]]


@pytest.fixture
def graph(environment: dict[str, str], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Ask for the imports of packages of a workspace where apps/web has packages/db among its modules."""
    modules = tmp_path / "apps/web/node_modules/@x"
    modules.mkdir(parents=True)
    (modules / "db").symlink_to("../../../../packages/db")
    for path, content in FILES.items():
        write(tmp_path / path, content)

    def run(*packages: str, code: int = 0, look: tuple[str, ...] = ()) -> dict[str, Any]:
        asked = {
            "packages": [{"path": path, "config": f"{path}/tsconfig.json"} for path in packages],
            "names": NAMES,
            "look": look,
        }
        argv = ["shipway-imports", "--out", str(tmp_path / "out.json"), json.dumps(asked)]
        done = subprocess.run(argv, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        answer: dict[str, Any] = {"said": done.stderr} if code else json.loads((tmp_path / "out.json").read_text())
        return answer

    return run


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def leads(answer: dict[str, Any]) -> set[tuple[int, str, str]]:
    return {(line, specifier, target) for _, line, specifier, target in answer["imports"]}


@pytest.mark.parametrize(
    "line",
    [
        'import { db } from "@x/db";',
        'import type { Row } from "@x/db";',
        'export * from "@x/db";',
        'const db = () => import("@x/db");',
        'import db = require("@x/db");',
        'import {\n  db,\n} from "@x/db";',
    ],
)
def test_every_kind_of_import_of_a_workspace_package_leads_to_its_sources(
    graph: Callable[..., dict[str, Any]], tmp_path: Path, line: str
) -> None:
    write(tmp_path / "apps/web/src/a.ts", f'// import "@x/db/gone"\n{line}\nexport {{}};\n')
    found = leads(graph("apps/web"))
    assert {(specifier, target) for _, specifier, target in found} == {("@x/db", "packages/db/src/index.ts")}
    assert {number for number, _, _ in found} == {line.count("\n") + 2}


def test_path_aliases_are_those_of_each_package(graph: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    for app in ("web", "api"):
        write(tmp_path / f"apps/{app}/a.ts", 'import "@/lib/l"; import "@/l"; import "~db";')
    assert leads(graph("apps/web", "apps/api")) == {
        (1, "@/lib/l", "apps/web/src/lib/l.ts"),
        (1, "~db", "packages/db/src/index.ts"),
        (1, "@/l", "apps/api/lib/l.ts"),
    }


def test_what_only_a_build_would_write_is_known_by_the_packages_name(
    graph: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    write(tmp_path / "apps/web/src/a.ts", 'import "@x/db/gone"; import "./nowhere"; import "node:fs";')
    answer = graph("apps/web")
    assert leads(answer) == {(1, "@x/db/gone", "packages/db/gone"), (1, "fs", "fs")}
    assert answer["unresolved"] == [["apps/web/src/a.ts", 1, "./nowhere"]]


def test_scripts_inside_of_markup_are_read_too(graph: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path / "apps/web/src/A.vue", '<p>import "nope"</p>\n<script setup lang="ts">\nimport "~db";\n</script>')
    write(tmp_path / "apps/web/src/B.astro", '---\nimport l from "@/lib/l";\n---\n<p>import "nope"</p>\n')
    answer = graph("apps/web")
    assert leads(answer) == {(3, "~db", "packages/db/src/index.ts"), (2, "@/lib/l", "apps/web/src/lib/l.ts")}
    assert (answer["files"], answer["unresolved"]) == (3, [])


def test_installed_modules_are_no_sources(graph: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path / "apps/web/node_modules/m/index.js", 'import "@x/db";')
    assert graph("apps/web")["files"] == 1


def test_a_broken_tsconfig_is_said_in_one_line(graph: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path / "apps/web/tsconfig.json", "no JSON")
    said = graph("apps/web", code=1)["said"]
    assert said.startswith("shipway-imports: ")
    assert said.count("\n") == 1
    assert "apps/web/tsconfig.json" in said


def test_what_lies_below_a_path_is_told(graph: Callable[..., dict[str, Any]]) -> None:
    look = ("packages", "apps/web/tsconfig.json", "nowhere", "fs", "nothing")
    assert graph(look=look)["there"] == [
        "packages/db/package.json", "packages/db/src/index.ts", "apps/web/tsconfig.json", "fs",
    ]  # fmt: skip

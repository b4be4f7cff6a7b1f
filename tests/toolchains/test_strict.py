from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

NATIVE = """\
const fs = require("node:fs");
const path = require("node:path");
const read = (file) => {
  const { compilerOptions, extends: base } = JSON.parse(fs.readFileSync(file, "utf8").replace(/^\\s*\\/\\/.*$/gm, ""));
  return { ...(base ? read(path.resolve(path.dirname(file), base)) : {}), ...compilerOptions };
};
console.log(JSON.stringify({ compilerOptions: read(process.argv.at(-1)), files: ["./x.ts"] }));
"""


@pytest.fixture
def strictness(environment: dict[str, str], tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Ask for the strictness of tsconfig files below `p`, whose TypeScript says that it has the given version.

    Its library is the one that dependency-cruiser brings; version 7 has none, and answers as a program.
    """
    library = Path(environment["SHIPWAY_DEPCRUISE"], "node_modules/typescript/lib")

    def run(*configs: str, version: str = "6.0.3", build: bool = False) -> list[dict[str, Any]]:
        home = tmp_path / "node_modules/typescript"
        write(home / "package.json", json.dumps({"version": version, "bin": {"tsc": "tsc.js"}}))
        if version.startswith("7"):
            write(home / "tsc.js", NATIVE)
        else:
            (home / "lib").symlink_to(library)
        asked = json.dumps([{"config": config, "build": build} for config in configs])
        argv = ["shipway-strict", "--out", str(tmp_path / "out.json"), asked]
        subprocess.run(argv, env=environment, cwd=tmp_path, check=True)
        answer: list[dict[str, Any]] = json.loads((tmp_path / "out.json").read_text())
        return answer

    return run


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def configured(root: Path, path: str, **options: object) -> None:
    write(root / path, json.dumps({"compilerOptions": options, "files": ["x.ts"]}))


@pytest.mark.parametrize(("version", "strict"), [("5.9.3", False), ("6.0.3", True), ("7.0.2", True)])
def test_what_says_nothing_is_strict_from_version_6_on(
    strictness: Callable[..., list[dict[str, Any]]], tmp_path: Path, version: str, *, strict: bool
) -> None:
    configured(tmp_path, "p/tsconfig.json", target="es2022")
    (found,) = strictness("p/tsconfig.json", version=version)
    assert (found["typescript"], found["off"] == []) == (version, strict)
    assert "line" not in found


@pytest.mark.parametrize("version", ["5.9.3", "6.0.3", "7.0.2"])
def test_a_member_of_the_family_that_is_off_makes_it_loose(
    strictness: Callable[..., list[dict[str, Any]]], tmp_path: Path, version: str
) -> None:
    write(
        tmp_path / "p/tsconfig.json",
        '{"compilerOptions": {"strict": true,\n"noImplicitAny": false}, "files": ["x.ts"]}',
    )
    (found,) = strictness("p/tsconfig.json", version=version)
    assert (found["off"], found["file"], found["line"]) == (["noImplicitAny"], "p/tsconfig.json", 2)


def test_the_whole_family_one_by_one_is_strict(strictness: Callable[..., list[dict[str, Any]]], tmp_path: Path) -> None:
    family = (
        "noImplicitAny", "strictNullChecks", "strictFunctionTypes", "strictBindCallApply", "noImplicitThis",
        "strictPropertyInitialization", "useUnknownInCatchVariables", "strictBuiltinIteratorReturn", "alwaysStrict",
    )  # fmt: skip
    configured(tmp_path, "p/tsconfig.json", **dict.fromkeys(family, True))
    (found,) = strictness("p/tsconfig.json", version="5.9.3")
    assert found["off"] == []


@pytest.mark.parametrize("version", ["5.9.3", "6.0.3", "7.0.2"])
def test_the_file_that_switches_it_off_is_named(
    strictness: Callable[..., list[dict[str, Any]]], tmp_path: Path, version: str
) -> None:
    write(tmp_path / "base.json", '{\n// "strict": false\n"compilerOptions": {\n"strict": false}}')
    write(tmp_path / "p/tsconfig.json", '{"extends": "../base.json", "files": ["x.ts"], "compilerOptions": {}}')
    (found,) = strictness("p/tsconfig.json", version=version)
    assert (found["file"], found["line"], len(found["off"])) == ("base.json", 4, found["family"])


def test_references_are_followed_where_the_build_follows_them(
    strictness: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    configured(tmp_path, "p/a/tsconfig.json", composite=True, strict=False)
    configured(tmp_path, "p/b/tsconfig.node.json", composite=True)
    references = [{"path": "./a"}, {"path": "./b/tsconfig.node.json"}]
    write(tmp_path / "p/tsconfig.json", json.dumps({"files": [], "references": references}))
    found = {entry["config"]: bool(entry["off"]) for entry in strictness("p/tsconfig.json", build=True)}
    assert found == {"p/a/tsconfig.json": True, "p/b/tsconfig.node.json": False}


def test_what_cannot_be_read_is_an_answer_of_its_own(
    strictness: Callable[..., list[dict[str, Any]]], tmp_path: Path
) -> None:
    write(tmp_path / "p/tsconfig.json", "{")
    configured(tmp_path, "q/tsconfig.json", strict=True)
    broken, missing, fine = strictness("p/tsconfig.json", "gone/tsconfig.json", "q/tsconfig.json")
    assert "error" in broken
    assert missing == {"config": "gone/tsconfig.json", "error": "there is no such file"}
    assert fine["off"] == []

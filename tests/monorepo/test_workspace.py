from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from ci.errors import ExitCode, UsageError
from ci.monorepo.graph import closure, order
from ci.monorepo.scripts import invocations
from ci.monorepo.workspace import Workspace, read

if TYPE_CHECKING:
    from pathlib import Path

Build = Callable[..., Workspace]


def test_packages_come_root_first_and_then_by_path(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "packages/b/package.json": {"name": "@x/b"},
            "apps/web/package.json": {"name": "web"},
            "elsewhere/package.json": {"name": "not-in"},
        }
    )
    assert [package.path for package in workspace.packages] == [".", "apps/web", "packages/b"]
    assert workspace.by_name["@x/b"].path == "packages/b"


def test_a_negated_glob_and_tracked_node_modules_leave_packages_out(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "pnpm-workspace.yaml": "packages:\n  - 'packages/**'\n  - '!packages/old'\n  - '!**/fixtures/**'\n",
            "packages/a/package.json": {},
            "packages/a/b/c/package.json": {},
            "packages/old/package.json": {},
            "packages/a/fixtures/x/package.json": {},
            "packages/a/node_modules/dep/package.json": {},
        }
    )
    assert [package.path for package in workspace.packages] == [".", "packages/a", "packages/a/b/c"]


def test_globs_with_braces_dots_and_slashes_are_read_as_pnpm_reads_them(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "pnpm-workspace.yaml": "packages: ['./packages/{a,b}/', '.', '!.', examples/.hidden/*]\n",
            "packages/a/package.json": {},
            "packages/b/package.json": {},
            "packages/c/package.json": {},
            "examples/.hidden/x/package.json": {},
        }
    )
    assert list(workspace.by_path) == [".", "examples/.hidden/x", "packages/a", "packages/b"]


def test_a_lockfile_without_a_workspace_file_is_a_workspace_of_one(workspace_of: Build) -> None:
    workspace = workspace_of({"pnpm-workspace.yaml": None, "packages/a/package.json": {}, "src/x.ts": ""})
    assert [package.path for package in workspace.packages] == ["."]
    assert "packages/a/package.json" in workspace.packages[0].files


def test_a_workspace_file_with_settings_alone_is_a_workspace_of_one(workspace_of: Build) -> None:
    for text in ("onlyBuiltDependencies: [esbuild]\n", "", "# nothing\n", "packages: []\n"):
        workspace = workspace_of({"pnpm-workspace.yaml": text, "packages/a/package.json": {}})
        assert len(workspace.packages) == 1


def test_every_file_belongs_to_the_nearest_package(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "pnpm-workspace.yaml": "packages: ['packages/**']",
            "packages/a/package.json": {},
            "packages/a/src/x.ts": "",
            "packages/a/inner/package.json": {},
            "packages/a/inner/y.ts": "",
            "packages/ab/z.ts": "",
        }
    )
    assert workspace.by_path["packages/a"].files == ("packages/a/package.json", "packages/a/src/x.ts")
    assert workspace.by_path["packages/a"].own == {"package.json", "src/x.ts"}
    assert workspace.owner("packages/a/inner/deep/q.ts").path == "packages/a/inner"
    assert "packages/ab/z.ts" in workspace.packages[0].files
    assert sum(len(package.files) for package in workspace.packages) == len(workspace.files)


def test_local_dependencies_are_found_by_protocol_link_alias_and_lockfile(workspace_of: Build) -> None:
    lock = """
lockfileVersion: '9.0'
importers:
  packages/user:
    dependencies:
      by-range: {specifier: ^1.0.0, version: link:../by-range}
      by-catalog: {specifier: 'catalog:', version: 'file:packages/by-catalog(react@19.0.0)'}
      from-registry: {specifier: ^1.0.0, version: 1.2.3}
packages:
  x: {}
"""
    names = ("by-range", "by-catalog", "by-protocol", "by-link", "by-alias", "from-registry")
    workspace = workspace_of(
        {
            "pnpm-lock.yaml": lock,
            "packages/user/package.json": {
                "name": "user",
                "dependencies": {"by-range": "^1.0.0", "by-catalog": "catalog:", "from-registry": "^1.0.0"},
                "devDependencies": {
                    "by-protocol": "workspace:^",
                    "other": "workspace:by-alias@*",
                    "user": "workspace:*",
                },
                "peerDependencies": {"by-link": "link:../by-link", "missing": "workspace:*"},
            },
        }
        | {f"packages/{name}/package.json": {"name": name} for name in names}
    )
    assert workspace.by_path["packages/user"].local == (
        "packages/by-alias",
        "packages/by-catalog",
        "packages/by-link",
        "packages/by-protocol",
        "packages/by-range",
    )


def test_the_lockfile_tells_resolved_versions_in_old_and_new_forms(workspace_of: Build) -> None:
    new = "lockfileVersion: '9.0'\nimporters:\n  .:\n    devDependencies:\n      eslint: {version: 9.1.0(jiti@2.4.0)}\n"
    assert workspace_of({"pnpm-lock.yaml": new}).version_of("packages/a", "eslint") == "9.1.0"
    old = "lockfileVersion: 5.4\nspecifiers: {eslint: ^8}\ndevDependencies:\n  eslint: 8.57.0_typescript@5.0.0\n"
    assert workspace_of({"pnpm-lock.yaml": old}).version_of(".", "eslint") == "8.57.0"


def test_the_last_document_of_a_lockfile_counts(workspace_of: Build) -> None:
    first = "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    configDependencies: {}\npackages:\n  pnpm@11.0.0: {}\n"
    second = (
        "---\nlockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      vue: {version: 3.5.0}\npackages: {}\n"
    )
    assert workspace_of({"pnpm-lock.yaml": "# pnpm\n" + first + "\n" + second}).version_of(".", "vue") == "3.5.0"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"package.json": None}, "no pnpm workspace here: no package.json"),
        ({"package.json": None, "web/package.json": {}, "web/pnpm-lock.yaml": ""}, "there is one in web"),
        ({"pnpm-lock.yaml": None}, "no pnpm-lock.yaml here"),
        ({"pnpm-lock.yaml": None, "yarn.lock": ""}, "this is a workspace of Yarn (yarn.lock), not of pnpm"),
        ({"pnpm-lock.yaml": None, "package-lock.json": {}}, "this is a workspace of npm (package-lock.json)"),
        ({"pnpm-lock.yaml": None, "bun.lock": ""}, "this is a workspace of Bun (bun.lock)"),
        ({"pnpm-lock.yaml": None, "yarn.lock": ""}, "`pnpm import` reads yarn.lock"),
        ({"package.json": '{\n  "name": "x",\n  oops\n}'}, "package.json:3:3: invalid JSON"),
        ({"packages/a/package.json": "{"}, "packages/a/package.json:1:2: invalid JSON"),
        ({"packages/a/package.json": "[]"}, "packages/a/package.json:1: not an object"),
        ({"packages/a/package.json": '{\n"scripts": {"a": 1}}'}, "packages/a/package.json:2: scripts must map"),
        ({"packages/a/package.json": {"dependencies": ["x"]}}, "dependencies must map names to strings"),
        ({"packages/a/package.json": '<<<<<<< HEAD\n{"a": 1}'}, "packages/a/package.json:1: merge conflict markers"),
        ({"packages/a/package.json": "[" * 100_000}, "packages/a/package.json: invalid JSON"),
        ({"pnpm-workspace.yaml": "packages:\n  - a\n b: ["}, "pnpm-workspace.yaml:3:2: invalid YAML"),
        ({"pnpm-workspace.yaml": "- a\n"}, "pnpm-workspace.yaml:1: not a mapping"),
        ({"pnpm-workspace.yaml": "# x\npackages: a\n"}, "pnpm-workspace.yaml:2: packages must be a list of globs"),
        ({"pnpm-workspace.yaml": "packages: !!python/object:os.x\n"}, "pnpm-workspace.yaml:1:11: invalid YAML"),
        ({"pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .: [\n"}, "pnpm-lock.yaml:4:1: invalid YAML"),
        (
            {"pnpm-lock.yaml": "lockfileVersion: '9.0'\npackages:\n  a: {}\n<<<<<<< HEAD\n  b: {}\n=======\n"},
            "pnpm-lock.yaml:4: merge conflict markers",
        ),
        ({"pnpm-lock.yaml": "hello: 1\n"}, "pnpm-lock.yaml: no lockfileVersion in it"),
        ({"pnpm-lock.yaml": ""}, "pnpm-lock.yaml: no lockfileVersion in it"),
        ({"pnpm-lock.yaml": "lockfileVersion: 99.0\n"}, "pnpm-lock.yaml: lockfileVersion 99.0"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_the_place(
    workspace_of: Build, files: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        workspace_of(files)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == ExitCode.USAGE


def test_bytes_that_are_no_text_and_a_dangling_link_are_usage_errors(workspace_of: Build, tmp_path: Path) -> None:
    files = workspace_of().files
    (tmp_path / "package.json").write_bytes(b'{"name": "\xff"}')
    with pytest.raises(UsageError, match=r"package\.json is not UTF-8"):
        read(tmp_path, files, known_nodes=(), default_node="24.19.0")
    (tmp_path / "package.json").unlink()
    (tmp_path / "package.json").symlink_to("nowhere")
    with pytest.raises(UsageError, match=r"package\.json is not a file"):
        read(tmp_path, files, known_nodes=(), default_node="24.19.0")


def test_a_byte_order_mark_is_no_mistake(workspace_of: Build) -> None:
    assert workspace_of({"package.json": '\ufeff{"name": "marked"}'}).name == "marked"


def test_what_is_odd_but_no_error_is_a_notice(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            "packages/a/package.json": {"name": "same"},
            "packages/b/package.json": {"name": "same"},
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\nimporters:\n  .: {}\n  packages/a: {}\n",
            "yarn.lock": "",
        }
    )
    assert workspace.notices == (
        "packages/b is a package of the workspace but not in pnpm-lock.yaml",
        "yarn.lock beside pnpm-lock.yaml is not used",
        "packages/b and packages/a are both called same",
    )
    assert workspace.by_name["same"].path == "packages/a"


def test_200_packages_are_read_and_ordered_within_a_second(workspace_of: Build) -> None:
    files: dict[str, Any] = {"turbo.json": {"tasks": {"lint": {}}}}
    importers = []
    for number in range(200):
        needs = {f"p{other}": "workspace:*" for other in range(max(0, number - 8), number)}
        files[f"packages/p{number}/package.json"] = {
            "name": f"p{number}",
            "scripts": {"lint": "eslint ."},
            "dependencies": needs,
        }
        files |= {f"packages/p{number}/src/f{index}.ts": "" for index in range(10)}
        links = "".join(f"      {name}: {{specifier: 'workspace:*', version: link:../{name}}}\n" for name in needs)
        importers.append(f"  packages/p{number}:\n" + (f"    dependencies:\n{links}" if links else "    {}\n"))
    files["pnpm-lock.yaml"] = "lockfileVersion: '9.0'\nimporters:\n" + "".join(importers)
    workspace = workspace_of(files, lint="turbo run lint")
    begin = time.process_time()
    workspace = read(workspace.root, workspace.files, known_nodes=("24.19.0",), default_node="24.19.0")
    assert order(workspace)[-1] == "packages/p199"
    assert len(closure(workspace, "packages/p199")) == 200
    assert len(invocations(workspace, ".", "lint")) == 200
    assert time.process_time() - begin < 1

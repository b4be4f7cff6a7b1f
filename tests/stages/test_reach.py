from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.stages.reach import inputs_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.context import Context

    Workspace = Callable[..., Context]


def packages(**needs: str) -> dict[str, Any]:
    return {
        f"packages/{name}/package.json": {"name": name, "dependencies": dict.fromkeys(each.split(), "workspace:*")}
        for name, each in needs.items()
    }


def left_out(context: Context, package: str = "packages/a") -> set[str]:
    return {pattern for pattern in inputs_of(context.workspace, package) if pattern.startswith("!")}


def test_packages_that_it_does_not_depend_on_are_left_out(context: Workspace) -> None:
    assert left_out(context(packages(a="b", b="c", c="", d="a"))) == {"!packages/d/**"}


def test_what_it_depends_on_indirectly_and_its_own_files_stay(context: Workspace) -> None:
    whole = context(packages(a="b", b="", c=""))
    assert inputs_of(whole.workspace, "packages/a", without=("!**/*.md",)) == ("**", "!packages/c/**", "!**/*.md")
    assert inputs_of(whole.workspace, ".") == ("**",)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("src/x.ts", 'import { c } from "../../c/src/index.ts";'),
        ("src/x.vue", "<script>import '../../c/src/index.ts'</script>"),
        ("tsconfig.json", '{"compilerOptions": {"paths": {"c": ["../c/src"]}}}'),
    ],
)
def test_a_package_that_a_relative_path_leads_to_stays(context: Workspace, file: str, content: str) -> None:
    files = {**packages(a="", b="", c="d", d=""), f"packages/a/{file}": content}
    assert left_out(context(files)) == {"!packages/b/**"}


def test_what_the_root_depends_on_every_package_can_import(context: Workspace) -> None:
    files = {**packages(a="", b="", c=""), "package.json": {"name": "root", "dependencies": {"c": "workspace:*"}}}
    assert left_out(context(files)) == {"!packages/b/**"}


def test_with_hoisted_modules_every_package_can_import_every_other(context: Workspace) -> None:
    assert left_out(context({**packages(a="", b=""), ".npmrc": "node-linker=hoisted\n"})) == set()

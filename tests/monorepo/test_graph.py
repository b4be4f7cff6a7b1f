from __future__ import annotations

from collections.abc import Callable

import pytest

from ci.monorepo.graph import closure, dependents, order
from ci.monorepo.selection import select
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]


@pytest.fixture
def layered(workspace_of: Build) -> Workspace:
    needs: dict[str, list[str]] = {
        "a": [],
        "b": ["a"],
        "c": ["a"],
        "d": ["b", "c"],
        "loop": ["pool"],
        "pool": ["loop", "a"],
    }
    return workspace_of(
        {
            f"packages/{name}/package.json": {"name": name, "dependencies": dict.fromkeys(local, "workspace:*")}
            for name, local in needs.items()
        }
    )


def test_each_package_comes_behind_those_it_depends_on(layered: Workspace) -> None:
    found = order(layered)
    assert sorted(found) == sorted(layered.by_path)
    place = {path: number for number, path in enumerate(found)}
    for user in "bcd":
        for needed in layered.by_path[f"packages/{user}"].local:
            assert place[needed] < place[f"packages/{user}"]


def test_closure_and_dependents_hold_the_package_itself(layered: Workspace) -> None:
    assert closure(layered, "packages/d") == ("packages/a", "packages/b", "packages/c", "packages/d")
    assert dependents(layered, "packages/b") == ("packages/b", "packages/d")
    assert closure(layered, "packages/loop") == ("packages/a", "packages/loop", "packages/pool")


def test_a_chain_of_1200_packages_is_no_problem_of_depth(workspace_of: Build) -> None:
    workspace = workspace_of(
        {
            f"packages/p{number}/package.json": {
                "name": f"p{number}",
                "dependencies": {f"p{number + 1}": "workspace:*"} if number < 1199 else {},
            }
            for number in range(1200)
        }
    )
    assert order(workspace)[:2] == (".", "packages/p1199")
    assert len(closure(workspace, "packages/p0")) == 1200


@pytest.mark.parametrize(
    ("selectors", "names"),
    [
        ([], "abcd"),
        (["a"], "a"),
        (["...a"], "abcd"),
        (["...^b"], "d"),
        (["d..."], "abcd"),
        (["d^..."], "abc"),
        (["...b..."], "abd"),
        (["./packages/*", "!b"], "acd"),
        (["{packages/b}"], "b"),
        (["{packages/b}..."], "ab"),
        (["!{packages/b}"], "acd"),
        (["[abd]"], "abcd"),  # square brackets are a git range
        (["{a,b}"], ""),  # braces are a path
        (["nobody"], ""),
    ],
)
def test_filters_select_as_pnpm_does(workspace_of: Build, selectors: list[str], names: str) -> None:
    needs: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
    workspace = workspace_of(
        {
            f"packages/{name}/package.json": {"name": name, "dependencies": dict.fromkeys(local, "workspace:*")}
            for name, local in needs.items()
        }
    )
    assert select(workspace, selectors).paths == tuple(f"packages/{name}" for name in names)


def test_the_root_is_selected_by_its_name_or_when_asked_for(workspace_of: Build) -> None:
    workspace = workspace_of({"packages/a/package.json": {"name": "a"}})
    assert select(workspace, ["root"]).paths == (".",)
    assert select(workspace, ["*"]).paths == ("packages/a",)
    assert select(workspace, [], root=True).paths == (".", "packages/a")
    assert select(workspace, ["."], base="packages/a").paths == ("packages/a",)

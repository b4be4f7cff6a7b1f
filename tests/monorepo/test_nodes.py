from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ci.errors import UsageError
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]
ENGINES = {"package.json": {"engines": {"node": ">=20"}}}


@pytest.mark.parametrize(
    ("files", "version", "source"),
    [
        ({".nvmrc": "v22.11.0\n"}, "22.11.0", ".nvmrc:1"),
        ({".nvmrc": "# ours\n\n22\n"}, "22.20.0", ".nvmrc:3"),
        ({".nvmrc": "22.20"}, "22.20.0", ".nvmrc:1"),
        ({".nvmrc": "lts/*"}, "24.19.0", ".nvmrc:1"),
        ({".nvmrc": "lts/Jod"}, "22.20.0", ".nvmrc:1"),
        ({".nvmrc": "node"}, "24.19.0", ".nvmrc:1"),
        ({".node-version": "20.18.0"}, "20.18.0", ".node-version:1"),
        ({".tool-versions": "pnpm 10.0.0\nnodejs 20.10.0\n"}, "20.10.0", ".tool-versions:2"),
        ({"mise.toml": '[tools]\npnpm = "10"\nnode = "20"\n'}, "20.18.0", "mise.toml:3"),
        ({"mise.toml": '[tools]\nnode = {version = "22.1.0"}\n'}, "22.1.0", "mise.toml:2"),
        ({".npmrc": "a=b\nuse-node-version=20.9.0\n"}, "20.9.0", ".npmrc:2 use-node-version"),
        ({"pnpm-workspace.yaml": "useNodeVersion: 20.9.0\n"}, "20.9.0", "pnpm-workspace.yaml:1 useNodeVersion"),
        ({"pnpm-workspace.yaml": "nodeVersion: 22.1.0\n"}, "22.1.0", "pnpm-workspace.yaml:1 nodeVersion"),
        ({"package.json": {"volta": {"node": "20.1.0"}}}, "20.1.0", "package.json:3 volta.node"),
        (
            {"package.json": {"devEngines": {"runtime": {"name": "node", "version": "^22.1.0"}}}},
            "22.20.0",
            "package.json:3 devEngines.runtime",
        ),
        (ENGINES, "24.19.0", "package.json:3 engines.node"),
        ({"package.json": {"engines": {"node": "^20.19.0 || >= 22.12.0"}}}, "24.19.0", "package.json:3 engines.node"),
        ({"package.json": {"engines": {"node": ">=18, <24"}}}, "22.20.0", "package.json:3 engines.node"),
        ({"package.json": {"engines": {"node": "20.x"}}}, "20.18.0", "package.json:3 engines.node"),
        ({"package.json": {"engines": {"node": "18 - 20"}}}, "20.18.0", "package.json:3 engines.node"),
        ({}, "24.19.0", "nothing asks for a Node: the default"),
    ],
)
def test_the_node_is_found_where_it_is_asked_for(
    workspace_of: Build, files: dict[str, Any], version: str, source: str
) -> None:
    node = workspace_of(files).node
    assert (node.version, node.source, node.notices, node.substituted) == (version, source, (), False)


def test_the_exact_wish_wins_and_disagreement_is_said(workspace_of: Build) -> None:
    node = workspace_of({".nvmrc": "22", ".tool-versions": "nodejs 20.18.0", **ENGINES}).node
    assert (node.version, node.asked) == ("20.18.0", "20.18.0")
    assert node.notices == (".nvmrc:1 asks for Node 22; .tool-versions:1 asks for 20.18.0 and is more specific",)


def test_of_two_exact_wishes_the_one_pnpm_obeys_wins(workspace_of: Build) -> None:
    node = workspace_of({".nvmrc": "22.1.0", "pnpm-workspace.yaml": "useNodeVersion: 20.9.0\n"}).node
    assert node.version == "20.9.0"
    assert node.notices == (
        ".nvmrc:1 asks for Node 22.1.0; pnpm-workspace.yaml:1 useNodeVersion asks for 20.9.0 and comes first",
    )


def test_a_range_is_met_so_that_all_wishes_hold_where_that_is_possible(workspace_of: Build) -> None:
    manifest = {"engines": {"node": ">=18 <23"}, "devEngines": {"runtime": {"name": "node", "version": ">=20"}}}
    node = workspace_of({"package.json": manifest}).node
    assert (node.version, node.notices) == ("22.20.0", ())


def test_a_node_that_is_not_to_be_had_is_replaced_aloud(workspace_of: Build) -> None:
    node = workspace_of({".nvmrc": "19"}).node
    assert (node.version, node.substituted) == ("20.18.0", True)
    assert node.notices == ("Node 19 (.nvmrc:1) is not to be had; Node 20.18.0 is used instead",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({".nvmrc": "lts/unknown"}, ".nvmrc:1: 'lts/unknown' is no Node version"),
        ({".node-version": "\n$(rm -rf)"}, ".node-version:2: '$(rm -rf)' is no Node version"),
        ({"package.json": {"engines": {"node": "new"}}}, "package.json:3 engines.node: 'new' is no Node version"),
        ({"mise.toml": "[tools\n"}, "mise.toml: invalid TOML"),
    ],
)
def test_a_wish_that_cannot_be_parsed_is_a_usage_error(
    workspace_of: Build, files: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        workspace_of(files)
    assert message in str(caught.value)


def test_an_empty_version_file_asks_for_nothing(workspace_of: Build) -> None:
    assert workspace_of({".nvmrc": "\n# later\n", ".tool-versions": "ruby 3.3\n"}).node.asked == ""


@pytest.mark.parametrize("asked", ["lts/-1", "system", "latest:22", "prefix:22"])
def test_a_wish_that_only_a_version_manager_can_read_gives_way_to_one_that_can_be_read(
    workspace_of: Build, asked: str
) -> None:
    node = workspace_of({".nvmrc": "22.20.0", ".tool-versions": f"nodejs {asked}"}).node
    assert (node.version, node.source) == ("22.20.0", ".nvmrc:1")
    assert node.notices == (f".tool-versions:1: '{asked}' is no Node version, so it is not followed",)
    with pytest.raises(UsageError, match="is no Node version"):
        workspace_of({".tool-versions": f"nodejs {asked}"})

"""The recipes as the engine is asked for them: which images, in which order, and what does not make a new layer."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from dagger import Client
from dagger.client._core import Context

from ci.toolchains.versions import DEFAULT_NODE
from containers import images, lighthouse, playwright, pnpm, postgres
from containers.furniture import bundle
from containers.kitchen import Kitchen
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

MIRROR = "mirror.example.test/hub"
PASSWORD = "p'w"  # noqa: S105 - with what must be quoted in it


class Nowhere:
    """A connection that leads nowhere: a graph is only put together."""

    session = None


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen(client=Client(Context(Nowhere())))  # type: ignore[arg-type]


def asked(value: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return what the engine would be asked for, in order: field and arguments."""
    return [(selection.name, dict(selection.args)) for selection in value._ctx.selections]  # noqa: SLF001 - the SDK has no other way to look at a graph


def every(value: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the same, of what is handed in as an argument too."""
    for name, arguments in asked(value):
        yield name, arguments
        for argument in arguments.values():
            if hasattr(argument, "_ctx"):
                yield from every(argument)


def images_of(value: Any) -> set[str]:
    return {arguments["address"] for name, arguments in every(value) if name == "from"}


def test_every_image_stands_in_the_one_file_and_names_no_digest() -> None:
    text = (ROOT / "containers/images.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    assert set(data) == {"node", "playwright", "postgres", "python"}
    assert "@sha256" not in text
    for path in [*(ROOT / "containers").glob("*.py"), *(ROOT / "ci/executors").glob("*.py"), ROOT / "ci/module.py"]:
        assert not re.search(r"docker\.io|mcr\.microsoft|ghcr\.io|\bslim\b", path.read_text().partition("NEEDED")[0]), (
            path
        )


def test_the_images_of_a_toolchain_follow_the_repositorys_own_versions(kitchen: Kitchen) -> None:
    assert images_of(pnpm.container(kitchen, node="22.20.0")) == {
        "docker.io/library/node:22.20.0-bookworm",
        f"docker.io/library/node:{DEFAULT_NODE}-bookworm",
    }
    with_browsers = playwright.container(kitchen, node="22.20.0", playwright="1.58.2")
    assert "mcr.microsoft.com/playwright:v1.58.2-noble" in images_of(with_browsers)
    without = playwright.container(kitchen, node="22.20.0", playwright=None)
    assert f"mcr.microsoft.com/playwright:v{images.PLAYWRIGHT}-noble" in images_of(without)


def test_a_mirror_stands_in_for_every_registry(kitchen: Kitchen) -> None:
    mirrored = Kitchen(client=kitchen.client, mirror=f"{MIRROR}/")
    whole = postgres.with_psycopg(mirrored, playwright.container(mirrored, node="22.20.0", playwright="1.58.2"))
    assert images_of(whole) == {
        f"{MIRROR}/library/node:22.20.0-bookworm",
        f"{MIRROR}/library/node:{DEFAULT_NODE}-bookworm",
        f"{MIRROR}/library/python:3.11-slim-bookworm",
        f"{MIRROR}/playwright:v1.58.2-noble",
    }


def test_the_image_comes_first_then_what_it_lacks_then_our_own_files(kitchen: Kitchen) -> None:
    names = [name for name, _ in asked(pnpm.container(kitchen, node="22.20.0"))]
    assert names == ["container", "from", "withUser", "withExec", "withNewFile", "withExec", "withFile"]


def test_a_registrys_settings_and_the_way_to_it_make_no_new_layer(kitchen: Kitchen) -> None:
    settings = {"NPM_CONFIG_REGISTRY": "https://registry.example.test"}
    with_settings = Kitchen(client=kitchen.client, settings=settings)

    def lasting(kitchen: Kitchen) -> list[tuple[str, str]]:
        made = pnpm.with_pnpm(kitchen, kitchen.client.container(), "10.34.9")
        return [
            (name, str({key: value for key, value in arguments.items() if not hasattr(value, "_ctx")}))
            for name, arguments in every(made)
            if name != "withVolatileVariable"
        ]

    assert lasting(kitchen) == lasting(with_settings)


@pytest.mark.parametrize("name", ["lighthouse", "depcruise"])
def test_a_tools_packages_are_installed_by_their_lock_file_and_run_no_script(kitchen: Kitchen, name: str) -> None:
    made = lighthouse.with_tool(kitchen, kitchen.client.container(), name)
    lock = [arguments for field, arguments in every(made) if field == "withNewFile"]
    assert [file["path"].rpartition("/")[2] for file in lock] == ["package.json", "package-lock.json"]
    *_, command = [arguments["args"] for field, arguments in every(made) if field == "withExec"]
    assert command[3:6] == ["npm", "ci", "--ignore-scripts"]


def test_a_server_is_ready_when_it_says_so_and_one_instance_is_for_one_check(kitchen: Kitchen) -> None:
    def server(instance: str) -> list[tuple[str, dict[str, Any]]]:
        made = postgres.service(kitchen, instance=instance, password=PASSWORD, database="app", roles=('we"b',))
        return asked(made)

    (check,) = [arguments for name, arguments in server("a") if name == "withDockerHealthcheck"]
    assert check["args"][0] == "pg_isready"
    assert "--host=127.0.0.1" in check["args"]
    assert server("a") == server("a")
    assert server("a") != server("b")
    (roles,) = [arguments["contents"] for name, arguments in server("a") if name == "withNewFile"]
    assert roles.splitlines()[0] == """CREATE ROLE "we""b" LOGIN PASSWORD 'p''w';"""


def test_what_goes_into_a_container_is_the_warden_and_the_commands_and_nothing_of_the_run() -> None:
    files = json.loads(bundle())
    assert "code/ci/warden/contained.py" in files
    assert "programs/reporter.cjs" in files
    assert files["bin/shipway-rls"].startswith("#!/bin/sh\nPYTHONPATH=/shipway/programs:/shipway/psycopg exec python3 ")
    assert not [path for path in files if path.startswith(("code/pipeline", "code/ci/executors", "code/ci/secrets"))]

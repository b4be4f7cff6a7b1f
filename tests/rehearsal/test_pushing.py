"""What a person does with git, against the repository that stands in."""

from __future__ import annotations

import stat
import subprocess
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import ToolError
from ci.rehearsal.github.people import AUTHOR, PEOPLE
from ci.rehearsal.github.server import GitHub
from ci.rehearsal.pushing import clone, push, push_commit
from ci.rehearsal.serving import serving
from ci.rehearsal.world import World
from tests.conftest import commit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


def pushed(directory: Path, act: Callable[[GitHub, str, Path], Awaitable[None]]) -> None:
    """Act at a stand-in, with an example of one file."""
    example = directory / "example"
    example.mkdir()
    (example / "a.txt").write_text("one")
    commit(example)

    async def calls() -> None:
        github = GitHub(directory / "world", people=PEOPLE)
        async with serving(github) as address:
            await act(github, f"{address}/{github.state.slug}.git", example)

    anyio.run(calls)


def test_the_example_is_pushed_with_other_settings_and_the_same_again_is_the_same(tmp_path: Path) -> None:
    async def act(github: GitHub, place: str, example: Path) -> None:
        text = "[run]\nslots = 1\n"
        first = await push(example, tmp_path / "kept", place, AUTHOR, branches=("staging", "prod"), settings=text)
        assert {name: github.state.bare.head(name) for name in ("main", "staging", "prod")} == {
            "main": first,
            "staging": first,
            "prod": first,
        }
        listed = await github.state.bare.listing(first)
        assert [row[-1] for row in listed] == ["a.txt", "shipway.toml"]
        assert await github.state.bare.blob(listed[1][2]) == text.encode()
        assert not (example / "shipway.toml").exists()
        assert await push(example, tmp_path / "kept", place, AUTHOR, settings=text) == first
        (example / "a.txt").write_text("two")
        second = await push(example, tmp_path / "kept", place, AUTHOR, branches=("staging",), settings=text)
        assert (github.state.bare.head("main"), github.state.bare.head("staging")) == (second, first)
        assert second != first

    pushed(tmp_path, act)


def test_a_person_commits_in_a_clone_that_keeps_the_secret_from_others(tmp_path: Path) -> None:
    async def act(github: GitHub, place: str, example: Path) -> None:
        await push(example, tmp_path / "kept", place, AUTHOR)
        checkout = tmp_path / "checkout"
        await clone(place, checkout, AUTHOR)
        assert stat.S_IMODE((checkout / ".git/config").stat().st_mode) == 0o600
        world = World(apps={}, places=(), stand_ins={}, commit="", checkout=checkout)
        sha = await push_commit(world, {"b/c.txt": "new", "a.txt": None}, "Another one")
        assert github.state.bare.head("main") == sha
        made = await github.state.bare.commit(sha)
        assert (made.author.email, made.message.strip()) == (AUTHOR.email, "Another one")
        assert [row[-1] for row in await github.state.bare.listing(sha, recursive=True)] == ["b", "b/c.txt"]
        # The next start of the world leaves main as somebody else moved it.
        (example / "a.txt").write_text("changed")
        assert await push(example, tmp_path / "kept", place, AUTHOR) == sha
        assert github.state.bare.head("main") == sha

    pushed(tmp_path, act)


def test_a_commit_goes_onto_what_others_pushed_meanwhile(tmp_path: Path) -> None:
    async def act(github: GitHub, place: str, example: Path) -> None:
        await push(example, tmp_path / "kept", place, AUTHOR)
        for name in ("one", "other"):
            await clone(place, tmp_path / name, AUTHOR)
        worlds = [
            World(apps={}, places=(), stand_ins={}, commit="", checkout=tmp_path / name) for name in ("one", "other")
        ]
        first = await push_commit(worlds[0], {"b.txt": "b"}, "b")
        second = await push_commit(worlds[1], {"c.txt": "c"}, "c")
        assert (await github.state.bare.commit(second)).parents == (first,)

    pushed(tmp_path, act)


def test_a_world_without_a_checkout_says_so() -> None:
    world = World(apps={}, places=(), stand_ins={}, commit="")
    with pytest.raises(ToolError, match="no checkout"):
        anyio.run(lambda: push_commit(world, {"a": "b"}, "a"))


def test_credentials_are_in_no_command_line(tmp_path: Path) -> None:
    async def act(_github: GitHub, place: str, example: Path) -> None:
        await push(example, tmp_path / "kept", place, AUTHOR)
        await clone(place, tmp_path / "checkout", AUTHOR)
        told = ["git", "config", "remote.origin.url"]
        url = await anyio.to_thread.run_sync(
            lambda: subprocess.run(told, cwd=tmp_path / "checkout", capture_output=True, text=True, check=True).stdout
        )
        assert url.strip() == place
        assert "@" not in place

    pushed(tmp_path, act)

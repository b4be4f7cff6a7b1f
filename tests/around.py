"""A Dagger module that depends on ours and calls it, with two servers of the caller's own loopback within reach.

A function finds a service that was started in its session by its name. Ours takes none: what it speaks to in earnest is
on the internet.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ci.executors.engine import VERSION

if TYPE_CHECKING:
    from pathlib import Path

HUB, JOURNAL = "github", "journal"  # the names of the two
PROJECT = """
[project]
name = "around"
version = "0"
requires-python = ">=3.11"
dependencies = ["dagger-io"]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
"""
CODE = f"""
import functools

import dagger
from dagger import dag, function, object_type

never = functools.partial(function, cache="never")


@object_type
class Around:
    repository: dagger.Directory
    journal: dagger.Secret
    hub: dagger.Service
    base: dagger.Service
    names: list[str]
    values: list[dagger.Secret]
    mirror: str = ""

    @never
    async def promote(self, commit: str) -> dagger.Directory:
        made = await self._shipway()
        return made.promote("staging", repository=self.repository, commit=commit, journal=self.journal).reports()

    @never
    async def promoted(self, commit: str) -> str:
        made = await self._shipway()
        promoted = made.promote("staging", repository=self.repository, commit=commit, journal=self.journal)
        return await promoted.verify()

    @never
    async def status(self) -> str:
        made = await self._shipway()
        return await made.status(repository=self.repository, journal=self.journal)

    async def _shipway(self):
        await self.hub.with_hostname("{HUB}").start()
        await self.base.with_hostname("{JOURNAL}").start()
        made = dag.shipway(source=self.repository, mirror=self.mirror)
        for name, value in zip(self.names, self.values):
            made = made.with_secret(name, value)
        return made
"""


def write_around(root: Path) -> Path:
    """Write it into a module of ours at `root`, where that does not look; return where it lies."""
    place = root / "tests/around"
    (place / "src/around").mkdir(parents=True)
    manifest = {
        "name": "around",
        "engineVersion": f"v{VERSION}",
        "sdk": {"source": "python"},
        "dependencies": [{"name": "shipway", "source": "../.."}],
    }
    (place / "dagger.json").write_text(json.dumps(manifest), encoding="utf-8")
    (place / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
    (place / "src/around/__init__.py").write_text(CODE, encoding="utf-8")
    return place

"""What stays of deployments: directory, process and address of each, and how many of a project there are."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci.rehearsal.vercel.account import LIVE, PRODUCTION, Account, Document
from ci.rehearsal.vercel.moving import is_moving

if TYPE_CHECKING:
    from pathlib import Path

    from anyio.abc import TaskGroup

    from ci.rehearsal.switch import Switch
    from ci.rehearsal.vercel.waking import Waking

PREVIEWS = 12  # of a project, which take room on disk only


class Retention:
    """They are below `directory`. `keep` production builds of each project stay, and some previews, counted apart."""

    def __init__(self, account: Account, directory: Path, waking: Waking, *, keep: int) -> None:
        """Know where they lie."""
        self.addresses: dict[str, Switch] = {}
        self.keep = keep
        self._account = account
        self._directory = directory
        self._waking = waking
        self._scopes: dict[str, anyio.CancelScope] = {}

    async def place(self, name: str) -> Path:
        """Return a deployment's directory, which is there and empty."""
        place = self._directory / name
        await _remove(place)  # of one that was cut short
        place.mkdir(parents=True)
        return place

    async def open(self, group: TaskGroup, name: str, switch: Switch) -> None:
        """Have a deployment be reached at its own address. Raises OSError where its port is taken."""
        self.addresses[name] = switch
        self._scopes[name] = await group.start(switch.stand)

    def forget(self) -> None:
        """Know of no addresses any more: who listened at them has ended."""
        self.addresses.clear()
        self._scopes.clear()

    async def drop(self, name: str) -> None:
        """End what serves a deployment, and remove it."""
        self.addresses.pop(name, None)
        if (scope := self._scopes.pop(name, None)) is not None:
            scope.cancel()
        await self._waking.stop(name)
        await _remove(self._directory / name)

    async def retire(self, project: Document) -> None:
        """Remove what is older than the newest few, as Vercel's retention does: never what serves or is to serve.

        Nor the newest one that could be rolled back to, however many were built since.
        """
        ready = [each for each in self._account.of(project) if each["state"] == "READY" and not each["removed"]]
        production = [each for each in ready if each["target"] == PRODUCTION]
        previews = [each for each in ready if each["target"] != PRODUCTION]
        stay = {project["production"], *(alias["deployment"] for alias in self._account.aliases.values())}
        stay |= {each["id"] for each in [each for each in ready if self._account.is_candidate(each)][:1]}
        stay |= {project["request"]["toDeploymentId"]} if is_moving(project) else set()
        gone = [each["id"] for each in (*production[self.keep :], *previews[PREVIEWS:]) if each["id"] not in stay]
        for name in gone:
            self._account.change(name, removed=True)
        for name in gone:
            await self.drop(name)

    async def sweep(self) -> None:
        """Remove the directories of what is not there any more, of a world that was killed before it could."""
        if not self._directory.is_dir():
            return
        there = {
            each["id"]
            for each in self._account.deployments.values()
            if each["state"] in LIVE or (each["state"] == "READY" and not each["removed"])
        }
        for place in list(self._directory.iterdir()):
            if place.name not in there:
                await _remove(place)


async def _remove(place: Path) -> None:
    """Remove a directory, of many files too, while others go on."""
    await anyio.to_thread.run_sync(lambda: shutil.rmtree(place, ignore_errors=True))

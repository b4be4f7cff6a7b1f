"""A promotion that one machine leaves and another goes on with: they share a journal in a real Postgres, and no more.

A machine here is a process with a clone, a state and a cache of its own. It has no network of its own: what stands in
for the outside services answers on loopback alone, and each network namespace has another one.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest

from ci import processes
from ci.journal import Journal
from ci.promotion.work import What
from tests.conftest import ROOT, command, environment
from tests.promotion.test_staging import counted, served
from tests.promotion.town import Town, town

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

SEVEN = [What.STAGES.value, None]  # as evidence, with no environment's services


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A clone in a directory, and what else lies there."""

    directory: Path

    @property
    def root(self) -> Path:
        """The clone."""
        return self.directory / "shop"

    @property
    def environment(self) -> dict[str, str]:
        """Its own state and cache."""
        around = environment(self.directory / "state", SHIPWAY_CACHE=str(self.directory / "cache"))
        return {**around, "HOME": str(self.directory)}

    def fetch(self, place: Town) -> None:
        """Have the clone know all commits; at first, make it."""
        bare = str(place.github.state.bare.path)
        argv = ["fetch", "-q", "origin"] if self.root.exists() else ["clone", "-q", bare, str(self.root)]
        subprocess.run(["git", *argv], cwd=self.root if self.root.exists() else None, check=True)

    def argv(self, commit: str, *when: int) -> list[str]:
        """The command that promotes here."""
        return [sys.executable, "-P", "-m", "tests.promotion.machine", str(self.root), commit, *map(str, when)]

    async def promote(self, commit: str) -> dict[str, Any]:
        """Promote here, to the end."""
        done = await processes.run(self.argv(commit), cwd=ROOT, environment=self.environment)
        assert done.code == 0, done.stderr.decode()[-2000:]
        return dict(json.loads(done.text))

    async def killed(self, commit: str, number: int) -> None:
        """Promote here, and be killed behind that entry."""
        done = await processes.run(self.argv(commit, signal.SIGKILL, number), cwd=ROOT, environment=self.environment)
        assert done.code == -signal.SIGKILL, (number, done.stderr.decode()[-2000:])


def machines(place: Town) -> tuple[Machine, Machine]:
    """Two, which know all commits."""
    found = tuple(Machine(directory=place.directory / name) for name in ("laptop", "host"))
    for each in found:
        each.directory.mkdir(exist_ok=True)
        each.fetch(place)
    return found[0], found[1]


def played(directory: Path, url: str, scene: Callable[[Town], Awaitable[None]]) -> None:
    """Play a scene in a town of its own, whose settings name the shared journal."""

    async def run() -> None:
        async with town(directory, journal=url) as place:
            await scene(place)

    anyio.run(run)


async def undisturbed(place: Town, journal: Journal) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """What a promotion on one machine makes, and the entries of the journal that it leaves."""
    commit = place.push("undisturbed")
    one, _ = machines(place)
    before = counted(place)
    ended = await one.promote(commit)
    assert (ended["state"], ended["refusal"]) == ("done", None)
    assert SEVEN in ended["ran"]
    made = {name: number - before[name] for name, number in counted(place).items()}
    return made, [(entry.step, entry.kind) for entry in journal.flows.entries(ended["flow"])]


async def taken_over(place: Town, commit: str, other: Machine, expected: dict[str, int], before: dict[str, int]) -> Any:
    """Have the other machine go on; the end is that of an undisturbed promotion."""
    ended = await other.promote(commit)
    assert (ended["state"], ended["refusal"]) == ("done", None)
    assert {name: count - before[name] for name, count in counted(place).items()} == expected
    assert await served(place) == {commit}
    return ended


@contextlib.contextmanager
def asleep(machine: Machine, commit: str, number: int) -> Iterator[subprocess.Popen[bytes]]:
    """A promotion on a machine that falls asleep behind an entry of the journal, until it is sent SIGCONT."""
    argv, env = machine.argv(commit, signal.SIGSTOP, number), {**os.environ, **machine.environment}
    with subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sleeper:
        try:
            yield sleeper
        finally:
            sleeper.kill()


def test_what_one_machine_left_another_ends_by_the_evidence_of_the_first(tmp_path: Path, url: str) -> None:
    async def scene(place: Town) -> None:
        journal = Journal.remote(url)
        expected, entries = await undisturbed(place, journal)
        number = entries.index(("deploy web", "intent")) + 1
        commit = place.push("killed")
        one, two = machines(place)
        before = counted(place)
        await one.killed(commit, number)
        told = await processes.run(command("status", ".", "--json"), cwd=two.root, environment=two.environment)
        assert told.code == 0, told.stderr.decode()
        assert f"staging-{commit[:12]}" in told.text
        evidence = journal.evidence.newest(commit)
        assert evidence is not None
        ended = await taken_over(place, commit, two, expected, before)
        assert SEVEN not in ended["ran"]
        assert [What.STAGES.value, "staging"] in ended["ran"]
        assert journal.evidence.newest(commit) == evidence
        assert journal.flows.results(ended["flow"])["evidence"]["report"] == evidence.id
        assert not [found for each in (one, two) for found in each.directory.rglob("*.sqlite")]

    played(tmp_path, url, scene)


@pytest.mark.long
def test_a_machine_that_wakes_up_after_another_took_over_changes_nothing(tmp_path: Path, url: str) -> None:
    async def scene(place: Town) -> None:
        expected, entries = await undisturbed(place, Journal.remote(url))
        number = entries.index(("switch", "intent")) + 1
        commit = place.push("asleep")
        one, two = machines(place)
        before = counted(place)
        with asleep(one, commit, number) as sleeper:
            await anyio.to_thread.run_sync(os.waitid, os.P_PID, sleeper.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            assert await served(place) != {commit}
            await taken_over(place, commit, two, expected, before)
            stand_ins = (place.github, place.vercel, place.neon)
            made, calls = place.made(), [len(each.calls) for each in stand_ins]
            sleeper.send_signal(signal.SIGCONT)
            _, complaint = await anyio.to_thread.run_sync(lambda: sleeper.communicate(timeout=60))
        assert sleeper.returncode == 1
        assert b"LeaseLostError" in complaint, complaint[-2000:]
        assert place.made() == made
        later = [call for each, count in zip(stand_ins, calls, strict=True) for call in each.calls[count:]]
        assert [call for call in later if call.method != "GET"] == []
        assert await served(place) == {commit}

    played(tmp_path, url, scene)


@pytest.mark.long
def test_left_behind_any_entry_of_the_journal_it_is_ended_by_the_other(tmp_path: Path, url: str) -> None:
    async def scene(place: Town) -> None:
        journal = Journal.remote(url)
        expected, entries = await undisturbed(place, journal)
        proven = entries.index(("evidence", "result")) + 1
        for number in range(1, len(entries) + 1):
            commit = place.push(f"killed behind {number}")
            one, two = machines(place)[:: 1 if number % 2 else -1]
            before = counted(place)
            await one.killed(commit, number)
            ended = await taken_over(place, commit, two, expected, before)
            assert (SEVEN in ended["ran"]) == (number < proven), number

    played(tmp_path, url, scene)

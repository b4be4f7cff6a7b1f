"""A worker in a network of its own, as nobody in particular: the queue and the model are all that it reaches."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import anyio.to_thread
import pytest

from ci.diagnosis.queue import to_be_judged
from ci.rehearsal.github import GitHub
from ci.rehearsal.serving import serving
from tests.conftest import ROOT
from tests.diagnosis.enclosure import ENCLOSED, doors, enclosed
from tests.diagnosis.outpost import INCIDENT, ended, outpost
from tests.diagnosis.village import RIGHT
from tests.executors.ordinary import USER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Target = tuple[str, str, int]


@contextlib.contextmanager
def answering() -> Iterator[list[Target]]:
    """Listen on every address that this machine has, and give where, by TCP and by UDP."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver,
    ):
        listener.bind(("0.0.0.0", 0))  # noqa: S104 - any of them might lead out
        listener.listen(100)
        receiver.bind(("0.0.0.0", 0))  # noqa: S104 - as above

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    _, sender = receiver.recvfrom(10)
                    receiver.sendto(b"!", sender)

        threading.Thread(target=answer, daemon=True).start()
        tcp, udp = listener.getsockname()[1], receiver.getsockname()[1]
        told = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
        hosts = ["127.0.0.1", *(each for each in told if ":" not in each)]
        yield [(kind, host, port) for host in hosts for kind, port in (("tcp", tcp), ("udp", udp))]


def tried(targets: Sequence[Target], *, door: dict[int, str] | None = None, cwd: Path) -> list[bool]:
    """Return which targets are reached, from within an enclosure where there are doors to it."""
    argv = [sys.executable, "-P", "-m", "tests.diagnosis.probe", json.dumps(targets)]
    done = subprocess.run(
        argv if door is None else enclosed(door, *argv),
        cwd=cwd,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[bool] = json.loads(done.stdout)
    return found


@pytest.mark.long
def test_a_worker_that_reaches_the_queue_and_the_model_alone_does_all_of_its_work(tmp_path: Path, url: str) -> None:
    for each in (ENCLOSED, USER):
        if subprocess.run([*each, "true"], check=False, capture_output=True).returncode != 0:
            pytest.skip("this machine refuses namespaces")

    async def acts() -> None:
        github = GitHub(tmp_path)
        async with outpost(tmp_path, url) as made, serving(github) as hub:
            model = urlsplit(made.model_address).port
            queue = urlsplit(url).port
            assert model is not None
            assert queue is not None
            open_ = [("tcp", "127.0.0.1", port) for port in (model, queue)]
            hidden = [("tcp", "127.0.0.1", urlsplit(hub).port or 0)]
            outside = [("name", "github.com", 443), ("tcp", "1.1.1.1", 443), ("udp", "8.8.8.8", 53)]
            with answering() as listeners:
                async with doors(tmp_path, (model, queue)) as door:

                    def reach(targets: Sequence[Target], *, within: bool) -> list[bool]:
                        return tried(targets, door=door if within else None, cwd=tmp_path)

                    near = [*open_, *hidden, *listeners]
                    assert all(await anyio.to_thread.run_sync(lambda: reach(near, within=False)))
                    within = await anyio.to_thread.run_sync(lambda: reach([*near, *outside], within=True))
                    assert within[:2] == [True, True]
                    assert within[2:] == [False] * (len(hidden) + len(listeners) + len(outside))
                    made.model.free.set()
                    async with made.worker("a", before=enclosed(door)) as worker:
                        await made.judgeable(within=120)
                        assert await ended(worker) == 0, made.printed("a")
            assert github.calls == []
        (proposal,) = made.owner.proposals.of(INCIDENT)
        assert RIGHT.encode() in proposal.patch
        assert to_be_judged(made.owner) == (INCIDENT,)

    anyio.run(acts)

"""Bad releases that are put back under traffic: how long it takes from the ruling, and what is dropped meanwhile.

    ./benchmarks/rollback [--rate 200] [--requests 10000]

A small town's production serves two apps behind the switches of the local platform. Commits are promoted to it whole,
by the real steps in a process of their own; each fails its smoke once users have it, and is put back. Another process
asks both apps all the while. The time is the journal's: from the ruling that it is bad until every app says itself that
it serves what it served before.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from ci.processes import Completed, drain, run, supervised
from ci.promotion.adopting import adopt
from ci.promotion.rollback.timing import Times, times
from ci.promotion.work import Asked, What
from tests.promotion.table import Table
from tests.promotion.town import Town, promotion, town

if TYPE_CHECKING:
    from ci.journal import Journal

ROOT = Path(__file__).parents[1]


async def play(*, rate: float, requests: int) -> tuple[dict[str, Any], list[Times]]:
    """Return what became of the requests, and how soon each bad release was found and put back."""
    with tempfile.TemporaryDirectory() as place:
        async with town(Path(place) / "town", live=True, apart=0.001, watch=(0.4, 0.4, 1.0)) as made:
            await made.record("staging")
            async with promotion(made.root, made.journal, made.first, environment="production") as (opened, _):
                await adopt(
                    "production",
                    settings=opened.settings,
                    journal=opened.journal,
                    platform=opened.platform,
                    history=opened.history,
                )
            addresses = made.settings.environments.production.addresses
            argv = [sys.executable, "-P", "-m", "benchmarks.visiting", str(rate), *addresses.values()]
            environment = {**os.environ, "PYTHONPATH": str(ROOT)}
            async with supervised(argv, environment=environment, grace=60) as visitors:
                began, found = anyio.current_time(), []
                while (anyio.current_time() - began) * rate < requests:
                    found.append(await _released(made, list(addresses.values()), environment))
                if visitors.stdin is not None:
                    await visitors.stdin.aclose()
                said: list[bytes] = []
                await drain(visitors.stdout, said)
    return json.loads(said[0]), found


async def _released(made: Town, addresses: list[str], environment: dict[str, str]) -> Times:
    """Release a bad commit, and return how soon it was found and put back."""
    journal = made.journal
    commit = made.push("bad where users are")
    await Table(journal=journal).run(Asked(what=What.STAGES, commit=commit, environment="staging"))
    hosts = " ".join(each.removeprefix("http://") for each in addresses)
    (made.directory / "outages" / f"{commit}-at").write_text(hosts)
    argv = [sys.executable, "-P", "-m", "tests.promotion.town", "production", str(made.directory), commit, "never"]
    done: Completed = await run(argv, cwd=ROOT, environment=environment)
    if done.code != 0:
        raise SystemExit(done.stderr.decode()[-2000:])
    took = _times(journal, commit)
    for each in journal.incidents.going_on():
        journal.incidents.close(each.id)
    journal.bars.unpin(commit)
    journal.bars.unfreeze("production")
    return took


def _times(journal: Journal, commit: str) -> Times:
    flows = journal.flows
    flow = next(each for each in flows.recent("production") if each.commit == commit)
    return times(flows.entries(flow.id), flows.refusal(flow.id))


def main() -> int:
    """Play and print. Ends with 1 where anything was dropped, or was not put back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=200)
    parser.add_argument("--requests", type=int, default=10_000)
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    asked, found = anyio.run(lambda: play(rate=options.rate, requests=options.requests))
    seconds, dropped = asked["seconds"], asked["dropped"]
    least = seconds[max(0, math.ceil(len(seconds) * 0.99) - 1)]
    print(f"{len(seconds)} requests, {len(seconds) / asked['whole']:.0f} a second; dropped {len(dropped)}")
    print(f"a request: median {statistics.median(seconds):.3f} s, 99 % within {least:.3f} s, most {seconds[-1]:.3f} s")
    for line in dropped[:20]:
        print(f"  {line}")
    back = [each.recovered for each in found if each.recovered is not None]
    told = ", ".join(f"{each:.3f}" for each in back)
    print(f"{len(found)} bad releases; from the ruling until every app was back: {told} s")
    return 1 if dropped or len(back) < len(found) else 0


if __name__ == "__main__":
    sys.exit(main())

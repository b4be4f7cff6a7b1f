"""Requests at a steady pace, in a process of its own, until its input ends; it then prints what became of them as JSON.

    python -m benchmarks.visiting RATE ADDRESS...

Each address is asked for /version in turn. A request is dropped where there is no answer, or none that is whole.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from http import HTTPStatus

import anyio
import anyio.to_thread
import httpx

MOST = 200  # requests at a time


async def visit(rate: float, addresses: list[str]) -> dict[str, object]:
    """Ask until the input ends."""
    answered: Counter[str] = Counter()
    dropped: list[str] = []
    seconds: list[float] = []
    room = anyio.Semaphore(MOST)

    async def ask(client: httpx.AsyncClient, address: str) -> None:
        began = time.monotonic()
        try:
            answer = await client.get(f"{address}/version")
            if answer.status_code == HTTPStatus.OK:
                answered[str(answer.json()["commit"])] += 1
            else:
                dropped.append(f"{address}: {answer.status_code}")
        except (httpx.HTTPError, ValueError) as error:
            dropped.append(f"{address}: {error!r}")
        finally:
            seconds.append(time.monotonic() - began)
            room.release()

    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False, timeout=30, limits=httpx.Limits(max_connections=MOST)) as client:
        async with anyio.create_task_group() as group:
            over = anyio.Event()

            async def wait() -> None:
                await anyio.to_thread.run_sync(sys.stdin.read)
                over.set()

            group.start_soon(wait)
            number = 0
            while not over.is_set():
                await anyio.sleep(max(0.0, began + number / rate - time.monotonic()))
                await room.acquire()
                group.start_soon(ask, client, addresses[number % len(addresses)])
                number += 1
        whole = time.monotonic() - began
    return {"answered": answered, "dropped": dropped, "seconds": sorted(seconds), "whole": whole}


if __name__ == "__main__":
    print(json.dumps(anyio.run(visit, float(sys.argv[1]), sys.argv[2:])))

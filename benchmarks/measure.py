"""Measure Shipway against what it stands beside; medians and spread, side by side in one run.

    python -m benchmarks.measure cold [--runs 5]        a cold run against the same commands by hand
    python -m benchmarks.measure unchanged [--runs 5]   a run in which nothing changed
    python -m benchmarks.measure help [--runs 15]       `shipway --help`

Run it on an idle machine: `./benchmarks/measure NAME`. Each pair is taken right after the other, in turns, so that
a machine that slows down slows both.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

import pipeline
from benchmarks import raw
from ci.executors.cache import cache_directory
from ci.executors.room import room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "examples/receipts"


def example(place: Path) -> Path:
    """Copy the example to a repository of its own."""
    root = place / "receipts"
    listed = subprocess.run(["git", "ls-files", "-z", "."], cwd=EXAMPLE, check=True, capture_output=True, text=True)
    for name in filter(None, listed.stdout.split("\0")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(EXAMPLE / name, root / name)
    identity = ["-c", "user.name=b", "-c", "user.email=b@example.invalid"]
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", *identity, *arguments], cwd=root, check=True)
    return root


def shipway(*arguments: str) -> float:
    """Run the tool and return its seconds. Raises CalledProcessError when it is red."""
    began = time.monotonic()
    subprocess.run([str(ROOT / "shipway"), *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def show(name: str, values: list[float], unit: str = "s") -> None:
    """Print median, least and most."""
    print(f"{name:<44} {statistics.median(values):8.2f} {min(values):8.2f} {max(values):8.2f} {unit}")


@contextlib.contextmanager
def bench() -> Iterator[Path]:
    """Give a directory in which a run keeps its results and its state; tools and packages are those of the user."""
    users = cache_directory()
    users.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=users) as directory:
        place = Path(directory)
        (place / "cache").mkdir()
        for name in ("tools", "packages", "pnpm"):
            (users / name).mkdir(exist_ok=True)
            (place / "cache" / name).symlink_to(users / name)
        os.environ |= {"SHIPWAY_CACHE": str(place / "cache"), "SHIPWAY_STATE": str(place / "state")}
        try:
            yield place
        finally:
            os.environ["SHIPWAY_CACHE"] = str(users)


def cold(runs: int) -> None:
    """A run of all stages on a new copy of which nothing is known, and the same commands by hand, in turns."""
    with bench() as place:
        report = ["--report", str(place / "report")]
        shipway("run", str(example(place / "first")), *report)  # tools and packages are there afterwards
        tool: list[float] = []
        hand: list[float] = []
        for number in range(runs):
            root = example(place / str(number))
            tool.append(shipway("run", str(root), *report))
            plan = anyio.run(pipeline.plan, root, ())
            widths = (room(), room() + 2)
            totals = [anyio.run(raw.run, plan, root, place, slots)["total"] for slots in widths]
            hand.append(min(totals))
            print(f"  {number + 1}: {tool[-1]:.2f} s; by hand {', '.join(f'{total:.2f}' for total in totals)} s")
    show("shipway run, a first one", tool)
    show("the same commands by hand, best of two widths", hand)
    show("ratio, pair by pair", [a / b for a, b in zip(tool, hand, strict=True)], "")


def unchanged(runs: int) -> None:
    """A run in which nothing changed."""
    with bench() as place:
        root = example(place)
        report = ["--report", str(place / "report")]
        shipway("run", str(root), *report)
        show("shipway run, nothing changed", [shipway("run", str(root), *report) for _ in range(runs)])


def help_(runs: int) -> None:
    """`shipway --help`."""
    shipway("--help")
    show("shipway --help", [shipway("--help") for _ in range(runs)])


MEASURES: dict[str, tuple[Callable[[int], None], int]] = {
    "cold": (cold, 5),
    "unchanged": (unchanged, 5),
    "help": (help_, 15),
}


def main() -> None:
    """Measure what was asked for, or all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*MEASURES, []], default=[])
    parser.add_argument("--runs", type=int)
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    print(f"{'':<44} {'median':>8} {'least':>8} {'most':>8}")
    for name in options.names or MEASURES:
        measure, usual = MEASURES[name]
        measure(options.runs or usual)


if __name__ == "__main__":
    main()

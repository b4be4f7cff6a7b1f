"""Re-use by content hash: an unchanged check is not run again.

The key covers the check's declared inputs (paths, modes, contents), its commands, environment, secrets, tools
with their exact versions, the platform, the keys of what it needs, and Shipway's own code. Only a green
result is kept, beside the outputs of the check, so that neither is ever found without the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import platform
import secrets as randomness
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wcmatch import glob

from ci import __version__
from ci.executors.scratch import remove
from ci.model import EMPTY, Check, CheckRun, Counts, Measure, Reuse, Status

GLOB_FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE
MINUTE, HOUR = 60.0, 3600.0
KEPT_RESULTS = 400
KEPT_LAYERS = 12


def select(paths: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the paths that the globs take; "!" leaves out, a later pattern does not bring back."""
    if patterns == ("**",):
        return paths
    takes = tuple(pattern for pattern in patterns if not pattern.startswith("!"))
    leaves = tuple(pattern[1:] for pattern in patterns if pattern.startswith("!"))
    matching = glob.compile(list(takes), flags=GLOB_FLAGS)
    leaving = glob.compile(list(leaves), flags=GLOB_FLAGS) if leaves else None
    return tuple(path for path in paths if matching.match(path) and not (leaving and leaving.match(path)))


def keys(
    checks: tuple[Check, ...],
    digests: Mapping[str, str],
    *,
    world: str = "",
    registry: str = "",
    secrets: Mapping[str, str] = EMPTY,
    machine: Mapping[str, str] = EMPTY,
) -> dict[str, str]:
    """Return the key of every check, by id. `checks` stand in an order in which each comes after its needs.

    `world` says in what kind of place they run; a new one makes all keys new. `registry` says who is asked about the
    packages: it matters to what only asks, not to an install, whose lockfile says what it may get. `secrets` are
    fingerprints by name, `machine` says which browsers and servers this machine has, by the tool that they stand in
    for: each matters to the checks that get them.
    """
    paths = tuple(sorted(digests))
    content = functools.lru_cache(maxsize=None)(lambda patterns: _content(select(paths, patterns), digests))
    found: dict[str, str] = {}
    for check in checks:
        described = {
            "own": own_code(),
            "world": world,
            "registry": registry if check.registry and not check.outputs else "",
            "platform": [platform.system(), platform.machine()],
            "stage": check.stage,
            "name": check.name,
            "package": check.package,
            "tools": sorted(check.toolchain.tools.items()),
            "steps": [_describe(step) for step in check.steps],
            "environment": sorted(check.environment.items()),
            "secrets": [(name, secrets.get(name)) for name in check.secrets],
            "machine": [(tool, machine.get(tool, "")) for tool in sorted(check.toolchain.tools)],
            "services": [_describe(service) for service in check.services],
            "outputs": check.outputs,
            "inputs": content(check.inputs),
            "needs": [found[need] for need in check.needs],
        }
        found[check.id] = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:40]
    return found


def _content(paths: tuple[str, ...], digests: Mapping[str, str]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path}\0{digests[path]}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _describe(value: Any) -> Any:
    return [
        sorted(item.items()) if isinstance(item, Mapping) else item
        for item in (getattr(value, field.name) for field in dataclasses.fields(value))
    ]


@functools.cache
def own_code() -> str:
    """Return a digest of Shipway's own sources: another version may judge otherwise."""
    digest = hashlib.sha256(__version__.encode())
    package = Path(__file__).resolve().parent.parent
    for path in sorted(package.rglob("*")):
        if path.suffix in {".py", ".toml", ".cjs", ".mjs", ".json"} and path.parent.name != "reporting":
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Store:
    """Results and outputs by key, in one directory a key."""

    def __init__(self, directory: Path, *, elsewhere: bool = False) -> None:
        """Use `directory`, which is made when something is kept. `elsewhere`: the executor itself keeps outputs."""
        self.directory = directory
        self.elsewhere = elsewhere

    def layer(self, key: str) -> Path:
        """Return where the outputs of the check with this key lie, or would lie."""
        return self.directory / key / "outputs"

    def load(self, key: str, check: Check) -> CheckRun | None:
        """Return the kept result, or None where there is none that may still be used."""
        if check.reuse is Reuse.NEVER:
            return None
        place = self.directory / key / "result.json"
        try:
            age = time.time() - place.stat().st_mtime
            value = json.loads(place.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if check.outputs and not self.elsewhere and not self.layer(key).is_dir():
            return None
        if check.reuse is Reuse.HOUR and time.time() - value["at"] > HOUR:
            return None
        if age > MINUTE:
            with contextlib.suppress(OSError):
                os.utime(place)
        kept = CheckRun(
            stage=check.stage,
            name=check.name,
            package=check.package,
            status=Status(value["status"]),
            reason=value["reason"],
            seconds=value["seconds"],
            cached_from=value["run"],
            counts=Counts(**value["counts"]),
            notices=tuple(value["notices"]),
            measures=tuple(Measure(**measure) for measure in value["measures"]),
            repeat=check.repeat,
            why=check.why,
            tools=value["tools"],
            executed=tuple(value["executed"]),
        )
        return kept if check.stands is None else check.stands(kept)

    def save(self, key: str, check: Check, result: CheckRun, run: str) -> None:
        """Keep a `passed` result, or a lasting `skipped` one; anything else is never re-used."""
        if check.reuse is Reuse.NEVER or not (result.status is Status.PASSED or result.lasting):
            return
        place = self.directory / key
        place.mkdir(parents=True, exist_ok=True)
        value = {
            "status": result.status.value,
            "reason": result.reason,
            "run": run,
            "at": time.time(),
            "seconds": result.seconds,
            "counts": dataclasses.asdict(result.counts),
            "notices": result.notices,
            "measures": [dataclasses.asdict(measure) for measure in result.measures],
            "tools": dict(result.tools),
            "executed": result.executed,
        }
        fresh = place / f"result.{run}.tmp"
        fresh.write_text(json.dumps(value), encoding="utf-8")
        fresh.replace(place / "result.json")

    def keep(self, key: str, check: Check, fresh: Path) -> None:
        """Take the directory `fresh` as the outputs of the check; those of another run that was first are as good.

        Outputs without a green result are not: of a red run, or half removed. They go aside, not away, because
        another run may be standing on them. Raises OSError.
        """
        target = self.layer(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        while True:
            try:
                fresh.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
            else:
                return
            if self.load(key, check) is not None:
                return
            aside = self._aside(key)
            aside.mkdir()
            with contextlib.suppress(FileNotFoundError):  # another run put it aside
                target.rename(aside / "outputs")

    def _aside(self, key: str) -> Path:
        """Return a new name beside the keys, which hold no dot, for what only waits to be removed."""
        return self.directory / f"{key}.{randomness.token_hex(6)}"

    def sweep(self) -> None:
        """Drop what was not used for longest: beyond a number of results, and of kept outputs."""
        if not self.directory.is_dir():
            return
        entries: list[tuple[float, Path]] = []
        aside: list[tuple[float, Path]] = []
        for place in self.directory.iterdir():
            try:
                used = (place / "result.json").stat().st_mtime
            except OSError:
                used = place.stat().st_mtime if place.exists() else 0.0
            (aside if "." in place.name else entries).append((used, place))
        entries.sort(reverse=True)
        layers = [entry for entry in entries if (entry[1] / "outputs").is_dir()]
        for used, place in (*entries[KEPT_RESULTS:], *layers[KEPT_LAYERS:], *aside):
            if time.time() - used > HOUR:  # a run may be standing on it
                with contextlib.suppress(OSError):  # another sweep was quicker, or the next one tries again
                    # In one step first: what a killed sweep leaves of it must not be taken for the whole.
                    going = place if "." in place.name else place.rename(self._aside(place.name))
                    remove(going)

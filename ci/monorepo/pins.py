"""Which pnpm a repository wants, and who says so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import UsageError
from ci.monorepo.versions import exact, newest, parse_range, satisfies

if TYPE_CHECKING:
    from ci.monorepo.documents import Document

NEWEST_PNPM = ("6.35.1", "7.33.7", "8.15.9", "9.15.9", "10.34.9", "11.28.11", "12.21.0")
"""The newest release of each major, for pins that name only a range."""

BY_LOCKFILE = {"5.3": "6.35.1", "5.4": "7.33.7", "6.0": "8.15.9", "6.1": "8.15.9", "9.0": "10.34.9"}
"""lockfileVersion -> a pnpm that writes it. 9.0 is written by pnpm 9 to 12; of these 10 runs on the most Nodes."""

PIN = re.compile(r"(?P<name>[^@\s]+)@(?P<version>\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?:\+(?P<hash>[^\s]+))?")
HASH = re.compile(r"sha(?:1|224|256|384|512)\.[0-9a-f]{40,128}")


@dataclass(frozen=True, kw_only=True)
class PnpmPin:
    """An exact pnpm. `hash` is `algorithm.hex` where the pin carries one, `source` says where it stands."""

    version: str
    hash: str | None = None
    source: str
    why: str


def read_pin(manifest: Document, lockfile_version: str, lockfile: str = "pnpm-lock.yaml") -> PnpmPin:
    """The pnpm to run, from the root's package.json, else from the version of the lockfile.

    Looked at in this order: `packageManager`, `devEngines.packageManager`, `volta.pnpm`, `engines.pnpm`.

    Raises:
        UsageError: the pin names another package manager, is malformed, or no known pnpm satisfies it.
    """
    root: dict[str, Any] = manifest.value
    if root.get("packageManager") is not None:
        return _package_manager(root["packageManager"], manifest.at("packageManager"))
    engine = _development_engine(root.get("devEngines"), manifest)
    if engine is not None:
        where = manifest.at("devEngines")
        plain, _, hashed = engine.partition("+")
        return _ranged(plain, f"{where} devEngines.packageManager", lockfile_version, _hash(hashed, where))
    for table in ("volta", "engines"):
        asked = root[table].get("pnpm") if isinstance(root.get(table), dict) else None
        if isinstance(asked, str):
            return _ranged(asked, f"{manifest.at(table, 'pnpm')} {table}.pnpm", lockfile_version)
    version = BY_LOCKFILE.get(lockfile_version)
    if version is None:
        raise UsageError(
            f"{lockfile}: lockfileVersion {lockfile_version or 'is missing'}: no pnpm is known to write it",
            hint='pin one in package.json: "packageManager": "pnpm@X.Y.Z"',
        )
    why = f"nothing pins pnpm; lockfileVersion {lockfile_version} is written by pnpm {version}"
    return PnpmPin(version=version, source=f"{lockfile} lockfileVersion", why=why)


def _package_manager(asked: Any, where: str) -> PnpmPin:
    if not isinstance(asked, str):
        raise UsageError(f"{where}: packageManager is not a string", hint='write "pnpm@X.Y.Z"')
    name = asked.partition("@")[0]
    if name != "pnpm":
        raise UsageError(f"{where}: packageManager is {asked!r}, not pnpm", hint="Shipway runs pnpm workspaces")
    found = PIN.fullmatch(asked)
    if found is None:
        raise UsageError(f"{where}: malformed pin {asked!r}", hint='an exact version is needed: "pnpm@X.Y.Z"')
    version = found["version"]
    return PnpmPin(
        version=version, hash=_hash(found["hash"], where), source=where, why=f"packageManager pins {version}"
    )


def _hash(text: str | None, where: str) -> str | None:
    if not text:
        return None
    if HASH.fullmatch(text) is None:
        raise UsageError(f"{where}: malformed hash in the pnpm pin: {text[:80]!r}", hint="it reads sha512.<hex>")
    return text


def _development_engine(table: Any, manifest: Document) -> str | None:
    asked = table.get("packageManager") if isinstance(table, dict) else None
    engines = [engine for engine in (asked if isinstance(asked, list) else [asked]) if isinstance(engine, dict)]
    if not engines:
        return None
    for engine in engines:
        if engine.get("name") == "pnpm":
            version = engine.get("version")
            return version if isinstance(version, str) and version.strip() else None
    raise UsageError(
        f"{manifest.at('devEngines')}: devEngines.packageManager is {engines[0].get('name')!r}, not pnpm",
        hint="Shipway runs pnpm workspaces",
    )


def _ranged(asked: str, source: str, lockfile_version: str, hashed: str | None = None) -> PnpmPin:
    version = exact(asked)
    if version is not None:
        return PnpmPin(
            version=version, hash=hashed, source=source, why=f"{source.rsplit(maxsplit=1)[-1]} pins {version}"
        )
    if parse_range(asked) is None:
        raise UsageError(f"{source}: malformed version {asked!r}", hint="a version or a range such as ^10")
    preferred = BY_LOCKFILE.get(lockfile_version)
    suits = preferred is not None and satisfies(preferred, asked)
    version = preferred if suits else newest(NEWEST_PNPM, asked)
    if version is None:
        known = ", ".join(NEWEST_PNPM)
        raise UsageError(f"{source}: no known pnpm satisfies {asked!r}", hint=f"pin an exact version; known: {known}")
    return PnpmPin(version=version, source=source, why=f"{source.rsplit(maxsplit=1)[-1]} asks for {asked}")

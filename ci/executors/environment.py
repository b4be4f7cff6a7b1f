"""The environment of a step: built from a list, not inherited."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ci import processes
from ci.executors.isolation import Mode
from ci.model import Check, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.executors.workspace import Workspace
    from ci.toolchains.catalogue import Provided

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Each line keeps some tool from asking, watching, colouring, phoning home, downloading or switching itself.
ALWAYS: Mapping[str, str] = {
    "CI": "true",
    "PATH": SYSTEM_PATH,
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "USER": "nobody",
    "LOGNAME": "nobody",
    "SHELL": "/bin/sh",
    "DO_NOT_TRACK": "1",
    "TURBO_TELEMETRY_DISABLED": "1",
    "NEXT_TELEMETRY_DISABLED": "1",
    "ASTRO_TELEMETRY_DISABLED": "1",
    "NX_DAEMON": "false",
    "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1",
    "PUPPETEER_SKIP_DOWNLOAD": "1",
    "CYPRESS_INSTALL_BINARY": "0",
    # The exact pnpm of the pin is what runs, its hash checked: only pnpm's own second switch is off.
    "npm_config_manage_package_manager_versions": "false",
    "pnpm_config_pm_on_fail": "ignore",
    "npm_config_update_notifier": "false",
}

# Where the user's registry is; pnpm 11 and later read the second spelling only.
REGISTRY = frozenset(f"{by}_config_{key}" for by in ("npm", "pnpm") for key in ("registry", "cafile"))


def build(
    check: Check,
    workspace: Workspace,
    provided: Provided,
    *,
    cache: Path,
    secrets: Mapping[str, str],
    values: Mapping[str, str],
) -> dict[str, str]:
    """Return what the steps of the check see; `values` come from its services."""
    built = {
        **ALWAYS,
        "HOME": str(workspace.inside / "home"),
        "TMPDIR": str(workspace.inside.parent),
        "SHIPWAY_TOOLS": ":".join(provided.path),
        "SHIPWAY_OUT": str(workspace.inside / "out"),
        "SHIPWAY_ROOT": str(workspace.root),
        **provided.environment,
        **check.environment,
        **{name: secrets[name] for name in check.secrets},
        **values,
    }
    if check.network is Network.OUTSIDE:
        built |= {name: value for name, value in processes.inherited().items() if name not in built}
    if check.registry:
        built |= _registry(cache, workspace.mode)
    return built


def npmrc() -> Path | None:
    """Return the user's own npm settings, where registries and their tokens stand."""
    path = Path(os.environ.get("NPM_CONFIG_USERCONFIG") or Path.home() / ".npmrc")
    return path if path.is_file() else None


def shared(cache: Path) -> tuple[str, str]:
    """Return pnpm's package store and its cache of the registry's answers, which all installs share."""
    return str((cache / "store").resolve()), str((cache / "pnpm").resolve())


def registry() -> str:
    """Return a digest of who is asked about packages: the user's npm settings, and what overrides them."""
    settings = npmrc()
    digest = hashlib.sha256(b"" if settings is None else settings.read_bytes())
    digest.update(repr(sorted(_chosen_registry().items())).encode())
    return digest.hexdigest()


def _chosen_registry() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower() in REGISTRY}


def _registry(cache: Path, mode: Mode) -> dict[str, str]:
    """Return what pnpm needs to reach the registry and the shared store."""
    store, answers = shared(cache)
    built = {
        "npm_config_store_dir": store,
        "pnpm_config_store_dir": store,
        "npm_config_cache_dir": answers,
        "pnpm_config_cache_dir": answers,
    }
    if mode is Mode.COPY:
        # Hard links would let the repository's scripts write into the store.
        built |= {"npm_config_package_import_method": "copy", "pnpm_config_package_import_method": "copy"}
    built |= _chosen_registry()
    if (path := npmrc()) is not None:
        built["NPM_CONFIG_USERCONFIG"] = str(path)
    return built

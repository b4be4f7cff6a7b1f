"""The environment of a step: built from a list, not inherited."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ci import processes
from ci.executors import linking
from ci.executors.isolation import Mode
from ci.model import Check, Network
from ci.toolchains.registry import named_in, registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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

# The names by which repositories take the user's own registry token from the environment, in an .npmrc of theirs.
# No others: what a repository asks for is not what its user has decided to hand to its packages' scripts.
TOKENS = frozenset({"NPM_TOKEN", "NODE_AUTH_TOKEN"})


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
        built |= _registry(cache, workspace)
    return built


def shared(cache: Path) -> tuple[str, str]:
    """Return pnpm's package store and its cache of the registry's answers, which all installs share."""
    return str(linking.store(cache)), str((cache / "pnpm").resolve())


def asked() -> str:
    """Return a digest of who is asked about packages: the user's npm settings. Raises UsageError."""
    known = registry()
    digest = hashlib.sha256(repr(sorted(known.settings.items())).encode())
    for path in known.files.values():
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _registry(cache: Path, workspace: Workspace) -> dict[str, str]:
    """Return what pnpm needs to reach the registry and the shared store."""
    store, answers = shared(cache)
    if workspace.linked is not None:
        store = str(workspace.top.parent / linking.STORE)  # there it is in the same mount
    built = {
        "npm_config_store_dir": store,
        "pnpm_config_store_dir": store,
        "npm_config_cache_dir": answers,
        "pnpm_config_cache_dir": answers,
    }
    if workspace.mode is Mode.COPY:
        # Hard links would let the repository's scripts write into the store.
        built |= {"npm_config_package_import_method": "copy", "pnpm_config_package_import_method": "copy"}
    own = workspace.snapshot.workspace / ".npmrc"
    wanted = named_in([own]) if own.is_file() else {}
    return {name: value for name, value in wanted.items() if name in TOKENS} | built | registry().environment

"""What a kitchen is equipped with: the mirror, and the user's own way to package registries."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from ci.errors import UsageError
from ci.executors.environment import TOKENS
from ci.toolchains.registry import PREFIX, named_in, registry
from containers.kitchen import Kitchen

if TYPE_CHECKING:
    from pathlib import Path

    from dagger import Client

    from ci.monorepo.snapshot import Snapshot

MIRROR = "SHIPWAY_MIRROR"
LOOPBACK = re.compile(r"https?://(?:localhost|127\.0\.0\.1|\[::1\]):(\d+)")
FILES = frozenset({"globalconfig", "cafile"})  # settings that are paths of this machine: the files are handed over


def equip(client: Client, snapshot: Snapshot, *, mirror: str | None) -> Kitchen:
    """Return the kitchen of a run. What may be a token is handed over as a secret. Raises UsageError.

    No result depends on a token's value: what one opens is named by a lock file, and what one does not open is a
    failure, which is never kept.
    """
    known = registry()
    own = snapshot.workspace / ".npmrc"
    asked = {name: value for name, value in (named_in([own]) if own.is_file() else {}).items() if name in TOKENS}
    settings = {name: value for name, value in known.settings.items() if PREFIX.sub("", name).lower() not in FILES}
    hidden = {name for name in settings if PREFIX.sub("", name).startswith("//")}
    tokens = {**asked, **known.named, **{name: settings[name] for name in hidden}}
    files = {name: known.files[name] for name in ("npmrc", "global npmrc") if name in known.files}
    if known.cafile is not None:
        files["cafile"] = known.cafile
    contents = {name: _read(path) for name, path in files.items()}
    texts = (*settings.values(), *contents.values())
    return Kitchen(
        client=client,
        near=tuple(sorted({int(port) for text in texts for port in LOOPBACK.findall(text)})),
        mirror=os.environ.get(MIRROR) or mirror,
        settings={name: value for name, value in settings.items() if name not in hidden},
        tokens={name: client.set_secret(f"shipway-{name}", value) for name, value in tokens.items()},
        files={name: client.set_secret(f"shipway {name}", content) for name, content in contents.items()},
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{path}, which npm's settings name, cannot be read: {error.strerror}") from error

"""Who is asked about packages, and with which tokens: the user's own npm settings, one reading for all who need them.

They stand in npmrc files, in `npm_config_*` variables that override these, and in the variables that the files take
values from, as `_authToken=${NODE_AUTH_TOKEN}`: https://docs.npmjs.com/cli/configuring-npm/npmrc.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PREFIX = re.compile(r"p?npm_config_", re.IGNORECASE)  # pnpm 11 and later read the one with a p only
USER, GLOBAL = "userconfig", "globalconfig"
# What a user may have set for a mirror, a proxy or an own certificate authority.
SETTINGS = frozenset({"registry", USER, GLOBAL, "cafile", "ca", "proxy", "https_proxy", "noproxy"})
CAFILE = re.compile(r"^[ \t]*cafile[ \t]*=[ \t]*([^\r\n]+)", re.MULTILINE)
VARIABLE = re.compile(r"\$\{(\w+)[^}]*\}")  # pnpm knows `${NAME:-otherwise}` too


@dataclass(frozen=True, kw_only=True)
class Registry:
    """`user` is where the user's npmrc is, or would be; `files` are the npmrc files that are there, by what they are.

    `settings` are the variables of ours that choose a registry or the way to it, `named` those of which the files
    take the values. `cafile` is the file of the certificate authorities to be believed in place of the usual ones.
    """

    user: Path
    files: Mapping[str, Path]
    settings: Mapping[str, str]
    named: Mapping[str, str]
    cafile: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """What a program must be handed to ask the same registry with the same tokens as the user would."""
        return {**self.named, **self.settings, "NPM_CONFIG_USERCONFIG": str(self.user)}


def registry() -> Registry:
    """Return the user's settings as they are now. Raises UsageError where a file cannot be read."""
    settings = {name: value for name, value in os.environ.items() if _chooses(name)}
    chosen = {PREFIX.sub("", name).lower(): Path(value).expanduser() for name, value in settings.items() if value}
    user = chosen.get(USER, Path.home() / ".npmrc").absolute()
    places = {"npmrc": user, **({"global npmrc": chosen[GLOBAL].absolute()} if GLOBAL in chosen else {})}
    files = {name: path for name, path in places.items() if path.is_file()}
    return Registry(
        user=user,
        files=files,
        settings={name: value for name, value in settings.items() if PREFIX.sub("", name).lower() != USER},
        named=named_in(files.values()),
        cafile=chosen.get("cafile") or _cafile(files),
    )


def named_in(files: Iterable[Path]) -> dict[str, str]:
    """Return the variables of ours that npmrc files take values from. Raises UsageError where one cannot be read."""
    found: dict[str, str] = {}
    for path in files:
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}") from error
        found |= {name: os.environ[name] for name in VARIABLE.findall(text) if name in os.environ}
    return found


def _cafile(files: Mapping[str, Path]) -> Path | None:
    """Return the file that an npmrc names; the user's own goes before the global one."""
    for path in files.values():
        if said := CAFILE.findall(path.read_text(encoding="utf-8", errors="replace")):
            value = VARIABLE.sub(lambda found: os.environ.get(found[1], found[0]), said[-1].strip().strip("\"'"))
            return Path(value).expanduser().absolute()
    return None


def _chooses(name: str) -> bool:
    key = PREFIX.sub("", name, count=1)
    return key != name and (key.lower() in SETTINGS or key.startswith("//"))

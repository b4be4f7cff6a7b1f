"""What every recipe is handed: the engine's client, and how this machine's user reaches registries."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from containers import images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dagger import Client, Container, Secret

# Where the engine puts an authority of one's own; Node must be told of it.
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SETTINGS = "SHIPWAY_REGISTRIES"  # variables by name, as JSON
APPLY = f"""
import json, os, sys
os.environ.update(json.loads(os.environ["{SETTINGS}"]))
os.execvp(sys.argv[1], sys.argv[1:])
"""
# Where each of npm's files lies in a container, and which variables name it; pnpm 11 and later read the last only.
FILES = {
    "npmrc": ("/run/shipway/npmrc", ("NPM_CONFIG_USERCONFIG",)),
    "global npmrc": ("/run/shipway/global-npmrc", ("NPM_CONFIG_GLOBALCONFIG",)),
    "cafile": ("/run/shipway/authorities.pem", ("NPM_CONFIG_CAFILE", "pnpm_config_cafile")),
}


def asking(*argv: str) -> list[str]:
    """Return the command so that it sees the settings of a connected container."""
    return ["python3", "-c", APPLY, *argv]


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """`mirror` stands in for the images' registries. `settings` are npm's, `tokens` secrets, both by variable.

    `files` are npm's own, by what they are: a key of FILES. `near` are ports of the client's own loopback at which a
    registry is: a check that asks it finds them on its own.
    """

    client: Client
    mirror: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, Secret] = field(default_factory=dict)
    files: Mapping[str, Secret] = field(default_factory=dict)
    near: tuple[int, ...] = ()

    def image(self, name: str, version: str = "") -> Container:
        """Return a container of one of the images."""
        return self.client.container().from_(images.reference(name, version, mirror=self.mirror))

    @property
    def environment(self) -> dict[str, str]:
        """What a step must be told beside the tokens to ask the same registries."""
        places = {variable: FILES[name][0] for name in self.files for variable in FILES[name][1]}
        return {**self.settings, **places, "NODE_EXTRA_CA_CERTS": CERTIFICATES}

    def connected(self, container: Container, *, owner: str = "") -> Container:
        """Return the container as an exec needs it that asks a package registry, with the user's own settings.

        The settings are in one variable that makes no new layer, neither by its value nor by being there: what is
        fetched is named by version or hash, whoever is asked for it. `asking` starts a command that is to see them.
        """
        container = container.with_volatile_variable(SETTINGS, json.dumps(self.environment, sort_keys=True))
        for name, secret in self.tokens.items():
            container = container.with_secret_variable(name, secret)
        for name, secret in self.files.items():
            container = container.with_mounted_secret(FILES[name][0], secret, owner=owner)
        return container

"""The pnpm toolchain: the repository's own Node and pnpm, Shipway's Node beside them for Shipway's own commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.toolchains.versions import DEFAULT_NODE
from containers.furniture import HOME, NODE, ensure, furnish
from containers.kitchen import asking

if TYPE_CHECKING:
    from dagger import Container

    from containers.kitchen import Kitchen

PLACE = f"{HOME}/pnpm"
PATH = f"{PLACE}/node_modules/.bin"
HASHES = f"{PLACE}/hashes"  # lines of `algorithm hex`, of the tarball that was unpacked
TOOLS = f"{HOME}/tools/node"
# "No network" must show in seconds, as on the host.
QUIET = (
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--no-progress",
    "--loglevel=error",
    "--fetch-retries=1",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=1000",
    "--fetch-timeout=10000",
)
FETCH = f"""
mkdir -p {PLACE} && cd {PLACE}
npm pack {" ".join(QUIET)} "pnpm@$1" >/dev/null
for algorithm in sha512 sha384 sha256 sha224 sha1; do
  echo "$algorithm $("$algorithm"sum pnpm-*.tgz | cut -d' ' -f1)"
done > {HASHES}
npm install --prefix {PLACE} --no-package-lock --include=optional {" ".join(QUIET)} ./pnpm-*.tgz
rm -f pnpm-*.tgz
"""


def container(kitchen: Kitchen, *, node: str) -> Container:
    """Return Node's own image of that version."""
    return _furnished(kitchen, kitchen.image("node", node))


def in_image(kitchen: Kitchen, image: Container, *, node: str) -> Container:
    """Return another image with the same Node."""
    given = kitchen.image("node", node).directory("/usr/local")
    taken = ["bin/node", "bin/npm", "bin/npx", "lib/node_modules/npm"]
    return _furnished(kitchen, image).with_directory(TOOLS, given, include=taken)


def _furnished(kitchen: Kitchen, image: Container) -> Container:
    return furnish(image).with_file(NODE, kitchen.image("node", DEFAULT_NODE).file("/usr/local/bin/node"))


def with_pnpm(kitchen: Kitchen, container: Container, version: str) -> Container:
    """Return the container with exactly this pnpm, and the hashes of its tarball in HASHES, to be held to a pin."""
    fetched = fetching(kitchen).with_exec(asking("sh", "-ec", FETCH, "sh", version))
    return container.with_directory(PLACE, fetched.directory(PLACE))


def fetching(kitchen: Kitchen) -> Container:
    """Return a container with npm that asks the user's registry; nothing of the repository or of ours makes it new."""
    return kitchen.connected(ensure(kitchen.image("node", DEFAULT_NODE)))

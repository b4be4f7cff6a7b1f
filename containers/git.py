"""git for a place that has none and is no container of ours: out of the image that it is made of, with what it loads.

Slim images have no git, and the runtime of a Dagger module is one. What is installed in a copy of that image fits it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagger import Client, Directory

PACKED = "/packed"
# Beside the program: its own commands, and the libraries that the image had not. The C library is the image's own, and
# the commands that speak over a network would bring thirty more.
PACK = f"""
libraries() {{ ldd "$(command -v git)" | sed -n 's/.*=> \\(\\/[^ ]*\\).*/\\1/p' | grep -v '/libc\\.so' ; }}
command -v git >/dev/null || {{
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends git
}}
mkdir -p {PACKED}/bin {PACKED}/libraries {PACKED}/usr/bin {PACKED}/usr/lib {PACKED}/usr/share
cp -L "$(command -v git)" {PACKED}/usr/bin/git
cp -a "$(git --exec-path)" {PACKED}/usr/lib/git-core
cp -a /usr/share/git-core {PACKED}/usr/share/git-core
rm -f {PACKED}/usr/lib/git-core/git-http* {PACKED}/usr/lib/git-core/git-remote-* {PACKED}/usr/lib/git-core/git-imap*
libraries | xargs -r cp -Lt {PACKED}/libraries
"""
PROGRAM = """#!/bin/sh
export GIT_EXEC_PATH={place}/usr/lib/git-core GIT_TEMPLATE_DIR={place}/usr/share/git-core/templates
export LD_LIBRARY_PATH={place}/libraries
exec {place}/usr/bin/git "$@"
"""


def git(client: Client, image: str, place: str) -> Directory:
    """Return a directory that is to lie at `place`, somewhere in a container of that image; `bin` is for PATH."""
    packed = client.container().from_(image).with_user("root").with_exec(["sh", "-ec", PACK]).directory(PACKED)
    return packed.with_new_file("bin/git", PROGRAM.format(place=place), permissions=0o755)

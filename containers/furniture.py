"""What of Shipway itself goes into a container: the warden and the commands, as one file that is unpacked there."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import ci
from ci.toolchains import commands

if TYPE_CHECKING:
    from dagger import Container

HOME = "/shipway"  # of all that is not the repository's
CODE, PROGRAMS, BIN, NODE = f"{HOME}/code", f"{HOME}/programs", f"{HOME}/bin", f"{HOME}/node/bin/node"
PSYCOPG = f"{HOME}/psycopg"

# Slim images have neither, and that of Playwright has at most a Python without its whole library.
NEEDED = "python3 -c 'import ctypes, json, select, socket, zlib' 2>/dev/null && command -v git >/dev/null"
ENSURE = f"""
{NEEDED} || {{
  command -v apt-get >/dev/null || {{ echo "the image has no Python 3 and git, and no apt-get to get them" >&2
    exit 1
  }}
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends \
    python3 git ca-certificates && rm -rf /var/lib/apt/lists/*
}}
"""
UNPACK = f"""
import json, os
for path, text in json.load(open("{HOME}/bundle.json", encoding="utf-8")).items():
    place = os.path.join("{HOME}", path)
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(place, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(place, 0o755 if path.startswith("bin/") else 0o644)
"""


def ensure(image: Container) -> Container:
    """Return the image with Python and git, as root."""
    return image.with_user("root").with_exec(["sh", "-ec", ENSURE])


def furnish(image: Container) -> Container:
    """Return the image with Python, git, the warden in CODE and the commands in BIN."""
    return ensure(image).with_new_file(f"{HOME}/bundle.json", bundle()).with_exec(["python3", "-c", UNPACK])


@functools.cache
def bundle() -> str:
    """Return the files of Shipway that run in a container, by path below HOME, as JSON."""
    package = Path(ci.__file__).parent
    sources = {f"code/ci/{path}": package / path for path in ("__init__.py", *_python(package, "warden"))}
    programs = package / "toolchains" / "programs"
    sources |= {
        f"programs/{path.relative_to(programs)}": path
        for path in sorted(programs.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    files = {name: path.read_text(encoding="utf-8") for name, path in sources.items()}
    scripts = commands.scripts(node=NODE, python="python3", programs=PROGRAMS, libraries=(PSYCOPG,))
    return json.dumps({**files, **{f"bin/{name}": text for name, text in scripts.items()}}, sort_keys=True)


def _python(package: Path, name: str) -> list[str]:
    return sorted(str(path.relative_to(package)) for path in (package / name).glob("*.py"))

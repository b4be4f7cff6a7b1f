"""What a Dagger function has around it: files brought out of the engine and into it, and a git where there is none."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import dagger
from dagger import dag

from ci.errors import ToolError
from ci.text import first_line

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
RUNTIME = "DAGGER_BASE_IMAGE"  # the image that a module's runtime is made of, as Dagger's SDK tells it
CACHE = "SHIPWAY_CACHE"


async def export(tree: dagger.Directory, into: Path) -> Path:
    """Bring the files into a directory that is named as the workspace is: a directory of the engine has no name."""
    files = into / "source"
    await tree.export(str(files))
    try:
        name = json.loads((files / "package.json").read_text(encoding="utf-8"))["name"].rpartition("/")[2]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return files  # whatever is wrong with it is for the run to say
    return files.rename(into / name) if NAME.fullmatch(name) else files


async def bring(place: Path) -> str:
    """Bring a directory below this function's own into the engine, without git's; return the id that it has there."""
    tree = dag.current_module().workdir(str(place.relative_to(Path.cwd())), exclude=[".git"])
    return str(await (await tree.sync()).id())


def keep_below(directory: Path) -> None:
    """Have the driver keep what it makes below that directory: the engine takes files from nowhere else."""
    os.environ[CACHE] = str(directory / "cache")


async def have_git(place: Path) -> None:
    """Put git into that directory and on PATH. It costs an installation for each engine, and a copy for each call.

    Raises ToolError.
    """
    if shutil.which("git") is not None:
        return
    # A run does without.
    from containers.git import git  # noqa: PLC0415

    try:
        await git(dag, os.environ[RUNTIME], str(place)).export(str(place))
    except (dagger.DaggerError, KeyError) as error:
        said = error.stderr.strip().splitlines()[-1:] if isinstance(error, dagger.ExecError) else []
        why = first_line(said[0] if said else str(error))
        raise ToolError(f"git cannot be had for the function: {why}") from error
    os.environ["PATH"] = f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}"

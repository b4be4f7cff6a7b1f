"""How the built app is served to whoever looks at it, and what a server that did not start says about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.model import EMPTY, Step
from ci.stages import linting
from ci.stages.apps import App, server
from ci.text import clean, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.settings.stages import Lighthouse
    from ci.stages.context import Context

PROGRAM = "shipway-listen"
PLACE = "${SHIPWAY_OUT}/server.json"  # where it writes at which address the server answers
START = 60.0  # seconds a server may take to answer
THROWN = re.compile(r"(?:Uncaught )?\w*Error\b")
PREFIX = re.compile(r"^\[WebServer\] ?", re.MULTILINE)  # Playwright's, before each line of a server


def serving(context: Context, entry: Lighthouse, app: App | None) -> tuple[Step, str]:
    """Return the background step that serves the app, and why it is this one."""
    package = context.workspace.by_path.get(entry.app)
    if entry.serve is not None:
        return _listening(entry, entry.serve), "shipway.toml says how it is served"
    for script in ("preview", "start"):
        if package is None or (found := server(context.workspace, package, script)) is None:
            continue
        last = [each for each in found if each.argv[1:2] != ("build",)]
        why = f"{package.within('package.json')} scripts.{script}"
        if len(last) == 1 and not last[0].opaque:
            return _listening(entry, last[0].argv, cwd=last[0].cwd, environment=last[0].environment), why
        return _listening(entry, ("pnpm", "run", script), cwd=package.path), why
    places = app.directories if app is not None else (entry.app,)
    return _listening(entry, ("shipway-serve", *places, "--port", "0")), "a static server on what was built"


def _listening(
    entry: Lighthouse, command: tuple[str, ...], *, cwd: str = ".", environment: Mapping[str, str] = EMPTY
) -> Step:
    port = () if entry.port is None else ("--port", str(entry.port))
    return Step(
        argv=(PROGRAM, "--ready", PLACE, *port, "--", *command),
        cwd=cwd,
        environment=environment,
        background=True,
        ready=f"file:{PLACE}",
        timeout=START,
    )


def by_hand(step: Step) -> str:
    """Return the command of such a step as a person would type it."""
    words = step.argv[step.argv.index("--") + 1 :]
    if words[0] == "shipway-serve":
        places = words[1 : words.index("--port")]
        whole = [place for place in places if not place.endswith(("/client", "/static"))]
        words = ("pnpm", "dlx", "serve", (whole or places)[0])
    return linting.by_hand(step.cwd, words, step.environment)


def said(output: str) -> str:
    """Return a server's output without what others put into it."""
    lines = PREFIX.sub("", clean(output)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(f"{PROGRAM}:"))


def complaint(output: str) -> str:
    """Return the line that says why: an error that was thrown, else one that speaks of an error, else the last."""
    lines = [line.strip() for line in said(output).splitlines() if line.strip()]
    thrown = [line for line in lines if THROWN.match(line)] or [line for line in lines if "rror" in line]
    return first_line(next(iter(thrown), lines[-1] if lines else ""))

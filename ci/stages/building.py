"""The build of the apps: once, for the end-to-end tests and for all that is measured."""

from __future__ import annotations

import dataclasses
import functools
import re
import shlex
from typing import TYPE_CHECKING

from ci.model import Check, Execution, Status, Step, Verdict
from ci.stages.apps import find_apps
from ci.stages.judging import could_not_run, failed, local, shown, stopped, tail
from ci.text import clean, first_line

if TYPE_CHECKING:
    from ci.stages.context import Context

# Where the usual bundlers and compilers put a build; a build's other writes are discarded and named.
OUTPUTS = (
    *("**/dist", "**/build", "**/out", "**/lib", "**/esm", "**/cjs", "**/storybook-static", "**/generated"),
    *("**/.next", "**/.output", "**/.nuxt", "**/.nitro", "**/.svelte-kit", "**/.astro", "**/.react-router"),
    *("**/.vercel", "**/.vinxi", "**/.tanstack", "**/*.tsbuildinfo"),
)
COMPLAINT = re.compile(r"error|could not|cannot|can't|not found|unresolved|unexpected", re.IGNORECASE)
# What only introduces or sums up what is wrong.
HOLLOW = re.compile(
    r"^\s*(?:at |> )|ELIFECYCLE|ERR_PNPM|:\s*$|failed with \d+ errors?|^\W*build (?:error|failed)", re.IGNORECASE
)
PLACE = re.compile(
    r"(?P<file>[\w@./\[\]()-]+\.(?:[cm]?[jt]sx?|vue|svelte|astro|mdx?|css|scss|html|json))[:(](?P<line>\d+)"
)


def build(context: Context) -> Check | None:
    """Return the check that builds the apps, None where there is nothing to build.

    The settings' command, else the root's own `build` script, else the apps' and those of what they depend on.
    """
    settings = context.settings.stages
    command, why = settings.audit.build or settings.e2e.build, "shipway.toml names it"
    if command is None:
        command, why = _found(context)
    if command is None:
        return None
    return made_by(context, command, stage="audit", why=why)


def build_for_tests(context: Context) -> Check | None:
    """Return the build that only the end-to-end tests want, None where they take the same as all."""
    settings = context.settings.stages
    command = settings.e2e.build
    if command is None or settings.audit.build is None or command == settings.audit.build:
        return None
    return made_by(context, command, stage="e2e", why="shipway.toml names it for the tests")


def made_by(context: Context, command: tuple[str, ...], *, stage: str, why: str) -> Check:
    """Return the check that builds with a command."""
    settings = context.settings.stages
    return Check(
        stage=stage,
        name="build",
        toolchain=context.toolchain(),
        steps=(Step(argv=command, timeout=settings.audit.timeout),),
        judge=functools.partial(judge, command=command, files=context.workspace.files),
        needs=context.generated,
        outputs=settings.e2e.outputs or OUTPUTS,
        weight=6,
        why=why,
        repeat=shlex.join(command),
    )


def _found(context: Context) -> tuple[tuple[str, ...] | None, str]:
    workspace = context.workspace
    if "build" in workspace.packages[0].scripts:
        return ("pnpm", "run", "build"), "package.json has a script `build`"
    apps = [app.package.path for app in find_apps(workspace) if app.bundler]
    if not apps:
        return None, ""
    filters = (word for path in apps for word in ("--filter", f"{{{path}}}..."))
    return ("pnpm", *filters, "run", "build"), f"the script `build` of {', '.join(apps)} and of what they depend on"


def judge(execution: Execution, *, command: tuple[str, ...], files: tuple[str, ...]) -> Verdict:
    """Green when the command ended with 0; else the line that complains is the reason. `files` are the workspace's."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    step = execution.steps[-1]
    if step.succeeded:
        return Verdict(status=Status.PASSED)
    output = local(clean(step.output), execution)
    lines = [line for line in output.splitlines() if COMPLAINT.search(line) and not HOLLOW.search(line)]
    verdict = failed(step, reason=f"{shown(command)}: {first_line(lines[0])}" if lines else None)
    file, line = _place(output, files)
    failure = dataclasses.replace(verdict.failures[0], file=file, line=line, detail=tail(output))
    return dataclasses.replace(verdict, failures=(failure,))


def _place(output: str, files: tuple[str, ...]) -> tuple[str | None, int | None]:
    """Return the first place that the output names, where it can be only one file of the workspace."""
    for found in PLACE.finditer(output):
        path = found["file"].removeprefix("./")
        meant = [file for file in files if file == path or file.endswith(f"/{path}")]
        if len(meant) == 1:
            return meant[0], int(found["line"])
    return None, None

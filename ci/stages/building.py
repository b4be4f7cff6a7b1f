"""The build of the apps: once, for the end-to-end tests and for all that is measured."""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from ci.model import Check, Execution, Status, Step, Verdict
from ci.monorepo.affected import without_question
from ci.monorepo.documents import read_text
from ci.monorepo.scripts import invocations
from ci.stages.apps import App, find_apps
from ci.stages.judging import could_not_run, failed, local, shown, stopped, tail
from ci.text import clean, first_line

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace
    from ci.stages.context import Context
    from ci.stages.suites import Suite

# Where the usual bundlers and compilers put a build; a build's other writes are discarded and named.
OUTPUTS = (
    *("**/dist", "**/build", "**/out", "**/lib", "**/esm", "**/cjs", "**/storybook-static", "**/generated"),
    *("**/.next", "**/.output", "**/.nuxt", "**/.nitro", "**/.svelte-kit", "**/.astro", "**/.react-router"),
    *("**/.vercel", "**/.vinxi", "**/.tanstack", "**/*.tsbuildinfo"),
)
FOR_TESTS = ("build:e2e", "e2e:build", "test:e2e:build", "build:test", "build:tests")
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
    command = settings.audit.build or settings.e2e.build
    if command is not None:
        return made_by(context, (command,), stage="audit", why="shipway.toml names it")
    script = context.workspace.packages[0].scripts.get("build")
    if script is not None:
        asking = without_question(script)
        if asking is not None:
            return made_by(context, asking, stage="audit", why="package.json has a script `build`; all is taken")
        return made_by(context, (("pnpm", "run", "build"),), stage="audit", why="package.json has a script `build`")
    apps = [app.package.path for app in find_apps(context.workspace) if app.bundler]
    if not apps:
        return None
    why = f"the script `build` of {', '.join(apps)} and of what they depend on"
    return made_by(context, (_building(*(f"{{{path}}}..." for path in apps)),), stage="audit", why=why)


def build_for_tests(context: Context, suites: tuple[Suite, ...]) -> Check | None:
    """Return the build that only the end-to-end tests want, None where they take the same as all.

    The settings' command, else a root script that is called so, else the apps that a suite serves and that the build
    of all leaves out.
    """
    settings = context.settings.stages
    if settings.e2e.build is not None:
        if settings.audit.build is None or settings.e2e.build == settings.audit.build:
            return None
        return made_by(context, (settings.e2e.build,), stage="e2e", why="shipway.toml names it for the tests")
    scripts = context.workspace.packages[0].scripts
    if (named := next((name for name in FOR_TESTS if name in scripts), None)) is not None:
        return made_by(
            context, (("pnpm", "run", named),), stage="e2e", why=f"package.json has a script `{named}`", above=True
        )
    ours = {app.package.path for app in built_apps(context)}
    left = [app for app in find_apps(context.workspace) if app.bundler and app.package.path not in ours]
    served = [app.package for app in left if any(_serves(context.workspace, suite, app) for suite in suites)]
    if not served:
        return None
    why = f"the tests are about {', '.join(package.path for package in served)}, which `build` leaves out"
    selectors = (f"{{{package.path}}}" for package in served)
    return made_by(context, (_building(*selectors),), stage="e2e", why=why, above=True)


def built_apps(context: Context) -> tuple[App, ...]:
    """Return the apps that are built or need no build: those that the root's `build` leaves out are not looked at."""
    apps = find_apps(context.workspace)
    settings = context.settings.stages
    if settings.audit.build or settings.e2e.build or "build" not in context.workspace.packages[0].scripts:
        return apps
    ran = invocations(context.workspace, ".", "build")
    if any(each.opaque for each in ran):
        return apps  # only a shell knows what it builds
    built = {each.package for each in ran}
    return tuple(app for app in apps if not app.bundler or app.package.path in built)


def _serves(workspace: Workspace, suite: Suite, app: App) -> bool:
    """Tell whether a suite's configuration lies above an app, or names it where it starts a server."""
    if app.package.path.startswith(f"{posixpath.dirname(suite.path)}/"):
        return True
    text = read_text(workspace.root, suite.path)
    path = posixpath.relpath(app.package.path, posixpath.dirname(suite.path) or ".")
    return any(re.search(rf"(?<![\w/@.-]){re.escape(name)}(?![\w/-])", text) for name in (app.package.name, path))


def _building(*selectors: str) -> tuple[str, ...]:
    return ("pnpm", *(word for selector in selectors for word in ("--filter", selector)), "run", "build")


def made_by(
    context: Context, commands: tuple[tuple[str, ...], ...], *, stage: str, why: str, above: bool = False
) -> Check:
    """Return the check that builds with these commands, `above` the build of all."""
    settings = context.settings.stages
    return Check(
        stage=stage,
        name="build",
        toolchain=context.toolchain(),
        steps=tuple(Step(argv=command, timeout=settings.audit.timeout) for command in commands),
        judge=functools.partial(judge, files=context.workspace.files),
        needs=context.built if above else context.generated,
        outputs=settings.e2e.outputs or OUTPUTS,
        weight=6,
        why=why,
        repeat=" && ".join(map(shlex.join, commands)),
    )


def judge(execution: Execution, *, files: tuple[str, ...]) -> Verdict:
    """Green when all ended with 0; else the line that complains is the reason. `files` are the workspace's."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    step = execution.steps[-1]
    if step.succeeded:
        return Verdict(status=Status.PASSED)
    output = local(clean(step.output), execution)
    lines = [line for line in output.splitlines() if COMPLAINT.search(line) and not HOLLOW.search(line)]
    verdict = failed(step, reason=f"{shown(step.argv)}: {first_line(lines[0])}" if lines else None)
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

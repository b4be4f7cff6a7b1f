"""Stage 7, audit: all dependencies against the advisories, what the apps weigh, and how their pages score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.model import Plan
from ci.stages import bundles, dependencies, lighthouse, sizelimit
from ci.stages.apps import find_apps
from ci.stages.building import built_apps
from ci.text import count, few

if TYPE_CHECKING:
    from ci.stages.context import Context


def plan(context: Context) -> Plan:
    """Return the audit of all dependencies, and the checks of each app that is found."""
    return Plan(
        checks=(
            dependencies.audit(context, stage="audit", production=False),
            *bundles.checks(context),
            *sizelimit.checks(context),
            *lighthouse.checks(context),
        ),
        notices=_left_out(context),
    )


def _left_out(context: Context) -> tuple[str, ...]:
    """Name the apps that the build leaves out, so that there is nothing of them to measure."""
    built = {app.package.path for app in built_apps(context)}
    left = [app.package.path for app in find_apps(context.workspace) if app.package.path not in built]
    if not left or context.build is None:
        return ()
    return (f"not measured: {count(len(left), 'app')} that `{context.build.repeat}` does not build: {few(left)}",)

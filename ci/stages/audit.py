"""Stage 7, audit: all dependencies against the advisories, what the apps weigh, and how their pages score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.model import Plan
from ci.stages import bundles, dependencies, lighthouse, sizelimit

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
        )
    )

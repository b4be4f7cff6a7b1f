"""Stage 6, e2e: Playwright per app, tier 1, against the apps as they are built."""

from __future__ import annotations

import re

from ci.model import Check, Plan, Skip, Step
from ci.stages import playwright
from ci.stages.apps import find_apps
from ci.stages.context import Context
from ci.stages.database import migration, service
from ci.stages.suites import Suite, find_suites
from ci.toolchains.versions import CHROMIUM, POSTGRES

STAGE = "e2e"


def plan(context: Context) -> Plan:
    """Return a check per Playwright configuration; apps without one are named."""
    settings = context.settings.stages.e2e
    suites = find_suites(context.workspace, settings.tags)
    if not suites:
        return Plan(checks=(), skips=(Skip(stage=STAGE, reason="no Playwright configuration is found"),))
    names: dict[str, int] = {}
    checks = []
    for suite in suites:
        names[suite.package] = names.get(suite.package, 0) + 1
        name = "playwright" if names[suite.package] == 1 else f"playwright-{_slug(suite)}"
        checks.append(_check(context, suite, name))
    return Plan(checks=tuple(checks), notices=_without_suite(context, suites))


def _check(context: Context, suite: Suite, name: str) -> Check:
    settings = context.settings.stages.e2e
    tools = {"chromium": CHROMIUM, **({"postgres": POSTGRES} if settings.database else {})}
    template = Check(
        stage=STAGE,
        name=name,
        package=suite.package,
        toolchain=context.toolchain("playwright", **tools),
        steps=_migrate(context) if settings.database else (),
        judge=playwright.judge,
        needs=context.built,
        environment=dict(settings.env),
        secrets=tuple(settings.secrets),
        services=(service(context),) if settings.database else (),
        weight=12,
        why=f"{suite.why}; {_tier(suite, settings.tags)}",
    )
    return playwright.check(template, suite, tags=settings.tags, timeout=settings.timeout)

"""Stage 6, e2e: Playwright per app, tier 1, against the apps as they are built."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import TYPE_CHECKING

from ci.model import Check, Plan, Skip
from ci.stages import playwright
from ci.stages.apps import find_apps
from ci.stages.building import build_for_tests
from ci.stages.database import migration, scripts, service, with_ours
from ci.stages.suites import Suite, find_suites
from ci.toolchains.versions import CHROMIUM, POSTGRES

if TYPE_CHECKING:
    from ci.stages.context import Context

STAGE = "e2e"


def plan(context: Context) -> Plan:
    """Return a check per Playwright configuration; apps without one are named."""
    suites = find_suites(context.workspace, context.settings.stages.e2e.tags)
    if not suites:
        return Plan(checks=(), skips=(Skip(stage=STAGE, reason="no Playwright configuration is found"),))
    own = build_for_tests(context, suites)
    needs = context.built if own is None else (*own.needs, own.id)
    seen: set[str] = set()
    checks = [] if own is None else [own]
    for suite in suites:
        name = "playwright" if suite.package not in seen else f"playwright-{_slug(suite)}"
        seen.add(suite.package)
        checks.append(_check(context, suite, name, needs))
    return Plan(checks=tuple(checks), notices=_without_suite(context, suites))


def _check(context: Context, suite: Suite, name: str, needs: tuple[str, ...]) -> Check:
    settings = context.settings.stages.e2e
    services = (service(context),) if settings.database else ()
    if services:
        suite = dataclasses.replace(suite, environment=with_ours(suite.environment, *services))
    tools = {"chromium": CHROMIUM, **({"postgres": POSTGRES} if settings.database else {})}
    blank = functools.partial(
        Check,
        stage=STAGE,
        name=name,
        package=suite.package,
        toolchain=context.toolchain("playwright", **tools),
        needs=needs,
        environment=settings.env,
        secrets=tuple(settings.secrets),
        services=services,
        weight=12,
        why=f"{suite.why}; {_tier(suite, settings.tags)}",
    )
    run = playwright.Run(
        suite=suite,
        blank=blank,
        before=migration(context, own=settings.migrate) if settings.database else (),
        tags=settings.tags,
        timeout=settings.timeout,
        scripts=scripts(context.workspace) if settings.database else (),
    )
    return playwright.check(run)


def _tier(suite: Suite, tags: tuple[str, ...]) -> str:
    if suite.chooses:
        return "the script itself says which tests run"
    if suite.tagged:
        return f"the tests with {' or '.join(tags)}"
    return "all of its tests, for none has a tag of tier 1"


def _slug(suite: Suite) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"\.[cm]?[jt]s$|playwright|config", "", suite.config.lower())).strip("-")


def _without_suite(context: Context, suites: tuple[Suite, ...]) -> tuple[str, ...]:
    """Name the apps that no suite is about; one outside of all apps may be about any."""
    apps = {app.package.path for app in find_apps(context.workspace)}
    tested = {suite.package for suite in suites}
    if not tested <= apps:
        return ()
    return tuple(f"{path} has no e2e tests" for path in sorted(apps - tested))

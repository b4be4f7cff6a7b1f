"""What a promotion runs beside the seven stages: tests at a deployment's address, an environment's migration."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

from ci.model import Check, Network, Plan, Reuse, Skip, Status, Verdict
from ci.stages import catalogue, database, playwright, preparation
from ci.stages.judging import stopped
from ci.stages.suites import find_suites
from ci.toolchains.versions import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import Execution
    from ci.stages.context import Context

E2E, INTEGRATION = "e2e", "integration"
MIGRATE = "migrate"


def tier(
    context: Context, name: str, *, variable: str, address: str, tags: tuple[str, ...], require: tuple[str, ...] = ()
) -> Plan:
    """Return a check per Playwright configuration that has tests with one of the tags; nothing is built or served.

    The tests get `address` in `variable`. Of each suite that `require` names a test must have run.
    """
    context = preparation.prepare(context)
    settings = context.settings.stages.e2e
    suites = [suite for suite in find_suites(context.workspace, tags) if suite.tagged]
    if not suites:
        return Plan(checks=(), skips=(Skip(stage=E2E, reason=f"no test has the tag {' or '.join(tags)}"),))
    checks = []
    for number, suite in enumerate(suites):
        blank = functools.partial(
            Check,
            stage=E2E,
            name=name if number == 0 else f"{name}-{number + 1}",
            package=suite.package,
            toolchain=context.toolchain("playwright", chromium=CHROMIUM),
            needs=context.generated,
            environment={**settings.env, variable: address},
            secrets=tuple(settings.secrets),
            network=Network.OUTSIDE,
            reuse=Reuse.NEVER,
            weight=12,
            why=f"{suite.why}; the tests with {' or '.join(tags)} at {address}",
        )
        run = playwright.Run(
            suite=dataclasses.replace(suite, words=_without_choice(suite.words)),
            blank=blank,
            before=(),
            tags=tags,
            timeout=settings.timeout,
            require=require,
        )
        checks.append(playwright.check(run))
    return catalogue.arrange(context, Plan(checks=tuple(checks)))


def migration(
    context: Context,
    *,
    variable: str,
    command: tuple[str, ...] | None,
    timeout: float,
    environment: Mapping[str, str],
) -> Plan:
    """Return the check that applies what is pending to the database whose URL is the secret `variable`.

    Where no command is found, the plan has none and says why.
    """
    context = preparation.prepare(context)
    found = database.find_migration(context, own=command)
    if not found.steps:
        return Plan(checks=(), skips=(Skip(stage=INTEGRATION, name=MIGRATE, reason=found.why),))
    scripts = database.scripts(context.workspace)
    check = Check(
        stage=INTEGRATION,
        name=MIGRATE,
        toolchain=context.toolchain(),
        steps=tuple(dataclasses.replace(step, timeout=timeout) for step in found.steps),
        judge=functools.partial(_applied, scripts=scripts),
        needs=context.generated,
        environment=environment,
        secrets=(variable,),
        network=Network.OUTSIDE,
        reuse=Reuse.NEVER,
        weight=5,
        why=found.why,
    )
    return catalogue.arrange(context, Plan(checks=(check,)))


def _applied(execution: Execution, *, scripts: tuple[str, ...]) -> Verdict:
    for step in execution.steps:
        if not step.succeeded and not step.background:
            return stopped(execution) or database.explain(step, execution, scripts=scripts)
    return Verdict(status=Status.PASSED)


def _without_choice(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out which tests the suite's own script would run: the tags say it."""
    kept: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in {"-g", "--grep", "--grep-invert"}:
            skip = True
        elif word.partition("=")[0] not in {"--grep", "--grep-invert"}:
            kept.append(word)
    return tuple(kept)

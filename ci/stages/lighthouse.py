"""Lighthouse: how a page scores, for each app and page, by itself so that nothing slows it.

A score below its budget fails; without a budget, one that falls more than 0.05 below the last green run does.
Scores move a little from run to run: close to the line, the median of three decides.
"""

from __future__ import annotations

import dataclasses
import functools
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.model import Check, Counts, Execution, Failure, Measure, Status, Step, Verdict
from ci.settings.stages import Lighthouse
from ci.stages.apps import App, find_apps
from ci.stages.building import built_apps
from ci.stages.database import explain, migration, scripts, service, unavailable
from ci.stages.judging import could_not_run, report_of, stopped, tail
from ci.stages.serving import PLACE, START, by_hand, complaint, said, serving
from ci.stages.serving import PROGRAM as SERVER
from ci.text import clean, first_line
from ci.toolchains.versions import CHROMIUM, LIGHTHOUSE, POSTGRES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import CheckRun, StepRun
    from ci.stages.context import Context

KIND = "lighthouse"
PROGRAM = "shipway-lighthouse"
REPORT = "lighthouse.json"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
CLOSE = 0.05  # a score this near to its line is looked at again
RUNS = 3
ADVICE = 5  # audits named behind a score that is too low


@dataclass(frozen=True, kw_only=True)
class Pages:
    """What a judge knows besides the execution. Scores are from 0 to 1, by page and category."""

    app: str
    pages: tuple[str, ...]
    blank: Callable[..., Check]
    serving: tuple[Step, ...]
    timeout: float
    budgets: Mapping[str, float | None]
    baseline: Mapping[tuple[str, str], float]
    named: bool  # shipway.toml names the app
    scripts: tuple[str, ...]  # the workspace's SQL files, to say where a migration failed
    runs: int = 1
    first: Mapping[tuple[str, str], float] = dataclasses.field(default_factory=dict)


def checks(context: Context) -> tuple[Check, ...]:
    """Return a check per app: those that shipway.toml names, else those that are found."""
    apps = {app.package.path: app for app in find_apps(context.workspace)}
    chosen = context.settings.stages.audit.lighthouse
    entries = chosen or tuple(Lighthouse(app=app.package.path) for app in built_apps(context))
    return tuple(_check(context, entry, apps.get(entry.app), named=bool(chosen)) for entry in entries)


def _check(context: Context, entry: Lighthouse, app: App | None, *, named: bool) -> Check:
    settings = context.settings.stages
    served, why = serving(context, entry, app)
    tools = {"chromium": CHROMIUM, "lighthouse": LIGHTHOUSE, **({"postgres": POSTGRES} if entry.database else {})}
    blank = functools.partial(
        Check,
        stage="audit",
        name="lighthouse",
        package=entry.app,
        toolchain=context.toolchain("lighthouse", **tools),
        needs=context.built,
        environment=entry.env,
        services=(service(context),) if entry.database else (),
        alone=True,
        why=why,
        repeat=f"{by_hand(served)}, then: pnpm dlx lighthouse http://localhost:PORT{entry.pages[0]}",
    )
    before = migration(context, own=settings.e2e.migrate) if entry.database else ()
    groups = {f"{entry.app} {page}": page for page in entry.pages}
    pages = Pages(
        app=entry.app,
        pages=entry.pages,
        blank=blank,
        serving=(*before, served),
        timeout=settings.audit.timeout,
        budgets={
            "performance": entry.performance,
            "accessibility": entry.accessibility,
            "best-practices": entry.best_practices,
            "seo": entry.seo,
        },
        baseline={
            (groups[group], name): measure.value
            for (kind, group, name), measure in context.baseline.items()
            if kind == KIND and group in groups
        },
        named=named,
        scripts=scripts(context.workspace) if entry.database else (),
    )
    return _measured(pages)


def _measured(pages: Pages) -> Check:
    argv = (
        *(PROGRAM, "--out", f"${{SHIPWAY_OUT}}/{REPORT}", "--server", PLACE),
        *("--runs", str(pages.runs), *pages.pages),
    )
    check: Check = pages.blank(
        steps=(*pages.serving, Step(argv=argv, timeout=pages.timeout)),
        judge=functools.partial(judge, pages=pages),
        stands=functools.partial(stands, pages=pages),
        weight=8.0 * pages.runs * len(pages.pages),
    )
    return check


def judge(execution: Execution, *, pages: Pages) -> Verdict:
    """Hold each score against its budget, else against the last green run; look again where it is close."""
    report = report_of(execution, REPORT)
    if not isinstance(report, dict):
        return _not_measured(execution, pages)
    scores = dict(pages.first)
    for page in report["pages"]:
        for category in CATEGORIES:
            found = [run["scores"].get(category) for run in page["runs"]]
            if None in found or not found:
                reason = f"{pages.app} {page['url']}: Lighthouse gives no score for {category}"
                return Verdict(status=Status.ERROR, reason=reason)
            scores[page["url"], category] = statistics.median(found)
    verdict = _held(scores, report, pages)
    close = tuple(
        page for page in pages.pages if any(_is_close(scores, page, category, pages) for category in CATEGORIES)
    )
    if pages.runs == 1 and close:
        again = dataclasses.replace(pages, pages=close, runs=RUNS, first=scores)
        return dataclasses.replace(verdict, second=_measured(again))
    return verdict


def stands(kept: CheckRun, *, pages: Pages) -> CheckRun | None:
    """Hold kept scores against the last green run as it is now; one that has fallen behind it is measured again.

    The baseline is no part of the key: scores move a little, so every green run would make every key new.
    """
    measures = tuple(
        _measure((measure.group.removeprefix(f"{pages.app} "), measure.name), measure.value, pages)
        for measure in kept.measures
    )
    return None if any(measure.ok is False for measure in measures) else dataclasses.replace(kept, measures=measures)


def _held(scores: Mapping[tuple[str, str], float], report: dict[str, Any], pages: Pages) -> Verdict:
    measures = tuple(_measure(of, value, pages) for of, value in scores.items())
    audits = {page["url"]: page["audits"] for page in report["pages"]}
    failures = tuple(
        _failure(page, category, value, pages, audits.get(page, []))
        for (page, category), value in scores.items()
        if (line := _line(page, category, pages)) is not None and value < line
    )
    counts = Counts(failed=len(failures))
    notices = (f"the median of {pages.runs} runs",) if pages.runs > 1 else ()
    if failures:
        return Verdict(
            status=Status.FAILED,
            reason=failures[0].message,
            counts=counts,
            failures=failures,
            measures=measures,
            notices=notices,
        )
    return Verdict(status=Status.PASSED, counts=counts, measures=measures, notices=notices)


def _measure(of: tuple[str, str], value: float, pages: Pages) -> Measure:
    page, category = of
    line = _line(page, category, pages)
    return Measure(
        name=category,
        value=value,
        unit="score",
        group=f"{pages.app} {page}",
        kind=KIND,
        limit=pages.budgets[category],
        baseline=pages.baseline.get(of),
        better="higher",
        ok=None if line is None else value >= line,
    )


def _line(page: str, category: str, pages: Pages) -> float | None:
    """The lowest score allowed: the budget, else the last green run's less what scores move by themselves."""
    budget = pages.budgets[category]
    if budget is not None:
        return budget
    before = pages.baseline.get((page, category))
    return None if before is None else round(before - CLOSE, 4)


def _is_close(scores: Mapping[tuple[str, str], float], page: str, category: str, pages: Pages) -> bool:
    """Whether another run could tell otherwise. Only performance is measured in time, so only it may be lucky."""
    line = _line(page, category, pages)
    if line is None:
        return False
    above = round(scores[page, category] - line, 4)
    lucky = category == "performance" and pages.budgets[category] is not None and 0 <= above < CLOSE
    return lucky or -CLOSE <= above < 0


def _failure(page: str, category: str, value: float, pages: Pages, audits: list[dict[str, Any]]) -> Failure:
    budget, before = pages.budgets[category], pages.baseline.get((page, category))
    if budget is not None:
        held = f"below its budget of {budget:.2f}"
    else:
        held = f"and was {before or 0:.2f} in the last green run"
    relevant = [audit for audit in audits if audit["category"] == category][:ADVICE]
    lines = (
        f"{first_line(audit['title'])}" + (f" ({first_line(audit['value'])})" if audit["value"] else "")
        for audit in relevant
    )
    return Failure(
        message=f"{pages.app} {page}: {category} is {value:.2f}, {held}",
        rule=f"lighthouse-{category}",
        detail="\n".join(lines) or None,
    )


def _not_measured(execution: Execution, pages: Pages) -> Verdict:
    """Tell an app that is not served from a page that cannot be measured, and from a database that is not there."""
    if (verdict := unavailable(execution)) is not None:
        return verdict
    for step in execution.steps:
        if step.succeeded:
            continue
        if step.argv[0] == SERVER:
            return _not_served(step, pages)
        if step.argv[0] != PROGRAM and not step.timed_out:
            return explain(step, execution, scripts=pages.scripts)
        if step.exit_code == 1:
            lines = clean(step.output).strip().splitlines() or ["Lighthouse left no report"]
            reason = first_line(lines[-1].removeprefix(f"{PROGRAM}: "))
            failure = Failure(message=reason, detail=tail(step.output))
            return Verdict(status=Status.ERROR, reason=reason, failures=(failure,))
    verdict = could_not_run(execution) or stopped(execution)
    return verdict or Verdict(status=Status.ERROR, reason="Lighthouse left no report")


def _not_served(step: StepRun, pages: Pages) -> Verdict:
    """An error where shipway.toml names the app; one that was found by reading may need what nobody has told us."""
    how = f"does not answer within {START:.0f} s" if step.error is not None and "in time" in step.error else "ended"
    reason = (
        f"not measured: {pages.app} is not served: the command {how}: {complaint(step.output) or 'it says nothing'}"
    )
    if not pages.named:
        return Verdict(status=Status.SKIPPED, reason=f"{reason} (say how in [[stages.audit.lighthouse]])")
    failure = Failure(message=reason, detail=tail(said(step.output)))
    return Verdict(status=Status.ERROR, reason=reason, failures=(failure,))

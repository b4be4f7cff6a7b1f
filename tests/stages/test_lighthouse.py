from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import CheckRun, Execution, Measure, Status, StepRun
from ci.stages import lighthouse, preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, Verdict
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Recorded = Callable[[str], bytes]
    Executed = Callable[..., Execution]

FILES: Mapping[str, str | Mapping[str, Any]] = {
    "apps/site/package.json": {"name": "site", "scripts": {"start": "node server.mjs"}},
    "apps/site/public/index.html": "<!doctype html>",
}
NAMED = '[[stages.audit.lighthouse]]\napp = "apps/site"\n'


def report(runs: int = 1, page: str = "/", **scores: float) -> bytes:
    """What `shipway-lighthouse` writes; whatever is not given scores 1."""
    whole = {"performance": 1, "accessibility": 1, "best-practices": 1, "seo": 1, **scores}
    pages = [{"url": page, "runs": [{"scores": whole, "seconds": 1.0}] * runs, "audits": []}]
    return json.dumps({"lighthouse": "13.5.0", "pages": pages}).encode()


@pytest.fixture
def planned(context: Workspace) -> Callable[..., Check]:
    """Return the check of the one app, with settings and the scores of the last green run."""

    def plan(settings: str = "", *, baseline: Mapping[str, float] | None = None) -> Check:
        known = {
            ("lighthouse", "apps/site /", name): Measure(name=name, value=value, unit="score")
            for name, value in (baseline or {}).items()
        }
        (check,) = lighthouse.checks(dataclasses.replace(context(FILES, settings=settings), baseline=known))
        return check

    return plan


@pytest.fixture
def judged(executed: Executed) -> Callable[..., Verdict]:
    """Judge a report."""
    return lambda check, content: check.judge(executed(check, files={"lighthouse.json": content}))


def test_an_app_that_is_found_is_served_by_its_own_script_and_measured_alone(planned: Callable[..., Check]) -> None:
    check = planned()
    server, measuring = check.steps
    assert check.id == "audit/lighthouse@apps/site"
    assert check.alone
    assert server.background
    assert server.argv[-3:] == ("--", "node", "server.mjs")
    assert server.cwd == "apps/site"
    assert measuring.argv[-1] == "/"
    assert check.repeat.startswith("cd apps/site && node server.mjs, then:")


def test_scores_without_a_budget_or_an_earlier_run_are_recorded(
    planned: Callable[..., Check], judged: Callable[..., Verdict], recorded: Recorded
) -> None:
    verdict = judged(planned(), recorded("lighthouse-1.json"))
    assert verdict.status is Status.PASSED
    assert [(each.group, each.name, each.value, each.ok) for each in verdict.measures] == [
        ("apps/site /", name, 1, None) for name in ("performance", "accessibility", "best-practices", "seo")
    ]


def test_a_score_far_below_its_budget_fails_at_once_and_says_what_to_mend(
    planned: Callable[..., Check], judged: Callable[..., Verdict], recorded: Recorded
) -> None:
    verdict = judged(planned(f"{NAMED}accessibility = 0.95\n"), recorded("lighthouse-3.json"))
    (failure,) = verdict.failures
    assert (verdict.status, verdict.second) == (Status.FAILED, None)
    assert failure.message == "apps/site /: accessibility is 0.70, below its budget of 0.95"
    assert "element does not have a `[lang]` attribute" in (failure.detail or "")
    assert [each.ok for each in verdict.measures] == [None, False, None, None]


@pytest.mark.parametrize("score", [0.87, 0.9, 0.93])
def test_performance_close_to_its_budget_is_measured_three_times(
    planned: Callable[..., Check], judged: Callable[..., Verdict], score: float
) -> None:
    second = judged(planned(f"{NAMED}performance = 0.9\n"), report(performance=score)).second
    assert second is not None
    argv = second.steps[-1].argv
    assert argv[argv.index("--runs") + 1] == "3"


@pytest.mark.parametrize(("category", "score"), [("performance", 0.95), ("performance", 0.84), ("accessibility", 0.93)])
def test_a_score_that_another_run_would_not_change_is_measured_once(
    planned: Callable[..., Check], judged: Callable[..., Verdict], category: str, score: float
) -> None:
    content = json.loads(report())
    content["pages"][0]["runs"][0]["scores"][category] = score
    assert judged(planned(f"{NAMED}{category} = 0.9\n"), json.dumps(content).encode()).second is None


def test_the_median_of_the_three_decides_and_no_fourth_is_asked_for(
    planned: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    second = judged(planned(f"{NAMED}performance = 0.9\n"), report(performance=0.88)).second
    for scores, status in (((0.88, 0.92, 0.91), Status.PASSED), ((0.92, 0.88, 0.89), Status.FAILED)):
        content = json.loads(report(runs=3))
        content["pages"][0]["runs"] = [
            {"scores": {"performance": score, "accessibility": 1, "best-practices": 1, "seo": 1}} for score in scores
        ]
        verdict = judged(second, json.dumps(content).encode())
        assert (verdict.status, verdict.second) == (status, None)
        assert verdict.notices == ("the median of 3 runs",)


def test_without_a_budget_the_last_green_run_is_the_line(
    planned: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    check = planned(baseline={"seo": 0.9, "performance": 0.9})
    assert judged(check, report(seo=0.85, performance=0.86)).status is Status.PASSED
    fallen = judged(check, report(seo=0.7))
    assert fallen.status is Status.FAILED
    assert fallen.failures[0].message == "apps/site /: seo is 0.70, and was 0.90 in the last green run"
    assert judged(check, report(seo=0.82)).second is not None


def test_only_the_page_that_is_close_is_measured_again_and_the_others_stay(
    context: Workspace, executed: Executed
) -> None:
    settings = f'{NAMED}pages = ["/", "/about"]\nperformance = 0.9\n'
    (check,) = lighthouse.checks(context(FILES, settings=settings))
    first = json.loads(report(performance=0.99))
    first["pages"] += json.loads(report(page="/about", performance=0.91))["pages"]
    second = check.judge(executed(check, files={"lighthouse.json": json.dumps(first).encode()})).second
    assert second is not None
    assert second.steps[-1].argv[-2:] == ("3", "/about")
    verdict = second.judge(executed(second, files={"lighthouse.json": report(3, "/about", performance=0.92)}))
    found = {(each.group, each.name): each.value for each in verdict.measures}
    assert found["apps/site /", "performance"] == 0.99
    assert found["apps/site /about", "performance"] == 0.92


def test_a_page_without_a_score_is_an_error(planned: Callable[..., Check], judged: Callable[..., Verdict]) -> None:
    content = report().replace(b'"seo": 1', b'"seo": null')
    assert judged(planned(), content).status is Status.ERROR


def test_an_error_page_is_an_error_and_no_low_score(planned: Callable[..., Check], executed: Executed) -> None:
    check = planned()
    said = "shipway-lighthouse: http://127.0.0.1:4390/ answers 500, an error page\n"
    verdict = check.judge(executed(check, codes=(0, 1), outputs=("", said)))
    assert (verdict.status, verdict.reason) == (
        Status.ERROR,
        "http://127.0.0.1:4390/ answers 500, an error page",
    )


@pytest.mark.parametrize(("settings", "status"), [("", Status.SKIPPED), (NAMED, Status.ERROR)])
def test_an_app_that_cannot_be_served_is_not_measured(
    planned: Callable[..., Check], executed: Executed, settings: str, status: Status
) -> None:
    check = planned(settings)
    said = "starting\nError: AUTH_SECRET is not set\n    at server.mjs:3\nshipway-listen: the server ended with 1\n"
    verdict = check.judge(executed(check, codes=(1,), outputs=(said,)))
    assert verdict.status is status
    assert "apps/site is not served: the command ended: Error: AUTH_SECRET is not set" in (verdict.reason or "")


def test_a_server_that_never_answers_is_told_from_one_that_ended(planned: Callable[..., Check]) -> None:
    check = planned(NAMED)
    server = StepRun(
        argv=check.steps[0].argv, cwd="apps/site", seconds=60, error="did not answer at file:x in time", background=True
    )
    verdict = check.judge(Execution(steps=(server,), root="/workspace"))
    assert verdict.status is Status.ERROR
    assert "does not answer within 60 s" in (verdict.reason or "")


def test_a_build_without_a_server_of_its_own_is_served_as_files(context: Workspace) -> None:
    files = {
        "apps/web/package.json": {"name": "web", "scripts": {"build": "vite build", "start": "vite"}},
        "apps/web/index.html": "<!doctype html>",
    }
    (check,) = lighthouse.checks(preparation.prepare(context(files)))
    assert check.steps[0].argv[4:7] == ("shipway-serve", "apps/web/dist/client", "apps/web/dist")
    assert check.why == "a static server on what was built"


def test_a_preview_that_builds_first_is_served_without_building_again(context: Workspace) -> None:
    manifest = {"name": "web", "scripts": {"build": "vite build", "preview": "vite build && vite preview"}}
    files = {"apps/web/package.json": manifest, "apps/web/index.html": "<!doctype html>"}
    (check,) = lighthouse.checks(preparation.prepare(context(files)))
    assert check.steps[0].argv[-3:] == ("--", "vite", "preview")


def test_the_settings_say_how_an_app_is_served_and_that_it_needs_a_database(context: Workspace) -> None:
    settings = f'{NAMED}serve = ["pnpm", "start"]\nport = 3000\ndatabase = true\nenv = {{ MODE = "test" }}\n'
    settings += '[stages.integration]\nmigrate = ["node", "migrate.mjs"]\n'
    (check,) = lighthouse.checks(context(FILES, settings=settings))
    assert [step.argv[0] for step in check.steps] == ["node", "shipway-listen", "shipway-lighthouse"]
    assert check.steps[1].argv[-5:] == ("--port", "3000", "--", "pnpm", "start")
    assert [service.name for service in check.services] == ["postgres"]
    assert dict(check.environment) == {"MODE": "test"}


def kept(check: Check, verdict: Verdict) -> CheckRun:
    return CheckRun(
        stage=check.stage, name=check.name, package=check.package, status=verdict.status, measures=verdict.measures
    )


def test_a_kept_score_that_has_fallen_behind_the_last_green_run_is_measured_again(
    planned: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    first = planned()
    before = kept(first, judged(first, report(seo=0.9)))
    stands = planned(baseline={"seo": 0.99}).stands
    assert stands is not None
    assert stands(before) is None


def test_a_kept_score_that_holds_is_shown_against_the_last_green_run_of_now(
    planned: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    first = planned()
    verdict = judged(first, report(seo=0.96))
    stands = planned(baseline={"seo": 0.99}).stands
    assert stands is not None
    now = stands(kept(first, verdict))
    assert now is not None
    assert [(each.name, each.value, each.baseline, each.ok) for each in now.measures][-1] == ("seo", 0.96, 0.99, True)
    assert stands(now) == now


def test_a_kept_score_is_held_against_its_budget_as_it_was(
    planned: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    check = planned(f"{NAMED}seo = 0.9\n", baseline={"seo": 1.0})
    before = kept(check, judged(check, report(seo=0.91)))
    assert check.stands is not None
    assert check.stands(before) == before

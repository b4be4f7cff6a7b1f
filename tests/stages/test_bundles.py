from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import CheckRun, Measure, Status
from ci.stages import bundles, preparation, sizelimit
from ci.stages.bundles import size, stable_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, Execution, Verdict
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Recorded = Callable[[str], bytes]
    Executed = Callable[..., Execution]

VITE = {"name": "web", "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"}}
FILES: Mapping[str, str | Mapping[str, Any]] = {"apps/web/package.json": VITE, "apps/web/index.html": "<!doctype html>"}
BUDGET = '[[stages.audit.bundles]]\napp = "apps/web"\n'


@pytest.fixture
def weighed(context: Workspace, executed: Executed, recorded: Recorded) -> Callable[..., Verdict]:
    """Judge the recorded sizes: 73,153 bytes by gzip in a script of 71,880 and a style of 1,273."""

    def judge(
        settings: str = "", *, baseline: Mapping[str, float] | None = None, report: bytes | None = None
    ) -> Verdict:
        made = preparation.prepare(context(FILES, settings=settings))
        known = {
            ("bundle", "apps/web", name): Measure(name=name, value=value, unit="bytes")
            for name, value in (baseline or {}).items()
        }
        (check,) = bundles.checks(dataclasses.replace(made, baseline=known))
        return check.judge(executed(check, files={"sizes.json": report or recorded("sizes.json")}))

    return judge


def test_kept_sizes_are_held_against_the_last_green_run_of_now(
    context: Workspace, executed: Executed, recorded: Recorded
) -> None:
    def planned(baseline: float | None) -> Check:
        made = preparation.prepare(context(FILES))
        name = "total gzip"
        known = (
            {} if baseline is None else {("bundle", "apps/web", name): Measure(name=name, value=baseline, unit="bytes")}
        )
        (check,) = bundles.checks(dataclasses.replace(made, baseline=known))
        return check

    first, later, last = planned(None), planned(50_000), planned(73_000)
    verdict = first.judge(executed(first, files={"sizes.json": recorded("sizes.json")}))
    kept = CheckRun(
        stage="audit", name="bundle", package="apps/web", status=verdict.status, measures=verdict.measures,
        notices=("changed 1 file",),
    )  # fmt: skip
    assert later.stands is not None
    grown = later.stands(kept)
    assert grown is not None
    assert grown.notices == ("apps/web: total gzip grew from 50.0 kB to 73.2 kB", "changed 1 file")
    assert last.stands is not None
    now = last.stands(grown)
    assert now is not None
    assert now.notices == ("changed 1 file",)
    assert [each.baseline for each in now.measures if each.name == "total gzip"] == [73_000]


def measure(verdict: Verdict, name: str) -> Measure:
    return next(measure for measure in verdict.measures if measure.name == name)


def test_sizes_are_measured_together_and_by_chunk_without_hashes(weighed: Callable[..., Verdict]) -> None:
    verdict = weighed()
    assert verdict.status is Status.PASSED
    assert measure(verdict, "total gzip").value == 73_153
    assert measure(verdict, "total brotli").value == 63_149
    assert measure(verdict, "assets/index-*.js raw").value == 231_652
    assert all(each.ok is None for each in verdict.measures)


def test_over_its_budget_an_app_fails_with_the_excess_and_its_largest_file(weighed: Callable[..., Verdict]) -> None:
    verdict = weighed(f'{BUDGET}gzip = "60 kB"\n')
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert "13.2 kB over its budget of 60.0 kB" in failure.message
    assert failure.file == "apps/web/dist/assets/index-BTlmYh33.js"
    assert measure(verdict, "total gzip").ok is False
    assert measure(verdict, "total gzip").limit == 60_000


def test_a_single_file_can_have_a_budget_of_its_own(weighed: Callable[..., Verdict]) -> None:
    verdict = weighed(f'{BUDGET}gzip = "80 kB"\nchunk_gzip = "70 kB"\n')
    (failure,) = verdict.failures
    assert failure.rule == "bundle-chunk-gzip"
    assert "1.9 kB over the 70.0 kB" in failure.message
    assert weighed(f'{BUDGET}gzip = "80 kB"\nchunk_gzip = "75 kB"\n').status is Status.PASSED


def test_growth_without_a_budget_is_a_notice_and_no_failure(weighed: Callable[..., Verdict]) -> None:
    verdict = weighed(baseline={"total gzip": 50_000, "total raw": 235_000})
    assert verdict.status is Status.PASSED
    assert verdict.notices == ("apps/web: total gzip grew from 50.0 kB to 73.2 kB",)
    assert measure(verdict, "total gzip").ok is False
    assert measure(verdict, "total raw").ok is True


def test_growth_within_the_budget_is_nobodys_business(weighed: Callable[..., Verdict]) -> None:
    verdict = weighed(f'{BUDGET}gzip = "80 kB"\n', baseline={"total gzip": 50_000})
    assert (verdict.status, verdict.notices) == (Status.PASSED, ())
    assert measure(verdict, "total gzip").baseline == 50_000


def test_nothing_to_weigh_is_an_error_where_it_was_asked_for(weighed: Callable[..., Verdict]) -> None:
    empty = b'{"directory": null, "files": []}'
    assert weighed(BUDGET, report=empty).status is Status.ERROR
    assert weighed(report=empty).status is Status.SKIPPED


def test_no_report_is_an_error(weighed: Callable[..., Verdict]) -> None:
    assert weighed(report=b'{"directory"').status is Status.ERROR


def test_many_chunks_are_kept_short_and_all_counted(weighed: Callable[..., Verdict]) -> None:
    files = [{"path": f"c{number}.js", "raw": 30, "gzip": 20, "brotli": 10} for number in range(100)]
    verdict = weighed(report=json.dumps({"directory": "apps/web/dist", "files": files}).encode())
    assert measure(verdict, "total gzip").value == 2_000
    assert len(verdict.measures) == 3 * 21


def test_an_app_that_is_built_is_weighed_where_its_bundler_puts_it(context: Workspace) -> None:
    files = {**FILES, "apps/web/vite.config.ts": "export default { build: { outDir: '../../out/web' } };\n"}
    made = preparation.prepare(context(files))
    (check,) = bundles.checks(made)
    assert check.id == "audit/bundle@apps/web"
    assert check.steps[0].argv[-6:] == (
        *("out/web/client", "out/web", "apps/web/dist/client", "apps/web/dist"),
        *("apps/web/build/client", "apps/web/build"),
    )
    assert made.build is not None
    assert made.build.id in check.needs


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("assets/index-BTlmYh33.js", "assets/index-*.js"),
        ("assets/index-CHHhz97n.css", "assets/index-*.css"),
        ("chunks/main-4f7a1d2c9b3e5f60.js", "chunks/main-*.js"),
        ("static/js/main.8e1b2c3d.chunk.js", "static/js/main.*.chunk.js"),
        ("chunks/1dd3208c-9a2f4b6c8d0e1f23.js", "chunks/1dd3208c-*.js"),
        ("kX3n8mPq2Lr7tVw9yZ1ab/_buildManifest.js", "*/_buildManifest.js"),
        ("_app/immutable/chunks/D3adB33f.js", "_app/immutable/chunks/*.js"),
        ("assets/my-component.js", "assets/my-component.js"),
        ("assets/sign-in-form.js", "assets/sign-in-form.js"),
        ("vendor.js", "vendor.js"),
    ],
)
def test_names_are_stable_from_build_to_build(path: str, name: str) -> None:
    assert stable_name(path) == name


def test_sizes_are_said_as_people_say_them() -> None:
    assert [size(number) for number in (812, 12_345, 1_200_000)] == ["812 B", "12.3 kB", "1.20 MB"]


# --- size-limit -----------------------------------------------------------------------------------


LIMITED: Mapping[str, Mapping[str, Any]] = {
    "package.json": {"name": "root", "packageManager": "pnpm@10.34.9", "size-limit": [{"path": "dist/*.js"}]}
}


@pytest.fixture
def limited(context: Workspace) -> Check:
    """The check of a root that configures size-limit."""
    (check,) = sizelimit.checks(context(LIMITED))
    return check


def test_size_limits_own_numbers_are_taken(limited: Check, executed: Executed, recorded: Recorded) -> None:
    verdict = limited.judge(executed(limited, files={"size-limit.json": recorded("size-limit-green.json")}))
    assert verdict.status is Status.PASSED
    assert [(each.name, each.value, each.limit, each.ok) for each in verdict.measures] == [
        ("web: scripts", 62_076, 75_000, True),
        ("web: styles", 1_073, 5_000, True),
    ]


def test_kept_numbers_of_size_limit_are_shown_beside_the_last_green_run_of_now(
    context: Workspace, limited: Check, executed: Executed, recorded: Recorded
) -> None:
    verdict = limited.judge(executed(limited, files={"size-limit.json": recorded("size-limit-green.json")}))
    kept = CheckRun(stage="audit", name="size-limit", package=".", status=verdict.status, measures=verdict.measures)
    name = verdict.measures[0].name
    known = {("bundle", "size-limit", name): Measure(name=name, value=1_000, unit="bytes")}
    (check,) = sizelimit.checks(dataclasses.replace(context(LIMITED), baseline=known))
    assert check.stands is not None
    now = check.stands(kept)
    assert now is not None
    assert (now.measures[0].baseline, now.measures[0].ok) == (1_000, True)


def test_an_entry_over_its_limit_fails(limited: Check, executed: Executed, recorded: Recorded) -> None:
    verdict = limited.judge(executed(limited, files={"size-limit.json": recorded("size-limit-red.json")}, codes=(1,)))
    assert verdict.status is Status.FAILED
    assert verdict.reason == "web: scripts weighs 62.1 kB, 22.1 kB over its limit of 40.0 kB"
    assert [failure.file for failure in verdict.failures] == ["package.json"]


def test_a_limit_on_files_that_were_not_built_is_no_pass(
    limited: Check, executed: Executed, recorded: Recorded
) -> None:
    report = recorded("size-limit-nothing.json")
    for code in (0, 1):
        verdict = limited.judge(executed(limited, files={"size-limit.json": report}, codes=(code,)))
        assert verdict.status is Status.FAILED
        assert verdict.reason == "web: scripts: size-limit finds no files to weigh"
        assert verdict.measures == ()


def test_an_error_of_size_limit_is_told(limited: Check, executed: Executed) -> None:
    report = b'{"error": "Size Limit can\'t find files at dist/*.js"}'
    verdict = limited.judge(executed(limited, files={"size-limit.json": report}, codes=(1,)))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "Size Limit can't find files at dist/*.js")
    assert limited.judge(executed(limited, codes=(0,))).status is Status.ERROR


def test_an_app_that_is_named_is_weighed_by_the_same_files_as_one_that_is_found(context: Workspace) -> None:
    named, found = (
        bundles.checks(preparation.prepare(context(FILES, settings=settings)))[0] for settings in (BUDGET, "")
    )
    assert named.steps[0].argv == found.steps[0].argv

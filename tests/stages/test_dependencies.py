from __future__ import annotations

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.errors import ExitCode
from ci.model import Execution, Network, Reuse, Status, StepRun
from ci.stages import dependencies

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, Verdict
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Recorded = Callable[[str], bytes]

TODAY = datetime.date(2026, 11, 25)
WAIVER = """
[[stages.install.waivers]]
advisory = "GHSA-aaaa-bbbb-cccc"
until = {until}
reason = "the function is not called"
"""


@pytest.fixture
def audited(context: Workspace) -> Callable[..., Verdict]:
    """Judge what `pnpm audit` wrote to its two streams."""

    def judge(
        report: bytes, *, settings: str = "", code: int = 1, output: str = "", production: bool = False, **root: Any
    ) -> Verdict:
        manifest = {"name": "root", "packageManager": "pnpm@10.34.9", **root}
        made = dataclasses.replace(context({"package.json": manifest}, settings=settings), today=TODAY)
        check = dependencies.audit(made, stage="audit", production=production)
        step = StepRun(argv=check.steps[0].argv, cwd=".", seconds=1.0, exit_code=code, output=output)
        return check.judge(Execution(steps=(step,), files={"audit.json": report}, root="/workspace"))

    return judge


@pytest.fixture
def check(context: Workspace) -> Check:
    """The audit of production dependencies."""
    return dependencies.audit(context({}), stage="install", production=True)


def test_production_dependencies_and_all_are_two_audits_good_for_an_hour(context: Workspace, check: Check) -> None:
    every = dependencies.audit(context({}), stage="audit", production=False)
    assert (check.id, every.id) == ("install/pnpm-audit@.", "audit/pnpm-audit-all@.")
    assert check.steps[0].argv == ("pnpm", "audit", "--json", "--prod")
    assert every.steps[0].argv == ("pnpm", "audit", "--json")
    assert (check.network, check.reuse, check.registry) == (Network.OUTSIDE, Reuse.HOUR, True)
    assert check.steps[0].timeout <= 60


@pytest.mark.parametrize("version", ["10", "12"])
def test_a_clean_answer_is_a_pass(audited: Callable[..., Verdict], recorded: Recorded, version: str) -> None:
    assert audited(recorded(f"audit-pnpm-{version}-clean.json"), code=0).status is Status.PASSED


@pytest.mark.parametrize("version", ["10", "12"])
def test_a_high_advisory_is_a_failure_with_its_way_in_and_its_cure(
    audited: Callable[..., Verdict], recorded: Recorded, version: str
) -> None:
    verdict = audited(recorded(f"audit-pnpm-{version}-vulnerable.json"))
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert failure.message == "@playwright/test <99.0.0: Prototype pollution in a stand-in (high)"
    assert (failure.rule, failure.file) == ("GHSA-aaaa-bbbb-cccc", "pnpm-lock.yaml")
    assert "> @playwright/test" in (failure.detail or "") or "through @playwright/test" in (failure.detail or "")
    assert "fixed in >=99.0.0" in (failure.detail or "")


def test_the_level_decides_what_only_is_told(audited: Callable[..., Verdict], recorded: Recorded) -> None:
    report = recorded("audit-pnpm-10-vulnerable.json")
    verdict = audited(report, settings='[stages.install]\naudit_level = "critical"\n')
    assert verdict.status is Status.PASSED
    assert len(verdict.notices) == 1
    unknown = report.replace(b'"high"', b'"catastrophic"')
    assert audited(unknown).status is Status.FAILED


def test_a_waiver_counts_to_its_last_day_and_is_shown(audited: Callable[..., Verdict], recorded: Recorded) -> None:
    report = recorded("audit-pnpm-10-vulnerable.json")
    waived = audited(report, settings=WAIVER.format(until="2026-11-25"))
    assert waived.status is Status.PASSED
    assert waived.notices[0].startswith("waived until 2026-11-25: @playwright/test")
    ended = audited(report, settings=WAIVER.format(until="2026-11-24"))
    assert ended.status is Status.FAILED
    assert ended.failures[0].message.endswith("its waiver ended on 2026-11-24")


def test_a_waiver_by_cve_counts_and_one_for_something_else_does_not(
    audited: Callable[..., Verdict], recorded: Recorded
) -> None:
    report = recorded("audit-pnpm-10-vulnerable.json")
    settings = WAIVER.format(until="2027-01-01")
    assert audited(report, settings=settings.replace("GHSA-aaaa-bbbb-cccc", "CVE-2026-0001")).status is Status.PASSED
    assert audited(report, settings=settings.replace("cccc", "dddd")).status is Status.FAILED


def test_a_waiver_that_nothing_needs_is_named_where_all_was_looked_at(
    audited: Callable[..., Verdict], recorded: Recorded
) -> None:
    report = recorded("audit-pnpm-10-clean.json")
    settings = WAIVER.format(until="2027-01-01")
    assert "no longer needed" in audited(report, settings=settings).notices[0]
    assert audited(report, settings=settings, production=True).notices == ()


def test_what_pnpm_itself_is_told_to_ignore_is_shown(audited: Callable[..., Verdict], recorded: Recorded) -> None:
    verdict = audited(
        recorded("audit-pnpm-10-clean.json"), code=0, pnpm={"auditConfig": {"ignoreCves": ["CVE-2020-1"]}}
    )
    assert verdict.notices == ("ignored by pnpm's own settings, without a last day: CVE-2020-1",)


@pytest.mark.parametrize(
    ("report", "output", "why"),
    [
        ("audit-pnpm-10-405.json", "", "the registry has no audit service (it answered 405)"),
        ("audit-pnpm-11-html.json", "", "returned invalid JSON"),
        ("", "audit-pnpm-12-refused.log", "ERR_PNPM_AUDIT_BAD_RESPONSE Failed to request the audit endpoint"),
        ("", "", "the service gave no answer"),
    ],
)
def test_no_answer_is_not_checked_and_neither_clean_nor_vulnerable(
    audited: Callable[..., Verdict], recorded: Recorded, report: str, output: str, why: str
) -> None:
    said = recorded(output).decode() if output else ""
    verdict = audited(recorded(report) if report else b"", output=said)
    assert verdict.status is Status.SKIPPED
    assert verdict.failures == ()
    assert (verdict.reason or "").startswith("not checked: ")
    assert why in (verdict.reason or "")


@pytest.mark.parametrize(
    "report",
    [
        b"{}",
        b"[]",
        b"null",
        b'{"advisories": {}}',
        b'{"metadata": {}}',
        b'{"advisories": [], "metadata": {}}',
        b'{"advisories": {"1": "x"}, "metadata": {}}',
        b'{"advisories": null, "metadata": {}}',
        b"<!doctype html>",
        b'{"advisories": {}, "meta',
    ],
)
def test_half_an_answer_is_none_whatever_the_exit_code(audited: Callable[..., Verdict], report: bytes) -> None:
    for code in (0, 1):
        assert audited(report, code=code).status is Status.SKIPPED


def test_where_it_must_be_known_no_answer_is_an_error_of_the_service(audited: Callable[..., Verdict]) -> None:
    verdict = audited(b"", settings='[stages.install]\nnot_checked = "fail"\n')
    assert (verdict.status, verdict.code) == (Status.ERROR, ExitCode.VENDOR)


def test_a_service_that_hangs_is_not_checked(check: Check) -> None:
    step = StepRun(argv=check.steps[0].argv, cwd=".", seconds=60, timed_out=True)
    verdict = check.judge(Execution(steps=(step,), root="/workspace"))
    assert (verdict.status, verdict.reason) == (
        Status.SKIPPED,
        "not checked: pnpm audit --json --prod timed out after 60 s",
    )


def test_titles_from_the_service_are_one_clean_line(audited: Callable[..., Verdict], recorded: Recorded) -> None:
    report: Mapping[str, Any] = json.loads(recorded("audit-pnpm-10-vulnerable.json"))
    report["advisories"]["1"]["title"] = "\x1b[31mred\x1b[0m\u202e\nsecond line"
    report["advisories"]["1"]["url"] = "javascript:alert(1)\x1b[2J"
    (failure,) = audited(json.dumps(report).encode()).failures
    assert failure.message == "@playwright/test <99.0.0: red (high)"
    assert "\x1b" not in repr(failure)

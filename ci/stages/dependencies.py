"""The dependency audit: clean, vulnerable, or not checked, and never one shown as another.

`pnpm audit` exits 1 for all but clean; only its JSON tells the three apart: an answer counts when it is JSON
with `advisories` and `metadata`. Anything else (405, 5xx, refused, HTML, an empty answer) is "not checked".
"""

from __future__ import annotations

import datetime
import functools
import json
from typing import Any

from ci.model import Check, Counts, Execution, Failure, Network, Reuse, Status, Step, Verdict
from ci.settings import Install, Waiver
from ci.stages.context import Context
from ci.stages.judging import could_not_run, stopped
from ci.text import count, first_line

SEVERITIES = ("info", "low", "moderate", "high", "critical")
REPORT = "audit.json"


def audit(context: Context, *, stage: str, production: bool) -> Check:
    """Return the audit of production dependencies, or of all."""
    scope = ("--prod",) if production else ()
    return Check(
        stage=stage,
        name="pnpm-audit" if production else "pnpm-audit-all",
        toolchain=context.toolchain(),
        steps=(
            Step(
                argv=("pnpm", "audit", "--json", *scope), stdout=REPORT, timeout=context.settings.stages.install.timeout
            ),
        ),
        judge=functools.partial(judge, settings=context.settings.stages.install, today=context.today),
        inputs=("**/package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "**/.npmrc", "shipway.toml"),
        network=Network.OUTSIDE,
        registry=True,
        reuse=Reuse.HOUR,
        weight=2,
        why="the lockfile's packages against the registry's advisories",
        repeat=" ".join(("pnpm", "audit", *scope)),
    )


def judge(execution: Execution, *, settings: Install, today: datetime.date) -> Verdict:
    """Clean, vulnerable or not checked; waivers count up to their day."""
    if (verdict := could_not_run(execution)) is not None:
        return verdict
    content = execution.files.get(REPORT, b"")
    try:
        answer = json.loads(content)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or "metadata" not in answer or not isinstance(answer.get("advisories"), dict):
        return _not_checked(execution, answer, settings)
    return _found(list(answer["advisories"].values()), settings, today)


def _found(advisories: list[dict[str, Any]], settings: Install, today: datetime.date) -> Verdict:
    bar = SEVERITIES.index(settings.audit_level)
    waivers = {waiver.advisory.upper(): waiver for waiver in settings.waivers}
    failures: list[Failure] = []
    notices: list[str] = []
    for advisory in advisories:
        severity = str(advisory.get("severity", "critical"))
        if severity in SEVERITIES and SEVERITIES.index(severity) < bar:
            notices.append(_named(advisory))
            continue
        waiver = _waiver(advisory, waivers)
        if waiver is not None and today <= waiver.until:
            notices.append(f"waived until {waiver.until}: {_named(advisory)} ({waiver.reason})")
            continue
        expired = f"; its waiver ended on {waiver.until}" if waiver is not None else ""
        failures.append(
            Failure(
                message=f"{_named(advisory)}{expired}",
                file="pnpm-lock.yaml",
                rule=str(advisory.get("github_advisory_id") or advisory.get("id") or "advisory"),
                detail=f"fixed in {advisory.get('patched_versions', 'no version yet')}; {advisory.get('url', '')}",
            )
        )
    counts = Counts(failed=len(failures), warnings=len(notices))
    if failures:
        reason = f"{count(len(failures), 'vulnerability').replace('ys', 'ies')} of severity {settings.audit_level} or above"
        return Verdict(
            status=Status.FAILED, reason=reason, counts=counts, failures=tuple(failures), notices=tuple(notices)
        )
    return Verdict(status=Status.PASSED, counts=counts, notices=tuple(notices))


def _waiver(advisory: dict[str, Any], waivers: dict[str, Waiver]) -> Waiver | None:
    names = [advisory.get("github_advisory_id"), *(advisory.get("cves") or ())]
    url = str(advisory.get("url", ""))
    names.append(url.rpartition("/")[2])
    return next((waivers[str(name).upper()] for name in names if name and str(name).upper() in waivers), None)


def _named(advisory: dict[str, Any]) -> str:
    package = advisory.get("module_name") or advisory.get("name") or "a package"
    title = first_line(str(advisory.get("title", "no title")))
    return f"{package} {advisory.get('vulnerable_versions', '')}: {title} ({advisory.get('severity', 'unknown')})"


def _not_checked(execution: Execution, answer: object, settings: Install) -> Verdict:
    """Say why there is no answer. It warns in a run; where it must be known it is an `error`, for it is no finding."""
    why = ""
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        error = answer["error"]
        why = f"{error.get('code', '')} {error.get('message', '')}".strip()
    if not why and (late := stopped(execution)) is not None:
        why = late.reason or ""
    why = first_line(why or (execution.steps[0].output if execution.steps else "")) or "the service gave no answer"
    status = Status.ERROR if settings.not_checked == "fail" else Status.SKIPPED
    return Verdict(status=status, reason=f"not checked: {why}")

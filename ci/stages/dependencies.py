"""The dependency audit: clean, vulnerable, or not checked, and never one shown as another.

`pnpm audit` exits 1 for all but clean; only its JSON tells the three apart: an answer counts when it is JSON
with `advisories` and `metadata`. Anything else (405, 5xx, refused, HTML, an empty answer) is "not checked".
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any

from ci.errors import ExitCode
from ci.model import Check, Counts, Execution, Failure, Network, Reuse, Status, Step, Verdict
from ci.stages.judging import could_not_run, stopped
from ci.text import clean, count, first_line

if TYPE_CHECKING:
    import datetime
    from collections.abc import Mapping

    from ci.settings.stages import Install, Waiver
    from ci.stages.context import Context

SEVERITIES = ("info", "low", "moderate", "high", "critical")
REPORT = "audit.json"
LIMIT = 60.0  # seconds; whoever has not answered by then will not
# A service that is away is asked once more and not for minutes. pnpm reads the first spelling up to version 10.
PATIENCE = {"fetch_retries": "1", "fetch_retry_mintimeout": "1000", "fetch_timeout": "15000"}
CODE = re.compile(r"\bERR_PNPM_\w+|\bERR_\w+")
FRAME = re.compile(r"[\u00d7\u2500-\u257f\u25b6]+")  # what pnpm 12 draws around its messages
# A registry that has no such service says so at once and for good; that answer is good for an hour like any other.
ABSENT = re.compile(r"responded with (404|405|410)\b")
PATHS = 3  # as many are named


def audit(context: Context, *, stage: str, production: bool) -> Check:
    """Return the audit of production dependencies, or of all."""
    scope = ("--prod",) if production else ()
    settings = context.settings.stages.install
    return Check(
        stage=stage,
        name="pnpm-audit" if production else "pnpm-audit-all",
        toolchain=context.toolchain(),
        steps=(
            Step(
                argv=("pnpm", "audit", "--json", *scope),
                stdout=REPORT,
                environment={f"{by}_config_{key}": value for by in ("npm", "pnpm") for key, value in PATIENCE.items()},
                timeout=min(LIMIT, settings.timeout),
            ),
        ),
        judge=functools.partial(
            judge, settings=settings, today=context.today, ignored=_ignored(context), complete=not production
        ),
        inputs=("**/package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", "**/.npmrc", "shipway.toml"),
        network=Network.OUTSIDE,
        registry=True,
        reuse=Reuse.HOUR,
        weight=2,
        why="the lockfile's packages against the registry's advisories",
        repeat=" ".join(("pnpm", "audit", *scope)),
    )


def judge(
    execution: Execution,
    *,
    settings: Install,
    today: datetime.date,
    ignored: tuple[str, ...] = (),
    complete: bool = True,
) -> Verdict:
    """Clean, vulnerable or not checked; waivers count up to their day.

    `ignored` are advisories that pnpm's own settings leave out. `complete` is whether all dependencies were asked for.
    """
    if (verdict := could_not_run(execution)) is not None:
        return verdict
    try:
        answer = json.loads(execution.files.get(REPORT, b""))
    except ValueError:
        answer = None
    advisories = _advisories(answer)
    if advisories is None:
        return _not_checked(execution, answer, settings)
    return _found(advisories, settings, today, ignored, complete=complete)


def _ignored(context: Context) -> tuple[str, ...]:
    """Return the advisories that pnpm itself is told to ignore, in package.json or in pnpm-workspace.yaml."""
    own = context.workspace.packages[0].manifest.get("pnpm")
    places = (own.get("auditConfig") if isinstance(own, dict) else None, context.workspace.settings.get("auditConfig"))
    return tuple(
        str(name)
        for place in places
        if isinstance(place, dict)
        for key in ("ignoreCves", "ignoreGhsas")
        for name in place.get(key) or ()
    )


def _advisories(answer: object) -> list[dict[str, Any]] | None:
    """Return the advisories of an answer, None where it is none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("metadata"), dict):
        return None
    advisories = answer.get("advisories")
    if not isinstance(advisories, dict) or not all(isinstance(each, dict) for each in advisories.values()):
        return None
    return list(advisories.values())


def _found(
    advisories: list[dict[str, Any]],
    settings: Install,
    today: datetime.date,
    ignored: tuple[str, ...],
    *,
    complete: bool,
) -> Verdict:
    bar = SEVERITIES.index(settings.audit_level)
    waivers = {waiver.advisory.upper(): waiver for waiver in settings.waivers}
    failures: list[Failure] = []
    notices = [f"ignored by pnpm's own settings, without a last day: {', '.join(ignored)}"] if ignored else []
    used: set[str] = set()
    for advisory in advisories:
        waiver = _waiver(advisory, waivers)
        used.update(() if waiver is None else {waiver.advisory})
        severity = str(advisory.get("severity", "critical"))
        if severity in SEVERITIES and SEVERITIES.index(severity) < bar:
            notices.append(_named(advisory))
        elif waiver is not None and today <= waiver.until:
            notices.append(f"waived until {waiver.until}: {_named(advisory)}: {waiver.reason}")
        else:
            expired = f"; its waiver ended on {waiver.until}" if waiver is not None else ""
            failures.append(_failure(advisory, expired))
    if complete:
        unused = (waiver for waiver in settings.waivers if waiver.advisory not in used)
        notices += [f"the waiver of {waiver.advisory} is no longer needed: no dependency has it" for waiver in unused]
    counts = Counts(failed=len(failures), warnings=len(notices))
    if failures:
        noun = "vulnerability" if len(failures) == 1 else "vulnerabilities"
        reason = f"{len(failures)} {noun} of severity {settings.audit_level} or above: {failures[0].message}"
        return Verdict(
            status=Status.FAILED, reason=reason, counts=counts, failures=tuple(failures), notices=tuple(notices)
        )
    return Verdict(status=Status.PASSED, counts=counts, notices=tuple(notices))


def _failure(advisory: Mapping[str, Any], expired: str) -> Failure:
    findings = advisory.get("findings")
    paths = [
        first_line(str(path)).replace("__", "/").removeprefix(".>").replace(">", " > ")
        for finding in (findings if isinstance(findings, list) else ())
        if isinstance(finding, dict)
        for path in finding.get("paths") or ()
    ]
    more = f" and {count(len(paths) - PATHS, 'more path')}" if len(paths) > PATHS else ""
    through = f"through {', '.join(paths[:PATHS])}{more}" if paths else ""
    fixed = advisory.get("patched_versions")
    known = fixed if fixed and fixed != "<0.0.0" else "no version yet"
    details = (through, f"fixed in {known}", str(advisory.get("url", "")))
    return Failure(
        message=f"{_named(advisory)}{expired}",
        file="pnpm-lock.yaml",
        rule=first_line(str(advisory.get("github_advisory_id") or advisory.get("id") or "advisory")),
        detail=clean("\n".join(filter(None, details))),
    )


def _waiver(advisory: Mapping[str, Any], waivers: Mapping[str, Waiver]) -> Waiver | None:
    url = str(advisory.get("url", ""))
    names = (advisory.get("github_advisory_id"), *(advisory.get("cves") or ()), url.rpartition("/")[2])
    return next((waivers[str(name).upper()] for name in names if name and str(name).upper() in waivers), None)


def _named(advisory: Mapping[str, Any]) -> str:
    package = advisory.get("module_name") or advisory.get("name") or "a package"
    title = first_line(str(advisory.get("title", "no title")))
    versions = advisory.get("vulnerable_versions") or ""
    return first_line(f"{package} {versions}: {title} ({advisory.get('severity', 'severity unknown')})")


def _not_checked(execution: Execution, answer: object, settings: Install) -> Verdict:
    """Say why there is no answer. It warns in a run; where it must be known it is an `error`, for it is no finding."""
    why = ""
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        error = answer["error"]
        code = error.get("code")
        why = f"{code if code and code != 'pnpm' else ''} {error.get('message', '')}".strip()
    if not why and (late := stopped(execution)) is not None:
        why = late.reason or ""
    if not why and execution.steps:
        why = _complaint(execution.steps[0].output)
    absent = ABSENT.search(why)
    if absent is not None:
        why = f"the registry has no audit service (it answered {absent[1]})"
    reason = f"not checked: {first_line(why) or 'the service gave no answer'}"
    if settings.not_checked == "fail":
        return Verdict(status=Status.ERROR, reason=reason, code=ExitCode.VENDOR)
    return Verdict(status=Status.SKIPPED, reason=reason, lasting=absent is not None)


def _complaint(output: str) -> str:
    """What pnpm says on its error stream, in one line; version 12 wraps and frames it."""
    words = " ".join(FRAME.sub(" ", clean(output)).split()).removeprefix("Error: ")
    return words if CODE.match(words) else first_line(output)

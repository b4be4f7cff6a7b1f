"""What is wrong with a run: each thing once, in the order in which a reader should look at it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ci.model import CheckRun, Counts, Failure, RunReport, RunVerdict, StageRun, Status
from ci.outcome import NOT_ASKED
from ci.reporting import promotion
from ci.reporting.wording import against, counted, duration, listed, one_line
from ci.text import clean, count

RED = (Status.FAILED, Status.ERROR)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One failure with the check that found it; `check` is None where the stage itself says it.

    A step of a promotion and a gate that refused are findings too: their stage is "step" and "gate", and `names` says
    which. `also` are the packages whose checks said the very same: a type error shows in every dependent.
    """

    stage: str
    check: CheckRun | None
    failure: Failure
    also: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    status: Status = Status.FAILED

    @property
    def source(self) -> str:
        """`lint · eslint · packages/core`."""
        names = (self.stage, *self.names)
        if self.check is not None:
            names = (self.stage, self.check.name, self.check.package)
        return " · ".join(one_line(name) for name in names if name != ".")

    @property
    def section(self) -> str:
        """Return the part of the page that has more of it."""
        return {"gate": "rulings", "step": "steps"}.get(self.stage, "failures") if self.names else "failures"

    @property
    def message(self) -> str:
        """What is wrong, on one line, with the rule that says so."""
        message, rule = one_line(self.failure.message), one_line(self.failure.rule or "")
        return f"{message} ({rule})" if rule and rule not in message else message

    @property
    def detail(self) -> str | None:
        """A stack or a diff; where the judge found no single failure, what the failing step said last."""
        if self.check is None or self.check.failures:
            return self.failure.detail
        return last_output(self.check)

    @property
    def place(self) -> str:
        """`apps/web/src/page.ts:12:5`, or empty."""
        return place(self.failure)

    @property
    def repeat(self) -> str:
        """The shortest command that repeats it, or empty."""
        return one_line(self.check.repeat, 1000) if self.check else ""


def place(failure: Failure) -> str:
    """`apps/web/src/page.ts:12:5`, from the repository's root; empty where no file is known."""
    if not failure.file:
        return ""
    numbers = [str(number) for number in (failure.line, failure.column) if number]
    return ":".join([one_line(failure.file), *(numbers if failure.line else [])])


def findings(report: RunReport) -> tuple[Finding, ...]:
    """Return every failure and error, the very same ones once: refused gates, failed steps, stages in their order.

    Where all ended well, what a gate denied was taken by a person: there is nothing to fix.
    """
    found: dict[object, Finding] = {}
    over = report.verdict is RunVerdict.PASSED
    for number, ruling in enumerate(() if over else promotion.refused(report)):
        failure = Failure(message=ruling.reason)
        whose = (ruling.gate, ruling.environment)
        found["gate", number] = Finding(stage="gate", check=None, failure=failure, names=whose)
    for number, step in enumerate(promotion.broken(report)):
        failure = Failure(message=step.reason or f"the step {step.name} {promotion.word(step)}")
        found["step", number] = Finding(
            stage="step", check=None, failure=failure, names=(step.name,), status=step.status
        )
    for stage in report.stages:
        red = [check for check in stage.checks if check.status in RED]
        if stage.status in RED and not red:
            failure = Failure(message=stage.reason or f"the stage {stage.name} {stage.status.value}")
            found[stage.name] = Finding(stage=stage.name, check=None, failure=failure)
        for check in red:
            for number, failure in enumerate(told(check)):
                key = (failure.file, failure.line, failure.column, failure.message, failure.test)
                same = found.get(key)
                if failure.file and failure.line and same and same.check and same.check.id != check.id:
                    also = tuple(dict.fromkeys((*same.also, check.package)))
                    found[key] = replace(same, also=also)
                else:
                    found[key if failure.file and failure.line else (check.id, number)] = Finding(
                        stage=stage.name, check=check, failure=failure, status=check.status
                    )
    return tuple(found.values())


def told(check: CheckRun) -> tuple[Failure, ...]:
    """Return the failures of a red check; where its judge names none, its reason is the one."""
    return check.failures or (Failure(message=check.reason or f"{check.name} {check.status.value}"),)


def last_output(check: CheckRun) -> str | None:
    """Return the output of the step that ended the check, or None where it said nothing."""
    ended = [step for step in check.steps if not step.succeeded and not step.background]
    said = [clean(step.output) for step in (ended or check.steps) if step.output.strip()]
    return said[-1] if said else None


def headline(report: RunReport) -> str:
    """Say how the run ended, to stand behind its verdict: `all 7 stages`, `4 failures in lint and unit`."""
    if promotion.is_flow(report):
        return promotion.headline(report)
    red = [stage for stage in report.stages if stage.status in RED]
    if report.verdict is RunVerdict.PASSED:
        skipped = [stage.name for stage in report.stages if stage.status is Status.SKIPPED]
        passed = len(report.stages) - len(skipped)
        if skipped:
            return f"{passed} of {count(len(report.stages), 'stage')}, {listed(skipped)} skipped"
        return f"all {passed} stages" if passed > 1 else count(passed, "stage")
    if report.verdict is RunVerdict.HELD and not red:
        return _nothing_verified(report) if report.kind == "run" else "no ruling could be made yet"
    failed = [stage.name for stage in red if stage.status is Status.FAILED]
    broken = [stage.name for stage in red if stage.status is Status.ERROR]
    many = sum(1 for finding in findings(report) if finding.stage in failed)
    parts = [f"{count(many, 'failure')} in {listed(failed, 7)}"] if failed else []
    parts += [f"{listed(broken, 7)} could not be run"] if broken else []
    return ", ".join(parts) or "no stage tells why"


def _nothing_verified(report: RunReport) -> str:
    """Say that nothing was verified, and why, where there is one reason."""
    asked = [stage for stage in report.stages if stage.status is Status.SKIPPED and stage.reason != NOT_ASKED]
    why = f": {one_line(asked[0].reason or '')}" if len(asked) == 1 else ""
    return f"nothing was verified, {listed([stage.name for stage in asked], 7)} skipped{why}"


def circumstances(report: RunReport) -> tuple[str, ...]:
    """`41.2 s`, `host`, `2 slots`: how long, and where there were any, on what."""
    executor = (one_line(report.executor),) if report.executor else ()
    return (duration(report.seconds), *executor, *((count(report.slots, "slot"),) if report.slots else ()))


def flaky(report: RunReport) -> tuple[tuple[CheckRun, Failure | None], ...]:
    """Return each test that failed and then passed, with its check."""
    return tuple(
        (check, failure)
        for stage in report.stages
        for check in stage.checks
        if check.status is Status.FLAKY
        for failure in (check.failures or (None,))
    )


def unproven(report: RunReport, *, within: bool = False) -> tuple[tuple[str, str], ...]:
    """Return what is not vouched for: (what, why) of skips, notices of checks and undecided gates, each why once.

    `within` leaves out whole stages, for a reader who has just seen them.
    """
    reasons: dict[str, list[str]] = {}
    for stage in report.stages:
        if stage.status is Status.SKIPPED and not within:
            reasons.setdefault(one_line(stage.reason or "no reason given"), []).append(stage.name)
        for check in stage.checks:
            name = " · ".join(one_line(part) for part in (stage.name, check.name, check.package) if part != ".")
            if check.status is Status.SKIPPED and stage.status is not Status.SKIPPED:
                reasons.setdefault(one_line(check.reason or "no reason given"), []).append(name)
            for notice in check.notices:
                reasons.setdefault(one_line(notice), []).append(name)
    for ruling in promotion.undecided(report):
        name = " · ".join(one_line(part) for part in (ruling.gate, ruling.environment))
        reasons.setdefault(f"{ruling.ruling}: {one_line(ruling.reason)}", []).append(name)
    return tuple((listed(names, 7), why) for why, names in reasons.items())


def tally(stage: StageRun) -> str:
    """`4 checks, 3 cached, 120 tests`: what a stage did, in a few words."""
    ran = [check for check in stage.checks if check.status is not Status.SKIPPED]
    if not ran:
        return one_line(stage.reason or "")
    cached = sum(1 for check in ran if check.cached_from)
    tests = sum(check.counts.tests or 0 for check in ran)
    shaky = sum(check.counts.flaky or 0 for check in ran)
    parts = [counted(ran[0].counts) or ran[0].name] if len(ran) == 1 else [count(len(ran), "check")]
    parts += [count(tests, "test")] if tests and len(ran) > 1 else []
    parts += [f"{shaky} flaky"] if shaky and len(ran) > 1 else []
    parts += ["all cached" if cached == len(ran) else f"{cached} cached"] if cached else []
    parts += [f"{len(stage.checks) - len(ran)} skipped"] if len(ran) < len(stage.checks) else []
    return ", ".join(part for part in parts if part)


def totals(report: RunReport) -> tuple[tuple[str, str], ...]:
    """Return what a green run has to show, as (name, words): tests, checks, the slowest stage, the time before."""
    ran = [check for stage in report.stages for check in stage.checks if check.status is not Status.SKIPPED]
    counts = [check.counts for check in ran]
    tests = Counts(
        tests=sum(each.tests or 0 for each in counts),
        failed=sum(each.failed or 0 for each in counts),
        skipped=sum(each.skipped or 0 for each in counts),
        flaky=sum(each.flaky or 0 for each in counts),
    )
    cached = sum(1 for check in ran if check.cached_from)
    found = promotion.totals(report)
    found += [("Tests", counted(tests))] if tests.tests else []
    if ran or not found:
        found.append(("Checks", f"{len(ran) - cached} run, {cached} cached" if cached else f"{len(ran)} run"))
    slowest = max(report.stages, key=lambda stage: stage.seconds / max(stage.target, 1), default=None)
    if slowest is not None and slowest.seconds > 0:
        found.append(("Tightest", f"{slowest.name}, {against(slowest.seconds, slowest.target)}"))
    green = [entry for entry in report.history if entry.verdict == "passed" and entry.id != report.id]
    if green and not promotion.is_flow(report):
        before = max(green, key=lambda entry: entry.started).seconds
        change = report.seconds - before
        words = f"{duration(abs(change))} {'longer' if change > 0 else 'less'} than the last green run"
        found.append(("Time", f"{duration(report.seconds)}, {words}"))
    return tuple(found)

"""What a report says, or what a promotion was refused for, as the facts that a diagnosis begins with; no model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.diagnosis import places, seen
from ci.diagnosis.bounds import UNKNOWN, Since
from ci.diagnosis.facts import Broken, Facts
from ci.diagnosis.signature import settled, signature
from ci.model import Failure, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.diagnosis.places import Tree
    from ci.model import CheckRun, Ruling, RunReport

MAIN = "main"


def of_report(
    report: RunReport, *, incident: str, tree: Tree, since: Since = UNKNOWN, environment: str = MAIN
) -> Facts:
    """Return the facts of a run that is not green. A check that is red for another's sake is not broken itself."""
    checks = seen.red(report)
    stage = next((each for each in report.stages if each.status in seen.RED), None)
    broken = tuple(map(_broken, checks))
    return _facts(
        incident=incident,
        environment=environment,
        commit=report.commit or "",
        what=stage.name if stage else "",
        reason=(stage.reason if stage else None) or report.verdict.value,
        broken=broken,
        checks=checks,
        tree=tree,
        since=since,
    )


def of_refusal(
    *,
    incident: str,
    environment: str,
    commit: str,
    step: str,
    reason: str,
    rulings: Iterable[Ruling],
    tree: Tree,
    report: RunReport | None = None,
    since: Since = UNKNOWN,
) -> Facts:
    """Return the facts of a promotion that went on no further: the step that said no, and its rulings.

    `report` is the run that was red in that step, where one was: the stages, tier 1 or 2 at a deployment's address.
    """
    checks = () if report is None else seen.red(report)
    against = tuple(ruling for ruling in rulings if ruling.ruling in {Outcome.FAIL, Outcome.ERROR})
    broken = (*map(_broken, checks), *(_refused(ruling, step) for ruling in against))
    return _facts(
        incident=incident,
        environment=environment,
        commit=commit,
        what=step,
        reason=reason,
        broken=broken,
        checks=checks,
        tree=tree,
        since=since,
        rulings=against,
    )


def _facts(
    *,
    incident: str,
    environment: str,
    commit: str,
    what: str,
    reason: str,
    broken: tuple[Broken, ...],
    checks: tuple[CheckRun, ...],
    tree: Tree,
    since: Since,
    rulings: tuple[Ruling, ...] = (),
) -> Facts:
    files = tuple(
        dict.fromkeys(path for each in broken for path in places.named(each.failures, tree, package=each.package))
    )
    packages = places.packages(files, checks, tree)
    return Facts(
        incident=incident,
        environment=environment,
        commit=commit,
        what=what,
        reason=reason,
        signature=_signature(what, reason, broken),
        broken=broken,
        files=files,
        packages=packages,
        suspects=since.changed,
        good=since.good,
        first_bad=since.first_bad,
        rulings=rulings,
        owner=places.likely_owner(files, since.changed, tree, among=packages),
    )


def _broken(check: CheckRun) -> Broken:
    failures = check.failures
    return Broken(
        check=check.id,
        stage=check.stage,
        package=check.package,
        reason=check.reason or check.status.value,
        failures=failures,
        tests=tuple(dict.fromkeys(failure.test_id for failure in failures if failure.test_id)),
        repeat=check.repeat,
    )


def _refused(ruling: Ruling, step: str) -> Broken:
    """Return what a gate says no to, one by one: probes, kinds of errors, or the parts of its reason."""
    return Broken(
        check=ruling.gate, stage=step, package=places.ROOT, reason=ruling.reason, failures=tuple(_complaints(ruling))
    )


def _complaints(ruling: Ruling) -> Iterable[Failure]:
    if ruling.gate == "smoke" and (probes := tuple(_failed_probes(ruling.values))):
        return probes
    if ruling.gate == "new_errors" and (titles := ruling.values.get("bad")) and isinstance(titles, list):
        return (Failure(message=str(title), rule=ruling.gate) for title in titles)
    return (Failure(message=part, rule=ruling.gate) for part in ruling.reason.split("; ") if part)


def _failed_probes(values: Mapping[str, Any]) -> Iterable[Failure]:
    observed = values.get("observed")
    for point in observed.get("points", ()) if isinstance(observed, dict) else ():
        for probe in point.get("probes", ()):
            if probe.get("passed") and not probe.get("error"):
                continue
            answer = f"answered {probe['status']}" if probe.get("status") is not None else "was not answered"
            wanted = f", expected {probe['expected']}" if probe.get("expected") is not None else ""
            told = probe.get("error") or probe.get("detail") or ""
            yield Failure(
                message=f"{answer}{wanted}{': ' if told else ''}{told}",
                test=f"{point.get('name')}: {probe.get('name')}",
                rule="smoke",
            )


def _signature(what: str, reason: str, broken: tuple[Broken, ...]) -> str:
    """Return the signature of the first thing that is wrong, in an order that no run decides on."""
    told = sorted((_rank(each, failure), failure.message) for each in _first_stage(broken) for failure in each.failures)
    if not told:
        name = broken[0].check if broken else ""
        return signature(stage=what, what=name, message=broken[0].reason if broken else reason)
    (_, *which), message = told[0][0], told[0][1]
    return signature(stage=what, what=" ".join(which), message=message)


def _first_stage(broken: tuple[Broken, ...]) -> tuple[Broken, ...]:
    return tuple(each for each in broken if each.stage == broken[0].stage)


def _rank(broken: Broken, failure: Failure) -> tuple[str, ...]:
    """Return what a failure is sorted and told by: tests before rules, and rules before what has no name.

    A rule's file belongs to it: the same rule elsewhere is another failure. A gate's own words are its rule.
    """
    if failure.test_id or (failure.test and failure.file is None):
        return ("1", broken.check, failure.test_id or failure.test or "")
    if failure.rule:
        return ("2", broken.check, failure.rule, failure.file or "")
    return ("3", broken.check, failure.file or "", settled(failure.message))

"""What the gates say to what was seen of a release: pure, over what the journal holds.

FAIL goes first. A monitor that is blind is ERROR: it holds, and nothing is rolled back for it. Too little is
INCONCLUSIVE, whatever other gates say.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.gates import error_rate, monitor, new_errors, slo
from ci.model import Outcome
from ci.promotion.watch.counting import MINUTES, UNREAD, unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ci.journal import Look
    from ci.model import Ruling
    from ci.settings.watch import Watch

WINDOW, ARMED, ALIVE, SYNTHETIC = "window", "armed", "alive", "synthetic"  # the kinds of looks
NOTHING = "no error monitor"
OURS = "synthetic requests"
LITTLE = frozenset({Outcome.INCONCLUSIVE, Outcome.NODATA})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """By what is ruled beside what was seen: moments are seconds since 1970, `baseline` is what was counted before.

    `deployed` is when the release first ran in the environment: error types that are older are not its own.
    """

    environment: str
    commit: str
    switched: float
    deployed: float
    watch: Watch
    baseline: Mapping[str, Any]

    @property
    def begins(self) -> float:
        """The warm-up's end: from then on all counts."""
        return self.switched + self.watch.warm_up

    @property
    def connected(self) -> bool:
        """Whether there is a monitor at all."""
        return bool(self.baseline["connected"])

    @property
    def counted(self) -> bool:
        """Whether real requests are counted."""
        return str(self.baseline["source"]) != MINUTES

    @property
    def last(self) -> int:
        """The number of the last look, where the window is extended."""
        return math.ceil(self.watch.extended * self.watch.looks / self.watch.window)

    @property
    def step(self) -> float:
        """The seconds between two looks."""
        return self.watch.window / self.watch.looks

    def after(self, number: int) -> float:
        """Return the seconds from `begins` that a look's counts reach to."""
        if number > self.last:  # one that decides on what tripped at the very end
            return self.watch.extended + (number - self.last) * self.step
        return min(self.watch.window * number / self.watch.looks, self.watch.extended)


def rule_window(plan: Plan, looks: Sequence[Look]) -> tuple[Ruling, ...]:
    """Return the rulings on all that was seen in the window. One on the monitor is there once that is known."""
    seen = _seen(looks, WINDOW)
    extended = bool(seen) and seen[-1]["number"] > plan.watch.looks
    return _rulings(plan, looks, seen, ends=plan.watch.extended if extended else plan.watch.window)


def rule_armed(plan: Plan, looks: Sequence[Look]) -> tuple[Ruling, ...]:
    """Return the rulings with the looks of the armed watch; errors are also looked at since the look before alone."""
    seen = [*_seen(looks, WINDOW), *(armed := _seen(looks, ARMED))]
    ends = max(plan.watch.armed - plan.watch.warm_up - plan.watch.lag, plan.watch.window)
    rulings = _rulings(plan, looks, seen, ends=ends)
    recent = [{**each, **each["recent"]} for each in armed]
    return (*rulings, _errors(plan, recent, what=", since the look before")) if recent and plan.connected else rulings


def together(rulings: Sequence[Ruling]) -> Outcome:
    """Return what all rulings come to: PASS, FAIL, INCONCLUSIVE or ERROR."""
    said = {each.ruling for each in rulings}
    for outcome in (Outcome.FAIL, Outcome.ERROR):
        if outcome in said:
            return outcome
    return Outcome.INCONCLUSIVE if said & LITTLE or not said else Outcome.PASS


def waits(plan: Plan, rulings: Sequence[Ruling]) -> bool:
    """Whether a longer window may tell what this one did not: not what nothing measures."""
    unmeasured = {"monitor"} if plan.connected else {"monitor", "error_rate", "new_errors"}
    unmeasured |= set() if plan.counted or plan.watch.routes else {"slo"}
    return any(each.ruling in LITTLE and each.gate not in unmeasured for each in rulings)


def tripped(rulings: Sequence[Ruling]) -> bool:
    """Whether the last look tripped, so that the next one decides."""
    told: list[Any] = [each.values.get("tripped") for each in rulings if each.gate == "error_rate"]
    return any(each[-1] for each in told if each)


def blind(rulings: Sequence[Ruling]) -> bool:
    """Whether something could not be read at the last look: nobody may take that for little traffic."""
    failures = [each.values.get("blind") for each in rulings]
    lists: list[Any] = [each.values["observed"] for each in rulings if each.gate == "new_errors"]
    return any(failures) or any(each["failures"] for each in lists)


def notices(plan: Plan, rulings: Sequence[Ruling]) -> tuple[str, ...]:
    """Return what a report has to say, though nothing is rolled back for it."""
    found = [*(str(each) for each in plan.baseline.get("notices", ())), *doubts(plan, rulings)]
    little = [each for each in rulings if each.ruling in LITTLE and not _is_doubtful(each)]
    return tuple(dict.fromkeys([*found, *(f"{each.gate} could not tell: {each.reason}" for each in little)]))


def doubts(plan: Plan, rulings: Sequence[Ruling]) -> tuple[str, ...]:
    """Return what speaks against a release and is no proof, with the one command that moves users back."""
    back = f"`shipway rollback {plan.environment}` moves users back"
    only = {"error_rate": "only the literal rule says FAIL: "}
    found = [f"{each.gate}: {only.get(each.gate, '')}{each.reason}; {back}" for each in rulings if _is_doubtful(each)]
    return tuple(dict.fromkeys(found))


def _is_doubtful(ruling: Ruling) -> bool:
    return bool(ruling.values.get("notify")) and ruling.ruling is not Outcome.FAIL


def _seen(looks: Sequence[Look], kind: str) -> list[dict[str, Any]]:
    found = sorted((each for each in looks if each.kind == kind), key=lambda each: each.number)
    return [{**each.document, "number": each.number} for each in found]


def _rulings(plan: Plan, looks: Sequence[Look], seen: Sequence[dict[str, Any]], *, ends: float) -> tuple[Ruling, ...]:
    batches = _seen(looks, SYNTHETIC)
    return (
        *_monitor(plan, _seen(looks, ALIVE)),
        _errors(plan, seen),
        _new(plan, seen),
        _slo(plan, seen, batches, ends),
    )


def _monitor(plan: Plan, tries: Sequence[dict[str, Any]]) -> tuple[Ruling, ...]:
    rule = functools.partial(monitor.rule, environment=plan.environment)
    if not plan.connected:
        return (rule(monitor.MonitorObserved(connected=False)),)
    if untried := plan.baseline.get("untried"):
        return (rule(monitor.MonitorObserved(untried=untried)),)
    if not tries:
        return ()
    last = tries[-1]
    observed = monitor.MonitorObserved(came_back=last["came_back"], waited=last["waited"], error=last["error"])
    return (rule(observed),)


def _errors(plan: Plan, seen: Sequence[dict[str, Any]], *, what: str = "") -> Ruling:
    """Rule on errors: per request where requests come, and by the minute where none was ever counted.

    A release of which no request is counted must not pass for one of which no error is seen.
    """
    source, baseline = str(plan.baseline["source"]), plan.baseline
    read = [each for each in seen if unread(each["errors"], each["requests"]) is None]
    counts = [each["requests"]["requests"] for each in read if each["requests"] is not None]
    per_request = bool(counts) and counts[-1] > 0
    looks = tuple(_look(each, per_request=per_request) for each in seen) if plan.connected else ()
    known = [each["known"]["users"] for each in seen if each["known"] and UNREAD not in each["known"]]
    known += [baseline["users"]] if baseline.get("users") is not None else []
    observed = error_rate.ErrorRateObserved(
        source=f"{source if source != MINUTES else 'Sentry'}{what}" if plan.connected else NOTHING,
        unit="requests" if per_request else "minutes",
        baseline=_baseline(baseline, per_request=per_request),
        looks=looks,
        known_users=max(known, default=None),
        mode=plan.watch.mode,
        planned=plan.watch.looks,
        window=plan.watch.window,
        extended=plan.watch.extended,
    )
    return error_rate.rule(observed, environment=plan.environment)


def _baseline(facts: Mapping[str, Any], *, per_request: bool) -> error_rate.Baseline | None:
    errors, requests = facts["errors"], facts["requests"]
    if errors is None or unread(errors) is not None or (per_request and unread(requests) is not None):
        return None
    counted = requests["requests"] if per_request and requests is not None else None
    exposure = (facts["until"] - facts["since"]) / 60 if counted is None else float(counted)
    return error_rate.Baseline(errors=errors["errors"], exposure=exposure) if exposure > 0 else None


def _look(each: dict[str, Any], *, per_request: bool) -> error_rate.Look:
    errors, requests = each["errors"], each["requests"]
    if (why := unread(errors, requests)) is not None:
        return error_rate.Look(after=each["after"], error=why)
    counted = None if requests is None else requests["requests"]
    return error_rate.Look(
        after=each["after"],
        errors=errors["errors"],
        exposure=float(counted or 0) if per_request else each["span"] / 60,
        users=errors["users"],
        requests=counted,
    )


def _new(plan: Plan, seen: Sequence[dict[str, Any]]) -> Ruling:
    lists = [each["types"] for each in seen if each["types"] is not None]
    failures, types, error = 0, None, ""
    for each in lists:
        if (why := unread(each)) is None:
            failures, types, error = 0, each["types"], ""
        else:
            failures, error = failures + 1, why
    if types is not None:  # an app whose inputs did not change serves an older commit in the same release
        made = [new_errors.ErrorType(**{**each, "release": plan.commit, "users": each["users"] or 0}) for each in types]
        types = tuple(made)
    observed = new_errors.NewErrorsObserved(
        deployed=plan.deployed,
        release=plan.commit,
        types=types,
        mode=plan.watch.new_errors,
        failures=failures,
        error=error,
    )
    return new_errors.rule(observed, environment=plan.environment)


def _slo(plan: Plan, seen: Sequence[dict[str, Any]], batches: Sequence[dict[str, Any]], ends: float) -> Ruling:
    looks = [_timed(each) if plan.counted else _own(each, batches) for each in seen]
    observed = slo.SloObserved(
        source=str(plan.baseline["source"]) if plan.counted else OURS,
        target=plan.watch.target,
        looks=tuple(looks),
        synthetic=not plan.counted,
        window=ends,
    )
    return slo.rule(observed, environment=plan.environment)


def _timed(each: dict[str, Any]) -> slo.Look:
    requests = each["requests"]
    if requests is None or (why := unread(requests)) is not None:
        return slo.Look(after=each["after"], error="nothing was counted" if requests is None else why)
    slow = min(requests["slow"], requests["requests"])
    return slo.Look(after=each["after"], requests=requests["requests"], slow=slow)


def _own(each: dict[str, Any], batches: Sequence[dict[str, Any]]) -> slo.Look:
    """Return what our own requests met until a look.

    Where none of a batch was answered and nobody else was heard either, the network may be ours that is down.
    """
    until = [batch for batch in batches if batch["after"] <= each["after"]]
    deaf = each["errors"] is None or unread(each["errors"]) is not None
    if until and until[-1]["requests"] and not until[-1]["answered"] and deaf:
        return slo.Look(after=each["after"], error="none of our own requests was answered")
    heard = [batch for batch in until if batch["answered"] or not deaf]
    return slo.Look(
        after=each["after"],
        requests=sum(batch["requests"] for batch in heard),
        slow=sum(batch["slow"] for batch in heard),
    )

"""The soak gate: staging used the commit, and was tested with it, for long enough.

It counts from the commit's first serving and goes on while descendants are served; something else in between ends that
stretch, and the next serving begins another. A new error type or a failed repeat voids the stretch that it falls in,
unless the soak was over by then.
"""

from __future__ import annotations

from dataclasses import dataclass

from ci.gates.recording import Moment, Seconds, decide, joined, number, quoted
from ci.model import Outcome, Ruling

REQUIRED = 1800.0
REPEATS = ("smoke", "tier 1")


@dataclass(frozen=True, kw_only=True)
class Serving:
    """What staging served from a moment on, until the next one. `carries`: it is the commit or a descendant."""

    commit: str
    since: Moment
    carries: bool


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A repeat of the tests on what is served."""

    name: str
    at: Moment
    passed: bool
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class NewType:
    """An error type that staging had not before."""

    title: str
    at: Moment


@dataclass(frozen=True, kw_only=True)
class SoakObserved:
    """A commit's life on staging up to `now`. `skipped` is the reason that a person gave for going without."""

    commit: str
    now: Moment
    servings: tuple[Serving, ...]
    repeats: tuple[Repeat, ...] = ()
    new_errors: tuple[NewType, ...] = ()
    required: Seconds = REQUIRED
    tested: tuple[str, ...] = REPEATS
    skipped: str | None = None


def rule(observed: SoakObserved, *, environment: str) -> Ruling:
    """PASS where a stretch lasted and was tested, FAIL where the last one was voided, INCONCLUSIVE where it goes on."""
    name, required = observed.commit[:12], number(observed.required)
    if observed.skipped and observed.skipped.strip():
        reason = f"the soak of {name} was skipped: {quoted(observed.skipped)}"
        return decide("soak", environment, Outcome.PASS, reason, observed)
    stretches = _stretches(observed)
    if not stretches:
        reason = f"{environment} never served {name}"
        return decide("soak", environment, Outcome.NODATA, reason, observed)
    for since, until in stretches:
        lasted, voids = until - since, _voids(observed, since, until)
        untested = _untested(observed, since, until)
        if lasted >= observed.required and not voids and not untested:
            reason = f"{name} and its descendants were served for {number(lasted)} s, {required} s are required"
            return decide("soak", environment, Outcome.PASS, reason, observed, seconds=lasted)
    figures = {"seconds": lasted, "voided_by": voids, "untested": untested}
    if voids:
        reason = f"the soak of {name} is void: {joined(voids)}"
        return decide("soak", environment, Outcome.FAIL, reason, observed, **figures)
    reason = f"{name} was served for {number(lasted)} s, {required} s are required"
    if until < observed.now:
        reason += f"; {environment} serves something else now"
    if untested:
        reason += f"; not repeated yet: {', '.join(untested)}"
    return decide("soak", environment, Outcome.INCONCLUSIVE, reason, observed, **figures)


def _stretches(observed: SoakObserved) -> list[tuple[float, float]]:
    """Return when the commit or a descendant was served without a break; it begins with the commit itself."""
    stretches: list[tuple[float, float]] = []
    servings = sorted((each for each in observed.servings if each.since <= observed.now), key=lambda each: each.since)
    ends = [*(each.since for each in servings), observed.now][1:]
    begun = going = False
    for serving, end in zip(servings, ends, strict=True):
        begun = begun or serving.commit == observed.commit
        carries = begun and serving.carries
        if carries and going:
            stretches[-1] = (stretches[-1][0], end)
        elif carries:
            stretches.append((serving.since, end))
        going = carries
    return stretches


def _over(observed: SoakObserved, since: float, until: float) -> float:
    """Return when the soak was over: it had lasted, and each test had passed in it."""
    over = since + observed.required
    for name in observed.tested:
        passed = [each.at for each in observed.repeats if each.name == name and each.passed and each.at >= since]
        over = max(over, min(passed, default=until))
    return min(until, over)


def _voids(observed: SoakObserved, since: float, until: float) -> list[str]:
    over = _over(observed, since, until)
    failed = [
        (repeat.at, f"{repeat.name} failed after {number(repeat.at - since)} s ({quoted(repeat.reason)})")
        for repeat in observed.repeats
        if not repeat.passed and since <= repeat.at <= over
    ]
    errors = [
        (each.at, f"new error type {quoted(each.title)} after {number(each.at - since)} s")
        for each in observed.new_errors
        if since <= each.at <= over
    ]
    return [text for _, text in sorted(failed + errors)]


def _untested(observed: SoakObserved, since: float, until: float) -> list[str]:
    passed = {repeat.name for repeat in observed.repeats if repeat.passed and since <= repeat.at <= until}
    return [name for name in observed.tested if name not in passed]

"""The smoke gate: seven points, each with its probes, asked of what is about to serve or serves.

An endpoint that says 200 proves little: the point `auth` needs a probe of a protected route that is answered by 401
without a session. Where the build before fails the same probes at its own address, the cause lies outside: that decides
whether the commit is pinned out, never whether it is put back.
"""

from __future__ import annotations

from dataclasses import dataclass

from ci.gates.recording import Count, Seconds, decide, joined, number, quoted
from ci.model import Outcome, Ruling

POINTS = ("health", "auth", "database", "files", "ai", "email", "payments")
CLOSED = 401


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A probe's last try. `expected` and `status` are HTTP's, `passed` covers all that was expected.

    `error` says that the probe could not be made; `detail` what was other than expected. `first` is how the first try
    ended, where that was in another way: who asks too often is answered by a limit in the end. `before` is whether the
    old build passed it at its own address, None where that could not be asked or was not.
    """

    name: str
    passed: bool
    expected: int | None = None
    status: int | None = None
    seconds: Seconds = 0
    tries: Count = 1
    detail: str = ""
    first: str = ""
    error: str | None = None
    before: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One of the seven. `absent` is the reason why the product has no such thing."""

    name: str
    probes: tuple[Probe, ...] = ()
    absent: str | None = None


@dataclass(frozen=True, kw_only=True)
class SmokeObserved:
    """What the probes found, and at which addresses: staged or serving."""

    points: tuple[Point, ...]
    where: str = ""


def rule(observed: SmokeObserved, *, environment: str) -> Ruling:
    """FAIL goes first, then what could not be asked, then what nobody asks for."""
    probes = [(point.name, probe) for point in observed.points for probe in point.probes]
    failed = [(name, probe) for name, probe in probes if probe.error is None and not probe.passed]
    broken = [(name, probe) for name, probe in probes if probe.error is not None]
    uncovered = _uncovered(observed.points)
    absent = [f"no {point.name}: {quoted(point.absent)}" for point in observed.points if point.absent]
    outside = bool(failed) and all(probe.before is False for _, probe in failed)
    figures = {
        "points": {name: _state(name, observed.points) for name in POINTS},
        "outside_cause": outside,
    }
    at = f" at {observed.where}" if observed.where else ""
    if failed:
        said = [f"{name}: {probe.name} {_told(probe)}" for name, probe in failed]
        if outside:
            said.append("the build before fails the same probes: outside cause")
        reason = f"{len(failed)} of {len(probes)} probes failed{at}: {joined(said)}"
        return decide("smoke", environment, Outcome.FAIL, reason, observed, **figures)
    if broken:
        said = [f"{name}: {probe.name}: {quoted(probe.error or '')}" for name, probe in broken]
        reason = f"{len(broken)} of {len(probes)} probes could not be made{at}: {joined(said)}"
        return decide("smoke", environment, Outcome.ERROR, reason, observed, **figures)
    if uncovered:
        return decide("smoke", environment, Outcome.NODATA, joined(uncovered), observed, **figures)
    proven = sum(bool(point.probes) for point in observed.points if point.name in POINTS)
    reason = joined([f"all {len(probes)} probes of {proven} of {len(POINTS)} points passed{at}", *absent])
    return decide("smoke", environment, Outcome.PASS, reason, observed, **figures)


def _told(probe: Probe) -> str:
    answer = f"answered {probe.status}" if probe.status is not None else "failed"
    wanted = f", expected {probe.expected}" if probe.expected is not None else ""
    detail = f" ({quoted(probe.detail)})" if probe.detail else ""
    first = f"; at first it {quoted(probe.first)}" if probe.first else ""
    return f"{answer}{wanted}{detail} in {number(probe.seconds)} s, try {probe.tries}{first}"


def _uncovered(points: tuple[Point, ...]) -> list[str]:
    named = {point.name: point for point in points}
    without = [
        f"nothing asks for {name}"
        for name in POINTS
        if name not in named or (not named[name].probes and not named[name].absent)
    ]
    auth = named.get("auth")
    if auth and auth.probes and not any(probe.expected == CLOSED for probe in auth.probes):
        without.append(f"no probe of auth asks a protected route without a session ({CLOSED})")
    return without


def _state(name: str, points: tuple[Point, ...]) -> str:
    point = next((point for point in points if point.name == name), None)
    if point is None or not point.probes:
        return "absent" if point and point.absent else "not asked"
    if any(probe.error is None and not probe.passed for probe in point.probes):
        return "failed"
    return "error" if any(probe.error is not None for probe in point.probes) else "passed"

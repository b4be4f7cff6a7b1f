"""The tries of a probe as values, and what the gate sees of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.gates.smoke import POINTS, Point, Probe, SmokeObserved

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try of a probe: its last request as shipway.toml writes it, and how that ended."""

    passed: bool
    request: str
    seconds: float
    expected: int | None = None
    status: int | None = None
    detail: str = ""
    answered: bool = True


@dataclass(frozen=True, kw_only=True)
class ProbeRun:
    """A probe, and all of its tries. `left` says what could not be cleaned up."""

    name: str
    point: str
    app: str
    attempts: tuple[Attempt, ...]
    left: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the last try did."""
        return self.attempts[-1].passed


def observed(runs: Sequence[ProbeRun], absent: Mapping[str, str], asked: set[str], where: str) -> SmokeObserved:
    """Return what the gate looks at. Where nothing at all answered, it is not known whose fault that is.

    That an app says which commit it serves is no probe of its health where that is all that was asked.
    """
    blind = bool(runs) and not any(attempt.answered for run in runs for attempt in run.attempts)
    return SmokeObserved(
        points=tuple(
            Point(
                name=name,
                probes=tuple(
                    _seen(run, blind=blind) for run in runs if run.point == name and (name in asked or not run.passed)
                ),
                absent=absent.get(name) if name not in asked else None,
            )
            for name in POINTS
        ),
        where=where,
    )


def _seen(run: ProbeRun, *, blind: bool) -> Probe:
    last = run.attempts[-1]
    requested = last.request if last.expected is None else f"{run.name}: {last.request}"
    return Probe(
        name=run.name if last.passed else requested,
        passed=last.passed,
        expected=last.expected,
        status=last.status,
        seconds=last.seconds,
        tries=len(run.attempts),
        detail="" if last.passed else last.detail,
        first="" if last.passed else _first(run),
        error=(last.detail or "no answer") if blind and not last.passed else None,
    )


def _first(run: ProbeRun) -> str:
    """Say how the first try ended, nothing where that was as the last one did."""
    first, last = run.attempts[0], run.attempts[-1]
    if first.status == last.status:
        return ""
    said = "gave no answer" if first.status is None else f"answered {first.status}"
    return f"{said}: {first.detail}" if first.detail else said

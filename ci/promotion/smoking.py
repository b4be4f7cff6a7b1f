"""The smoke of an environment, whole: its probes, made where it is, and the gate's ruling on them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import ExitCode
from ci.gates.smoke import rule
from ci.model import Outcome
from ci.promotion.probes import WITHIN, Serving, probe
from ci.promotion.target import target_of
from ci.redact.forms import SHORTEST
from ci.settings.smoke import Smoking

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from ci.gates.smoke import SmokeObserved
    from ci.model import Ruling
    from ci.promotion.tries import ProbeRun
    from ci.settings import Settings
    from ci.settings.environments import Environment


@dataclass(frozen=True, kw_only=True)
class Smoked:
    """What came of it. `notices` is what a reader has to know beside."""

    environment: str
    observed: SmokeObserved
    ruling: Ruling
    runs: tuple[ProbeRun, ...]
    notices: tuple[str, ...] = ()

    @property
    def code(self) -> ExitCode:
        """What a process ends with that was asked for it alone."""
        match self.ruling.ruling:
            case Outcome.PASS:
                return ExitCode.PASSED
            case Outcome.FAIL:
                return ExitCode.GATE_REFUSED
            case Outcome.ERROR:
                return ExitCode.VENDOR
            case _:
                return ExitCode.HELD

    def lines(self) -> tuple[tuple[str, str, bool, str], ...]:
        """Return each probe's point and name, whether it passed, and what is said of its last try."""
        return tuple((run.point, run.name, run.passed, _said(run)) for run in self.runs)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        probes = [{**dataclasses.asdict(run), "passed": run.passed} for run in self.runs]
        return {
            "environment": self.environment,
            "ruling": dataclasses.asdict(self.ruling),
            "probes": probes,
            "notices": list(self.notices),
        }


async def smoke(
    settings: Settings,
    name: str,
    *,
    root: Path,
    addresses: Mapping[str, str] | None = None,
    commits: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    only: Collection[str] | None = None,
    within: float = WITHIN,
) -> Smoked:
    """Make the probes of an environment at `addresses`, with `headers` too, else where its users reach it.

    `only` names the probes that are made, all where it is None. `commits` are those that apps are to serve; an app
    without one has only to say what it serves, within as many seconds. Raises UsageError.
    """
    environment: Environment = getattr(settings.environments, name)
    more = environment.smoke or Smoking()
    target = await target_of(settings, name, root=root, addresses=addresses, headers=headers)
    serving = [
        Serving(app=app.name, serves=app.serves, commit=(commits or {}).get(app.name))
        for app in settings.apps
        if app.serves is not None and app.name in target.addresses
    ]
    where = ", ".join(target.addresses.values())
    probes = [each for each in settings.smoke if only is None or each.name in only]
    made = await probe(probes, target, serving=serving, without=more.without, within=within, where=where)
    short = (each for each, value in target.secrets.items() if len(value.strip()) < SHORTEST)
    notices = [f"{each} is not redacted: its value is shorter than {SHORTEST} characters" for each in short]
    notices += [f"{run.name} could not clean up: {each}" for run in made.runs for each in run.left]
    return Smoked(
        environment=name,
        observed=made.observed,
        ruling=rule(made.observed, environment=name),
        runs=made.runs,
        notices=tuple(notices),
    )


def _said(run: ProbeRun) -> str:
    last = run.attempts[-1]
    said = [last.detail] if last.detail else []
    if not last.passed:
        answered = "no answer" if last.status is None else f"answered {last.status}"
        wanted = f", expected {last.expected}" if last.expected not in {None, last.status} else ""
        said = [f"{last.request} {answered}{wanted}", *said]
    tries = f", try {len(run.attempts)}" if len(run.attempts) > 1 else ""
    return "; ".join([*said, f"{last.seconds:.2f} s{tries}"])

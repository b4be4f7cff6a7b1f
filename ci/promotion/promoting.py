"""What all steps of a promotion work with, and how a ruling becomes part of what came of a step."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ci.errors import ExitCode
from ci.journal import State
from ci.model import Outcome, Ruling, RunVerdict
from ci.promotion.flow import BlockedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ci.journal import Flow, Journal
    from ci.model import RunReport
    from ci.promotion.connected import Connected
    from ci.promotion.history import History
    from ci.promotion.work import Work
    from ci.settings import Settings
    from ci.settings.environments import Environment
    from ci.vendors.github.client import GitHub
    from ci.vendors.platform import Platform

RULINGS = "rulings"
RULING = TypeAdapter(Ruling)
ONLY_PASS = frozenset({Outcome.PASS})


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A commit on its way to an environment. `settings` are those of the commit, `root` the workspace of whoever asks.

    `rehearsal` is whether addresses of stand-ins are meant. `page` draws the report as it stands, to be sent to people.
    """

    environment: str
    commit: str
    settings: Settings
    root: Path
    history: History
    journal: Journal
    made: Connected
    github: GitHub
    platform: Platform
    work: Work
    rehearsal: bool = False
    page: Callable[[Flow], bytes] | None = None

    @property
    def own(self) -> Environment:
        """The environment's own settings."""
        found: Environment = getattr(self.settings.environments, self.environment)
        return found

    @property
    def main(self) -> str:
        """The branch that candidates come from."""
        return self.settings.environments.development.branch

    @property
    def head(self) -> str:
        """The branch of the pull request."""
        return f"shipway/{self.environment}/{self.commit[:12]}"

    @property
    def status(self) -> str:
        """The context of the commit's status at GitHub."""
        return f"shipway/{self.environment}"

    @property
    def name(self) -> str:
        """The commit as people say it."""
        return self.commit[:12]


def plain(*rulings: Ruling) -> list[dict[str, Any]]:
    """Return rulings as JSON has them."""
    return [dataclasses.asdict(each) for each in rulings]


def read(facts: Mapping[str, Any]) -> tuple[Ruling, ...]:
    """Return the rulings that were made in a step."""
    return tuple(RULING.validate_python(each) for each in facts.get(RULINGS, ()))


def demand(*rulings: Ruling, accept: frozenset[Outcome] = ONLY_PASS) -> dict[str, Any]:
    """Return the rulings as part of what came of a step. Raises BlockedError where one is not among what is accepted.

    Only FAIL is a refusal of the candidate; what could not be decided holds the promotion.
    """
    for ruling in rulings:
        if ruling.ruling not in accept:
            held = ruling.ruling is not Outcome.FAIL
            raise BlockedError(
                f"{ruling.gate}: {ruling.reason}",
                code=ExitCode.HELD if held else ExitCode.GATE_REFUSED,
                state=State.HELD if held else State.BLOCKED,
                rulings=rulings,
            )
    return {RULINGS: plain(*rulings)}


def demand_green(report: RunReport, what: str, *, rulings: tuple[Ruling, ...] = ()) -> None:
    """Make sure that what was run is green. Raises BlockedError, with the first reason of what is not."""
    if report.verdict is RunVerdict.PASSED:
        return
    checks = [check for stage in report.stages for check in stage.checks if check.reason and check.status != "passed"]
    first = min(checks, key=lambda check: check.status not in {"failed", "error"}, default=None)
    said = f"{first.id}: {first.reason}" if first is not None else "nothing was run"
    if first is not None and first.failures:
        failure = first.failures[0]
        where = f"{failure.file}:{failure.line}" if failure.line else failure.file or failure.test or ""
        told = " ".join(filter(None, (where, failure.message)))
        said = said if failure.message in said else f"{said}: {told}"
    raise BlockedError(f"{what}: {said}", code=ExitCode.STAGE_FAILED, rulings=rulings)

"""The command line's part about promotions: begun, gone on with, ended; what bars them; and drills."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ci.asked import PromotionRequest
from ci.dispatch import dispatch
from ci.hosts import actor
from ci.promotion.drills.scenario import DEFAULT, SCENARIOS
from ci.promotion.drills.scenario import ENVIRONMENT as DRILLED

if TYPE_CHECKING:
    from ci.errors import ExitCode

PROMOTED = ("staging", "production")
RELEASED = ("production",)
ENVIRONMENTS = ("development", "staging", "production")
PATH = click.argument("path", type=click.Path(path_type=Path), default=Path())
PROMOTION = click.argument("environment", type=click.Choice(PROMOTED))
REPORT = click.option(
    "--report", type=click.Path(path_type=Path), help="Where the report goes (default: shipway-report)."
)
EXECUTOR = click.option(
    "--executor", type=click.Choice(["auto", "host", "dagger"]), default="auto", help="Where steps run."
)
WAIT = click.option(
    "--no-wait", "wait", is_flag=True, flag_value=False, default=True, help="Leave its window to `tick`."
)


def commit_of(given: str | None) -> str | None:
    """Return a commit as it was given, in lower case. Raises BadParameter."""
    if given is None:
        return None
    if not re.fullmatch("[0-9a-f]{7,40}", given.lower()):
        raise click.BadParameter("expected a commit: 7 to 40 digits from 0 to f")
    return given.lower()


def console(*, stderr: bool = False) -> Any:
    """Return what commands print on."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=False, stderr=stderr)


@click.command()
@PROMOTION
@PATH
@click.option("--commit", callback=lambda *given: commit_of(given[-1]), help="The commit; else the newest of main.")
@click.option("--accept-slow", metavar="REASON", help="Promote it although its pipeline is over the budget.")
@click.option("--skip-soak", metavar="REASON", help="Release it though staging did not use it for long enough.")
@click.option("--hotfix", metavar="INCIDENT", help="Release it after the short soak: it mends that incident.")
@click.option("--dry-run", is_flag=True, help="Print what would be written to outside services, and do nothing.")
@EXECUTOR
@WAIT
@REPORT
def promote(*, dry_run: bool, **asked: Any) -> ExitCode:
    """Promote a commit of main to an environment, past all stages and gates; production gets what staging used.

    Exit code 0: it serves, and its window has passed. 10: a stage or a test failed. 11: a gate refused. 12: it was
    rolled back. 13: that did not go well. 14: nobody could be told what went wrong. 20: it is held, waits, or its
    window goes on. 5: an outside service is out of reach; `resume` goes on.
    """
    import anyio

    import pipeline
    from ci.errors import ExitCode

    request = PromotionRequest(**asked)
    if dry_run:
        for name, what in anyio.run(pipeline.writes, request):
            click.echo(f"{name}: {what}")
        return ExitCode.PASSED
    return anyio.run(pipeline.promote, request, console()).code


@click.command()
@PROMOTION
@PATH
@EXECUTOR
@WAIT
@REPORT
def resume(**asked: Any) -> ExitCode:
    """Go on with what was left unfinished, a rollback first: killed, or with an outside service out of reach."""
    import anyio

    import pipeline

    return anyio.run(pipeline.resume, PromotionRequest(**asked), console()).code


@click.command()
@PROMOTION
@PATH
@click.option("--reason", default="ended by a person", help="Why; it stands on the pull request.")
@REPORT
def abort(*, reason: str, **asked: Any) -> ExitCode:
    """End the promotion or drill that was left unfinished, and clean up after it."""
    import anyio

    import pipeline

    return anyio.run(pipeline.abort, PromotionRequest(**asked), console(), reason).code


@click.command()
@PROMOTION
@PATH
@click.option("--reason", default="", help="Why it may go on.")
@click.option("--by", help="Who says so; else whoever started the CI host's run, or the user's own name.")
@EXECUTOR
@WAIT
@REPORT
def approve(*, reason: str, by: str | None, **asked: Any) -> ExitCode:
    """Let a promotion go on that waits for a person: before anybody gets it, or because nobody can tell how it does."""
    import getpass

    import anyio

    import pipeline

    who = by or actor(os.environ) or getpass.getuser()
    return anyio.run(
        functools.partial(pipeline.approve, by=who, reason=reason), PromotionRequest(**asked), console()
    ).code


@click.command()
@click.argument("environment", type=click.Choice(RELEASED))
@PATH
def adopt(environment: str, path: Path) -> ExitCode:
    """Take what an environment serves today for good, once: so the first release can be rolled back."""
    import anyio

    import pipeline
    from ci.errors import ExitCode

    made = anyio.run(pipeline.adopt, path, environment)
    click.echo(f"{environment} serves {made.commit[:12]}, which is what a rollback goes back to")
    return ExitCode.PASSED


@click.command()
@click.argument("environment", type=click.Choice(RELEASED))
@PATH
@click.option("--to", "commit", callback=lambda *given: commit_of(given[-1]), help="The commit; else the newest good.")
@click.option("--reason", default="rolled back by a person", help="Why; the commit is pinned out for it.")
@REPORT
def rollback(*, reason: str, **asked: Any) -> ExitCode:
    """Put every app back to an earlier release that proved good, and pin out what it was put back from.

    Exit code 12: all are back. 13: some are not, or there is nothing to go back to.
    """
    import anyio

    import pipeline

    return anyio.run(pipeline.roll_back, PromotionRequest(**asked), console(), reason).code


class _Played(click.Choice[str]):
    """The name of a scenario. Whoever names an environment is told where drills are played."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return it. Raises BadParameter."""
        if value in ENVIRONMENTS:
            self.fail(f"a drill is played on {DRILLED} alone, never in production: name a scenario", param, ctx)
        return super().convert(value, param, ctx)


def _scenarios() -> str:
    """Return the scenarios for a page of help, a line each."""
    width = max(map(len, SCENARIOS))
    return "\b\n" + "\n".join(["Scenarios:", *(f"  {each.name:<{width}}  {each.about}" for each in SCENARIOS.values())])


@click.command(epilog=_scenarios())
@click.argument("scenario", type=_Played(tuple(SCENARIOS)), default=DEFAULT, metavar="[SCENARIO]")
@PATH
@click.option("--anyway", is_flag=True, help="Also while a commit is in its testing window, which begins anew then.")
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@REPORT
def drill(scenario: str, *, anyway: bool, as_json: bool, **asked: Any) -> ExitCode:
    """Play a bad release on staging: whether it is found and put back, how soon, and whether people are told.

    What staging serves is deployed once more, switched to, given a fault that no code takes part in, found by the same
    gates as in production, and put back. Production is never touched.

    Exit code 0: it ended as its scenario says. 10: it did not, and staging serves what it served. 11: refused. 13: not
    everything was put back. 20: staging lacks what the scenario needs. 5: an outside service is out of reach.
    """
    import json

    import anyio

    import pipeline
    from ci.reporting.drill import drill_document, print_skipped

    request = PromotionRequest(environment=DRILLED, **asked)
    shown = console(stderr=as_json)
    made = anyio.run(functools.partial(pipeline.drill, anyway=anyway), request, shown, scenario)
    if as_json:
        report = made.promoted.report if made.promoted else None
        click.echo(json.dumps(drill_document(scenario, report, made.skipped, made.code), indent=2))
    elif made.skipped is not None:
        print_skipped(shown, scenario, made.skipped)
    return made.code


@click.command()
@PATH
def tick(path: Path) -> ExitCode:
    """Do what is due: the tests of windows that go on, the end of promotions past their time. For a schedule.

    Exit code 0: all is well. 20: something goes on. Else as `promote`.
    """
    import anyio

    import pipeline

    return anyio.run(pipeline.tick, path, console())


@click.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@PATH
@click.option("--reason", required=True, help="Why nothing is to be promoted there.")
def freeze(environment: str, path: Path, reason: str) -> ExitCode:
    """Have nothing promoted to an environment until it is unfrozen."""
    return barred("freeze", path, environment, reason)


@click.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@PATH
def unfreeze(environment: str, path: Path) -> ExitCode:
    """Let an environment be promoted to again."""
    return barred("unfreeze", path, environment)


@click.command()
@click.argument("commit", callback=lambda *given: commit_of(given[-1]))
@PATH
@click.option("--reason", required=True, help="Why it must not be promoted.")
def pin(commit: str, path: Path, reason: str) -> ExitCode:
    """Have no commit promoted that holds this one, unless a later one reverts it or says what it fixes."""
    return barred("pin", path, commit, reason)


@click.command()
@click.argument("commit", callback=lambda *given: commit_of(given[-1]))
@PATH
def unpin(commit: str, path: Path) -> ExitCode:
    """Let a commit be promoted again."""
    return barred("unpin", path, commit)


def barred(what: str, path: Path, *words: str) -> ExitCode:
    """Change what bars promotions, and print how it is now."""
    import anyio

    import pipeline
    from ci.errors import ExitCode

    for line in anyio.run(pipeline.bar, path, what, words):
        click.echo(line)
    return ExitCode.PASSED


COMMANDS = (
    promote,
    approve,
    rollback,
    adopt,
    drill,
    resume,
    abort,
    tick,
    freeze,
    unfreeze,
    pin,
    unpin,
    dispatch,
)

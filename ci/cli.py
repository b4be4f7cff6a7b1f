"""The command line: thin. It reads arguments, calls the driver, and turns what comes back into an exit code.

Everything heavy is imported where it is used: `--help` answers in under 0.3 s.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ci import __version__, commands, incidents
from ci.asked import RunRequest
from ci.errors import DiskFullError, ExitCode, ShipwayError, leaves, without_room
from ci.hosts import HOSTS
from ci.scenarios.catalogue import CRASH, SCENARIOS, STORY
from ci.text import clean, disarmed, first_line

if TYPE_CHECKING:
    from collections.abc import Callable

STAGES = ("install", "lint", "typecheck", "unit", "integration", "e2e", "audit")
ENVIRONMENTS = ("development", "staging", "production")
PATH = click.argument("path", type=click.Path(path_type=Path), default=Path())
STAGE = click.option(
    "--stage", "stages", type=click.Choice(STAGES), multiple=True, help="Run this stage only; may be given again."
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print facts as JSON.")


def _scenarios() -> str:
    """Return the scenarios for a page of help, a line each."""
    told = {"world": "the world alone, to look around in", **{each.name: each.about for each in SCENARIOS.values()}}
    told[f"{CRASH}STEP"] = "a promotion is killed at a step, such as smoke or tier-2, and gone on with"
    width = max(map(len, told))
    lines = [f"  {name:<{width}}  {about}" for name, about in told.items()]
    return "\b\n" + "\n".join(["Scenarios:", *lines])


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="What each exit code means, and what to do then: docs/runbook.md.",
)
@click.version_option(__version__, prog_name="shipway")
def shipway() -> None:
    """Carry a commit of a pnpm/TypeScript monorepo from push to production and back."""


@shipway.command()
@PATH
@STAGE
@click.option("--executor", type=click.Choice(["auto", "host", "dagger"]), default="auto", help="Where steps run.")
@click.option("--slots", type=click.IntRange(0, 256), default=0, help="Checks side by side; 0: as there is room.")
@click.option("--sequential", is_flag=True, help="One check after another.")
@click.option("--no-cache", is_flag=True, help="Run every check, also the unchanged ones.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the report goes (default: shipway-report).")
def run(path: Path, report: Path | None, **options: Any) -> ExitCode:
    """Run the seven stages on the repository as it is now.

    Exit code 0: all green. 10: a stage failed. 20: nothing was verified, for all that was asked for was skipped.
    2: something cannot be used as it is. 4: a tool or room is missing.
    """
    import anyio

    import pipeline
    from ci.outcome import exit_code

    request = RunRequest(path=path, report=report, **options)
    return exit_code(anyio.run(pipeline.run, request, commands.console()))


@shipway.command()
@PATH
@STAGE
@JSON
def plan(path: Path, stages: tuple[str, ...], *, as_json: bool) -> ExitCode:
    """Print what would run and why each thing was chosen, without running it."""
    import json

    import anyio

    import pipeline
    from ci.reporting.plan import plan_document, print_plan

    made = anyio.run(pipeline.plan, path, stages)
    if as_json:
        _answer(json.dumps(plan_document(made), indent=2))
    else:
        print_plan(commands.console(), made)
    return ExitCode.PASSED


@shipway.command()
@PATH
@click.option("--fetch", is_flag=True, help="Get what is missing now, so that a run needs no registry for tools.")
@JSON
def tools(path: Path, *, fetch: bool, as_json: bool) -> ExitCode:
    """Print the tools that a run would use, in which versions, and whether they are in the cache."""
    import dataclasses
    import json

    import anyio

    import pipeline
    from ci.reporting.tools import print_tools

    console = commands.console()
    found = anyio.run(lambda: pipeline.tools(path, fetch=fetch, note=lambda line: click.echo(line, err=True)))
    if as_json:
        _answer(json.dumps([dataclasses.asdict(entry) for entry in found], indent=2))
    else:
        print_tools(console, [(entry.name, entry.version, entry.state, entry.size) for entry in found])
    return ExitCode.PASSED


@shipway.command()
@PATH
@click.option("--env", "environment", type=click.Choice(ENVIRONMENTS), required=True, help="The environment meant.")
@JSON
def doctor(path: Path, environment: str, *, as_json: bool) -> ExitCode:
    """Look at what an environment has at its outside services, and name what is missing. Nothing is changed.

    Exit code 0: a promotion would find what it needs. 5: something could not be read. 11: something is wrong.
    """
    import dataclasses
    import json

    import anyio

    import pipeline
    from ci.reporting.doctor import print_findings

    found = anyio.run(pipeline.doctor, path, environment)
    if as_json:
        _answer(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
    else:
        print_findings(commands.console(), [(each.what, each.state, each.says, each.fix) for each in found])
    states = {each.state for each in found}
    if "wrong" in states:
        return ExitCode.GATE_REFUSED
    return ExitCode.VENDOR if "unknown" in states else ExitCode.PASSED


@shipway.command()
@click.argument("report", type=click.Path(path_type=Path), metavar="REPORT.json")
@JSON
def replay(report: Path, *, as_json: bool) -> ExitCode:
    """Make every ruling of a report again from what it says was observed, and say what differs.

    Exit code 0: all are the same. 1: one differs. 2: it is no report, or one of its rulings cannot be read.
    """
    import json

    import pipeline
    from ci.reporting.replay import print_replays, replay_document

    found = [(each.ruling, each.again, each.differences) for each in pipeline.replay(report)]
    if as_json:
        _answer(json.dumps(replay_document(found), indent=2))
    else:
        print_replays(commands.console(), found)
    return ExitCode.DEFECT if any(differences for _, _, differences in found) else ExitCode.PASSED


@shipway.command()
@PATH
@JSON
def status(path: Path, *, as_json: bool) -> ExitCode:
    """Print what each environment serves, what goes on in it and what bars it, and the next command.

    No secret is needed for it but that of a journal in Postgres.
    """
    import dataclasses
    import json

    import anyio

    import pipeline
    from ci.reporting.status import print_status

    found = dataclasses.asdict(anyio.run(pipeline.status, path))
    if as_json:
        _answer(json.dumps(found, indent=2))
    else:
        print_status(commands.console(), found)
    return ExitCode.PASSED


@shipway.command()
@click.argument("environment", type=click.Choice(ENVIRONMENTS))
@PATH
@click.option(
    "--commit", callback=lambda *given: commands.commit_of(given[-1]), help="The commit that each app must serve."
)
@JSON
def smoke(environment: str, path: Path, commit: str | None, *, as_json: bool) -> ExitCode:
    """Ask an environment's apps all that [[smoke]] of shipway.toml says, and rule on it.

    Exit code 0: all seven points passed. 11: a probe failed. 5: nothing answered at all. 20: a point is asked for by
    nothing. 2: the settings.
    """
    import json

    import anyio

    import pipeline
    from ci.reporting.smoke import print_smoke

    made = anyio.run(pipeline.smoke, path, environment, commit)
    if as_json:
        _answer(json.dumps(made.plain(), indent=2))
    else:
        print_smoke(commands.console(), made.lines(), made.ruling, made.notices)
    return made.code


@shipway.command()
@PATH
@click.option(
    "--ci", "host", type=click.Choice(tuple(HOSTS)), required=True, help="The CI host to write a wrapper for."
)
def init(path: Path, host: str) -> ExitCode:
    """Write the wrapper of a CI host into the repository: a checkout and `shipway run` on every push and pull request.

    A file that is there already and differs is never overwritten.
    """
    from ci.wrappers import install

    new = install(host, path)
    click.echo(f"{HOSTS[host].wrapper} {'written: commit it' if new else 'is there already, and is the same'}")
    return ExitCode.PASSED


@shipway.command(epilog=_scenarios())
@click.argument("scenario", default=STORY, metavar="[SCENARIO]")
@click.option("--staged", is_flag=True, help="A world in which all is served, with a checkout to promote from.")
@click.option("--keep", "directory", type=click.Path(path_type=Path), help="Where the world is kept for the next time.")
@click.option("--real-time", is_flag=True, help="Windows as long as for a team: the whole story takes hours.")
@click.option("--report", type=click.Path(path_type=Path), help="Where the report goes (default: shipway-report).")
def rehearse(scenario: str, directory: Path | None, report: Path | None, *, staged: bool, real_time: bool) -> ExitCode:
    """Show the whole story in a world of stand-ins on this machine, with no account and no key; or one scenario of it.

    A commit is pushed and promoted by Shipway's own commands, past something that is planted in most scenarios. `world`
    only starts the world: it prints the addresses and who calls what, until Ctrl-C. Exit code 0: all ended as it
    should; 1: it did not, and the difference is printed.
    """
    import functools

    import anyio

    import pipeline

    console = commands.console()
    if scenario != "world":
        return anyio.run(functools.partial(pipeline.rehearse, scenario, console, report, real_time=real_time))
    place = None if directory is None else directory.absolute()
    anyio.run(functools.partial(pipeline.rehearse_world, console, place, staged=staged))
    return ExitCode.PASSED


def _answer(text: str) -> None:
    """Print facts; a reader that has had enough of them ends it."""
    try:
        click.echo(text)
    except BrokenPipeError:
        raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None


for each in (*commands.COMMANDS, *incidents.COMMANDS):
    shipway.add_command(each)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    code = _guarded(lambda: _invoke(sys.argv[1:]))
    try:
        sys.stdout.flush()
    except OSError:  # said above; what is still to be written has nowhere to go, and must not be tried again at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def _invoke(arguments: list[str]) -> Any:
    """Run the command; not through click's own `main`, which prints on an interrupt what we say ourselves."""
    with shipway.make_context("shipway", arguments) as context:
        return shipway.invoke(context)


def _guarded(command: Callable[[], Any]) -> int:
    """Turn every end into an exit code and at most one line."""
    # A job started in the background of a shell ignores the interrupt; a run must be able to be stopped all the same.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        result = command()
    except (KeyboardInterrupt, click.exceptions.Abort):
        return _interrupted()
    except SystemExit:  # Rich's way to say that the reader of our output went away, when all was done
        return ExitCode.INTERRUPTED
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (BaseExceptionGroup, Exception) as error:  # noqa: BLE001 - the last line of defence: a defect is said in one line too
        return _failed(error)
    return int(result) if isinstance(result, int) else ExitCode.PASSED


def _failed(error: BaseException) -> int:
    errors = leaves(error)
    if any(isinstance(leaf, KeyboardInterrupt | SystemExit) for leaf in errors):
        return _interrupted()  # SystemExit: the reader of our output went away
    known = [leaf for leaf in errors if isinstance(leaf, ShipwayError)]
    if len(known) == len(errors):
        return _say(known[0])
    if full := without_room(error):
        return _say(DiskFullError(f"no space left for {full.filename or 'what it writes'}", hint="free some"))
    return _defect(error)


def _say(error: ShipwayError) -> int:
    click.echo(disarmed(f"shipway: {clean(str(error))}"), err=True)
    return error.exit_code


def _defect(error: BaseException) -> int:
    """Say that this is Shipway's own fault, and where the trace is; it may hold paths, so it is not printed."""
    import tempfile
    import traceback

    what = first_line(traceback.format_exception_only(leaves(error)[0])[-1])
    try:
        with tempfile.NamedTemporaryFile("w", prefix="shipway-defect-", suffix=".txt", delete=False) as file:
            file.write("".join(traceback.format_exception(error)))
        hint = f"please report it with {file.name}"
    except OSError as unwritten:
        hint = f"please report it; its trace could not be kept: {unwritten.strerror or unwritten}"
    click.echo(disarmed(f"shipway: a defect of Shipway itself: {what} ({hint})"), err=True)
    return ExitCode.DEFECT


def _interrupted() -> int:
    click.echo("shipway: interrupted; everything it started was ended, and nothing is left behind", err=True)
    return ExitCode.INTERRUPTED


if __name__ == "__main__":
    main()

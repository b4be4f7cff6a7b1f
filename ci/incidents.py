"""The command line's part about incidents: which there are, what each is, why it is, and how it is mended."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import click

from ci.commands import EXECUTOR, PATH, REPORT, WAIT, barred, console

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from ci.errors import ExitCode

NAME = click.argument("name", metavar="INCIDENT|COMMIT")


@click.group()
def incident() -> None:
    """What went wrong with commits, and what is done about it."""


@incident.command("list")
@PATH
@click.option("--all", "everything", is_flag=True, help="Those that are closed, too.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def listed(path: Path, *, everything: bool, as_json: bool) -> ExitCode:
    """Print the incidents that are open, a line each."""
    import json

    import anyio

    import pipeline
    from ci.errors import ExitCode
    from ci.reporting.incident import document, line

    found = anyio.run(functools.partial(pipeline.incidents, everything=everything), path)
    if as_json:
        click.echo(json.dumps([document(each) for each in found], indent=2))
    else:
        for each in found:
            click.echo(line(each))
        if not found:
            click.echo("none is open")
    return ExitCode.PASSED


@incident.command()
@NAME
@PATH
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def show(name: str, path: Path, *, as_json: bool) -> ExitCode:
    """Print all that is known of an incident: what failed, and every try at mending it.

    It is named by its id, or by a commit that it is about, or HEAD.
    """
    import json

    import anyio

    import pipeline
    from ci.errors import ExitCode
    from ci.reporting.incident import document, told

    found = anyio.run(pipeline.incident, path, name)
    click.echo(json.dumps(document(found), indent=2) if as_json else told(found))
    return ExitCode.PASSED


@incident.command()
@NAME
@PATH
def close(name: str, path: Path) -> ExitCode:
    """Close an incident: its commit may be promoted again, and nobody looks for its cause any more.

    It is named by its id, or by a commit that it is about, or HEAD.
    """
    return barred("close", path, name)


@click.command()
@click.argument("name", metavar="INCIDENT|REPORT")
@PATH
@click.option("--propose", "half", flag_value="propose", help="Only find the cause: what has no token that writes.")
@click.option("--judge", "half", flag_value="judge", help="Only judge what was proposed: what has no model.")
@click.option("--apply", is_flag=True, help="Of a report: put what mends it over the files as they are.")
@EXECUTOR
@WAIT
@REPORT
def diagnose(*, name: str, half: str | None, apply: bool, **asked: Any) -> ExitCode:
    """Find why something failed, mend it as far as that may be done alone, and promote again what was mended.

    An INCIDENT is named by its id; by a commit that it is about, or HEAD; "waiting" is every one that waits.

    Of a report.json the cause is printed, with a patch for the files as they are, and nothing is changed without
    --apply: exit code 0 where the patch makes what failed pass, and is one that could go to main by itself; else 20.

    Of an incident, exit code 0: it is over. 20: a person is waited for, or somebody else. 14: a person has to mend it.
    11: what was proposed may not go out, or proves nothing. Else as `promote`.
    """
    import anyio

    import pipeline
    from ci.asked import MendingRequest
    from ci.diagnosis.queue import WAITING

    if name.endswith(".json"):
        return _advise(name, asked["path"], executor=asked["executor"], apply=apply)
    if apply:
        raise click.UsageError("--apply is for a report: the fix of an incident goes to main, or to a pull request")
    request = MendingRequest(incident=name, propose=half != "judge", judge=half != "propose", **asked)
    if name == WAITING:
        return anyio.run(pipeline.diagnose_waiting, request, console())
    return anyio.run(pipeline.diagnose, request, console()).code


def _advise(report: str, path: Path, *, executor: str, apply: bool) -> ExitCode:
    """Print why a run failed, and what mends it."""
    from pathlib import Path

    import anyio

    import pipeline
    from ci.errors import ExitCode
    from ci.reporting.incident import advised

    find = functools.partial(pipeline.advise, executor=executor, apply=apply)
    found = anyio.run(find, Path(report), path, console(stderr=True))
    said = found.proposed
    why = said.cause or said.ended
    click.echo(advised(said.author, why, said.approach, found.patch, proven=found.proven, held=found.held))
    if apply:
        click.echo("\napplied" if found.unfit is None else f"\nnot applied: {found.unfit}")
    return ExitCode.PASSED if found.unfit is None or said.flaky else ExitCode.HELD


@click.command()
@PATH
@EXECUTOR
@click.option("--grants", is_flag=True, help="Print the SQL by which the journal's owner makes its login and queue.")
def worker(path: Path, executor: str, *, grants: bool) -> ExitCode:
    """Find the cause of every incident that waits for it, as `diagnose --propose` does, until it is asked to end.

    For a machine of one's own, which holds the model's key and a login to the journal, and nothing that writes. A
    second worker takes over what one that died was at.
    """
    import anyio

    import pipeline
    from ci.asked import MendingRequest
    from ci.diagnosis.queue import WAITING
    from ci.errors import ExitCode

    if grants:
        click.echo(pipeline.grants())
    else:
        request = MendingRequest(path=path, incident=WAITING, judge=False, executor=executor)
        anyio.run(pipeline.work, request, console())
    return ExitCode.PASSED


COMMANDS = (incident, diagnose, worker)

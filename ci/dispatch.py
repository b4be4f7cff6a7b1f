"""What a person asks a CI host for, from a phone too: read from variables, so that no input is part of a script."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ci.errors import ExitCode
from ci.hosts import actor
from ci.text import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

DO, ENVIRONMENT = "SHIPWAY_DO", "SHIPWAY_ENVIRONMENT"
COMMIT, REASON, BY = "SHIPWAY_COMMIT", "SHIPWAY_REASON", "SHIPWAY_BY"
DEFAULT = "staging"
LONGEST = 500  # characters of what a person says
# What each command is told, by its options.
ASKED: Mapping[str, Mapping[str, str]] = {
    "promote": {"--commit": COMMIT},
    "approve": {"--reason": REASON, "--by": BY},
    "rollback": {"--to": COMMIT, "--reason": REASON},
    "resume": {},
    "abort": {"--reason": REASON},
    "smoke": {"--commit": COMMIT},
    "status": {},
}
EVERYWHERE = frozenset({"status"})  # what is asked of no environment


def arguments(variables: Mapping[str, str], path: str) -> list[str]:
    """Return the command line that these variables ask for. Raises UsageError of click."""
    do = variables.get(DO, "").strip()
    if do not in ASKED:
        raise click.UsageError(f"{DO} says what to do: one of {', '.join(ASKED)}")
    told = {name: first_line(variables.get(name, ""), LONGEST) for name in (COMMIT, REASON, BY)}
    told[BY] = actor(variables) or told[BY]
    # Given as one word with its value, so that a value that begins with a dash is no option.
    options = [f"{option}={told[name]}" for option, name in ASKED[do].items() if told[name]]
    where = [] if do in EVERYWHERE else [variables.get(ENVIRONMENT, "").strip() or DEFAULT]
    return [do, *options, "--", *where, path]


@click.command()
@click.argument("path", type=click.Path(), default=".")
@click.pass_context
def dispatch(context: click.Context, path: str) -> ExitCode:
    """Do what a person asked a CI host for: what the variables SHIPWAY_DO and its like say. For wrappers.

    SHIPWAY_DO is promote, approve, rollback, resume, abort, smoke or status; SHIPWAY_ENVIRONMENT is staging, as without
    it, or production; SHIPWAY_COMMIT, SHIPWAY_REASON and SHIPWAY_BY may be empty. Exit codes are those of that command,
    but for a rollback that put all back: it is what was asked for, and ends with 0.
    """
    group = context.find_root().command
    words = arguments(os.environ, path)
    with group.make_context("shipway", words) as asked:
        done: ExitCode = group.invoke(asked)
    return ExitCode.PASSED if words[0] == "rollback" and done == ExitCode.ROLLED_BACK else done

"""What a person asks a CI host for: from variables to a command line, of which none is ever a part of a script."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
import pytest

from ci import cli
from ci.dispatch import ASKED, arguments
from ci.errors import ExitCode
from ci.hosts import HOSTS, actor
from ci.wrappers import wrapper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Ran

    Run = Callable[..., Ran]

EVIL = "--report=/etc\n$(id); `id` 'x' \"y\""


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SHIPWAY_DO": "promote"}, ["promote", "--", "staging", "."]),
        (
            {"SHIPWAY_DO": "promote", "SHIPWAY_ENVIRONMENT": "production", "SHIPWAY_COMMIT": "abcdef0", "OTHER": "x"},
            ["promote", "--commit=abcdef0", "--", "production", "."],
        ),
        (
            {"SHIPWAY_DO": "approve", "SHIPWAY_ENVIRONMENT": "production", "SHIPWAY_REASON": EVIL, "SHIPWAY_BY": "ada"},
            ["approve", "--reason=--report=/etc", "--by=ada", "--", "production", "."],
        ),
        (
            {
                "SHIPWAY_DO": "rollback",
                "SHIPWAY_ENVIRONMENT": "production",
                "SHIPWAY_COMMIT": " ",
                "SHIPWAY_REASON": "x",
            },
            ["rollback", "--reason=x", "--", "production", "."],
        ),
        ({"SHIPWAY_DO": "status", "SHIPWAY_ENVIRONMENT": "production"}, ["status", "--", "."]),
        ({"SHIPWAY_DO": "smoke", "SHIPWAY_ENVIRONMENT": "-h"}, ["smoke", "--", "-h", "."]),
    ],
)
def test_variables_become_a_command_line(variables: dict[str, str], words: list[str]) -> None:
    assert arguments(variables, ".") == words


@pytest.mark.parametrize("do", ["", "freeze", "promote staging", "--help"])
def test_nothing_else_can_be_asked_for(do: str) -> None:
    with pytest.raises(click.UsageError, match="SHIPWAY_DO says what to do"):
        arguments({"SHIPWAY_DO": do}, ".")


def test_all_that_can_be_asked_for_are_commands_with_these_options() -> None:
    for name, options in ASKED.items():
        command = cli.shipway.commands[name]
        known = {flag for parameter in command.params for flag in parameter.opts}
        assert set(options) <= known, name


def test_it_does_what_the_variables_say_and_ends_as_that_command_does(shipway: Run, tmp_path: Path) -> None:
    told = shipway("dispatch", cwd=tmp_path, env={"SHIPWAY_DO": "status"})
    assert (told.code, told.out) == (0, shipway("status", cwd=tmp_path).out)
    asked = {"SHIPWAY_DO": "rollback", "SHIPWAY_ENVIRONMENT": "staging", "SHIPWAY_REASON": "why"}
    refused = shipway("dispatch", cwd=tmp_path, env=asked)
    assert (refused.code, "production" in refused.err) == (ExitCode.USAGE, True)
    assert shipway("dispatch", cwd=tmp_path).code == ExitCode.USAGE


@pytest.mark.parametrize(("code", "ends"), [(12, 0), (13, 13)])
def test_a_rollback_that_was_asked_for_and_put_all_back_is_green(
    monkeypatch: pytest.MonkeyPatch, code: int, ends: int
) -> None:
    command = click.Command(
        "rollback", callback=lambda **_: ExitCode(code), params=cli.shipway.commands["rollback"].params
    )
    group = click.Group("shipway", commands={"rollback": command, "dispatch": cli.shipway.commands["dispatch"]})
    monkeypatch.setenv("SHIPWAY_DO", "rollback")
    monkeypatch.setenv("SHIPWAY_ENVIRONMENT", "production")
    with group.make_context("shipway", ["dispatch"]) as context:
        assert group.invoke(context) == ends


def test_the_host_says_who_approves_where_it_knows() -> None:
    asked = {"SHIPWAY_DO": "approve", "SHIPWAY_BY": "mallory"}
    known = {"GITHUB_ACTIONS": "true", "GITHUB_TRIGGERING_ACTOR": "ada\nx"}
    assert "--by=ada" in arguments({**asked, **known}, ".")
    assert "--by=mallory" in arguments(asked, ".")
    assert actor({"CI": "woodpecker", "GITHUB_TRIGGERING_ACTOR": "ada"}) is None
    assert actor({"GITHUB_ACTIONS": "true"}) is None


@pytest.mark.parametrize("host", HOSTS)
def test_every_wrapper_offers_all_of_it_and_hands_each_input_over_as_a_variable(host: str) -> None:
    text = wrapper(host)
    assert text.count("shipway dispatch") == 1
    assert all(re.search(rf"\b{word}\b", text) for word in ASKED)
    for name in ("SHIPWAY_DO", "SHIPWAY_ENVIRONMENT", "SHIPWAY_COMMIT", "SHIPWAY_REASON"):
        assert name in text, name
    assert all(word in text for word in ("staging", "production"))
    told = HOSTS[host].actor
    assert ("SHIPWAY_BY" in text) == (told is None or host == "jenkins")  # there only a plugin tells
    scripts = [line for line in text.splitlines() if "shipway dispatch" in line]
    assert not any("inputs." in line or "parameters" in line or "$SHIPWAY" in line for line in scripts)


@pytest.mark.parametrize("host", HOSTS)
def test_every_wrapper_ticks_every_five_minutes(host: str) -> None:
    assert re.search(r"\*/5 \* \* \* \*|H/5 \* \* \* \*|every 5 minutes", wrapper(host))

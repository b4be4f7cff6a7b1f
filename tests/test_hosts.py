from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from ci.hosts import HOSTS, MARKS, Annotation, CiRun, recognise

DOCUMENTED: dict[str, dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("hosts.toml").read_text(encoding="utf-8")
)
SHA = "83a20ec058e2fb00e7fa4558c4c6e81e2dcf253d"
CASES = [(host, case) for host, cases in DOCUMENTED.items() for case in cases]
HOSTILE = "a%b:c,d;e]f\r\ng ::error::h ##vso[task.setvariable variable=PATH]i %3B%0A%AZP25"
NOTE = Annotation(kind="error", title=HOSTILE, message=HOSTILE, file=f"src/{HOSTILE}.ts", line=3, column=7)


def variables(host: str, case: str) -> dict[str, str]:
    """The variables as documented, of this commit."""
    return {name: value.replace("SHA", SHA) for name, value in DOCUMENTED[host][case]["variables"].items()}


def run_of(**values: str) -> CiRun:
    """The run that these variables tell of."""
    found = recognise(values)
    assert found is not None
    return found


def test_every_host_of_the_table_is_documented_for_a_push_a_pull_request_and_a_tag() -> None:
    assert set(DOCUMENTED) == set(HOSTS)
    assert all({"push", "pull_request", "tag"} <= set(cases) for cases in DOCUMENTED.values())


@pytest.mark.parametrize(("host", "case"), CASES)
def test_branch_pull_request_and_link_are_read_from_the_documented_variables(host: str, case: str) -> None:
    found = run_of(**variables(host, case))
    assert found.host is HOSTS[host]
    expected = {"branch": None, "pull_request": None, "link": None} | DOCUMENTED[host][case]["expected"]
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.branch_of(SHA, None) == expected["branch"]


@pytest.mark.parametrize("environment", [{}, {"CI": "true"}, {"GITHUB_ACTIONS": ""}, {"GITHUB_ACTIONS": "false"}])
def test_without_a_mark_there_is_no_host(environment: dict[str, str]) -> None:
    assert recognise(environment) is None


def test_no_host_is_around_the_tests() -> None:
    assert recognise(os.environ) is None


def test_the_marks_are_all_that_has_to_go_for_no_host_to_be_seen() -> None:
    for host, case in CASES:
        assert recognise({name: value for name, value in variables(host, case).items() if name not in MARKS}) is None


def test_a_checkout_of_another_commit_is_not_given_the_hosts_branch() -> None:
    found = run_of(**variables("github", "push"))
    assert found.branch_of("0" * 40, None) is None
    assert found.branch_of("0" * 40, "local") == "local"
    assert found.branch_of(None, None) is None


def test_gits_own_branch_stands_but_for_a_pull_request_that_is_checked_out_as_its_target() -> None:
    assert run_of(**variables("woodpecker", "push")).branch_of(SHA, "other") == "other"
    assert run_of(**variables("woodpecker", "pull_request")).branch_of(SHA, "main") == "issue-branch"


@pytest.mark.parametrize("number", ["12; rm -rf /", "-1", "", "false", "refs/pull/12/merge\n", "１２"])  # noqa: RUF001
def test_what_is_no_number_makes_no_pull_request(number: str) -> None:
    assert run_of(**variables("jenkins", "pull_request") | {"CHANGE_ID": number}).pull_request is None


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "https://a.example/<b>", "https://a.example/)[x](y", "https://me:secret@a.example/", "x"],
)
def test_what_is_no_plain_web_address_is_no_link(link: str) -> None:
    found = run_of(**variables("gitlab", "push") | {"CI_JOB_URL": link}).link
    assert found is None or not re.search(r"[<>()\[\] ]", found)
    assert found is None or found.startswith("https://a.example/")


def test_an_annotation_on_github_comes_back_as_it_was_and_is_one_command() -> None:
    annotate = HOSTS["github"].annotate
    assert annotate is not None
    line = annotate(NOTE)
    assert len(line.splitlines()) == 1
    # As the runner reads it: to the next `::`, split at commas, escapes undone with % last.
    told, _, message = line.removeprefix("::").partition("::")
    kind, _, properties = told.partition(" ")
    read = dict(each.split("=", 1) for each in properties.split(","))
    assert (kind, read["line"], read["col"]) == ("error", "3", "7")
    shown = HOSTILE.replace("##vso", "## vso")
    assert {unquote(message), unquote(read["title"]), unquote(read["file"])} == {shown, f"src/{shown}.ts"}


def test_an_annotation_on_azure_comes_back_as_it_was_and_is_one_command() -> None:
    annotate = HOSTS["azure"].annotate
    assert annotate is not None
    line = annotate(NOTE)
    assert len(line.splitlines()) == 1
    assert line.count("##vso[") == 1
    # As the agent reads it: to the next `]`, split at semicolons, escapes undone with % last.
    told, _, message = line.removeprefix("##vso[task.logissue ").partition("]")
    read = dict(each.split("=", 1) for each in told.split(";") if each)
    assert (read["type"], read["linenumber"], read["columnnumber"]) == ("error", "3", "7")

    def undone(text: str) -> str:
        for escape, letter in (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%AZP25", "%")):
            text = text.replace(escape, letter)
        return text

    shown = HOSTILE.replace("##vso", "## vso")
    assert (undone(message), undone(read["sourcepath"])) == (f"{shown}: {shown}", f"src/{shown}.ts")


def test_hosts_without_annotations_get_none() -> None:
    assert {name for name, host in HOSTS.items() if host.annotate} == {"github", "azure"}

"""The pages say what is so: every exit code has its place in the runbook, every command that a page names is one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ci import cli
from ci.errors import ExitCode
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
RUNBOOK = (ROOT / "docs/runbook.md").read_text(encoding="utf-8")
OF_THEIR_OWN = frozenset(code for code in ExitCode if ExitCode.STAGE_FAILED < code < ExitCode.INTERRUPTED)
PARTS = ("**What happened.**", "**Are users safe?**", "**Look at**", "```sh", "**Call** ")
# `shipway promote staging`, `./shipway run .`: what is typed, up to the end of the span, the line or a comment.
TYPED = re.compile(r"(?<![\w/.:-])(?:\./)?shipway +([a-z][a-z-]*)((?:(?!shipway )[^`#\n|;&])*)")
FENCES = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPANS = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def typed(page: Path) -> list[tuple[str, str]]:
    """The commands that a page has somebody type, each with the rest of its line."""
    text = page.read_text(encoding="utf-8")
    code = [*FENCES.findall(text), *SPANS.findall(re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))]
    return [(found[1], found[2]) for part in code for found in TYPED.finditer(part)]


@pytest.mark.parametrize("code", ExitCode)
def test_the_runbook_has_a_row_for_each_exit_code_and_a_section_where_somebody_must_act(code: ExitCode) -> None:
    (row,) = re.findall(rf"^\| (?:\[)?{code.value}(?:\]\(#([a-z0-9-]+)\))? \|", RUNBOOK, re.MULTILINE)
    titles = re.findall(rf"^## (Exit code {code.value}: .*)$", RUNBOOK, re.MULTILINE)
    assert len(titles) == (code in OF_THEIR_OWN)
    for title in titles:
        assert row == re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")
        section = RUNBOOK.partition(f"## {title}\n")[2].partition("\n## ")[0]
        assert [part for part in PARTS if part not in section] == []


def test_the_runbook_knows_no_code_that_is_none() -> None:
    told = re.findall(r"^## Exit code (\d+)", RUNBOOK, re.MULTILINE)
    assert {ExitCode(int(each)) for each in told} == OF_THEIR_OWN


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_is_one(page: Path) -> None:
    for name, rest in typed(page):
        assert name in cli.shipway.commands, f"shipway {name}{rest}"
        command = cli.shipway.commands[name]
        known = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
        unknown = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rest)) - known - {"--help", "-h"}
        assert not unknown, f"shipway {name}{rest}"


def test_commands_are_found_in_pages() -> None:
    found = {name for page in PAGES for name, _ in typed(page)}
    assert {"run", "promote", "rollback", "approve", "tick", "doctor", "status"} <= found


def test_every_page_is_in_the_list_of_the_readme_or_of_a_page_that_is() -> None:
    every = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [page.name for page in PAGES if page.name != "README.md" and f"{page.name}" not in every] == []
    assert "(docs/runbook.md)" in PAGES[0].read_text(encoding="utf-8")

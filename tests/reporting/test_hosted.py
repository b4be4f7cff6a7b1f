from __future__ import annotations

import io
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
from rich.console import Console

from ci.hosts import HOSTS, CiRun
from ci.model import CheckRun, Failure, Status
from ci.reporting.hosted import MOST, give, notes
from ci.reporting.html import to_html
from ci.reporting.summary import to_summary

if TYPE_CHECKING:
    from pathlib import Path

    from ci.model import RunReport

# Stands where the host's own command would: keeps what it was told.
ATTACH = """#!/bin/sh
printf '%s\\n' "$*" > "$0.arguments"
env > "$0.environment"
cat > "$0.text"
exit {code}
"""


def on(host: str, summary: Path | None = None) -> CiRun:
    """A run of this host."""
    return CiRun(
        host=HOSTS[host],
        commit=None,
        branch=None,
        pull_request=None,
        link=None,
        summary=None if summary is None else str(summary),
    )


def given(report: RunReport, run: CiRun, *, page: Path | None = None) -> str:
    """What is printed for the host."""
    console = Console(file=io.StringIO(), width=80)
    anyio.run(lambda: give(console, report, run, prefix=".", summary=page, environment=os.environ))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def with_failures(report: RunReport, *failures: Failure, status: Status = Status.FAILED) -> RunReport:
    """The report with these failures, and no others, in its lint."""
    lint = report.stages[1]
    check = CheckRun(stage="lint", name="eslint", package=".", status=status, failures=failures)
    return replace(report, stages=(replace(lint, status=status, checks=(check,)),))


def test_github_gets_an_annotation_for_each_failure_with_file_and_line_and_the_summary_appended(
    red: RunReport, tmp_path: Path
) -> None:
    page = tmp_path / "summary"
    page.write_text("before\n")
    lines = given(red, on("github", page)).splitlines()
    assert lines[0].startswith("::error file=packages/core/src/receipts/total.ts,line=12,")
    assert all(line.startswith(("::error ", "::warning ")) for line in lines)
    assert len(lines) == len(notes(red))
    assert page.read_text(encoding="utf-8") == f"before\n{to_summary(red)}"


def test_azure_gets_annotations_and_the_place_of_the_summary(red: RunReport, tmp_path: Path) -> None:
    page = tmp_path / "a]b;c" / "summary.md"
    lines = given(red, on("azure"), page=page).splitlines()
    assert lines[0].startswith("##vso[task.logissue type=error;sourcepath=packages/core/src/receipts/total.ts;")
    assert lines[-1] == f"##vso[task.uploadsummary]{tmp_path}/a%5Db%3Bc/summary.md"


@pytest.mark.parametrize("host", sorted(set(HOSTS) - {"github", "azure", "buildkite"}))
def test_a_host_that_takes_nothing_is_given_nothing(host: str, red: RunReport, tmp_path: Path) -> None:
    assert given(red, on(host), page=tmp_path / "summary.md") == ""


def test_at_most_ten_of_a_kind_are_shown(red: RunReport) -> None:
    failures = tuple(Failure(message=f"wrong {n}", file="a.ts", line=n + 1) for n in range(50))
    assert len(notes(with_failures(red, *failures))) == MOST
    assert {note.kind for note in notes(with_failures(red, *failures, status=Status.FLAKY))} == {"warning"}


def test_a_failure_without_a_line_or_outside_the_repository_is_no_annotation(red: RunReport) -> None:
    wrong = (
        Failure(message="a"),
        Failure(message="b", file="a.ts"),
        Failure(message="c", file="../../../b.ts", line=1),
        Failure(message="d", file="/etc/passwd", line=1),
    )
    assert notes(with_failures(red, *wrong), "examples/shop") == ()


def test_files_are_named_from_the_top_of_the_repository(red: RunReport) -> None:
    inside = with_failures(
        red, Failure(message="a", file="src/a.ts", line=1), Failure(message="b", file="../b.ts", line=1)
    )
    assert [note.file for note in notes(inside, "examples/shop")] == ["examples/shop/src/a.ts", "examples/b.ts"]


def test_a_hostile_failure_gives_the_host_one_command_and_no_more(red: RunReport) -> None:
    text = "x\n::stop-commands::y\r\n::set-output name=a::b ##vso[task.complete]"
    hostile = with_failures(red, Failure(message=text, file=f"a,line=9::{text}", line=1, rule=text))
    assert len(given(hostile, on("github")).splitlines()) == 1
    assert given(hostile, on("azure")).count("##vso[") == 1


def test_buildkite_gets_the_summary_through_its_agent_which_sees_no_other_secrets(
    red: RunReport, green: RunReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = tmp_path / "buildkite-agent"
    agent.write_text(ATTACH.format(code=0))
    agent.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("BUILDKITE_JOB_ID", "j-1")
    monkeypatch.setenv("STRIPE_KEY", "sk_live_1")
    assert given(red, on("buildkite")) == ""
    assert (tmp_path / "buildkite-agent.text").read_text(encoding="utf-8") == to_summary(red)
    assert (tmp_path / "buildkite-agent.arguments").read_text() == "annotate --context shipway --style error\n"
    seen = (tmp_path / "buildkite-agent.environment").read_text()
    assert "BUILDKITE_JOB_ID=j-1" in seen
    assert "STRIPE_KEY" not in seen
    given(green, on("buildkite"))
    assert (tmp_path / "buildkite-agent.arguments").read_text().endswith("--style success\n")
    agent.write_text(ATTACH.format(code=1))
    assert given(red, on("buildkite")).startswith("Buildkite has no summary of this run: ")


def test_a_host_that_refuses_the_summary_is_told_of_in_one_line(red: RunReport, tmp_path: Path) -> None:
    (last,) = given(with_failures(red), on("github", tmp_path / "none" / "summary")).splitlines()
    assert last == "GitHub Actions has no summary of this run: No such file or directory"


def test_pull_request_and_link_are_shown_in_the_summary_and_on_the_page(green: RunReport) -> None:
    report = replace(green, pull_request="12", link="https://ci.example.com/repos/7/pipeline/8")
    assert "pull request `12` · " in to_summary(report)
    assert "[the CI host's run](<https://ci.example.com/repos/7/pipeline/8>)" in to_summary(report)
    page = to_html(report, artifacts={})
    assert "pull request 12" in page
    assert '<a href="https://ci.example.com/repos/7/pipeline/8"' in page


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://a.example/>)[x](https://b.example", 'https://a"b/'])
def test_a_link_that_is_no_plain_address_is_shown_nowhere(link: str, green: RunReport) -> None:
    report = replace(green, link=link)
    assert "CI host" not in to_summary(report)
    assert "CI host" not in to_html(report, artifacts={})

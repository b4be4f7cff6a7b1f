"""Every text of a report that can come from a stranger is made hostile, and every rendering stays what it is."""

from __future__ import annotations

import dataclasses
import enum
import io
import json
import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, cast

import pytest
from junitparser import JUnitXml
from markdown_it import MarkdownIt
from rich.console import Console

from ci.reporting.files import write_report
from ci.reporting.html import to_html
from ci.reporting.junit import to_junit
from ci.reporting.live import LiveView
from ci.reporting.sarif import to_sarif
from ci.reporting.summary import to_summary
from ci.reporting.wording import fitted, one_line
from ci.text import clean

if TYPE_CHECKING:
    from ci.model import RunReport

BIDI = "\u202e\u2066\u200f\u061c"
EVIL = (
    "::error file=x,line=1::pwned ##vso[task.setvariable variable=PATH]/evil ##[group]x ##teamcity[buildStop] "
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></style></title><!--"
    f"\x1b[31m\x1b]8;;https://evil.test\x07\x9b2J\x00\x07\x08{BIDI}\ud800\ufffe"
    "@everyone #1 [click](https://evil.test) ![x](https://evil.test/x.png) https://evil.test | ``` `` ~~~ "
    "{{ 1111*1111 }} {% raw %} [bold red]loud[/bold red] ::error::x ]]> &lt; \\ $(id)"
)
KEPT = {"stages.name", "stages.checks.stage", "history.verdict"}  # ours, and used as keys


def poisoned(value: Any, path: str = "") -> Any:
    """Return the value with every string in it made hostile."""
    if path in KEPT or isinstance(value, enum.Enum):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value,
            **{
                entry.name: poisoned(getattr(value, entry.name), f"{path}.{entry.name}".lstrip("."))
                for entry in dataclasses.fields(value)
            },
        )
    if isinstance(value, Mapping):
        return {f"{key}{EVIL}": poisoned(entry, path) for key, entry in value.items()}
    if isinstance(value, list):
        return [poisoned(entry, path) for entry in value]
    if isinstance(value, tuple):
        return tuple(poisoned(entry, path) for entry in value)
    return f"{value}\n# {EVIL}{'A' * 2000}\r\n{EVIL}" if isinstance(value, str) else value


@pytest.fixture(params=["run", "promotion"])
def evil(request: pytest.FixtureRequest, red: RunReport, refused: RunReport) -> RunReport:
    """The red run, made hostile; its files lead out of the repository, its lines are negative.

    And a promotion with the same stages, its steps and its rulings made hostile too.
    """
    report = cast("RunReport", poisoned(red))
    if request.param == "promotion":
        hostile = cast("RunReport", poisoned(refused))
        report = dataclasses.replace(
            report,
            kind="promotion",
            steps=hostile.steps,
            rulings=hostile.rulings,
            release_notes=hostile.release_notes,
        )
    stages = tuple(
        dataclasses.replace(
            stage,
            checks=tuple(
                dataclasses.replace(
                    check,
                    failures=tuple(
                        dataclasses.replace(failure, line=-1, file=f"../{failure.file}") for failure in check.failures
                    ),
                )
                for check in stage.checks
            ),
        )
        for stage in report.stages
    )
    return dataclasses.replace(report, stages=stages)


def unseen(text: str) -> set[str]:
    """Return the control, direction and broken characters in a text."""
    return set(
        re.findall(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]",
            text,
        )
    )


def test_the_page_holds_no_markup_of_strangers(evil: RunReport, artifacts: dict[str, bytes]) -> None:
    page = to_html(evil, artifacts={cast("str", poisoned(name)): content for name, content in artifacts.items()})
    found: list[tuple[str, list[tuple[str, str | None]]]] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append((tag, attrs))  # type: ignore[method-assign]
    parser.feed(page)
    assert "script" not in {tag for tag, _ in found}
    links = [value or "" for _, attrs in found for name, value in attrs if name in ("src", "href")]
    assert all(
        re.fullmatch(r"data:image/png;base64,[\w+/=]+|#[\w-]+|(artifacts|logs)/[\w./@+=-]+", link) for link in links
    )
    assert not [name for _, attrs in found for name, _ in attrs if name.startswith("on")]
    assert page.count("</style>") == 1
    assert unseen(page) == set()
    assert "1234321" not in page


def test_the_summary_renders_without_links_images_html_and_mentions(evil: RunReport) -> None:
    summary = to_summary(evil)
    assert unseen(summary) == set()
    rendered = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(summary)
    outside = re.sub(r"<code.*?</code>", "", rendered, flags=re.DOTALL)
    assert "evil" not in outside
    assert "@everyone" not in outside
    assert not re.search(r"<(a|img|script|h1)\b", rendered)
    assert rendered.count("<h2>") == 1
    assert rendered.count("<table>") == (3 if evil.steps else 1)
    rows = len(evil.stages) + len(evil.steps) + len(evil.rulings)
    assert rendered.count("<tr>") == rendered.count("<table>") + rows


def test_junit_is_read_back_whole(evil: RunReport) -> None:
    text = to_junit(evil)
    assert unseen(text) == set()
    read = JUnitXml.fromstring(text.encode())
    assert sum(len(suite) for suite in read) > 10


def test_sarif_has_no_place_outside_the_repository(evil: RunReport) -> None:
    text = to_sarif(evil)
    document = json.loads(text)
    results = [result for run in document["runs"] for result in run["results"]]
    assert results
    assert not [result for result in results if "locations" in result]
    assert unseen(json.dumps(document, ensure_ascii=False)) == set()


@pytest.mark.parametrize("terminal", [True, False])
def test_the_terminal_obeys_no_stranger(evil: RunReport, terminal: bool) -> None:  # noqa: FBT001 - a parameter of the test
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=80, no_color=True, _environ={})
    view = LiveView(console)
    view.note(EVIL)
    for stage in evil.stages:
        for check in stage.checks:
            view.check_ended(check)
    view.finish(evil, f"/tmp/{EVIL}")  # noqa: S108 - never written to
    said = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())
    assert unseen(said) == set()
    assert "[bold red]loud[/bold red]" in said
    assert "pwned" in said
    assert not [line for line in said.splitlines() if line.lstrip().startswith("::")]
    assert not re.search(r"##\w*\[", said)


def test_a_hostile_report_is_written_below_its_directory(evil: RunReport, tmp_path: Any) -> None:
    ids = [check.id for stage in evil.stages for check in stage.checks]
    names = [name for stage in evil.stages for check in stage.checks for name in check.artifacts]
    directory = tmp_path / "here" / "report"
    written = write_report(
        evil, directory, artifacts=dict.fromkeys([*names, "../../../up"], b"x"), logs=dict.fromkeys(ids, EVIL)
    )
    assert all(path.resolve().is_relative_to(directory) for path in written)
    assert [path.name for path in tmp_path.rglob("*") if path.name == "up"] == []
    assert unseen("".join(path.read_text() for path in written if path.suffix == ".log")) == set()


def test_cleaning_leaves_the_words() -> None:
    assert clean("a\x1b[1;31mb\x1b]0;title\x07c\x1b(Bd\x9b0me\r\nf\rg\tä日本\u202e!") == "abcde\nf\ng\tä日本!"
    assert clean(clean(EVIL)) == clean(EVIL)


def test_an_unfinished_escape_hides_no_more_than_its_line() -> None:
    assert clean("\x1b]0;never ended\nnext") == "\nnext"


@pytest.mark.parametrize("text", ["\x1b[" * 50_000, "\x1b]" * 50_000, "a" * 1_000_000, "[" * 50_000, "a." * 50_000])
def test_long_lines_cost_no_time(evil: RunReport, text: str) -> None:
    check = evil.stages[1].checks[0]
    step = dataclasses.replace(check.steps[0], output=f"{text}\n" * 3)
    stage = dataclasses.replace(evil.stages[1], checks=(dataclasses.replace(check, steps=(step,)),))
    to_html(dataclasses.replace(evil, stages=(stage,)), artifacts={})
    assert len(one_line(text)) <= 300
    assert len(fitted(text, 20)) <= 20

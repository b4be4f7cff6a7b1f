from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from ci.model import Failure, RunVerdict, StageRun, Status
from ci.reporting.html import IMAGE_LIMIT, IMAGES_LIMIT, to_html

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ci.model import RunReport

VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """A page read strictly: its text, its elements with attributes, and what was left open or closed twice."""

    def __init__(self, source: str) -> None:
        """Read the whole page."""
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()
        self.faults += [f"<{tag}> is never closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element of SVG without content."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """An element ends: it must be the innermost."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes another element")

    def handle_data(self, data: str) -> None:
        """Text that a reader sees."""
        if "style" not in self.open:
            self.text += data

    def values(self, attribute: str) -> Iterable[str]:
        """Return every value of an attribute."""
        return [attributes[attribute] for _, attributes in self.elements if attribute in attributes]

    @property
    def words(self) -> str:
        """The text with each run of white space made one space."""
        return " ".join(self.text.split())


def test_the_page_is_well_formed_and_loads_nothing(sample: RunReport, artifacts: dict[str, bytes]) -> None:
    source = to_html(sample, artifacts=artifacts, logs=["lint/eslint@."])
    page = Page(source)
    assert page.faults == []
    assert not {"script", "link", "iframe", "object", "form", "base"} & {tag for tag, _ in page.elements}
    beside = r"data:image/|artifacts/|logs/|#"
    assert all(re.match(beside, value) for value in page.values("src"))
    assert all(re.match(rf"{beside}|https://github\.com/acme/receipts/", value) for value in page.values("href"))
    assert not re.search(r"url\((?!#)|@import", source)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    policy = next(attributes for tag, attributes in page.elements if attributes.get("http-equiv"))
    assert policy["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data: 'self'")


def test_every_link_within_the_page_leads_somewhere_and_no_anchor_is_there_twice(sample: RunReport) -> None:
    page = Page(to_html(sample, artifacts={}))
    anchors = list(page.values("id"))
    assert len(anchors) == len(set(anchors))
    assert {href[1:] for href in page.values("href") if href.startswith("#")} <= set(anchors)
    assert set(page.values("aria-labelledby")) <= set(anchors)


def test_verdict_cause_place_and_next_command_come_first_in_this_order(red: RunReport) -> None:
    words = Page(to_html(red, artifacts={})).words
    order = [
        "Failed 6 failures in lint, typecheck, unit, e2e and audit",
        "'discount' is assigned a value but never used",
        "packages/core/src/receipts/total.ts:12:5",
        "pnpm exec eslint packages/core/src/receipts/total.ts",
        "shipway run --stage lint",
        "Stages against their targets",
    ]
    places = [words.index(part) for part in order]
    assert places == sorted(places)


def test_a_failing_test_is_shown_with_its_screenshot_inside_the_page(
    red: RunReport, artifacts: dict[str, bytes]
) -> None:
    page = Page(to_html(red, artifacts=artifacts))
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 1
    assert base64.b64decode(images[0]["src"].partition(",")[2]) == next(iter(artifacts.values()))
    assert "upload a receipt" in images[0]["alt"]
    links = [href for href in page.values("href") if href.startswith("artifacts/")]
    assert any(link.endswith(".zip") for link in links)
    assert not any(" " in link for link in links)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(IMAGE_LIMIT), b"<svg onload=alert(1)>", b"GIF"])
def test_a_picture_that_is_too_large_or_none_is_a_link(
    red: RunReport, artifacts: dict[str, bytes], content: bytes
) -> None:
    page = Page(to_html(red, artifacts=dict.fromkeys(artifacts, content)))
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert any(href.startswith("artifacts/") for href in page.values("href"))


def test_many_pictures_do_not_blow_up_the_page(red: RunReport) -> None:
    names = [f"e2e/{number}.png" for number in range(40)]
    shots = {name: b"\x89PNG\r\n\x1a\n" + bytes(IMAGE_LIMIT // 2) for name in names}
    e2e = red.stages[5]
    failures = tuple(Failure(message=f"broken {name}", artifact=name) for name in names)
    check = replace(e2e.checks[1], failures=failures)
    page = to_html(replace(red, stages=(replace(e2e, checks=(check,)),)), artifacts=shots)
    assert len(page) < IMAGES_LIMIT * 4 / 3 + 300_000
    assert page.count("data:image/png") > 5


def test_the_lines_where_a_failure_stands_are_marked(red: RunReport) -> None:
    source = to_html(red, artifacts={})
    hits = [re.sub(r"<[^>]+>", "", line) for line in re.findall(r'<span class="l hit">(.*)', source)]
    assert any("12:5   error" in line for line in hits)
    assert any("src/money.test.ts:31:24" in line for line in hits)
    assert not any("money.ts:12:9" in line for line in hits)
    assert "<mark>src/money.test.ts:31:24</mark>" in source


def test_over_target_is_said_in_words_and_drawn(red: RunReport) -> None:
    source = to_html(red, artifacts={})
    assert "7.4 s over" in Page(source).words
    assert source.count('class="late"') == 1


def test_cached_is_told_from_passed_and_names_its_run(cached: RunReport) -> None:
    words = Page(to_html(cached, artifacts={})).words
    assert "✓ cached eslint" in words
    assert "from run 20261124-091500-11aa" in words
    assert "✓ passed eslint" not in words


def test_skipped_and_not_checked_are_never_a_pass(error: RunReport, green: RunReport) -> None:
    words = Page(to_html(error, artifacts={})).words
    assert "– skipped typecheck" in words  # noqa: RUF001 - the mark of a skip
    assert "lint, typecheck, unit, integration, e2e and audit install failed" in words
    assert "not checked" in Page(to_html(green, artifacts={})).words


def test_flaky_tests_have_a_place_of_their_own(red: RunReport) -> None:
    assert "Flaky failed, then passed" in Page(to_html(red, artifacts={})).words
    assert "retries a webhook once" in Page(to_html(red, artifacts={})).words


def test_measures_stand_against_budget_and_last_green_run(red: RunReport) -> None:
    words = Page(to_html(red, artifacts={})).words
    assert "171.4 kB of 150.0 kB, +19.2 %" in words
    assert "97 of 90, -1 points" in words
    assert "92 no budget" in words


def test_the_history_shows_fifty_runs_with_this_one_last(green: RunReport) -> None:
    source = to_html(green, artifacts={})
    assert "Last 50 runs" in Page(source).words
    assert source.count('<rect x="0" y') >= 50
    assert (
        "Last"
        not in Page(to_html(replace(green, history=()), artifacts={})).words.partition("About this run")[0][-200:]
    )


def test_an_empty_report_is_still_a_page() -> None:
    from ci.model import RunReport  # noqa: PLC0415 - the others need it for types alone

    empty = RunReport(
        id="", kind="run", tool="", repository="", started="", verdict=RunVerdict.ERROR, seconds=0, executor="",
        executor_reason="", isolation=(), slots=0, stages=(StageRun(name="lint", status=Status.PASSED, target=0.0),),
    )  # fmt: skip
    assert Page(to_html(empty, artifacts={})).faults == []


def test_sixty_packages_stay_a_page_that_opens(green: RunReport) -> None:
    stages = tuple(
        replace(
            stage, checks=tuple(replace(check, package=f"packages/p{n}") for check in stage.checks for n in range(60))
        )
        for stage in green.stages
    )
    source = to_html(replace(green, stages=stages), artifacts={})
    assert Page(source).faults == []
    assert len(source) < 1_500_000


def test_a_cached_run_has_the_axis_of_this_run_and_thin_bars(cached: RunReport) -> None:
    page = Page(to_html(cached, artifacts={}))
    assert "0 s0.9 s" in page.words
    checks = [piece for tag, piece in page.elements if tag == "rect" and piece.get("class") == "check cached"]
    assert {piece["width"] for piece in checks} == {"1.0%"}
    assert "where it took 7.4 s" in page.words
    assert "slots were used" not in page.words


def test_a_log_that_lacks_its_middle_is_not_called_whole(red: RunReport) -> None:
    logs = ["lint/eslint@."]
    assert "whole log" in Page(to_html(red, artifacts={}, logs=logs)).words
    lint = red.stages[1]
    steps = tuple(replace(step, omitted=9_000) for step in lint.checks[0].steps)
    cut = replace(red, stages=(replace(lint, checks=(replace(lint.checks[0], steps=steps),)),))
    words = Page(to_html(cut, artifacts={}, logs=logs)).words
    assert "log, without its middle" in words
    assert "whole log" not in words


def test_a_flaky_check_of_this_run_is_counted_in_its_row_of_the_history(red: RunReport) -> None:
    newest, *_ = re.findall(r"<tr><td>.*?</tr>", to_html(red, artifacts={}), re.DOTALL)
    assert newest.endswith("<td>1</td></tr>")


def test_a_run_that_is_held_looks_neither_green_nor_red_on_its_page_and_in_the_history(green: RunReport) -> None:
    skipped = tuple(replace(stage, status=Status.SKIPPED, reason="nothing", checks=()) for stage in green.stages)
    page = Page(
        to_html(replace(green, verdict=RunVerdict.HELD, stages=skipped, history=green.history[-6:]), artifacts={})
    )
    assert page.faults == []
    assert "Held nothing was verified" in " ".join(page.text.split())
    assert "\u2026 held" in page.text
    assert "\u2713 held" not in page.text

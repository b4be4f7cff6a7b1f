from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from ci.model import Counts, Failure
from ci.reporting.markdown import block, code
from ci.reporting.summary import LIMIT, to_summary

if TYPE_CHECKING:
    from ci.model import RunReport


def test_a_red_run_says_each_failure_once_with_place_and_command(red: RunReport) -> None:
    summary = to_summary(red)
    assert summary.startswith("## ✗ Failed: 6 failures in lint, typecheck, unit, e2e and audit\n")
    assert summary.count("apps/api/src/routes/upload.ts:88:11") == 1
    assert "`packages/core/src/money.test.ts:31:24`" in summary
    assert "again: `pnpm --filter @receipts/core exec vitest run src/money.test.ts`" in summary
    assert "Next: `shipway run --stage lint`" in summary
    assert "| ✗ failed | typecheck | 47.4 s of 40 s (over target) | `3 checks` |" in summary


def test_a_green_run_is_short_and_names_what_was_not_checked(green: RunReport) -> None:
    summary = to_summary(green)
    assert len(summary.splitlines()) < 30
    assert "the advisory service answered 405: not checked" in summary


def test_a_skipped_stage_shows_its_reason_and_no_time(error: RunReport) -> None:
    assert "| – skipped | unit |  | `install failed` |" in to_summary(error)  # noqa: RUF001 - the mark of a skip


@pytest.mark.parametrize("text", ["`", "``a``", "a`b", " `", "<b>@you</b>", "", "a\n\n# b", "````" * 9, "\\`", "|"])
def test_a_code_span_holds_anything(text: str) -> None:
    rendered = MarkdownIt("commonmark").render(code(text)).strip()
    assert rendered.startswith("<p><code>")
    assert rendered.endswith("</code></p>")
    assert rendered.count("<code>") == 1


@pytest.mark.parametrize("text", ["```", "~~~", "a\n```\n<script>", "`````x", "    indented\n\n\nafter"])
def test_a_block_holds_anything(text: str) -> None:
    rendered = MarkdownIt("commonmark").render(f"- item\n\n{block(text, indent='  ')}\n\nafter\n")
    assert rendered.count("<pre>") == 1
    assert rendered.endswith("<p>after</p>\n")
    assert "<script>" not in rendered


def test_ten_thousand_failures_fit_on_a_page(red: RunReport) -> None:
    failures = tuple(Failure(message=f"wrong {n}", file="a.ts", line=n, detail="```\n" * 999) for n in range(10_000))
    lint = red.stages[1]
    stage = replace(lint, checks=(replace(lint.checks[0], failures=failures),))
    summary = to_summary(replace(red, stages=(stage,)))
    assert len(summary) < LIMIT + 100
    assert "9950 more are in the report." in summary or summary.endswith("The rest is in the report.\n")
    assert "<pre>" in MarkdownIt("commonmark").render(summary)


def test_the_name_of_a_check_is_no_markup_in_the_table(green: RunReport) -> None:
    check = replace(green.stages[1].checks[0], name="<img src=x> @org/team", counts=Counts())
    summary = to_summary(replace(green, stages=(replace(green.stages[1], checks=(check,)),)))
    assert "| `<img src=x> @org/team` |" in summary

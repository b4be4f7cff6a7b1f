from __future__ import annotations

import pytest
from rich.cells import cell_len

from ci.model import Counts, Measure
from ci.reporting.wording import counted, duration, fitted, listed, measured, one_line, shortened, size


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (41.25, "41.2 s"), (59.94, "59.9 s"), (59.96, "1 m 00 s"), (425, "7 m 05 s"), (3720, "1 h 02 m")],
)
def test_durations_read_like_a_clock(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("count", "words"), [(812, "812 B"), (42_300, "42.3 kB"), (1_204_000, "1.20 MB")])
def test_sizes_are_decimal(count: int, words: str) -> None:
    assert size(count) == words


def test_a_score_is_a_number_out_of_a_hundred() -> None:
    assert measured(0.97, Measure(name="performance", value=0.97, unit="score")) == "97"
    assert measured(3, Measure(name="requests", value=3, unit="requests")) == "3 requests"


def test_counts_leave_out_what_is_nothing_or_unknown() -> None:
    assert counted(Counts(tests=40, failed=2, skipped=0, flaky=1)) == "40 tests, 2 failed, 1 flaky"
    assert counted(Counts(tests=0)) == "0 tests"
    assert counted(Counts()) == ""


def test_lists_read_as_a_sentence() -> None:
    assert [listed("abcde"[:length]) for length in range(6)] == [
        "", "a", "a and b", "a, b and c", "a, b, c and d", "a, b, c and 2 more",
    ]  # fmt: skip


@pytest.mark.parametrize("cells", [0, 1, 2, 7, 40])
@pytest.mark.parametrize("text", ["plain words", "日本語のテスト", "👩‍👩‍👧‍👦👍🏽 family", "e\u0301" * 50, "x" * 9000])
def test_fitted_text_never_takes_more_cells_than_there_are(text: str, cells: int) -> None:
    assert cell_len(fitted(text, cells)) <= cells


def test_one_line_is_one_line_and_says_that_it_was_cut() -> None:
    assert one_line(" a\n\tb\r\n c ") == "a b c"
    assert one_line("x" * 500).endswith("…")
    assert len(one_line("x" * 500)) == 300


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    kept = shortened("\n".join(str(number) for number in range(100)), lines=9, width=50).split("\n")
    assert kept == ["0", "1", "2", "… 91 lines left out …", "94", "95", "96", "97", "98", "99"]
    assert shortened("y" * 60, lines=1, width=50) == "y" * 50 + " … 10 more characters"

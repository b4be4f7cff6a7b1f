from __future__ import annotations

import pytest

from ci.text import clean, count, disarmed, few, first_line, settled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x07b\x00c", "abc"),
        ("safe\u202egnp.exe", "safegnp.exe"),
        ("zero\u200bwidth", "zerowidth"),
        ("\x9b31mC1", "C1"),
        ("lone \ud800 surrogate", "lone \ufffd surrogate"),
        ("tab\tand\nnewline stay", "tab\tand\nnewline stay"),
    ],
)
def test_clean_leaves_what_a_person_reads(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_settled_shows_the_last_state_of_a_progress_line() -> None:
    assert settled("10%\r50%\r100%\r\ndone\r\n") == "100%\ndone\n"


def test_first_line_skips_what_is_empty_and_cuts() -> None:
    assert first_line("\n\n  first  \nsecond") == "first"
    assert first_line("x" * 400, limit=10) == "xxxxxxxxx…"
    assert first_line("") == ""


def test_numbers_and_lists_in_words() -> None:
    assert [count(1, "file"), count(2, "file"), count(0, "process", "processes")] == [
        "1 file",
        "2 files",
        "0 processes",
    ]
    assert [few(["a"]), few(["a", "b", "c"]), few(["a", "b", "c", "d"])] == ["a", "a, b, c", "a, b, c, ..."]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("::error file=x,line=1::pwned", ": :error file=x,line=1::pwned"),
        ("  \u3000::add-mask::e", "  \u3000: :add-mask::e"),
        ("a\n ::stop-commands::x", "a\n : :stop-commands::x"),
        ("test ##vso[task.setvariable variable=PATH]/evil", "test ## vso[task.setvariable variable=PATH]/evil"),
        ("###[group]x", "### [group]x"),
        ("##teamcity[buildStop]", "## teamcity[buildStop]"),
    ],
)
def test_a_host_finds_no_command_in_a_disarmed_line(line: str, expected: str) -> None:
    assert disarmed(line) == expected
    assert disarmed(expected) == expected


@pytest.mark.parametrize("line", ["  ::before { color: red }", "std::vec::Vec", "## Heading", "[##  ] 50 %", "a::b::c"])
def test_a_line_that_no_host_obeys_is_left_as_it_is(line: str) -> None:
    assert disarmed(line) == line

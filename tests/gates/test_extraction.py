from __future__ import annotations

import pytest

from ci.gates.extraction import ExtractionObserved, Reading, Sample, rule
from ci.model import Outcome, Ruling


def sample(name: str = "a.pdf", seconds: float = 1, **read: str | None) -> Sample:
    """Return a document of which so much was read; `total` is 12.50 and required."""
    total = Reading(name="total", expected="12.50", read=read.get("total", "12.5"))
    note = Reading(name="note", expected="thanks", read=read.get("note"), required=False)
    return Sample(name=name, seconds=seconds, fields=(total, note), cost=0.01)


def ruled(*samples: Sample, target: float = 5) -> Ruling:
    """Return the ruling on these."""
    return rule(ExtractionObserved(samples=samples, target=target), environment="staging")


def test_required_fields_are_right_on_every_sample() -> None:
    found = ruled(sample("a.pdf"), sample("b.pdf"))
    assert found.ruling is Outcome.PASS
    assert found.reason == ("required fields right on 2 of 2 samples; p95 1 s of 2 samples, target 5 s; cost $0.02")


@pytest.mark.parametrize(
    ("read", "right"),
    [("12.5", True), (" 12.50 ", True), ("12.51", False), (None, False), ("", False), ("EUR 12.50", False)],
)
def test_numbers_are_compared_by_value(read: str | None, right: bool) -> None:  # noqa: FBT001 - a case of the table
    assert (ruled(sample(), sample("b.pdf", total=read)).ruling is Outcome.PASS) is right


def test_words_are_compared_whatever_their_case_and_spaces() -> None:
    def read(text: str) -> Outcome:
        field = Reading(name="merchant", expected="Blue Door Café", read=text)
        return ruled(Sample(name="a", seconds=1, fields=(field,))).ruling

    assert [read("blue  door CAFÉ"), read("Blue Door")] == [Outcome.PASS, Outcome.FAIL]


def test_a_wrong_field_is_named() -> None:
    assert 'b.pdf: total is "13", expected "12.50"' in ruled(sample(), sample("b.pdf", total="13")).reason


def test_p95_is_held_against_the_target() -> None:
    quick = [sample(f"{at}.pdf") for at in range(19)]
    assert ruled(*quick, sample("slow.pdf", 9)).ruling is Outcome.PASS
    found = ruled(*quick[1:], sample("slow.pdf", 9), sample("slower.pdf", 10))
    assert found.ruling is Outcome.FAIL
    assert "p95 9 s of 20 samples, target 5 s" in found.reason
    assert ruled(sample(seconds=5)).ruling is Outcome.PASS


def test_an_error_of_the_models_service_is_an_error_and_no_failure() -> None:
    broken = Sample(name="c.pdf", error="529 overloaded")
    found = ruled(sample(), broken)
    assert found.ruling is Outcome.ERROR
    assert 'c.pdf: the model\'s service: "529 overloaded"' in found.reason
    assert ruled(sample(total="13"), broken).ruling is Outcome.FAIL


def test_nothing_read_is_no_data() -> None:
    assert ruled().ruling is Outcome.NODATA
    assert ruled(Sample(name="a.pdf", seconds=1)).ruling is Outcome.NODATA
    assert "nothing is required of b.pdf" in ruled(sample(), Sample(name="b.pdf", seconds=1)).reason


def test_an_answer_that_is_no_reading_is_a_failure_that_says_what_was_answered() -> None:
    missing = Reading(name="total", expected="12.50", read=None)
    found = ruled(sample(), Sample(name="c.pdf", refused="answered 422; no receipt", fields=(missing,)))
    assert found.ruling is Outcome.FAIL
    assert found.reason.startswith('c.pdf: "answered 422; no receipt"; p95 1 s')
    assert ruled(Sample(name="c.pdf", refused="answered 404")).ruling is Outcome.FAIL

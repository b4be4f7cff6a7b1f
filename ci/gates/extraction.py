"""The extraction gate: the product's AI reads sample documents right, and quickly enough.

An answer that the model's service did not give is ERROR: it says nothing about the candidate.
"""

from __future__ import annotations

import decimal
import math
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ci.gates.recording import Seconds, decide, joined, number, quoted
from ci.model import Outcome, Ruling

QUANTILE = 0.95


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A field of a document: what stands there, and what was read (None: nothing)."""

    name: str
    expected: str
    read: str | None
    required: bool = True


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A document that was read. `cost` is in US dollars.

    `error`: the model's service gave no answer. `refused`: what the product answered, which was no reading.
    """

    name: str
    seconds: Seconds | None = None
    fields: tuple[Reading, ...] = ()
    cost: Seconds | None = None
    error: str | None = None
    refused: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExtractionObserved:
    """All samples, and the seconds within which 95 % of them must be read."""

    samples: tuple[Sample, ...]
    target: Seconds
    quantile: Annotated[float, Field(gt=0, le=1)] = QUANTILE


def rule(observed: ExtractionObserved, *, environment: str) -> Ruling:
    """FAIL names each wrong field and a p95 over the target; then ERROR; NODATA where nothing was read."""
    broken = [sample for sample in observed.samples if sample.error is not None]
    read = [sample for sample in observed.samples if sample.error is None]
    wrong = [f"{sample.name}: {quoted(sample.refused)}" for sample in read if sample.refused is not None]
    wrong += [
        f"{sample.name}: {field.name} is {quoted(field.read) if field.read is not None else 'missing'},"
        f" expected {quoted(field.expected)}"
        for sample in read
        for field in sample.fields
        if sample.refused is None and field.required and not same(field.expected, field.read)
    ]
    seconds = sorted(sample.seconds for sample in read if sample.seconds is not None)
    slow = seconds[max(0, math.ceil(observed.quantile * len(seconds)) - 1)] if seconds else None
    cost = math.fsum(sample.cost for sample in observed.samples if sample.cost is not None)
    unpriced = sum(sample.cost is None for sample in observed.samples)
    figures = {"quantile_seconds": slow, "cost": cost, "read": len(read), "wrong": wrong, "unpriced": unpriced}
    tail = [f"cost ${number(cost)}" + (f" without {unpriced} samples of unknown cost" if unpriced else "")]
    name = f"p{number(observed.quantile * 100)}"
    if slow is not None:
        tail.insert(0, f"{name} {number(slow)} s of {len(seconds)} samples, target {number(observed.target)} s")
    if wrong or (slow is not None and slow > observed.target):
        reason = joined([*wrong, *tail])
        return decide("extraction", environment, Outcome.FAIL, reason, observed, **figures)
    if broken:
        said = [f"{sample.name}: the model's service: {quoted(sample.error or '')}" for sample in broken]
        return decide("extraction", environment, Outcome.ERROR, joined([*said, *tail]), observed, **figures)
    if slow is None or not any(field.required for sample in read for field in sample.fields):
        reason = "no sample with a required field was read and timed"
        return decide("extraction", environment, Outcome.NODATA, reason, observed, **figures)
    untested = [sample.name for sample in read if not any(field.required for field in sample.fields)]
    if untested:
        tail.append(f"nothing is required of {', '.join(untested)}")
    reason = joined([f"required fields right on {len(read) - len(untested)} of {len(read)} samples", *tail])
    return decide("extraction", environment, Outcome.PASS, reason, observed, **figures)


def same(expected: str, read: str | None) -> bool:
    """Numbers are the same by value, words whatever their case and spaces."""
    if read is None:
        return False
    one, other = _number(expected), _number(read)
    if one is not None and other is not None:
        return one == other
    return " ".join(expected.casefold().split()) == " ".join(read.casefold().split())


def _number(text: str) -> decimal.Decimal | None:
    try:
        value = decimal.Decimal(text.strip())
    except decimal.InvalidOperation:
        return None
    return value if value.is_finite() else None

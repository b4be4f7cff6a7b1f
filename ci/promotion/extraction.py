"""Has the product's AI read sample documents, and holds what it read against what stands in them.

A service that gives no answer says nothing of the candidate: that is the sample's `error`. An answer without a field,
or a refusal of the document, is a field that was not read.
"""

from __future__ import annotations

import mimetypes
import time
from http import HTTPStatus
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from ci.errors import UsageError
from ci.gates.extraction import ExtractionObserved, Reading, Sample
from ci.promotion.filling import Scalar, written
from ci.promotion.visitor import UnmetError, Visitor, value_at

if TYPE_CHECKING:
    from pathlib import Path

    from ci.promotion.target import Target
    from ci.settings.promotion import Extraction
    from ci.settings.promotion import Sample as Asked
    from ci.vendors.answers import Answer

UNKNOWN = "application/octet-stream"


async def extract(settings: Extraction, target: Target, *, root: Path) -> ExtractionObserved:
    """Have all samples read, one after the other. `root` is the workspace that holds them. Raises UsageError."""
    documents = [_read(root, asked) for asked in settings.samples]
    samples = []
    async with Visitor(target, settings.app) as visitor:
        try:
            for request in settings.before:
                await visitor.ask(request)
        except UnmetError as error:
            told = f"before any document was read: {error.detail}"
            samples = [Sample(name=asked.file, error=told) for asked in settings.samples]
            return ExtractionObserved(samples=tuple(samples), target=settings.target)
        for asked, content in zip(settings.samples, documents, strict=True):
            samples.append(await _sample(settings, visitor, asked, content))
    return ExtractionObserved(samples=tuple(samples), target=settings.target)


async def _sample(settings: Extraction, visitor: Visitor, asked: Asked, content: bytes) -> Sample:
    name = PurePosixPath(asked.file).name
    kind = mimetypes.guess_type(name)[0] or UNKNOWN
    began = time.perf_counter()
    try:
        answer = await visitor.send_file(
            settings.path,
            headers=settings.headers,
            field=settings.field,
            file=(name, content, kind),
            timeout=settings.timeout,
        )
    except UnmetError as error:
        return Sample(name=asked.file, error=error.detail)
    seconds = round(time.perf_counter() - began, 3)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Sample(name=asked.file, error=f"answered {answer.status}")
    fields = tuple(
        Reading(name=each, expected=written(wanted), read=_found(str(settings.fields[each]), answer, wanted))
        for each, wanted in asked.expect.items()
    )
    cost = _number(_found(settings.cost, answer, 0.0)) if settings.cost else None
    return Sample(name=asked.file, seconds=seconds, fields=fields, cost=cost)


def _found(path: str, answer: Answer, wanted: Scalar) -> str | None:
    """Return what stands at a path, written as what is expected there where the two are the same number."""
    try:
        found = value_at(path, answer)
    except UnmetError:
        return None
    if not isinstance(found, str | int | float):
        return None
    if isinstance(wanted, int | float) and not isinstance(wanted, bool) and _number(str(found)) == float(wanted):
        return written(wanted)
    return written(found)


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _read(root: Path, asked: Asked) -> bytes:
    try:
        return (root / asked.file).read_bytes()
    except OSError as error:
        raise UsageError(
            f"shipway.toml: [[extraction.samples]] file {asked.file} cannot be read: {error.strerror}"
        ) from error

"""Has the product's AI read sample documents, and records what it read, within how long, at which cost.

An answer that its model's service did not give (429, 5xx, none at all) says nothing about the candidate; any other that
is no reading is the candidate's own.
"""

from __future__ import annotations

import json
import math
import mimetypes
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from ci.errors import UsageError
from ci.gates.extraction import ExtractionObserved, Reading, Sample, same
from ci.promotion.dotted import AbsentError, at
from ci.promotion.filling import written
from ci.promotion.target import trust
from ci.promotion.visitor import LARGEST, File, UnmetError, Visitor
from ci.settings.smoke import Request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci.promotion.target import Target
    from ci.settings.promotion import Extraction
    from ci.vendors.answers import Answer

UNKNOWN = "application/octet-stream"
DEAREST = 10**6  # dollars


@dataclass(frozen=True, kw_only=True)
class _Document:
    name: str
    file: File
    expected: Mapping[str, str]


async def extract(settings: Extraction, target: Target, *, root: Path) -> ExtractionObserved:
    """Post each sample, one after the other, and read the fields from what is answered.

    `root` is the workspace that holds the files. Raises UsageError where one of them cannot be read.
    """
    documents = [
        await anyio.to_thread.run_sync(_document, settings, place, root) for place in range(len(settings.samples))
    ]
    if settings.app not in target.addresses:
        return _none(settings, documents, f"{settings.app} has no address")
    async with Visitor(target, settings.app, trusted=trust(target)) as visitor:
        for request in settings.before:
            try:
                await visitor.ask(request)
            except UnmetError as error:
                what = f"{request.method} {request.path} {error.answered(request.status)}"
                return _none(settings, documents, what)
        samples = tuple([await _sample(settings, visitor, document) for document in documents])
    return ExtractionObserved(samples=samples, target=settings.target)


def _none(settings: Extraction, documents: list[_Document], why: str) -> ExtractionObserved:
    samples = tuple(Sample(name=document.name, error=why) for document in documents)
    return ExtractionObserved(samples=samples, target=settings.target)


def _document(settings: Extraction, place: int, root: Path) -> _Document:
    sample = settings.samples[place]
    setting = f"shipway.toml: extraction.samples.{place}.file"
    path = (root / sample.file).resolve()
    if not path.is_relative_to(root.resolve()):  # by a link
        raise UsageError(f"{setting}: {sample.file} is outside the workspace")
    try:
        with path.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise UsageError(f"{setting}: {sample.file} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise UsageError(f"{setting}: {sample.file} is larger than {LARGEST // 1024 // 1024} MiB")
    kind = mimetypes.guess_type(path.name)[0] or UNKNOWN
    return _Document(
        name=sample.file,
        file=File(field=settings.field, name=path.name, type=kind, content=content),
        expected={name: written(value) for name, value in sample.expect.items()},
    )


async def _sample(settings: Extraction, visitor: Visitor, document: _Document) -> Sample:
    request = Request(method="POST", path=settings.path, headers=settings.headers, timeout=settings.timeout)
    try:
        made = await visitor.timed(request, document.file)
    except UnmetError as error:
        if error.status is None:
            return Sample(name=document.name, error=error.answered())
        return _refused(document, error)
    status = made.answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Sample(name=document.name, error=UnmetError(visitor.refusal(made.answer), status).answered())
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return _refused(document, UnmetError(visitor.refusal(made.answer), status))
    try:
        made.answer.json()
    except ValueError:
        return _refused(document, UnmetError("the answer is not JSON", status))
    fields = tuple(
        Reading(name=name, expected=expected, read=_read(visitor, settings.fields[name], expected, made.answer))
        for name, expected in document.expected.items()
    )
    cost = None if settings.cost is None else _cost(settings.cost, made.answer)
    return Sample(name=document.name, seconds=made.seconds, fields=fields, cost=cost)


def _refused(document: _Document, error: UnmetError) -> Sample:
    fields = tuple(Reading(name=name, expected=each, read=None) for name, each in document.expected.items())
    return Sample(name=document.name, fields=fields, refused=error.answered())


def _read(visitor: Visitor, path: str, expected: str, answer: Answer) -> str | None:
    """Return a field's value as text: what is right as it is, anything else as far as a stranger's word may be told."""
    try:
        value = at(path, answer)
    except AbsentError:
        return None
    if value is None:
        return None
    kind = "list" if isinstance(value, list) else "table"
    read = written(value) if isinstance(value, str | int | float) else f"a {kind}"
    told, right = visitor.told(read), same(expected, read)
    if right is same(expected, told):
        return told
    return read if right else visitor.told(json.dumps(read))  # what was cut off or taken out must not make it right


def _cost(path: str, answer: Answer) -> float | None:
    try:
        value: Any = at(path, answer)
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (AbsentError, ValueError, OverflowError):
        return None
    return found if 0 <= found <= DEAREST else None

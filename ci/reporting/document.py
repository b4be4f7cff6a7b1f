"""The run as report.json: version 1 of a shape that other tools may lean on.

The keys of the outer shape come first and keep their order; what else the model knows follows. A key that has
no value is there with null, so that a reader never has to guess whether it was forgotten.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from ci.errors import UsageError
from ci.model import CheckRun, FlowStepRun, RunReport, StageRun, Status
from ci.reporting.wording import one_line

SCHEMA = 1
SCHEMA_FILE = Path(__file__).with_name("report.schema.json")

_FIRST: Mapping[type, tuple[str, ...]] = {
    StageRun: ("name", "status", "seconds", "target", "reason", "checks"),
    CheckRun: ("name", "package", "status", "seconds", "cached_from", "counts", "failures", "repeat"),
}
_HINT = "it takes a report.json that this version of Shipway, or an earlier one, wrote"
_STATUSES = {"done": Status.PASSED, "failed": Status.FAILED, "skipped": Status.SKIPPED}
_REPORT = ("tool", "id", "kind", "environment", "commit", "dirty", "started", "verdict", "seconds", "executor", "slots")


@dataclasses.dataclass(frozen=True, kw_only=True)
class PromotionStep:
    """A step of a promotion, a rollback or a rehearsal; a plain run has none.

    `error` tells a failed one that could not be done, because what it needs was out of reach, from one that said no.
    """

    name: str
    status: Literal["done", "failed", "skipped"]
    seconds: float
    reason: str | None = None
    page: str | None = None
    error: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document(RunReport):
    """The report of one run of Shipway: report.json."""

    schema: Literal[1]
    steps: tuple[PromotionStep, ...] = ()  # type: ignore[assignment]  # the same, in the words of the document


def to_document(report: RunReport) -> dict[str, Any]:
    """Return the report as plain JSON values, ready for `json.dumps`."""
    values = _plain(report)
    outer = {"schema": SCHEMA, **{key: values.pop(key) for key in _REPORT}}
    values["steps"] = [_plain(_step_told(step)) for step in report.steps]
    return {**outer, **{key: values.pop(key) for key in ("stages", "steps", "rulings")}, **values}


def to_json(report: RunReport) -> str:
    """Return the text of report.json. The same report gives the same text."""
    return json.dumps(to_document(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def from_document(document: Mapping[str, Any]) -> RunReport:
    """Return the report that `to_document` wrote. Keys that this version does not know are left out.

    Raises UsageError, with the first place that does not fit, when it is no report of schema 1.
    """
    try:
        read = _adapter().validate_python(dict(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise UsageError(
            f"this is no report of schema {SCHEMA}: {one_line(place)}: {one_line(first['msg'])}",
            hint=_HINT,
        ) from error
    known = {entry.name: getattr(read, entry.name) for entry in dataclasses.fields(RunReport)}
    return RunReport(**{**known, "steps": tuple(_step_read(step) for step in read.steps)})


def read_document(path: Path) -> RunReport:
    """Return the report of a report.json file. Raises UsageError, naming the file, when there is none to be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}", hint=_HINT) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} cannot be read as a report: {one_line(str(error))}", hint=_HINT) from error
    if not isinstance(document, dict):
        raise UsageError(f"{path} is no report: it holds {type(document).__name__} instead of an object", hint=_HINT)
    try:
        return from_document(document)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", hint=error.hint) from error


def schema() -> str:
    """Return the text of report.schema.json, made from the model, so that the two cannot part."""
    drawn = _adapter().json_schema(mode="serialization", schema_generator=_EveryKey)
    return json.dumps({"$schema": GenerateJsonSchema.schema_dialect, **drawn}, indent=1) + "\n"


class _EveryKey(GenerateJsonSchema):
    """A schema in which every key is required, because every key is written."""

    def field_is_required(self, *_arguments: object, **_options: object) -> bool:
        """Every key is there, if only with null."""
        return True


@functools.cache
def _adapter() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


def _step_told(step: FlowStepRun) -> PromotionStep:
    status: Literal["done", "failed", "skipped"] = "done"
    if step.status in {Status.FAILED, Status.ERROR}:
        status = "failed"
    elif step.status is Status.SKIPPED:
        status = "skipped"
    error = step.status is Status.ERROR
    return PromotionStep(
        name=step.name, status=status, seconds=step.seconds, reason=step.reason, page=step.page, error=error
    )


def _step_read(step: PromotionStep) -> FlowStepRun:
    status = Status.ERROR if step.status == "failed" and step.error else _STATUSES[step.status]
    return FlowStepRun(name=step.name, status=status, seconds=step.seconds, reason=step.reason, page=step.page)


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):  # a file name that is no UTF-8 comes as a lone surrogate, which no JSON file can hold
        return value if value.isascii() else value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_plain(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value):
        kind: type = type(value)
        return {name: _plain(getattr(value, name)) for name in _names(kind)}
    return value


@functools.cache
def _names(kind: type) -> tuple[str, ...]:
    first = _FIRST.get(kind, ())
    return (*first, *(entry.name for entry in dataclasses.fields(kind) if entry.name not in first))

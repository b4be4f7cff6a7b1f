"""A proposal as it is read by who judges it: written by whoever had a model, and so checked like any stranger's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import pydantic
from pydantic import Field

from ci.errors import UsageError

if TYPE_CHECKING:
    from ci.journal.proposals import Proposal

LONGEST = 8_000  # characters
LARGEST = 1_000_000  # bytes of a patch
Words = Annotated[str, Field(max_length=LONGEST)]
MODEL = "model"
RERUN = "a second run"
OUT_OF_ITS_BOX = "the model said what it can only have from outside its box"


@dataclass(frozen=True, kw_only=True)
class Proposed:
    """What a diagnosis came to. `author` is "model", or the name of what needs none, "" where nothing was found.

    `tier` is how far the model would have it go; code decides. `flaky`: the very same files passed when run again.
    `over` is why no further try is to be made; `alarm`: the model left its box, and somebody is to be woken. `dollars`
    and `steps` are what the model took; `ended` is why it stopped.
    """

    author: Annotated[str, Field(max_length=100)] = ""
    cause: Words = ""
    approach: Words = ""
    complexity: Annotated[str, Field(max_length=20)] = ""
    tier: Annotated[int, Field(ge=1, le=3)] = 1
    flaky: bool = False
    over: Words | None = None
    alarm: bool = False
    ended: Words = ""
    dollars: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    steps: Annotated[int, Field(ge=0)] = 0


READER = pydantic.TypeAdapter(Proposed)


def plain(proposed: Proposed) -> dict[str, Any]:
    """Return it as JSON has it."""
    found: dict[str, Any] = READER.dump_python(proposed, mode="json")
    return found


def read(proposal: Proposal) -> Proposed:
    """Return what a proposal says. Raises UsageError for one that says what it may not."""
    if len(proposal.patch) > LARGEST:
        raise UsageError(f"the patch of cycle {proposal.cycle} is larger than {LARGEST} bytes")
    try:
        return READER.validate_json(json.dumps(dict(proposal.document)), strict=True, extra="forbid")
    except pydantic.ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"the proposal of cycle {proposal.cycle} cannot be read: {where}: {first['msg']}") from None

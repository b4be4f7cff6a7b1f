"""A ruling made again from what it says was observed: the proof that it followed from that, and from nothing else."""

from __future__ import annotations

import functools
import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ci.errors import UsageError
from ci.gates import GATES
from ci.gates.recording import quoted
from ci.model import Ruling


def replay(ruling: Ruling) -> Ruling:
    """Return what the gate says to `values["observed"]` now; equal to the ruling where nothing was changed.

    Raises UsageError for a ruling of an unknown gate, or one whose observation cannot be read.
    """
    if ruling.gate not in GATES:
        raise UsageError(f"there is no gate {quoted(ruling.gate)}", hint="this report may be of a newer Shipway")
    if "observed" not in ruling.values:
        raise UsageError(f"the ruling of {ruling.gate} does not say what was observed")
    try:
        text = json.dumps(ruling.values["observed"], allow_nan=False)
        observed = _reader(ruling.gate).validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(f"what {ruling.gate} observed cannot be read: {quoted(where)}: {first['msg']}") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"what {ruling.gate} observed is not JSON") from error
    _, rule = GATES[ruling.gate]
    return rule(observed, environment=ruling.environment)


@functools.cache
def _reader(gate: str) -> TypeAdapter[Any]:
    observed_type, _ = GATES[gate]
    return TypeAdapter(observed_type)

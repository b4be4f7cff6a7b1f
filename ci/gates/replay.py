"""A ruling made again from what it says was observed: the proof that it followed from that, and from nothing else."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from ci.errors import UsageError
from ci.gates import GATES
from ci.gates.recording import quoted
from ci.model import Ruling

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHOWN = 6
_ABSENT = object()


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


def differences(kept: Ruling, again: Ruling) -> tuple[str, ...]:
    """Say what a ruling has that is not so when it is made again, a line each; none where all is the same.

    Text out of the ruling stands in quotes; of very many differences the first are told.
    """
    found = list(itertools.islice(_apart("", _facts(kept), _facts(again)), _SHOWN + 1))
    told = [f"{name} is {was}, and comes out as {now}" for name, was, now in found[:_SHOWN]]
    return (*told, *(("and more",) if len(found) > _SHOWN else ()))


def _facts(ruling: Ruling) -> dict[str, object]:
    return {"ruling": str(ruling.ruling), "reason": ruling.reason, "values": ruling.values}


def _apart(name: str, was: object, now: object) -> Iterator[tuple[str, str, str]]:
    """Give each innermost place at which two JSON values are not the same."""
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys((*was, *now)):
            inner = f"{name}.{quoted(str(key))[1:-1]}" if name else str(key)
            yield from _apart(inner, was.get(key, _ABSENT), now.get(key, _ABSENT))
    elif isinstance(was, list) and isinstance(now, list):
        for place, (one, other) in enumerate(itertools.zip_longest(was, now, fillvalue=_ABSENT)):
            yield from _apart(f"{name}.{place}", one, other)
    elif was != now or isinstance(was, bool) is not isinstance(now, bool):  # True is 1 to Python alone
        told = _shown(was), _shown(now)
        if isinstance(was, str) and isinstance(now, str) and told[0] == told[1]:  # far on, or not to be seen
            at = max(0, next(i for i, pair in enumerate(itertools.zip_longest(was, now)) if len(set(pair)) > 1) - 20)
            told = ascii(was[at : at + 60]), ascii(now[at : at + 60])
        yield name, *told


def _shown(value: object) -> str:
    if value is _ABSENT:
        return "absent"
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


@functools.cache
def _reader(gate: str) -> TypeAdapter[Any]:
    observed_type, _ = GATES[gate]
    return TypeAdapter(observed_type)

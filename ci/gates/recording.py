"""How an observation is written into a ruling, and which values an observation may hold.

What is written is plain JSON: read back, it is the same observation, and the gate comes to the same ruling.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ci.model import Ruling
from ci.text import clean

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from ci.model import Outcome

_MOST = 10**9  # no count is larger: sums over it stay quick
_LATEST = 10**11

Count = Annotated[int, Field(ge=0, le=_MOST)]
Seconds = Annotated[float, Field(ge=0, le=_LATEST, allow_inf_nan=False)]
Moment = Annotated[float, Field(ge=0, le=_LATEST, allow_inf_nan=False)]  # seconds since 1970, UTC
Share = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]  # 0.1 is 10 %

_DIGITS = 6
_HALF = re.compile("[\ud800-\udfff]")
_QUOTE = 120


def decide(
    gate: str,
    environment: str,
    ruling: Outcome,
    reason: str,
    observed: DataclassInstance,
    **figures: object,
) -> Ruling:
    """Return the ruling, with what it was made of.

    A number among the figures is kept to six digits, so that machines whose arithmetic differs in the last ones agree.
    """
    values = {name: _plain(figure, digits=_DIGITS) for name, figure in figures.items()}
    return Ruling(
        gate=gate,
        environment=environment,
        ruling=ruling,
        reason=" ".join(clean(reason).split()),
        values={"observed": _plain(observed), **values},
    )


def number(value: float) -> str:
    """Say a number in at most four digits, as people write it: 12, 0.25, 1.7e-05."""
    return f"{value:.4g}" if abs(value) < 10**4 or value != int(value) else f"{value:.0f}"


def percent(share: float) -> str:
    """Say a share in percent: "12.5 %"."""
    return f"{number(share * 100)} %"


def quoted(text: str) -> str:
    """Return text of strangers for a reason: on one line, marked as theirs, cut."""
    line = " ".join(clean(text).split())
    return f'"{line if len(line) <= _QUOTE else line[: _QUOTE - 1] + "…"}"'


def whole(text: str) -> str:
    """Return text without halves of UTF-16's characters, which JSON of strangers may hold and no file can."""
    return _HALF.sub("\ufffd", text)


def joined(parts: list[str]) -> str:
    """Return all parts of a reason, one behind the other."""
    return "; ".join(parts)


def _plain(value: object, *, digits: int | None = None) -> object:
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name), digits=digits) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {whole(str(key)): _plain(each, digits=digits) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each, digits=digits) for each in value]
    if isinstance(value, str):  # an enum's word too
        return whole(value)
    if isinstance(value, float) and digits is not None:
        return float(f"{value:.{digits}g}")
    return value

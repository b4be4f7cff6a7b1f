"""What was said in a diagnosis, entry by entry: to be kept as JSON, read by people, and played again.

Entries hold no secret that is known, and no thoughts of the model, which it alone understands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ci.diagnosis.quoting import visible
from ci.reporting.markdown import code
from ci.text import encodable
from ci.vendors.model import Message, Reply, Role, ScriptedModel, Stop, Text, ToolUse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ci.redact import Redactor

MOST_DRAWN = 4000  # characters of one text
_TICKS = "`" * 3


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the model was told: first of all about the failure, later that it has to go on in another way."""

    model: str
    text: str
    kind: Literal["asked"] = "asked"


@dataclass(frozen=True, kw_only=True)
class Use:
    """A use of a tool."""

    id: str
    name: str
    input: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Said:
    """An answer."""

    step: int
    words: str
    uses: tuple[Use, ...]
    stop: str
    cost: float
    kind: Literal["said"] = "said"


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a use."""

    use: str
    name: str
    text: str
    failed: bool
    kind: Literal["done"] = "done"


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A call that brought no answer; `cost` is what it may have cost."""

    step: int
    reason: str
    cost: float
    kind: Literal["lost"] = "lost"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """The end."""

    ending: str
    reason: str
    cost: float
    kind: Literal["ended"] = "ended"


Entry = Annotated[Asked | Said | Done | Lost | Ended, Field(discriminator="kind")]
ENTRY: TypeAdapter[Asked | Said | Done | Lost | Ended] = TypeAdapter(Entry)
TRANSCRIPT: TypeAdapter[tuple[Asked | Said | Done | Lost | Ended, ...]] = TypeAdapter(tuple[Entry, ...])


def harmless(given: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return an input of a tool without secrets, and as JSON can have it."""

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return redactor.text(value)
        if isinstance(value, Mapping):
            return {redactor.text(str(name)): told(each) for name, each in value.items()}
        return list(map(told, value)) if isinstance(value, list | tuple) else value

    found: dict[str, Any] = told(encodable(given))
    return found


def scripted(entries: Iterable[Asked | Said | Done | Lost | Ended]) -> ScriptedModel:
    """Return a model that says the same again, and so does the same in a checkout like the one before."""
    return ScriptedModel(*(_reply(entry) for entry in entries if isinstance(entry, Said)))


def _reply(said: Said) -> Reply:
    uses = tuple(ToolUse(id=use.id, name=use.name, input=use.input) for use in said.uses)
    words = (Text(text=said.words),) if said.words else ()
    return Reply(message=Message(role=Role.ASSISTANT, parts=(*words, *uses)), stop=Stop(said.stop), cost=said.cost)


def drawn(entries: Iterable[Asked | Said | Done | Lost | Ended]) -> str:
    """Return it as Markdown in which all that was said is only text."""
    return "\n\n".join(part for entry in entries for part in _drawn(entry)) + "\n"


def _drawn(entry: Asked | Said | Done | Lost | Ended) -> Iterator[str]:
    match entry:
        case Asked():
            yield f"## To {code(entry.model)}"
            yield _block(entry.text)
        case Said():
            yield f"## Step {entry.step}: {code(entry.stop)}, ${entry.cost:.4f}"
            if entry.words.strip():
                yield _block(entry.words)
            for use in entry.uses:
                yield f"{code(use.name)} with"
                yield _block("\n".join(f"{name}: {_value(value)}" for name, value in use.input.items()))
        case Done():
            yield f"{code(entry.name)} {'failed' if entry.failed else 'gave'}"
            yield _block(entry.text)
        case Lost():
            yield f"## Step {entry.step}: no answer, at most ${entry.cost:.4f}"
            yield _block(entry.reason)
        case Ended():
            yield f"## The end: {entry.ending}, ${entry.cost:.4f}"
            yield _block(entry.reason)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _block(text: str) -> str:
    """Return a fenced block, whose fence is longer than any run of backticks in it."""
    shown = visible(text)
    if len(shown) > MOST_DRAWN:
        left_out = len(shown) - MOST_DRAWN
        shown = f"{shown[: MOST_DRAWN // 2]}\n[... {left_out} characters left out ...]\n{shown[-MOST_DRAWN // 2 :]}"
    fence = _TICKS
    while fence in shown:
        fence += "`"
    return f"{fence}text\n{shown}\n{fence}"

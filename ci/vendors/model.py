"""A model and what is said with it: messages, tools and their results, replies and what they cost.

`Model` is what the diagnosis knows of; anthropic.py is one, and `ScriptedModel` is one that needs no key.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ci.errors import Trouble, VendorError

MILLION = 1_000_000


class Role(enum.StrEnum):
    """Who says it."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, kw_only=True)
class Text:
    """Words."""

    text: str


@dataclass(frozen=True, kw_only=True)
class ToolUse:
    """What the model wants done. `input` comes from the model, and is to be checked like any stranger's."""

    id: str
    name: str
    input: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ToolResult:
    """What came of a use of a tool."""

    use: str
    text: str
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Opaque:
    """What only the model understands, as its thoughts: it is handed back as it came, or the model refuses."""

    block: Mapping[str, Any]


Part = Text | ToolUse | ToolResult | Opaque


@dataclass(frozen=True, kw_only=True)
class Message:
    """One turn."""

    role: Role
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What a model may use: `schema` is the JSON Schema of its input, an object."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a model is asked. `room` is how many tokens its answer, with its thoughts, may have at most."""

    system: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    room: int = 8192


class Stop(enum.StrEnum):
    """Why a model stopped, in Anthropic's words; OTHER is any that is not known here."""

    END = "end_turn"
    TOOL_USE = "tool_use"
    ROOM = "max_tokens"
    SEQUENCE = "stop_sequence"
    PAUSE = "pause_turn"
    REFUSAL = "refusal"
    WINDOW = "model_context_window_exceeded"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens: read anew, read from the prompt cache, written into it, and answered."""

    fresh: int = 0
    cached: int = 0
    written: int = 0
    answered: int = 0


@dataclass(frozen=True, kw_only=True)
class Price:
    """Dollars for a million tokens that are read, and that are answered."""

    read: float
    answered: float

    def cost(self, usage: Usage) -> float:
        """Return the dollars that a usage costs: what the cache gives costs a tenth, what it takes five quarters.

        https://platform.claude.com/docs/en/about-claude/pricing; newer models give more rebate, so it is at most this.
        """
        read = usage.fresh + 0.1 * usage.cached + 1.25 * usage.written
        return (read * self.read + usage.answered * self.answered) / MILLION


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a model answered. `cost` is in dollars, `why` says more where it refused."""

    message: Message
    stop: Stop
    usage: Usage = field(default_factory=Usage)
    cost: float = 0.0
    why: str | None = None

    @property
    def whole(self) -> bool:
        """Whether the model said all that it wanted to; of one that is not, nothing may be read out or done."""
        return self.stop in {Stop.END, Stop.TOOL_USE, Stop.SEQUENCE}

    @property
    def text(self) -> str:
        """All words of the answer, whole or not."""
        return "".join(part.text for part in self.message.parts if isinstance(part, Text))

    @property
    def uses(self) -> tuple[ToolUse, ...]:
        """What is to be done: nothing where the answer was cut off, for its last use may be half of one."""
        if self.stop is not Stop.TOOL_USE:
            return ()
        return tuple(part for part in self.message.parts if isinstance(part, ToolUse))


class Model(Protocol):
    """What answers prompts."""

    name: str

    async def reply(self, prompt: Prompt) -> Reply:
        """Return the answer, which may not be `whole`. Raises VendorError; an `unsettled` one may have cost money."""
        ...

    async def most(self, prompt: Prompt) -> float:
        """Return the dollars that an answer to the prompt costs at most, to be set aside before. Raises VendorError."""
        ...


Turn = Reply | Callable[[Prompt], Reply]


class ScriptedModel:
    """A model that says what it is told to, turn by turn, and keeps what it was asked."""

    def __init__(self, *turns: Turn, name: str = "scripted", most: float = 0.0) -> None:
        """Take the replies, or what makes each of a prompt. `most` is what every prompt is said to cost at most."""
        self.name = name
        self.asked: list[Prompt] = []
        self._turns = list(turns)
        self._most = most

    async def reply(self, prompt: Prompt) -> Reply:
        """Return the next reply. Raises VendorError behind the last."""
        self.asked.append(prompt)
        if not self._turns:
            told = f"the model {self.name} {Trouble.REFUSING.value}: its script is at its end"
            raise VendorError(told, trouble=Trouble.REFUSING)
        turn = self._turns.pop(0)
        return turn if isinstance(turn, Reply) else turn(prompt)

    async def most(self, _prompt: Prompt) -> float:
        """Return what it was told."""
        return self._most


def saying(text: str, *, cost: float = 0.0) -> Reply:
    """Return a reply of words."""
    return Reply(message=Message(role=Role.ASSISTANT, parts=(Text(text=text),)), stop=Stop.END, cost=cost)


def using(*uses: ToolUse, cost: float = 0.0) -> Reply:
    """Return a reply that wants tools used."""
    return Reply(message=Message(role=Role.ASSISTANT, parts=uses), stop=Stop.TOOL_USE, cost=cost)

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.rehearsal import anthropic as standing_in
from ci.rehearsal.anthropic.stream import events
from ci.vendors import anthropic
from ci.vendors.model import Message, Prompt, Role, Text
from tests.vendors.hostile import Asked, Subject

if TYPE_CHECKING:
    from pathlib import Path

KEY = standing_in.KEY
MODEL = "claude-haiku-5-5"
PROMPT = Prompt(system="You help.", messages=(Message(role=Role.USER, parts=(Text(text="hello"),)),), room=100)


def standing(directory: Path) -> standing_in.Anthropic:
    """Return a model that says hello."""
    stand_in = standing_in.Anthropic(directory)
    if not stand_in.script.rules:
        stand_in.script.add("hello", {"text": "Hello to you."})
    return stand_in


def streamed(**parts: object) -> str:
    """Return a message with these parts as the text of its stream."""
    empty = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL, "stop_details": None}
    return b"".join(events({**empty, "stop_sequence": None, **parts})).decode()


SUBJECT = Subject(
    name="anthropic",
    stand_in=standing,
    connect=lambda address, patience, transport: anthropic.connect(
        KEY, MODEL, address=address, patience=patience, transport=transport
    ),
    secrets=(KEY,),
    asked={
        "reply": Asked(run=lambda it: it.reply(PROMPT), effects=lambda it: len(it.billed)),
        "count": Asked(run=lambda it: it.count(PROMPT)),
        "most": Asked(run=lambda it: it.most(PROMPT)),
        "known": Asked(run=lambda it: it.known()),
    },
)

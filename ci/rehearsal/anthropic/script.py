"""The script that answers in a model's place: rules, the first that fits counts.

    {"when": "TypeError.*pay", "answer": [{"text": "I look."}, {"tool": "read_file", "input": {"path": "src/pay.ts"}}]}
    {"when": "is the reviewer", "in": "system", "stop": "refusal", "answer": []}
    {"when": ".", "times": 1, "answer": [{"text": "once"}]}
    {"when": ".", "times": 1, "answer": [{"text": "It is th"}], "error": "overloaded_error"}

`when` is an expression, looked for in the last message: its text and the results of tools in it (`in`: "last"), or in
`system`, in `all` messages, or in the last one and what its `files` hold as text. A rule with `times` is spent after so
many answers; one that is `first` goes before those that were there. An `error` ends a stream behind its answer, and is
what is answered where none was asked for. Rules are kept over a restart:
`DELETE /_stand-in/rules` takes all away, `GET` tells them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.anthropic.demands import blocks_of
from ci.rehearsal.anthropic.receipts import read_receipt, texts_of, wants_receipt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.rehearsal.memory import Memory

PLACES = ("last", "system", "all", "files")
STOPS = (
    "end_turn",
    "tool_use",
    "max_tokens",
    "stop_sequence",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
)
ERRORS = {"rate_limit_error": 429, "api_error": 500, "overloaded_error": 529}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Blocks, why they end, and the error that comes before their end, if one does."""

    blocks: list[dict[str, Any]]
    stop: str
    error: str | None = None


class Script:
    """The rules, which are there after a restart."""

    def __init__(self, memory: Memory) -> None:
        """Know the rules that were known before."""
        self._memory = memory
        self.rules = memory.shelf("rules")

    def add(
        self,
        when: str,
        *answer: Mapping[str, Any],
        within: str = "last",
        stop: str | None = None,
        error: str | None = None,
        times: int | None = None,
        first: bool = False,
    ) -> None:
        """Add a rule behind the others, or before them. Raises ValueError, TypeError, re.error for no rule."""
        re.compile(when)
        if not isinstance(first, bool):
            raise TypeError("first is neither true nor false")
        if times is not None and not _is_number(times):
            raise ValueError("times is no number from 1 on")
        if within not in PLACES or stop not in {None, *STOPS}:
            raise ValueError(f"{within}, {stop}: there is {', '.join(PLACES)} and {', '.join(STOPS)}")
        if error not in {None, *ERRORS}:
            raise ValueError(f"{error}: there is {', '.join(ERRORS)}")
        for part in answer:
            if set(part) not in ({"text"}, {"tool", "input"}, {"thinking"}):
                raise ValueError(f"{sorted(part)}: an answer has parts of text, of tool and input, or of thinking")
            for name, value in part.items():
                if not isinstance(value, dict if name == "input" else str):
                    raise TypeError(f"{name} is no {'object' if name == 'input' else 'text'}")
        rule = {"when": when, "in": within, "answer": list(answer), "stop": stop, "error": error, "times": times}
        number = self._memory.number("rule")
        self.rules[f"0{10**9 - number:010}" if first else f"1{number:010}"] = rule

    def clear(self) -> None:
        """Forget all rules."""
        for key in list(self.rules):
            del self.rules[key]

    def answer(self, body: Mapping[str, Any]) -> Answer | None:
        """Return the blocks of the answer and why it stops, None where no rule fits."""
        for key, rule in sorted(self.rules.items()):
            if re.search(rule["when"], _said(body, rule["in"]), re.DOTALL):
                self._spend(key, rule)
                blocks = [self._block(part) for part in rule["answer"]]
                return Answer(blocks=blocks, stop=rule["stop"] or _stop(blocks), error=rule.get("error"))
        return self._receipt(body)

    def _spend(self, key: str, rule: Mapping[str, Any]) -> None:
        if rule["times"] is None:
            return
        if rule["times"] <= 1:
            del self.rules[key]
        else:
            self.rules[key] = {**rule, "times": rule["times"] - 1}

    def _block(self, part: Mapping[str, Any]) -> dict[str, Any]:
        if "text" in part:
            return {"type": "text", "text": part["text"], "citations": None}
        if "thinking" in part:
            return {"type": "thinking", "thinking": part["thinking"], "signature": "c2lnbmVk"}
        key = f"toolu_{self._memory.number('use'):024}"
        return {
            "type": "tool_use",
            "id": key,
            "name": part["tool"],
            "input": part["input"],
            "caller": {"type": "direct"},
        }

    def _receipt(self, body: Mapping[str, Any]) -> Answer | None:
        """Answer whoever wants a receipt read, in JSON or through a tool."""
        form = (body.get("output_config") or {}).get("format") or {}
        if wants_receipt(form.get("schema")):
            text = json.dumps(read_receipt(body["messages"][-1]))
            return Answer(blocks=[self._block({"text": text})], stop="end_turn")
        for tool in body.get("tools") or ():
            if wants_receipt(tool["input_schema"]):
                found = read_receipt(body["messages"][-1])
                return Answer(blocks=[self._block({"tool": tool["name"], "input": found})], stop="tool_use")
        return None


def _is_number(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and given >= 1


def _stop(blocks: list[dict[str, Any]]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"


def _said(body: Mapping[str, Any], within: str) -> str:
    if within == "system":
        return "\n".join(_words(body.get("system") or ""))
    if within == "files":
        return "\n".join(texts_of(body["messages"][-1]))
    messages = body["messages"] if within == "all" else body["messages"][-1:]
    return "\n".join(word for message in messages for word in _words(message["content"]))


def _words(content: Any) -> Iterator[str]:
    for block in blocks_of(content):
        if block["type"] == "text":
            yield block["text"]
        elif block["type"] == "tool_result":
            yield from _words(block.get("content", ""))
        elif block["type"] == "tool_use":
            yield json.dumps(block["input"])

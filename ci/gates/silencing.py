"""What silences a tool or a type, wherever it stands; see denials.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.gates.patterns import any_of

if TYPE_CHECKING:
    from collections.abc import Mapping

# Patterns are made so that a text made for it cannot keep them busy: what repeats is bounded, or a run of one class.
_COMMENT = r"/\*(?:[^*]|\*(?!/)){0,80}\*/"
_W = rf"(?:\s++|{_COMMENT})"
_EMPTY = rf"\{{(?:\s++|{_COMMENT}|//[^\n]*+\n|;++){{0,2000}}\}}"
_TOP = r"(?:unknown|object|Object|\{\s*+\}|[A-Z][\w$.]{0,80}(?:<[^<>\n]{0,80}>)?(?:\[\])?)"


SILENCED: Mapping[str, re.Pattern[str]] = {
    "@ts-ignore": re.compile(r"@ts-ignore", re.IGNORECASE),
    "@ts-expect-error": re.compile(r"@ts-expect-error", re.IGNORECASE),
    "@ts-nocheck": re.compile(r"@ts-nocheck", re.IGNORECASE),
    "eslint-disable": any_of(r"(?:eslint|standard)-disable", r"/\*\s*+eslint(?:-env)?\s", r"tslint:disable"),
    "a lint ignore": any_of(
        r"(?:style|markdown)lint-disable", r"(?:deno-lint|svelte)-ignore", r"NOSONAR", r"noinspection",
    ),
    "biome-ignore": any_of(r"biome-ignore", r"rome-ignore"),
    "oxlint-disable": re.compile(r"oxlint-disable"),
    "prettier-ignore": any_of(r"prettier-ignore", r"dprint-ignore"),
    "a coverage ignore": any_of(r"(?:c8|v8|istanbul|node:coverage)\s++(?:ignore|disable)"),
    "as any": any_of(rf"\b(?:as|satisfies){_W}{{1,20}}(?:any|never)\b"),
    "as unknown as": any_of(
        rf"\bas{_W}{{1,20}}unknown{_W}{{1,20}}as\b", rf"\b(?:as|satisfies)\s++{_TOP}\s++as\b(?!\s++const)",
        rf"<unknown>{_W}{{0,20}}<", r"<any>", r">\s*+<(?:unknown|any|object|\{\s*+\})>",
    ),
    "a type `any`": any_of(
        rf":{_W}{{0,20}}any\b(?!\s*+:)", r"\bany\[\]", r"<[^<>=;{}]{0,200}\bany\b[^<>;{}]{0,200}>",
        r"(?<![=!<>])=\s*+any\s*+[;>,]", r"[|&]\s*+any\b(?!\s*+[(:.])",
        r"(?:\btypeof\s++|<\s*+)JSON\.parse\b(?!\s*+\()", r"(?<!type)[:|<&]\s*+Function\b(?!\s*+[(.])",
        r"\bas\s++Function\b",
    ),
    "a non-null `!`": any_of(r"[\w$)\]]!(?=[.\[;,)\]}]|[^\S\n]*+(?:\n|$))", r"[\w$]!:\s*+\w"),
    "an empty catch": any_of(
        rf"\bcatch{_W}{{0,20}}(?:\([^()]{{0,200}}\))?{_W}{{0,20}}{_EMPTY}",
        rf"\.catch\({_W}{{0,20}}(?:async\s*+)?(?:\([^()]{{0,200}}\)|\w++)\s*+=>\s*+(?:{_EMPTY}|undefined|null|void 0)",
        rf"\.catch\(\s*+(?:noop\b|\(?\s*+function\s*+\w*+\s*+\([^()]{{0,200}}\)\s*+{_EMPTY})",
    ),
}  # fmt: skip
# A comment for a linter in code; in a sheet of styles it is one for people.
GLOBALS = re.compile(r"/\*\s*+(?:globals?|exported)\s++[\w$]")
_WIDENED = re.compile(
    r"\b(?:const|let|var)\s++([\w$]{1,80})\s*+:\s*+(?:unknown|object|\{\s*+\})\s*+=(?!\s*+(?:await\s++)?(?:JSON\.parse|[\w.]{1,80}\.json\())"
)
_CAST_WIDE = re.compile(
    r"\b(?:const|let|var)\s++([\w$]{1,80})\s*+=[^;\n]{1,200}\bas\s++(?:unknown|object|\{\s*+\})\s*+(?:;|\n|$)"
)
_NAMED_WIDE = re.compile(r"\b(?:let|var)\s++([\w$]{1,80})\s*+:\s*+(?:unknown|object|\{\s*+\})\s*+(?:;|\n|$)")
_NARROWED = re.compile(r"(?<![\w$.])([\w$]{1,80})\s++as\s++(?!const\b|unknown\b)")


def widened(code: str) -> int:
    """Count the values that are called unknown first, and cast in another statement then."""
    names = set(_NARROWED.findall(code))
    found = (*_WIDENED.findall(code), *_CAST_WIDE.findall(code), *_NAMED_WIDE.findall(code))
    return sum(1 for name in found if name in names)

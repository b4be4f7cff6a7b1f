"""Code that lets an error go by in silence, or says that something is there which may not be: read word by word."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ci.gates.lexemes import lexemes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.gates.lexemes import Lexeme

CATCH = "an empty catch"
NON_NULL = "a non-null `!`"
_MOST = 200  # words of a body; one that has more does something
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_DOTS = frozenset({".", "?."})
_NO_CALL = frozenset({"if", "for", "while", "switch", "return", "void", "typeof", "catch", "await", "function"}) | {
    # and what makes a value and nothing else
    "resolve",
    "Boolean",
    "String",
    "Number",
    "Array",
    "Object",
    "Map",
    "Set",
}
_DOES_NOTHING = frozenset({"Boolean", "String", "Number", "Object", "Array", "Symbol", "noop"})
_LEAVES = frozenset({"return", "break", "continue"})
# What goes on behind a value: a `!` between the two says that the value is there.
_GOES_ON = frozenset(
    {
        "as",
        "satisfies",
        "in",
        "instanceof",
        "*",
        "**",
        "/",
        "%",
        "+",
        "-",
        "&&",
        "||",
        "??",
        "?",
        ">",
        ">=",
        "<=",
        "===",
        "!==",
        "==",
        "!=",
    }
)
_KEYWORDS = frozenset({"return", "typeof", "case", "await", "else", "in", "of", "throw", "do", "yield", "void"})


def swallowed(code: str) -> Counter[str]:
    """Count the catches that neither throw, nor call anything, nor look at their error, and what else is silent."""
    parts = [each for each in lexemes(code) if each.kind != "comment"]
    ends = _ends(parts)
    found = Counter[str]()
    for at, each in enumerate(parts):
        dotted = at > 0 and parts[at - 1].text in _DOTS
        following = parts[at + 1].text if at + 1 < len(parts) else ""
        if each.text == "catch" and not dotted:
            found[CATCH] += _idle_block(parts, at, ends)
        elif each.text == "finally" and following == "{":
            found[CATCH] += any(word.text in _LEAVES for word in _inside(parts, at + 1, ends) or ())
        elif each.text == "catch" and following == "(":
            found[CATCH] += _idle_handler(_inside(parts, at + 1, ends))
        elif each.text == "then" and dotted and following == "(":
            found[CATCH] += _idle_handler(_second(_inside(parts, at + 1, ends)))
        elif each.text == "!" and not each.gap and at and _is_value(parts[at - 1]):
            found[NON_NULL] += following in _GOES_ON
    return found


def _is_value(lexeme: Lexeme) -> bool:
    return lexeme.text in {")", "]"} or (lexeme.kind == "word" and lexeme.text not in _KEYWORDS)


def _ends(parts: Sequence[Lexeme]) -> dict[int, int]:
    """Return where each bracket is closed; none for one that is not, or by another kind."""
    open_, ends = list[int](), dict[int, int]()
    for at, each in enumerate(parts):
        if each.kind != "mark":
            continue
        if each.text in _CLOSING:
            open_.append(at)
        elif each.text in {")", "]", "}"} and open_ and _CLOSING[parts[open_[-1]].text] == each.text:
            ends[open_.pop()] = at
    return ends


def _inside(parts: Sequence[Lexeme], at: int, ends: dict[int, int]) -> Sequence[Lexeme] | None:
    """Return what is between the bracket here and its end; None where that is not seen, or far away."""
    end = ends.get(at)
    return None if end is None or end - at > _MOST else parts[at + 1 : end]


def _idle_block(parts: Sequence[Lexeme], at: int, ends: dict[int, int]) -> bool:
    names, start = frozenset[str](), at + 1
    if start < len(parts) and parts[start].text == "(":
        names = _words(_inside(parts, start, ends) or ())
        start = ends.get(start, len(parts)) + 1
    if start >= len(parts) or parts[start].text != "{":
        return False
    return _idle(_inside(parts, start, ends), names)


def _idle_handler(handler: Sequence[Lexeme] | None) -> bool:
    """Whether a function, written out or by its name, does nothing with the error that it is given."""
    if not handler:
        return False
    texts = [each.text for each in handler]
    if all(each.kind == "word" or each.text in _DOTS for each in handler):
        return texts[-1] == "noop" or (len(texts) == 1 and texts[0] in _DOES_NOTHING)
    if "=>" in texts:
        start = texts.index("=>")
    elif "function" in texts[:2] and ")" in texts:
        start = texts.index(")")
    else:
        return False
    return _idle(handler[start + 1 :], _words(handler[:start]))


def _idle(body: Sequence[Lexeme] | None, names: frozenset[str]) -> bool:
    if body is None:
        return False
    for at, each in enumerate(body):
        before, after = (body[other].text if 0 <= other < len(body) else ";" for other in (at - 1, at + 1))
        if each.text == "throw" or (each.kind == "literal" and "${" in each.text):
            return False
        if after == "(" and (each.text in {")", "]"} or (each.kind == "word" and each.text not in _NO_CALL)):
            return False
        alone = before in {"void", ";", "{"} and after in {";", "}"}
        if each.kind == "word" and each.text in names and not alone:
            return False
    return True


def _words(parts: Sequence[Lexeme]) -> frozenset[str]:
    return frozenset(each.text for each in parts if each.kind == "word" and each.text not in {"async", "function"})


def _second(arguments: Sequence[Lexeme] | None) -> Sequence[Lexeme] | None:
    """Return the second of some arguments."""
    depth = 0
    for at, each in enumerate(arguments or ()):
        depth += (each.text in _CLOSING) - (each.text in {")", "]", "}"})
        if each.text == "," and depth == 0 and arguments is not None:
            return arguments[at + 1 :]
    return None

"""Code as the words that it is made of: what stays the same however it is laid out, and one spelling of what has many.

No parser: enough to know a literal, a comment and code apart, so that what stands in a literal is left alone and what
stands in a comment hides nothing. Whoever looks for something looks in the text as it stands too, since a text can be
made that is read wrongly here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal, NamedTuple, cast

# No group is possessive: Python before 3.11.5 matches one wrongly. What repeats begins with what it cannot end with.
_LEXEMES = re.compile(
    r"(?P<blank>\s++)"
    r"|(?P<comment>//[^\n]*+|/\*[^*]*+\*++(?:[^/*][^*]*+\*++)*/|/\*[\s\S]*+)"
    r"|(?P<literal>\"[^\"\\\n]*+(?:\\[\s\S][^\"\\\n]*+)*\"?|'[^'\\\n]*+(?:\\[\s\S][^'\\\n]*+)*'?"
    r"|`[^`\\]*+(?:\\[\s\S][^`\\]*+)*`?)"
    r"|(?P<word>[\w$]++)"
    r"|(?P<mark>=>|===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.(?!\d)|\*\*|\+\+|--|\.\.\.|[\s\S])"
)
_REGEX = re.compile(r"/(?![*/>])(?:[^/\\\[\n]|\\[^\n]|\[(?:[^\]\\\n]|\\[^\n]){0,200}\]){1,500}/\w*+")
# A slash behind one of these begins a regular expression, behind all else it divides, or ends a tag.
_BEFORE_A_REGEX = re.compile(
    r"[(,=:\[!&|?{;+\-*%>~^]|=>|&&|\|\||\?\?|[!=]==?|[<>]="
    r"|return|typeof|case|in|of|do|else|void|delete|throw|await|yield|instanceof"
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_MARKS = frozenset("\"'`")  # of a literal that does not even begin
_QUOTED = re.compile(r"\\([\"'`])")
# Behind these the end of a line is the end of a statement; before these it is not, whatever is meant.
_ENDED = frozenset({"return", "throw", "break", "continue", "yield", "async"})
_GOES_ON = frozenset(["(", "[", "`", "+", "-", "/", "*", "<", "."])


Gap = Literal["", " ", "\n"]
_GAPS = ("", " ", "\n")
_JOINED = 300  # letters that are put together at most
Kind = Literal["comment", "literal", "regex", "word", "mark"]


class Lexeme(NamedTuple):
    """A word, a mark, a literal or a comment; `gap` is what stands before it: a blank, the end of a line, nothing.

    Ten thousands of them are made of a text that somebody made to be read slowly, so that each has to be cheap.
    """

    kind: Kind
    text: str
    gap: Gap = ""


def lexemes(text: str) -> list[Lexeme]:
    """Return what a text is made of, without its blanks."""
    found = list[Lexeme]()
    at, before = 0, "("
    gap: Gap = ""
    while at < len(text):
        match = _REGEX.match(text, at) if text[at] == "/" and _may_begin(before) else None
        kind = "regex"
        if match is None:
            match = cast("re.Match[str]", _LEXEMES.match(text, at))  # any character is a mark
            kind = str(match.lastgroup)
        at = match.end()
        if kind == "blank":
            gap = "\n" if "\n" in match[0] else " "
            continue
        found.append(Lexeme(kind=cast("Kind", kind), text=match[0], gap=gap))
        gap = ""
        if kind != "comment":
            before = match[0]
    return found


def _may_begin(before: str) -> bool:
    return _BEFORE_A_REGEX.fullmatch(before) is not None


def laid_out_anyhow(text: str) -> str:
    """Return a text without what a formatter changes: blanks, quotes, semicolons, commas before a bracket that closes.

    Literals and the borders between words stay, so that two texts are the same only where they mean the same.
    """
    parts = lexemes(text)
    said = list[str]()
    for at, each in enumerate(parts):
        follows = parts[at + 1].text if at + 1 < len(parts) else ""
        if each.text == ";" and not (said and follows[:1] in _GOES_ON and follows):
            continue
        if each.text == "," and (not follows or follows in {")", "]", "}"}):
            continue
        if said and each.gap == "\n" and said[-1] in _ENDED:
            said.append("\n")
        said.append(_quoted_anyhow(each))
        match said[-4:]:
            case ["(", name, ")", "=>"] if _NAME.fullmatch(name):
                said[-4:] = [name, "=>"]
            case _:
                pass
    return "\0".join(said)


def _quoted_anyhow(lexeme: Lexeme) -> str:
    text = lexeme.text
    if lexeme.kind == "comment":
        return " ".join(text.split())
    if lexeme.kind != "literal" or text in _MARKS or (text[0] == "`" and ("${" in text or "\n" in text)):
        return text
    return '"' + _QUOTED.sub(r"\1", text[1:-1]) + '"'


def bare(text: str) -> str:
    """Return code without its comments."""
    at, said = 0, list[str]()
    for each in lexemes(text):
        start = text.index(each.text, at)
        said.append(text[at:start] if each.kind != "comment" else f"{text[at:start]} ")
        if each.kind != "comment":
            said.append(each.text)
        at = start + len(each.text)
    return "".join((*said, text[at:]))


@lru_cache(maxsize=16)  # several gates read the same text
def spelled(text: str) -> str:
    r"""Return code in one spelling: `a?.["b" + "c"]`, `a /**/ .bc` and `a\n.bc` are `a.bc`."""
    said = list[Lexeme]()
    lost: Gap = ""
    for each in lexemes(text):
        if each.kind == "comment":
            lost = max(lost, each.gap, " ", key=_GAPS.index)
            continue
        gap = max(lost, each.gap, key=_GAPS.index)
        lost = ""
        if each.text in {"[", "("} and said and said[-1].text == ".":
            said.pop()  # of `a?.[b]` and `a?.(b)`
        said.append(Lexeme(kind=each.kind, text="." if each.text == "?." else each.text, gap=gap))
        _join(said)
    whole = list[str]()
    for at, each in enumerate(said):
        whole += ["" if each.text == "." or (at and said[at - 1].text == ".") else each.gap, each.text]
    return "".join(whole)


def _join(said: list[Lexeme]) -> None:
    """Join what ends here: two literals with a plus between them, a subscript by a literal that is a name."""
    match said[-3:]:
        case [one, Lexeme(text="+"), other] if _is_text(one) and _is_text(other):
            both = one.text[1:-1] + other.text[1:-1]
            if len(both) <= _JOINED:
                said[-3:] = [Lexeme(kind="literal", text=f'"{both}"', gap=one.gap)]
        case _:
            pass
    match said[-4:]:
        case [owner, Lexeme(text="["), key, Lexeme(text="]")] if _is_text(key) and _NAME.fullmatch(key.text[1:-1]):
            name = Lexeme(kind="word", text=key.text[1:-1])
            if owner.text == ".":
                said[-3:] = [name]
            elif owner.kind == "word" or owner.text in {")", "]"}:
                said[-3:] = [Lexeme(kind="mark", text="."), name]
        case _:
            pass


def _is_text(lexeme: Lexeme) -> bool:
    return lexeme.kind == "literal" and lexeme.text not in _MARKS and "${" not in lexeme.text

"""A small honest reader of script lines: what it does not fully understand, it says so.

It knows simple commands joined by `&&`, `;`, `||`, `|`, `&` and the quoting of a POSIX shell. Expansions,
redirections, sub-shells, control flow and globs that only a shell can resolve make the line opaque: it can be
run, by the package manager, but not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

OPERATORS = ("&&", "||", ";", "|", "&", "\n")
RESERVED = frozenset({
    "!", "case", "do", "done", "elif", "else", "esac", "fi", "for", "function", "if", "in", "select", "then",
    "until", "while", "{", "}",
})  # fmt: skip
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
EXPANSION = re.compile(r"\$[A-Za-z_0-9({@*#?$!-]")
GLOB = re.compile(r"[*?\[]|\{[^{}]*(?:,|\.\.)[^{}]*\}")


@dataclass(frozen=True, kw_only=True)
class Command:
    """A simple command. `words` are unquoted; `before` is the operator in front of it, "" for the first.

    `decisive`: whether its exit code alone can make the line fail. `globs` are words with unquoted
    wildcards: a shell would try to expand them.
    """

    words: tuple[str, ...]
    line: str
    before: str = ""
    decisive: bool = True
    globs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Opaque:
    """A line that only a shell understands, and why."""

    line: str
    reason: str


@dataclass
class _Word:
    text: str = ""
    started: bool = False
    wild: str = ""  # the text with quoted characters blanked out, to look for wildcards in

    def add(self, text: str, *, quoted: bool) -> None:
        self.text += text
        self.wild += " " * len(text) if quoted else text
        self.started = True


class _UnreadableError(Exception):
    """Carries the reason out of the scanner."""


@lru_cache(maxsize=4096)
def read_line(line: str) -> tuple[Command, ...] | Opaque:
    """The simple commands of a script line, in order, or why it cannot be read."""
    try:
        pieces = _scan(line.strip())
    except _UnreadableError as error:
        return Opaque(line=line, reason=str(error))
    commands = []
    for number, (before, words, text) in enumerate(pieces):
        if not words:
            return Opaque(line=line, reason="an operator without a command")
        if words[0].wild in RESERVED:
            return Opaque(line=line, reason=f"control flow ({words[0].text})")
        following = [operator for operator, _, _ in pieces[number + 1 :]]
        commands.append(
            Command(
                words=tuple(word.text for word in words),
                line=text,
                before=before,
                decisive=before != "||" and set(following) <= {"&&"},
                globs=tuple(word.text for word in words if GLOB.search(word.wild) and not ASSIGNMENT.match(word.wild)),
            )
        )
    return tuple(commands)


def _scan(line: str) -> list[tuple[str, list[_Word], str]]:
    """Triples of the operator in front, the words, and the text as written."""
    pieces: list[tuple[str, list[_Word], str]] = []
    words: list[_Word] = []
    word = _Word()
    before, begin, at = "", 0, 0

    def end_word() -> None:
        nonlocal word
        if word.started:
            words.append(word)
        word = _Word()

    while at < len(line):
        character = line[at]
        operator = (
            next((each for each in OPERATORS if line.startswith(each, at)), None) if character in "&|;\n" else None
        )
        if operator is not None:
            end_word()
            pieces.append((before, words, line[begin:at].strip()))
            before, words, at = (";" if operator == "\n" else operator), [], at + len(operator)
            begin = at
        elif character in " \t\r":
            end_word()
            at += 1
        elif character in "'\"":
            at = _quoted(line, at, word)
        elif character == "\\":
            word.add(line[at + 1 : at + 2], quoted=True)
            at += 2
        else:
            _refuse(line, at, word)
            word.add(character, quoted=False)
            at += 1
    end_word()
    if words or not pieces or before not in {";", "&"}:  # `a;` and `a &` end without a further command
        pieces.append((before, words, line[begin:].strip()))
    elif before == "&":
        raise _UnreadableError("a background command")
    return pieces


def _quoted(line: str, at: int, word: _Word) -> int:
    """Take a quoted part into the word; answers the offset behind its closing quote."""
    quote = line[at]
    word.started = True
    at += 1
    while at < len(line) and line[at] != quote:
        character = line[at]
        if quote == '"' and (character == "`" or EXPANSION.match(line, at)):
            raise _UnreadableError("a variable or substitution")
        if quote == '"' and character == "\\" and line[at + 1 : at + 2] in {'"', "\\", "$", "`"}:
            at += 1
            character = line[at]
        word.add(character, quoted=True)
        at += 1
    if at >= len(line):
        raise _UnreadableError("a quote that is not closed")
    return at + 1


def _refuse(line: str, at: int, word: _Word) -> None:
    character = line[at]
    if character == "`" or EXPANSION.match(line, at) or line.startswith(("$'", '$"'), at):
        raise _UnreadableError("a variable or substitution")
    if character in "()":
        raise _UnreadableError("a sub-shell")
    if character in "<>":
        raise _UnreadableError("a redirection")
    if not word.started and character == "~":
        raise _UnreadableError("a home directory")
    if not word.started and character == "#":
        raise _UnreadableError("a comment")

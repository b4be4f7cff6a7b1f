"""What the model may use, over one checkout: no shell, no network, no file beside the checkout.

Every mistake is an answer with one line that says what is wrong, for the model to do better; nothing of it is an
exception. Whatever an answer tells of the repository is quoted as a stranger's text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio.to_thread

from ci.diagnosis.checkout import NOT_THERE, OutsideError
from ci.diagnosis.patterns import PatternError, fitting
from ci.diagnosis.quoting import HEAD, TAIL, hides
from ci.diagnosis.searching import search
from ci.diagnosis.tools import (
    EditFile,
    Finish,
    GiveUp,
    ListFiles,
    MalformedError,
    ReadFile,
    RunCheck,
    Search,
    Wish,
    WriteFile,
    wish,
)
from ci.errors import ShipwayError
from ci.text import count, first_line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ci.diagnosis.checkout import Checkout
    from ci.diagnosis.quoting import Quoting
    from ci.vendors.model import ToolUse

MOST_LISTED = 300
_ROOM = HEAD + TAIL


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of a use. `malformed` is a use of no tool or with no input for it; an `end` is what the model ends by.

    `changed` says that a file is not what it was.
    """

    text: str
    failed: bool = False
    malformed: bool = False
    changed: bool = False
    end: Finish | GiveUp | None = None


TOO_MANY = Answer(text="too much was wanted at once: this was not done", failed=True)


class Toolbox:
    """Tools over a checkout. `checks` are those that `run` may be asked for; it returns what they said."""

    def __init__(
        self,
        checkout: Checkout,
        quoting: Quoting,
        *,
        checks: tuple[str, ...] = (),
        run: Callable[[str], Awaitable[str]],
    ) -> None:
        """Take the checkout, how to quote, and what runs a check in its box."""
        self.quoting = quoting
        self.checks = checks
        self._checkout = checkout
        self._run = run

    async def use(self, use: ToolUse) -> Answer:
        """Do what is wanted, as far as it may be done."""
        try:
            wanted = wish(use.name, use.input)
        except MalformedError as error:
            return Answer(text=self.quoting.one_line(str(error)), failed=True, malformed=True)
        try:
            return await self._done(wanted)
        except (OutsideError, PatternError) as error:
            return Answer(text=self.quoting.one_line(str(error)), failed=True)

    async def _done(self, wanted: Wish) -> Answer:
        match wanted:
            case Finish() | GiveUp():
                return Answer(text="This is the end.", end=wanted)
            case ListFiles():
                return await anyio.to_thread.run_sync(self._listed, wanted)
            case Search():
                return await anyio.to_thread.run_sync(self._found, wanted)
            case ReadFile():
                return await anyio.to_thread.run_sync(self._read, wanted)
            case RunCheck():
                return await self._checked(wanted)
            case EditFile():
                return await anyio.to_thread.run_sync(self._edited, wanted)
            case WriteFile():
                self._may_be_written(wanted.text)
                self._checkout.add(wanted.path, wanted.text)
                return Answer(text="It is written.", changed=True)
            case _:
                raise AssertionError(wanted)

    def _listed(self, wanted: ListFiles) -> Answer:
        fits = fitting(wanted.glob)
        paths = [path for path in self._checkout.paths() if fits(path)]
        shown = "\n".join(self.quoting.one_line(path) for path in paths[:MOST_LISTED])
        head = count(len(paths), "file")
        if len(paths) > MOST_LISTED:
            head += f", of which these are the first {MOST_LISTED}: a narrower glob shows others"
        return Answer(text=f"{head}\n{self.quoting.block('names', shown)}" if paths else "no file fits")

    def _found(self, wanted: Search) -> Answer:
        found = search(self._checkout, self.quoting.redactor, pattern=wanted.pattern, glob=wanted.glob)
        head = count(len(found.lines), "line")
        if found.more:
            head += ", and there may be more: a narrower pattern or glob shows others"
        shown = self.quoting.block("lines found", "\n".join(found.lines))
        return Answer(text=f"{head}\n{shown}" if found.lines else head)

    def _read(self, wanted: ReadFile) -> Answer:
        lines = self._shown(wanted.path).split("\n")
        if lines[-1] == "":
            lines.pop()
        chosen = lines[wanted.first - 1 : wanted.last]
        if not chosen:
            raise OutsideError(f"the file has {count(len(lines), 'line')}, and none of these")
        kept, size = 0, 0
        for line in chosen:
            size += len(line) + 1
            if kept and size > _ROOM:
                break
            kept += 1
        last = wanted.first + kept - 1
        head = f"lines {wanted.first} to {last} of {len(lines)}"
        if kept < len(chosen):
            head += f"; go on with line {last + 1}"
        return Answer(text=f"{head}\n{self.quoting.block('file', chr(10).join(chosen[:kept]))}")

    def _edited(self, wanted: EditFile) -> Answer:
        self._may_be_written(wanted.new, wanted.old)
        if wanted.old not in self._shown(wanted.path):  # or an edit could ask for a secret letter by letter
            raise OutsideError(NOT_THERE)
        self._checkout.replace(wanted.path, wanted.old, wanted.new)
        return Answer(text="It is changed.", changed=True)

    def _shown(self, path: str) -> str:
        """Return all of a file without secrets: of one over several lines, a part would not be known for one."""
        return self.quoting.redactor.text(self._checkout.read(path).replace("\r\n", "\n"))

    async def _checked(self, wanted: RunCheck) -> Answer:
        if wanted.name not in self.checks:
            known = self.quoting.block("names", "\n".join(self.checks))
            return Answer(text=f"there is no such check; there are\n{known}", failed=True)
        try:
            return Answer(text=self.quoting.block("check", await self._run(wanted.name)))
        except ShipwayError as error:
            return Answer(
                text=f"it could not be run\n{self.quoting.block('error', first_line(str(error)))}", failed=True
            )

    def _may_be_written(self, *texts: str) -> None:
        """Hold what is about to be written to what people can see. Raises OutsideError."""
        for text in texts:
            if hides(text):
                raise OutsideError("the text holds characters that nobody sees")
            if (name := self.quoting.redactor.holds(text)) is not None:
                raise OutsideError(f"the text holds what looks like a secret ({name})")
            if self.quoting.nonce in text:
                raise OutsideError("the text holds the mark of quoted data")

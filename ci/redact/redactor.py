"""Redactor: takes secrets out of texts and executions."""

from __future__ import annotations

import dataclasses
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from ci.redact import environment as surroundings
from ci.redact import shapes, tails
from ci.redact.cuts import SQUEEZED_HEAD, STUMP, Cuts, is_plain
from ci.redact.files import FileRedactor, WithheldError
from ci.redact.forms import SHORTEST, Forms, forms
from ci.redact.spans import Span, merge, render
from ci.redact.view import QUOTING, View, edges_beside, squeeze, undo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ci.model import Execution, StepRun

_NONE: Mapping[str, Path] = MappingProxyType({})
_GAP = re.compile(r"(\n\[\.\.\. \d+ bytes left out \.\.\.\]\n)")  # between the head and the tail of an output


class Redactor:
    """Knows the secrets by name and value, and takes them out of whatever is about to be written.

    Attributes:
        too_short: Names whose values have fewer than 6 characters. They cannot be redacted: such a value
            stands in every text.

    Nothing changes after it was made: executions may be redacted in several threads at once.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take secrets as name -> value."""
        kept = {name: value.strip() for name, value in secrets.items()}
        self.too_short = tuple(sorted(name for name, value in kept.items() if len(value) < SHORTEST))
        self.forms: Mapping[str, Forms] = {
            name: forms(value) for name, value in sorted(kept.items()) if len(value) >= SHORTEST
        }
        self._names = {needle: _tame(name) for name, form in self.forms.items() for needle in form.all}
        self._written = {needle: _tame(name) for name, form in self.forms.items() for needle in form.written}
        self._seen = Cuts({needle for form in self.forms.values() for needle in form.seen})
        squeezed = {needle for form in self.forms.values() for needle in form.squeezed}
        self._squeezed = Cuts(squeezed, head=SQUEEZED_HEAD) if squeezed else None
        self.edges = edges_beside([value for value in kept.values() if len(value) >= SHORTEST])

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        *,
        known: Mapping[str, str],
        npmrc: Mapping[str, Path] = _NONE,
    ) -> Self:
        """Know the `known` secrets, the variables whose names look secret, and the tokens of .npmrc files, by name.

        Raises UsageError when a file is there and cannot be read.
        """
        tokens = {
            token: value
            for name, path in npmrc.items()
            for token, value in surroundings.tokens(path, environment, name=name).items()
        }
        return cls({**tokens, **surroundings.secrets(environment), **known})

    def text(self, text: str) -> str:
        """Return the text with `[redacted NAME]` for each secret, however it is written."""
        return render(text, self.spans(text))

    def data(self, content: bytes) -> bytes:
        """Return a file's content redacted. Raises WithheldError where it cannot be made safe."""
        return FileRedactor(text=self.text, holds=self.holds, values=self._written).redact(content)

    def last_line(self, text: str) -> str:
        """Return what may be shown of the last line of a text that is still being written, by the tail of it."""
        return tails.last_line(self, text)

    def execution(self, execution: Execution) -> Execution:
        """Return the execution with all its texts and files redacted; a notice names each file that is withheld."""
        files: dict[str, bytes] = {}
        withheld: list[str] = []
        for name, content in execution.files.items():
            try:
                files[self.text(name)] = self.data(content)
            except WithheldError as error:
                withheld.append(f"withheld {self.text(name)}: {error}")
        return dataclasses.replace(
            execution,
            steps=tuple(self._step(step) for step in execution.steps),
            files=files,
            changed=tuple(map(self.text, execution.changed)),
            left_behind=tuple(map(self.text, execution.left_behind)),
            notices=(*map(self.text, execution.notices), *withheld),
        )

    def _step(self, step: StepRun) -> StepRun:
        return dataclasses.replace(
            step,
            argv=tuple(map(self.text, step.argv)),
            cwd=self.text(step.cwd),
            error=None if step.error is None else self.text(step.error),
            living=tuple(map(self.text, step.living)),
            output="".join(map(self.text, _GAP.split(step.output))) if step.omitted else self.text(step.output),
        )

    def holds(self, text: str) -> str | None:
        """Return the name of a secret that the text holds."""
        spans = self.spans(text, ends=False)
        return spans[0].name if spans else None

    def spans(self, text: str, *, ends: bool = True) -> list[Span]:
        """Return what is to go from a text, in order and without overlaps.

        With `ends` the text may have been cut anywhere: a piece of a secret at its very start or end goes too.
        """
        view = undo(text, edges=self.edges)
        found = [*self._known(text, view), *_guessed(text, view)]
        if ends:
            found += self._stumps(view)
        return merge(found)

    def _known(self, text: str, view: View) -> Iterator[Span]:
        for needle, name in self._written.items():
            for start, end in _places(text, needle):
                yield Span(start=start, end=end, name=name, since=start)
        yield from _mapped(view, self._seen.find(view.text), self._names)
        if self._squeezed is not None and (found := tuple(self._squeezed.find(squeeze(view.text)))):
            yield from _mapped(view.without(QUOTING), found, self._names)

    def _stumps(self, view: View) -> Iterator[Span]:
        for needle in {needle for form in self.forms.values() for needle in form.seen}:
            for size, at in (
                (_overlap(view.text[-len(needle) + 1 :], needle), len(view.text)),
                (_overlap(needle, view.text[: len(needle) - 1]), 0),
            ):
                if size:
                    start, end = view.span(max(0, at - size), max(at, size))
                    yield Span(start=start, end=end, name=self._names[needle], since=start)


def _tame(name: str) -> str:
    """Keep of a name what can stand in any document."""
    return re.sub(r"[^\w .:/-]", "", name)[:80] or "secret"


def _places(text: str, needle: str) -> Iterator[tuple[int, int]]:
    """Yield where a needle stands; places that overlap are one."""
    at = text.find(needle)
    while at >= 0:
        end = at + len(needle)
        while at < (after := text.find(needle, end - len(needle) + 1, end + len(needle) - 1)):
            end = after + len(needle)
        yield at, end
        at = text.find(needle, end)


def _mapped(view: View, found: Iterable[tuple[int, int, str]], names: Mapping[str, str]) -> Iterator[Span]:
    for begin, stop, needle in found:
        start, end = view.span(begin, stop)
        yield Span(start=start, end=end, name=names[needle], since=start)


def _guessed(text: str, view: View) -> Iterator[Span]:
    for match, shape in shapes.find(text):
        start, end = match.span(match.lastindex or 0)
        yield Span(start=start, end=end, name=shape.name, since=match.start())
    for match, shape in shapes.find(view.text, wrapped=True):
        start, stop = match.span(match.lastindex or 0)
        if breaks := view.breaks(match.start(), stop):
            first, last = view.span(start, shapes.shorten(match, stop, shape, breaks))
            yield Span(start=first, end=last, name=shape.name, since=view.span(match.start(), stop)[0])


def _overlap(left: str, right: str) -> int:
    """Return how many characters, at least STUMP, end `left` and begin `right`, where they tell anything."""
    for size in range(min(len(left), len(right)), STUMP - 1, -1):
        if left.endswith(right[:size]):
            return 0 if is_plain(right[:size]) else size
    return 0

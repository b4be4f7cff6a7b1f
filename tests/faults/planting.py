"""The words of the planted-faults table: how a fault gets into a copy of the example, and what a run must say of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from ci.model import STAGE_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Edit(Protocol):
    """A change to the copy."""

    def plant(self, root: Path) -> None:
        """Make it, or raise ValueError where the copy is not what the row believes."""
        ...


@dataclass(frozen=True)
class Change:
    """Replace a text that stands exactly once in a file."""

    path: str
    old: str
    new: str

    def plant(self, root: Path) -> None:
        """Replace it."""
        place = root / self.path
        text = place.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.path} has {text.count(self.old)} times, not once: {self.old!r}")
        place.write_text(text.replace(self.old, self.new), encoding="utf-8")


@dataclass(frozen=True)
class Added:
    """A new file."""

    path: str
    text: str

    def plant(self, root: Path) -> None:
        """Write it."""
        place = root / self.path
        if place.exists():
            raise ValueError(f"{self.path} is there already")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(self.text, encoding="utf-8")


@dataclass(frozen=True)
class Appended:
    """More text at a file's end."""

    path: str
    text: str

    def plant(self, root: Path) -> None:
        """Append it."""
        with (root / self.path).open("a", encoding="utf-8") as file:
            file.write(self.text)


@dataclass(frozen=True, kw_only=True)
class Said:
    """A failure that the report must hold: in which check, with which words, and at which place.

    `at` is a text of the planted file: the failure's line is the one on which it stands.
    """

    check: str
    words: str
    file: str | None = None
    at: str | None = None
    rule: str | None = None

    def line(self, root: Path) -> int | None:
        """Return the line on which `at` stands in the planted copy."""
        if self.at is None:
            return None
        assert self.file is not None
        text = (root / self.file).read_text(encoding="utf-8")
        if text.count(self.at) != 1:
            raise ValueError(f"{self.file} has {text.count(self.at)} times, not once: {self.at!r}")
        return text.count("\n", 0, text.index(self.at)) + 1


def stages(**others: str) -> Mapping[str, str]:
    """Return the status of every stage: passed, but for those named."""
    assert others.keys() <= set(STAGE_NAMES)
    return MappingProxyType({name: others.get(name, "passed") for name in STAGE_NAMES})


AFTER_INSTALL = dict.fromkeys(("lint", "typecheck", "unit", "integration", "e2e", "audit"), "skipped")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One row.

    `failures` are all that the report may hold, each once, unless `others` fail with them. `reasons` are words in the
    reason of a check, `notices` in one of its notices, by the check's id; `flaky` are the checks that are so.
    `advisories` is how the registry's advisory service answers; `outside` are files that no run may make.
    """

    name: str
    edits: tuple[Edit, ...] = ()
    stages: Mapping[str, str] = field(default_factory=stages)
    code: int = 10
    failures: tuple[Said, ...] = ()
    others: bool = False
    reasons: Mapping[str, str] = field(default_factory=dict)
    notices: Mapping[str, str] = field(default_factory=dict)
    flaky: tuple[str, ...] = ()
    advisories: tuple[str, ...] = ("clean",)
    outside: tuple[Path, ...] = ()
    long: bool = True

"""What a patch does to one file, as git tells it: what the gates of a fix look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LINK = "120000"
SUBMODULE = "160000"
EXECUTABLE = "100755"
PLAIN = "100644"
MODES = frozenset({"", PLAIN, EXECUTABLE, LINK, SUBMODULE})


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One path, from the repository's root; a rename is one that is deleted and one that is added.

    Modes are git's, in octal: "100644", "100755", "120000" for a symbolic link, "160000" for a submodule; "" where
    there is no file. Lines are those that were taken away and added, without their ends; none of a `binary` file.
    `before` and `after` are the changed places with some lines around them, a text each: what a change makes of lines
    that it leaves alone (a `catch` whose only line went) is seen in them. `judging`: the whole file, as it was, is one
    of tests by what stands in it (see judges.py).
    """

    path: str
    kind: Literal["added", "deleted", "modified"]
    mode_before: str
    mode_after: str
    binary: bool = False
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    judging: bool = False

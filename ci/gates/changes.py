"""What a patch does to one file, as git tells it: what the gates of a fix look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """One path, from the repository's root; a rename is one that is deleted and one that is added.

    Modes are git's, in octal: "100644", "100755", "120000" for a symbolic link, "160000" for a submodule; "" where
    there is no file. Lines are those that were taken away and added, without their ends; none of a `binary` file.
    """

    path: str
    kind: Literal["added", "deleted", "modified"]
    mode_before: str
    mode_after: str
    binary: bool = False
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

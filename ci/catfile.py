"""What `git cat-file --batch` says: https://git-scm.com/docs/git-cat-file#_batch_output."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def files(told: bytes, asked: Iterable[str]) -> dict[str, bytes]:
    """Return the files among what was asked for, by the lines that asked for them, in their order.

    What git has not, is no file, or was not told to its end, is left out.
    """
    found: dict[str, bytes] = {}
    rest = told
    for each in asked:
        head, _, rest = rest.partition(b"\n")
        name, kind, size = (*head.rsplit(b" ", 2), b"", b"")[:3]
        if not name or not size.isdigit():  # missing, or ambiguous
            continue
        if kind == b"blob" and len(rest) > int(size):  # there is a line's end behind it
            found[each] = rest[: int(size)]
        rest = rest[int(size) + 1 :]
    return found

"""The files that a patch makes, whole, out of the tree that git made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.promotion.flow import BlockedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.diagnosis.bench import Bench
    from ci.diagnosis.patch import Patched


async def contents(bench: Bench, patched: Patched) -> Mapping[str, bytes | None]:
    """Return what each changed file holds, by path from the repository's top; None for one that is gone.

    Raises BlockedError for a path that git cannot be asked for by a line, UsageError.
    """
    found: dict[str, bytes | None] = {each.path: None for each in patched.changes}
    asked = [each.path for each in patched.changes if each.kind != "deleted"]
    if any("\n" in path for path in asked):
        raise BlockedError("it names a file over two lines")
    lines = "".join(f"{patched.tree}:{path}\n" for path in asked).encode()
    rest = await bench.read("cat-file", "--batch", stdin=lines) if asked else b""
    for path in asked:
        head, _, rest = rest.partition(b"\n")
        size = int(head.rpartition(b" ")[2])
        found[path], rest = rest[:size], rest[size + 1 :]
    return found

"""The files that a patch makes, whole, out of the tree that git made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci import catfile
from ci.promotion.flow import BlockedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.diagnosis.bench import Bench
    from ci.diagnosis.patch import Patched


async def contents(bench: Bench, patched: Patched) -> Mapping[str, bytes | None]:
    """Return what each changed file holds, by path from the repository's top; None for one that is gone.

    Raises BlockedError for a path that git cannot be asked for by a line, or that is no file; UsageError.
    """
    asked = {f"{patched.tree}:{each.path}": each.path for each in patched.changes if each.kind != "deleted"}
    if any("\n" in path for path in asked):
        raise BlockedError("it names a file over two lines")
    told = await bench.read("cat-file", "--batch", stdin="".join(f"{each}\n" for each in asked).encode())
    files = catfile.files(told, asked)
    if strange := sorted(asked.keys() - files.keys()):
        raise BlockedError(f"{asked[strange[0]]} is no file")
    return {each.path: files.get(f"{patched.tree}:{each.path}") for each in patched.changes}

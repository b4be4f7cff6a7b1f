"""A patch made of files that a tool wrote: by git, without a working tree."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ci.diagnosis.patch import written
from ci.gates.changes import PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.diagnosis.bench import Bench


async def patch_of(bench: Bench, commit: str, files: Mapping[str, bytes | None], *, below: str) -> bytes:
    """Return the patch that gives a commit these files, by path from the workspace, which lies `below` the top.

    A file keeps its mode. Raises UsageError.
    """
    index = {"GIT_INDEX_FILE": str(bench.index())}
    await bench.read("read-tree", f"{commit}^{{commit}}", extra=index)
    for name, content in files.items():
        path = posixpath.normpath(posixpath.join(below, name))
        if content is None:
            await bench.read("update-index", "--force-remove", "--", path, extra=index)
            continue
        listed = (await bench.read("ls-files", "--stage", "-z", "--", path, extra=index)).decode()
        mode = listed.split(" ", 1)[0] if listed else PLAIN
        blob = (await bench.read("hash-object", "-w", "--stdin", stdin=content)).decode().strip()
        await bench.read("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", extra=index)
    return await written(bench, commit, index)

"""Unpacking tar archives of strangers: files and directories only, and never outside the target."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from ci.errors import ToolError

if TYPE_CHECKING:
    import tarfile


def unpack(archive: tarfile.TarFile, target: Path, *, strip: int = 0) -> None:
    """Unpack regular files into `target`, leaving out the first `strip` parts of their names.

    Links, devices, owners and times are not taken over; of the mode only whether it is executable. Raises ToolError
    for a name that leads out of `target`. (`tarfile`'s own filters are not in every Python that Shipway runs on.)
    """
    for member in archive:
        parts = PurePosixPath(member.name).parts[strip:]
        if not member.isfile() or not parts:
            continue
        if ".." in parts or PurePosixPath(*parts).is_absolute():
            raise ToolError(f"an archive holds a file that leads out of its directory: {member.name!r}")
        content = archive.extractfile(member)
        if content is None:
            continue
        path = target.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(content, file)
        path.chmod(0o755 if member.mode & 0o100 else 0o644)

"""Files laid out below a fresh checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.executors.scratch import remove

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def lay_out(root: Path, files: Mapping[str, bytes | None]) -> None:
    """Write files below a fresh checkout; what stands in the way of one goes, so that nothing is written through it."""
    for path, content in files.items():
        place = root / path
        for parent in reversed(place.relative_to(root).parents):
            at = root / parent
            if at.is_symlink() or at.is_file():
                at.unlink()
        if place.is_dir() and not place.is_symlink():
            remove(place)
        mode = place.lstat().st_mode & 0o777 if place.is_file() and not place.is_symlink() else 0o644
        place.unlink(missing_ok=True)
        if content is not None:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
            place.chmod(mode)

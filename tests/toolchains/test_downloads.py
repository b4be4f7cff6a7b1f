from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from ci.model import Toolchain
from ci.toolchains import versions
from ci.toolchains.catalogue import Provided, provide
from ci.toolchains.chromium import playwright_downloads

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def provided(cache: Path) -> Provided:
    toolchain = Toolchain(name="playwright", tools={"chromium": versions.CHROMIUM})

    async def ready() -> Provided:
        return await provide(toolchain, cache=cache, note=lambda _: None)

    return anyio.run(ready)


def test_browsers_that_playwright_has_downloaded_are_shown_to_its_tests(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    found = provided(cache)
    assert found.environment["PLAYWRIGHT_BROWSERS_PATH"] == str(tmp_path)
    assert str(tmp_path) in found.visible


def test_where_nothing_was_downloaded_nothing_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for value in ("", "0", str(tmp_path / "nowhere"), "relative"):
        monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", value)
        assert playwright_downloads() is None
    (tmp_path / "ms-playwright").mkdir()
    monkeypatch.delenv("PLAYWRIGHT_BROWSERS_PATH")
    assert playwright_downloads() == tmp_path / "ms-playwright"

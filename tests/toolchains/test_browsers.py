from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

BROWSERS = [
    {"name": "chromium", "revision": "1255"},
    {"name": "chromium-headless-shell", "revision": "1255"},
    {"name": "firefox", "revision": "1500"},
    {"name": "webkit", "revision": "2200"},
    {"name": "ffmpeg", "revision": "1011"},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay Playwright out as pnpm does: links into a store, each package with its own dependencies beside it."""
    root = tmp_path / "project"
    store = root / "node_modules" / ".pnpm"
    for name, needs in (
        ("@playwright/test", "playwright"),
        ("playwright", "playwright-core"),
        ("playwright-core", None),
    ):
        package = store / name.replace("/", "+") / "node_modules" / name
        package.mkdir(parents=True)
        (package / "package.json").write_text(json.dumps({"name": name, "version": "1.65.1"}))
        if needs:
            beside = store / name.replace("/", "+") / "node_modules" / needs
            beside.symlink_to(store / needs / "node_modules" / needs)
    core = store / "playwright-core" / "node_modules" / "playwright-core"
    (core / "browsers.json").write_text(json.dumps({"browsers": BROWSERS}))
    (root / "node_modules" / "@playwright").mkdir()
    (root / "node_modules" / "@playwright" / "test").symlink_to(
        store / "@playwright+test" / "node_modules" / "@playwright" / "test"
    )
    return root


def browsers(environment: dict[str, str], project: Path, out: Path, **more: str) -> dict[str, Any]:
    ended = subprocess.run(
        ["shipway-browsers", str(project), str(out)], env={**environment, "SHIPWAY_CHROMIUM": "/bin/echo", **more},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    report: dict[str, Any] = json.loads(ended.stdout)
    return report


def test_chromium_stands_in_the_old_and_the_new_layout_and_what_cannot_be_had_is_missing(
    environment: dict[str, str], project: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert browsers(environment, project, out) == {
        "browsers": {"chromium": "shipway", "firefox": "missing", "webkit": "missing"},
        "playwright": "1.65.1",
    }
    for executable in (
        "chromium-1255/chrome-linux64/chrome",
        "chromium-1255/chrome-linux/chrome",
        "chromium_headless_shell-1255/chrome-headless-shell-linux64/chrome-headless-shell",
        "chromium_headless_shell-1255/chrome-linux/headless_shell",
    ):
        assert subprocess.run([out / executable, "--x"], capture_output=True, text=True, check=True).stdout == "--x\n"
        assert (out / executable.split("/", 1)[0] / "INSTALLATION_COMPLETE").exists()
    assert not (out / "ffmpeg-1011").exists()


def test_playwrights_own_finished_downloads_come_first(
    environment: dict[str, str], project: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    for name, complete in (
        ("firefox-1500", True),
        ("chromium-1255", True),
        ("chromium_headless_shell-1255", True),
        ("webkit-2200", False),
    ):
        (own / name).mkdir(parents=True)
        if complete:
            (own / name / "INSTALLATION_COMPLETE").touch()
    report = browsers(environment, project, tmp_path / "out", PLAYWRIGHT_BROWSERS_PATH=str(own))
    assert report["browsers"] == {"chromium": "playwright", "firefox": "playwright", "webkit": "missing"}
    assert (tmp_path / "out" / "firefox-1500").resolve() == own / "firefox-1500"
    again = browsers(environment, project, tmp_path / "out", PLAYWRIGHT_BROWSERS_PATH=str(tmp_path / "out"))
    assert again["browsers"]["firefox"] == "playwright"


def test_a_project_without_playwright_is_refused_in_one_line(environment: dict[str, str], tmp_path: Path) -> None:
    ended = subprocess.run(
        ["shipway-browsers", str(tmp_path), str(tmp_path / "out")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "no playwright-core can be resolved" in ended.stderr


def test_the_preload_gives_every_launch_the_browser_and_takes_the_channel_away(
    environment: dict[str, str], project: Path
) -> None:
    core = project / "node_modules" / "playwright-core"
    core.mkdir()
    (core / "package.json").write_text('{"name": "playwright-core", "version": "1.65.1", "main": "index.js"}')
    (core / "index.js").write_text(
        "const say = (...given) => given; exports.chromium = {launch: say, launchPersistentContext: say};"
        "exports.firefox = {launch: say};"
    )
    script = (
        "const pw = require('playwright-core'); require('playwright-core');"
        "console.log(JSON.stringify([pw.chromium.launch({channel: 'chrome', headless: true}), pw.chromium.launch(),"
        "pw.chromium.launchPersistentContext('/d', {channel: 'chrome'}), pw.chromium.launch({executablePath: '/mine'}),"
        "pw.firefox.launch({})]))"
    )
    preload = environment["SHIPWAY_PLAYWRIGHT_PRELOAD"]
    ended = subprocess.run(
        ["node", "-e", script], cwd=project, capture_output=True, text=True, check=True,
        env={**environment, "SHIPWAY_CHROMIUM": "/c", "NODE_OPTIONS": f"--require {preload}"},
    )  # fmt: skip
    assert json.loads(ended.stdout) == [
        [{"headless": True, "executablePath": "/c"}],
        [{"executablePath": "/c"}],
        ["/d", {"executablePath": "/c"}],
        [{"executablePath": "/mine"}],
        [{}],
    ]

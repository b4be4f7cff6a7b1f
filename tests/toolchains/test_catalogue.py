from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest

from ci.errors import ToolError
from ci.model import Toolchain
from ci.toolchains import versions
from ci.toolchains.catalogue import Provided, provide

PNPM = "10.0.0"
PNPM_SHA512 = (  # fmt: skip
    "b8fef5494bd3fe4cbd4edabd0745df2ee5be3e4b0b8b08fa643aa3e4c6702ccc"
    "0f00d68fa8a8c9858a735a0032485a44990ed2810526c875e416f001b17df12b"
)
UNREACHABLE = "http://127.0.0.1:1/"


def provided(tools: dict[str, str], cache: Path, *, pin: str | None = None) -> Provided:
    async def ready() -> Provided:
        toolchain = Toolchain(name="test", tools=tools, pnpm_hash=pin)
        return await provide(toolchain, cache=cache, note=lambda _: None)

    return anyio.run(ready)


def said(result: Provided, *command: str, cwd: Path | None = None) -> str:
    environment = {**result.environment, "PATH": ":".join((*result.path, "/usr/bin", "/bin")), "HOME": str(cwd)}
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, check=True).stdout.strip()


def visible_in(cache: Path) -> list[str]:
    names = (path.name for path in (cache / "tools").iterdir())
    return sorted(name for name in names if not name.endswith(".lock") and not name.startswith("commands-"))


def test_the_default_node_comes_with_an_npm_and_the_exact_pnpm(cache: Path) -> None:
    result = provided({"node": versions.DEFAULT_NODE, "pnpm": PNPM}, cache, pin=f"sha512.{PNPM_SHA512}")
    assert said(result, "node", "--version") == f"v{versions.DEFAULT_NODE}"
    assert said(result, "npm", "--version")
    assert said(result, "npx", "--version")
    assert said(result, "pnpm", "--version") == PNPM
    assert result.versions == {"node": versions.DEFAULT_NODE, "pnpm": PNPM}


def test_another_exact_node_runs_npm_and_pnpm_with_itself(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    result = provided({"node": "22.13.0", "pnpm": PNPM}, cache)
    assert said(result, "node", "--version") == "v22.13.0"
    assert said(result, "pnpm", "exec", "node", "--version", cwd=tmp_path) == "v22.13.0"
    assert said(result, "npm", "exec", "--offline", "--call", "node --version", cwd=tmp_path) == "v22.13.0"


def test_what_is_there_is_used_without_the_network_in_milliseconds(
    cache: Path, tools: Provided, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", UNREACHABLE)
    best = 1.0

    async def again() -> None:
        nonlocal best
        for _ in range(5):
            began = time.perf_counter()
            toolchain = Toolchain(name="all", tools=tools.versions)
            assert await provide(toolchain, cache=cache, note=lambda _: None) == tools
            best = min(best, time.perf_counter() - began)

    anyio.run(again)
    assert best < 0.02  # 5 ms of an idle machine, and this one need not be


def test_everything_visible_exists_and_every_path_lies_in_it(tools: Provided) -> None:
    for path in tools.visible:
        assert Path(path).is_absolute()
        assert Path(path).exists()
    for path in (*tools.path, tools.environment["SHIPWAY_CHROMIUM"], tools.environment["SHIPWAY_PLAYWRIGHT_PRELOAD"]):
        assert Path(path).exists()
        assert any(Path(path).is_relative_to(root) for root in tools.visible)


@pytest.mark.parametrize(
    ("pin", "said_"),
    [
        ("sha512." + "0" * 128, f"has sha512.{PNPM_SHA512}"),
        ("sha224." + "0" * 56, "has sha224."),
        ("sha1." + "0" * 40, "has sha1."),
        ("md5.00", "'md5', which is no hash known here"),
    ],
)
def test_a_pin_with_another_hash_is_refused_with_both_hashes_and_the_place_to_look(
    cache: Path, pin: str, said_: str
) -> None:
    with pytest.raises(ToolError) as refused:
        provided({"pnpm": PNPM}, cache, pin=pin)
    assert f"package.json: packageManager pins pnpm@{PNPM}" in str(refused.value)
    assert said_ in str(refused.value)


def test_a_wrong_pin_installs_nothing(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="packageManager pins"):
        provided({"pnpm": PNPM}, tmp_path, pin="sha512." + "0" * 128)
    assert visible_in(tmp_path) == []


@pytest.mark.parametrize("tool", [{"pnpm": PNPM}, {"node": "22.13.0"}, {"chromium": versions.CHROMIUM}])
def test_without_a_network_one_line_names_the_tool_and_nothing_half_done_stays(
    tool: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://user:hush@127.0.0.1:1/")
    began = time.monotonic()
    with pytest.raises(ToolError) as refused:
        provided(tool, tmp_path)
    assert time.monotonic() - began < 20
    assert "cannot be downloaded: no answer from the npm registry (ECONNREFUSED)" in str(refused.value)
    assert next(iter(tool.values())) in str(refused.value)
    assert "hush" not in str(refused.value)
    assert visible_in(tmp_path) == []


def test_a_version_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"pnpm 10\.999\.0 does not exist on the npm registry"):
        provided({"pnpm": "10.999.0"}, tmp_path)


@pytest.mark.parametrize("tools", [{"deno": "2.0.0"}, {"chromium": "1.0.0"}, {"lighthouse": "1.0.0"}])
def test_a_tool_or_version_that_shipway_does_not_bring_is_refused(tools: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=next(iter(tools))):
        provided(tools, tmp_path)


def test_of_two_first_runs_one_sets_up_and_sweeps_what_a_killed_one_left(tmp_path: Path) -> None:
    left = tmp_path / "tools" / f".pnpm-{PNPM}.new-abc"
    left.mkdir(parents=True)
    (left / "half").touch()
    notes: list[str] = []

    async def both() -> None:
        toolchain = Toolchain(name="test", tools={"pnpm": PNPM})
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(lambda: provide(toolchain, cache=tmp_path, note=notes.append))

    anyio.run(both)
    assert notes == [f"setting up pnpm {PNPM} (once)"]
    assert visible_in(tmp_path) == [f"pnpm-{PNPM}"]


def has_mount_namespaces() -> bool:
    command = ["unshare", "--user", "--map-root-user", "--mount", "true"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.skipif(not has_mount_namespaces(), reason="a small file system needs a mount namespace")
def test_a_full_disk_is_said_to_be_one(tmp_path: Path) -> None:
    program = """if True:
        import sys, anyio
        from pathlib import Path
        from ci.errors import DiskFullError
        from ci.model import Toolchain
        from ci.toolchains.catalogue import provide
        async def main():
            try: await provide(Toolchain(name="t", tools={"pnpm": "10.0.0"}), cache=Path(sys.argv[1]), note=print)
            except DiskFullError as error: print("FULL", error)
        anyio.run(main)
    """
    mount = 'mount -t tmpfs -o size=3m tmpfs "$1" && exec "$2" -c "$3" "$1"'
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount",
         "sh", "-c", mount, "sh", str(tmp_path), sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "FULL no room for pnpm-10.0.0" in ended.stdout, ended.stderr


def test_a_browser_of_the_machine_is_taken_where_it_is_named(
    cache: Path, tmp_path: Path, tools: Provided, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "my chrome"
    browser.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Mine 7.0" && exit\necho "$@"\n')
    browser.chmod(0o755)
    monkeypatch.setenv("SHIPWAY_CHROMIUM", str(browser))
    result = provided({"chromium": versions.CHROMIUM}, tmp_path / "cache")
    assert result.versions["chromium"] == "Mine 7.0"
    assert said(result, result.environment["SHIPWAY_CHROMIUM"], "--flag").endswith("--flag")
    monkeypatch.setenv("SHIPWAY_CHROMIUM", str(tmp_path / "none"))
    with pytest.raises(ToolError, match="which is no program"):
        provided({"chromium": versions.CHROMIUM}, cache)
    assert "chromium-own" not in tools.environment["SHIPWAY_CHROMIUM"]


def test_the_known_nodes_are_exact_in_order_and_hold_the_default() -> None:
    known = versions.known_nodes()
    assert versions.DEFAULT_NODE in known
    assert set(versions.WHEEL_NODES) <= set(known)
    assert known.index("22.9.0") < known.index("22.10.0") < known.index("24.0.0")


def test_programs_answer_on_path_without_a_path_in_their_command_line(environment: dict[str, str]) -> None:
    for name in ("shipway-postgres", "shipway-rls", "shipway-browsers", "shipway-lighthouse", "shipway-serve"):
        assert shutil.which(name, path=environment["PATH"]) is not None

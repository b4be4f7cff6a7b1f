from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.model import Status
from ci.stages import preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, Execution
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Executed = Callable[..., Execution]

WEB: Mapping[str, Any] = {"name": "web", "scripts": {"build": "vite build"}, "devDependencies": {"vite": "8.3.8"}}
ROOT = {"name": "root", "packageManager": "pnpm@10.34.9", "scripts": {"build": "pnpm -r build"}}
FILES: Mapping[str, str | Mapping[str, Any]] = {
    "apps/web/package.json": WEB,
    "apps/web/index.html": "<!doctype html>",
    "apps/web/src/main.tsx": "",
}


def build(context: Context) -> Check | None:
    return preparation.prepare(context).build


def test_the_roots_own_script_builds(context: Workspace) -> None:
    check = build(context({**FILES, "package.json": ROOT}))
    assert check is not None
    assert check.steps[0].argv == ("pnpm", "run", "build")


def test_without_a_root_script_the_apps_are_built_with_what_they_need(context: Workspace) -> None:
    check = build(context(FILES))
    assert check is not None
    assert check.steps[0].argv == ("pnpm", "--filter", "{apps/web}...", "run", "build")


def test_a_library_alone_is_nothing_to_build(context: Workspace) -> None:
    assert build(context({"packages/ui/package.json": WEB})) is None


def test_the_settings_win(context: Workspace) -> None:
    settings = '[stages.audit]\nbuild = ["pnpm", "make"]\n'
    check = build(context({**FILES, "package.json": ROOT}, settings=settings))
    assert check is not None
    assert (check.steps[0].argv, check.why) == (("pnpm", "make"), "shipway.toml names it")


def test_a_red_build_says_what_is_wrong_and_where(
    context: Workspace, executed: Executed, recorded: Callable[[str], bytes]
) -> None:
    check = build(context(FILES))
    assert check is not None
    verdict = check.judge(executed(check, codes=(1,), outputs=(recorded("vite-8-build.log").decode(),)))
    (failure,) = verdict.failures
    assert verdict.status is Status.FAILED
    assert "Could not resolve './nowhere' in src/main.tsx" in (verdict.reason or "")
    assert (failure.file, failure.line) == ("apps/web/src/main.tsx", 11)
    assert "/workspace" not in (failure.detail or "")


def test_a_place_that_may_be_several_files_is_not_guessed(
    context: Workspace, executed: Executed, recorded: Callable[[str], bytes]
) -> None:
    check = build(context({**FILES, "packages/ui/src/main.tsx": "", "packages/ui/package.json": WEB}))
    assert check is not None
    verdict = check.judge(executed(check, codes=(1,), outputs=(recorded("vite-8-build.log").decode(),)))
    assert verdict.failures[0].file is None


def test_a_build_tool_that_is_not_installed_is_an_error(context: Workspace, executed: Executed) -> None:
    check = build(context(FILES))
    assert check is not None
    assert check.judge(executed(check, codes=(127,), outputs=("sh: vite: not found",))).status is Status.ERROR

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Status
from ci.stages import audit, preparation
from ci.stages.building import built_apps

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


def test_a_root_script_that_asks_git_what_changed_builds_all(context: Workspace) -> None:
    check = build(context({**FILES, "package.json": {**ROOT, "scripts": {"build": "nx affected -t build && echo"}}}))
    assert check is not None
    assert [step.argv for step in check.steps] == [
        ("pnpm", "exec", "nx", "run-many", "-t", "build"),
        ("pnpm", "exec", "echo"),
    ]
    assert check.repeat == "pnpm exec nx run-many -t build && pnpm exec echo"


DEMO = {"apps/demo/package.json": {**WEB, "name": "demo"}, "apps/demo/index.html": ""}


@pytest.mark.parametrize(
    ("script", "apps"),
    [
        ("pnpm --filter web build", ["apps/web"]),
        ("pnpm -r build", ["apps/demo", "apps/web"]),
        ("for app in apps/*; do vite build $app; done", ["apps/demo", "apps/web"]),
    ],
)
def test_only_apps_that_the_build_builds_are_measured(context: Workspace, script: str, apps: list[str]) -> None:
    made = context({**FILES, **DEMO, "package.json": {**ROOT, "scripts": {"build": script}}})
    assert [app.package.path for app in built_apps(made)] == apps
    plan = audit.plan(preparation.prepare(made))
    assert {check.package for check in plan.checks if check.name in {"bundle", "lighthouse"}} == set(apps)
    left = ("not measured: 1 app that `pnpm run build` does not build: apps/demo",)
    assert plan.notices == (left if len(apps) == 1 else ())


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

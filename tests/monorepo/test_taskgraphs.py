from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ci.errors import UsageError
from ci.monorepo.taskgraphs import turbo_needs
from ci.monorepo.workspace import Workspace

Build = Callable[..., Workspace]

TASKS: dict[str, Any] = {
    "build": {"dependsOn": ["^build", "prebuild"]},
    "codegen": {"dependsOn": ["^codegen", "schema"]},
    "typecheck": {"dependsOn": ["codegen", "^build", "$SOME_VARIABLE"]},
    "loop": {"dependsOn": ["pool"]},
    "pool": {"dependsOn": ["loop"]},
}


@pytest.mark.parametrize("key", ["tasks", "pipeline"])
def test_the_tasks_before_a_task_come_first_things_first(workspace_of: Build, key: str) -> None:
    workspace = workspace_of({"turbo.json": {key: TASKS}})
    assert turbo_needs(workspace, "typecheck") == ("schema", "codegen", "prebuild", "^build")
    assert turbo_needs(workspace, "typecheck", upstream=False) == ("schema", "codegen")


def test_a_loop_of_tasks_ends(workspace_of: Build) -> None:
    assert turbo_needs(workspace_of({"turbo.jsonc": {"tasks": TASKS}}), "loop") == ("pool",)


def test_without_turbo_nothing_comes_before(workspace_of: Build) -> None:
    assert turbo_needs(workspace_of(), "typecheck") == ()


def test_a_broken_turbo_json_is_a_usage_error(workspace_of: Build) -> None:
    with pytest.raises(UsageError, match=r"turbo.json:2:\d+: invalid JSON"):
        turbo_needs(workspace_of({"turbo.json": '{"tasks":\n oops}'}), "typecheck")

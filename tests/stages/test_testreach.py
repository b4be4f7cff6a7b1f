from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Status
from ci.stages import unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Execution, Plan, Verdict
    from ci.stages.context import Context

    Workspace = Callable[..., Context]
    Executed = Callable[..., Execution]


def workspace(root: str, **members: str) -> dict[str, Any]:
    """Packages with a test file and a test script each, under a root with a script and a test of its own."""
    tools = {"vitest": "4.1.12", "jest": "30.5.2"}
    files: dict[str, Any] = {
        "package.json": {"name": "root", "scripts": {"test": root}, "devDependencies": tools},
        "scripts/s.test.js": "",
    }
    for name, line in members.items():
        files[f"packages/{name}/package.json"] = {"name": name, "scripts": {"test": line} if line else {}}
        files[f"packages/{name}/src/x.test.ts"] = ""
    return files


def ids(plan: Plan) -> list[str]:
    return [check.id for check in plan.checks]


@pytest.mark.parametrize(
    ("line", "tool"),
    [
        ("node --test scripts/", "node-test"),
        ("node --test 'scripts/**/*.test.js'", "node-test"),
        ("vitest run scripts", "vitest"),
        ("vitest run --dir scripts", "vitest"),
        ("jest ./scripts", "jest"),
    ],
)
def test_packages_run_the_tests_that_the_roots_command_cannot_take_up(context: Workspace, line: str, tool: str) -> None:
    plan = unit.plan(context(workspace(line, a="vitest run", b="vitest run src", c="", d="./test.sh")))
    assert ids(plan) == [f"unit/{tool}@.", "unit/vitest@packages/a", "unit/vitest@packages/b"]


@pytest.mark.parametrize(
    "line", ["vitest run", "jest", "jest src", "vitest run --dir .", "node test.js", "jest '(?<x>s)'"]
)
def test_packages_do_not_run_what_the_root_may_take_up(context: Workspace, line: str) -> None:
    assert len(ids(unit.plan(context(workspace(line, a="vitest run"))))) == 1


@pytest.mark.parametrize(
    ("config", "own"),
    [
        ("{ test: { include: ['scripts/**/*.test.js'] } }", True),
        ("{ test: { include: ['**/*.test.{js,ts}'] } }", False),
        ("{ test: { projects: ['packages/*'] } }", False),
        ("{ test: { projects: ['packages/core', './scripts/vitest.config.ts'] } }", True),
        ("{ test: { projects: [{ test: { name: 'a', root: 'packages/a', include: ['src/*.test.ts'] } }] } }", False),
        ("{ test: { projects: [{ test: { name: 's', include: ['scripts/*.test.js'] } }, ...more] } }", False),
        ("{ test: { projects: more } }", False),
    ],
)
def test_a_plain_configuration_says_what_the_root_takes_up(context: Workspace, config: str, *, own: bool) -> None:
    files = {**workspace("vitest run", a="vitest run"), "vitest.config.ts": f"export default {config};"}
    assert ("unit/vitest@packages/a" in ids(unit.plan(context(files)))) is own


def test_where_the_roots_script_runs_tests_in_packages_it_says_in_which(context: Workspace) -> None:
    files = workspace("pnpm --filter a test && node --test scripts/", a="vitest run", b="vitest run")
    assert ids(unit.plan(context(files))) == ["unit/vitest@packages/a", "unit/node-test@."]


@pytest.fixture
def judged(context: Workspace, executed: Executed) -> Callable[..., Verdict]:
    """Judge the first check of a workspace whose Vitest took up these files, each with a test that passed."""

    def run(files: dict[str, Any], *taken: str) -> Verdict:
        check = unit.plan(context(files)).checks[0]
        test = {"ancestorTitles": [], "title": "x", "status": "passed", "failureMessages": []}
        results = [{"name": f"/workspace/{file}", "status": "passed", "assertionResults": [test]} for file in taken]
        return check.judge(executed(check, files={"vitest-0.json": json.dumps({"testResults": results}).encode()}))

    return run


def test_test_files_that_no_command_took_up_are_named(judged: Callable[..., Verdict]) -> None:
    files = workspace("vitest run", a="vitest run", b="")
    verdict = judged(files, "scripts/s.test.js", "packages/a/src/x.test.ts")
    assert verdict.status is Status.PASSED
    assert verdict.notices == ("not covered: no test command took up 1 test file: packages/b/src/x.test.ts",)
    everything = ("scripts/s.test.js", "packages/a/src/x.test.ts", "packages/b/src/x.test.ts")
    assert judged(files, *everything).notices == ()


def test_what_another_command_may_take_up_is_not_missed(judged: Callable[..., Verdict]) -> None:
    files = workspace("vitest run scripts && jest packages/b", a="", b="jest")
    verdict = judged(files, "scripts/s.test.js")
    assert verdict.notices == ("not covered: no test command took up 1 test file: packages/a/src/x.test.ts",)
    assert judged(workspace("vitest run scripts", a="vitest run"), "scripts/s.test.js").notices == ()


def test_what_node_is_not_given_is_named_whatever_fails(context: Workspace, executed: Executed) -> None:
    tap = b"TAP version 13\nnot ok 1 - x\n  ---\n  location: '/workspace/scripts/s.test.js:1:1'\n  ...\n1..1\n"
    files = {**workspace("node --test scripts/", a=""), "scripts/t.test.js": ""}
    check = unit.plan(context(files)).checks[0]
    verdict = check.judge(executed(check, codes=(1,), files={"node-test-0.tap": tap}))
    assert verdict.status is Status.FAILED
    assert verdict.notices == ("not covered: no test command took up 1 test file: packages/a/src/x.test.ts",)


def test_tests_of_other_stages_and_of_other_projects_are_not_missed(judged: Callable[..., Verdict]) -> None:
    files = workspace("vitest run", a="")
    integration = {"packages/a/src/db.integration.test.ts": "", "e2e/x.spec.ts": ""}
    everything = ("scripts/s.test.js", "packages/a/src/x.test.ts")
    assert judged({**files, **integration}, *everything).notices == ()
    assert judged(workspace("vitest run --project unit", a=""), "scripts/s.test.js").notices == ()


def test_where_tests_run_as_a_build_wrote_them_it_is_not_known_which_are_missing(
    judged: Callable[..., Verdict],
) -> None:
    assert judged(workspace("vitest run", a=""), "scripts/s.test.js", "packages/a/dist/x.test.js").notices == ()

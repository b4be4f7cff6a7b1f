from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from ci.stages import integration, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Plan
    from ci.stages.context import Context

    Workspace = Callable[..., Context]

FILES = ("src/a.test.js", "src/db.integration.test.js", "src/dates.js", "e2e/a.test.js", "test/helper.js")


def files_for(line: str, *files: str, tool: str = "jest", version: str = "30.5.2") -> Mapping[str, Any]:
    return {
        "package.json": {"name": "root", "scripts": {"test": line}, "devDependencies": {tool: version}},
        **dict.fromkeys(files or FILES, ""),
    }


def argv(plan: Plan) -> tuple[str, ...]:
    """The one command without our report options."""
    ours = ("--ci", "--json", "--testLocation", "--outputFile", "--test-reporter")
    return tuple(word for word in plan.checks[0].steps[0].argv if not word.startswith(ours))


def taken(words: tuple[str, ...]) -> list[str]:
    """What Jest would take, as it holds paths against the pattern."""
    _, _, pattern = next(word for word in words if word.startswith("--testPathPattern")).partition("=")
    return [file for file in FILES if re.search(pattern, file, re.IGNORECASE)]


@pytest.mark.parametrize(("version", "flag"), [("29.7.0", "--testPathPattern"), ("30.5.2", "--testPathPatterns")])
def test_jest_leaves_out_what_other_stages_run(context: Workspace, version: str, flag: str) -> None:
    found = argv(unit.plan(context(files_for("jest --runInBand", version=version))))
    assert found == ("jest", "--runInBand", rf"{flag}=^(?!.*(?:(?:^|/)e2e/a\.test\.js$|\.integration\.test\.js$))")
    assert taken(found) == ["src/a.test.js", "src/dates.js", "test/helper.js"]


@pytest.mark.parametrize("line", ["jest src", "jest ./src --seed 5", "jest --testPathPatterns src other --verbose"])
def test_what_a_script_of_jest_chooses_itself_stays_chosen(context: Workspace, line: str) -> None:
    assert taken(argv(unit.plan(context(files_for(line))))) == ["src/a.test.js", "src/dates.js"]


def test_a_script_of_jest_that_leaves_out_paths_leaves_out_more(context: Workspace) -> None:
    found = argv(unit.plan(context(files_for("jest --testPathIgnorePatterns /dist/ /node_modules/", *FILES[:2]))))
    assert found == (
        "jest", "--testPathIgnorePatterns", "/dist/", "/node_modules/",
        r"--testPathIgnorePatterns=\.integration\.test\.js$",
    )  # fmt: skip


def test_jest_that_is_told_its_files_one_by_one_runs_them(context: Workspace) -> None:
    line = "jest --runTestsByPath src/a.test.js"
    assert argv(unit.plan(context(files_for(line)))) == tuple(line.split())


def test_with_nothing_to_leave_out_a_command_is_as_it_was(context: Workspace) -> None:
    for line in ("jest", "node --test", "node --test src/"):
        assert argv(unit.plan(context(files_for(line, "src/a.test.js")))) == tuple(line.split())


def test_node_is_given_the_files_that_it_would_have_found_but_for_those_of_other_stages(context: Workspace) -> None:
    found = argv(unit.plan(context(files_for("node --test --import tsx"))))
    assert found == ("node", "--test", "--import", "tsx", "src/a.test.js", "test/helper.js")


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("src/**/*.test.js", ["src/a.test.js"]),
        ("./src/a.test.js src/db.integration.test.js dist/", ["src/a.test.js", "dist/"]),
    ],
)
def test_node_is_given_what_it_is_asked_for_but_for_that(context: Workspace, asked: str, left: list[str]) -> None:
    quoted = " ".join(f"'{word}'" for word in asked.split())
    assert argv(unit.plan(context(files_for(f"node --test {quoted}"))))[2:] == tuple(left)


@pytest.mark.parametrize(("node", "left"), [("20.19.5", "src/a.test.js"), ("24.19.0", "src/")])
def test_a_directory_is_searched_where_node_does_that(context: Workspace, node: str, left: str) -> None:
    files = {**files_for("node --test src/ e2e/a.test.js"), ".nvmrc": node}
    assert argv(unit.plan(context(files)))[2:] == (left,)


@pytest.mark.parametrize("node", ["22.20.0", "20.19.5"])
def test_typescript_is_found_where_node_runs_it(context: Workspace, node: str) -> None:
    files = {**files_for("node --test", "src/a.test.ts", "src/b.test.js", "src/db.integration.test.js"), ".nvmrc": node}
    found = argv(unit.plan(context(files)))[2:]
    assert found == (("src/a.test.ts", "src/b.test.js") if node == "22.20.0" else ("src/b.test.js",))


def test_a_command_of_node_for_other_stages_alone_is_not_run(context: Workspace) -> None:
    plan = unit.plan(context(files_for("node --test src/db.integration.test.js")))
    assert plan.checks == ()


def test_what_is_left_out_of_nodes_command_is_run_with_a_database(context: Workspace) -> None:
    plan = integration.plan(context(files_for("node --import tsx --test src/")))
    assert plan.checks[0].id == "integration/node-test@."
    assert argv(plan) == ("node", "--import", "tsx", "--test", "src/db.integration.test.js")

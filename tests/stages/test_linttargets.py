from __future__ import annotations

import shlex

import pytest

from ci.monorepo.scripts import Invocation
from ci.stages.linttargets import targets


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("eslint", {"packages/a"}),
        ("eslint --max-warnings 0 --ext .ts src ../b/src", {"packages/a/src", "packages/b/src"}),
        ("eslint . '!dist' --fix", {"packages/a"}),
        ("prettier --config ../../p.json --check '**/*.ts'", {"packages/a/**/*.ts"}),
        ("biome check src --reporter github", {"packages/a/src"}),
        ("biome ci", {"packages/a"}),
        ("oxlint -D correctness src", {"packages/a/src"}),
        ("next lint", {f"packages/a/{folder}" for folder in ("app", "pages", "components", "lib", "src")}),
        ("next lint --dir site --strict", {"packages/a/site"}),
    ],
)
def test_what_a_command_looks_at_is_told_from_the_values_of_its_options(line: str, expected: set[str]) -> None:
    argv = tuple(shlex.split(line))
    run = Invocation(tool=argv[0], argv=argv, package="packages/a", cwd="packages/a", script="", chain=(), line=line)
    assert set(targets(run)) == expected

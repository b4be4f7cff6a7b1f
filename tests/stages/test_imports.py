from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Failure, Status
from ci.stages import imports

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check, Execution, Verdict
    from ci.stages.context import Context

SETTINGS = """
[[stages.lint.forbidden_imports]]
from = ["apps/web/**", "!**/*.test.ts"]
to = ["packages/db/**", "**/node_modules/pg/**"]
why = "the browser gets no database"
"""
FILES = {
    "apps/web/package.json": {"name": "@x/web"},
    "apps/web/tsconfig.json": {},
    "apps/web/src/a.ts": "",
    "packages/db/package.json": {"name": "@x/db"},
    "packages/db/src/index.ts": "",
}


@pytest.fixture
def check(context: Callable[..., Context]) -> Check:
    """Plan the rule above."""
    planned = imports.check(context(FILES, settings=SETTINGS))
    assert planned is not None
    return planned


@pytest.fixture
def judged(check: Check, executed: Callable[..., Execution]) -> Callable[..., Verdict]:
    """Judge an answer of the graph tool."""

    def run(*found: list[Any], unresolved: tuple[list[Any], ...] = (), files: int = 2) -> Verdict:
        answer = {"files": files, "imports": found, "unresolved": unresolved, "there": []}
        return check.judge(executed(check, files={"imports.json": json.dumps(answer).encode()}))

    return run


def test_without_rules_there_is_no_check(context: Callable[..., Context]) -> None:
    assert imports.check(context(FILES)) is None


def test_only_packages_with_files_that_a_rule_means_are_read(check: Check) -> None:
    program, *_, asked = check.steps[0].argv
    assert program == "shipway-imports"
    assert json.loads(asked)["packages"] == [{"path": "apps/web", "config": "apps/web/tsconfig.json"}]
    assert json.loads(asked)["names"] == {"@x/web": "apps/web", "@x/db": "packages/db"}


def test_a_forbidden_import_has_file_line_and_the_reason(judged: Callable[..., Verdict]) -> None:
    verdict = judged(["apps/web/src/a.ts", 3, "@x/db", "packages/db/src/index.ts"])
    assert verdict.failures == (
        Failure(
            message="must not import @x/db (packages/db/src/index.ts): the browser gets no database",
            file="apps/web/src/a.ts",
            line=3,
            rule="forbidden-import",
        ),
    )
    assert verdict.status is Status.FAILED


def test_an_external_package_can_be_forbidden(judged: Callable[..., Verdict]) -> None:
    place = "node_modules/.pnpm/pg@8.0.0/node_modules/pg/lib/index.js"
    assert judged(["apps/web/src/a.ts", 1, "pg", place]).status is Status.FAILED


@pytest.mark.parametrize(
    "found",
    [
        ["apps/web/src/a.test.ts", 1, "@x/db", "packages/db/src/index.ts"],
        ["apps/api/src/a.ts", 1, "@x/db", "packages/db/src/index.ts"],
        ["apps/web/src/a.ts", 1, "./b", "apps/web/src/b.ts"],
        ["apps/web/src/a.ts", 1, "@x/db2", "packages/db2/src/index.ts"],
    ],
)
def test_all_other_imports_pass(judged: Callable[..., Verdict], found: list[Any]) -> None:
    assert judged(found).status is Status.PASSED


def test_an_import_that_leads_nowhere_is_named(judged: Callable[..., Verdict]) -> None:
    verdict = judged(unresolved=(["apps/web/src/a.ts", 7, "~gen"], ["apps/api/src/a.ts", 1, "x"]))
    assert verdict.notices == ("1 import could not be resolved: apps/web/src/a.ts:7 (~gen)",)


def test_rules_for_which_no_file_is_read_have_failed(judged: Callable[..., Verdict]) -> None:
    assert judged(files=0).status is Status.FAILED


def test_a_graph_that_could_not_be_made_is_an_error(check: Check, executed: Callable[..., Execution]) -> None:
    said = ("shipway-imports: /workspace/apps/web/tsconfig.json is malformed",)
    verdict = check.judge(executed(check, codes=(1,), outputs=said))
    assert (verdict.status, verdict.reason) == (
        Status.ERROR,
        "shipway-imports: apps/web/tsconfig.json is malformed",
    )
    assert check.judge(executed(check)).status is Status.ERROR


@pytest.fixture
def ruled(context: Callable[..., Context], executed: Callable[..., Execution]) -> Callable[..., Verdict]:
    """Judge a rule of its own, after a good one where `beside`: a imports b, and what was generated is `there`."""

    def run(from_: str, to: str, *, there: tuple[str, ...] = (), beside: bool = False) -> Verdict:
        rule = f'[[stages.lint.forbidden_imports]]\nfrom = {from_}\nto = {to}\nwhy = "of a slip"\n'
        planned = imports.check(context(FILES, settings=SETTINGS + rule if beside else rule))
        assert planned is not None
        looked = json.loads(planned.steps[0].argv[-1])["look"]
        kept = [file for file in there if file.startswith(tuple(looked))]
        found = ["apps/web/src/a.ts", 3, "@x/db", "packages/db/src/index.ts"]
        answer = {"files": 1, "imports": [found], "unresolved": [], "there": kept}
        return planned.judge(executed(planned, files={"imports.json": json.dumps(answer).encode()}))

    return run


@pytest.mark.parametrize(
    "to", ['"packages/db"', '"packages/db/"', '"packages/{db,api}"', '["!packages/db/x", "packages/db"]']
)
def test_a_directory_means_all_that_is_in_it(ruled: Callable[..., Verdict], to: str) -> None:
    verdict = ruled('"apps/web"', to)
    assert [(each.file, each.line) for each in verdict.failures] == [("apps/web/src/a.ts", 3)]
    assert ruled('"apps/web"', '["packages/db", "!packages/db/src"]').failures == ()


def test_a_wildcard_at_the_end_means_what_it_says(ruled: Callable[..., Verdict]) -> None:
    assert ruled('"apps/web/**"', '"packages/db/*"').status is Status.PASSED


@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(
    ("from_", "to", "side", "globs"),
    [
        ('"aps/**"', '"**"', "from", "aps/**"),
        ('"apps/**"', '["packages/dbb/**", "!**/*.md"]', "to", "packages/dbb/**, !**/*.md"),
        ('"apps/**"', '"packages/*"', "to", "packages/*"),
        ('"apps/**"', '"@x/db"', "to", "@x/db"),
    ],
)
def test_a_rule_that_means_no_file_has_failed_where_it_stands(
    ruled: Callable[..., Verdict], from_: str, to: str, side: str, globs: str, *, beside: bool
) -> None:
    failure = ruled(from_, to, beside=beside).failures[-1]
    said = f"`{side}` means no file, so that nothing is forbidden: {globs}"
    assert failure == Failure(
        message=f"{said} (a glob counts from the workspace's root)",
        file="shipway.toml",
        line=(5 if beside else 0) + {"from": 2, "to": 3}[side],
        rule="forbidden-import",
    )


def test_what_is_generated_or_installed_can_be_forbidden(ruled: Callable[..., Verdict]) -> None:
    generated = '"packages/db/generated/*.ts"'
    assert ruled('"apps/**"', generated, there=("packages/db/generated/client.ts",)).status is Status.PASSED
    assert ruled('"apps/**"', generated).status is Status.FAILED
    assert ruled('"apps/**"', '"**/node_modules/pg"').status is Status.PASSED

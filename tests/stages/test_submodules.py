"""What fails because a git submodule is not here is an error with that reason, and whatever else fails stays red."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from ci.model import Check, Execution, Failure, Status, Step, Toolchain, Verdict
from ci.stages import submodules

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.context import Context

HERE = "packages/a/src/index.ts"
LACKING = Failure(
    message="Cannot find module '../../../vendor/lib/src/x' or its corresponding type declarations.",
    file=HERE,
    rule="TS2307",
)
RED = Verdict(status=Status.FAILED, reason="red", failures=(LACKING,))


@pytest.fixture
def judged(context: Callable[..., Context]) -> Callable[..., Verdict]:
    """Judge failures of a check of packages/a, where the submodules vendor/lib and packages/sub are not here."""

    def judge(*failures: Failure, absent: tuple[str, ...] = ("vendor/lib", "packages/sub")) -> Verdict:
        manifest = {"name": "a", "dependencies": {"@org/sub": "link:../sub", "@org/other": "link:../other"}}
        made = dataclasses.replace(context({"packages/a/package.json": manifest}), absent=absent)
        check = Check(
            stage="typecheck",
            name="tsc",
            package="packages/a",
            toolchain=Toolchain(name="pnpm", tools={}),
            steps=(Step(argv=("tsc",)),),
            judge=lambda _: dataclasses.replace(RED, failures=failures),
        )
        return submodules.excuse(made, check).judge(Execution(steps=(), root="/workspace"))

    return judge


@pytest.mark.parametrize(
    "failure",
    [
        LACKING,
        Failure(message="TS2307: Cannot find module '@org/sub' or its corresponding type declarations.", file=HERE),
        Failure(message="Cannot find package '@org/sub/x' imported from /workspace/packages/a/src/index.ts"),
        Failure(message="Cannot find module '../../vendor/lib/x.js' imported from '/workspace/packages/a/x.js'"),
        Failure(message='Failed to resolve import "../../../vendor/lib/x" from "src/x.ts". Does the file exist?'),
        Failure(message="ENOENT: no such file or directory, open '/workspace/vendor/lib/data.json'"),
        Failure(message="suite failed", detail="Error: Cannot find module '/workspace/vendor/lib/x.js'", file=HERE),
    ],
)
def test_what_a_missing_submodule_holds_makes_an_error_that_names_it(
    judged: Callable[..., Verdict], failure: Failure
) -> None:
    verdict = judged(failure)
    assert verdict.status is Status.ERROR
    assert "in a git submodule, which is not part of this run: " in (verdict.reason or "")
    assert verdict.failures == (failure,)


def test_errors_beside_it_in_the_same_file_are_its_consequences(judged: Callable[..., Verdict]) -> None:
    beside = Failure(message="Parameter 'x' implicitly has an 'any' type.", file=HERE, rule="TS7006")
    assert judged(LACKING, beside).status is Status.ERROR


def test_a_failure_elsewhere_stays_one_and_the_submodule_is_named_beside_it(judged: Callable[..., Verdict]) -> None:
    verdict = judged(LACKING, Failure(message="Type 'string' is not assignable", file="packages/a/src/other.ts"))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "red")
    assert verdict.notices == ("vendor/lib is in a git submodule, which is not part of this run",)


@pytest.mark.parametrize(
    "failure",
    [
        Failure(message="Cannot find module '../lib/x' or its corresponding type declarations.", file=HERE),
        Failure(message="Cannot find module '@org/other'", file=HERE),
        Failure(message="Cannot find module '../../../vendor/library/x'", file=HERE),
        Failure(message="expected 'vendor/lib' to be 'vendor/bib'", file=HERE),
    ],
)
def test_what_is_missing_elsewhere_is_a_failure(judged: Callable[..., Verdict], failure: Failure) -> None:
    verdict = judged(failure)
    assert (verdict.status, verdict.reason, verdict.notices) == (Status.FAILED, "red", ())


def test_where_no_submodule_is_missing_nothing_is_excused(judged: Callable[..., Verdict]) -> None:
    assert judged(LACKING, absent=()).status is Status.FAILED


def test_a_second_look_is_excused_as_the_first(context: Callable[..., Context]) -> None:
    again = Check(stage="unit", name="u", toolchain=Toolchain(name="pnpm", tools={}), steps=(), judge=lambda _: RED)
    other = Failure(message="red elsewhere", file="packages/a/src/other.ts")
    first = dataclasses.replace(again, judge=lambda _: dataclasses.replace(RED, failures=(other,), second=again))
    check = submodules.excuse(dataclasses.replace(context({}), absent=("vendor/lib",)), first)
    verdict = check.judge(Execution(steps=(), root="/workspace"))
    assert verdict.second is not None
    assert verdict.second.judge(Execution(steps=(), root="/workspace")).status is Status.ERROR

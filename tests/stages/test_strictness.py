from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Failure, Status
from ci.stages import typecheck

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check, Execution, Verdict
    from ci.stages.context import Context

FAMILY = 9


def found(package: str, *off: str, family: int = FAMILY, line: int | None = 4) -> dict[str, Any]:
    """Say what the program answers for a package's tsconfig."""
    config = f"{package}/tsconfig.json"
    place = {"file": config, **({"line": line} if line else {})} if off else {}
    return {"config": config, "typescript": "5.9.3", "family": family, "off": list(off), **place}


@pytest.fixture
def judged(context: Callable[..., Context], executed: Callable[..., Execution]) -> Callable[..., Verdict]:
    """Judge an answer of the program under the given settings."""

    def run(*answer: dict[str, Any], settings: str = "", code: int = 0) -> Verdict:
        files: dict[str, Any] = {"tsconfig.base.json": {}}
        for name in ("a", "b"):
            files[f"packages/{name}/package.json"] = {"name": name, "scripts": {"typecheck": "tsc"}}
            files[f"packages/{name}/tsconfig.json"] = {}
        plan = typecheck.plan(context(files, settings=f"[stages.typecheck]\n{settings}"))
        check: Check = next(each for each in plan.checks if each.name == "strict")
        return check.judge(executed(check, codes=(code,), files={"strict.json": json.dumps(answer).encode()}))

    return run


def test_a_loose_package_is_a_warning_that_names_it(judged: Callable[..., Verdict]) -> None:
    verdict = judged(found("packages/a"), found("packages/b", *(["x"] * FAMILY)))
    assert (verdict.status, verdict.counts.warnings) == (Status.PASSED, 1)
    assert verdict.notices == (
        "packages/b is not strict: `strict` is off (packages/b/tsconfig.json:4, TypeScript 5.9.3)",
    )


def test_where_strict_is_required_it_is_a_failure_with_file_and_line(judged: Callable[..., Verdict]) -> None:
    verdict = judged(found("packages/a"), found("packages/b", "noImplicitAny"), settings='strict = "require"')
    assert (verdict.status, verdict.reason) == (Status.FAILED, "1 package not strict: packages/b")
    assert verdict.failures == (
        Failure(
            message="packages/b is not strict: noImplicitAny is off (packages/b/tsconfig.json:4, TypeScript 5.9.3)",
            file="packages/b/tsconfig.json",
            line=4,
            rule="strict",
        ),
    )


def test_an_excepted_package_passes_and_one_that_became_strict_is_named(judged: Callable[..., Verdict]) -> None:
    settings = 'strict = "require"\nstrict_exceptions = ["packages/b", "packages/a"]'
    verdict = judged(found("packages/a"), found("packages/b", "noImplicitAny"), settings=settings)
    assert verdict.status is Status.PASSED
    assert verdict.notices == (
        "not strict yet, as shipway.toml allows: packages/b",
        "strict by now, so shipway.toml need not except them: packages/a",
    )


def test_one_loose_configuration_makes_its_package_loose(judged: Callable[..., Verdict]) -> None:
    second = {**found("packages/a", "noImplicitAny"), "config": "packages/a/tsconfig.node.json"}
    verdict = judged(found("packages/a"), second, settings='strict = "require"')
    assert [failure.message.split(":")[0] for failure in verdict.failures] == ["packages/a is not strict"]


def test_what_could_not_be_verified_is_named_and_an_error_where_strict_is_required(
    judged: Callable[..., Verdict],
) -> None:
    unread = {"config": "packages/a/tsconfig.json", "error": "no TypeScript is installed for it"}
    said = "strictness not verified: packages/a/tsconfig.json: no TypeScript is installed for it"
    verdict = judged(unread)
    assert (verdict.status, verdict.notices) == (Status.PASSED, (said,))
    required = judged(unread, settings='strict = "require"')
    assert (required.status, required.reason) == (Status.ERROR, said)


def test_no_answer_is_an_error(judged: Callable[..., Verdict]) -> None:
    assert judged(code=1).status is Status.ERROR

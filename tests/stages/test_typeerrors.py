from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ci.model import Failure, Status
from ci.stages import typecheck

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.model import Check, Execution, Verdict
    from ci.stages.context import Context

STRICT: dict[str, Any] = {"compilerOptions": {"strict": True, "outDir": "dist"}}


def member(name: str, line: str, *needs: str) -> dict[str, Any]:
    return {
        "name": name,
        "scripts": {"typecheck": line},
        "devDependencies": {"typescript": "6.0.3"},
        "dependencies": dict.fromkeys(needs, "workspace:*"),
    }


@pytest.fixture
def check(context: Callable[..., Context]) -> Callable[..., Check]:
    """Plan the check of `package` in a workspace where b depends on a; `config` is b's tsconfig."""

    def plan(package: str, line: str = "tsc --noEmit", *, config: dict[str, Any] | None = None) -> Check:
        files = {
            "a/package.json": member("a", "tsc --noEmit"),
            "b/package.json": member("b", line, "a"),
            "c/package.json": {"name": "c"},
            "a/tsconfig.json": STRICT,
            "b/tsconfig.json": STRICT if config is None else config,
        }
        planned = typecheck.plan(context({f"packages/{path}": content for path, content in files.items()}))
        return next(each for each in planned.checks if each.package == f"packages/{package}")

    return plan


@pytest.fixture
def judged(executed: Callable[..., Execution]) -> Callable[..., Verdict]:
    """Judge a check whose first compiler printed `text`."""

    def run(planned: Check, code: int, text: str | bytes = "", **more: Any) -> Verdict:
        content = text.encode() if isinstance(text, str) else text
        return planned.judge(executed(planned, codes=(code,), files={"types-0.txt": content}, **more))

    return run


def test_each_error_has_file_line_code_and_the_compilers_own_explanation(
    check: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    text = "src/x.ts(3,14): error TS2322: Type 'A' is not assignable to type 'B'.\n  Types of 'k' differ.\n    No.\n"
    verdict = judged(check("a"), 2, text + "/workspace/packages/a/src/x.ts\n/workspace/node_modules/x/y.d.ts\n")
    assert verdict.failures == (
        Failure(
            message="Type 'A' is not assignable to type 'B'.",
            file="packages/a/src/x.ts",
            line=3,
            column=14,
            rule="TS2322",
            detail="  Types of 'k' differ.\n    No.",
        ),
    )
    assert (verdict.status, verdict.reason) == (Status.FAILED, "1 type error in 1 file")
    assert verdict.counts.files == 1


@pytest.mark.parametrize("version", [6, 7])
def test_what_a_project_with_references_prints_is_read(
    context: Callable[..., Context],
    judged: Callable[..., Verdict],
    recorded: Callable[[str], bytes],
    version: int,
) -> None:
    files = {"package.json": member("root", "tsc -b"), "a/src/i.ts": "", "tsconfig.json": {"files": []}}
    planned = typecheck.plan(context(files)).checks[0]
    verdict = judged(planned, 2, recorded(f"tsc-{version}-build.txt"))
    assert [(failure.file, failure.line, failure.rule) for failure in verdict.failures] == [
        ("a/src/i.ts", 1, "TS2322"),
        ("a/src/i.ts", 2, "TS2322"),
        ("a/src/i.ts", 3, "TS2322"),
        ("b/src/i.ts", 1, "TS2322"),
    ]
    assert verdict.counts.files == 2


def test_an_error_that_several_configurations_come_across_is_said_once(
    check: Callable[..., Check], executed: Callable[..., Execution]
) -> None:
    planned = check("b", "tsc --noEmit && tsc -p tsconfig.test.json")
    text = b"src/x.ts(3,14): error TS2322: no\n"
    verdict = planned.judge(executed(planned, codes=(2, 2), files={"types-0.txt": text, "types-1.txt": text}))
    assert len(verdict.failures) == 1


def test_an_error_in_a_package_with_a_check_of_its_own_is_reported_there_once_that_says_so(
    check: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    text = "../a/src/x.ts(1,1): error TS2304: no\n../a/src/x.ts(2,1): error TS2304: no\n/workspace/packages/b/y.ts\n"
    first = judged(check("b"), 2, text)
    assert (first.status, first.failures) == (Status.PASSED, ())
    assert first.second is not None
    assert [(step.cwd, step.argv[:2]) for step in first.second.steps] == [("packages/a", ("tsc", "--noEmit"))]
    verdict = judged(first.second, 2, text.replace("../a/", ""))
    assert (verdict.status, verdict.failures, verdict.second) == (Status.PASSED, (), None)
    assert verdict.notices == ("2 errors in packages/a, reported there",)


def test_an_error_in_a_file_that_the_packages_own_command_does_not_look_at_stays(
    check: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    first = judged(check("b"), 2, "../a/testing/h.ts(1,7): error TS2322: no\n/workspace/packages/b/y.ts\n")
    assert first.second is not None
    verdict = judged(first.second, 0, "/workspace/packages/a/src/x.ts\n")
    assert verdict.status is Status.FAILED
    assert [(failure.file, failure.rule) for failure in verdict.failures] == [("packages/a/testing/h.ts", "TS2322")]
    assert verdict.notices == ("packages/a: its own command does not look at packages/a/testing/h.ts",)


def test_an_error_in_a_package_without_a_check_stays(
    check: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    verdict = judged(check("b"), 2, "../c/x.ts(1,1): error TS2304: no\n")
    assert [failure.file for failure in verdict.failures] == ["packages/c/x.ts"]


@pytest.fixture
def doubtful(check: Callable[..., Check], judged: Callable[..., Verdict]) -> Verdict:
    """Judge an error in a that b came across with options of its own, which ask for more."""
    planned = check("b", config={"compilerOptions": {"strict": True, "noUnusedLocals": True}})
    return judged(
        planned, 2, "../a/x.ts(1,7): error TS6133: unused\n../a/x.ts(2,7): error TS2304: no\n/workspace/b.ts\n"
    )


def test_what_the_package_itself_says_too_is_left_to_it(doubtful: Verdict, judged: Callable[..., Verdict]) -> None:
    assert doubtful.second is not None
    verdict = judged(doubtful.second, 2, "x.ts(1,7): error TS6133: unused\nx.ts(2,7): error TS2304: no\n")
    assert verdict.status is Status.PASSED
    assert verdict.notices == ("2 errors in packages/a, reported there",)


def test_what_only_the_dependents_options_forbid_fails_the_dependent(
    doubtful: Verdict, judged: Callable[..., Verdict]
) -> None:
    assert doubtful.second is not None
    verdict = judged(doubtful.second, 2, "x.ts(2,7): error TS2304: no\n/workspace/packages/a/x.ts\n")
    assert (verdict.status, verdict.counts.failed) == (Status.FAILED, 1)
    assert [(failure.file, failure.rule) for failure in verdict.failures] == [("packages/a/x.ts", "TS6133")]
    assert verdict.notices == (
        "1 error in packages/a, reported there",
        "packages/a: its own command lets pass what that of packages/b does not",
    )


def test_a_compiler_that_looked_at_no_file_has_failed(
    check: Callable[..., Check], judged: Callable[..., Verdict], recorded: Callable[[str], bytes]
) -> None:
    verdict = judged(check("a"), 0)
    assert verdict.status is Status.FAILED
    assert (verdict.reason or "").startswith("0 files were checked")
    nothing = judged(check("a"), 2, recorded("tsc-6-nothing.txt"))
    assert (nothing.status, nothing.failures[0].rule) == (Status.FAILED, "TS18003")


def test_an_end_without_a_type_error_is_a_failure_with_what_it_said(
    check: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    verdict = judged(check("a"), 134, outputs=("FATAL ERROR: heap out of memory\n",))
    assert (verdict.status, verdict.reason) == (
        Status.FAILED,
        "tsc --noEmit: exit code 134: FATAL ERROR: heap out of memory",
    )


def test_a_compiler_that_lacks_a_module_of_its_own_is_an_error(
    check: Callable[..., Check], judged: Callable[..., Verdict]
) -> None:
    verdict = judged(check("a"), 1, outputs=("Error: Cannot find module 'typescript'\n",))
    assert verdict.status is Status.ERROR


def test_a_step_before_the_compiler_that_fails_is_the_reason(
    check: Callable[..., Check], executed: Callable[..., Execution]
) -> None:
    planned = check("b", "node gen.mjs && tsc --noEmit")
    verdict = planned.judge(executed(planned, codes=(1,), outputs=("Error: no schema\n",)))
    assert (verdict.status, verdict.reason) == (Status.FAILED, "node gen.mjs: exit code 1: Error: no schema")


@pytest.mark.parametrize(("tool", "files"), [("svelte-check-4", 82), ("astro-check-7", 3)])
def test_the_checkers_of_frameworks_are_read_too(
    check: Callable[..., Check], judged: Callable[..., Verdict], recorded: Callable[[str], bytes], tool: str, files: int
) -> None:
    line = tool.rpartition("-")[0]
    verdict = judged(check("b", line.replace("astro-", "astro ")), 1, recorded(f"{tool}.txt"))
    assert ("packages/b/src/b.ts", 1) in {(failure.file, failure.line) for failure in verdict.failures}
    assert (len(verdict.failures), verdict.counts.files) == (3, files)


def test_the_root_names_packages_that_it_did_not_look_at(
    context: Callable[..., Context], judged: Callable[..., Verdict]
) -> None:
    files: dict[str, Any] = {"package.json": member("root", "tsc --noEmit"), "tsconfig.json": {"include": ["**/*"]}}
    for name in ("a", "b"):
        files |= {
            f"packages/{name}/package.json": {"name": name},
            f"packages/{name}/tsconfig.json": STRICT,
            f"packages/{name}/x.ts": "",
        }
    planned = typecheck.plan(context(files)).checks[0]
    verdict = judged(planned, 0, "/workspace/packages/a/x.ts\n")
    assert (verdict.status, verdict.notices) == (
        Status.PASSED,
        ("not covered: nothing checks the types of packages/b",),
    )

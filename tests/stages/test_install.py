"""What pnpm says of an install that failed becomes one line: what, where, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ci.model import Execution, Status, StepRun
from ci.stages import install

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.stages.context import Context

OUTDATED = """Scope: all 8 workspace projects
 ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not up to date with <ROOT>/apps/web/package.json

Note that in CI environments this setting is true by default.

  Failure reason:
  specifiers in the lockfile don't match specifiers in package.json:
"""  # noqa: E501 - as pnpm writes it


@pytest.mark.parametrize("script", ["postinstall", "prepare"])
def test_all_is_kept_that_an_install_with_code_of_the_repositorys_own_writes(
    context: Callable[..., Context], script: str
) -> None:
    made = install.install(context({"packages/a/package.json": {"name": "a", "scripts": {script: "nuxt prepare"}}}))
    assert (made.inputs, made.outputs) == (("**",), ("**",))
    plain = install.install(context({"packages/a/package.json": {"name": "a", "scripts": {"test": "vitest"}}}))
    assert (plain.inputs, plain.outputs) == (install.MANIFESTS, ("**/node_modules",))


def judged(output: str, code: int = 1) -> tuple[Status, str | None, str | None]:
    step = StepRun(argv=("pnpm", "install"), cwd=".", seconds=1.0, exit_code=code, output=output)
    verdict = install.judge(Execution(steps=(step,), root="/workspace"))
    return verdict.status, verdict.reason, verdict.failures[0].file if verdict.failures else None


@pytest.mark.parametrize(
    ("told", "differences"),
    [
        ("* 1 dependencies are mismatched:\n  - react (lockfile: ^19.3.1, manifest: ^18.3.0)\n",
         ": react (lockfile: ^19.3.1, manifest: ^18.3.0)"),
        ("* 2 dependencies were added: a@^1.0.0, b@^2.0.0\n* 1 dependencies were removed: c@1.0.0\n",
         ": added: a@^1.0.0, b@^2.0.0, removed: c@1.0.0"),
        ("", ""),
    ],
)  # fmt: skip
def test_an_outdated_lockfile_names_the_manifest_and_the_difference(told: str, differences: str) -> None:
    reason = (
        f"ERR_PNPM_OUTDATED_LOCKFILE: pnpm-lock.yaml is not up to date with apps/web/package.json{differences} "
        "(run `pnpm install` and commit the lockfile)"
    )
    assert judged(OUTDATED + told) == (Status.FAILED, reason, "pnpm-lock.yaml")


def test_a_registry_that_cannot_be_reached_is_an_error_and_no_failure() -> None:
    status, reason, _ = judged("ERR_PNPM_META_FETCH_FAIL  GET http://127.0.0.1:1/react: ECONNREFUSED\n")
    assert status is Status.ERROR
    assert reason is not None
    assert reason.endswith("(the package registry could not be reached or asked)")

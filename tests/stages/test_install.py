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


PRIVATE = "(a private package: the registry wants a token that may read it, in your ~/.npmrc or NPM_CONFIG_USERCONFIG)"
FRAMED = """Error: ERR_PNPM_META_FETCH_FAIL

  × installing dependencies
  ╰─▶ ERR_PNPM_RESOLVING_NPM_RESOLVER_NETWORK_ERROR: Failed to fetch metadata
      from http://127.0.0.1:9/{name}: HTTP status client error ({status}
      {word})

"""  # noqa: RUF001 - as pnpm 12 draws it


@pytest.mark.parametrize(
    "output",
    [
        " ERR_PNPM_FETCH_401  GET http://127.0.0.1:9/@org/priv/-/priv-1.0.0.tgz: Unauthorized - 401\n",
        "[ERR_PNPM_FETCH_403] GET http://127.0.0.1:9/@org%2Fpriv: Forbidden - 403\n",
        " ERR_PNPM_FETCH_401  GET http://127.0.0.1:9/priv/-/priv-1.0.0.tgz: Unauthorized - 401\n",
        "[ERR_PNPM_FETCH_404] GET http://127.0.0.1:9/@org%2Fpriv: Not Found - 404\n",
        FRAMED.format(name="@org%2Fpriv", status=401, word="Unauthorized"),
        FRAMED.format(name="@org%2Fpriv", status=404, word="Not Found"),
    ],
)
def test_a_private_package_that_the_registry_does_not_give_is_an_error_and_no_failure(output: str) -> None:
    status, reason, _ = judged(output)
    assert status is Status.ERROR
    assert reason is not None
    assert reason.endswith(PRIVATE)


@pytest.mark.parametrize(
    "output",
    [
        " ERR_PNPM_FETCH_404  GET http://127.0.0.1:9/gone/-/gone-1.0.0.tgz: Not Found - 404\n",
        FRAMED.format(name="gone", status=404, word="Not Found"),
    ],
)
def test_a_package_that_is_gone_from_the_registry_is_a_failure(output: str) -> None:
    assert judged(output)[0] is Status.FAILED


def test_what_pnpm_12_frames_is_said_by_its_innermost_cause() -> None:
    _, reason, _ = judged(FRAMED.format(name="gone", status=404, word="Not Found"))
    assert reason == (
        "ERR_PNPM_META_FETCH_FAIL: Failed to fetch metadata from http://127.0.0.1:9/gone: "
        "HTTP status client error (404 Not Found)"
    )


SCRIPT = (
    "Error: ERR_PNPM_EXECUTOR_LIFECYCLE_SCRIPT_FAILED\n\n  \u00d7 installing dependencies\n"
    "  \u2570\u2500\u25b6 /workspace postinstall: `connect\n      ECONNREFUSED 127.0.0.1:5432` ended with 1"
)
RETRY = " WARN  GET http://127.0.0.1:9/react error (ECONNRESET). Will retry in 10 seconds. 2 retries left.\n"
DATABASE = "Error: connect ECONNREFUSED 127.0.0.1:5432\n"


@pytest.mark.parametrize(
    ("output", "start"),
    [
        (RETRY + OUTDATED, "ERR_PNPM_OUTDATED_LOCKFILE: pnpm-lock.yaml is not up to date"),
        (f"> root@ postinstall /workspace\n{DATABASE} ELIFECYCLE  Command failed with exit code 1.\n", "pnpm install"),
        (f"$ node postinstall.mjs\n{DATABASE}[ELIFECYCLE] Command failed with exit code 1.\n", "pnpm install"),
        (SCRIPT, "ERR_PNPM_EXECUTOR_LIFECYCLE_SCRIPT_FAILED: . postinstall: "),
    ],
)
def test_what_failed_is_not_laid_at_the_registrys_door_for_a_line_above_it(output: str, start: str) -> None:
    status, reason, _ = judged(output)
    assert status is Status.FAILED
    assert (reason or "").startswith(start)


@pytest.mark.parametrize(
    "output",
    [
        " ECONNREFUSED  request to http://127.0.0.1:1/a.tgz failed, reason: connect ECONNREFUSED 127.0.0.1:1\n",
        "FetchError: request to http://127.0.0.1:1/a.tgz failed, reason: connect ECONNREFUSED 127.0.0.1:1\n    at x\n",
        "[ERR_PNPM_META_FETCH_FAIL] GET http://127.0.0.1:1/@org%2Fpriv: fetch failed\n",
        "[ERR_PNPM_FETCH_429] GET http://127.0.0.1:1/a: Too Many Requests - 429\n",
    ],
)
def test_each_version_of_pnpm_is_understood_when_it_reaches_no_registry(output: str) -> None:
    status, reason, _ = judged(RETRY + output)
    assert status is Status.ERROR
    assert (reason or "").endswith("(the package registry could not be reached or asked)")


@pytest.mark.parametrize("version", ["link:../core", "1.0.0", "1.2.3(file@1.0.0)"])
def test_without_code_or_copies_of_the_repository_an_install_sees_manifests_only(
    context: Callable[..., Context], version: str
) -> None:
    made = context({"packages/a/package.json": {"name": "a", "dependencies": {"find-file": version}}})
    assert install.install(made).inputs == install.MANIFESTS


@pytest.mark.parametrize(
    "version", ["file:packages/core", "file:../vendor/core.tgz", "core@file:packages/core(react@19.0.0)"]
)
def test_where_pnpm_copies_sources_into_node_modules_any_file_may_matter(
    context: Callable[..., Context], version: str
) -> None:
    made = context({"packages/a/package.json": {"name": "a", "dependencies": {"core": version}}})
    assert install.install(made).inputs == ("**",)

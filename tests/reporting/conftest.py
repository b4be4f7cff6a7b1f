# ruff: noqa: E501, RUF001 - output of tools, as they print it
"""Sample reports, as a run would make them: green, red, error, all cached."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ci.model import (
    STAGES,
    CheckRun,
    Counts,
    Failure,
    HistoryEntry,
    Measure,
    RunReport,
    RunVerdict,
    StageRun,
    Status,
    StepRun,
)
from tests.reporting.promotions import make_promotion, make_refused

if TYPE_CHECKING:
    from collections.abc import Callable


def screenshot(width: int = 640, height: int = 360) -> bytes:
    """Return a real PNG: a page with a bar, a card and a red button."""

    def pixel(x: int, y: int) -> bytes:
        if y < 40:
            return b"\x24\x2b\x3a"
        if 180 < x < 460 and 90 < y < 300:
            return b"\xc8\x38\x30" if 210 < x < 330 and 240 < y < 272 else b"\xff\xff\xff"
        return b"\xee\xf0\xf2"

    rows = b"".join(b"\0" + b"".join(pixel(x, y) for x in range(width)) for y in range(height))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def check(
    stage: str, name: str, package: str = ".", *, began: float = 0.0, seconds: float = 1.0, **more: object
) -> CheckRun:
    """Return a green check with the usual trimmings."""
    made = CheckRun(
        stage=stage,
        name=name,
        package=package,
        status=Status.PASSED,
        began=began,
        seconds=seconds,
        repeat=f"pnpm --filter ./{package} exec {name}" if package != "." else f"pnpm exec {name}",
        why=f"{name} is configured in {package if package != '.' else 'the root'}",
        tools={"node": "24.19.0", "pnpm": "10.34.9"},
    )
    return replace(made, **more)  # type: ignore[arg-type]


def stage(name: str, *checks: CheckRun, status: Status = Status.PASSED, **more: object) -> StageRun:
    """Return a stage over these checks."""
    began = min((entry.began for entry in checks), default=0.0)
    seconds = max((entry.began + entry.seconds for entry in checks), default=0.0) - began
    target = next(known.target for known in STAGES if known.name == name)
    made = StageRun(
        name=name, status=status, target=target, seconds=seconds, full_seconds=seconds, began=began, checks=checks
    )
    return replace(made, **more)  # type: ignore[arg-type]


def history(count: int = 49) -> tuple[HistoryEntry, ...]:
    """Return the runs before this one, some of them red."""
    verdicts = {7: "failed", 8: "failed", 23: "error", 31: "failed", 44: "held"}
    return tuple(
        HistoryEntry(
            id=f"r-{number:04d}",
            started=f"2026-11-{1 + number // 3:02d}T{8 + number % 3 * 4:02d}:12:00+00:00",
            verdict=verdicts.get(number, "passed"),
            seconds=38 + (number * 37) % 29 + (25 if number in (7, 8) else 0),
            commit=f"{number:02x}9d3fa4c1e7b2{number:02x}" * 2,
            stages={"lint": "failed"} if verdicts.get(number) == "failed" else {},
            flaky=("e2e/playwright@apps/web",) if number % 11 == 0 else (),
        )
        for number in range(count)
    )


def sizes() -> tuple[Measure, ...]:
    """Return bundle sizes within their budget, and one without a budget."""
    first = Measure(
        name="index.js, gzip",
        value=84_210,
        unit="bytes",
        group="apps/web",
        kind="bundle",
        limit=100_000,
        baseline=82_950,
        ok=True,
    )
    vendor = replace(first, name="vendor.js, gzip", value=143_800, limit=150_000, baseline=143_800)
    return first, vendor, replace(first, name="index.css, gzip", value=9_120, limit=None, baseline=8_800)


def scores() -> tuple[Measure, ...]:
    """Return the four scores of a page, the last one with nothing to hold it against."""
    first = Measure(
        name="performance",
        value=0.97,
        unit="score",
        group="apps/web /",
        kind="lighthouse",
        limit=0.9,
        baseline=0.98,
        better="higher",
        ok=True,
    )
    return (
        first,
        replace(first, name="accessibility", value=1.0, limit=0.95, baseline=1.0),
        replace(first, name="best practices", value=0.96, limit=None, baseline=0.96),
        replace(first, name="SEO", value=0.92, limit=None, baseline=None, ok=None),
    )


def green_stages() -> dict[str, StageRun]:
    """Return seven green stages of a run in two slots."""
    tests = Counts(tests=41, failed=0, skipped=1, flaky=0)
    return {
        "install": stage(
            "install",
            check("install", "pnpm install", seconds=4.2),
            check(
                "install", "audit", began=4.2, seconds=1.1, notices=("the advisory service answered 405: not checked",)
            ),
        ),
        "lint": stage(
            "lint",
            check("lint", "eslint", began=4.3, seconds=7.4, counts=Counts(files=138, warnings=2)),
            check("lint", "biome", began=5.4, seconds=0.5, counts=Counts(files=152)),
            check("lint", "imports", began=5.9, seconds=1.8, counts=Counts(files=138)),
        ),
        "typecheck": stage(
            "typecheck",
            check("typecheck", "tsc", "packages/core", began=7.7, seconds=2.1, counts=Counts(files=44)),
            check("typecheck", "tsc", "apps/api", began=9.8, seconds=2.4, counts=Counts(files=39)),
            check("typecheck", "tsc", "apps/web", began=11.7, seconds=3.0, counts=Counts(files=55)),
        ),
        "unit": stage(
            "unit",
            check("unit", "vitest", "packages/core", began=12.2, seconds=3.1, counts=tests),
            check("unit", "vitest", "apps/api", began=14.7, seconds=4.4, counts=Counts(tests=88, failed=0, skipped=0)),
        ),
        "integration": stage(
            "integration",
            check("integration", "vitest", "apps/api", began=15.3, seconds=6.2, counts=Counts(tests=24, failed=0)),
            check("integration", "rls", "packages/db", began=19.1, seconds=2.0, counts=Counts(tests=18)),
        ),
        "e2e": stage(
            "e2e",
            check("e2e", "build", "apps/web", began=21.1, seconds=3.9),
            check("e2e", "playwright", "apps/web", began=25.0, seconds=9.7, counts=Counts(tests=12, failed=0)),
        ),
        "audit": stage(
            "audit",
            check("audit", "bundle", "apps/web", began=25.0, seconds=0.8, measures=sizes()),
            check("audit", "lighthouse", "apps/web", began=34.7, seconds=7.4, measures=scores()),
        ),
    }


def report(stages: dict[str, StageRun], verdict: RunVerdict = RunVerdict.PASSED, **more: object) -> RunReport:
    """Return the report over these stages."""
    made = RunReport(
        id="20261125-140322-7f3a",
        kind="run",
        tool="shipway 0.1.0",
        repository="receipts",
        started="2026-11-25T14:03:22+00:00",
        verdict=verdict,
        seconds=42.1,
        executor="host",
        executor_reason="no Dagger engine answered",
        isolation=("user, pid, mount and network namespaces", "overlay file system"),
        slots=2,
        stages=tuple(stages.values()),
        commit="3f2a1c9d7e4b8a6f5c0d1e2f3a4b5c6d7e8f9a0b",
        branch="main",
        notices=("Node 24.19.0, because .nvmrc says 24",),
        history=history(),
    )
    return replace(made, **more)  # type: ignore[arg-type]


ESLINT = """\
/repo/packages/core/src/receipts/total.ts
   12:5   error  'discount' is assigned a value but never used  @typescript-eslint/no-unused-vars
   40:18  error  Unexpected any. Specify a different type       @typescript-eslint/no-explicit-any

✖ 2 problems (2 errors, 0 warnings)
"""
VITEST = """\
 ❯ src/money.test.ts (14 tests | 1 failed) 42ms
   × splits a total without losing a cent 9ms
     → expected [ 33.33, 33.33, 33.33 ] to deeply equal [ 33.34, 33.33, 33.33 ]

 FAIL  src/money.test.ts > splits a total without losing a cent
AssertionError: expected [ 33.33, 33.33, 33.33 ] to deeply equal [ 33.34, 33.33, 33.33 ]
 ❯ src/money.test.ts:31:24
     29|   it("splits a total without losing a cent", () => {
     30|     const parts = split(100, 3);
     31|     expect(parts).toEqual([33.34, 33.33, 33.33]);
       |                        ^
 Test Files  1 failed | 6 passed (7)
      Tests  1 failed | 40 passed (41)
"""
STACK = """\
AssertionError: expected [ 33.33, 33.33, 33.33 ] to deeply equal [ 33.34, 33.33, 33.33 ]
- Expected
+ Received
  [
-   33.34,
+   33.33,
    33.33,
    33.33,
  ]
    at packages/core/src/money.test.ts:31:24
    at packages/core/src/money.ts:12:9"""


def failed_step(*argv: str, output: str) -> tuple[StepRun, ...]:
    """Return a step that ended with exit code 1."""
    return (StepRun(argv=argv, cwd=".", seconds=3.1, exit_code=1, output=output),)


def make_green() -> RunReport:
    """All seven stages passed."""
    return report(green_stages(), command="shipway promote staging")


SCREENSHOT = "e2e/playwright@apps/web/test-results/upload a receipt/test-failed-1.png"
TRACE = "e2e/playwright@apps/web/test-results/upload a receipt/trace.zip"


def make_red() -> RunReport:
    """A lint failure with its line, a failing test, a type error, a red e2e with its screenshot, a flaky test."""
    stages = green_stages()
    core = "packages/core"
    rules = "@typescript-eslint/no-unused-vars", "@typescript-eslint/no-explicit-any"
    file = f"{core}/src/receipts/total.ts"
    eslint = replace(
        stages["lint"].checks[0],
        status=Status.FAILED,
        failures=(
            Failure(
                message="'discount' is assigned a value but never used", file=file, line=12, column=5, rule=rules[0]
            ),
            Failure(message="Unexpected any. Specify a different type", file=file, line=40, column=18, rule=rules[1]),
        ),
        steps=failed_step("eslint", ".", "--format", "json", output=ESLINT),
        repeat="pnpm exec eslint packages/core/src/receipts/total.ts",
    )
    stages["lint"] = replace(stages["lint"], status=Status.FAILED, checks=(eslint, *stages["lint"].checks[1:]))
    error = Failure(
        message="Type 'string' is not assignable to type 'number'.",
        file="apps/api/src/routes/upload.ts",
        line=88,
        column=11,
        rule="TS2322",
    )
    red_types = tuple(
        replace(entry, status=Status.FAILED, failures=(error,), seconds=45.3)
        if entry.package.startswith("apps/")
        else entry
        for entry in stages["typecheck"].checks
    )
    stages["typecheck"] = replace(stages["typecheck"], status=Status.FAILED, checks=red_types, seconds=47.4)
    unit = replace(
        stages["unit"].checks[0],
        status=Status.FAILED,
        counts=Counts(tests=41, failed=1, skipped=0, flaky=0),
        failures=(
            Failure(
                message="expected [ 33.33, 33.33, 33.33 ] to deeply equal [ 33.34, 33.33, 33.33 ]",
                file="packages/core/src/money.test.ts",
                line=31,
                column=24,
                test="splits a total without losing a cent",
                detail=STACK,
            ),
        ),
        steps=failed_step("vitest", "run", "--project", "core", output=VITEST),
        repeat="pnpm --filter @receipts/core exec vitest run src/money.test.ts",
    )
    stages["unit"] = replace(stages["unit"], status=Status.FAILED, checks=(unit, *stages["unit"].checks[1:]))
    e2e = replace(
        stages["e2e"].checks[1],
        status=Status.FAILED,
        counts=Counts(tests=12, failed=1, skipped=0, flaky=1),
        failures=(
            Failure(
                message="Timed out 5000ms waiting for expect(locator).toBeVisible()",
                file="apps/web/e2e/upload.spec.ts",
                line=27,
                column=40,
                test="upload a receipt @tier1 › shows merchant, date and total",
                detail="Locator: getByRole('status', { name: 'Extracted' })\nExpected: visible\nReceived: <element(s) not found>",
                artifact=SCREENSHOT,
            ),
        ),
        artifacts=(SCREENSHOT, TRACE),
    )
    stages["e2e"] = replace(stages["e2e"], status=Status.FAILED, checks=(stages["e2e"].checks[0], e2e))
    rls = replace(
        stages["integration"].checks[0],
        status=Status.FLAKY,
        reason="1 test failed and then passed",
        counts=Counts(tests=24, failed=0, flaky=1),
        failures=(
            Failure(
                message="connect ECONNREFUSED",
                test="retries a webhook once",
                file="apps/api/test/webhook.test.ts",
                line=55,
            ),
        ),
    )
    skipped = replace(
        stages["integration"].checks[1],
        status=Status.SKIPPED,
        seconds=0,
        reason="row-level security is not configured: [stages.integration.rls] is missing",
    )
    stages["integration"] = replace(stages["integration"], checks=(rls, skipped))
    over = replace(sizes()[1], value=171_400, ok=False)
    bundle = replace(
        stages["audit"].checks[0],
        status=Status.FAILED,
        failures=(Failure(message="vendor.js is 171.4 kB gzip, its budget is 150.0 kB"),),
        measures=(sizes()[0], over, sizes()[2]),
    )
    stages["audit"] = replace(stages["audit"], status=Status.FAILED, checks=(bundle, stages["audit"].checks[1]))
    return report(stages, RunVerdict.FAILED, dirty=True, command="shipway run --stage lint", seconds=63.4)


def make_error() -> RunReport:
    """Install could not be run; all else is skipped."""
    output = "ERR_PNPM_FETCH_404  GET @receipts/private: Not Found - 404\nThis error happened while installing\n"
    broken = check(
        "install",
        "pnpm install",
        seconds=2.2,
        status=Status.ERROR,
        reason="ERR_PNPM_FETCH_404 @receipts/private: Not Found - 404",
        steps=failed_step("pnpm", "install", "--frozen-lockfile", output=output),
        repeat="pnpm install --frozen-lockfile",
    )
    stages = {"install": stage("install", broken, status=Status.ERROR)}
    stages |= {known.name: stage(known.name, status=Status.SKIPPED, reason="install failed") for known in STAGES[1:]}
    return report(stages, RunVerdict.ERROR, seconds=2.3, command="shipway doctor", history=())


def make_cached() -> RunReport:
    """Nothing had to be run again."""
    stages = {
        name: replace(
            known,
            seconds=0.0,
            checks=tuple(replace(entry, began=0.2, cached_from="20261124-091500-11aa") for entry in known.checks),
        )
        for name, known in green_stages().items()
    }
    return report(stages, seconds=0.9, command="shipway promote staging")


MAKERS: dict[str, Callable[[], RunReport]] = {
    "green": make_green,
    "red": make_red,
    "error": make_error,
    "cached": make_cached,
    "promotion": make_promotion,
    "refused": make_refused,
}


@pytest.fixture(params=MAKERS)
def sample(request: pytest.FixtureRequest) -> RunReport:
    """Each sample in turn."""
    return MAKERS[request.param]()


@pytest.fixture
def green() -> RunReport:
    """A green run."""
    return make_green()


@pytest.fixture
def red() -> RunReport:
    """A red run."""
    return make_red()


@pytest.fixture
def error() -> RunReport:
    """A run that could not install."""
    return make_error()


@pytest.fixture
def cached() -> RunReport:
    """A run that re-used everything."""
    return make_cached()


@pytest.fixture
def promotion() -> RunReport:
    """A promotion that went well."""
    return make_promotion()


@pytest.fixture
def refused() -> RunReport:
    """A promotion that a gate ended."""
    return make_refused()


@pytest.fixture
def artifacts() -> dict[str, bytes]:
    """What the red run leaves: a screenshot and a trace, by the names that its report uses."""
    return {SCREENSHOT: screenshot(), TRACE: b"PK\x03\x04trace"}


@pytest.fixture
def logs() -> dict[str, str]:
    """The logs of two checks of the red run."""
    return {"lint/eslint@.": ESLINT, "unit/vitest@packages/core": VITEST}

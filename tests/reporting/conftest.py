"""Sample reports, as a run would make them: green, red, error, cached, hostile, huge."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace

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


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A report with what is written beside it."""

    report: RunReport
    artifacts: dict[str, bytes] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)


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
    """Return bundle sizes: within budget, over budget, and without a budget."""
    sized = {"unit": "bytes", "group": "apps/web", "kind": "bundle"}
    return (
        Measure(name="index.js, gzip", value=84_210, limit=100_000, baseline=82_950, ok=True, **sized),  # type: ignore[arg-type]
        Measure(name="vendor.js, gzip", value=143_800, limit=150_000, baseline=143_800, ok=True, **sized),  # type: ignore[arg-type]
        Measure(name="index.css, gzip", value=9_120, baseline=8_800, ok=True, **sized),  # type: ignore[arg-type]
    )


def scores() -> tuple[Measure, ...]:
    """Return the four scores of a page."""
    scored = {"unit": "score", "group": "apps/web /", "kind": "lighthouse", "better": "higher"}
    return (
        Measure(name="performance", value=0.97, limit=0.9, baseline=0.98, ok=True, **scored),  # type: ignore[arg-type]
        Measure(name="accessibility", value=1.0, limit=0.95, baseline=1.0, ok=True, **scored),  # type: ignore[arg-type]
        Measure(name="best practices", value=0.96, baseline=0.96, ok=True, **scored),  # type: ignore[arg-type]
        Measure(name="SEO", value=0.92, ok=None, **scored),  # type: ignore[arg-type]
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


def make_green() -> Sample:
    """All seven stages passed."""
    made = report(green_stages(), command="shipway promote staging")
    ids = [entry.id for known in made.stages for entry in known.checks]
    return Sample(report=made, logs={check_id: "all is well\n" for check_id in ids})


def make_red() -> Sample:
    """A lint failure with its line, a failing unit test, a type error, an e2e failure with a screenshot, a flaky test."""
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
    shot = "e2e/playwright@apps/web/test-results/upload a receipt/test-failed-1.png"
    trace = "e2e/playwright@apps/web/test-results/upload a receipt/trace.zip"
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
                artifact=shot,
            ),
        ),
        artifacts=(shot, trace),
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
    over = Measure(
        name="vendor.js, gzip", value=171_400, limit=150_000, baseline=143_800, unit="bytes", group="apps/web",
        kind="bundle", ok=False,
    )  # fmt: skip
    bundle = replace(
        stages["audit"].checks[0],
        status=Status.FAILED,
        failures=(Failure(message="vendor.js is 171.4 kB gzip, its budget is 150.0 kB"),),
        measures=(sizes()[0], over, sizes()[2]),
    )
    stages["audit"] = replace(stages["audit"], status=Status.FAILED, checks=(bundle, stages["audit"].checks[1]))
    made = report(stages, RunVerdict.FAILED, dirty=True, command="shipway run --stage lint", seconds=63.4)
    logs = {eslint.id: ESLINT, unit.id: VITEST}
    return Sample(report=made, artifacts={shot: screenshot(), trace: b"PK\x03\x04trace"}, logs=logs)


def make_error() -> Sample:
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
    made = report(stages, RunVerdict.ERROR, seconds=2.3, command="pnpm login && shipway run", history=())
    return Sample(report=made)


def make_cached() -> Sample:
    """Nothing had to be run again."""
    stages = {
        name: replace(
            known,
            seconds=0.0,
            checks=tuple(
                replace(entry, seconds=0.0, began=0.2, cached_from="20261124-091500-11aa") for entry in known.checks
            ),
        )
        for name, known in green_stages().items()
    }
    return Sample(report=report(stages, seconds=0.9, command="shipway promote staging"))


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>\x1b[31mred\x1b[0m\x07\u202egnp.exe\u2066 @everyone [click](https://evil.test) | ``` ` {{ 7*7 }} [bold]x[/bold] \ud800"


def make_hostile() -> Sample:
    """Every text that comes from a stranger tries something."""
    long = "A" * 10_000
    bad = CheckRun(
        stage="unit",
        name=HOSTILE,
        package=f"packages/{HOSTILE}",
        status=Status.FAILED,
        seconds=1.0,
        reason=HOSTILE,
        repeat=f"pnpm {HOSTILE}",
        why=HOSTILE,
        notices=(HOSTILE,),
        tools={HOSTILE: HOSTILE},
        counts=Counts(tests=1, failed=1),
        failures=(
            Failure(message=HOSTILE + long, file=f"../{HOSTILE}.ts", line=1, test=HOSTILE, rule=HOSTILE, detail=HOSTILE * 3 + long, artifact=f"../../{HOSTILE}"),
            Failure(message="```\n# heading\n<h1>", file="a b/ü.ts", line=-4, column=0, artifact="javascript:alert(1)"),
        ),
        measures=(Measure(name=HOSTILE, value=-1.0, unit=HOSTILE, group=HOSTILE, kind=HOSTILE, limit=0.0, baseline=0.0),),
        artifacts=(f"../../{HOSTILE}", "javascript:alert(1)"),
        steps=failed_step(HOSTILE, output=f"{HOSTILE}\r\n{long}\n\x1b]8;;https://evil.test\x07link\x1b]8;;\x07\n" * 200),
    )  # fmt: skip
    bomb = replace(bad, name="flaky", status=Status.FLAKY, cached_from=HOSTILE)
    stages = {
        "lint": stage("lint", status=Status.SKIPPED, reason=HOSTILE),
        "unit": stage("unit", bad, bomb, status=Status.FAILED, reason=HOSTILE),
    }
    entry = HistoryEntry(id=HOSTILE, started=HOSTILE, verdict=HOSTILE, seconds=-3, commit=HOSTILE, stages={HOSTILE: "failed"}, flaky=(HOSTILE,))  # fmt: skip
    words = ("id", "kind", "repository", "started", "executor", "executor_reason", "environment", "commit", "branch", "command")  # fmt: skip
    made = report(stages, RunVerdict.FAILED, history=(entry,), notices=(HOSTILE,), isolation=(HOSTILE,), **dict.fromkeys(words, HOSTILE))  # fmt: skip
    return Sample(
        report=made,
        artifacts={f"../../{HOSTILE}": screenshot(4, 4), "javascript:alert(1)": b"x"},
        logs={bad.id: HOSTILE},
    )


def make_huge() -> Sample:
    """Sixty packages, some red."""
    packages = [f"packages/package-{number:02d}" for number in range(60)]
    stages = {"install": stage("install", check("install", "pnpm install", seconds=12))}
    for name, tool in (("lint", "eslint"), ("typecheck", "tsc"), ("unit", "vitest")):
        checks = []
        for number, package in enumerate(packages):
            began = 12 + (number // 2) * 1.4
            entry = check(name, tool, package, began=began, seconds=1.3, counts=Counts(tests=number, files=number))
            if name == "unit" and number % 20 == 7:
                wrong = Failure(message=f"expected {number} to be 42", file=f"{package}/src/index.test.ts", line=number)
                entry = replace(entry, status=Status.FAILED, failures=(wrong,) * 3)
            elif number % 3:
                entry = replace(entry, cached_from="20261124-091500-11aa", seconds=0.0)
            checks.append(entry)
        red = any(entry.status is Status.FAILED for entry in checks)
        stages[name] = stage(name, *checks, status=Status.FAILED if red else Status.PASSED)
    for name in ("integration", "e2e", "audit"):
        stages[name] = stage(name, status=Status.SKIPPED, reason="no package has tests of this kind")
    return Sample(report=report(stages, RunVerdict.FAILED, seconds=55, command="shipway run --stage unit"))


MAKERS: dict[str, Callable[[], Sample]] = {
    "green": make_green,
    "red": make_red,
    "error": make_error,
    "cached": make_cached,
    "hostile": make_hostile,
    "huge": make_huge,
}


@pytest.fixture(params=MAKERS)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each sample in turn."""
    return MAKERS[request.param]()


@pytest.fixture
def green() -> Sample:
    """A green run."""
    return make_green()


@pytest.fixture
def red() -> Sample:
    """A red run."""
    return make_red()


@pytest.fixture
def error() -> Sample:
    """A run that could not install."""
    return make_error()


@pytest.fixture
def cached() -> Sample:
    """A run that re-used everything."""
    return make_cached()


@pytest.fixture
def hostile() -> Sample:
    """A run full of hostile text."""
    return make_hostile()


@pytest.fixture
def huge() -> Sample:
    """A run over sixty packages."""
    return make_huge()

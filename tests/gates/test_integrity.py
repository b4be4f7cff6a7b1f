from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ci.gates.changes import FileChange
from ci.gates.denials import denials
from ci.gates.integrity import Affected, IntegrityObserved, Tried, rule
from ci.model import Outcome, Ruling, Status

A, B, C = "core.test.ts > a", "core.test.ts > b", "core.test.ts > c"
LINT = "lint/eslint@apps/web"
RULE = f"{LINT} > no-undef src/a.ts"
SOUND = FileChange(
    path="src/a.ts", kind="modified", mode_before="100644", mode_after="100644", removed=("a",), added=("b",)
)
SKIPPED = dataclasses.replace(SOUND, path="src/a.test.ts", removed=('test("a")',), added=('test.skip("a")',))
PROVEN = IntegrityObserved(
    changes=(SOUND,),
    failing=(A,),
    before=Tried(executed=(A, B), failed=(A,)),
    after=Tried(executed=(A, B, C)),
    repeats=(Tried(executed=(A,)),) * 3,
    affected=(Affected(id=LINT, status=Status.PASSED), Affected(id="unit/vitest@core", status=Status.FLAKY)),
    without=Tried(executed=(A,), failed=(A,)),
)
WRITTEN = dataclasses.replace(
    PROVEN,
    failing=(),
    before=Tried(executed=(A, B)),
    repeats=(),
    without=None,
    written=(C,),
    red=Tried(executed=(C,), failed=(C,)),
    green=Tried(executed=(C,)),
)


def ruled(proof: IntegrityObserved = PROVEN, **more: Any) -> Ruling:
    """Return the ruling on a proof, some of it changed."""
    return rule(dataclasses.replace(proof, **more))


def test_a_fix_is_proven_by_everything_that_was_seen() -> None:
    ruling = ruled()
    assert ruling.ruling is Outcome.PASS
    assert ruling.reason == (
        "1 failing id well 3 times, red without the patch; 3 executed, all that were before; 2 affected checks green"
    )


def test_a_failure_without_a_test_is_proven_by_one_that_comes_with_the_fix() -> None:
    ruling = ruled(WRITTEN)
    assert ruling.ruling is Outcome.PASS
    assert ruling.reason.endswith("; 1 new test red before and green after")


def test_what_a_linter_complains_of_is_an_id_and_was_executed_where_the_check_was() -> None:
    seen = Tried(executed=(LINT,))
    red = Tried(executed=(LINT,), failed=(LINT, RULE))
    assert ruled(failing=(LINT, RULE), before=red, after=seen, repeats=(seen,) * 3, without=red).ruling is Outcome.PASS
    assert ruled(failing=(LINT, RULE), before=red, after=red, repeats=(seen,) * 3, without=red).ruling is Outcome.FAIL


LOADED = "unit/vitest@core > core.test.ts cannot be loaded"
UNTOLD = dataclasses.replace(
    PROVEN,
    failing=(LOADED,),
    before=Tried(executed=("unit/vitest@core",), failed=(LOADED,)),
    after=Tried(executed=("unit/vitest@core", A, B)),
    repeats=(Tried(executed=("unit/vitest@core", A, B)),) * 3,
    without=Tried(executed=("unit/vitest@core",), failed=(LOADED,)),
    untold=True,
    known=Tried(executed=("unit/vitest@core", A, B)),
)


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (Tried(executed=("unit/vitest@core", A, B, C)), f'"{C}" was executed when it was last well, and is no more'),
        (None, "no commit is known to be well"),
        (Tried(executed=(A, B), ended=False, reason="no network"), "no commit is known to be well"),
    ],
)
def test_where_tests_could_not_be_loaded_those_that_were_there_when_it_was_well_have_to_be_executed(
    known: Tried | None, words: str
) -> None:
    assert ruled(UNTOLD).ruling is Outcome.PASS
    ruling = ruled(UNTOLD, known=known)
    assert (ruling.ruling, ruling.values["unproven"]) == (Outcome.FAIL, [])
    assert words in ruling.reason


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"after": Tried(executed=(A,))}, f'"{B}" is executed no more'),
        ({"after": Tried(executed=(A, B), failed=(A,))}, f'"{A}" fails still'),
        ({"after": Tried(executed=(A, B), failed=(B,))}, f'"{B}" fails now'),
        ({"repeats": (Tried(executed=(A,)), Tried(executed=(A,), failed=(A,)))}, f'"{A}" fails in repeat 2'),
        ({"affected": (Affected(id=LINT, status=Status.FAILED),)}, f'"{LINT}" is red with the patch'),
        ({"without": Tried(executed=(A,))}, f'"{A}" is well without the patch too'),
    ],
)
def test_a_run_that_speaks_against_the_patch_refuses_it(more: dict[str, Any], words: str) -> None:
    ruling = ruled(**more)
    assert (ruling.ruling, ruling.values["denied"]) == (Outcome.FAIL, [])
    assert words in str(ruling.values["unproven"])
    assert words in ruling.reason


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"red": Tried(executed=(C,))}, "is new and does not fail on the bad commit"),
        ({"green": Tried(executed=(C,), failed=(C,))}, "is new and fails on the fix"),
    ],
)
def test_a_new_test_is_red_on_the_bad_commit_and_green_on_the_fix(more: dict[str, Any], words: str) -> None:
    ruling = ruled(WRITTEN, **more)
    assert ruling.ruling is Outcome.FAIL
    assert words in ruling.reason


@pytest.mark.parametrize(
    ("more", "outcome", "words"),
    [
        ({"before": None}, Outcome.NODATA, "the run before the patch was not made"),
        ({"after": None}, Outcome.NODATA, "the run after it was not made"),
        ({"without": None}, Outcome.NODATA, "the run without the patch was not made"),
        ({"repeats": ()}, Outcome.NODATA, "the failing ids were not repeated"),
        ({"affected": ()}, Outcome.NODATA, "no affected check was run"),
        ({"changes": ()}, Outcome.NODATA, "there is no patch"),
        ({"failing": ()}, Outcome.NODATA, "the failure has no test, and the patch brings none"),
        ({"written": (C,)}, Outcome.NODATA, "the new test was not run on the bad commit"),
        ({"repeats": (Tried(executed=(A,)),) * 2}, Outcome.INCONCLUSIVE, "2 repeats, 3 are needed"),
        ({"repeats": (Tried(executed=()),) * 3}, Outcome.INCONCLUSIVE, "was not executed in repeat 1"),
        ({"without": Tried(executed=())}, Outcome.INCONCLUSIVE, "was not executed in the run without it"),
        ({"before": Tried(executed=())}, Outcome.INCONCLUSIVE, "nothing was executed before the patch"),
        ({"affected": (Affected(id=LINT, status=Status.SKIPPED),)}, Outcome.INCONCLUSIVE, "was skipped with the patch"),
        ({"affected": (Affected(id=LINT, status=Status.ERROR),)}, Outcome.ERROR, "ended in error"),
        ({"after": Tried(executed=(), ended=False, reason="killed")}, Outcome.ERROR, "did not end: killed"),
        ({"without": Tried(executed=(), failed=(), ended=False)}, Outcome.ERROR, "no reason is known"),
        ({"repeats": (Tried(executed=(A,), failed=(A,), ended=False),) * 3}, Outcome.ERROR, "repeat 1 did not end"),
        ({"before": Tried(executed=(A, B), ended=False)}, Outcome.ERROR, "the run before the patch did not end"),
    ],
)
def test_what_was_not_seen_is_no_proof_and_no_refusal(more: dict[str, Any], outcome: Outcome, words: str) -> None:
    ruling = ruled(**more)
    assert ruling.ruling is outcome
    assert words in ruling.reason


def test_what_the_diff_may_not_hold_is_told_apart_from_what_the_runs_say() -> None:
    ruling = ruled(changes=(SOUND, SKIPPED))
    assert (ruling.ruling, ruling.values["unproven"]) == (Outcome.FAIL, [])
    assert '"src/a.test.ts" adds skip, only, todo, fixme, fails or runIf' in str(ruling.values["denied"])
    both = ruled(changes=(SKIPPED,), without=Tried(executed=(A,)))
    assert both.values["unproven"]
    assert both.values["denied"]


def test_every_file_and_every_denial_is_named() -> None:
    more = dataclasses.replace(SOUND, path="src/b.ts", added=("// @ts-ignore", "let a: any = b as any;"))
    reason = ruled(changes=(SKIPPED, more)).reason
    for words in ('"src/a.test.ts" adds skip', '"src/b.ts" adds @ts-ignore', "adds as any", "adds a type `any`"):
        assert words in reason


def changed(path: str, before: str, after: str) -> FileChange:
    """Return a change of whole lines."""
    removed, added = tuple(before.splitlines()), tuple(after.splitlines())
    return dataclasses.replace(SOUND, path=path, removed=removed, added=added, before=(before,), after=(after,))


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("src/a.ts", "// @ts-ignore\nlet a;\n", "let b;\n// @ts-ignore\nlet a;\n"),
        ("src/a.ts", "let a = b as any;\n", "const a = b as any;\n"),
        ("src/a.ts", "", "const company: Company = many.any(each => each.anything);\n"),
        ("src/a.ts", "", "query.skip(10).only('x').orderBy('y');\n"),
        ("src/a.ts", "", "try { a(); } catch (error) { report(error); }\n"),
        ("src/a.ts", "", "a().catch((error) => report(error));\n"),
        ("src/a.ts", "", "if (a !== b && !c) return;\n"),
        ("src/a.ts", "", "const limit = 500, lines = 3, size = 4;\n"),
        ("src/a.ts", "{ timeout: 5000 }\n", "{ timeout: 4000 }\n"),
        ("src/a.ts", "", "import { fixture } from './fixtured';\nimport test from './contest/x';\n"),
        ("src/a.ts", "", "const protest = latest.includes('CI');\n"),
        ("a.test.ts", "", 'test("new", () => {\n  expect(a).toBe(1);\n});\n'),
        ("a.test.ts", "expect(a).toBe(1);\n", "expect(a).toBe(1);\nexpect(b).toBeDefined();\n"),
        ("a.test.ts", "import { a } from 'b';\n", "import { a } from 'c';\n"),
        ("vitest.config.ts", "lines: 90\n", "lines: 95\n"),
        ("package.json", '"a": "1.0.0"\n', '"a": "1.0.1"\n'),
        ("pnpm-lock.yaml", "", "  retry@0.13.1:\n    engines: {node: '>= 4'}\n  skip: 1.0.0\n"),
        (".size-limit.json", '"limit": "100 kB"\n', '"limit": "90 kB"\n'),
    ],
)
def test_honest_code_is_not_denied(path: str, before: str, after: str) -> None:
    assert denials(changed(path, before, after)) == []


@pytest.mark.parametrize(
    ("path", "before", "after", "words"),
    [
        ("src/a.ts", "catch (e) {\n  throw e;\n}\n", "catch (e) {\n}\n", "an empty catch"),
        ("src/a.ts", "", "catch {\n\n  /* why */ // not\n}\n", "an empty catch"),
        ("src/a.ts", "", "a().catch(() => undefined);\n", "an empty catch"),
        ("src/a.ts", "", "let a: Map<string, any>;\n", "a type `any`"),
        ("src/a.ts", "", "let a = <any>b;\n", "as unknown as"),
        ("src/a.ts", "", "let a = b as  /* x */ unknown\n as C;\n", "as unknown as"),
        ("src/a.ts", "", "const { CI } = process.env;\n", "asks whether it is tested"),
        ("src/a.ts", "", "it.skip('x');\n", "a skipped or focused test"),
        ("src/a.ts", "", "import x from '../test/x';\n", "code of tests"),
        ("a.test.ts", "each([[1], [2]])\n", "each([[1]])\n", "changes lines of a test"),
        ("a.test.ts", "expect(a).toBe(1);\n", "expect(a).toBe(1); /*\n", "opens a comment"),
        ("a.test.ts", "", "test.concurrent.only('x', f);\n", "skip, only"),
        ("a.test.ts", "}, 5000);\n", "}, 50_000);\n", "a longer timeout"),
        ("jest.config.js", "maxWorkers: 2\n", "maxWorkers: 4\n", "raises a limit"),
        (".size-limit.json", '"limit": "900 kB"\n', '"limit": "1 MB"\n', "raises a limit"),
        ("lighthouserc.json", '"performance": ["error", {"minScore": 0.9}]\n',
         '"performance": ["error", {"minScore": 0.5}]\n', "lowers a threshold"),
        ("package.json", '"lint": "eslint ."\n', '"lint": "eslint . || true"\n', "a rule that is off"),
        ("src/a.ts", "", "catch {\n  // " + "why " * 1000 + "\n}\n", "an empty catch"),
        ("src/a.ts", "", "a().then(b, (error) => { void error; });\n", "an empty catch"),
        ("a.test.ts", "", "a().catch(() => []);\n", "an empty catch"),
        ("a.snap", "1\n", "2\n", "a snapshot"),
        ("a.test.ts", "", "x\n" * 200_000, "too much to be read"),
    ],
)  # fmt: skip
def test_what_makes_a_check_say_less_is_denied(path: str, before: str, after: str, words: str) -> None:
    assert words in "; ".join(denials(changed(path, before, after)))


@pytest.mark.parametrize("path", ["a.test.ts", "src/a.ts", "package.json"])
@pytest.mark.parametrize(
    "piece",
    ["/* ", "/**/", "catch ", "catch {/**/", "as /*", "as/**/", "<any ", "expect(", "timeout", "lines", "{skip ", "a!",
     ".catch(() => {//\n", "import '/", "}, ", "\\u{0", "\n", " ", "env [", "toThrow( ", "it.a.b(", "1 * ",
     "catch{", "catch{}", ".catch(a=>{", ".then(a,", " as {}", " as A<", "let a: unknown = b;", "a as b;", "stack ",
     "import '../", ">\n<", "location.host", "typeof ", "import.meta.glob(["],
)  # fmt: skip
def test_no_text_keeps_the_reader_busy(path: str, piece: str) -> None:
    assert isinstance(denials(changed(path, "", (piece * 30_000)[:30_000])), list)


@pytest.mark.parametrize(("kind", "told"), [("added", False), ("modified", True)])
def test_a_new_test_may_say_which_environment_it_is_about(kind: str, told: bool) -> None:  # noqa: FBT001 - a row's
    stubbed = (
        "it('is live', () => {",
        "  vi.stubEnv('APP_ENVIRONMENT', 'production');",
        "  expect(live()).toBe(true);",
        "});",
    )
    change = FileChange(
        path="src/live.test.ts",
        kind="added" if kind == "added" else "modified",
        mode_before="" if kind == "added" else "100644",
        mode_after="100644",
        added=stubbed,
    )
    assert any("a mock of the code" in each for each in denials(change)) is told

from __future__ import annotations

from typing import Any

import pytest

from ci.gates.changes import FileChange
from ci.gates.formatting import formatted
from ci.gates.judges import holds_tests, judges_by_content
from ci.gates.lookalikes import folded, mixed
from ci.gates.places import (
    CI,
    CONFIG,
    CONTAINERS,
    CONTRACTS,
    FIXTURES,
    INSTRUCTIONS,
    MANIFEST,
    MIGRATIONS,
    TESTS,
    Place,
    delicate,
    disguised,
    places,
    sensitive,
)
from ci.gates.tier import TierObserved, rule
from ci.model import Outcome, Ruling

SOURCE = "packages/core/src/total.ts"


def changed(path: str = SOURCE, **more: Any) -> FileChange:
    """Return a change of two lines in a file."""
    facts: dict[str, Any] = {"kind": "modified", "mode_before": "100644", "mode_after": "100644"}
    return FileChange(path=path, **{**facts, "removed": ("let a = 1;",), "added": ("let a = 2;",), **more})


def added(path: str, *lines: str) -> FileChange:
    """Return a new file."""
    return FileChange(path=path, kind="added", mode_before="", mode_after="100644", added=lines)


def ruled(*changes: FileChange, **more: Any) -> Ruling:
    """Return the ruling on a model's patch for a failure of packages/core."""
    facts: dict[str, Any] = {
        "named": ("packages/core",),
        "packages": (".", "packages/core", "packages/core/inner", "web"),
    }
    return rule(TierObserved(changes=changes, **{**facts, "author": "model", "trusted": True, **more}))


def tier(*changes: FileChange, **more: Any) -> object:
    """Return the tier of a patch that may go out."""
    ruling = ruled(*changes, **more)
    assert ruling.ruling is Outcome.PASS, ruling.reason
    return ruling.values["tier"]


def test_a_small_change_of_source_that_the_failure_names_goes_straight_to_main() -> None:
    ruling = ruled(changed())
    assert (ruling.ruling, ruling.values["tier"], ruling.values["why"]) == (Outcome.PASS, 1, [])
    assert ruling.reason == "tier 1: 1 file, 2 changed lines; source of what failed"
    assert ruling.environment == "main"


@pytest.mark.parametrize(
    ("facts", "least", "words"),
    [
        ({"wished": 2}, 2, "tier 2 is what was asked for"),
        ({"wished": 3}, 3, "tier 3 is what was asked for"),
        ({"trusted": False}, 2, "not everyone who committed since main was last green is trusted"),
        ({"foreign": True}, 3, "a bot's commits led here"),
        ({"protected": ("packages/*/src/t*.ts",)}, 2, "is protected by shipway.toml"),
        ({"protected": ("**/TOTAL.ts",)}, 2, "is protected by shipway.toml"),
        ({"named": ("web",)}, 2, 'is of "packages/core", which the failure does not name'),
        ({"named": (".",)}, 2, 'is of "packages/core", which the failure does not name'),
        ({"named": ()}, 2, "the failure does not name"),
        ({"prefix": "examples/shop"}, 2, "outside the workspace"),
        ({"files": 0}, 2, "1 file, at most 0"),
        ({"lines": 1}, 2, "2 changed lines, at most 1"),
        ({"migrations": ("packages/core/src",)}, 3, "is in the migrations"),
    ],
)
def test_what_is_known_beside_the_diff_makes_it_less(facts: dict[str, Any], least: int, words: str) -> None:
    ruling = ruled(changed(), **facts)
    assert (ruling.ruling, ruling.values["tier"]) == (Outcome.PASS, least)
    assert words in ruling.reason


def test_every_reason_is_told_and_not_only_the_first() -> None:
    ruling = ruled(changed("web/test/a.test.ts"), changed("web/package.json"), trusted=False, wished=3)
    assert ruling.values["why"] == [
        "tier 3: tier 3 is what was asked for",
        "tier 2: not everyone who committed since main was last green is trusted",
        'tier 2: "web/test/a.test.ts" is a test',
        'tier 2: "web/test/a.test.ts" is of "web", which the failure does not name',
        "tier 2: \"web/package.json\" is a package's manifest or the package manager's settings",
        'tier 2: "web/package.json" is no source file',
        'tier 2: "web/package.json" is of "web", which the failure does not name',
    ]


def test_a_patch_that_may_not_go_out_says_everything_that_is_against_it() -> None:
    ruling = ruled(added("packages/core/src/a.ts", "x\u202e"), changed(".env"), alike=("packages/core/src/A.ts",))
    assert (ruling.ruling, ruling.values["tier"]) == (Outcome.FAIL, 3)
    for words in ("order of others", "a file of secrets", "looks like a file"):
        assert words in ruling.reason


def test_a_patch_of_nothing_does_not_go_out() -> None:
    assert ruled().ruling is Outcome.FAIL


@pytest.mark.parametrize("more", [{"kind": "added"}, {"kind": "deleted"}, {"mode_after": ""}, {"mode_after": "100666"}])
def test_what_git_would_not_tell_is_an_error_and_no_pass(more: dict[str, Any]) -> None:
    ruling = ruled(changed(**more))
    assert (ruling.ruling, ruling.values["tier"]) == (Outcome.ERROR, 3)


def test_a_file_is_of_the_innermost_package_and_the_workspace_may_lie_deep() -> None:
    assert tier(changed("packages/core/inner/src/a.ts")) == 2
    assert tier(changed("packages/core/inner/src/a.ts"), named=("packages/core/inner",)) == 1
    assert tier(changed(f"examples/shop/{SOURCE}"), prefix="examples/shop") == 1
    assert tier(changed("packages/corection/src/a.ts"), named=(".",)) == 1
    assert tier(changed("examples/shop/a/0001.sql"), prefix="examples/shop", named=(".",)) == 2


def test_a_long_line_counts_as_many() -> None:
    assert tier(changed(added=("x" * 7_600,))) == 1
    assert tier(changed(added=("x" * 8_000,))) == 2


def test_several_services_at_once_are_somebodys_decision() -> None:
    changes = changed("web/src/a.ts"), changed()
    assert tier(*changes, named=("web", "packages/core"), apps=("web", "packages/core")) == 3
    assert tier(*changes, named=("web", "packages/core"), apps=("web",)) == 1
    broken: dict[str, Any] = {"packages": (".",), "named": (".",)}
    assert tier(*changes, apps=("web", "packages/core"), **broken) == 3
    assert tier(changes[0], apps=("web", "."), **broken) == 1
    deep = changed("shop/web/src/a.ts"), changed("shop/api/src/a.ts")
    assert tier(*deep, apps=("web", "api"), prefix="shop", **broken) == 3


def test_a_lock_file_alone_may_be_repaired_by_a_tool_and_by_nobody_else() -> None:
    lock = changed("pnpm-lock.yaml", added=tuple(f"  p{at}@1.0.0:" for at in range(900)))
    assert tier(lock, author="fixer") == 1
    assert tier(lock) == 2
    assert tier(lock, changed(), author="fixer") == 2
    assert tier(changed("pnpm-lock.yaml", added=("  p:",) * 1001), author="fixer") == 2
    assert tier(changed("packages/core/yarn.lock"), author="fixer") == 2
    assert tier(changed("packages/core/pnpm-lock.yaml"), author="fixer") == 2
    assert tier(changed("examples/shop/pnpm-lock.yaml"), author="fixer", prefix="examples/shop") == 1
    assert tier(lock, author="fixer", protected=("*.yaml",)) == 2
    assert tier(lock, author="fixer", trusted=False) == 2
    assert ruled(changed("pnpm-lock.yaml", added=("    requiresBuild: true",)), author="fixer").ruling is Outcome.FAIL


def test_a_tool_may_change_a_ci_file_for_a_person_to_review_and_a_model_may_not() -> None:
    assert tier(changed(".github/workflows/ci.yml"), author="fixer") == 2
    assert ruled(changed(".github/workflows/ci.yml")).ruling is Outcome.FAIL


@pytest.mark.parametrize(
    ("removed", "added", "same"),
    [
        (("expect(a).toBe(1)",), ("expect(a).toBe(1);",), True),
        (("expect(a).toBe('x');",), ("expect(", "  a,", ').toBe("x");'), True),
        (("let a = 1;", "expect(a).toBe(1);"), ("const a = 1;", "expect(a).toBe(1);"), True),
        (("expect(a).toBe(1);",), ("expect(a).toBe(2);",), False),
        (("expect(a).toBe(1);",), ("expect(a).toBeTruthy();",), False),
        (("expect(a).toBe(1);", "expect(b).toBe(1);"), ("expect(a).toBe(1);",), False),
        (("expect(a).toEqual([1, 2]);",), ("expect(a).toEqual([12]);",), False),
        (('expect(a).toBe("a, b");',), ('expect(a).toBe("ab");',), False),
        (("expect(a).toEqual([1, 2]);",), ("expect(a).toEqual([", "  1,", "  2,", "]);"), True),
        (("expect(() => (x) => a).toThrow('a b')",), ("expect(() => x => a).toThrow(", '  "a b",', ");"), True),
        (('test("a", f);',), ("",), False),
    ],
)
def test_a_formatter_changes_no_assertion(removed: tuple[str, ...], added: tuple[str, ...], *, same: bool) -> None:
    change = changed("a/x.test.ts", removed=removed, added=added)
    assert formatted(change) is same
    assert tier(changed("packages/core/src/x.test.ts", removed=removed, added=added), author="fixer") == (
        1 if same else 2
    )


def test_a_formatter_may_touch_what_is_sensitive_and_a_person_looks_at_that() -> None:
    auth = changed("packages/core/src/auth.ts", added=("let a = 1",))
    assert tier(auth, author="fixer") == 2
    assert tier(auth) == 3
    assert tier(changed("packages/core/src/auth.ts"), author="fixer") == 3
    calls = changed(removed=("fetch('/a')",), added=('fetch("/a");',))
    assert (tier(calls, author="fixer"), tier(calls)) == (1, 2)


def test_a_formatter_of_a_fixture_changes_nothing_else() -> None:
    assert tier(changed("packages/core/fixtures/a.ts"), author="fixer") == 2
    assert tier(changed("packages/core/fixtures/a.ts", added=("let a=1",)), author="fixer") == 1
    text = changed("packages/core/fixtures/a.txt", removed=("a b",), added=("a  b",))
    assert not formatted(text, whole_text=True)


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("PACKAGE.JSON", "package.json"),
        ("p\u0430ckage.json", "package.json"),
        ("\uff50ackage\uff0ejson", "package.json"),
        ("pa\u0301ckage.json", "package.json"),
        ("pack\u200bage.json", "package.json"),
        ("\u2024github", ".github"),
        ("\U0001d41a.ts", "a.ts"),
        ("\u212aey.ts", "key.ts"),
        ("\ufb01x.ts", "fix.ts"),
        ("stra\u00dfe.ts", "strasse.ts"),
        ("plain-name_1.ts", "plain-name_1.ts"),
    ],
)
def test_a_name_is_taken_for_what_it_looks_like(name: str, looks: str) -> None:
    assert folded(name) == looks


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("total", ()),
        ("caf\u00e9 na\u00efve", ()),
        ("\u0442\u043e\u0432\u0430\u0440 total", ()),
        ("\u65e5\u672c total \u65e5x", ()),
        ("\u0394time \u03bcs", ()),
        ("t\u043etal", ("t\u043etal",)),
        ("\uff41\uff42", ("\uff41\uff42",)),
    ],
)
def test_a_word_of_two_alphabets_is_a_disguise(text: str, words: tuple[str, ...]) -> None:
    assert mixed(text) == words


@pytest.mark.parametrize(
    "path",
    [
        "src/total.ts", "apps/web/src/App.tsx", "src/configure.ts", "src/author.ts", "src/payload.ts", "src/latest.ts",
        "src/contest.ts", "src/inspect.ts", "src/environment.ts", "src/layout.css", "src/policyholder.ts",
    ],
)  # fmt: skip
def test_plain_source_is_nowhere_in_particular(path: str) -> None:
    assert places(path) == ()
    assert sensitive(path) == ()
    assert disguised(path) is None


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("package.json", MANIFEST),
        ("Package.JSON", MANIFEST),
        ("p\u0430ckage.json", MANIFEST),
        ("packa\u200bge.json", MANIFEST),
        ("a/\uff30ackage.json", MANIFEST),
        ("\u2024github/workflows/x.yml", CI),
        (".g\u0131thub/workflows/x.yml", CI),
        ("src/\u0442ests/x.ts", TESTS),
        ("src/x.test.ts", TESTS),
        ("src/x.TEST.TSX", TESTS),
        ("src/x.spec-d.ts", TESTS),
        ("__tests__/x.ts", TESTS),
        ("vitest.setup.ts", TESTS),
        ("src/setupTests.ts", TESTS),
        ("test/global-setup.ts", TESTS),
        ("src/__mocks__/x.ts", FIXTURES),
        ("src/Button.stories.tsx", FIXTURES),
        ("x/vite.config.node.ts", CONFIG),
        ("x/tsconfig.node.json", CONFIG),
        ("x/.eslintrc.cjs", CONFIG),
        ("x/knip.json", CONFIG),
        ("src/vite-env.d.ts", CONFIG),
        ("docker-compose.dev.yml", CONTAINERS),
        ("apps/web/Dockerfile.prod", CONTAINERS),
        ("docs/CLAUDE.local.md", INSTRUCTIONS),
        ("prisma/schema.prisma", CONTRACTS),
        ("prisma/migrations/1/migration.sql", MIGRATIONS),
    ],
)
def test_a_place_is_known_in_any_spelling(path: str, place: Place) -> None:
    assert place in places(path)


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("src/auth.ts", "auth"),
        ("src/SignInForm.tsx", "auth"),
        ("src/use-session/index.ts", "auth"),
        ("src/OAuth2Client.ts", "auth"),
        ("src/requireAuth.ts", "auth"),
        ("src/AUTHZ.ts", "auth"),
        ("src/\u0430uth.ts", "auth"),
        ("src/stripe-events.ts", "billing"),
        ("src/PlanBilling.tsx", "billing"),
        ("src/RLS.ts", "row-level security"),
        ("src/tenancy/index.ts", "row-level security"),
    ],
)
def test_words_of_a_path_say_what_it_is_about(path: str, what: str) -> None:
    assert what in sensitive(path)


@pytest.mark.parametrize(
    ("path", "before", "judges"),
    [
        ("src/sum.ts", "if (import.meta.vitest) {\n", True),
        ("src/sum.ts", "  expect(sum(1)).toBe(1);\n", True),
        ("src/sum.ts", "expect(\n  sum(1),\n).toBe(1);\n", True),
        ("src/sum.ts", "await expect(load()).rejects.toThrow();\n", True),
        ("src/sum.ts", 'it("sums", () => {\n  assert(sum(1) === 1);\n});\n', True),
        ("src/sum.ts", "assert.equal(sum(1), 1);\n", True),
        ("src/sum.ts", "expect(sum(1)).to.equal(1);\n", True),
        ("src/sum.ts", "t.is(sum(1), 1);\n", True),
        ("src/sum.ts", 'const title = t("sum"); it.is(1);\n', False),
        ("flows/shop.js", 'cy.get("button").should("be.visible");\n', True),
        ("src/parse.ts", "this.expect(Kind.Comma);\nexpect(Kind.Comma);\n", False),
        ("src/check.ts", 'assert(items.length > 0, "no items");\n', False),
        ("src/check.ts", "if (regex.test(text)) return it(text);\n", False),
        ("src/sum.test.ts", "expect(sum(1)).toBe(1);\n", False),
        ("docs/tests.md", "expect(sum(1)).toBe(1);\n", False),
    ],
)
def test_a_file_that_judges_is_known_by_what_stands_in_it(path: str, before: str, *, judges: bool) -> None:
    assert judges_by_content(changed(path, before=(before,), after=("\n",))) is judges


def test_a_whole_file_of_tests_is_one_far_from_its_expectations_too_and_source_with_tests_in_it_is_not() -> None:
    assert holds_tests("expect(sum(1)).toBe(1);\n")
    assert not holds_tests("if (import.meta.vitest) {\n  expect(sum(1)).toBe(1);\n}\n")
    assert not holds_tests("export const a = 1;\n")
    assert judges_by_content(changed("qa/table.ts", judging=True))
    assert not judges_by_content(changed("qa/table.md", judging=True))


@pytest.mark.parametrize(
    "path",
    [
        "src/handlers.ts", "src/hooks/useTotal.ts", "src/setupRoutes.ts", "src/Reference.tsx", "references/a.tsx",
        "src/general.ts", "src/mocking.ts", "src/biomes.ts", "src/generate.ts", "app/globals.css", "src/expected.ts",
        "src/unit.ts", "src/features/total.ts", "src/checks.ts", "src/testimonials.ts", "src/messages.it.ts",
    ],
)  # fmt: skip
def test_names_of_usual_source_are_no_disguise(path: str) -> None:
    assert places(path) == ()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("src/token.ts", ("token",)),
        ("src/useCart.ts", ("cart",)),
        ("src/order.ts", ("order.ts",)),
        ("src/proxy.ts", ("proxy.ts",)),
        ("src/hooks.server.ts", ("hooks.server.ts",)),
        ("src/hooks/useOrder.ts", ()),
        ("src/sortOrder.ts", ()),
        ("src/proxies/http.ts", ()),
        ("src/lexer/token.ts", ()),
        ("src/tokenizer.ts", ()),
        ("src/design/tokens.ts", ()),
        ("src/tokens.css", ()),
        ("src/accessible.ts", ()),
        ("src/border.ts", ()),
        ("src/remember.ts", ()),
        ("src/loadBalancer.ts", ()),
    ],
)
def test_softer_words_of_a_path(path: str, words: tuple[str, ...]) -> None:
    assert delicate(path) == words


@pytest.mark.parametrize("piece", ["db.a", "db(", "db.delete", "from '", "import ", "eq(", ".where(", "/*"])
def test_no_source_keeps_the_reader_busy(piece: str) -> None:
    text = (piece * 30_000)[:30_000]
    assert ruled(changed(added=(text[:9000],) * 3, before=("",), after=(text,))).ruling is Outcome.PASS

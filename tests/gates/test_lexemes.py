from __future__ import annotations

import ast
import re

import pytest

from ci.gates.lexemes import bare, laid_out_anyhow, spelled
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("expect(a).toBe('x')", 'expect(\n  a,\n).toBe("x");'),
        ("[1, 2]", "[\n  1,\n  2,\n]"),
        ("(x) => x", "x=>x"),
        ("async (x) => x", "async x => x"),
        ("f({ a: 1 });", "f({a:1})"),
        ("a;\nb", "a\nb;\n"),
        (";(b)", "(b)"),
        ("say(`plain`)", 'say("plain")'),
        ("'it\\'s'", '"it\'s"'),
        ("/**\n * Why\n */", "/**\n   * Why\n   */"),
        ("a = b / c / d", "a=b/c/d"),
        ("return (\n a\n)", "return (a)"),
        ("<p>Buy   now</p>", "<p>\n  Buy now\n</p>"),
    ],
)
def test_a_layout_is_no_change(one: str, other: str) -> None:
    assert laid_out_anyhow(one) == laid_out_anyhow(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("toEqual([1, 2])", "toEqual([12])"),
        ('toBe("a, b")', 'toBe("ab")'),
        ('toBe("a b")', 'toBe("a  b")'),
        ("toBe(`a;`)", "toBe(`a`)"),
        ("toBe(`a\n  b`)", "toBe(`a\n b`)"),
        ("toMatch(/a b/)", "toMatch(/ab/)"),
        ("toMatch(/[(,)]/)", "toMatch(/[]/)"),
        ("f(a, b)", "f(a(b))"),
        ("f((a, b))", "f(a, b)"),
        ("(a + b) * c", "a + b * c"),
        ("return a", "return\na"),
        ("a;\n(b)", "a\n(b)"),
        ("a - -b", "a --b"),
        ("[, a]", "[a]"),
        ("new Date()", "newDate()"),
        ("expect(a); // why", "expect(a);"),
        ("({ a }) => a", "{ a } => a"),
    ],
)
def test_what_means_something_else_is_a_change(one: str, other: str) -> None:
    assert laid_out_anyhow(one) != laid_out_anyhow(other)


@pytest.mark.parametrize(
    ("code", "one"),
    [
        ('self?.["fe" + "tch"](x)', "self.fetch(x)"),
        ("process/**/.exit(0)", "process.exit(0)"),
        ("document // why\n  .cookie", "document.cookie"),
        ('(() => 0)["constructor"]', "(() => 0).constructor"),
        ("import.meta['env'][`MODE`]", "import.meta.env.MODE"),
        ("a?.[b]?.(c)", "a[b](c)"),
        ("a ? .5 : 1", "a ? .5 : 1"),
        ('["a", "b"]', '["a", "b"]'),
        ('f["a-b"]', 'f["a-b"]'),
        ('"// no comment"', '"// no comment"'),
        ('a.replace(/["/*]/g, "")', 'a.replace(/["/*]/g, "")'),
        ('items["a"]', "items.a"),
        ("`a ${b}` + 'c'", "`a ${b}` + 'c'"),
    ],
)
def test_code_has_one_spelling(code: str, one: str) -> None:
    assert spelled(code).replace(" .5", ".5") == one.replace(" .5", ".5")


def test_code_without_comments_keeps_what_only_looks_like_one() -> None:
    assert bare('a /* b */ c // d\n"//x" <br /> </div> `a//b`') == 'a   c  \n"//x" <br /> </div> `a//b`'
    assert bare("a /* to the end\nb") == "a  "


@pytest.mark.parametrize("piece", ["/* ", "/**/", "expect(", "/[", "/a", "`${", "'\\", "(a)=>", '["a"]', '"a"+', "a."])
def test_no_text_keeps_the_reader_busy(piece: str) -> None:
    text = (piece * 30_000)[:30_000]
    assert all(isinstance(read(text), str) for read in (bare, laid_out_anyhow, spelled))


def test_no_pattern_has_a_possessive_group_which_python_before_3_11_5_matches_wrongly() -> None:
    possessive = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "ci").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and possessive.search(node.value)
    ]
    assert found == []

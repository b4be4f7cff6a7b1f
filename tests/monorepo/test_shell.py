from __future__ import annotations

import pytest

from ci.monorepo.shell import Command, Opaque, read_line


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("eslint .", [("eslint", ".")]),
        ("  eslint   .  ", [("eslint", ".")]),
        ("a && b", [("a",), ("b",)]),
        ("a&&b;c", [("a",), ("b",), ("c",)]),
        ("a;", [("a",)]),
        ("a\nb", [("a",), ("b",)]),
        ("prettier --check '**/*.{ts,tsx}'", [("prettier", "--check", "**/*.{ts,tsx}")]),
        ('prettier "src/**"', [("prettier", "src/**")]),
        ('a "b \\"c\\" d"', [("a", 'b "c" d')]),
        ('a "x\\n"', [("a", "x\\n")]),
        ("a '' \"\"", [("a", "", "")]),
        ("a b\\ c", [("a", "b c")]),
        ("a 'x'y\"z\"", [("a", "xyz")]),
        ("a '$HOME' '`x`' '(y)' '> z'", [("a", "$HOME", "`x`", "(y)", "> z")]),
        ("a 'b && c'", [("a", "b && c")]),
        ("jest -t 'a|b'", [("jest", "-t", "a|b")]),
        ("a issue#3 x~y", [("a", "issue#3", "x~y")]),
        ("a '^price$' 5$", [("a", "^price$", "5$")]),
    ],
)
def test_simple_commands_are_read_word_by_word(line: str, words: list[tuple[str, ...]]) -> None:
    commands = read_line(line)
    assert not isinstance(commands, Opaque)
    assert [command.words for command in commands] == words


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a > b", "a redirection"),
        ("a 2>&1", "a redirection"),
        ("a < b", "a redirection"),
        ("a $HOME", "a variable or substitution"),
        ('a "$HOME"', "a variable or substitution"),
        ("a ${X:-1}", "a variable or substitution"),
        ("a $(b)", "a variable or substitution"),
        ('a "$(b)"', "a variable or substitution"),
        ("a `b`", "a variable or substitution"),
        ('a "`b`"', "a variable or substitution"),
        ("(a; b)", "a sub-shell"),
        ("f() { a; }", "a sub-shell"),
        ("if a; then b; fi", "control flow (if)"),
        ("! a", "control flow (!)"),
        ("a && ! b", "control flow (!)"),
        ("{ a; }", "control flow ({)"),
        ("while true; do a; done", "control flow (while)"),
        ("a 'b", "a quote that is not closed"),
        ('a "b', "a quote that is not closed"),
        ("a &", "a background command"),
        ("a ~/x", "a home directory"),
        ("a # b", "a comment"),
        ("", "an operator without a command"),
        ("a && ", "an operator without a command"),
        ("&& a", "an operator without a command"),
        ("a && && b", "an operator without a command"),
    ],
)
def test_what_only_a_shell_understands_is_opaque_and_says_why(line: str, reason: str) -> None:
    answer = read_line(line)
    assert isinstance(answer, Opaque)
    assert answer.reason == reason
    assert answer.line == line


@pytest.mark.parametrize(
    ("line", "decisive"),
    [
        ("a", [True]),
        ("a && b", [True, True]),
        ("a || true", [False, False]),
        ("a | tee log", [False, True]),
        ("a; b", [False, True]),
        ("a && b || c", [False, False, False]),
        ("a || b && c", [False, False, True]),
        ("a & b", [False, True]),
    ],
)
def test_only_a_command_that_alone_can_fail_the_line_is_decisive(line: str, decisive: list[bool]) -> None:
    commands = read_line(line)
    assert not isinstance(commands, Opaque)
    assert [command.decisive for command in commands] == decisive


def test_only_unquoted_wildcards_are_globs() -> None:
    commands = read_line("a *.ts '*.js' src/{a,b} {x} A=*.md \"?\" [ab]")
    assert isinstance(commands, tuple)
    assert commands == (
        Command(
            words=("a", "*.ts", "*.js", "src/{a,b}", "{x}", "A=*.md", "?", "[ab]"),
            line="a *.ts '*.js' src/{a,b} {x} A=*.md \"?\" [ab]",
            globs=("*.ts", "src/{a,b}", "[ab]"),
        ),
    )

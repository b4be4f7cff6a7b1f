"""Source that behaves in another way under test, or does a test's work; see denials.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.gates.patterns import OFF, RUNNERS, any_of
from ci.gates.places import FIXTURES, SNAPSHOTS, TESTS, places
from ci.gates.reach import imports, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

_GLOBALS = "vi|jest|expect|describe|test|it|suite|afterEach|afterAll|beforeEach|beforeAll"
_FROM = r"(?:from|import|require\()\s*+[\"'`]"


TESTED = "code that asks whether it is tested"
OF_TESTS = "code of tests"
KNOWING: Mapping[str, re.Pattern[str]] = {
    TESTED: any_of(
        r"\b(?:VITEST\w*|JEST_WORKER_ID|NODE_ENV|PLAYWRIGHT\w*|TEST_(?:WORKER|PARALLEL)_INDEX|__vitest\w*|__jest\w*|__coverage__)\b",
        r"\bimport\.meta\.(?:vitest|env\.(?:MODE|TEST|DEV|PROD))\b", r"\bnavigator\.webdriver\b", r"\bprocess\.argv\b",
        r"\benv\s*+(?:\?\.|\.)?\s*+\[?\s*+[\"'`]?(?:CI|TEST|MODE|E2E)\b",
        r"\benv\s*+(?:\?\.)?\s*+\[[^\]\n]{0,200}(?:\+|\$\{|\.concat)", r"\benv\s*+(?:\?\.)?\s*+\[\s*+\[",
        rf"\btypeof\s++(?:{_GLOBALS})\b", rf"[\"'`](?:{_GLOBALS})[\"'`]\s++in\b",
        rf"\b(?:globalThis|window|self|global)\.(?:{_GLOBALS})\b",
        r"\{[^{}]{0,200}\b(?:CI|TEST)\b[^{}]{0,200}\}\s*+=\s*+process\.env\b",
        r"\.stack\b[^\n;]{0,200}\b(?:includes|match|test)\b",
        r"\bnew\s++\w*Error\b[^;\n]{0,60}\.stack\b",
        r"\bstack\b[^{}]{0,300}\b(?:includes|match|indexOf|search|test)\(\s*+[\"'`/(]",
        r"\blocation\.port\b", r"\blocation\.host(?:name)?\b[^\n;]{0,80}(?:localhost|127\.0)",
    ),
    OF_TESTS: any_of(
        _FROM + r"(?:[^\"'`]{0,200}/)?(?:__)?(?:tests?|fixtures?|mocks?)(?:__)?/[^\"'`]{0,200}[\"'`]",
        r"\bexpect\.(?:extend|[gs]etState)\b",
        _FROM + r"(?:vitest|jest|@jest/\w+|@playwright/test|node:test)[\"'`]",
        _FROM + r"[^\"'`]{0,200}\.(?:test|spec|fixture|mock)s?(?:\.\w+)?[\"'`]",
    ),
    "a mock of the code": any_of(
        r"\b(?:Math|Date|JSON|Array|Object|Number|String|Promise|console|performance|crypto)\.\w{1,40}\s*+=(?![=>])",
    ),
    "a skipped or focused test": any_of(rf"\b(?:{RUNNERS})\s*+(?:\.\w+){{0,5}}\.(?:{OFF})\b"),
}  # fmt: skip
# What tests run in, by name: in code and in texts, not in comments, nor where something is imported.
NAMES = re.compile(
    r"(?i)(?<![a-z])(?:vitest|jest|jsdom|happy-?dom|playwright|cypress|puppeteer|headless(?:chrome)?|webdriver)(?![a-z])"
)
_IMPORTED = re.compile(r"(?<![\w$.])(?:from|import)\s*+\(?\s*+[\"'`][^\"'`\n]{0,300}[\"'`]")
_GLOB = re.compile(r"\bimport\.meta\.glob\w{0,20}\s*+(?:<[^<>]{0,100}>)?\(\s*+\[?\s*+[\"'`]([^\"'`\n]{1,300})[\"'`]")
_ALIAS = re.compile(r"^[@~$#]/?")
_JUDGES = frozenset({TESTS, FIXTURES, SNAPSHOTS})


def names_of_runners(code: str) -> int:
    """Count the names of what runs tests, in code that is spelled without its comments."""
    return sum(1 for _ in NAMES.finditer(_IMPORTED.sub(" ", code)))


def imported_tests(code: str, path: str) -> int:
    """Count what a file imports from places of tests and fixtures, wherever its specifiers lead from where it is."""
    return sum(1 for each in (*imports(code), *_GLOB.findall(code)) if _leads_to_tests(each, path))


def _leads_to_tests(specifier: str, path: str) -> bool:
    found = resolved(specifier, path) or _ALIAS.sub("", specifier.partition("?")[0].lstrip("./"))
    return any(_JUDGES & set(places(each)) for each in (found, f"{found}.ts"))

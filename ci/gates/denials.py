"""What the diff of a fix may not hold, because it makes a check say less instead of making the code right.

Counted as it is afterwards minus as it was, so that what merely moved is nothing new. Comments and strings count too:
a false alarm costs somebody a look at the diff.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from ci.gates.formatting import assertions, looks, texts
from ci.gates.judges import judges_by_content
from ci.gates.lexemes import bare
from ci.gates.lookalikes import folded
from ci.gates.numbers import loosened
from ci.gates.places import CONFIG, FIXTURES, LOCK, SNAPSHOTS, SOURCE, TESTS, places
from ci.gates.recording import quoted, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.gates.changes import FileChange

# Patterns are made so that a text made for it cannot keep them busy: what repeats is bounded, or a run of one class.
_COMMENT = r"/\*(?:[^*]|\*(?!/)){0,80}\*/"
_W = rf"(?:\s++|{_COMMENT})"
_EMPTY = rf"\{{(?:\s++|{_COMMENT}|//[^\n]*+\n|;++){{0,2000}}\}}"
_MOST = 100_000  # characters of changed places that are looked at
_ESCAPED = re.compile(r"\\u\{0{0,8}([0-9a-fA-F]{2})\}|\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})")
_OFF = "skip|only|todo|fixme|fails|failing|skipIf|runIf"
_RUNNERS = "it|test|describe|suite|bench|context"


def _all(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


# Everywhere: what silences a tool.
_SILENCED: Mapping[str, re.Pattern[str]] = {
    "@ts-ignore": re.compile(r"@ts-ignore", re.IGNORECASE),
    "@ts-expect-error": re.compile(r"@ts-expect-error", re.IGNORECASE),
    "@ts-nocheck": re.compile(r"@ts-nocheck", re.IGNORECASE),
    "eslint-disable": _all(r"(?:eslint|standard)-disable", r"/\*\s*+eslint\s++[\w@/-]++\s*+:", r"tslint:disable"),
    "a lint ignore": _all(r"(?:style|markdown)lint-disable", r"deno-lint-ignore", r"NOSONAR", r"noinspection"),
    "biome-ignore": _all(r"biome-ignore", r"rome-ignore"),
    "oxlint-disable": re.compile(r"oxlint-disable"),
    "prettier-ignore": _all(r"prettier-ignore", r"dprint-ignore"),
    "a coverage ignore": _all(r"(?:c8|v8|istanbul|node:coverage)\s++(?:ignore|disable)"),
    "as any": _all(rf"\b(?:as|satisfies){_W}{{1,20}}(?:any|never)\b"),
    "as unknown as": _all(rf"\bas{_W}{{1,20}}unknown{_W}{{1,20}}as\b", rf"<unknown>{_W}{{0,20}}<", r"<any>"),
    "a type `any`": _all(
        rf":{_W}{{0,20}}any\b(?!\s*+:)", r"\bany\[\]", r"<[^<>=;{}]{0,200}\bany\b[^<>;{}]{0,200}>",
        r"(?<![=!<>])=\s*+any\s*+;",
    ),
    "a non-null `!`": _all(r"[\w$)\]]!(?=[.\[;,)]|[^\S\n]*+(?:\n|$))", r"[\w$]!:\s*+\w"),
    "an empty catch": _all(
        rf"\bcatch{_W}{{0,20}}(?:\([^()]{{0,200}}\))?{_W}{{0,20}}{_EMPTY}",
        rf"\.catch\({_W}{{0,20}}(?:async\s*+)?(?:\([^()]{{0,200}}\)|\w++)\s*+=>\s*+(?:{_EMPTY}|undefined|null|void 0)",
        rf"\.catch\(\s*+(?:noop\b|\(?\s*+function\s*+\w*+\s*+\([^()]{{0,200}}\)\s*+{_EMPTY})",
    ),
}  # fmt: skip
# In tests: what makes them say less.
_TESTED: Mapping[str, re.Pattern[str]] = {
    "skip, only, todo, fixme, fails or runIf": _all(
        rf"\.\s*+(?:{_OFF})\b", rf"\[\s*+[\"'`](?:{_OFF})[\"'`]\s*+\]", rf"\b(?:{_OFF})\s*+:(?!:)",
        rf"\{{[^{{}}]{{0,200}}\b(?:{_OFF})\b[^{{}}]{{0,200}}\}}\s*+=\s*+(?:{_RUNNERS})\b",
        r"(?<![\w$.])(?:xit|xdescribe|xtest|xcontext|fit|fdescribe|ftest|pending)\s*+[(.]",
    ),
    "expect.anything and its like": _all(
        r"\bexpect\s*+\.\s*+(?:anything|any|soft)\b", r"\.toSatisfy\(\s*+\(?\w*+\)?\s*+=>\s*+true",
        r"\bexpect\.assertions\(\s*+0", r"\bexpect\(\s*+true\s*+\)", r"\bassert(?:\.ok)?\(\s*+(?:true|1)\s*+[,)]",
    ),
    "a mock of the code": _all(
        r"\b(?:vi|jest|mock|td|sinon)\s*+\.\s*+(?:mock|doMock|hoisted|stub\w*|spyOn|replace|module|method|set\w+)\b",
        r"\bunstable_mockModule\b", r"\.mock(?:Implementation|ReturnValue|ResolvedValue|RejectedValue)\w*+\b",
        r"\bprototype\b|Object\.(?:defineProperty|assign)|\bglobalThis\b|\bmodule\.exports\s*+=|require\.cache",
        r"\b(?:Date\.now|Math\.\w+|JSON\.\w+)\s*+=[^=]",
    ),
    "a way round an assertion": _all(
        r"\bif\s*+\(\s*+(?:false|0|!1)\b", r"\b(?:false|0)\s*+&&", r"(?:^|\n)[ \t]*+return\s*+;", r"\bprocess\.exit\b",
        r"\ballowEmpty|passWithNoTests|dangerouslyIgnoreUnhandledErrors",
    ),
    "a wait": _all(r"\b(?:setTimeout|waitForTimeout|sleep)\s*+\(", r"\btest\.slow\b"),
}  # fmt: skip
_FROM = r"(?:from|import|require\()\s*+[\"'`]"
# In source: what behaves in another way under test, or does a test's work.
_SOURCED: Mapping[str, re.Pattern[str]] = {
    "code that asks whether it is tested": _all(
        r"\b(?:VITEST\w*|JEST_WORKER_ID|NODE_ENV|PLAYWRIGHT\w*|TEST_(?:WORKER|PARALLEL)_INDEX|__vitest\w*|__jest\w*)\b",
        r"\bimport\.meta\.(?:vitest|env\.(?:MODE|TEST|DEV|PROD))\b", r"\bnavigator\.webdriver\b", r"\bprocess\.argv\b",
        r"\benv\s*+(?:\?\.|\.)?\s*+\[?\s*+[\"'`]?(?:CI|TEST|MODE|E2E)\b",
        r"\btypeof\s++(?:vi|jest|expect|describe|test|it)\b",
        r"\{[^{}]{0,200}\b(?:CI|TEST)\b[^{}]{0,200}\}\s*+=\s*+process\.env\b",
        r"\.stack\b[^\n;]{0,200}\b(?:includes|match|test)\b",
    ),
    "code of tests": _all(
        _FROM + r"(?:[^\"'`]{0,200}/)?(?:__)?(?:tests?|fixtures?|mocks?)(?:__)?/[^\"'`]{0,200}[\"'`]",
        r"\bexpect\.extend\b",
        _FROM + r"(?:vitest|jest|@jest/\w+|@playwright/test|node:test)[\"'`]",
        _FROM + r"[^\"'`]{0,200}\.(?:test|spec|fixture|mock)s?(?:\.\w+)?[\"'`]",
    ),
    "a skipped or focused test": _all(rf"\b(?:{_RUNNERS})\s*+(?:\.\w+){{0,5}}\.(?:{_OFF})\b"),
}  # fmt: skip
_CONFIGURED: Mapping[str, re.Pattern[str]] = {
    "a rule that is off": _all(
        r":\s*+\[?\s*+[\"'](?:off|warn)[\"']", r":\s*+\[?\s*+0\s*+[,\]}]", r"\benabled[\"']?\s*+:\s*+false",
        r"\b(?:strict\w*|no[A-Z]\w*|checkJs|use[A-Z]\w*|forbidOnly|exact[A-Z]\w*)[\"']?\s*+:\s*+false",
        r"skipLibCheck[\"']?\s*+:\s*+true", r"\b(?:exclude|ignores?|[\w]{0,40}Ignore(?:Patterns)?|grepInvert)\b",
        r"\ballowOnly\b|\bpassWithNoTests\b|\bdangerouslyIgnoreUnhandledErrors\b|\bcontinue-on-error\b|\|\|\s*+true\b",
        r"[\"']!\*{0,2}/?[\w.]",
        r"--(?:passWithNoTests|update|exclude|testNamePattern|no-verify|no-bail|silent|quiet)\b",
    ),
}  # fmt: skip
_STRONG = re.compile(
    r"\.(?:toBe|toEqual|toStrictEqual|toHaveLength|toHaveBeenCalledWith|toHaveBeenCalledTimes|toHaveBeenNthCalledWith|"
    r"toHaveText|toHaveURL|toHaveCount|toHaveValue|toMatchInlineSnapshot)\s*\(|\.toThrow(?:Error)?\s*+\(\s*+[^)]"
)
_WEAK = re.compile(
    r"\.(?:toBeTruthy|toBeFalsy|toBeDefined|toBeUndefined|toBeNull|toMatchObject|toContain|toHaveProperty|toBeInstanceOf|"
    r"toBeGreaterThan\w*|toBeLessThan\w*|toBeCloseTo|toMatch|toHaveBeenCalled|toBeVisible|toBeAttached|toMatchSnapshot|"
    r"toContainText|objectContaining|arrayContaining|stringContaining|stringMatching|ok|notEqual|doesNotThrow)\s*\("
    r"|\.toThrow(?:Error)?\s*+\(\s*+\)|\.not\b"
)

_TITLE = re.compile(
    rf"(?<![\w$.])(?:{_RUNNERS})(?:\.\w+){{0,5}}\s*+(?:\([^()]{{0,200}}\))?\s*+\(\s*+[\"'`]([^\"'`\n]*+)"
)
_INLINE = re.compile(r"toMatchInlineSnapshot\(\s*+(?:`[^`]*+`|\"[^\"]*+\"|'[^']*+')?")


def denials(change: FileChange) -> list[str]:
    """Say everything that a change may not add or take away, each with its path."""
    name, kinds = quoted(change.path), places(change.path)
    before, after = (_plain(text) for text in texts(change))
    if LOCK in kinds:
        return []  # a package manager's own
    if max(len(before), len(after)) > _MOST:
        return [f"{name} changes too much to be read"]
    source = SOURCE.search(folded(change.path)) is not None and CONFIG not in kinds
    judging = TESTS in kinds or judges_by_content(change)
    tests = judging or FIXTURES in kinds
    rest = _TESTED if tests else _SOURCED if source else _CONFIGURED
    looked_at = {**_SILENCED, **rest}
    more = [what for what, pattern in looked_at.items() if _count(pattern, after) > _count(pattern, before)]
    found = [f"adds {what}" for what in more]
    found += loosened(before, after, settings=not source)
    if judging:
        found += _of_tests(change, before, after)
    if SNAPSHOTS in kinds:
        found.append("changes a snapshot")
    elif FIXTURES in kinds and change.kind != "added":
        found.append("changes a fixture, which may do the code's work")
    return [f"{name} {each}" for each in dict.fromkeys(found)]


def _of_tests(change: FileChange, before: str, after: str) -> list[str]:
    found = []
    if change.kind == "deleted":
        found.append("takes a test away")
    gone, come = assertions(bare(before)), assertions(bare(after))
    if gone - come:
        found.append("takes assertions away, or changes what they expect")
    if change.kind == "modified" and _lost(change):
        found.append("changes lines of a test that was there")
    if come.total() < gone.total():
        found.append(f"has {come.total()} assertions where there were {gone.total()}")
    if _count(_WEAK, after) > _count(_WEAK, before) and _count(_STRONG, after) < _count(_STRONG, before):
        found.append("weakens a matcher")
    if set(_TITLE.findall(before)) - set(_TITLE.findall(after)):
        found.append("takes a test away, or gives it another name")
    if change.kind == "modified" and sorted(_INLINE.findall(before)) != sorted(_INLINE.findall(after)):
        found.append("changes a snapshot")
    if _open(after) > _open(before):
        found.append("opens a comment that ends elsewhere")
    return found


def _lost(change: FileChange) -> Counter[str]:
    """Return the lines that are no more: not those whose looks or place alone changed, and not what is imported."""
    if looks(change.removed) == looks(change.added):
        return Counter()
    gone = Counter(looks((line,)) for line in change.removed if not line.lstrip().startswith(("import", "//")))
    gone -= Counter(looks((line,)) for line in change.added)
    del gone[""]
    return gone


def _plain(text: str) -> str:
    r"""Return the text with escapes of plain letters as those letters: `.sk\u0069p` is `.skip` to who runs it."""
    return _ESCAPED.sub(lambda match: chr(int(match[1] or match[2] or match[3], 16)), whole(text))


def _open(text: str) -> int:
    return text.count("/*") - text.count("*/")


def _count(pattern: re.Pattern[str], text: str) -> int:
    return sum(1 for _ in pattern.finditer(text))

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
from ci.gates.knowing import KNOWING, OF_TESTS, TESTED, imported_tests, names_of_runners
from ci.gates.lexemes import bare, spelled
from ci.gates.lookalikes import folded
from ci.gates.numbers import loosened
from ci.gates.patterns import OFF, RUNNERS, any_of
from ci.gates.places import CONFIG, FIXTURES, LOCK, SNAPSHOTS, SOURCE, TESTS, is_style, places
from ci.gates.recording import quoted, whole
from ci.gates.silencing import GLOBALS, SILENCED, widened
from ci.gates.swallowing import swallowed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.gates.changes import FileChange

# Patterns are made so that a text made for it cannot keep them busy: what repeats is bounded, or a run of one class.
_MOST = 100_000  # characters of changed places that are looked at
_ESCAPED = re.compile(r"\\u\{0{0,8}([0-9a-fA-F]{2})\}|\\u00([0-9a-fA-F]{2})|\\x([0-9a-fA-F]{2})")


# In tests: what makes them say less.
_TESTED: Mapping[str, re.Pattern[str]] = {
    "skip, only, todo, fixme, fails or runIf": any_of(
        rf"\.\s*+(?:{OFF})\b", rf"\[\s*+[\"'`](?:{OFF})[\"'`]\s*+\]", rf"\b(?:{OFF})\s*+:(?!:)",
        rf"\{{[^{{}}]{{0,200}}\b(?:{OFF})\b[^{{}}]{{0,200}}\}}\s*+=\s*+(?:{RUNNERS})\b",
        r"(?<![\w$.])(?:xit|xdescribe|xtest|xcontext|fit|fdescribe|ftest|pending)\s*+[(.]",
    ),
    "expect.anything and its like": any_of(
        r"\bexpect\s*+\.\s*+(?:anything|any|soft)\b", r"\.toSatisfy\(\s*+\(?\w*+\)?\s*+=>\s*+true",
        r"\bexpect\.assertions\(\s*+0", r"\bexpect\(\s*+true\s*+\)", r"\bassert(?:\.ok)?\(\s*+(?:true|1)\s*+[,)]",
    ),
    "a mock of the code": any_of(
        r"\b(?:vi|jest|mock|td|sinon)\s*+\.\s*+(?:mock|doMock|hoisted|stub\w*|spyOn|replace|module|method|set\w+)\b",
        r"\bunstable_mockModule\b", r"\.mock(?:Implementation|ReturnValue|ResolvedValue|RejectedValue)\w*+\b",
        r"\bprototype\b|Object\.(?:defineProperty|assign)|\bglobalThis\b|\bmodule\.exports\s*+=|require\.cache",
        r"\b(?:Date\.now|Math\.\w+|JSON\.\w+)\s*+=[^=]",
    ),
    "a way round an assertion": any_of(
        r"\bif\s*+\(\s*+(?:false|0|!1)\b", r"\b(?:false|0)\s*+&&", r"(?:^|\n)[ \t]*+return\s*+;", r"\bprocess\.exit\b",
        r"\ballowEmpty|passWithNoTests|dangerouslyIgnoreUnhandledErrors",
    ),
    "a wait": any_of(r"\b(?:setTimeout|waitForTimeout|sleep)\s*+\(", r"\btest\.slow\b"),
}  # fmt: skip
_CONFIGURED: Mapping[str, re.Pattern[str]] = {
    "a rule that is off": any_of(
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

# A new test says in which environment it is; it has to be red there without the fix. In an old one it is a way round.
_ENVIRONMENT = re.compile(r"\bvi\.(?:stubEnv|unstubAllEnvs)\b")
_TITLE = re.compile(
    rf"(?<![\w$.])(?:{RUNNERS})(?:\.\w+){{0,5}}\s*+(?:\([^()]{{0,200}}\))?\s*+\(\s*+[\"'`]([^\"'`\n]*+)"
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
    if judging and change.kind == "added":
        after = _ENVIRONMENT.sub("", after)
    rest = _TESTED if tests else KNOWING if source else _CONFIGURED
    more = [*_written(before, after, {**SILENCED, **rest})]
    if source:
        was, now = spelled(before), spelled(after)
        more += [*_written(was, now, {**SILENCED, **rest}), *_read(change, was, now, tests=tests)]
    found = [f"adds {what}" for what in dict.fromkeys(more)]
    found += loosened(before, after, settings=not source)
    if judging:
        found += _of_tests(change, before, after)
    if SNAPSHOTS in kinds:
        found.append("changes a snapshot")
    elif FIXTURES in kinds and change.kind != "added":
        found.append("changes a fixture, which may do the code's work")
    return [f"{name} {each}" for each in dict.fromkeys(found)]


def _written(before: str, after: str, patterns: Mapping[str, re.Pattern[str]]) -> Iterator[str]:
    """Say what is there more often than it was."""
    yield from (what for what, pattern in patterns.items() if _count(pattern, after) > _count(pattern, before))


def _read(change: FileChange, before: str, after: str, *, tests: bool) -> Iterator[str]:
    """Say what there is more of in code, in one spelling, that no pattern tells."""
    if is_style(change.path):
        return
    yield from swallowed(after) - swallowed(before)
    if widened(after) > widened(before):
        yield "as unknown as"
    if _count(GLOBALS, "\n".join(change.added)) > _count(GLOBALS, "\n".join(change.removed)):
        yield "eslint-disable"
    if not tests and names_of_runners(after) > names_of_runners(before):
        yield TESTED
    if not tests and imported_tests(after, change.path) > imported_tests(before, change.path):
        yield OF_TESTS


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

"""Files that judge code though their names do not say so: by what stands in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ci.gates.formatting import texts
from ci.gates.lexemes import spelled
from ci.gates.lookalikes import folded
from ci.gates.places import SOURCE, TESTS, places

if TYPE_CHECKING:
    from ci.gates.changes import FileChange

# An expectation as a statement of a test: nothing else calls `expect` and then a matcher, or an `assert` by a name.
_JUDGES = re.compile(
    r"(?<![\w$.])expect(?:\.(?:soft|poll))?\s*+\([^\n]{0,400}\)\s*+\.(?:to(?:[A-Z]|\b)|not\b|resolves\b|rejects\b|eventually\b)"
    r"|^[ \t]*+\}?\)\.(?:not\.|resolves\.|rejects\.)?to(?:Be|Equal|StrictEqual|Match|Throw|Have|Contain)\w*+\("
    r"|(?<![\w$.])assert\.(?:equal|notEqual|(?:not)?[dD]eep\w*+|strictEqual|throws|rejects|matches|include|lengthOf)\s*+\("
    r"|(?<![\w$.])(?:expectTypeOf|assertType|expect\.extend)\b|\bimport\.meta\.vitest\b|\bcy\.(?:get|visit|contains)\s*+\("
    r"|(?<![\w$.])t\.(?:is|like|same|equal|deepEqual|truthy|throws|throwsAsync|not|snapshot)\s*+\("
    r"|\.should\(\s*+[\"'`]",
    re.MULTILINE,
)
_ASSERTS = re.compile(r"(?<![\w$.])(?:expect|assert)\s*+\(")
_TEST = re.compile(r"(?<![\w$.])(?:it|test|describe|suite|Given|When|Then|And)(?:\.\w{1,20}){0,3}\s*+\(\s*+[\"'`/]")
_IN_SOURCE = "import.meta.vitest"
_WORDS = ("expect", "assert", "import", "cy.", "should", ").", "t.")  # one of which is in all that is looked for
_MOST = 100_000  # characters that are looked at


def judges_by_content(change: FileChange) -> bool:
    """Whether a file that is no test by its name held expectations, or a test, as a whole or where it is changed."""
    if TESTS in places(change.path) or SOURCE.search(folded(change.path)) is None:
        return False
    before, _ = texts(change)
    return change.judging or _holds(before)


def holds_tests(text: str) -> bool:
    """Whether a whole file is one of tests. Source with tests in it is not: it is one only where those are changed."""
    return _IN_SOURCE not in text and _holds(text)


def _holds(text: str) -> bool:
    if not any(word in text for word in _WORDS):
        return False
    code = spelled(text[:_MOST])
    return _JUDGES.search(code) is not None or (_TEST.search(code) is not None and _ASSERTS.search(code) is not None)

"""The signature of a failure: the same for the same failure, on whatever machine and at whatever commit it is seen."""

from __future__ import annotations

import hashlib
import re

from ci.text import clean

DIGITS = 16
LONGEST = 160  # characters of a settled message: where a longer one was cut depends on what was put in

# In this order: what a later one would take apart goes first.
VARYING = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\"[^\"\n]*\"|`[^`\n]*`|\u201c[^\u201d\n]*\u201d|(?<!\w)'[^'\n]*'(?!\w)", "<quoted>"),
        (r"\b[a-z][a-z+.-]*://\S+", "<address>"),
        (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?(?![\d-])", "<moment>"),
        (r"\b\d{1,2}:\d\d:\d\d(?:\.\d+)?\b", "<moment>"),
        (r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<id>"),
        (r"(?:file:)?(?:[\w@~.+-]*/)+[\w@.+\[\]-]*(?:\([\w.-]+\)[\w./-]*)?(?::\d+)*(?:\(\d+,\d+\))?", "<path>"),
        (r"\b[\w-]+\.(?:[cm]?[jt]sx?|json|sql|vue|css)\b(?::\d+)*(?:\(\d+,\d+\))?", "<path>"),
        (r"\b\d+(?:\.\d+)?\s?(?:ms|milliseconds?|s|sec|seconds?|m|min|minutes?|h|hours?)\b", "<time>"),
        (r"(?i)\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b", "<id>"),
        (r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b", "<id>"),
        (r"[-+]?\b\d[\d.,_]*\b ?%?", "<number>"),
        (r"\s+", " "),
    )
)


def signature(*, stage: str, what: str, message: str) -> str:
    """Return it, of the stage or step, the test or rule that says so, and what it says."""
    told = "\0".join((stage, what, settled(message)))
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()[:DIGITS]


def settled(message: str) -> str:
    """Return a message with a word in place of all that varies: paths, numbers, ids, times, values in quotes."""
    text = clean(message)
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text.strip()[:LONGEST]

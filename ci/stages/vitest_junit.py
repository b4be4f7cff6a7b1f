"""Vitest's JUnit report, read for what its JSON leaves out: diffs, and errors of hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from ci.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping


def read(content: bytes) -> Mapping[str, Mapping[str, str]]:
    """Return file -> test -> text of its failure; the file as Vitest names it. What is no XML tells nothing.

    A test's name has " > " between its titles; a file that could not be loaded is a test of the file's own name.
    """
    found: dict[str, dict[str, str]] = {}
    try:
        root = ElementTree.fromstring(content.decode(errors="replace"))  # noqa: S314 - expat bounds entity expansion
    except ElementTree.ParseError:
        return found
    for case in root.iter("testcase"):
        texts = [clean(failure.text or failure.get("message") or "").strip() for failure in case.findall("failure")]
        if texts:
            found.setdefault(case.get("classname") or "", {})[case.get("name") or ""] = "\n\n".join(texts)
    return found


def of_file(report: Mapping[str, Mapping[str, str]], path: str) -> dict[str, str]:
    """Return the failures of a file of the workspace; Vitest counts a file from the root of its configuration."""
    for name in sorted(report, key=len, reverse=True):
        if name and (path == name or path.endswith(f"/{name}")):
            return dict(report[name])
    return {}

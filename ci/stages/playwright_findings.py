"""What `shipway-playwright` reports, in a person's words: failed tests, errors outside of tests, browsers not here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci.model import Failure, test_id
from ci.stages.judging import local, relative, tail
from ci.text import clean, count, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import Execution

NO_BROWSER = re.compile(
    r"Executable doesn't exist at|distribution '[\w-]+' is not found|Host system is missing dependencies"
    r"|error while loading shared libraries"
)
EXPECTED = re.compile(r"^\s*(Expected|Received)[^:\n]*:\s*(.+)$", re.MULTILINE)
LOCATOR = re.compile(r"(?m)^Locator: +(\S.*)$")
CAUSE = re.compile(r"(?m)(?<!\A)^Error: (.+)$")  # behind what the first line says
NAMED = 3  # as many are named in one line


def failure_of(test: dict[str, Any], execution: Execution, *, project: bool) -> Failure:
    """Return what a failed test says: where, what was expected and what came, and its screenshot."""
    error = test["error"] or {"message": "it passed although it is marked to fail", "file": None, "line": None}
    text = local(clean(error["message"]), execution)
    inside = error["file"] is not None and relative(error["file"], execution) != error["file"]
    file, line = (error["file"], error["line"]) if inside else (test["file"], test["line"])
    pictures = [each["kept"] for each in test["attachments"] if each.get("kept") and each["type"].startswith("image/")]
    others = [each["kept"] for each in test["attachments"] if each.get("kept")]
    return Failure(
        message=_message(text),
        file=relative(file, execution),
        line=line,
        test=name_of(test, project=project),
        test_id=id_of(test, execution),
        detail=tail(f"{text}\n\n{clean(error.get('snippet') or '')}".strip()),
        artifact=next(iter((*pictures, *others)), None),
    )


def cut_off(test: dict[str, Any], execution: Execution, *, project: bool) -> Failure:
    """Return the failure of a test that was still running at the end."""
    return Failure(
        message="still ran when the time was up",
        file=relative(test["file"], execution),
        line=test["line"],
        test=name_of(test, project=project),
        test_id=id_of(test, execution),
    )


def error_of(error: dict[str, Any], execution: Execution) -> Failure:
    """Return an error that belongs to no test: a file that cannot be loaded, a server, a forgotten `.only`."""
    text = local(clean(error["message"]), execution)
    file = relative(error["file"], execution) if error["file"] else None
    if "focused with '.only'" in text:
        return Failure(
            message=f"a test is left focused with .only: {first_line(text).rpartition('flag: ')[2]}",
            file=file,
            line=error["line"],
            rule="forbid-only",
        )
    return Failure(message=first_line(text).removeprefix("Error: "), file=file, line=error["line"], detail=tail(text))


def _message(text: str) -> str:
    """The first line, with what it is about, what was expected and what came, where Playwright tells."""
    told = dict(reversed(EXPECTED.findall(text)))
    line = first_line(text).removeprefix("Error: ")
    if (locator := LOCATOR.search(text)) is not None:
        line = line.replace("expect(locator)", f"expect({first_line(locator[1], 120)})", 1)
    if {"Expected", "Received"} <= told.keys():
        return f"{line}: expected {first_line(told['Expected'], 120)}, received {first_line(told['Received'], 120)}"
    cause = CAUSE.search(text)
    return line if cause is None else f"{line}: {first_line(cause[1], 120)}"


def lacks_browser(test: dict[str, Any]) -> bool:
    """Whether a test failed for nothing but its browser, which is not on this machine."""
    return test["outcome"] == "unexpected" and bool(test["error"]) and bool(NO_BROWSER.search(test["error"]["message"]))


def name_of(test: dict[str, Any], *, project: bool = False) -> str:
    """Return a test's title with those of the groups around it."""
    title = " > ".join(first_line(part) for part in test["title"])
    return f"[{first_line(test['project'])}] {title}" if project and test["project"] else title


def id_of(test: dict[str, Any], execution: Execution) -> str:
    """Return a test's id: a test is another one in each project, were it the only one that ran."""
    return test_id(relative(test["file"], execution), name_of(test, project=True))


def names_of(tests: list[dict[str, Any]]) -> str:
    """Name some of the tests."""
    names = list(dict.fromkeys(name_of(test) for test in tests))
    return ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")


def left_out(report: dict[str, Any]) -> tuple[str, ...]:
    """Say which projects were not run for want of their browser."""
    return tuple(
        f"not run here: {first_line(each['project'])}"
        + ("" if each["project"] == each["browser"] else f" ({each['browser']})")
        + ", for this browser cannot be had"
        for each in report["left_out"]
    )


def missing_browsers(tests: list[dict[str, Any]]) -> tuple[str, ...]:
    """Say which tests, started in vain, want a browser that is not here."""
    if not tests:
        return ()
    why = first_line(tests[0]["error"]["message"])
    return (f"not run here: {count(len(tests), 'test')} ({names_of(tests)}): {why}",)


def tools_of(report: dict[str, Any]) -> Mapping[str, str]:
    """Return which Playwright ran, and the browsers that are its own downloads, not those of Shipway."""
    return {first_line(name): first_line(version) for name, version in report.get("tools", {}).items()}

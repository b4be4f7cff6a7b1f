"""What Vitest says that it did.

Three reporters are read, for none tells everything: JSON has states and lines, JUnit has diffs and failed hooks, and
errors that no test waited for stand in the printed output alone (before Vitest 5).
"""

from __future__ import annotations

import re
from typing import Any

from ci.model import Execution, Failure, StepRun
from ci.stages import vitest_junit
from ci.stages.judging import local, relative, report_of
from ci.stages.testresults import FAILED, PASSED, SKIPPED, Case, Place, Results, Run, detail, headline, place_of
from ci.text import first_line

SKIPPED_STATES = frozenset({"skipped", "pending", "todo", "disabled"})
FOCUSED = "Unexpected .only modifier"
MISSING = re.compile(r"MISSING DEPENDENCY\s+Cannot find dependency '([^']+)'")
NO_BROWSER = re.compile(r"Executable doesn't exist at \S*/(?P<browser>chromium|firefox|webkit)[\w-]*-\d+/")
THRESHOLD = re.compile(r"(?m)^ERROR: (Coverage for .*threshold.*)$")
UNHANDLED = re.compile(
    r"(?m)^⎯+ (?:Unhandled (?:Rejection|Error)|Uncaught Exception|Unhandled Source Errors?|Typecheck Error) ⎯+$"
    r"\n(?P<body>.*?)(?=^⎯{10,}|\Z)",
    re.DOTALL,
)


def read(run: Run, ended: StepRun, execution: Execution) -> Results:
    """Read all three reports of the command."""
    report = report_of(execution, f"{run.key}.json")
    if report is None and (missing := MISSING.search(ended.output)) is not None:
        add = f"pnpm add -D {missing[1]}" + ("" if run.package == "." else f" --filter ./{run.package}")
        return Results(unusable=f"{missing[1]} is missing ({add})")
    if not ended.succeeded and (absent := NO_BROWSER.search(ended.output)) is not None:
        return Results(unusable=f"no {absent['browser']} to run Vitest's browser mode in: it is not here")
    if report is None and "CACError: Unknown option" in ended.output:
        line = next(line for line in ended.output.splitlines() if "CACError" in line)
        return Results(unusable=f"this Vitest does not know an option: {first_line(line)}")
    junit = vitest_junit.read(execution.files.get(f"{run.key}.xml", b""))
    failures: list[Failure] = []
    lasting: list[Failure] = []
    cases: list[Case] = []
    broken: list[Case] = []
    for file in _files(report):
        path = relative(str(file.get("name", "")), execution)
        told = vitest_junit.of_file(junit, path)
        for test in file.get("assertionResults") or ():
            case = _case(path, test)
            cases.append(case)
            if case.status == FAILED:
                failure = _failed(run, case, test, told.pop(case.name, None), execution)
                failures.append(failure)
                if FOCUSED in failure.message:
                    lasting.append(failure)
        if file.get("status") == "failed" and file.get("message"):
            failure = _not_loaded(run, path, str(file["message"]), told, execution)
            failures.append(failure)
            lasting.append(failure)
        hooks = [_in_hook(run, path, name, text, execution) for name, text in told.items() if name != path]
        failures += hooks
        broken += [Case(file=path, titles=(), status=FAILED)] if hooks else []
    # With exit code 0 the project has told Vitest not to mind them.
    beside = [] if ended.succeeded else [*_unhandled(run, ended, execution), *_thresholds(ended)]
    return Results(
        cases=tuple(cases),
        failures=(*failures, *beside),
        lasting=(*lasting, *beside),
        files=tuple(dict.fromkeys(relative(str(file.get("name", "")), execution) for file in _files(report))),
        notices=_notices(report, run, execution),
        broken=tuple(broken),
        retries=any(_tried_again(test) for file in _files(report) for test in file.get("assertionResults") or ()),
    )


def reported(run: Run, execution: Execution) -> bool:
    """Whether the command came as far as writing its report."""
    return isinstance(report_of(execution, f"{run.key}.json"), dict)


def _files(report: Any) -> list[dict[str, Any]]:
    files = report.get("testResults") if isinstance(report, dict) else None
    return [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []


def _case(path: str, test: dict[str, Any]) -> Case:
    titles = (*(str(title) for title in test.get("ancestorTitles") or () if title), str(test.get("title", "")))
    state = str(test.get("status", ""))
    status = SKIPPED if state in SKIPPED_STATES else PASSED if state == PASSED else FAILED
    retried = status == PASSED and bool(test.get("failureMessages"))
    return Case(file=path, titles=titles, status=status, retried=retried)


def _tried_again(test: dict[str, Any]) -> bool:
    """Whether it was retried: it passed in spite of a failure, or failed more than once in the same way."""
    messages = test.get("failureMessages") or ()
    return bool(messages) if test.get("status") == PASSED else len(set(messages)) < len(messages)


def _failed(run: Run, case: Case, test: dict[str, Any], told: str | None, execution: Execution) -> Failure:
    messages = [str(message) for message in test.get("failureMessages") or ()]
    stack = "\n".join(messages[:1])
    text = told or stack
    location = test.get("location") or {}
    message = headline(text, execution)
    if FOCUSED in text:
        line = run.only.get(case.file) or location.get("line")
        return Failure(
            message=f"{FOCUSED}: the other tests of the file do not run",
            file=case.file,
            line=line,
            test=case.name,
            test_id=case.id,
        )
    place = place_of(stack, execution, run.cwd) or place_of(told or "", execution, run.cwd)
    return Failure(
        message=message,
        file=place.file if place else case.file,
        line=place.line if place else location.get("line"),
        column=place.column if place else location.get("column"),
        test=case.name,
        test_id=case.id,
        detail=detail(text, execution),
    )


def _not_loaded(run: Run, path: str, message: str, told: dict[str, str], execution: Execution) -> Failure:
    text = told.pop(path, None) or next((told.pop(name) for name in list(told) if path.endswith(name)), message)
    place = place_of(text, execution, run.cwd)
    here = place if place is not None and place.file == path else _told_place(text, path)
    return Failure(
        message=local(_plain(message), execution),
        file=path,
        line=here.line if here else None,
        column=here.column if here else None,
        detail=detail(text, execution),
    )


def _told_place(text: str, path: str) -> Place | None:
    """Read `At file: /a.test.ts:3:12`, which counts from the root of the configuration."""
    name = re.escape(path.rpartition("/")[2])
    found = re.search(rf"(?:^|[/ ]){name}:(\d+):(\d+)", text)
    return None if found is None else Place(file=path, line=int(found[1]), column=int(found[2]))


def _plain(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip() and not line.startswith("At file:")]
    head = first_line(message)
    return f"{head.removesuffix(':')}: {lines[1]}" if head.startswith("Parse fail") and len(lines) > 1 else head


def _in_hook(run: Run, path: str, name: str, text: str, execution: Execution) -> Failure:
    place = place_of(text, execution, run.cwd)
    return Failure(
        message=headline(text, execution),
        file=place.file if place else path,
        line=place.line if place else None,
        column=place.column if place else None,
        test=name,
        detail=detail(text, execution),
    )


def _unhandled(run: Run, ended: StepRun, execution: Execution) -> list[Failure]:
    found = []
    for block in UNHANDLED.finditer(ended.output):
        body = block["body"].strip()
        if not body:
            continue
        place = place_of(body, execution, run.cwd)
        origin = re.search(r'This error originated in "([^"]+)"', body)
        file = place.file if place else _within(run.cwd, origin[1]) if origin else None
        cause = re.search(r"(?m)^Caused by: (?:Error: )?(.*)$", body)
        message = headline(body, execution) + (f" ({first_line(local(cause[1], execution))})" if cause else "")
        found.append(
            Failure(
                message=f"unhandled error: {message}",
                file=file,
                line=place.line if place else None,
                column=place.column if place else None,
                detail=detail(body, execution),
            )
        )
    return found


def _thresholds(ended: StepRun) -> list[Failure]:
    return [Failure(message=first_line(found), rule="coverage") for found in THRESHOLD.findall(ended.output)]


def _notices(report: Any, run: Run, execution: Execution) -> tuple[str, ...]:
    notices = []
    snapshot = report.get("snapshot") if isinstance(report, dict) else None
    if isinstance(snapshot, dict) and isinstance(obsolete := snapshot.get("unchecked"), int) and obsolete:
        notices.append(f"obsolete snapshots: {obsolete} (`vitest -u` removes them)")
    summary = report_of(execution, f"{run.key}-coverage/coverage-summary.json") if run.coverage else None
    total = summary.get("total") if isinstance(summary, dict) else None
    if isinstance(total, dict):
        shares = (f"{kind} {total[kind].get('pct')} %" for kind in ("lines", "branches", "functions") if kind in total)
        notices.append(f"coverage of {run.package}: {', '.join(shares)}")
    return tuple(notices)


def _within(cwd: str, file: str) -> str:
    return file if cwd == "." or file.startswith("/") else f"{cwd}/{file}"

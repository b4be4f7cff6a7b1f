"""Jest: the command that reports all it did, and the reading of its JSON, which has everything."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from ci.model import Execution, Failure, Step, StepRun
from ci.stages.judging import local, relative, report_of
from ci.stages.testresults import FAILED, PASSED, SKIPPED, Case, Results, Run, detail, headline, place_of
from ci.text import first_line

VALUED = frozenset({
    "-c", "--config", "-t", "--testNamePattern", "--selectProjects", "--ignoreProjects", "--rootDir", "--env",
    "--testEnvironment", "--testTimeout", "-w", "--maxWorkers", "--reporters", "--outputFile", "--testPathPatterns",
    "--testPathPattern", "--testPathIgnorePatterns", "--testMatch", "--coverageDirectory", "--coverageReporters",
    "--setupFilesAfterEnv", "--shard", "--globals", "--preset", "--roots", "--runTestsByPath", "--changedSince",
    "--seed", "--cacheDirectory", "--coverageProvider", "--coverageThreshold", "--filter", "--globalSetup",
    "--globalTeardown", "--maxConcurrency", "--moduleNameMapper", "--notifyMode", "--openHandlesTimeout", "--resolver",
    "--runner", "--testEnvironmentOptions", "--testResultsProcessor", "--testRunner", "--testSequencer", "--transform",
    "--workerIdleMemoryLimit",
})  # fmt: skip
DROPPED = frozenset({
    "--reporters", "--outputFile", "--json", "--bail", "-b", "--watch", "--watchAll", "--onlyChanged", "-o",
    "--changedSince", "--lastCommit", "--shard", "--ci", "--onlyFailures", "-f",
})  # fmt: skip
# Options that take all words up to the next option.
SEVERAL = frozenset({
    "--testPathPatterns", "--testPathPattern", "--testPathIgnorePatterns", "--testMatch", "--testRegex", "--roots",
    "--reporters", "--projects", "--selectProjects", "--ignoreProjects", "--setupFiles", "--setupFilesAfterEnv",
    "--collectCoverageFrom", "--coverageReporters", "--coveragePathIgnorePatterns", "--modulePathIgnorePatterns",
    "--moduleDirectories", "--moduleFileExtensions", "--transformIgnorePatterns", "--watchPathIgnorePatterns",
})  # fmt: skip
CHOOSING = frozenset({"--testPathPatterns", "--testPathPattern"})
BY_PATH = frozenset({"--runTestsByPath", "--findRelatedTests"})
PLURAL_SINCE = 30  # --testPathPatterns
SKIPPED_STATES = frozenset({"skipped", "pending", "todo", "disabled"})


def step(run: Run, timeout: float) -> Step:
    """Return the step with its report `KEY.json`."""
    options = ["--ci", "--json", "--testLocationInResults", f"--outputFile=${{SHIPWAY_OUT}}/{run.key}.json"]
    if run.coverage:
        options += ["--coverage", "--coverageReporters=json-summary"]
        options.append(f"--coverageDirectory=${{SHIPWAY_OUT}}/{run.key}-coverage")
    return Step(
        argv=(*kept(run.argv), *options),
        cwd=run.cwd,
        timeout=timeout,
        environment=run.environment,
        keep_going=True,
    )


def kept(argv: tuple[str, ...], *, also: frozenset[str] = frozenset(), filters: bool = True) -> tuple[str, ...]:
    """Return the words without those options that would hide tests; without `also`, and on request without filters."""
    left = [item for item in _split(argv) if (_name(item) not in DROPPED | also if _name(item) else filters)]
    return (*argv[:1], *(word for item in left for word in item))


def leaving_out(argv: tuple[str, ...], patterns: tuple[str, ...], major: int) -> tuple[str, ...]:
    """Return the command without the files that some pattern takes, its own choice of files kept.

    Not by --testPathIgnorePatterns, which would take the place of what the configuration leaves out, but for a script
    that does so itself; nor where the script names whole paths, which are its own choice.
    """
    items = _split(argv)
    named = {_name(item) for item in items}
    if named & BY_PATH:
        return argv
    if "--testPathIgnorePatterns" in named:
        return (*argv, *(f"--testPathIgnorePatterns={pattern}" for pattern in patterns))
    wanted = f"(?=.*(?:{'|'.join(chosen)}))" if (chosen := choices(argv)) else ""
    flag = "--testPathPatterns" if major >= PLURAL_SINCE else "--testPathPattern"
    left = [word for item in items if _name(item) not in {"", *CHOOSING} for word in item]
    return (*argv[:1], *left, f"{flag}=^(?!.*(?:{'|'.join(patterns)})){wanted}")


def choices(argv: tuple[str, ...]) -> tuple[str, ...]:
    """Return the regular expressions by which a command chooses files."""
    chosen = (value for item in _split(argv) if _name(item) in {"", *CHOOSING} for value in _values(item))
    return tuple(value.removeprefix("./") for value in chosen)


def escaped(text: str) -> str:
    """Return a regular expression for this text."""
    return re.sub(r"[\\^$.*+?()\[\]{}|]", r"\\\g<0>", text)


def _split(argv: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return what stands behind the program, in order: each option with its values, each pattern that chooses files."""
    items: list[tuple[str, ...]] = []
    rest = list(argv[1:])
    while rest:
        word = rest.pop(0)
        values = [rest.pop(0)] if word in VALUED and rest else []
        while word in SEVERAL and rest and not rest[0].startswith("-"):
            values.append(rest.pop(0))
        items.append((word, *values))
    return items


def _name(item: tuple[str, ...]) -> str:
    """Return an option's name, "" for a pattern."""
    return item[0].partition("=")[0] if item[0].startswith("-") else ""


def _values(item: tuple[str, ...]) -> tuple[str, ...]:
    if not _name(item):
        return item
    _, equals, value = item[0].partition("=")
    return (value,) if equals else item[1:]


def narrowed(run: Run, cases: tuple[Case, ...]) -> Run:
    """Return the command for these tests alone. One without titles stands for its whole file."""
    files = dict.fromkeys(case.file if run.cwd == "." else case.file.removeprefix(f"{run.cwd}/") for case in cases)
    argv = kept(run.argv, also=CHOOSING | {"-t", "--testNamePattern", "--coverage"}, filters=False)
    if all(case.titles for case in cases):
        names = dict.fromkeys(escaped(" ".join(case.titles)) for case in cases)
        argv = (*argv, f"--testNamePattern=^(?:{'|'.join(names)})$")
    return dataclasses.replace(run, argv=(*argv, "--runTestsByPath", *files), coverage=False)


def read(run: Run, ended: StepRun, execution: Execution) -> Results:
    """Read the report of the command."""
    report = report_of(execution, f"{run.key}.json")
    if re.search(r"(?m)Unrecognized (?:option|CLI Parameter)", ended.output):
        return Results(unusable=f"this Jest does not know an option: {first_line(ended.output)}")
    cases: list[Case] = []
    failures: list[Failure] = []
    lasting: list[Failure] = []
    notices: list[str] = []
    files = _files(report)
    for file in files:
        path = relative(str(file.get("name", "")), execution)
        tests = [test for test in file.get("assertionResults") or () if isinstance(test, dict)]
        for test in tests:
            case = _case(path, test)
            cases.append(case)
            if case.status == FAILED:
                failures.append(_failed(run, case, test, execution))
        if file.get("status") == "failed" and not tests:
            failures.append(_not_loaded(run, path, str(file.get("message", "")), execution))
            lasting.append(failures[-1])
        if path in run.only:
            notices.append(f"{path}:{run.only[path]}: a focused test keeps the others of the file from running")
    thresholds = re.findall(r"(?m)^Jest: (.*coverage threshold.*)$", ended.output)
    beside = [Failure(message=first_line(found), rule="coverage") for found in thresholds]
    return Results(
        cases=tuple(cases),
        failures=(*failures, *beside),
        lasting=(*lasting, *beside),
        files=tuple(relative(str(file.get("name", "")), execution) for file in files),
        notices=tuple(notices),
        retries=any(int(test.get("invocations") or 1) > 1 for file in files for test in file["assertionResults"]),
    )


def reported(run: Run, execution: Execution) -> bool:
    """Whether the command came as far as writing its report."""
    return isinstance(report_of(execution, f"{run.key}.json"), dict)


def _files(report: Any) -> list[dict[str, Any]]:
    files = report.get("testResults") if isinstance(report, dict) else None
    return [file for file in files if isinstance(file, dict)] if isinstance(files, list) else []


def _case(path: str, test: dict[str, Any]) -> Case:
    state = str(test.get("status", ""))
    status = SKIPPED if state in SKIPPED_STATES else PASSED if state == PASSED else FAILED
    return Case(
        file=path,
        titles=(*(str(title) for title in test.get("ancestorTitles") or ()), str(test.get("title", ""))),
        status=status,
        retried=status == PASSED and int(test.get("invocations") or 1) > 1,
    )


def _failed(run: Run, case: Case, test: dict[str, Any], execution: Execution) -> Failure:
    text = "\n".join(str(message) for message in (test.get("failureMessages") or ())[:1])
    place = place_of(text, execution, run.cwd)
    location = test.get("location") or {}
    return Failure(
        message=headline(text, execution),
        file=place.file if place else case.file,
        line=place.line if place else location.get("line"),
        column=place.column if place else location.get("column"),
        test=case.name,
        test_id=case.id,
        detail=detail(text, execution),
    )


def _not_loaded(run: Run, path: str, message: str, execution: Execution) -> Failure:
    """Read `● Test suite failed to run`, whose next line says why; a syntax error is told some lines below."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    told = next((line for line in lines if re.match(r"(?:\w*Error|Details):? \S", line)), None)
    second = next((line for line in lines[1:] if line), "it does not say why")
    reason = told if told and "unexpected token" in second else second
    place = place_of(message, execution, run.cwd)
    pointed = re.search(r"(?m)^\s*>\s*(\d+) \|", message)
    here = place is not None and place.file == path
    return Failure(
        message=local(f"cannot be loaded: {first_line(reason)}", execution),
        file=path,
        line=int(pointed[1]) if pointed else place.line if here and place else None,
        detail=detail(message, execution),
    )

"""What the judges share: how a step ended, in words; messages cut free of the workspace's place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ci.model import Execution, Failure, Status, StepRun, Verdict
from ci.text import first_line

if TYPE_CHECKING:
    from collections.abc import Iterable

DETAIL = 4_000  # characters of output that a failure carries along
WORDS = 6  # of a command that are shown
COMMAND_NOT_FOUND, CANNOT_EXECUTE = 127, 126


def ended(step: StepRun) -> str:
    """Say how a step ended: "exit code 2", "timed out after 60 s (still running: vitest --watch)"."""
    if step.timed_out:
        still = f" (still running: {'; '.join(step.living)})" if step.living else ""
        return f"timed out after {step.seconds:.0f} s{still}"
    if step.error is not None:
        return step.error
    if step.signal is not None:
        return f"killed by signal {step.signal}"
    return f"exit code {step.exit_code}"


def could_not_run(execution: Execution) -> Verdict | None:
    """Return the `error` verdict where a step's tool could not be started at all, else None."""
    for step in execution.steps:
        if step.error is not None or step.exit_code in {COMMAND_NOT_FOUND, CANNOT_EXECUTE}:
            reason = step.error or first_line(step.output) or ended(step)
            return Verdict(
                status=Status.ERROR,
                reason=f"{' '.join(step.argv[:2])} could not be run: {reason}",
                failures=(Failure(message=reason, detail=tail(step.output)),),
            )
    return None


def stopped(execution: Execution) -> Verdict | None:
    """Return the `failed` verdict where a step was ended from outside (time, signal), else None."""
    for step in execution.steps:
        if step.timed_out or step.signal is not None:
            reason = f"{shown(step.argv)} {ended(step)}"
            return Verdict(
                status=Status.FAILED, reason=reason, failures=(Failure(message=reason, detail=tail(step.output)),)
            )
    return None


def failed(step: StepRun, *, reason: str | None = None, failures: Iterable[Failure] = ()) -> Verdict:
    """Return a `failed` verdict for a step, with its output's tail when nothing better is known."""
    reason = reason or f"{shown(step.argv)}: {ended(step)}"
    known = tuple(failures) or (Failure(message=reason, detail=tail(step.output)),)
    return Verdict(status=Status.FAILED, reason=reason, failures=known)


def report_of(execution: Execution, name: str) -> Any:
    """Return a JSON report from the out directory, None where it is missing or no JSON: a tool that died half-way."""
    content = execution.files.get(name)
    if content is None:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return None


def relative(path: str, execution: Execution) -> str:
    """Cut the workspace's place from an absolute path; a path elsewhere stays as it is."""
    root = execution.root.rstrip("/") + "/"
    return path.removeprefix(root)


def local(text: str, execution: Execution) -> str:
    """Cut the workspace's place from every path in a text."""
    root = execution.root.rstrip("/")
    return text.replace(f"file://{root}/", "").replace(f"{root}/", "").replace(root, ".")


def tail(text: str, limit: int = DETAIL) -> str:
    """Return the end of an output, from a line's start."""
    text = text.strip("\n")
    if len(text) <= limit:
        return text
    return text[-limit:].partition("\n")[2]


def shown(argv: tuple[str, ...]) -> str:
    """Return a command as a person would name it: without our report options, cut after a few words."""
    words = [word for word in argv if "SHIPWAY_OUT" not in word]
    return " ".join(words[:WORDS]) + (" ..." if len(words) > WORDS else "")

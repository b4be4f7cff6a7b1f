"""What the warden tells of a step that ended, as a StepRun: the same on both executors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.model import Network, Step, StepRun

if TYPE_CHECKING:
    from collections.abc import Mapping


def step_run(step: Step, event: Mapping[str, Any], output: tuple[str, int], network: Network) -> StepRun:
    """Return it. `output` is what is kept of what it printed, and the number of bytes that are left out."""
    return StepRun(
        argv=step.argv,
        cwd=step.cwd,
        seconds=event["seconds"],
        exit_code=event.get("exit_code"),
        signal=event.get("signal"),
        timed_out=event.get("timed_out", False),
        error=event.get("error"),
        output=output[0],
        omitted=output[1],
        background=step.background,
        living=tuple(event.get("living", ())),
        network=network,
    )

"""What a run would do, stage by stage, and why each thing was chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from ci.model import STAGES, Check, Network, Plan, Reuse
from ci.reporting.terminal import say, width_of
from ci.reporting.wording import fitted, one_line
from ci.text import count

if TYPE_CHECKING:
    from rich.console import Console


def print_plan(console: Console, plan: Plan) -> None:
    """Print the plan: for each stage its checks with package, reason and command, and what is left out and why."""
    width = width_of(console)
    for stage in STAGES:
        checks = [check for check in plan.checks if check.stage == stage.name]
        skips = [skip for skip in plan.skips if skip.stage == stage.name]
        whole = next((skip.reason for skip in skips if skip.name is None), None)
        title = Text.assemble((stage.name, "bold"), (f"  target {stage.target:g} s  ", "dim"))
        what = f"skipped: {one_line(whole)}" if whole else "nothing planned"
        title.append(count(len(checks), "check") if checks else what)
        say(console, title)
        for check in checks:
            say(console, *_check(check, width))
        for skip in skips:
            if skip.name is not None or checks:
                name = " ".join(one_line(part) for part in (skip.name or "", skip.package) if part and part != ".")
                say(console, _indented("  – ", f"{name} skipped: {skip.reason}", width, "dim"))  # noqa: RUF001 - the mark of a skip
        say(console, "")
    for notice in plan.notices:
        say(console, Text(f"– {one_line(notice)}", "yellow"))  # noqa: RUF001 - the mark of a notice


def _check(check: Check, width: int) -> list[Text]:
    name = one_line(check.name if check.package == "." else f"{check.name} {check.package}")
    head = Text(f"  {name}")
    if check.why:
        head.append("  ").append(fitted(check.why, max(width - head.cell_len, 20)), "dim")
    command = check.repeat or " ".join(check.steps[-1].argv if check.steps else ())
    return [head, _indented("    $ ", command, width, "cyan")] if command else [head]


def _indented(mark: str, words: str, width: int, style: str) -> Text:
    return Text(mark, style).append(fitted(words, width - len(mark)))


def plan_document(plan: Plan) -> dict[str, Any]:
    """Return the plan as plain JSON values."""
    return {
        "schema": 1,
        "stages": [
            {
                "name": stage.name,
                "target": stage.target,
                "checks": [_check_document(check) for check in plan.checks if check.stage == stage.name],
                "skips": [
                    {"name": skip.name, "package": skip.package, "reason": skip.reason}
                    for skip in plan.skips
                    if skip.stage == stage.name
                ],
            }
            for stage in STAGES
        ],
        "notices": list(plan.notices),
    }


def _check_document(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "name": check.name,
        "package": check.package,
        "why": check.why,
        "repeat": check.repeat,
        "needs": list(check.needs),
        "steps": [
            {"argv": list(step.argv), "cwd": step.cwd, "timeout": step.timeout, "background": step.background}
            for step in check.steps
        ],
        "services": [service.name for service in check.services],
        "tools": dict(check.toolchain.tools),
        "inputs": list(check.inputs),
        "outside": check.network is Network.OUTSIDE,
        "cacheable": check.reuse is not Reuse.NEVER,
        "alone": check.alone,
    }

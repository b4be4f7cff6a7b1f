"""The model's part of a cycle: a box with a checkout, what it may run there, and what came of it as a proposal."""

from __future__ import annotations

import dataclasses
import functools
import secrets
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.diagnosis import patch as patches
from ci.diagnosis import seen, transcript
from ci.diagnosis.agent import diagnose
from ci.diagnosis.budget import Purse
from ci.diagnosis.canary import Canary
from ci.diagnosis.checkout import Checkout
from ci.diagnosis.cycle import bench, off_thread, packed, whole_files
from ci.diagnosis.ending import Ending
from ci.diagnosis.laying import lay_out
from ci.diagnosis.patch import Refused
from ci.diagnosis.problem import Excerpt, Problem
from ci.diagnosis.proposed import LONGEST, MODEL, OUT_OF_ITS_BOX, Proposed, plain
from ci.diagnosis.quoting import Quoting
from ci.diagnosis.secretive import is_secret
from ci.diagnosis.story import history
from ci.diagnosis.toolbox import Toolbox
from ci.errors import UsageError
from ci.journal.spendings import Allowance
from ci.monorepo import snapshot as snapshots

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ci.diagnosis.cycle import Cycle
    from ci.diagnosis.ending import Diagnosis
    from ci.diagnosis.transcript import Entry
    from ci.model import CheckRun
    from ci.vendors.model import Model

PATCH, PROPOSED, TRANSCRIPT = "patch", "proposed", "transcript"
LOOKED_AT = 20_000  # characters of what changed
INSTALLED = frozenset({"package.json", "pnpm-lock.yaml", "pnpm-workspace.yaml", ".npmrc", ".pnpmfile.cjs"})
RUNNABLE = frozenset({"lint", "typecheck", "unit", "integration", "e2e"})  # what needs no network


async def ask(cycle: Cycle, model: Model, note: Callable[[str], None]) -> dict[str, Any]:
    """Have the model find the cause; return what it proposes. Raises VendorError where it could not be asked at all."""
    box = cycle.place / "box"
    workspace = await snapshots.check_out(cycle.root, cycle.commit, box)
    await anyio.to_thread.run_sync(lay_out, workspace, cycle.files)
    word = secrets.token_hex(16)
    (box / ".git" / "shipway").write_text(f"token={word}\n", encoding="utf-8")
    checks = await _checks(cycle)
    quoting = Quoting(redactor=cycle.redactor)
    toolbox = Toolbox(Checkout(box), quoting, checks=checks, run=functools.partial(_run, cycle, box))
    own = cycle.own
    allowance = Allowance(cycle=own.dollars_a_cycle, day=own.dollars_a_day, steps=own.steps, seconds=own.time)
    purse = Purse(cycle.journal.spendings, cycle.beginning, cycle.number, allowance=allowance)
    entries: list[Entry] = []
    found = await diagnose(await _problem(cycle), model, toolbox, purse, note=entries.append, canary=Canary(word))
    note(f"{model.name}: {found.ending.value}: {found.reason} ({found.steps} steps, ${found.cost:.2f})")
    patch = b"" if found.ending is Ending.CANARY else await patches.collect(await bench(cycle), box, cycle.start)
    return {
        PROPOSED: plain(_proposed(found)),
        PATCH: packed(patch),
        TRANSCRIPT: transcript.drawn(entries),
    }


def _proposed(found: Diagnosis) -> Proposed:
    base = Proposed(
        author=MODEL,
        tier=3,
        ended=f"{found.ending.value}: {found.reason}"[:LONGEST],
        dollars=found.cost,
        steps=found.steps,
    )
    if found.ending is Ending.CANARY:
        return dataclasses.replace(base, over=OUT_OF_ITS_BOX, alarm=True)
    if (said := found.found) is None:
        return base
    return dataclasses.replace(
        base, cause=said.cause, approach=said.approach, complexity=said.complexity, tier=said.tier
    )


async def _problem(cycle: Cycle) -> Problem:
    """Return what is told of the failure: the facts, what changed, who said what of it, and what was tried before."""
    good, excerpts = cycle.facts.good or await cycle.history.parent(cycle.commit), list[Excerpt]()
    if good is not None and await cycle.history.has(good):
        hidden = [
            path for path in await cycle.history.changed(good, cycle.commit) if any(map(is_secret, path.split("/")))
        ]
        changed = await cycle.history.diff(good, cycle.commit, most=LOOKED_AT, without=hidden)
        told = [f"{len(hidden)} of the changed files may hold secrets, and are not shown\n"] if hidden else []
        excerpts.append(Excerpt(kind="what changed", text="".join((*told, changed))))
        said = "\n\n".join(await cycle.history.messages(cycle.commit, without=good))
        excerpts.append(Excerpt(kind="messages of commits", text=said))
    if before := await off_thread(lambda: history(cycle)):
        excerpts.insert(0, Excerpt(kind="earlier cycles", text="\n".join(before)))
    return Problem(facts=cycle.facts, excerpts=tuple(excerpts))


async def _checks(cycle: Cycle) -> tuple[str, ...]:
    """Return the checks that the model may run: those that failed, and those that read the files in question."""
    files = (*cycle.facts.files, *cycle.facts.suspects)
    near = await cycle.trials.checks_of(cycle.tree(), files) if files else ()
    return tuple(each for each in dict.fromkeys((*cycle.facts.checks, *near)) if each.partition("/")[0] in RUNNABLE)


async def _run(cycle: Cycle, box: Path, check: str) -> str:
    """Run a check over the box as it is now. Raises UsageError where that would install something else."""
    files: dict[str, bytes | None] = {}
    patch = await patches.collect(await bench(cycle), box, cycle.start)
    if patch:
        patched = await patches.apply(await bench(cycle), cycle.start, patch)
        if isinstance(patched, Refused):
            raise UsageError(patched.reason)
        files = await whole_files(cycle, patched)
    if changed := sorted(path for path in files if path.rpartition("/")[2] in INSTALLED):
        raise UsageError(f"{changed[0]} was changed, and what is installed is not changed here: finish with tier 2")
    report = await cycle.trials.run(cycle.tree(files), (check,))
    runs = [each for each in seen.checks(report) if each.id == check]
    return "\n\n".join(map(_told, runs)) or f"with these changes there is no check {check}"


def _told(run: CheckRun) -> str:
    lines = [f"{run.id}: {run.status.value}{f': {run.reason}' if run.reason else ''}"]
    lines += [f"{run.counts.tests} tests, {run.counts.failed or 0} failed"] if run.counts.tests is not None else []
    for failure in run.failures:
        where = f"{failure.file}:{failure.line}" if failure.line else failure.file or ""
        lines.append(" ".join(filter(None, (where, failure.test, failure.rule, failure.message))))
        lines += [failure.detail] if failure.detail else []
    return "\n".join(lines)

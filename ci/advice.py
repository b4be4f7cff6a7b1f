"""A diagnosis for one's own machine: of a report, on the files as they are, printed; applied only where that is asked.

Nothing is kept but what a model cost.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci import config
from ci.diagnosis import asking, finding, seen, triage
from ci.diagnosis import patch as patches
from ci.diagnosis.cases import tree_of
from ci.diagnosis.cycle import Cycle, bench, unpacked, whole_files
from ci.diagnosis.proposed import READER, Proposed
from ci.errors import UsageError
from ci.executors.cache import held
from ci.halves import key_of, model_of, redactor_with
from ci.journal.incidents import Incident, Stage
from ci.model import RunVerdict
from ci.promotion.history import History
from ci.trials import HostedTrials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from rich.console import Console

    from ci.diagnosis.facts import Facts
    from ci.journal import Journal
    from ci.model import RunReport

NAME, EMAIL = "Shipway", "shipway@localhost"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What was found: `patch` goes over the files as they are, and makes what failed pass where it is `proven`."""

    proposed: Proposed
    patch: str = ""
    proven: bool = False
    transcript: str = ""


async def advise(report: RunReport, root: Path, journal: Journal, console: Console, *, executor: str) -> Advice:
    """Find why a run of these files failed. Raises UsageError where it did not, or where git cannot tell of them."""
    if report.verdict is RunVerdict.PASSED:
        raise UsageError("the report is green: there is nothing to be diagnosed")
    async with _cycle(report, root, journal, console, executor) as cycle:
        wanted = cycle.facts.checks
        again = await cycle.trials.run(cycle.tree(), wanted)
        if not seen.red(again):
            return Advice(proposed=Proposed(cause="it passes now, on the files as they are", flaky=True))
        repaired = await finding.repaired(cycle)
        if repaired is not None:
            said = Proposed(author=repaired[0], cause=cycle.facts.reason, approach=f"what {repaired[0]} makes of it")
            return Advice(proposed=said, patch=repaired[1].decode(errors="replace"), proven=True)
        if cycle.model is None:
            return Advice(proposed=Proposed(ended="no tool repairs it, and [diagnosis.model] names no model"))
        found = await asking.ask(cycle, cycle.model, functools.partial(console.print, markup=False))
        patch = unpacked(found[asking.PATCH])
        return Advice(
            proposed=READER.validate_python(found[asking.PROPOSED]),
            patch=patch.decode(errors="replace"),
            proven=await _passes(cycle, patch, wanted),
            transcript=str(found[asking.TRANSCRIPT]),
        )


async def _passes(cycle: Cycle, patch: bytes, wanted: tuple[str, ...]) -> bool:
    """Whether what failed passes with a patch."""
    patched = await patches.apply(await bench(cycle), cycle.start, patch) if patch else None
    if patched is None or isinstance(patched, patches.Refused):
        return False
    files = await whole_files(cycle, patched)
    return not seen.red(await cycle.trials.run(cycle.tree(files), wanted, anew=True))


@contextlib.asynccontextmanager
async def _cycle(
    report: RunReport, root: Path, journal: Journal, console: Console, executor: str
) -> AsyncIterator[Cycle]:
    """Give what a diagnosis works with, on the files as they are."""
    history, settings = History(root=root), config.load(root)
    head = await history.whole("HEAD")
    identity = f"report-{report.id}"
    key = await key_of(settings, root)
    with held(f"diagnosis-{secrets.token_hex(6)}") as (_, place):
        (place / "trials").mkdir()
        async with model_of(settings, key) as model:
            cycle = Cycle(
                incident=Incident(
                    id=identity,
                    environment=triage.MAIN,
                    commit=head,
                    what="",
                    reason="",
                    state=Stage.WAITING,
                    moment=time.time(),
                ),
                beginning=identity,
                number=1,
                facts=await _facts(report, identity, head, history),
                settings=settings,
                root=root,
                place=place,
                journal=journal,
                history=history,
                trials=HostedTrials(root=root, place=place / "trials", console=console, executor=executor),
                redactor=redactor_with(key),
                model=model,
            )
            yield await _as_it_is(cycle)


async def _as_it_is(cycle: Cycle) -> Cycle:
    """Return it about the files as they are: with what nobody has committed yet."""
    made = await bench(cycle)
    changed = await patches.collect(made, await cycle.history.top(), cycle.commit)
    if not changed:
        return cycle
    patched = await patches.apply(made, cycle.commit, changed)
    if isinstance(patched, patches.Refused):
        raise UsageError(f"what is not committed cannot be taken along: {patched.reason}", hint="commit it first")
    base = await patches.commit_tree(
        made, patched.tree, parent=cycle.commit, message="as it is", name=NAME, email=EMAIL, moment=0
    )
    return dataclasses.replace(cycle, files=await whole_files(cycle, patched), base=base)


async def _facts(report: RunReport, identity: str, head: str, history: History) -> Facts:
    tree = await tree_of(history, head)
    return triage.of_report(dataclasses.replace(report, commit=head), incident=identity, tree=tree)

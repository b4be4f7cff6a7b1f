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
from ci.diagnosis import asking, finding, proving, seen, triage
from ci.diagnosis import patch as patches
from ci.diagnosis.cases import tree_of
from ci.diagnosis.cycle import Cycle, bench, unpacked, whole_files
from ci.diagnosis.proposed import READER, Proposed
from ci.errors import UsageError
from ci.executors.cache import held
from ci.gates.denials import denials
from ci.halves import key_of, model_of, redactor_with
from ci.journal.incidents import Incident, Stage
from ci.model import Outcome, RunVerdict
from ci.promotion.history import History
from ci.trials import HostedTrials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from rich.console import Console

    from ci.diagnosis.facts import Facts
    from ci.diagnosis.patch import Patched
    from ci.journal import Journal
    from ci.model import RunReport

NAME, EMAIL = "Shipway", "shipway@localhost"


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What was found: `patch` goes over the files as they are, and makes what failed pass where it is `proven`.

    `held` are reasons for which a person reads it first: it is not put over files by itself.
    """

    proposed: Proposed
    patch: str = ""
    proven: bool = False
    held: tuple[str, ...] = ()
    transcript: str = ""

    @property
    def unfit(self) -> str | None:
        """Why its patch is not put over files, None where it may be."""
        if not self.proven:
            return "it is not proven"
        return "it is for you to read first, and `git apply` takes it then" if self.held else None


async def advise(report: RunReport, root: Path, journal: Journal, console: Console, *, executor: str) -> Advice:
    """Find why a run of these files failed. Raises UsageError where it did not, or where git cannot tell of them."""
    if report.kind != "run":
        hint = "`shipway incident list` names what can be diagnosed"
        raise UsageError(f"the report is one of a {report.kind}, and not of a run of the stages", hint=hint)
    if report.verdict is RunVerdict.PASSED:
        raise UsageError("the report is green: there is nothing to be diagnosed")
    note = functools.partial(console.print, markup=False)
    async with opened(report, root, journal, console, executor=executor, note=note) as cycle:
        return await find(cycle, note)


async def find(cycle: Cycle, note: Callable[[str], None]) -> Advice:
    """Find the cause, and what mends it. Raises UsageError where no check is red."""
    wanted = cycle.facts.checks
    if not wanted:
        raise UsageError("no check is red in the report: there is nothing to be run again")
    if seen.passed(await cycle.trials.run(cycle.tree(), wanted), wanted):
        return Advice(proposed=Proposed(cause="it passes now, on the files as they are", flaky=True))
    repaired = await finding.repaired(cycle)
    if repaired is not None:
        said = Proposed(author=repaired[0], cause=cycle.facts.reason, approach=f"what {repaired[0]} makes of it")
        patched = await patches.apply(await bench(cycle), cycle.start, repaired[1])
        held = (patched.reason,) if isinstance(patched, patches.Refused) else await _held(cycle, said, patched)
        return Advice(proposed=said, patch=repaired[1].decode(errors="replace"), proven=True, held=held)
    if cycle.model is None:
        return Advice(proposed=Proposed(ended="no tool repairs it, and no model is connected"))
    found = await asking.ask(cycle, cycle.model, note)
    patch, said = unpacked(found[asking.PATCH]), READER.validate_python(found[asking.PROPOSED])
    proven, held = await _judged(cycle, said, patch, wanted)
    return Advice(
        proposed=said,
        patch=patch.decode(errors="replace"),
        proven=proven,
        held=held,
        transcript=str(found[asking.TRANSCRIPT]),
    )


async def _judged(
    cycle: Cycle, proposed: Proposed, patch: bytes, wanted: tuple[str, ...]
) -> tuple[bool, tuple[str, ...]]:
    """Return whether what failed passes with the source of a patch, and why a person reads that first.

    Tests and configurations stay as they are, and the same gates are asked as for a fix of main: whoever is told by a
    log to write a hook does not have it on somebody's machine.
    """
    patched = await patches.apply(await bench(cycle), cycle.start, patch) if patch else None
    if patched is None:
        return False, ()
    if isinstance(patched, patches.Refused):
        return False, (patched.reason,)
    held = await _held(cycle, proposed, patched)
    source = await proving.source_of(cycle, patched, await whole_files(cycle, patched))
    return seen.passed(await cycle.trials.run(cycle.tree(source), wanted, anew=True), wanted), held


async def _held(cycle: Cycle, proposed: Proposed, patched: Patched) -> tuple[str, ...]:
    """Return why a person reads a patch first: by the gates that a fix of main goes by; none where it may go."""
    ruling = await proving.look(cycle, proposed, patched)
    denied = tuple(each for change in patched.changes for each in denials(change))
    free = ruling.ruling is Outcome.PASS and ruling.values["tier"] == 1
    return denied if free else (ruling.reason, *denied)


@contextlib.asynccontextmanager
async def opened(
    report: RunReport, root: Path, journal: Journal, console: Console, *, executor: str, note: Callable[[str], None]
) -> AsyncIterator[Cycle]:
    """Give what a diagnosis works with, on the files as they are; without the model's key, no model."""
    history, settings = History(root=root), config.load(root)
    head = await history.whole("HEAD")
    identity = f"report-{report.id}"
    try:
        key = await key_of(settings, root)
    except UsageError as error:
        note(f"no model is asked: {error}")
        key = None
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

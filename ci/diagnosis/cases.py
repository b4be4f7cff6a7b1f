"""The case of an incident: what is kept of its failure when it is opened, and the facts that both halves make of it.

Only who opens an incident writes its case. Facts are made of it anew by each half: how far a fix may go hangs on them.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from ci import outcome
from ci.diagnosis import closing, seen, triage
from ci.diagnosis.bounds import UNKNOWN, Since, bounds
from ci.diagnosis.places import Tree
from ci.errors import ExitCode, UsageError
from ci.model import STAGE_NAMES
from ci.promotion.inputs import read_inputs
from ci.promotion.promoting import RULING
from ci.reporting.document import from_document, to_json

if TYPE_CHECKING:
    from ci.diagnosis.facts import Facts
    from ci.journal import Journal
    from ci.journal.incidents import Incident
    from ci.model import RunReport
    from ci.promotion.history import History

NOWHERE = Tree(files=(), packages=())
MAIN = 200  # commits of main that are looked back on
REPORT = "report"


def keep(journal: Journal, incident: Incident, report: RunReport | None) -> None:
    """Keep the case of an incident that was opened just now, or again; `report` is the red run, where one was."""
    document = {REPORT: None if report is None else json.loads(to_json(report))}
    facts = _facts(journal, incident, report, NOWHERE, UNKNOWN)
    journal.cases.keep(incident.id, facts.signature, document)


def open_red(journal: Journal, report: RunReport) -> Incident | None:
    """Open the incident of a commit of main whose stages are red, and keep its case; None where none is red."""
    if report.commit is None or outcome.exit_code(report) is not ExitCode.STAGE_FAILED:
        return None
    stage = next(stage for stage in report.stages if stage.status in seen.RED)
    opened = journal.incidents.open(
        main_incident(report.commit),
        environment=triage.MAIN,
        commit=report.commit,
        what=stage.name,
        reason=stage.reason or stage.status.value,
        again=True,
    )
    if journal.cases.signature(opened.id) is None:
        closing.end(journal, opened.id, f"{opened.id} was opened again")  # it is about what failed before
    keep(journal, opened, report)
    return opened


def main_incident(commit: str) -> str:
    """Return the name of the incident of a commit with which main is red."""
    return f"{triage.MAIN}-{commit[:12]}"


async def facts_of(journal: Journal, incident: Incident, history: History) -> Facts:
    """Return what is known of an incident's failure. Raises UsageError where git cannot tell of its commit."""
    kept = journal.cases.of(incident.id)
    document = (kept or {}).get(REPORT)
    report = from_document(document) if document is not None else None
    tree = await tree_of(history, incident.commit)
    since = await _since(journal, incident, history, report)
    return _facts(journal, incident, report, tree, since)


def _facts(journal: Journal, incident: Incident, report: RunReport | None, tree: Tree, since: Since) -> Facts:
    if report is not None and incident.environment == triage.MAIN:
        return triage.of_report(report, incident=incident.id, tree=tree, since=since)
    refusal = journal.flows.refusal(incident.id)
    rulings = () if refusal is None else tuple(RULING.validate_python(each) for each in refusal.rulings)
    return triage.of_refusal(
        incident=incident.id,
        environment=incident.environment,
        commit=incident.commit,
        step=incident.what,
        reason=incident.reason,
        rulings=rulings,
        tree=tree,
        report=report,
        since=since,
    )


async def tree_of(history: History, commit: str) -> Tree:
    """Return the files of a commit and its packages. Raises UsageError where git does not have it."""
    return Tree(files=frozenset(await history.paths(commit)), packages=await packages_of(history, commit))


async def packages_of(history: History, commit: str) -> tuple[str, ...]:
    """Return the directories of a commit's packages; none where its manifests cannot be read: they may be broken."""
    try:
        return tuple((await read_inputs(history, commit)).workspace.by_path)
    except UsageError:
        return ()


async def _since(journal: Journal, incident: Incident, history: History, report: RunReport | None) -> Since:
    """Return since when it is so: for a stage by recorded runs, else by what served before."""
    main = tuple(each.sha for each in await history.log(incident.commit, without=(), most=MAIN))
    what = incident.what if incident.what in STAGE_NAMES or report is None else "a whole run"
    since = bounds(incident.commit, what, main, journal.runs.of_commits(main))
    good = since.good
    if good is None and incident.environment != triage.MAIN:
        served = journal.flows.results(incident.id).get("admission", {}).get("served", {})
        good = next(iter(served.get(incident.environment, {}).values()), None)
    if good is not None and not await history.has(good):
        return since
    # Where nothing is known to be well, the commit itself is what one looks at first.
    before = await history.parent(incident.commit) if good is None else await history.whole(good)
    changed = await history.changed(before, incident.commit) if before is not None else ()
    return dataclasses.replace(since, good=good, changed=tuple(path for path in changed if not path.startswith("../")))

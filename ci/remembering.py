"""Where a product's memory is, for whoever needs it, and what a run of the stages leaves there.

A promotion needs a journal that outlasts it. A run does without one where it cannot be had, and says so: the code of a
pull request from a fork is handed no secret.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci import hosts, outcome
from ci.errors import ExitCode, UsageError, VendorError
from ci.model import RunVerdict
from ci.reporting.document import to_json
from ci.secrets import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci.hosts import CiRun
    from ci.journal import Journal
    from ci.model import RunReport
    from ci.settings import Settings

SETTING = "journal.url"


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A journal for a run, or why there is none, as notices. `secrets` are what must stand in no report of it."""

    journal: Journal | None = None
    notices: tuple[str, ...] = ()
    secrets: Mapping[str, str] = dataclasses.field(default_factory=dict, repr=False)


async def shared_or_local(settings: Settings, root: Path, url: str | None = None) -> Journal:
    """Return the journal at `url`, else the one that the settings name, else this machine's own.

    Raises UsageError, VendorError.
    """
    # It costs half a second, which a function that has none need not pay.
    from ci.journal import Journal  # noqa: PLC0415

    reference = settings.journal.url
    if url is not None:
        return Journal.remote(url)
    if reference is None:
        return Journal.local(root)
    return Journal.remote(await resolve(reference, root=root, setting=SETTING))


def nothing_lasts(
    where: str = "on a CI host ends with the job", what: str = "set [journal] url in shipway.toml"
) -> UsageError:
    """Return what is said where a promotion would be forgotten."""
    return UsageError(f"what a promotion remembers {where}", hint=f"{what} to a Postgres: a small project at Neon does")


async def lasting(settings: Settings, root: Path, url: str | None = None) -> Journal:
    """Return the journal of all machines that promote; a CI host, whose disk ends with the job, needs a shared one.

    Raises UsageError, VendorError.
    """
    if (url or settings.journal.url) is None and hosts.recognise(os.environ) is not None:
        raise nothing_lasts()
    return await shared_or_local(settings, root, url)


async def memory_for_run(settings: Settings, root: Path) -> Memory:
    """Return the journal for a run; one that is shared and cannot be had is done without, which is said."""
    from ci.journal import Journal  # noqa: PLC0415 - as above

    reference = settings.journal.url
    if reference is None:
        return Memory(journal=Journal.local(root))
    secrets: dict[str, str] = {}
    try:
        secrets["the journal's address"] = await resolve(reference, root=root, setting=SETTING)
        return Memory(journal=Journal.remote(secrets["the journal's address"]), secrets=secrets)
    except (UsageError, VendorError) as error:
        return Memory(notices=(f"no journal: nothing is remembered of this run ({error})",), secrets=secrets)


def remember(report: RunReport, journal: Journal, *, main: str, ci_run: CiRun | None, whole: bool) -> RunReport:
    """Keep a run in the journal; return its report, with a notice of the incident that it opens or closes.

    A green run of all stages (`whole`) on the branch `main` is evidence for its commit. Raises VendorError, UsageError.
    """
    commit = report.commit
    of_main = report.branch == main and not report.dirty and report.pull_request is None
    if commit is not None and of_main:
        proof = whole and report.verdict is RunVerdict.PASSED
        report = _minded(report, journal, commit, proof=proof, on_host=ci_run is not None)
        if proof:
            journal.evidence.record(report.id, commit=commit, environment=None, report=to_json(report))
    journal.runs.record(report, whole=whole)
    return report


def _minded(report: RunReport, journal: Journal, commit: str, *, proof: bool, on_host: bool) -> RunReport:
    """Open an incident where a CI host finds main red; proof that the commit is green closes it."""
    identity = f"main-{commit[:12]}"
    if proof and journal.incidents.close(identity):
        return _noticed(report, f"the incident {identity} is closed: its commit is green now")
    if on_host and outcome.exit_code(report) is ExitCode.STAGE_FAILED:
        # What it takes is of use to nobody whose runs are green.
        from ci.diagnosis import cases  # noqa: PLC0415

        cases.open_red(journal, report)
        return _noticed(report, f"the incident {identity} is open: this commit is promoted nowhere")
    return report


def _noticed(report: RunReport, line: str) -> RunReport:
    return dataclasses.replace(report, notices=(*report.notices, line))

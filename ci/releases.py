"""A promotion as somebody asks for it: with all that it works with, as far as it goes now, and its report written."""

from __future__ import annotations

import functools
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio.to_thread
from rich.console import Console

from ci import config, promoted
from ci.asked import REPORT, Promoted, PromotionRequest
from ci.commits import Commits
from ci.diagnosis import cases
from ci.errors import UsageError, VendorError
from ci.journal import State
from ci.promotion.carrying import KIND, Fence, go_on, order
from ci.promotion.connected import connected
from ci.promotion.history import History
from ci.promotion.notices.delivering import retry_due
from ci.promotion.promoting import Promotion
from ci.rehearsal.mark import rehearsing
from ci.reporting.closing import say_closing
from ci.reporting.files import write_report
from ci.reporting.flowview import FlowView
from ci.reporting.html import to_html
from ci.secrets import resolve
from ci.vendors.github import client as github

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ci.journal import Flow, Journal
    from ci.settings import Settings


async def carry(request: PromotionRequest, root: Path, journal: Journal, flow: Flow, console: Console) -> Promoted:
    """Carry a promotion as far as it goes now, and write its report."""
    served = flow.asked.get("served")
    async with opened(request, root, journal, flow.commit, console, served=served) as (promotion, fence):
        names = order(promotion, flow)
        view = FlowView(console, names)
        try:
            ended = await go_on(promotion, flow, fence, view, wait=request.wait)
        except VendorError as error:
            error.hint = error.hint or f"`shipway resume {flow.environment}` goes on where it stands"
            raise
        work = promotion.work if isinstance(promotion.work, Commits) else None
        report = promoted.report_of(
            ended,
            journal,
            repository=root.name,
            order=names,
            failed=work.failed if work else None,
            notices=_profile(promotion),
        )
        kept = work.kept if work else None
        incident = journal.incidents.get(flow.id)
        if incident is not None:
            cases.keep(journal, incident, work.failed if work else None)
    directory = request.report or Path(REPORT)
    artifacts, logs = (kept.artifacts, kept.logs) if kept else ({}, {})
    written = write_report(report, directory, artifacts=artifacts, logs=logs)[0]
    say_closing(console, report, os.path.relpath(written.parent))
    return Promoted(report=report, code=promoted.exit_code(ended))


def _profile(promotion: Promotion) -> tuple[str, ...]:
    """Say how long things were, where that is a rehearsal's."""
    if not promotion.rehearsal:
        return ()
    settings = promotion.settings
    if promotion.environment == "staging":
        times, benchmarks = settings.promotion, settings.benchmarks
        said = f"its window lasts {times.soak:g} s, tested every {times.repeat:g} s"
        said += f"; {benchmarks.pairs} pairs of requests a benchmark" if benchmarks else ""
    else:
        watch = settings.watch
        said = (
            f"its window begins after {watch.warm_up:g} s and lasts {watch.window:g} s (at most {watch.extended:g} s)"
        )
        said += f", its armed watch {watch.armed:g} s; errors are read {watch.lag:g} s later"
    return (f"a rehearsal among stand-ins: {said}",)


@asynccontextmanager
async def opened(
    request: PromotionRequest,
    root: Path,
    journal: Journal,
    commit: str,
    console: Console | None,
    *,
    served: str | None = None,
) -> AsyncIterator[tuple[Promotion, Fence]]:
    """Give a promotion with all that it works with, by the commit's own settings. Raises UsageError.

    The commit of a drill is in no clone: it has the files of what is `served`.
    """
    history = History(root=root)
    settings = await settings_of(history, served or commit)
    fence = Fence()
    async with connected(settings, request.environment, root=root, before=fence) as made:
        if made.github is None or made.platform is None:
            raise UsageError(
                f"shipway.toml of {commit[:12]} does not say where {request.environment} is",
                hint=f"a promotion needs [github], and [environments.{request.environment}.vercel] or .commands",
            )
        work = Commits(
            root=root,
            journal=journal,
            console=console or Console(quiet=True),
            executor=request.executor,
            slots=request.slots,
            mirror=request.mirror,
            bring=request.bring,
        )
        yield (
            Promotion(
                environment=request.environment,
                commit=commit,
                settings=settings,
                root=root,
                rehearsal=rehearsing(settings, os.environ),
                history=history,
                journal=journal,
                made=made,
                github=made.github,
                platform=made.platform,
                work=work,
                page=functools.partial(_page, journal, root.name),
            ),
            fence,
        )


async def settings_of(history: History, commit: str) -> Settings:
    """Return the settings that a commit has. Raises UsageError."""
    await history.require(commit, "the candidate")
    return config.loads(await history.text(commit, config.NAME) or "", file=f"{commit[:12]}:{config.NAME}")


def _page(journal: Journal, repository: str, flow: Flow) -> bytes:
    """Draw the report of a promotion as it stands, in the middle of its end."""
    report = promoted.so_far(flow, journal, repository=repository)
    return to_html(report, artifacts={}).encode()


async def tell_again(settings: Settings, root: Path, journal: Journal, console: Console) -> None:
    """Tell people what they could not be told before. Raises UsageError."""
    for name in await anyio.to_thread.run_sync(journal.notices.environments):
        async with connected(settings, name, root=root) as made:
            told = await retry_due(made, journal, say=console.print)
        for line in told.said:
            console.print(line, markup=False)


def soaked(journal: Journal, *, hurried: bool = False) -> str:
    """Return the newest commit that staging used for long enough; `hurried`, or uses still: whoever asks says that.

    Raises UsageError where there is none.
    """
    used = {State.DONE, State.WAITING} if hurried else {State.DONE}
    for flow in journal.flows.recent("staging", kind=KIND):
        if flow.state in used:
            return flow.commit
    hint = "`shipway status` tells how it stands; to release one that was not used there: --commit and --skip-soak"
    raise UsageError("staging has used no commit for long enough", hint=hint)


async def newest(root: Path) -> str:
    """Return the newest commit of main, as GitHub has it. Raises UsageError, VendorError."""
    settings = config.load(root)
    if settings.github is None:
        raise UsageError("shipway.toml has no [github]: where main is, nobody says", hint="name the commit")
    token = await resolve(settings.github.token, root=root, setting="github.token")
    main = settings.environments.development.branch
    async with github.connect(token, settings.github.repository, address=settings.github.address) as hub:
        found = await hub.refs.sha(main)
    if found is None:
        raise UsageError(f"GitHub has no branch {main} in {settings.github.repository}")
    return found

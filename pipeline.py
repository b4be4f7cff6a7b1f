"""The driver: composes stages, gates and deploy steps; reads top to bottom as the story of a release.

The first chapter is a run: take a snapshot of the repository, read what is in it, plan the seven stages, execute what
must run, judge, report. The second is a promotion: a commit, carried step by step to an environment, past gates. The
third is an incident: its cause found, mended, proven, and promoted again.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import os
import secrets
import shlex
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread

from ci import config, hosts, outcome
from ci.asked import REPORT, MendingRequest, Promoted, PromotionRequest, RunRequest
from ci.errors import ExitCode, ShipwayError, ToolError, UsageError, VendorError, graver
from ci.executors.cache import cache_directory, held
from ci.executors.find import find
from ci.model import STAGE_NAMES, Plan, RunReport, RunVerdict, StageRun, Status
from ci.monorepo import snapshot as snapshots
from ci.remembering import SETTING, Memory, lasting, memory_for_run, remember, shared_or_local
from ci.reporting import hosted
from ci.reporting.closing import say_closing
from ci.reporting.document import read_document
from ci.reporting.files import COMMANDS, refuse, write_report
from ci.reporting.live import LiveView
from ci.reporting.terminal import say
from ci.running import Work, carry_out, report_of
from ci.secrets import resolve
from ci.stages import catalogue
from ci.stages.context import Context
from ci.text import few
from ci.toolchains.catalogue import provide
from ci.toolchains.inventory import Entry, inventory

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from rich.console import Console

    from ci.advice import Advice
    from ci.drilled import Drilled
    from ci.hosts import CiRun
    from ci.journal import Journal
    from ci.journal.releases import Release
    from ci.model import IncidentRun, Ruling
    from ci.monorepo.snapshot import Snapshot
    from ci.promotion.findings import Finding
    from ci.promotion.smoking import Smoked
    from ci.promotion.standing import Overview
    from ci.reporting.keepsakes import Keepsakes
    from ci.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """A ruling as a report has it, as it is made again, and what differs; nothing where it is the same."""

    ruling: Ruling
    again: Ruling
    differences: tuple[str, ...]


# --- a run ----------------------------------------------------------------------------------------


async def run(request: RunRequest, console: Console) -> RunReport:
    """Run the stages on the repository as it is now, and write the report.

    Raises UsageError, ToolError, NoExecutorError where no report can be made; all else is in the report.
    """
    started = datetime.datetime.now(datetime.UTC)
    began = time.monotonic()
    directory = request.report or Path(REPORT)
    refuse(directory)  # not after minutes of work
    ci_run = hosts.recognise(os.environ)
    identity = f"{started:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    with held(identity) as (cache, place):
        ground = await find(request.executor, place / "probe")
        snapshot, settings = await _snapshot(request, place, ground.objects)
        memory = Memory() if request.handed else await memory_for_run(settings, snapshot.root)
        history = memory.journal.runs.history() if memory.journal else ()
        plan = _plan(snapshot, settings, memory, request.stages)
        work = Work(
            identity=identity,
            snapshot=snapshot,
            settings=settings,
            plan=plan,
            ground=ground,
            root=snapshot.root,
            cache=cache,
            place=place,
            slots=1 if request.sequential else request.slots or settings.run.slots,
            no_cache=request.no_cache,
            tree=request.handed.tree if request.handed else None,
            mirror=request.mirror,
            hidden=memory.secrets,
        )
        with LiveView(console, plan=plan) as view:
            done = await carry_out(work, view)
            unselected = tuple(name for name in STAGE_NAMES if request.stages and name not in request.stages)
            report = dataclasses.replace(
                report_of(work, done, started=started, seconds=time.monotonic() - began, unselected=unselected),
                commit=snapshot.commit,
                branch=ci_run.branch_of(snapshot.commit, snapshot.branch) if ci_run else snapshot.branch,
                pull_request=ci_run.pull_request if ci_run else None,
                link=ci_run.link if ci_run else None,
                dirty=snapshot.dirty,
                history=history,
            )
            report = dataclasses.replace(
                report,
                notices=(*report.notices, *_edited(snapshot)),
                command=_next_command(report.stages, request),
            )
            report = dataclasses.replace(report, history=(*history, outcome.entry(report)))
            main = settings.environments.development.branch
            report, shown = _tell(
                report, directory, done.kept, view, _remembering(memory.journal, main, ci_run, whole=not unselected)
            )
        if ci_run:
            await hosted.give(
                console, report, ci_run, prefix=snapshot.prefix, summary=shown / "summary.md", environment=os.environ
            )
    return report


def _remembering(
    journal: Journal | None, main: str, ci_run: CiRun | None, *, whole: bool
) -> Callable[[RunReport], RunReport]:
    """Return what keeps a report in the journal. Where that is out of reach, a notice says so; the verdict stays."""

    def keep(report: RunReport) -> RunReport:
        if journal is None:
            return report
        try:
            return remember(report, journal, main=main, ci_run=ci_run, whole=whole)
        except VendorError as error:
            line = f"the journal was lost: nothing is remembered of this run ({error})"
            return dataclasses.replace(report, notices=(*report.notices, line))

    return keep


def _tell(
    report: RunReport,
    directory: Path,
    kept: Keepsakes,
    view: LiveView,
    keep: Callable[[RunReport], RunReport],
) -> tuple[RunReport, Path]:
    """Remember, write and show; what one of them cannot do keeps the verdict from none of the others.

    Returns the report as it was written, and where.
    """
    shown = None
    try:
        report = keep(report)
    finally:
        try:
            shown = write_report(report, directory, artifacts=kept.artifacts, logs=kept.logs)[0].parent
        finally:
            view.finish(report, None if shown is None else os.path.relpath(shown))
    return report, shown


async def plan(path: Path, stages: tuple[str, ...]) -> Plan:
    """Return what a run would do, without running it."""
    with held(f"plan-{secrets.token_hex(6)}") as (_, place):
        snapshot, settings = await _snapshot(RunRequest(path=path), place)
        return _plan(snapshot, settings, await memory_for_run(settings, snapshot.root), stages)


async def tools(path: Path, *, fetch: bool, note: Callable[[str], None]) -> tuple[Entry, ...]:
    """Return the tools that a run of all stages would use and whether they are there; `fetch` gets what is missing."""
    toolchains = [check.toolchain for check in (await plan(path, ())).checks]
    if fetch:
        for toolchain in toolchains:
            await provide(toolchain, cache=cache_directory(), note=note)
    return inventory(toolchains, cache_directory())


# --- environments ---------------------------------------------------------------------------------


async def doctor(path: Path, environment: str) -> tuple[Finding, ...]:
    """Look at an environment's outside services, by reads alone. Raises UsageError where a secret cannot be had."""
    # Clients of ten services, which a run need not pay for.
    from ci.promotion.connected import connected  # noqa: PLC0415
    from ci.promotion.doctor import examine  # noqa: PLC0415
    from ci.rehearsal.mark import rehearsing  # noqa: PLC0415

    root = path.resolve()
    settings = config.load(root)
    async with connected(settings, environment, root=root) as made:
        journal = await shared_or_local(settings, root)
        return await examine(settings, made, journal, rehearsal=rehearsing(settings, os.environ))


async def status(path: Path, journal: str | None = None) -> Overview:
    """Return how each environment stands that is configured, by the journal at that URL. Raises UsageError."""
    from ci.promotion.standing import overview  # noqa: PLC0415 - as above

    root = path.resolve()
    settings = config.load(root)
    return await overview(settings, await shared_or_local(settings, root, journal), root)


async def promote(request: PromotionRequest, console: Console) -> Promoted:
    """Promote a commit, or go on with it where that was left. Raises UsageError, BlockedError, VendorError."""
    from ci.promotion.carrying import begin  # noqa: PLC0415 - as above
    from ci.releases import carry  # noqa: PLC0415 - as above

    refuse(request.report or Path(REPORT))
    root = request.path.resolve()
    journal = await lasting(config.load(root), root, request.journal)
    flow = begin(
        journal,
        request.environment,
        await _wanted(request, root, journal),
        accept_slow=request.accept_slow,
        skip_soak=request.skip_soak,
        hotfix=request.hotfix,
    )
    return await carry(request, root, journal, flow, console)


async def _wanted(request: PromotionRequest, root: Path, journal: Journal) -> str:
    """Return the commit that is asked for; else what staging used, for production, or the newest of main."""
    from ci.releases import newest, soaked  # noqa: PLC0415 - as above

    if request.commit:
        return request.commit
    if request.environment == "production":
        return soaked(journal, hurried=request.hotfix is not None)
    return await newest(root)


async def approve(request: PromotionRequest, console: Console, *, by: str, reason: str) -> Promoted:
    """Let a promotion go on past the step at which it waits for a person. Raises as `promote`."""
    from ci.promotion.carrying import unfinished, waits_at  # noqa: PLC0415 - as above
    from ci.releases import carry  # noqa: PLC0415 - as above

    refuse(request.report or Path(REPORT))
    root = request.path.resolve()
    journal = await lasting(config.load(root), root, request.journal)
    flow = unfinished(journal, request.environment)
    journal.approvals.approve(flow.id, waits_at(journal, flow), by=by, reason=reason)
    return await carry(request, root, journal, flow, console)


async def adopt(path: Path, environment: str) -> Release:
    """Take what an environment serves today for good, so that the first release can be rolled back.

    Raises UsageError, VendorError.
    """
    from ci.promotion import adopting  # noqa: PLC0415 - as above
    from ci.promotion.connected import connected  # noqa: PLC0415 - as above
    from ci.promotion.history import History  # noqa: PLC0415 - as above

    root = path.resolve()
    settings = config.load(root)
    journal = await lasting(settings, root)
    async with connected(settings, environment, root=root) as made:
        if made.platform is None:
            raise UsageError(f"shipway.toml does not say where {environment} is served")
        return await adopting.adopt(
            environment, settings=settings, journal=journal, platform=made.platform, history=History(root=root)
        )


async def drill(request: PromotionRequest, console: Console, scenario: str, *, anyway: bool) -> Drilled:
    """Play a scenario on staging: a bad release is found there, and put back. Raises as `promote`.

    `anyway`: also while a commit is in its testing window, which begins anew then.
    """
    from ci.drilled import drill as play  # noqa: PLC0415 - as above
    from ci.promotion.drills.beginning import Asked  # noqa: PLC0415 - as above
    from ci.promotion.drills.scenario import SCENARIOS as DRILLS  # noqa: PLC0415 - as above

    refuse(request.report or Path(REPORT))
    root = request.path.resolve()
    journal = await lasting(config.load(root), root, request.journal)
    return await play(request, root, journal, Asked(scenario=DRILLS[scenario], anyway=anyway), console)


async def roll_back(request: PromotionRequest, console: Console, reason: str) -> Promoted:
    """Put an environment back to the release of `commit`, else to the newest that proved good. Raises as `promote`."""
    from ci.promotion.carrying import begin_rollback  # noqa: PLC0415 - as above
    from ci.releases import carry  # noqa: PLC0415 - as above

    refuse(request.report or Path(REPORT))
    root = request.path.resolve()
    journal = await lasting(config.load(root), root, request.journal)
    flow = begin_rollback(journal, request.environment, to=request.commit, reason=reason)
    return await carry(request, root, journal, flow, console)


async def resume(request: PromotionRequest, console: Console) -> Promoted:
    """Go on with what was left unfinished in an environment. Raises as `promote`."""
    from ci.promotion.carrying import interrupted  # noqa: PLC0415 - as above
    from ci.releases import carry  # noqa: PLC0415 - as above

    refuse(request.report or Path(REPORT))
    root = request.path.resolve()
    journal = await lasting(config.load(root), root)
    return await carry(request, root, journal, interrupted(journal, request.environment), console)


async def abort(request: PromotionRequest, console: Console, reason: str) -> Promoted:
    """End the promotion that was left unfinished in an environment, and clean up after it. Raises as `promote`."""
    from ci.promotion import carrying  # noqa: PLC0415 - as above
    from ci.releases import carry  # noqa: PLC0415 - as above

    refuse(request.report or Path(REPORT))
    root = request.path.resolve()
    journal = await lasting(config.load(root), root)
    flow = carrying.unfinished(journal, request.environment)
    carrying.abort(journal, flow, reason)
    return await carry(request, root, journal, flow, console)


async def diagnose(request: MendingRequest, console: Console) -> Promoted:
    """Find why something failed, and mend it as far as that may be done alone; promote again what was mended.

    One cycle follows the other until the incident is over, a person is waited for, or has to take over. Raises as
    `promote`.
    """
    from ci import mending  # noqa: PLC0415 - as above
    from ci.mended import exit_code, report_of  # noqa: PLC0415 - as above

    directory = request.report or Path(REPORT)
    refuse(directory)
    root = request.path.resolve()
    settings = config.load(root)
    journal = await lasting(settings, root, request.journal)
    about = await mending.named(journal, root, request.incident)
    request = dataclasses.replace(request, incident=about.id)
    ended = [each async for each in mending.cycles(request, root, journal, console)]
    report = report_of(ended, journal, about, repository=root.name, cycles=settings.diagnosis.cycles)
    artifacts = mending.transcripts(journal, about)
    written = write_report(report, directory, artifacts=artifacts, logs={})[0]
    say_closing(console, report, os.path.relpath(written.parent))
    return Promoted(report=report, code=exit_code(ended[-1]))


async def advise(report: Path, path: Path, console: Console, *, executor: str = "auto", apply: bool = False) -> Advice:
    """Find why a run failed, on the files as they are; `apply` puts what mends it over them, where that is fit for it.

    Raises UsageError, ToolError, NoExecutorError, VendorError.
    """
    from ci.advice import advise as find  # noqa: PLC0415 - as above
    from ci.promotion.history import History  # noqa: PLC0415 - as above

    root = path.resolve()
    journal = await shared_or_local(config.load(root), root)
    found = await find(read_document(report), root, journal, console, executor=executor)
    if apply and found.unfit is None:
        await History(root=root).apply(found.patch)
    return found


async def diagnose_waiting(request: MendingRequest, console: Console) -> ExitCode:
    """Do the same for every incident that waits for a half that is asked for; one that somebody is at is left to them.

    What cannot be gone on with keeps nothing else from it. Raises as `promote`.
    """
    from ci import mending  # noqa: PLC0415 - as above
    from ci.diagnosis.queue import NONE_WAITS  # noqa: PLC0415 - as above
    from ci.promotion.flow import BusyError  # noqa: PLC0415 - as above

    root, directory = request.path.resolve(), request.report or Path(REPORT)
    journal = await lasting(config.load(root), root, request.journal)
    code, failed = ExitCode.PASSED, list[ShipwayError]()
    names = mending.waiting(journal, request)
    for name in names:
        if name not in mending.waiting(journal, request):
            continue  # somebody was quicker
        asked = dataclasses.replace(request, incident=name, patient=False, report=directory / name)
        try:
            code = graver(code, (await diagnose(asked, console)).code)
        except BusyError as error:
            console.print(f"{name}: {error}")
        except ShipwayError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    if not names:
        console.print(NONE_WAITS)
    return code


async def work(request: MendingRequest, console: Console) -> None:
    """Find the cause of every incident that waits for it, as soon as it does, until a signal asks for the end.

    Raises UsageError, ToolError, VendorError.
    """
    from ci import mending  # noqa: PLC0415 - as above
    from ci.journal import Journal  # noqa: PLC0415 - as above

    worker = _worker()
    root = request.path.resolve()
    reference = config.load(root).journal.url
    if reference is None:
        raise UsageError("a worker waits at a journal that machines share", hint="set [journal] url to a Postgres")
    url = await resolve(reference, root=root, setting=SETTING)
    journal = Journal.remote(url)

    note = functools.partial(say, console)

    async def find(name: str) -> None:
        note(f"{name}: its cause is looked for")
        asked = dataclasses.replace(request, incident=name, judge=False, patient=False)
        await mending.propose(asked, root, journal, console)
        note(f"{name}: what was found waits to be judged")

    await worker.work(worker.Work(journal=journal, url=url, find=find, note=note))


def grants() -> str:
    """Return the SQL that limits a login to what a worker needs. Raises ToolError."""
    from ci.journal.login import grants as login  # noqa: PLC0415 - as above

    return f"begin;\n{login()}{_worker().queue_tables()}commit;"


def _worker() -> ModuleType:
    try:
        from ci.diagnosis import worker  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise ToolError("the queue of a worker is not installed", hint="pip install 'shipway[worker]'") from error
    return worker


async def incidents(path: Path, *, everything: bool = False) -> tuple[IncidentRun, ...]:
    """Return the incidents that are open, or all of the last ones, the newest first. Raises UsageError."""
    from ci.mended import incident_run  # noqa: PLC0415 - as above

    root = path.resolve()
    settings = config.load(root)
    journal = await lasting(settings, root)
    found = journal.incidents.recent() if everything else reversed(journal.incidents.going_on())
    return tuple(incident_run(journal, each, cycles=settings.diagnosis.cycles) for each in found)


async def incident(path: Path, name: str) -> IncidentRun:
    """Return an incident with every try at mending it. Raises UsageError where there is none of that name."""
    from ci import mending  # noqa: PLC0415 - as above
    from ci.mended import incident_run  # noqa: PLC0415 - as above

    root = path.resolve()
    settings = config.load(root)
    journal = await lasting(settings, root)
    return incident_run(
        journal, await mending.named(journal, root, name, closed=True), cycles=settings.diagnosis.cycles
    )


async def tick(path: Path, console: Console) -> ExitCode:
    """Do what is due: in windows that go on, for people who could not be told, with promotions past their time.

    What cannot be gone on with keeps nothing else from it. Raises as `promote`.
    """
    from ci import mending  # noqa: PLC0415 - as above
    from ci.mended import exit_code  # noqa: PLC0415 - as above
    from ci.promotion import carrying  # noqa: PLC0415 - as above
    from ci.promotion.flow import BusyError  # noqa: PLC0415 - as above
    from ci.releases import carry, tell_again  # noqa: PLC0415 - as above

    root = path.resolve()
    settings = config.load(root)
    journal = await lasting(settings, root)
    code, failed = ExitCode.PASSED, list[ShipwayError]()
    for flow in carrying.due(journal):
        request = PromotionRequest(path=path, environment=flow.environment, wait=False)
        try:
            code = graver(code, (await carry(request, root, journal, flow, console)).code)
        except ShipwayError as error:
            failed.append(error)
    for name in mending.due(journal):
        if name not in mending.due(journal):  # another one ended it
            continue
        asked = MendingRequest(path=path, incident=name, propose=False, patient=False, wait=False)
        try:
            async for ended in mending.cycles(asked, root, journal, console):
                code = graver(code, exit_code(ended))
        except BusyError:
            code = graver(code, ExitCode.HELD)  # somebody is at it
        except ShipwayError as error:
            failed.append(error)
    await tell_again(settings, root, journal, console)
    if failed:
        raise failed[0]
    return code


async def bar(path: Path, what: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """Change what bars promotions, and say how it is now. Raises UsageError."""
    from ci import mending  # noqa: PLC0415 - as above
    from ci.promotion.barring import change  # noqa: PLC0415 - as above

    root = path.resolve()
    journal = await lasting(config.load(root), root)
    if what == "close":
        return (f"{(await mending.close(journal, root, *words)).id} is closed",)
    return await change(journal, root, what, words)


async def writes(request: PromotionRequest) -> tuple[tuple[str, str], ...]:
    """Return what a promotion would write to outside services, by its steps; nothing is asked of any of them."""
    from ci.promotion.carrying import ROUTES  # noqa: PLC0415 - as above
    from ci.releases import opened  # noqa: PLC0415 - as above

    root = request.path.resolve()
    journal = await lasting(config.load(root), root)
    async with opened(request, root, journal, await _wanted(request, root, journal), None) as (promotion, _):
        every = ROUTES[promotion.environment].every_step(promotion)
    return tuple((step.name, step.writes) for step in every if step.writes)


def replay(path: Path) -> tuple[Replayed, ...]:
    """Make every ruling of a report.json again from what it says was observed.

    Raises UsageError, naming the file, for one that is no report, or that holds a ruling that cannot be read.
    """
    # They bring Postgres' parser, which a run need not pay for.
    from ci.gates import replay as gates  # noqa: PLC0415

    found = []
    for place, ruling in enumerate(read_document(path).rulings, 1):
        try:
            again = gates.replay(ruling)
        except UsageError as error:
            raise UsageError(
                f"{path}: ruling {place} cannot be made again: {error.message}",
                hint=error.hint or "take the report.json as Shipway wrote it",
            ) from error
        found.append(Replayed(ruling=ruling, again=again, differences=gates.differences(ruling, again)))
    return tuple(found)


async def smoke(path: Path, environment: str, commit: str | None) -> Smoked:
    """Make an environment's probes where its users reach it; with `commit`, each app must serve that one.

    Raises UsageError.
    """
    from ci.promotion.smoking import smoke as make  # noqa: PLC0415 - as above

    root = path.resolve()
    settings = config.load(root)
    commits = {app.name: commit for app in settings.apps} if commit else {}
    return await make(settings, environment, root=root, commits=commits)


# --- a rehearsal ----------------------------------------------------------------------------------


async def rehearse_world(console: Console, directory: Path | None, *, staged: bool = False) -> None:
    """Start the stand-ins with the example deployed, show who calls what, and go on until a person ends it.

    `directory` keeps the world for the next time; without one it is gone afterwards. `staged`: ready for a promotion.
    Raises UsageError, ToolError.
    """
    # The servers' libraries are of no use to a run.
    from ci.rehearsal.tenancy import PRODUCTION, STAGING  # noqa: PLC0415
    from ci.rehearsal.world import world  # noqa: PLC0415
    from ci.reporting.rehearsal import tell_calls, tell_checkout, tell_places  # noqa: PLC0415

    with held(f"rehearsal-{secrets.token_hex(6)}") as (cache, place):
        ready = (STAGING, PRODUCTION) if staged else ()
        began = world(directory or place, example=_example(), cache=cache, note=console.print, staged=ready)
        async with began as made:
            async with anyio.create_task_group() as group:
                with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:  # before it is said
                    if made.checkout is not None:
                        tell_checkout(console, made.checkout, made.variables)
                    tell_places(console, [(each.name, each.address, each.what) for each in made.places])
                    group.start_soon(tell_calls, console, made.stand_ins)
                    await anext(aiter(signals))
                group.cancel_scope.cancel()
            console.print("\nending the world")


async def rehearse(name: str, console: Console, into: Path | None, *, real_time: bool = False) -> ExitCode:
    """Play a scenario in a world of its own, by Shipway's own commands in processes of their own; say how it ended.

    In `real_time` windows last as long as they do for a team. Returns 0 where the end is the one that the scenario
    expects. Raises UsageError, ToolError.
    """
    from ci.rehearsal.tenancy import PRODUCTION, STAGING  # noqa: PLC0415 - as above
    from ci.rehearsal.world import world  # noqa: PLC0415 - as above
    from ci.scenarios.catalogue import find_scenario  # noqa: PLC0415 - as above
    from ci.scenarios.playing import play  # noqa: PLC0415 - as above
    from ci.scenarios.report import rehearsed  # noqa: PLC0415 - as above

    scenario = find_scenario(name)
    example, directory = _example(), (into or Path(REPORT)).absolute()
    refuse(directory)
    ready = (STAGING, PRODUCTION) if scenario.live else (STAGING,)
    with held(f"rehearsal-{secrets.token_hex(6)}") as (cache, place):
        began = world(
            place / "world", example=example, cache=cache, note=console.print, staged=ready, real_time=real_time
        )
        profile = "windows last as long as for a team" if real_time else "windows are short; each report says how short"
        told = functools.partial(rehearsed, scenario, example=example, notices=(f"among stand-ins: {profile}",))
        async with began as made:
            write_report(told(None), directory, artifacts={}, logs={})
            played = await play(scenario, made, place / "state", directory / COMMANDS, console.print)
    report = told(played)
    written = write_report(report, directory, artifacts={}, logs={}, keep=COMMANDS)[0]
    say_closing(console, report, os.path.relpath(written.parent))
    return ExitCode.PASSED if report.verdict is RunVerdict.PASSED else ExitCode.DEFECT


def _example() -> Path:
    example = Path(__file__).parent / "examples/receipts"
    if not example.is_dir():
        raise UsageError("the example is not part of this installation", hint="rehearse in a clone of Shipway")
    return example


# --- its parts ------------------------------------------------------------------------------------


async def _snapshot(request: RunRequest, place: Path, objects: str | None = None) -> tuple[Snapshot, Settings]:
    """Copy the repository, and read its settings, which may name more that is to be copied."""
    if request.handed:
        snapshot = await snapshots.adopt(request.path, commit=request.handed.commit, branch=request.handed.branch)
        settings = config.load(snapshot.workspace)
        if settings.run.outside:
            raise UsageError("shipway.toml: [run] outside: a Dagger function sees only the source it is handed")
        return snapshot, settings
    snapshot = await snapshots.take(request.path, place / "snapshot", objects=objects)
    settings = config.load(snapshot.workspace)
    return await snapshots.widen(snapshot, settings.run.outside), settings


def _plan(snapshot: Snapshot, settings: Settings, memory: Memory, stages: tuple[str, ...]) -> Plan:
    baseline = memory.journal.runs.baseline() if memory.journal else None
    made = catalogue.plan(Context.of(snapshot, settings, baseline), stages)
    return dataclasses.replace(made, notices=(*made.notices, *memory.notices))


def _edited(snapshot: Snapshot) -> tuple[str, ...]:
    """Say that files were edited while the run went on: it is about the state at its start."""
    edited = snapshot.edited()
    if not edited:
        return ()
    return (f"edited during the run, so not what this report is about: {few(edited)}",)


def _next_command(stages: tuple[StageRun, ...], request: RunRequest) -> str:
    """Return the next command for the reader: the red stages again, why there is nothing, or what is after green."""
    where = "." if request.handed else shlex.quote(str(request.path))
    red = [stage.name for stage in stages if stage.status in {Status.FAILED, Status.ERROR}]
    asked = [stage for stage in stages if not request.stages or stage.name in request.stages]
    if not red and all(stage.status is Status.SKIPPED for stage in asked):
        return f"shipway plan {where}"
    again = " ".join(["shipway run", where, *(f"--stage {name}" for name in red)])
    return again if red or request.stages else "git push"

"""Waits on a machine of one's own for incidents, and has the cause of each found, one after the other.

What there is to be done stands in the journal. The queue beside it, Procrastinate's, says which worker is at what, and
whose heart beats no longer: then another one goes on where the journal has it, once the dead one's lease is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import procrastinate
import sqlalchemy as sql
from procrastinate import exceptions, retry
from procrastinate.jobs import Status

from ci.diagnosis.cycle import off_thread
from ci.diagnosis.queue import to_be_diagnosed
from ci.errors import ShipwayError, UsageError, VendorError
from ci.journal import LeaseLostError
from ci.journal.login import ROLE
from ci.promotion.flow import RESULT, BusyError, holder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from procrastinate.jobs import Job

    from ci.journal import Entry, Journal

SCHEMA, QUEUE, TASK = "shipway_queue", "diagnosis", "diagnose"
MADE_BY = f"procrastinate {procrastinate.__version__}"
LOOK = 4.0  # seconds between two looks for what waits, or lost its worker
BEAT, SILENCE = 10.0, 30.0  # seconds between two beats, and without any until a worker counts as dead
SOON, LATER = 3, 60  # seconds until what somebody else is at is tried again, and what went wrong
PATIENCE = 15  # seconds to connect


def queue_tables() -> str:
    """Return the SQL that makes the queue, anew where there is one: nothing that lasts is in it."""
    return f"""
drop schema if exists {SCHEMA} cascade;
create schema {SCHEMA};
comment on schema {SCHEMA} is '{MADE_BY}';
set local search_path = {SCHEMA};
{procrastinate.schema.SchemaManager.get_schema()}
grant usage on schema {SCHEMA} to {ROLE};
grant select, insert, update, delete on all tables in schema {SCHEMA} to {ROLE};
grant usage on all sequences in schema {SCHEMA} to {ROLE};
"""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a worker has: the `journal` and its `url`, what finds the cause of an incident, and who is told of it."""

    journal: Journal
    find: Callable[[str], Awaitable[None]]
    note: Callable[[str], None]
    url: str = field(repr=False)


async def work(doing: Work) -> None:
    """Do what waits, until a signal asks for the end: it comes behind the step that goes on.

    Raises UsageError where there is no queue yet, VendorError where it cannot be reached any more.
    """
    await off_thread(lambda: _demand_queue(doing.journal))
    app = _application(doing)
    for name in ("procrastinate", "psycopg.pool"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what they say with a trace is said here in a line
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals, _queue_errors():
        async with app.open_async():
            # Tasks of asyncio's, as Procrastinate's are: its worker ends well when it is cancelled once, and only once.
            working = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    name=holder(),
                    listen_notify=False,  # not there behind a pooler
                    fetch_job_polling_interval=LOOK,
                    delete_jobs="always",
                    install_signal_handlers=False,
                    update_heartbeat_interval=BEAT,
                    stalled_worker_timeout=SILENCE,
                )
            )
            looking = asyncio.create_task(_look(app, doing))
            asked = asyncio.ensure_future(anext(aiter(signals)))
            doing.note("waiting for incidents")
            await asyncio.wait({working, looking, asked}, return_when=asyncio.FIRST_COMPLETED)
            by_signal = asked.done()
            if by_signal:
                doing.note("asked to end: that is done behind this step")
            doing.journal.flows.heard = _leave
            for task in (asked, looking, working):
                task.cancel()
            ended = await asyncio.gather(working, looking, return_exceptions=True)
        for each in ended:
            if isinstance(each, Exception):
                raise each
    if not by_signal:
        raise VendorError("the queue in the journal's Postgres cannot be used any more", hint="start the worker again")


def _application(doing: Work) -> procrastinate.App:
    """Return what Procrastinate works by."""
    address = sql.make_url(doing.url).set(drivername="postgresql").render_as_string(hide_password=False)
    connector = procrastinate.PsycopgConnector(
        conninfo=address,
        kwargs={"options": f"-c search_path={SCHEMA}", "connect_timeout": PATIENCE},
        min_size=1,
        max_size=3,
    )
    app = procrastinate.App(connector=connector)

    @app.task(name=TASK, queue=QUEUE, retry=_Again())
    async def diagnose(incident: str) -> None:
        if incident not in await off_thread(lambda: to_be_diagnosed(doing.journal)):
            return  # somebody was quicker
        try:
            await doing.find(incident)
        except BusyError:
            raise
        except ShipwayError as error:
            doing.note(f"{incident}: {error}")
            raise

    return app


class _Again(retry.BaseRetryStrategy):
    """What was not done is done again: soon where somebody else is at it, or this worker ends."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> retry.RetryDecision:
        """Say when."""
        del job
        return retry.RetryDecision(
            retry_in={"seconds": SOON if isinstance(exception, BusyError | LeaseLostError) else LATER}
        )


async def _look(app: procrastinate.App, doing: Work) -> None:
    """Put what waits into the queue, and what lost its worker back into it."""
    manager = app.job_manager
    while True:
        for job in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=SILENCE):
            doing.note(f"{job.task_kwargs['incident']}: the worker that was at it is dead, and this one takes over")
            try:
                await manager.retry_job(job)
            except exceptions.UniqueViolation:  # it is there a second time
                await manager.finish_job(job, status=Status.FAILED, delete_job=True)
        known = {job.queueing_lock for job in await manager.list_jobs_async(queue=QUEUE)}
        try:
            waiting = await off_thread(lambda: to_be_diagnosed(doing.journal))
        except VendorError as error:
            doing.note(str(error))
            waiting = ()
        for incident in waiting:
            if incident not in known:
                deferrer = app.configure_task(TASK, queue=QUEUE, lock=incident, queueing_lock=incident)
                with contextlib.suppress(exceptions.AlreadyEnqueued):
                    await deferrer.defer_async(incident=incident)
        await asyncio.sleep(LOOK)


def _leave(entry: Entry) -> None:
    """Leave a diagnosis behind a step, for whoever goes on with it. Raises LeaseLostError."""
    if entry.kind == RESULT:
        raise LeaseLostError("this worker was asked to end", hint="another one goes on, or this one once it is back")


def _demand_queue(journal: Journal) -> None:
    """Make sure that the queue is there, as this Procrastinate has it. Raises UsageError."""
    query = f"select obj_description(to_regnamespace('{SCHEMA}'), 'pg_namespace')"
    with journal.store.reading() as connection:
        found = connection.exec_driver_sql(query).scalar_one()
    if found != MADE_BY:
        raise UsageError(
            f"the queue in the journal's Postgres is {'not there' if found is None else f'of {found}'}",
            hint="whoever owns the journal runs what `shipway worker --grants` prints",
        )


@contextlib.contextmanager
def _queue_errors() -> Iterator[None]:
    """Say in one line what the queue would not do. Raises VendorError."""
    try:
        yield
    except exceptions.ConnectorException as error:
        cause = error.__cause__ or error
        raise VendorError(f"the queue in the journal's Postgres cannot be used: {type(cause).__name__}") from None

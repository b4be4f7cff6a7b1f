"""Flows: a promotion or a rollback as steps, each with what was intended and what came of it, in their order.

An intention without a result is where a flow was killed: whoever resumes it reads the world before it does it again.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.errors import UsageError
from ci.journal.tables import ENTRIES, FLOWS, REFUSALS

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ci.journal.store import Store

Facts = Mapping[str, Any]


class State(enum.StrEnum):
    """How a flow stands. It is over in all but the first three."""

    RUNNING = "running"
    PAUSED = "paused"  # in the middle of its steps, for a person's word or a later look; it holds no lease
    WAITING = "waiting"  # for its window to pass; it holds no lease
    DONE = "done"
    BLOCKED = "blocked"  # a stage or a gate said no
    HELD = "held"
    ABORTED = "aborted"


OPEN = (State.RUNNING, State.PAUSED, State.WAITING)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """One promotion or rollback. `asked` is how it was asked for; moments are seconds since 1970.

    Past its `deadline` it is over: whoever looks at it next ends it.
    """

    id: str
    kind: str
    environment: str
    commit: str
    asked: Facts
    state: State
    reason: str | None
    began: float
    deadline: float
    ended: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.state in OPEN


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of a flow: `kind` is "intent" or "result"."""

    flow: str
    number: int
    step: str
    kind: str
    epoch: int
    moment: float
    facts: Facts


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a flow goes on no further: what said no in which step, the exit code of that, and how the flow will end.

    What is left are its closing steps. `rulings` are those that were made in that step, as JSON. `moment` is when it
    was written down, in seconds since 1970.
    """

    step: str
    message: str
    hint: str | None
    code: int
    state: State
    rulings: tuple[Facts, ...] = ()
    moment: float | None = None


class Flows:
    """Of all environments. `heard` is called after each entry is written: where a rehearsal has us killed."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store
        self.heard: Callable[[Entry], None] = lambda _entry: None

    def begin(self, identity: str, *, kind: str, environment: str, commit: str, asked: Facts, lasting: float) -> Flow:
        """Note a new flow, which may last that many seconds. Raises UsageError for an id that is there."""
        with self._store.writing() as connection:
            if connection.execute(sql.select(FLOWS.c.id).where(FLOWS.c.id == identity)).one_or_none():
                raise UsageError(f"there is a flow {identity} already")
            now = self._store.moment(connection)
            row = {
                "id": identity,
                "kind": kind,
                "environment": environment,
                "commit_sha": commit,
                "asked": json.dumps(dict(asked)),
                "state": State.RUNNING.value,
                "began": now,
                "deadline": now + lasting,
            }
            connection.execute(sql.insert(FLOWS).values(row))
        return self.flow(identity)

    def flow(self, identity: str) -> Flow:
        """Return a flow. Raises UsageError where there is none."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(FLOWS).where(FLOWS.c.id == identity)).one_or_none()
        if row is None:
            raise UsageError(f"there is no flow {identity}", hint="`shipway status` names them")
        return _flow(row)

    def recent(self, environment: str | None = None, *, kind: str | None = None, limit: int = 50) -> tuple[Flow, ...]:
        """Return flows, the newest first, of one environment and of one kind where these are named."""
        query = sql.select(FLOWS).order_by(FLOWS.c.began.desc(), FLOWS.c.id.desc()).limit(limit)
        if environment is not None:
            query = query.where(FLOWS.c.environment == environment)
        if kind is not None:
            query = query.where(FLOWS.c.kind == kind)
        with self._store.reading() as connection:
            return tuple(_flow(row) for row in connection.execute(query).all())

    def open(self, environment: str) -> Flow | None:
        """Return the flow that goes on in an environment, None where none does."""
        query = sql.select(FLOWS).where((FLOWS.c.environment == environment) & FLOWS.c.state.in_(OPEN))
        with self._store.reading() as connection:
            row = connection.execute(query.order_by(FLOWS.c.began.desc())).first()
        return None if row is None else _flow(row)

    def going_on(self, *kinds: str) -> tuple[Flow, ...]:
        """Return the flows of some kinds that go on, the oldest first."""
        query = sql.select(FLOWS).where(FLOWS.c.kind.in_(kinds) & FLOWS.c.state.in_(OPEN))
        with self._store.reading() as connection:
            return tuple(_flow(row) for row in connection.execute(query.order_by(FLOWS.c.began, FLOWS.c.id)).all())

    def move(self, identity: str, state: State, reason: str | None = None) -> Flow:
        """Note how a flow stands. One that is over stays as it ended."""
        with self._store.writing() as connection:
            values: dict[str, Any] = {"state": state.value, "reason": reason}
            if state not in OPEN:
                values["ended"] = self._store.moment(connection)
            going_on = (FLOWS.c.id == identity) & FLOWS.c.state.in_(OPEN)
            connection.execute(sql.update(FLOWS).where(going_on).values(values))
        return self.flow(identity)

    def write(self, flow: str, step: str, kind: str, *, epoch: int, facts: Facts) -> Entry:
        """Add an entry."""
        with self._store.writing() as connection:
            last = connection.execute(sql.select(sql.func.max(ENTRIES.c.number)).where(ENTRIES.c.flow == flow)).scalar()
            entry = Entry(
                flow=flow,
                number=(last or 0) + 1,
                step=step,
                kind=kind,
                epoch=epoch,
                moment=self._store.moment(connection),
                facts=json.loads(json.dumps(dict(facts))),
            )
            row = {**vars(entry), "facts": json.dumps(dict(facts))}
            connection.execute(sql.insert(ENTRIES).values(row))
        self.heard(entry)
        return entry

    def entries(self, flow: str) -> tuple[Entry, ...]:
        """Return a flow's entries in their order."""
        query = sql.select(ENTRIES).where(ENTRIES.c.flow == flow).order_by(ENTRIES.c.number)
        with self._store.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Entry(**{**row._mapping, "facts": json.loads(row.facts)}) for row in rows)  # noqa: SLF001 - public

    def refuse(self, flow: str, refusal: Refusal) -> Refusal:
        """Note why a flow goes on no further; the first reason stays."""
        query = sql.select(REFUSALS).where(REFUSALS.c.flow == flow)
        with self._store.writing() as connection:
            if connection.execute(query).one_or_none() is None:
                row = {
                    **vars(refusal),
                    "flow": flow,
                    "state": refusal.state.value,
                    "rulings": json.dumps(refusal.rulings),
                    "moment": self._store.moment(connection),
                }
                connection.execute(sql.insert(REFUSALS).values(row))
            return _refusal(connection.execute(query).one())

    def refusal(self, flow: str) -> Refusal | None:
        """Return why a flow goes on no further, None where it does."""
        with self._store.reading() as connection:
            row = connection.execute(sql.select(REFUSALS).where(REFUSALS.c.flow == flow)).one_or_none()
        return None if row is None else _refusal(row)

    def results(self, flow: str) -> dict[str, Facts]:
        """Return what came of each step that was done."""
        return {entry.step: entry.facts for entry in self.entries(flow) if entry.kind == "result"}


def _refusal(row: Row[Any]) -> Refusal:
    return Refusal(
        step=row.step,
        message=row.message,
        hint=row.hint,
        code=row.code,
        state=State(row.state),
        rulings=tuple(json.loads(row.rulings)),
        moment=row.moment,
    )


def _flow(row: Row[Any]) -> Flow:
    values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
    return Flow(
        commit=values.pop("commit_sha"),
        asked=json.loads(values.pop("asked")),
        state=State(values.pop("state")),
        **values,
    )

"""Notices: what people are told of an incident, by which channel, and what came of that.

A notice is written down before it is sent. One that is pending after a kill may have gone out or not: whoever sends it
again makes that harmless, by a key that the vendor knows.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql

from ci.journal.tables import NOTICES, TALES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.engine import Connection, Row

    from ci.journal.store import Store

HOLD = 180.0  # seconds in which nobody else tries what somebody tries: longer than any vendor's patience
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
LASTING = 86_400.0  # seconds after which a notice is not tried again


class Kind(enum.StrEnum):
    """What is told."""

    OPENED = "opened"
    RESOLVED = "resolved"
    CHANGE = "change"  # another commit serves; its id is the flow's


class Channel(enum.StrEnum):
    """How it is told."""

    MAIL = "mail"
    PAGE = "page"
    ISSUE = "issue"
    CONSOLE = "console"


class Sending(enum.StrEnum):
    """How far it is. What failed is tried again while it has a `due`."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Tale:
    """What there is to tell, as JSON, and a report to go with it; without any secret. It never changes."""

    incident: str
    kind: Kind
    environment: str
    document: str
    report: bytes | None = None
    moment: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A tale by a channel. `reference` is the vendor's own for it, `reason` why it failed, or who does not get it.

    Moments are seconds since 1970: `written`, the last change, and `due`, when it is to be tried again.
    """

    incident: str
    kind: Kind
    channel: Channel
    environment: str
    state: Sending
    tries: int
    reference: str
    reason: str
    written: float
    moment: float
    due: float | None

    @property
    def waits(self) -> bool:
        """Whether it is still to be sent."""
        return self.due is not None


class Notices:
    """Of all environments. `heard` is called after each change of a notice: where a rehearsal has us killed."""

    def __init__(self, store: Store) -> None:
        """Be kept there."""
        self._store = store
        self.heard: Callable[[Notice], None] = lambda _notice: None

    def write(self, tale: Tale, channels: Iterable[Channel]) -> tuple[Notice, ...]:
        """Write down what is to be told, and by which channels, and return all its notices.

        A tale is told once: what is written already stays as it is, with the notices that it has.
        """
        with self._store.writing() as connection:
            now = self._store.moment(connection)
            key = {"incident": tale.incident, "kind": tale.kind.value}
            known = (TALES.c.incident == tale.incident) & (TALES.c.kind == tale.kind.value)
            if connection.execute(sql.select(TALES.c.incident).where(known)).first() is None:
                row = {"environment": tale.environment, "document": tale.document, "report": tale.report}
                connection.execute(sql.insert(TALES).values(**key, **row, moment=now))
                for channel in dict.fromkeys(channels):
                    blank = {"state": Sending.PENDING.value, "tries": 0, "reference": "", "reason": ""}
                    times = {"written": now, "moment": now, "due": now}
                    place = {"channel": channel.value, "environment": tale.environment}
                    connection.execute(sql.insert(NOTICES).values(**key, **place, **blank, **times))
        found = self.of(tale.incident, tale.kind)
        for notice in found:
            self.heard(notice)
        return found

    def tale(self, incident: str, kind: Kind) -> Tale | None:
        """Return what was written, None where nothing was."""
        query = sql.select(TALES).where((TALES.c.incident == incident) & (TALES.c.kind == kind.value))
        with self._store.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
        return Tale(kind=Kind(values.pop("kind")), **values)

    def of(self, incident: str, kind: Kind | None = None) -> tuple[Notice, ...]:
        """Return the notices of an incident, in the order in which they were written."""
        query = sql.select(NOTICES).where(NOTICES.c.incident == incident)
        return self._found(query if kind is None else query.where(NOTICES.c.kind == kind.value))

    def waiting(self, environment: str, *, before: float | None = None) -> tuple[Notice, ...]:
        """Return what is still to be sent in an environment: all of it, or what was due before a moment."""
        these = (NOTICES.c.environment == environment) & NOTICES.c.due.is_not(None)
        return self._found(sql.select(NOTICES).where(these if before is None else these & (NOTICES.c.due <= before)))

    def environments(self) -> tuple[str, ...]:
        """Return the environments in which something is still to be sent."""
        query = sql.select(NOTICES.c.environment).where(NOTICES.c.due.is_not(None)).distinct()
        with self._store.reading() as connection:
            return tuple(sorted(connection.execute(query).scalars()))

    def now(self) -> float:
        """Return the moment by the clock that all who share the journal have."""
        with self._store.reading() as connection:
            return self._store.moment(connection)

    def take(self, notice: Notice) -> Notice | None:
        """Begin a try; None where somebody else began one since the notice was read, or it is over."""
        with self._store.writing() as connection:
            now = self._store.moment(connection)
            same = _key(notice) & (NOTICES.c.tries == notice.tries) & NOTICES.c.due.is_not(None)
            values = {"state": Sending.PENDING.value, "tries": notice.tries + 1, "moment": now, "due": now + HOLD}
            if connection.execute(sql.update(NOTICES).where(same).values(values)).rowcount != 1:
                return None
            taken = self._one(connection, notice)
        self.heard(taken)
        return taken

    def sent(self, notice: Notice, *, reference: str = "", reason: str = "") -> Notice:
        """Note that a channel has it; `reason` is who of those it is for does not get it."""
        return self._end(notice, Sending.SENT, reference, reason, None)

    def failed(self, notice: Notice, reason: str, *, over: bool = False) -> Notice:
        """Note why a channel did not take it. It is tried again later, unless that is `over`."""
        pause = min(FIRST_PAUSE * 2 ** max(0, notice.tries - 1), LONGEST_PAUSE)
        return self._end(notice, Sending.FAILED, "", reason, None if over else pause)

    def _end(self, notice: Notice, state: Sending, reference: str, reason: str, pause: float | None) -> Notice:
        with self._store.writing() as connection:
            now = self._store.moment(connection)
            again = pause is not None and now + pause < notice.written + LASTING
            due = now + pause if again and pause is not None else None
            values = {"state": state.value, "reference": reference, "reason": reason, "moment": now, "due": due}
            unsent = _key(notice) & (NOTICES.c.state != Sending.SENT.value)  # what is sent stays so
            connection.execute(sql.update(NOTICES).where(unsent).values(values))
            ended = self._one(connection, notice)
        self.heard(ended)
        return ended

    def _one(self, connection: Connection, notice: Notice) -> Notice:
        return _notice(connection.execute(sql.select(NOTICES).where(_key(notice))).one())

    def _found(self, query: sql.Select[Any]) -> tuple[Notice, ...]:
        order = (NOTICES.c.written, NOTICES.c.incident, NOTICES.c.kind, NOTICES.c.channel)
        with self._store.reading() as connection:
            return tuple(map(_notice, connection.execute(query.order_by(*order)).all()))


def _key(notice: Notice) -> sql.ColumnElement[bool]:
    return (
        (NOTICES.c.incident == notice.incident)
        & (NOTICES.c.kind == notice.kind.value)
        & (NOTICES.c.channel == notice.channel.value)
    )


def _notice(row: Row[Any]) -> Notice:
    values = dict(row._mapping)  # noqa: SLF001 - its public name for a row as a mapping
    kind, channel, state = Kind(values.pop("kind")), Channel(values.pop("channel")), Sending(values.pop("state"))
    return Notice(kind=kind, channel=channel, state=state, **values)

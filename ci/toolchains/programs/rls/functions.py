"""SECURITY DEFINER functions, which read with their owner's eyes: called where they take no arguments, else listed."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, LiteralString

from psycopg import sql

from .surfaces import Held, look

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from .report import Report
    from .session import Session

_VIEWS: LiteralString = """
    WITH RECURSIVE reads AS (
        SELECT unnest(%s::oid[]) AS relation
        UNION
        SELECT r.ev_class FROM reads JOIN pg_depend d ON d.refobjid = reads.relation
            AND d.refclassid = 'pg_class'::regclass AND d.classid = 'pg_rewrite'::regclass
        JOIN pg_rewrite r ON r.oid = d.objid)
    SELECT c.oid, c.relname::text FROM reads JOIN pg_class c ON c.oid = reads.relation"""
# All of the project's own, and of each whether it is to be tried.
_FUNCTIONS: LiteralString = """
    SELECT p.oid, n.nspname, p.proname::text, pg_get_function_identity_arguments(p.oid),
           p.pronargs <= p.pronargdefaults, concat_ws(' ', p.prosrc, pg_get_function_sqlbody(p.oid)), t.typrelid,
           p.prosecdef AND p.prokind = 'f' AND t.typname NOT IN ('trigger', 'event_trigger', 'void')
               AND has_schema_privilege(%(role)s, n.oid, 'USAGE') AND has_function_privilege(%(role)s, p.oid, 'EXECUTE')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_type t ON t.oid = p.prorettype
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
    ORDER BY n.nspname, p.proname"""


@dataclass(frozen=True, kw_only=True)
class _Function:
    """`returns` is the oid of the relation whose rows it gives, 0 for other types; `words` stand in its source."""

    oid: int
    schema: str
    name: str
    arguments: str
    callable: bool  # without any argument
    words: frozenset[str]
    returns: int
    tried: bool  # SECURITY DEFINER, and the role may call it

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called in an exemption; the first is how it is shown."""
        return (f"{self.schema}.{self.name}({self.arguments})", f"{self.schema}.{self.name}", self.name)


_FIELDS = tuple(field.name for field in fields(_Function))


class Functions:
    """Tries what the role may call."""

    def __init__(self, session: Session, held: Sequence[Held], tenants: tuple[str, str], report: Report) -> None:
        """Take the tables whose rows must not shine through, which hold rows of both tenants."""
        self._session = session
        self._held = held
        self._tenants = tenants
        self._report = report

    def run(self) -> tuple[str, ...]:
        """Call each that needs no argument, for it may read a table by any detour. Return the names of all.

        Reported are those that leak, and those in whose text, or in that of a function that they name, stands a
        table of tenants or a view of one.
        """
        execute, acting = self._session.connection.execute, self._session.acting
        every = [
            _Function(**dict(zip(_FIELDS, (*row[:5], _words(row[5]), *row[6:]), strict=True)))
            for row in execute(_FUNCTIONS, {"role": acting}).fetchall()
        ]
        reading = self._reading(every)
        tried = [function for function in every if function.tried]
        for function in tried:
            leaks, message = self._call(function)
            exempt = self._session.settings.exemption(*function.names) is not None
            untold = function.callable and leaks is None
            if not (leaks or exempt or untold or function.oid in reading):
                continue
            shown = function.names[0]
            self._report.functions.append({"function": shown, "leaks": leaks, "message": message})
            if leaks:
                self._report.problem(shown, f"{shown}, a SECURITY DEFINER function, {message}", kind="function")
        return tuple(name for function in tried for name in function.names)

    def _call(self, function: _Function) -> tuple[bool | None, str]:
        reason = self._session.settings.exemption(*function.names)
        if reason is not None:
            return False, f"exempt: {reason}"
        if not function.callable:
            return None, "it takes arguments, so it was not tried: see that it asks for the tenant itself"
        call = sql.SQL("{}()").format(sql.Identifier(function.schema, function.name))
        seen = look(self._session, call, self._held, self._tenants)
        return seen.leaks, seen.message

    def _reading(self, every: Sequence[_Function]) -> frozenset[int]:
        """Return the functions that name, or give rows of, a table of tenants or a view of one, by any detour."""
        tables = [one.table.oid for one in self._held]
        relations: dict[int, str] = dict(self._session.connection.execute(_VIEWS, [tables]).fetchall())
        known = {_words(name) for name in relations.values()}
        found = [each for each in every if each.returns in relations or _names(each.words, known)]
        reading: set[int] = set()
        while found:
            reading |= {each.oid for each in found}
            known = {_words(each.name) for each in found}
            found = [each for each in every if each.oid not in reading and _names(each.words, known)]
        return frozenset(reading)


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.lower()))


def _names(words: frozenset[str], known: Collection[frozenset[str]]) -> bool:
    return any(name <= words for name in known)

"""What one tenant can do to the other's row, tried for real; each trial is undone.

The statements are blind where they can be: an UPDATE or DELETE without a WHERE reads nothing, so only the policy
of that command holds it back, not the one for SELECT. What they did is then seen with the owner's eyes.

A refusal proves something only if the tenant's own row is not refused as well: a trigger that wants to know the user,
or a sequence without a right to it, refuses both.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psycopg import sql

from .session import Outcome, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from .report import Findings
    from .target import Target


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What tenant `a` can do to the row of tenant `b` in the target. `granted` are the role's rights to it."""

    session: Session
    target: Target
    granted: frozenset[str]
    a: str
    b: str
    report: Findings

    def run(self, *, sees_own: bool = True) -> None:
        """Try everything, and report each trial. Unless its own row is seen, or need not be, it proves nothing."""
        with self.session.role(self.a):
            own = self.session.attempt(self.target.counting(self.a))
            other = self.session.attempt(self.target.counting(self.b))
        if sees_own and "SELECT" in self.granted and not own.value:
            why = own.said or "its own row is not seen with its tenant set"
            self.report.error(f"the trial proves nothing: {why}; check set_tenant, or give rows by `seed`")
        self._say("select", "SELECT", leaks=bool(other.value), outcome=other, bad="tenant A sees rows of tenant B")
        self.update()
        self.delete()
        self.insert()
        self.move()

    def see_without_tenant(self, when: str) -> None:
        """Look at the table as the role with no tenant set."""
        count = sql.SQL("SELECT count(*) FROM {} WHERE {} IS NOT NULL")
        column = sql.Identifier(self.session.settings.tenant_column)
        with self.session.role(None):
            seen = self.session.attempt(count.format(self.target.relation.sql, column))
        bad = f"with no tenant set ({when}) rows of tenants are seen"
        self._say("unset", "SELECT", leaks=bool(seen.value), outcome=seen, bad=bad)

    def update(self) -> None:
        """Try to change rows of B."""

        def touch(tenant: str) -> tuple[Outcome, bool]:
            return self._act(self.target.touching(self.session, tenant))

        outcome, touched = None, False
        for blind in self.target.blind_updates(self.session, self.a):
            outcome, touched = self._act(blind)
            if touched or outcome.error is None:
                break
        if outcome is None or (outcome.error is not None and not touched and self.target.column is not None):
            outcome, touched = touch(self.b)
            touched = touched or outcome.constrained  # no policy has kept the row out of its reach
        bad = "tenant A changes rows of tenant B"
        allowed = bool(self.target.writable(self.session, "UPDATE"))
        self._settle("update", "UPDATE", outcome, touch, leaks=touched, allowed=allowed, bad=bad)

    def delete(self) -> None:
        """Try to delete rows of B."""
        blind = sql.SQL("DELETE FROM {}").format(self.target.relation.sql)

        def delete(tenant: str) -> tuple[Outcome, bool]:
            return self._act(sql.SQL("{} WHERE {}").format(blind, self.target.of(tenant)))

        outcome, gone = self._act(blind)
        if outcome.error is not None and not gone and self.target.column is not None:
            outcome, gone = delete(self.b)
            gone = gone or outcome.constrained  # only a foreign key has saved the row
        allowed = "DELETE" in self.granted
        bad = "tenant A deletes rows of tenant B"
        self._settle("delete", "DELETE", outcome, delete, leaks=gone, allowed=allowed, bad=bad)

    def insert(self) -> None:
        """Try to insert a row as B."""
        outcome, more = self._insert(self.b)
        hushed = functools.partial(self._insert, hush=True)
        leaks = more or self._only_constrained(outcome, hushed)
        allowed = self.target.column in self.target.writable(self.session, "INSERT")
        bad = "tenant A inserts a row as tenant B"
        self._settle("insert", "INSERT", outcome, self._insert, hushed, leaks=leaks, allowed=allowed, bad=bad)

    def move(self) -> None:
        """Try to hand its own row over to B."""

        def hand(tenant: str, *, hush: bool = False) -> tuple[Outcome, bool]:
            with self.session.undone():
                if hush:
                    self.session.hush()
                before = self._places(self.b)
                with self.session.role(self.a):
                    outcome = self.session.attempt(self.target.handing(tenant))
                    return outcome, len(self._places(self.b)) > len(before)

        outcome, moved = hand(self.b)
        hushed = functools.partial(hand, hush=True)
        leaks = moved or self._only_constrained(outcome, hushed)
        allowed = self.target.column in self.target.writable(self.session, "UPDATE")
        bad = "tenant A moves its row to tenant B by an update"
        self._settle("move", "UPDATE", outcome, hand, hushed, leaks=leaks, allowed=allowed, bad=bad)

    def _places(self, tenant: str) -> frozenset[tuple[int, str]]:
        return frozenset(place for base in self.target.bases for place in self.session.places(base, tenant))

    def _act(self, statement: sql.Composed) -> tuple[Outcome, bool]:
        """Execute a statement as A, and say whether a row of B is no longer where it was."""
        with self.session.undone():
            before = self._places(self.b)
            if not self.target.worked:
                self.session.hush()
            with self.session.role(self.a):
                outcome = self.session.attempt(statement)
                touched = bool(before - self._places(self.b))
        return outcome, touched

    def _insert(self, tenant: str, *, hush: bool = False) -> tuple[Outcome, bool]:
        """Insert a copy of the tenant's row as A, and say whether the tenant has one more.

        The row itself makes place first: a constraint may come before a view's own check, and would speak for the
        wrong tenant where a trigger says whose row it is.
        """
        row = self.target.mine if tenant == self.a else self.target.theirs
        with self.session.undone():
            self.session.hush()
            for base in self.target.bases:
                self.session.forget(base, tenant)
            if not hush:
                self.session.unhush()
            before = self._places(tenant)
            with self.session.role(self.a):
                outcome = None
                for insert in self.target.inserts(self.session, row):
                    tried = self.session.attempt(insert)
                    outcome = tried if outcome is None or tried.conclusive else outcome
                    if outcome.conclusive:
                        break
                more = bool(self._places(tenant) - before)
        outcome = outcome or Outcome()
        return replace(outcome, swallowed=outcome.error is None and not outcome.rows and not more), more

    def _only_constrained(self, outcome: Outcome, hushed: Callable[[str], tuple[Outcome, bool]]) -> bool:
        """Say whether a constraint alone refused it. A view's own check comes after: then without foreign keys."""
        return outcome.constrained and (not self.target.is_view or hushed(self.b)[1])

    def _settle(
        self,
        name: str,
        command: str,
        outcome: Outcome,
        again: Callable[[str], tuple[Outcome, bool]],
        hushed: Callable[[str], tuple[Outcome, bool]] | None = None,
        *,
        leaks: bool,
        allowed: bool,
        bad: str,
    ) -> None:
        """Report a trial; what was refused is tried on the tenant's own row, then for both with triggers kept out.

        `again` does it for a tenant, `hushed` without triggers. What is not `allowed` by any right is refused to
        everybody, and proves enough.
        """
        if leaks or not allowed or outcome.works:
            self._say(name, command, leaks=leaks, outcome=outcome, bad=bad)
            return
        refused, own = outcome, again(self.a)[0]
        proven = own.let_through or refused.by_policy
        if not proven and hushed is not None:
            refused, own = hushed(self.b)[0], hushed(self.a)[0]
            proven = refused.by_policy
        if proven:
            self._say(name, command, leaks=False, outcome=refused, bad=bad)
        else:
            said = outcome.said or "a trigger swallows it"
            self.report.error(
                f"the trial of {command} proves nothing: what is refused to tenant A for a row of tenant B is "
                f"refused for its own row too: {said}; give rows by `seed` that it may {command}"
            )
        if refused.by_policy and not own.let_through:
            self.report.note(
                f"its policy for {command} refuses tenant A's own row as well as one of tenant B, "
                "so the trial could not tell them apart"
            )

    def _say(self, name: str, command: str, *, leaks: bool, outcome: Outcome, bad: str) -> None:
        if leaks:
            only = f": only a constraint refuses it ({outcome.said})" if outcome.constrained else ""
            self.report.check(name, ok=False, message=f"{bad}{only}", command=command)
        else:
            good = f"refused: {outcome.said}" if outcome.error is not None else "no row of another tenant is touched"
            self.report.check(name, ok=True, message=good)

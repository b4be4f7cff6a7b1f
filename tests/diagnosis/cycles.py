"""A diagnosis of a small checkout, by whatever model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio

from ci.diagnosis.agent import diagnose
from ci.diagnosis.budget import ALLOWANCE, Purse
from ci.diagnosis.canary import Canary
from ci.diagnosis.facts import Broken, Facts
from ci.diagnosis.problem import Excerpt, Problem
from ci.errors import Trouble, VendorError
from ci.journal import Journal
from ci.model import Failure
from ci.vendors.model import Message, Reply, Role, ScriptedModel, Stop, Text
from tests.diagnosis.checkouts import CANARY, planted, toolbox, use

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.diagnosis.ending import Diagnosis
    from ci.diagnosis.transcript import Entry
    from ci.journal.spendings import Allowance
    from ci.vendors.model import Model, Prompt

CHECK = "unit/vitest@apps/web"
FACTS = Facts(
    incident="i-1",
    environment="main",
    commit="f00d" * 10,
    what="unit",
    reason="1 test failed",
    signature="s",
    broken=(
        Broken(
            check=CHECK,
            stage="unit",
            package="apps/web",
            reason="1 test failed",
            failures=(Failure(message="amount.toFixd is not a function", file="apps/web/src/pay.ts", line=2),),
            tests=("apps/web/src/pay.test.ts > pays",),
            repeat="pnpm --filter web test",
        ),
    ),
    files=("apps/web/src/pay.ts",),
    packages=("apps/web",),
    suspects=("apps/web/src/pay.ts",),
    good="beef" * 10,
)
FINISH = {
    "cause": "a misspelt method",
    "approach": "spelt it right",
    "tier": 1,
    "complexity": "small",
    "confidence": "high",
}
LOOK = use("read_file", "look", path="apps/web/src/pay.ts")
EDIT = {"path": "apps/web/src/pay.ts", "old": "toFixd", "new": "toFixed"}


@dataclass(kw_only=True)
class Cycle:
    """A checkout, a journal, and what was noted."""

    place: Path
    allowance: Allowance = ALLOWANCE
    run: Callable[[str], Awaitable[str]] | None = None
    excerpts: tuple[Excerpt, ...] = ()
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Plant the checkout."""
        self.root = planted(self.place)
        self.journal = Journal.local(self.root, directory=self.place / "state")
        self.purse = Purse(self.journal.spendings, "i-1", 1, allowance=self.allowance)

    async def diagnosed(self, model: Model) -> Diagnosis:
        """Have the model go at it."""
        return await diagnose(
            Problem(facts=FACTS, excerpts=self.excerpts),
            model,
            toolbox(self.root, run=self.run),
            self.purse,
            note=self.entries.append,
            canary=Canary(CANARY),
        )


def finish(**other: object) -> Reply:
    """Return a reply that is the end."""
    return wanting(use("finish", "end", **{**FINISH, **other}))


def wanting(*parts: object, stop: Stop = Stop.TOOL_USE, cost: float = 0.0) -> Reply:
    """Return a reply of words and uses."""
    told = tuple(Text(text=part) if isinstance(part, str) else part for part in parts)
    message = Message(role=Role.ASSISTANT, parts=told)  # type: ignore[arg-type]
    return Reply(message=message, stop=stop, cost=cost)


def ended(
    cycle: Cycle, *turns: Reply | Callable[[Prompt], Reply], most: float = 0.01
) -> tuple[Diagnosis, ScriptedModel]:
    """Have a script go at it; return what came of it, and the model with what it was asked."""
    model = ScriptedModel(*turns, most=most)
    return anyio.run(cycle.diagnosed, model), model


def lost(*, unsettled: bool) -> Callable[[Prompt], Reply]:
    """Return what loses an answer."""

    def reply(_prompt: Prompt) -> Reply:
        raise VendorError("the model is broken", trouble=Trouble.BROKEN, unsettled=unsettled)

    return reply

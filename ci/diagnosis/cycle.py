"""One try at mending an incident, in two halves: who finds the cause and proposes, and who judges and writes.

Each half is a flow of its own in the journal, under the lease of its incident. The first may need the model's key and
writes nothing outside; the second needs the token that writes, and no model.
"""

from __future__ import annotations

import base64
import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio.to_thread

from ci.diagnosis.bench import Bench, prepare
from ci.diagnosis.contents import contents
from ci.diagnosis.trying import NO_FILES, Tree
from ci.errors import NoExecutorError, ToolError, UsageError
from ci.journal import State
from ci.promotion.flow import BlockedError, FlowStep, PausedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from ci.diagnosis.facts import Facts
    from ci.diagnosis.patch import Patched
    from ci.diagnosis.trying import Trials
    from ci.journal import Flow, Journal
    from ci.journal.fixes import Fix
    from ci.journal.incidents import Incident
    from ci.promotion.connected import Connected
    from ci.promotion.flow import Doing
    from ci.promotion.history import History
    from ci.redact import Redactor
    from ci.settings import Settings
    from ci.settings.diagnosis import Diagnosis
    from ci.vendors.github.client import GitHub
    from ci.vendors.model import Model

FINDING, MENDING, REVERT = "diagnosis", "fix", "revert"  # the kinds of flow
LASTING = 7 * 86_400.0  # seconds: people review within days
CLOSED = "closed"  # in the place of a step: what said no
AHEAD = "incident "  # before what is leased, which is no environment


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """What a half of a cycle works with.

    `beginning` is the incident that all began with: an incident on a commit that was to mend another one goes on with
    that one, and tries are counted over both. `number` counts from 1. `root` is the workspace, `place` a directory of
    this process; the `redactor` knows the secrets of that. The half that finds has nothing `made`, the half that judges
    has no `model`.
    `files` are changes of what failed that nobody has committed, by path from the workspace; `base` is then the commit
    that holds them, in the bench alone.
    """

    incident: Incident
    beginning: str
    number: int
    facts: Facts
    settings: Settings
    root: Path
    place: Path
    journal: Journal
    history: History
    trials: Trials
    redactor: Redactor
    files: Mapping[str, bytes | None] = field(default_factory=lambda: NO_FILES, repr=False)
    base: str | None = None
    made: Connected | None = field(default=None, repr=False)
    model: Model | None = field(default=None, repr=False)

    @property
    def own(self) -> Diagnosis:
        """What is set for it."""
        return self.settings.diagnosis

    @property
    def main(self) -> str:
        """The branch that fixes go to."""
        return self.settings.environments.development.branch

    @property
    def branch(self) -> str:
        """The branch of this cycle's fix."""
        return f"shipway/fix/{self.beginning}/{self.number}"

    @property
    def commit(self) -> str:
        """The commit that failed."""
        return self.incident.commit

    @property
    def start(self) -> str:
        """The commit, in the bench, that a patch begins at."""
        return self.base or self.commit

    def tree(self, files: Mapping[str, bytes | None] = NO_FILES) -> Tree:
        """Return what failed, with some of its files changed."""
        return Tree(commit=self.commit, files={**self.files, **files})

    @property
    def hub(self) -> GitHub:
        """Where fixes go. Raises UsageError."""
        if self.made is None or self.made.github is None:
            raise UsageError("shipway.toml does not say where the repository is", hint="[github] names it")
        return self.made.github


def leased_as(beginning: str) -> str:
    """Return the name under which a cycle of an incident is leased, in the place of an environment."""
    return f"{AHEAD}{beginning}"


def flow_name(kind: str, beginning: str, number: int) -> str:
    """Return the name of a flow about a cycle, by which the journal finds it."""
    return f"{kind}-{beginning}-{number}"


def begin(journal: Journal, kind: str, incident: Incident) -> Flow:
    """Begin a half of a cycle of an incident, or find the one that goes on.

    A second half is of the first proposal that was not judged, and about the incident that this was made for. Raises
    UsageError where there is none.
    """
    beginning = journal.cases.beginning(incident.id)
    _end_proposed(journal, beginning, judged=kind == FINDING)
    flows = journal.flows.recent(leased_as(beginning), kind=kind)
    going_on = next((each for each in flows if each.is_open), None)
    if going_on is not None:
        return going_on
    number = len(flows) + 1
    if kind == MENDING:
        begun = {int(each.asked["cycle"]) for each in flows}
        left = [each for each in unjudged(journal, incident) if each not in begun]
        if not left:
            hint = f"shipway diagnose {incident.id}"
            raise UsageError(f"no proposal for {incident.id} waits to be judged", hint=hint)
        number = left[0]
        incident = _found_for(journal, beginning, number) or incident
    return journal.flows.begin(
        flow_name(kind, beginning, number),
        kind=kind,
        environment=leased_as(beginning),
        commit=incident.commit,
        asked={"incident": incident.id, "beginning": beginning, "cycle": number},
        lasting=LASTING,
    )


def _end_proposed(journal: Journal, beginning: str, *, judged: bool) -> None:
    """End a diagnosis that lost its process behind its proposal, where nobody is at it: what is left is to judge that.

    With `judged` only one of which that was done: else whoever goes on with it has nothing more to do than to end it.
    """
    known = {each.cycle for each in journal.proposals.of(beginning)}
    flows = journal.flows.recent(leased_as(beginning))
    over = {int(each.asked["cycle"]) for each in flows if each.kind == MENDING and not each.is_open}
    wanted = known & over if judged else known
    for each in flows:
        mine = each.kind == FINDING and each.is_open and int(each.asked["cycle"]) in wanted
        if mine and journal.leases.of(each.environment) is None:
            journal.flows.move(each.id, State.DONE)


def unjudged(journal: Journal, incident: Incident) -> tuple[int, ...]:
    """Return the cycles whose proposals wait to be judged to their end, the first first.

    Not those of a diagnosis that ended with its incident, or that was made before this one was opened again.
    """
    beginning = journal.cases.beginning(incident.id)
    flows = journal.flows.recent(leased_as(beginning), kind=MENDING)
    judged = {int(each.asked["cycle"]) for each in flows if not each.is_open}
    found = []
    for each in journal.proposals.of(beginning):
        refusal = journal.flows.refusal(flow_name(FINDING, beginning, each.cycle))
        gone = refusal is not None and refusal.step == CLOSED
        about = _found_for(journal, beginning, each.cycle) or incident
        if each.cycle not in judged and not gone and each.moment >= (journal.cases.moment(about.id) or 0.0):
            found.append(each.cycle)
    return tuple(found)


def _found_for(journal: Journal, beginning: str, number: int) -> Incident | None:
    """Return the incident that a cause was looked for; who has the model wrote that, and it is of this life at most."""
    name = flow_name(FINDING, beginning, number)
    asked = next((each.asked for each in journal.flows.recent(leased_as(beginning)) if each.id == name), {})
    about = str(asked.get("incident", ""))
    return journal.incidents.get(about) if journal.cases.beginning(about) == beginning else None


def mended_by(journal: Journal, fix: Fix) -> str:
    """Return the incident that a fix was made for: in a long life it is not the one that all began with."""
    name = flow_name(MENDING, fix.incident, fix.cycle)
    flows = journal.flows.recent(leased_as(fix.incident))
    return next((str(each.asked["incident"]) for each in flows if each.id == name), fix.incident)


def make_step(
    cycle: Cycle,
    name: str,
    act: Callable[[Cycle, Doing], Awaitable[Mapping[str, Any]]],
    *,
    writes: str = "",
    lasting: float = 3600.0,
) -> FlowStep:
    """Return a step of a cycle, which may last that many seconds.

    What is wrong with this machine says nothing of a fix: the cycle stays at the step, and goes on where that is well.
    """

    async def tried(doing: Doing) -> Mapping[str, Any]:
        try:
            return await act(cycle, doing)
        except (ToolError, NoExecutorError) as error:
            hint = error.hint or f"then `shipway diagnose {cycle.incident.id}` goes on"
            raise PausedError(error.message, hint=hint, code=error.exit_code) from error

    return FlowStep(name=name, act=tried, writes=writes, lasting=lasting)


async def off_thread(act: Callable[[], Any]) -> Any:
    """Ask the journal, which may be far away, beside everything else."""
    return await anyio.to_thread.run_sync(act)


def packed(patch: bytes) -> str:
    """Return a patch as JSON has it."""
    return base64.b64encode(patch).decode()


def unpacked(text: str) -> bytes:
    """Return a patch as it was packed."""
    return base64.b64decode(text)


async def bench(cycle: Cycle) -> Bench:
    """Return the git directory of this process in which patches are tried."""
    place = cycle.place / "bench"
    return Bench(directory=place) if place.exists() else await prepare(cycle.root, place)


async def whole_files(cycle: Cycle, patched: Patched) -> dict[str, bytes | None]:
    """Return what a patch makes of files, by path from the workspace. Raises BlockedError for one outside it."""
    below = await cycle.history.prefix()
    found: dict[str, bytes | None] = {}
    for path, content in (await contents(await bench(cycle), patched)).items():
        name = posixpath.relpath(path, below)
        if name.startswith(".."):
            raise BlockedError(f"it changes {path}, which is not in the workspace")
        found[name] = content
    return found

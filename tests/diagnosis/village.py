"""A village in which incidents are mended: GitHub stands in over a real git repository, and a table runs the checks.

What the code is worth is read off its text: `add` is right where it adds. So a whole cycle takes a second.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console

from ci import config
from ci.diagnosis import cases, escalating, finding, following, judging, reverting
from ci.diagnosis import cycle as halves
from ci.diagnosis.cycle import FINDING, MENDING, Cycle
from ci.diagnosis.queue import to_be_taken_back
from ci.diagnosis.trying import Tree
from ci.errors import ExitCode, ShipwayError
from ci.journal import Journal, Refusal, State
from ci.model import STAGES, CheckRun, Failure, Outcome, Ruling, RunReport, RunVerdict, StageRun, Status
from ci.promotion.carrying import Fence
from ci.promotion.connected import connected
from ci.promotion.flow import carry, leased
from ci.promotion.history import History
from ci.redact import Redactor
from ci.rehearsal.github import GitHub
from ci.rehearsal.github.people import AUTHOR
from ci.rehearsal.serving import serving
from ci.reporting.flowview import FlowView
from ci.vendors.model import Reply, ScriptedModel, ToolUse, using

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from ci.journal import Flow
    from ci.journal.incidents import Incident
    from ci.promotion.flow import Ended, FlowStep
    from ci.vendors.model import Model

SOURCE, TEST, OTHER = "packages/core/src/add.ts", "packages/core/test/add.test.ts", "packages/core/src/other.ts"
NEW_TEST = "packages/core/test/other.test.ts"  # which is not there yet
_TITLE = re.compile(r"^it\('([^']+)'", re.MULTILINE)
_WANTED = re.compile(r"expect\(other\)\.toBe\((\d+)\)")  # by the new test
RIGHT, WRONG = "return a + b;", "return a - b;"
ADDS = f"{TEST} > adds"
SAME = f"{TEST} > is the same"
UNIT, LINT = "unit/vitest@.", "lint/eslint@."
SETTINGS = """
[github]
repository = "{slug}"
token = "file://{token}"
login = "{login}"
address = "{address}"

[diagnosis]
{more}
"""
FILES = {
    "package.json": '{"name": "village", "private": true, "packageManager": "pnpm@10.18.3"}\n',
    "pnpm-workspace.yaml": "packages:\n  - packages/*\n",
    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nimporters:\n\n  .: {}\n\n  packages/core: {}\n",
    "packages/core/package.json": '{"name": "core", "private": true}\n',
    SOURCE: f"export function add(a: number, b: number): number {{\n  {RIGHT}\n}}\n",
    OTHER: "export const other = 1;\n",
    TEST: "it('adds', () => expect(add(1, 2)).toBe(3));\nit('is the same', () => expect(1).toBe(1));\n",
}


@dataclass(kw_only=True)
class TableTrials:
    """Whoever runs checks by reading the text of the files.

    `ran` is what was run, `flaky` how often a test fails still that passes, `fixes` what tools make of files. `taboo`
    is a file with a text that the linter minds, as soon as it is there. `unable`: these checks cannot be run. `broken`
    is what is wrong with the machine, `isolation` how checks are kept apart there.
    """

    history: History
    taboo: Path | None = None
    unable: frozenset[str] = frozenset()
    ran: list[tuple[str, ...]] = field(default_factory=list)
    flaky: int = 0
    fixes: Mapping[str, bytes | None] | None = None
    broken: ShipwayError | None = None
    isolation: tuple[str, ...] = ()

    async def run(self, tree: Tree, checks: tuple[str, ...] = (), *, anew: bool = False) -> RunReport:
        """Say what the text says."""
        del anew
        self.ran.append(checks)
        if self.broken is not None:
            raise self.broken
        files = {path: await self._text(tree, path) for path in (SOURCE, OTHER, TEST, NEW_TEST)}
        every = (self._unit(files), self._lint(files[SOURCE]))
        chosen = [each for each in every if (not checks or each.id in checks) and each.id not in self.unable]
        return dataclasses.replace(report(chosen, tree.commit), isolation=self.isolation)

    async def repair(self, tree: Tree, runs: tuple[CheckRun, ...]) -> tuple[str, Mapping[str, bytes | None]] | None:
        """Repair what it is told to."""
        del tree, runs
        return None if self.fixes is None else ("eslint --fix", self.fixes)

    async def checks_of(self, tree: Tree, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Every check reads every file."""
        del tree, paths
        return (UNIT, LINT)

    async def _text(self, tree: Tree, path: str) -> str:
        if path in tree.files:
            return (tree.files[path] or b"").decode()
        return await self.history.text(tree.commit, path) or ""

    def _unit(self, files: Mapping[str, str]) -> CheckRun:
        ids = [f"{path} > {title}" for path in (TEST, NEW_TEST) for title in _TITLE.findall(files[path])]
        red = [ADDS] if ADDS in ids and (RIGHT not in files[SOURCE] or self.flaky) else []
        self.flaky = max(0, self.flaky - 1)
        wanted = _WANTED.findall(files[NEW_TEST])
        red += [each for each in ids if each.startswith(NEW_TEST) and f"other = {wanted[0]};" not in files[OTHER]]
        return CheckRun(
            stage="unit",
            name="vitest",
            package=".",
            status=Status.FAILED if red else Status.PASSED,
            reason=f"{len(red)} of {len(ids)} tests failed" if red else None,
            failures=tuple(map(_failure, red)),
            executed=tuple(ids),
        )

    def _lint(self, source: str) -> CheckRun:
        taboo = self.taboo.read_text() if self.taboo is not None and self.taboo.exists() else "var "
        bad = taboo in source
        rule = f"no-{''.join(filter(str.isalpha, taboo))}"
        failure = Failure(message="do not write this", file=SOURCE, line=1, rule=rule)
        return CheckRun(
            stage="lint",
            name="eslint",
            package=".",
            status=Status.FAILED if bad else Status.PASSED,
            reason="1 problem" if bad else None,
            failures=(failure,) if bad else (),
        )


def _failure(test: str) -> Failure:
    path, _, title = test.partition(" > ")
    return Failure(message="expected -1 to be 3", file=path, line=1, test=title, test_id=test)


def report(checks: list[CheckRun], commit: str) -> RunReport:
    """Return the report of some checks."""
    stages = []
    for stage in STAGES:
        mine = tuple(each for each in checks if each.stage == stage.name)
        red = any(each.status is Status.FAILED for each in mine)
        status = Status.FAILED if red else Status.PASSED
        why = next((each.reason for each in mine if each.reason), None)
        stages.append(StageRun(name=stage.name, status=status, target=stage.target, reason=why, checks=mine))
    bad = any(each.status is Status.FAILED for each in stages)
    return RunReport(
        id=f"run-{commit[:8]}-{len(checks)}",
        kind="run",
        tool="shipway 0",
        repository="village",
        started="2026-11-28T12:00:00Z",
        verdict=RunVerdict.FAILED if bad else RunVerdict.PASSED,
        seconds=1.0,
        executor="host",
        executor_reason="",
        isolation=(),
        slots=1,
        stages=tuple(stages),
        commit=commit,
        branch="main",
    )


@dataclass(frozen=True, kw_only=True)
class Village:
    """What is there while it is up."""

    directory: Path
    root: Path
    github: GitHub
    trials: TableTrials

    @property
    def journal(self) -> Journal:
        """The journal beside it."""
        return Journal.local(self.root, directory=self.directory / "journal")

    def git(self, *arguments: str) -> str:
        """Run git in the workspace, as its author."""
        who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
               for what, value in (("NAME", AUTHOR.login), ("EMAIL", AUTHOR.email))}  # fmt: skip
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True, env={**os.environ, **who}
        )
        return done.stdout.strip()

    def push(self, message: str, files: Mapping[str, str]) -> str:
        """Commit files and push them to main; return the commit."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", "HEAD:refs/heads/main")
        return self.git("rev-parse", "HEAD")

    def forbids(self, text: str) -> None:
        """Have the linter mind a text from now on."""
        (self.directory / "taboo").write_text(text)

    def main(self) -> str:
        """The commit that main stands at, at GitHub."""
        bare = ["git", f"--git-dir={self.github.state.bare.path}"]
        return subprocess.run([*bare, "rev-parse", "main"], check=True, capture_output=True, text=True).stdout.strip()

    def text(self, path: str, commit: str = "main") -> str:
        """A file as GitHub has it."""
        bare = ["git", f"--git-dir={self.github.state.bare.path}"]
        return subprocess.run([*bare, "show", f"{commit}:{path}"], check=True, capture_output=True, text=True).stdout

    async def opens(self, commit: str, journal: Journal | None = None) -> Incident:
        """Open the incident of a red main, as a CI host does."""
        kept = journal or self.journal
        red = await self.trials.run(Tree(commit=commit))
        stage = next(each for each in red.stages if each.status is Status.FAILED)
        opened = kept.incidents.open(
            f"main-{commit[:12]}", environment="main", commit=commit, what=stage.name, reason=stage.reason or ""
        )
        cases.keep(kept, opened, red)
        return opened

    def breaks_production(self, commit: str) -> Incident:
        """Have a promotion of a commit to production be refused by its smoke, and its incident be opened."""
        kept, name = self.journal, f"production-{commit[:12]}"
        kept.flows.begin(name, kind="promotion", environment="production", commit=commit, asked={}, lasting=60.0)
        ruling = Ruling(gate="smoke", environment="production", ruling=Outcome.FAIL, reason="other answered 1, not 2")
        reason = f"smoke: {ruling.reason}"
        refusal = Refusal(
            step="smoke",
            message=reason,
            hint=None,
            code=ExitCode.GATE_REFUSED,
            state=State.BLOCKED,
            rulings=(dataclasses.asdict(ruling),),
        )
        kept.flows.refuse(name, refusal)
        kept.flows.move(name, State.BLOCKED, reason)
        opened = kept.incidents.open(name, environment="production", commit=commit, what="smoke", reason=reason)
        cases.keep(kept, opened, None)
        return opened

    async def finds(self, incident: Incident, model: Model | None, journal: Journal | None = None) -> Ended:
        """Do the first half of a cycle."""
        kept = journal or self.journal
        flow = halves.begin(kept, FINDING, incident)
        async with self.cycle(kept, str(flow.asked["incident"]), flow) as cycle:
            told = dataclasses.replace(cycle, model=model)
            return await self._carried(kept, flow, finding.steps(told), closing=finding.closing_steps(told))

    async def judges(self, incident: Incident, journal: Journal | None = None) -> Ended:
        """Do the second half of a cycle, as far as it goes."""
        kept = journal or self.journal
        flow = halves.begin(kept, MENDING, incident)
        return await self._written(
            kept, flow, lambda cycle: (*judging.steps(cycle), *following.steps(cycle)), escalating.closing_steps
        )

    async def takes_back(self, incident: Incident, journal: Journal | None = None) -> Ended:
        """Take back the fix that an incident is about, as far as it goes."""
        kept = journal or self.journal
        fix = to_be_taken_back(kept, incident)
        assert fix is not None
        flow = reverting.begin(kept, incident, fix)
        return await self._written(kept, flow, reverting.steps, reverting.closing_steps)

    async def _written(
        self,
        kept: Journal,
        flow: Flow,
        steps: Callable[[Cycle], tuple[FlowStep, ...]],
        closing: Callable[[Cycle], tuple[FlowStep, ...]],
    ) -> Ended:
        if flow.state is State.PAUSED:
            flow = kept.flows.move(flow.id, State.RUNNING)
        fence = Fence()
        settings = config.load(self.root)
        async with (
            self.cycle(kept, str(flow.asked["incident"]), flow) as opened,
            connected(settings, "development", root=self.root, before=fence) as made,
        ):
            cycle = dataclasses.replace(opened, made=made)
            return await self._carried(kept, flow, steps(cycle), closing=closing(cycle), fence=fence)

    @contextlib.asynccontextmanager
    async def cycle(self, journal: Journal, name: str, flow: Flow) -> AsyncIterator[Cycle]:
        """Give what both halves work with."""
        incident = journal.incidents.get(name)
        assert incident is not None
        asked = flow.asked
        place = self.directory / f"place-{len(list(self.directory.iterdir()))}"
        place.mkdir()
        yield Cycle(
            incident=incident,
            beginning=str(asked["beginning"]),
            number=int(asked["cycle"]),
            facts=await cases.facts_of(journal, incident, self.trials.history),
            settings=config.load(self.root),
            root=self.root,
            place=place,
            journal=journal,
            history=self.trials.history,
            trials=self.trials,
            redactor=Redactor.from_environment({}, known={}),
        )

    async def _carried(
        self,
        journal: Journal,
        flow: Flow,
        steps: tuple[FlowStep, ...],
        *,
        closing: tuple[FlowStep, ...] = (),
        fence: Fence | None = None,
    ) -> Ended:
        view = FlowView(Console(quiet=True), ())
        async with leased(journal, flow, waiting=True, grace=0.0) as held:
            if fence is not None:
                fence.held = held
            return await carry(journal, flow, steps, held, view, closing=closing)


def trials(directory: Path) -> TableTrials:
    """Return whoever runs checks in the village of a directory."""
    return TableTrials(history=History(root=directory / "work"), taboo=directory / "taboo")


@contextlib.asynccontextmanager
async def village(directory: Path, *, more: str = "shadow = 0") -> AsyncIterator[Village]:
    """Give a village whose main is green; `more` is of [diagnosis]."""
    root = directory / "work"
    root.mkdir(parents=True)
    github = GitHub(directory)
    github.state.mergeable_after = 0.0
    token = directory / "token"
    token.write_text(AUTHOR.token)
    async with serving(github) as address:
        made = Village(directory=directory, root=root, github=github, trials=trials(directory))
        made.git("init", "-q", "-b", "main")
        made.git("remote", "add", "origin", str(github.state.bare.path))
        settings = SETTINGS.format(slug=github.state.slug, token=token, login=AUTHOR.login, address=address, more=more)
        made.push("all is well", {**FILES, "shipway.toml": settings})
        yield made


def mends(new: str = RIGHT, *, old: str = WRONG, path: str = SOURCE, tier: int = 1) -> ScriptedModel:
    """Return a model that edits a file, and is done."""
    return ScriptedModel(
        using(ToolUse(id="1", name="edit_file", input={"path": path, "old": old, "new": new}), cost=0.01),
        finishes(tier=tier),
    )


def finishes(*, tier: int = 1) -> Reply:
    """Return the answer of a model that is done."""
    said = {"cause": "It subtracts.", "approach": "Add", "tier": tier, "complexity": "small", "confidence": "high"}
    return using(ToolUse(id="2", name="finish", input=said), cost=0.01)

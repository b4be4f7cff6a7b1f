"""The Dagger module `shipway`: one-line functions over the driver's parts.

    dagger call --source . run verify
    dagger call --source . lint reports export --path lint-report

A function runs inside a container of its own and asks the same engine for everything else. What it returns is a report:
its files can be had from a red stage too, and `verify` is what fails. Nothing here is cached as a function:
whether something must run again is for the engine's layers to say, exec by exec.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar

import dagger
from dagger import DefaultPath, Doc, Ignore, check, dag, field, object_type

from ci import within
from ci.asked import Handed, MendingRequest, PromotionRequest, RunRequest
from ci.errors import ExitCode, ShipwayError, UsageError
from ci.model import RunVerdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from ci.asked import Promoted
    from ci.model import RunReport as Report

# What the engine would upload though git ignores it. The rest of what git ignores is left out inside.
IGNORED = ["**/node_modules", "**/.git", "**/dist", "**/.next", "**/.turbo", "**/coverage", "**/shipway-report"]
# A promotion needs git's own directory: which commit holds which, and the commit's files, are asked of it.
IGNORED_BUT_GIT = [each for each in IGNORED if each != "**/.git"]
REPORT = "shipway-report"
HALVES = ("propose", "judge")
T = TypeVar("T")

# The decorator knows `cache`, its overloads do not.
function: Callable[..., Any] = functools.partial(dagger.function, cache="never")


class RedError(Exception):
    """A report that is not green: what the engine shows as the failure of `verify`."""


@object_type
class StageReport:
    """What one stage found."""

    files: dagger.Directory = field()
    verdict: Annotated[str, Doc("passed, failed, error, or held where nothing was verified")] = field()
    summary: Annotated[str, Doc("The summary in Markdown")] = field()
    code: Annotated[int, Doc("The exit code that `shipway run` would have")] = field()

    @function
    def reports(self) -> dagger.Directory:
        """report.json, index.html, junit.xml, results.sarif, summary.md, logs and artifacts; of a red stage too."""
        return self.files

    @function
    def verify(self) -> str:
        """Return the verdict; fail where it is not `passed`."""
        return _verify(self.verdict, self.summary, self.code, "shipway run")


@object_type
class RunReport(StageReport):
    """What all seven stages found."""


@object_type
class PromotionReport(StageReport):
    """How a promotion stands."""

    @function
    def verify(self) -> str:
        """Return the verdict; fail where it is not `passed`."""
        return _verify(self.verdict, self.summary, self.code, "shipway promote")


@object_type
class RollbackReport(StageReport):
    """How a rollback went."""

    @function
    def verify(self) -> str:
        """Return the verdict; fail where not all apps are back."""
        code = 0 if self.code == ExitCode.ROLLED_BACK else self.code
        return _verify(self.verdict, self.summary, code, "shipway rollback")


@object_type
class DiagnosisReport(StageReport):
    """How the tries at mending an incident stand."""

    @function
    def verify(self) -> str:
        """Return the verdict; fail where the incident is not over."""
        return _verify(self.verdict, self.summary, self.code, "shipway diagnose")


Repository = Annotated[
    dagger.Directory,
    DefaultPath("/"),
    Ignore(IGNORED_BUT_GIT),
    Doc("The repository with its .git and all of its history"),
]
JournalUrl = Annotated[
    dagger.Secret | None,
    Doc("The URL of the Postgres in which all machines remember, where shipway.toml names none"),
]


@object_type
class Shipway:
    """Seven hard-fail stages over a pnpm monorepo, each over cached containers."""

    source: Annotated[
        dagger.Directory,
        DefaultPath("/"),
        Ignore(IGNORED),
        Doc("The root of the pnpm workspace; what its .gitignore files name is left out"),
    ]
    commit: Annotated[str, Doc("The commit that the source is, for the report")] = ""
    branch: Annotated[str, Doc("Its branch, for the report")] = ""
    mirror: Annotated[str, Doc("A registry that stands in for those of the images")] = ""
    slots: Annotated[int, Doc("How many checks run side by side; 0: as many as there is room for")] = 0
    no_cache: Annotated[bool, Doc("Run every check, also the unchanged ones")] = False
    _names: list[str] = dataclasses.field(default_factory=list, init=False)
    _values: list[dagger.Secret] = dataclasses.field(default_factory=list, init=False)

    @function
    def with_secret(
        self,
        name: Annotated[str, Doc("The variable that shipway.toml refers to as env://NAME")],
        value: Annotated[dagger.Secret, Doc("Its value")],
    ) -> Self:
        """Hand over a secret that checks ask for."""
        more = copy.copy(self)
        more._names, more._values = [*self._names, name], [*self._values, value]
        return more

    @function
    async def install(self) -> StageReport:
        """Stage 1: pnpm install (frozen), dependency audit."""
        return await self._stage("install")

    @function
    async def lint(self) -> StageReport:
        """Stage 2: ESLint, Biome, formatting, import restrictions."""
        return await self._stage("lint")

    @function
    async def typecheck(self) -> StageReport:
        """Stage 3: TypeScript in every package, strictness verified."""
        return await self._stage("typecheck")

    @function
    async def unit(self) -> StageReport:
        """Stage 4: unit tests."""
        return await self._stage("unit")

    @function
    async def integration(self) -> StageReport:
        """Stage 5: tests on a real Postgres, row-level security, metering."""
        return await self._stage("integration")

    @function
    async def e2e(self) -> StageReport:
        """Stage 6: Playwright, tier 1. On Dagger's command line it is `e-2-e`."""
        return await self._stage("e2e")

    @function
    async def audit(self) -> StageReport:
        """Stage 7: dependency audit, bundle sizes, Lighthouse."""
        return await self._stage("audit")

    @function
    async def run(self) -> RunReport:
        """All seven stages."""
        return RunReport(**await self._run(()))

    @function
    @check
    async def stages(self) -> None:
        """All seven stages, as a check of `dagger check`."""
        (await self.run()).verify()

    @function
    async def promote(
        self,
        repository: Repository,
        environment: Annotated[str, Doc("The environment: staging, production")],
        commit: Annotated[str, Doc("The commit; else the newest of main, for production of staging's")] = "",
        journal: JournalUrl = None,
        *,
        accept_slow: Annotated[str, Doc("Why it may go although its pipeline is over the budget")] = "",
        skip_soak: Annotated[str, Doc("Why it may go though staging did not use it for long enough")] = "",
        hotfix: Annotated[str, Doc("The incident that it mends: it goes after the short soak")] = "",
    ) -> PromotionReport:
        """Promote a commit of main to an environment; secrets of shipway.toml are handed over with `with-secret`."""
        import pipeline  # noqa: PLC0415 - as below
        from ci.commands import PROMOTED, commit_of  # noqa: PLC0415 - as below

        if environment not in PROMOTED:
            raise RedError(f"nothing is promoted to {environment} (say one of: {', '.join(PROMOTED)})")
        request = await self._request(
            repository,
            journal,
            environment=environment,
            commit=commit_of(commit or None),
            accept_slow=accept_slow or None,
            skip_soak=skip_soak or None,
            hotfix=hotfix or None,
        )
        return PromotionReport(**await _carried(pipeline.promote(request, _log())))

    @function
    async def approve(
        self,
        repository: Repository,
        environment: Annotated[str, Doc("The environment: staging, production")],
        by: Annotated[str, Doc("Who says so")],
        reason: Annotated[str, Doc("Why it may go on")] = "",
        journal: JournalUrl = None,
    ) -> PromotionReport:
        """Let a promotion go on that waits for a person, and carry it on."""
        import pipeline  # noqa: PLC0415 - as below
        from ci.commands import PROMOTED  # noqa: PLC0415 - as below

        if environment not in PROMOTED:
            raise RedError(f"nothing is promoted to {environment} (say one of: {', '.join(PROMOTED)})")
        if not by.strip():
            raise RedError("nobody says so (name who approves, as --by)")
        request = await self._request(repository, journal, environment=environment)
        return PromotionReport(**await _carried(pipeline.approve(request, _log(), by=by.strip(), reason=reason)))

    @function
    async def rollback(
        self,
        repository: Repository,
        environment: Annotated[str, Doc("The environment: production")],
        reason: Annotated[str, Doc("Why; the commit is pinned out for it")],
        commit: Annotated[str, Doc("The commit to go back to; else the newest that proved good")] = "",
        journal: JournalUrl = None,
    ) -> RollbackReport:
        """Put every app back to an earlier release that proved good, and pin out what it was put back from."""
        import pipeline  # noqa: PLC0415 - as below
        from ci.commands import RELEASED, commit_of  # noqa: PLC0415 - as below

        if environment not in RELEASED:
            raise RedError(f"nothing is rolled back in {environment} (say one of: {', '.join(RELEASED)})")
        request = await self._request(repository, journal, environment=environment, commit=commit_of(commit or None))
        return RollbackReport(**await _carried(pipeline.roll_back(request, _log(), reason)))

    @function
    async def diagnose(
        self,
        repository: Repository,
        incident: Annotated[str, Doc("The incident, as `shipway incident list` names it; waiting: each that waits")],
        half: Annotated[str, Doc("propose: what needs the model's key; judge: what needs the tokens; else both")] = "",
        journal: JournalUrl = None,
    ) -> DiagnosisReport:
        """Find why something failed, mend it as far as that may be done alone, and promote again what was mended."""
        import pipeline  # noqa: PLC0415 - as below
        from ci.diagnosis.queue import NONE_WAITS, WAITING  # noqa: PLC0415 - as below

        if half not in {"", *HALVES}:
            raise RedError(f"there is no half {half} of a cycle (say one of: {', '.join(HALVES)})")
        within_reach = await self._reach(repository, journal)
        request = MendingRequest(incident=incident, propose=half != "judge", judge=half != "propose", **within_reach)
        if incident == WAITING:
            code = await _told(pipeline.diagnose_waiting(request, _log()))
            return DiagnosisReport(**_all_files(code, none=NONE_WAITS))
        return DiagnosisReport(**await _carried(pipeline.diagnose(request, _log())))

    @function
    async def smoke(
        self,
        repository: Repository,
        environment: Annotated[str, Doc("The environment: development, staging, production")],
        commit: Annotated[str, Doc("The commit that each app must serve")] = "",
    ) -> str:
        """Ask an environment's apps all that [[smoke]] of shipway.toml says; fails where that is not passed."""
        from rich.console import Console  # noqa: PLC0415 - as below

        import pipeline  # noqa: PLC0415 - as below
        from ci.commands import ENVIRONMENTS, commit_of  # noqa: PLC0415 - as below
        from ci.reporting.smoke import print_smoke  # noqa: PLC0415 - as below

        if environment not in ENVIRONMENTS:
            raise RedError(f"there is no {environment} (say one of: {', '.join(ENVIRONMENTS)})")
        await self._hand_over()
        place = await within.export(repository, Path.cwd() / "of")
        made = await _told(pipeline.smoke(place, environment, commit_of(commit or None)))
        screen = io.StringIO()
        print_smoke(Console(file=screen, color_system=None), made.lines(), made.ruling, made.notices)
        return _verify(screen.getvalue(), screen.getvalue(), made.code, "shipway smoke")

    @function
    async def status(
        self,
        repository: Repository,
        journal: JournalUrl = None,
        *,
        facts: Annotated[bool, Doc("Its facts, as JSON")] = False,
    ) -> str:
        """What each environment serves, what goes on in it and what bars it, and the next command."""
        from rich.console import Console  # noqa: PLC0415 - as below

        import pipeline  # noqa: PLC0415 - as below
        from ci.reporting.status import print_status  # noqa: PLC0415 - as below

        url, place = await _told(self._machine(repository, journal))
        told = dataclasses.asdict(await _told(pipeline.status(place, url)))
        if facts:
            return json.dumps(told, indent=2)
        screen = io.StringIO()
        print_status(Console(file=screen, color_system=None), told)
        return screen.getvalue()

    async def _request(
        self, repository: dagger.Directory, journal: dagger.Secret | None, **more: Any
    ) -> PromotionRequest:
        """Return what is asked of the driver, in a function. Raises RedError."""
        return PromotionRequest(**await self._reach(repository, journal), **more)

    async def _reach(self, repository: dagger.Directory, journal: dagger.Secret | None) -> dict[str, Any]:
        """Return what every request is told of where it is asked: in a function. Raises RedError."""
        url, place = await _told(self._machine(repository, journal))
        within.keep_below(Path.cwd())
        return {
            "path": place,
            "executor": "dagger",
            "slots": self.slots,
            "mirror": self.mirror or None,
            "bring": within.bring,
            "report": Path.cwd() / REPORT,
            "journal": url,
        }

    async def _machine(self, repository: dagger.Directory, journal: dagger.Secret | None) -> tuple[str | None, Path]:
        """Have the secrets in the environment; return the journal's URL where it is handed over, and the repository.

        Raises UsageError, ToolError.
        """
        from ci import config  # noqa: PLC0415 - as below
        from ci.remembering import nothing_lasts  # noqa: PLC0415 - as below

        await self._hand_over()
        place = await within.export(repository, Path.cwd() / "of")
        if not (place / ".git").is_dir():
            raise UsageError("the source has no .git", hint="hand over a clone with its history as --repository")
        if journal is None and config.load(place).journal.url is None:
            raise nothing_lasts("in a Dagger function ends with it", "hand over --journal, or set [journal] url,")
        await within.have_git(Path.cwd() / "git")
        return (None if journal is None else await journal.plaintext()), place

    async def _hand_over(self) -> None:
        for name, value in zip(self._names, self._values, strict=True):
            os.environ[name] = await value.plaintext()

    async def _stage(self, name: str) -> StageReport:
        return StageReport(**await self._run((name,)))

    async def _run(self, stages: tuple[str, ...]) -> dict[str, Any]:
        """Have the driver run them over the source as the engine has it, and bring its report into the engine."""
        # With their imports a function that only lists itself would cost seconds.
        from rich.console import Console  # noqa: PLC0415

        import pipeline  # noqa: PLC0415
        from ci.outcome import exit_code  # noqa: PLC0415

        await self._hand_over()
        tree = dag.directory().with_directory("/", self.source, gitignore=True)
        place = await within.export(tree, Path.cwd() / "of")
        request = RunRequest(
            path=place,
            stages=stages,
            executor="dagger",
            slots=self.slots,
            no_cache=self.no_cache,
            report=Path.cwd() / REPORT,
            handed=Handed(tree=await tree.id(), commit=self.commit or None, branch=self.branch or None),
            mirror=self.mirror or None,
        )
        report: Report = await pipeline.run(request, Console(stderr=True))
        return _files(report.verdict.value, exit_code(report))


def _files(verdict: str, code: int) -> dict[str, Any]:
    """Bring the report that was written into the engine."""
    return {
        "files": dag.current_module().workdir(REPORT),
        "verdict": verdict,
        "summary": (Path.cwd() / REPORT / "summary.md").read_text(encoding="utf-8"),
        "code": int(code),
    }


def _all_files(code: ExitCode, *, none: str) -> dict[str, Any]:
    """Bring the reports of every incident that waited into the engine, each in a directory; `none` says it of none."""
    written = Path.cwd() / REPORT
    written.mkdir(exist_ok=True)
    summaries = [each.read_text(encoding="utf-8") for each in sorted(written.glob("*/summary.md"))]
    ended = {ExitCode.PASSED: RunVerdict.PASSED, ExitCode.HELD: RunVerdict.HELD}
    return {
        "files": dag.current_module().workdir(REPORT),
        "verdict": ended.get(code, RunVerdict.FAILED).value,
        "summary": "\n".join(summaries) or none,
        "code": int(code),
    }


async def _carried(made: Awaitable[Promoted]) -> dict[str, Any]:
    """Wait for a promotion or a rollback, and bring its report into the engine. Raises RedError."""
    done = await _told(made)
    return _files(done.report.verdict.value, done.code)


def _log() -> Console:
    """Return what is printed on as it goes on: the engine shows it."""
    from rich.console import Console  # noqa: PLC0415 - as above

    return Console(stderr=True)


async def _told(made: Awaitable[T]) -> T:
    """Wait for the driver; what it refuses is said with the exit code that the command line would have."""
    try:
        return await made
    except ShipwayError as error:
        raise RedError(_failed(error)) from error


def _failed(error: ShipwayError) -> str:
    return f"{error}\n\nexit code of `shipway`: {int(error.exit_code)}"


def _verify(verdict: str, summary: str, code: int, command: str) -> str:
    if code != 0:
        raise RedError(f"{summary}\n\nexit code of `{command}`: {code}")
    return verdict

"""The words of Shipway as frozen values, and the Protocols between its parts.

Read this file before any other in the package. A **Stage** is one of the seven. A **Check** is one thing
that a stage verifies (ESLint, the types of one package); a **Step** is one command of it. A check is plain
data: an **Executor** runs it and answers with an **Execution**, which holds exit codes, output tails and
report files and no opinion. The check's **Judge**, a pure function, turns the execution into a **Verdict**.

What happened is told by Runs: StepRun, CheckRun, StageRun and the RunReport above them, from which
every report is drawn.

Units: seconds are floats, sizes are bytes, paths are POSIX strings relative to the workspace's root
unless a docstring says otherwise.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Protocol

EMPTY: Mapping[str, str] = MappingProxyType({})


def written(moment: float) -> str:
    """Return a moment, in seconds since 1970, as reports have it: UTC, ISO 8601, to the second."""
    told = datetime.datetime.fromtimestamp(moment, datetime.UTC)
    return told.isoformat(timespec="seconds").replace("+00:00", "Z")


# --- stages -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One of the seven. Over `target` seconds it is shown in amber; it does not fail for that."""

    name: str
    target: float
    what: str


STAGES: tuple[Stage, ...] = (
    Stage(name="install", target=30, what="pnpm install (frozen), dependency audit"),
    Stage(name="lint", target=20, what="ESLint, Biome, formatting, import restrictions"),
    Stage(name="typecheck", target=40, what="TypeScript in every package"),
    Stage(name="unit", target=60, what="unit tests"),
    Stage(name="integration", target=90, what="tests on a real Postgres, row-level security, metering"),
    Stage(name="e2e", target=120, what="Playwright, tier 1"),
    Stage(name="audit", target=60, what="dependency audit, bundle sizes, Lighthouse"),
)
STAGE_NAMES: tuple[str, ...] = tuple(stage.name for stage in STAGES)


class Status(enum.StrEnum):
    """How a stage or check ended. `flaky` is a pass that is shown and counted."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERROR = "error"
    FLAKY = "flaky"


class Network(enum.StrEnum):
    """What a check may reach: its own loopback device, or the outside too."""

    LOOPBACK = "loopback"
    OUTSIDE = "outside"


class Reuse(enum.StrEnum):
    """How long a green result stands for the same content hash."""

    CONTENT = "content"  # until an input changes
    HOUR = "hour"  # an answer of an outside service that is good for an hour
    NEVER = "never"


# --- what is to be run --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Toolchain:
    """A set of tools by name and exact version.

    `name` picks the container recipe; on the host each tool is put on PATH. Names of tools:
    node, pnpm, postgres, chromium, lighthouse, depcruise, rls; and playwright, the repository's own, which decides on
    the image that browsers come from and is nothing to provide.
    `pnpm_hash` is the `algorithm.hex` part of a `packageManager` pin.
    """

    name: str
    tools: Mapping[str, str]
    pnpm_hash: str | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """One command, as an argv list: never a shell line.

    In `argv` and `environment` the warden replaces `${SHIPWAY_OUT}` (a directory whose files are
    brought back), `${SHIPWAY_ROOT}` (the workspace's root) and the `${NAME}` of each value that a
    service of the check provides.

    A step that ends non-zero ends the check, unless `keep_going`. A `background` step is a server:
    the next step starts when `ready` (an http URL, or `tcp:PORT`) answers, and it lives as
    long as the check. `stdout` names a file in the out directory that takes standard output alone.
    """

    argv: tuple[str, ...]
    cwd: str = "."
    timeout: float = 300.0
    environment: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    background: bool = False
    ready: str | None = None
    keep_going: bool = False
    stdout: str | None = None

    def plain(self) -> dict[str, object]:
        """Return it as the warden reads it."""
        return {each.name: getattr(self, each.name) for each in fields(self)} | {"environment": dict(self.environment)}


@dataclass(frozen=True, kw_only=True)
class Service:
    """A server that a check needs beside it, alive as long as the check.

    Known names: `postgres`, with owner `postgres` and the application's roles of `roles` (login, neither superuser
    nor BYPASSRLS); the executor starts it and fills the templates in `environment`: `{host}`, `{port}`, `{password}`.
    And `neon`, a branch of a database that is elsewhere, `origin`; it is made before the executor is handed the check,
    which then has what came of it in `Check.given`.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    roles: tuple[str, ...] = ()
    database: str = "app"
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class StepRun:
    """A step that ran. Exactly one of `exit_code`, `signal`, `timed_out`, `error` tells how it ended.

    `output` holds the head and the tail of standard output and standard error, interleaved, without
    escape sequences; `omitted` is the number of bytes between them that are not kept.
    """

    argv: tuple[str, ...]
    cwd: str
    seconds: float
    exit_code: int | None = None
    signal: int | None = None
    timed_out: bool = False
    error: str | None = None
    output: str = ""
    omitted: int = 0
    background: bool = False
    living: tuple[str, ...] = ()  # what still ran when it was ended, by command line
    network: Network = Network.LOOPBACK  # what it could reach, whatever its check asked for

    @property
    def succeeded(self) -> bool:
        """Whether the command ended by itself, with 0."""
        return self.exit_code == 0


@dataclass(frozen=True, kw_only=True)
class Execution:
    """All that an executor knows of a check that ran; values, no opinion.

    `files` holds what lay in the out directory (by its path there) and the files of `Check.reports`
    (by path from the workspace's root). `root` is where the repository's workspace lay: judges cut it from
    messages. `changed` are paths that the check wrote outside its outputs and that were discarded:
    `M path`, `A path`, `D path`. `left_behind` are command lines of processes that outlived the last step.
    `tools` are the versions that were really there.
    """

    steps: tuple[StepRun, ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    root: str = "/"
    run: str = ""
    seconds: float = 0.0
    changed: tuple[str, ...] = ()
    left_behind: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    tools: Mapping[str, str] = field(default_factory=lambda: EMPTY)


def test_id(file: str, name: str) -> str:
    """Return the id of a test: its file from the workspace's root, and its titles with " > " between them."""
    return " > ".join(filter(None, (file, name)))


@dataclass(frozen=True, kw_only=True)
class Failure:
    """One thing that is wrong, said once: what, where, and which test or rule says so.

    `file` is where it went wrong, which need not be the test's own; `test_id` is the test's id in `CheckRun.executed`.
    """

    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    test: str | None = None
    rule: str | None = None
    detail: str | None = None  # a stack, a diff, the output's tail
    artifact: str | None = None  # a screenshot or trace, by its path in the report's artifacts/
    test_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a tool really did. None means that the tool does not tell."""

    tests: int | None = None
    failed: int | None = None
    skipped: int | None = None
    flaky: int | None = None
    files: int | None = None  # files linted or type-checked
    warnings: int | None = None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A number against its limit: a bundle's size, a Lighthouse score.

    `ok` is None where there is neither a budget nor an earlier value to hold it against.
    `better` says which way is good: "lower" or "higher".
    """

    name: str
    value: float
    unit: str  # "bytes", "score", "s"
    group: str = ""  # app or page
    kind: str = ""  # "bundle", "lighthouse"
    limit: float | None = None
    baseline: float | None = None  # the last green run on main
    better: str = "lower"
    ok: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a judge makes of an execution.

    `reason` is one line and is needed for every status but `passed`. `second` asks for one more
    execution (the failed tests alone; the package's own command after a red batch): the verdict
    of its judge then stands instead of this one. `code` is the exit code of an `error` that is covered by
    one of its own (a tool, the disk, a vendor).
    """

    status: Status
    reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    failures: tuple[Failure, ...] = ()
    notices: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    artifacts: tuple[str, ...] = ()  # keys of Execution.files to keep in the report's artifacts/
    second: Check | None = None
    code: int | None = None
    tools: Mapping[str, str] = field(default_factory=lambda: EMPTY)  # what the step itself chose, by version
    lasting: bool = False  # a `skipped` that stands as long as a green result would: the answer was "there is none"
    executed: tuple[str, ...] = ()  # ids of the tests that ran, whatever came of them


Judge = Callable[[Execution], Verdict]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that a stage verifies: plain data and a pure judge.

    Its id is `stage/name@package`; names alone are not unique. `inputs` are globs from the
    workspace's root, "!" leaves out: what the check may read, and so what a result is re-used by. `outputs`
    are what a check that needs this one finds in its tree. `weight` is the seconds it is expected
    to take, for longest-first. `stands` holds a kept green result against what lies outside the inputs and gives
    it as it is now, None where it is green no longer; without it a result stands as it was kept. `why` says why
    it was chosen, `repeat` is the shortest command that repeats it by hand from the repository's root. `given` are
    variables whose values are secrets that are known only as it runs: none in a plan, none in what it is re-used by.
    """

    stage: str
    name: str
    package: str = "."
    toolchain: Toolchain
    steps: tuple[Step, ...]
    judge: Judge
    needs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ("**",)
    outputs: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    secrets: tuple[str, ...] = ()
    network: Network = Network.LOOPBACK
    reports: tuple[str, ...] = ()
    services: tuple[Service, ...] = ()
    weight: float = 1.0
    alone: bool = False
    reuse: Reuse = Reuse.CONTENT
    stands: Callable[[CheckRun], CheckRun | None] | None = None
    registry: bool = False  # may read the user's registry tokens and write the package store
    why: str = ""
    repeat: str = ""
    given: Mapping[str, str] = field(default_factory=lambda: EMPTY, repr=False)

    @property
    def id(self) -> str:
        """`stage/name@package`."""
        return f"{self.stage}/{self.name}@{self.package}"


@dataclass(frozen=True, kw_only=True)
class Skip:
    """A stage, or a part of one, for which the repository has nothing, and why that is so."""

    stage: str
    reason: str
    name: str | None = None  # of a check; None: the whole stage
    package: str = "."


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run would do: the checks in an order in which each comes after its needs, and what is left out.

    `notices` are one line each: which Node and why, what is not covered.
    """

    checks: tuple[Check, ...]
    skips: tuple[Skip, ...] = ()
    notices: tuple[str, ...] = ()


# --- what happened ------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    """A check that ran, was taken from an earlier run, or was not run, and why.

    `began` counts from the run's start. `cached_from` is the id of the run that really executed it.
    """

    stage: str
    name: str
    package: str
    status: Status
    seconds: float = 0.0
    began: float = 0.0
    waited: float = 0.0  # for a slot, after all it needs was there
    cached_from: str | None = None
    reason: str | None = None
    counts: Counts = field(default_factory=Counts)
    failures: tuple[Failure, ...] = ()
    notices: tuple[str, ...] = ()
    measures: tuple[Measure, ...] = ()
    artifacts: tuple[str, ...] = ()  # paths in the report's artifacts/
    steps: tuple[StepRun, ...] = ()
    repeat: str = ""
    why: str = ""
    tools: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    code: int | None = None  # see Verdict
    lasting: bool = False  # see Verdict
    blocked: bool = False  # skipped because something it needs is not green
    executed: tuple[str, ...] = ()  # see Verdict

    @property
    def id(self) -> str:
        """`stage/name@package`."""
        return f"{self.stage}/{self.name}@{self.package}"


@dataclass(frozen=True, kw_only=True)
class StageRun:
    """A stage of this run.

    `seconds` leaves out waiting for slots; `full_seconds` counts cached checks at their original time.
    """

    name: str
    status: Status
    target: float
    seconds: float = 0.0
    full_seconds: float = 0.0
    began: float = 0.0
    reason: str | None = None
    checks: tuple[CheckRun, ...] = ()


class Outcome(enum.StrEnum):
    """What a gate says. Only FAIL refuses or rolls back: too little data, none, or no answer is no bad news."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"  # too little data
    NODATA = "NODATA"
    ERROR = "ERROR"  # what was to be read could not be read


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """A gate's decision before or after a promotion, and all that it was made of.

    `values` is JSON: under "observed" what was recorded, from which the gate comes to the same ruling again; beside it
    the figures that it came by, for a reader. `reason` is one line with the numbers and the threshold.
    """

    gate: str
    environment: str
    ruling: Outcome
    reason: str
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FlowStepRun:
    """A step of a promotion or a rollback: `passed`, `failed`, `error` where what it needs was out of reach.

    `skipped` is one that was done before, by a process that ended. `page` is a report of its own, by its path beside
    this one: each command of a rehearsal has one.
    """

    name: str
    status: Status
    seconds: float = 0.0
    reason: str | None = None
    page: str | None = None


class Return(enum.StrEnum):
    """Whether users have what served before."""

    BACK = "back"
    MIXED = "mixed"  # of some apps
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class PutBack:
    """What became of a release that was to be taken back: `how`, and what all apps serve again.

    `why` says what stood in the way. `pinned` is the commit that no promotion may hold from now on; `outside`: what
    serves again has the same trouble. `told` are the ways by which people were told. Seconds are from when users had it
    to the ruling that it is bad, and from that until every app was back.
    """

    how: Return
    commit: str | None = None
    why: str | None = None
    pinned: str | None = None
    outside: bool = False
    told: tuple[str, ...] = ()
    detected: float | None = None
    recovered: float | None = None


@dataclass(frozen=True, kw_only=True)
class NewCommit:
    """A commit that an environment does not serve yet, in the words of whoever wrote it: text of strangers.

    A merge is told by what it merged, `brings` counts the commits that came with it. `link` leads to it.
    """

    sha: str
    subject: str
    author: str
    brings: int = 0
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class AppChange:
    """Whether what an app is built from changed since the commit that it serves; None where that cannot be told."""

    app: str
    since: str | None
    changed: bool | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class NewMigration:
    """A migration that an environment's database has not had: expand, data or contract; None where nobody can say."""

    name: str
    phase: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReleaseNotes:
    """What is new between what an environment serves and a candidate.

    `commits` are those of main itself, the newest first, without those that came with a merge; `more` counts what is
    not listed of them, `total` counts all. `since` is what is served, by all apps together; `lost` counts commits of
    it that the candidate does not hold. `link` leads to the two compared.
    """

    since: tuple[str, ...]
    commits: tuple[NewCommit, ...]
    total: int
    more: int = 0
    lost: int = 0
    apps: tuple[AppChange, ...] = ()
    migrations: tuple[NewMigration, ...] = ()
    link: str | None = None


@dataclass(frozen=True, kw_only=True)
class CycleRun:
    """One try at mending an incident: what was found by whom, a tool's name or "model", and what became of it.

    `tier` is how far its patch may go alone, None where none was judged. `patch` is in the form of git, `transcript`
    what the model did, by its path in the report's artifacts/; `dollars` and `steps` are what that took. `fate` says
    what became of it, `why` what said no; `reference` leads to its pull request, `commit` is what main has of it.
    """

    number: int
    author: str
    cause: str
    approach: str = ""
    complexity: str = ""
    tier: int | None = None
    patch: str = ""
    transcript: str | None = None
    dollars: float = 0.0
    steps: int = 0
    fate: str = ""
    why: str | None = None
    reference: str = ""
    commit: str | None = None


@dataclass(frozen=True, kw_only=True)
class IncidentRun:
    """One failure's life: what failed of which commit, how far it is, and the tries at mending it.

    `signature` is the same for the same failure; `of` is how many tries there may be.
    """

    id: str
    environment: str
    commit: str
    what: str
    reason: str
    signature: str
    state: str
    of: int
    cycles: tuple[CycleRun, ...] = ()


class RunVerdict(enum.StrEnum):
    """How a run as a whole ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    HELD = "held"


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One line of the last runs: enough for a sparkline and a flaky count."""

    id: str
    started: str
    verdict: str
    seconds: float
    commit: str | None = None
    stages: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    flaky: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TimingEntry:
    """One line of the last drills and rehearsals: what was played, and how soon it was found and put back.

    `detected` are seconds from when it went wrong to the ruling, `recovered` those from that until all was back; None
    for what did not happen. `expected`: it ended as its scenario says, else `reason` tells how.
    """

    id: str
    kind: str  # drill, rehearsal
    started: str
    environment: str
    scenario: str
    expected: bool
    reason: str
    detected: float | None = None
    recovered: float | None = None


NOT_HAD = "could not be had: "  # before what would keep steps apart, in `isolation`


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """The truth about one run; report.json is this value, every other report is drawn from it."""

    id: str
    kind: str  # run, promotion, rollback, drill, rehearsal, diagnosis
    tool: str  # "shipway 0.1.0"
    repository: str  # a name, never a path of the machine
    started: str  # UTC, ISO 8601
    verdict: RunVerdict
    seconds: float
    executor: str
    executor_reason: str
    isolation: tuple[str, ...]  # what keeps steps apart here, and what could not be had
    slots: int
    stages: tuple[StageRun, ...]
    environment: str | None = None
    commit: str | None = None
    branch: str | None = None
    pull_request: str | None = None  # its number on the CI host
    link: str | None = None  # to the run of the CI host that this was
    dirty: bool = False
    scenario: str | None = None  # of a rehearsal
    notices: tuple[str, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    command: str = ""  # the next command for the reader
    steps: tuple[FlowStepRun, ...] = ()  # of a promotion or a rollback; a plain run has none
    rulings: tuple[Ruling, ...] = ()  # in the order in which they were made; a plain run has none
    waits: str | None = None  # of a promotion that is not over: for what
    put_back: PutBack | None = None  # of a promotion that failed once users had it, of a rollback
    timings: tuple[TimingEntry, ...] = ()  # of the last drills, the oldest first; a plain run has none
    release_notes: ReleaseNotes | None = None  # of a promotion, once it is known what the environment serves
    incident: IncidentRun | None = None  # of a diagnosis and of the fix that came of it


# --- between the parts --------------------------------------------------------------------------


class Executor(Protocol):
    """Where steps run. It never interprets what they did.

    `execute` may be called for many checks at once. The outputs of every check in `check.needs`
    must have been kept before. Cancelling it ends the check's whole process tree. It raises
    ShipwayError only where no execution could be made; a failing step is a value.
    """

    @property
    def name(self) -> str:
        """The word for it in reports: host, dagger."""
        ...

    async def execute(self, check: Check) -> Execution:
        """Run all steps of the check in a throw-away workspace and keep its outputs for those that need it."""
        ...


class Listener(Protocol):
    """Who is told as a run goes on: the live view, or nobody."""

    def check_started(self, check: Check) -> None:
        """The check got its slot."""

    def check_output(self, identity: str, tail: str) -> None:
        """The last line that the running step of the check with this id printed, redacted.

        Empty where it may not be shown.
        """

    def check_ended(self, check: CheckRun) -> None:
        """The check has its final verdict (also when cached or skipped)."""

    def note(self, message: str) -> None:
        """One line about the run as a whole: a tool being set up, the executor chosen."""

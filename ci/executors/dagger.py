"""The Dagger executor: one exec per check, in a container of its toolchain, under the same warden as on the host.

A check's tree is put together out of the files that it may read and the outputs of what it needs, so the engine's
layer cache keys each exec by its content: an unrelated edit keeps the layer. The exec always ends with 0 and leaves one
result file; a step that failed is a value in it. It may come out of the engine's cache: the execution then names the
run that really made it, and the scheduler believes it where it is green.

What Dagger cannot do is said with every step: an exec cannot be cut off from the network.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import posixpath
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bracex
import dagger
import httpx
import tenacity
from wcmatch import glob

from ci import processes
from ci.errors import NoExecutorError, ToolError, leaves
from ci.executors import logs
from ci.executors.environment import ALWAYS
from ci.executors.equipment import equip
from ci.executors.events import step_run
from ci.executors.furnished import Furnished, furnish
from ci.executors.reuse import GLOB_FLAGS, select
from ci.executors.session import session
from ci.model import Check, Execution, Network, Reuse, Step, StepRun, Toolchain
from ci.text import first_line
from ci.toolchains.npm import refused
from containers import postgres
from containers.furniture import CODE, HOME
from containers.kitchen import SETTINGS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from ci.executors.engine import Engine
    from ci.executors.find import Bench
    from ci.monorepo.snapshot import Snapshot
    from containers.kitchen import Kitchen

USER = "65534:65534"  # nobody, as on the host
TOP = "/src"
INSIDE = "/tmp/.shipway"
SPECIFICATION, RESULT = f"{HOME}/check.json", f"{HOME}/result"
STORE = f"{HOME}/store"
CLIENT = "shipway-client"  # the machine that Shipway runs on, as a container finds it
BROUGHT_BACK = 64 * 1024 * 1024  # bytes of reports and artifacts, as on the host
HOUR = 3600
SIGNALLED = 128  # and the signal: how a shell tells of one, and the engine too
# How the SDK meets an engine that is gone, beside waiting for it.
LOSSES = (dagger.DaggerError, httpx.HTTPError, tenacity.RetryError, ExceptionGroup, OSError)
# What the engine hands on to an exec and an exec's steps need to reach out.
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy")


@contextlib.asynccontextmanager
async def connected(engine: Engine, bench: Bench) -> AsyncIterator[DaggerExecutor]:
    """Give the executor of one run, in a session with the engine. Raises NoExecutorError where there is none."""
    if bench.tree is not None:  # in a function, whose SDK has the one client, and cannot open a session
        yield await _executor(bench, dagger.dag, dagger.dag.load_directory_from_id(dagger.DirectoryID(bench.tree)))
        return
    async with session(engine, on_output=bench.on_output) as client:
        yield await _executor(bench, client, client.host().directory(str(bench.snapshot.directory), exclude=[".git"]))


async def _executor(bench: Bench, client: dagger.Client, source: dagger.Directory) -> DaggerExecutor:
    return DaggerExecutor(
        kitchen=equip(client, bench.snapshot, mirror=bench.mirror),
        source=source,
        snapshot=bench.snapshot,
        plan={check.id: check for check in bench.plan.checks},
        run=bench.run,
        commit=await commit_of(bench.snapshot),
        volume=bench.volume,
        fresh=bench.fresh,
        secrets=bench.secrets,
        fingerprints=bench.fingerprints,
    )


@dataclass(kw_only=True)
class DaggerExecutor:
    """Runs checks of one run in the engine behind `kitchen`.

    `source` is the repository's top directory as the snapshot has it, without git's. `plan` holds every check by id:
    what is needed and was not run here is asked for again, and comes out of the engine's cache. `fresh` takes nothing
    from there. `secrets` are values by name, `fingerprints` tell whether one changed. `commit` is what git shall say of
    the files: message, author, address, branch. `volume` is the engine's name for what pnpm's packages are kept in.
    """

    kitchen: Kitchen
    source: dagger.Directory
    snapshot: Snapshot
    plan: Mapping[str, Check]
    run: str
    commit: tuple[str, str, str, str]
    volume: str
    fresh: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    name: str = "dagger"
    _outputs: dict[str, dagger.Directory] = field(default_factory=dict)
    _furnished: dict[str, Furnished] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Where the workspace's root lies in every container."""
        return TOP if self.snapshot.prefix == "." else f"{TOP}/{self.snapshot.prefix}"

    @property
    def _outside(self) -> list[str]:
        """Files above the workspace that the settings name, from the repository's top."""
        return [posixpath.normpath(f"{self.snapshot.prefix}/{path}") for path in sorted(self.snapshot.outside)]

    async def execute(self, check: Check) -> Execution:
        """Run all steps of the check in a container of its own and keep its outputs for those that need it.

        Raises ToolError where a tool cannot be had, NoExecutorError where the engine is lost.
        """
        began = time.monotonic()
        try:
            execution, made = await self._execute(check, self._attempt(check))
        except dagger.QueryError as error:
            raise _broken(check, error) from error
        except LOSSES as error:
            why = first_line(str(leaves(error)[0])) or type(error).__name__
            raise NoExecutorError(f"the session with the engine broke at {check.id}: {why}") from error
        if check.outputs:
            self._outputs[check.id] = made
        if execution.run != self.run:
            return execution  # with the seconds that it took when it ran
        return dataclasses.replace(execution, seconds=time.monotonic() - began)

    def _attempt(self, check: Check) -> str:
        """Return what makes an exec a new one: nothing, where the engine's cache may answer."""
        if self.fresh or check.reuse is Reuse.NEVER:
            return self.run
        return str(int(self.clock()) // HOUR) if check.reuse is Reuse.HOUR else ""

    async def _execute(self, check: Check, attempt: str) -> tuple[Execution, dagger.Directory]:
        found, ran, made = await self._exec(check, attempt)
        packed = await ran.file(f"{RESULT}/packed").contents()
        return self._read(check, found, json.loads(zlib.decompress(base64.b64decode(packed)))), made

    async def _exec(self, check: Check, attempt: str) -> tuple[Furnished, dagger.Container, dagger.Directory]:
        """Return the toolchain, the container after the exec, and what it makes of its outputs; nothing runs yet."""
        found = await self._toolchain(check.toolchain)
        tree = await self._tree(check)
        files = [posixpath.normpath(f"{self.snapshot.prefix}/{path}")
                 for path in select(self.snapshot.files, check.inputs)]  # fmt: skip
        steps = (*self._ways(check), *check.steps)
        values = _values(check)
        specification = {
            "check": check.id,
            "top": TOP,
            "root": self.root,
            "out": f"{INSIDE}/out",
            "logs": f"{INSIDE}/logs",
            "environment": self._environment(check, found, values),
            "values": {"SHIPWAY_OUT": f"{INSIDE}/out", "SHIPWAY_ROOT": self.root, **values},
            "inherited": self._inherited(check),
            "given": sorted(check.given),
            "settings": SETTINGS if check.registry else None,
            "steps": [step.plain() for step in steps],
            "files": [*files, *self._outside],
            "reports": [expression for pattern in check.reports
                        for expression in glob.translate(pattern, flags=GLOB_FLAGS)[0]],
            "limit": BROUGHT_BACK,
        }  # fmt: skip
        container = found.container.with_user("root")
        if check.registry:
            container = self._with_registries(container, check)
            volume = self.kitchen.client.cache_volume(self.volume)
            container = container.with_mounted_cache(STORE, volume, owner=USER)
        container = self._with_secrets(self._with_services(container, check, attempt), check)
        for name, value in check.given.items():  # by its name alone: with another database it is the same check
            secret = self.kitchen.client.set_secret(f"{name} of {check.id} {attempt}", value)
            container = container.with_secret_variable(name, secret)
        empty = self.kitchen.client.directory().chown("/", USER)
        ran = (
            container.with_mounted_directory(TOP, tree)
            .with_mounted_directory(RESULT, empty)
            .with_new_file(SPECIFICATION, json.dumps(specification, sort_keys=True))
            .with_env_variable("SHIPWAY_ATTEMPT", attempt)
            .with_volatile_variable("SHIPWAY_RUN", self.run)
            .with_volatile_variable("SHIPWAY_COMMIT", json.dumps(self.commit))
            .with_user(USER)
            .with_workdir("/")
            .with_exec(
                ["python3", "-I", "-S", f"{CODE}/ci/warden/contained.py", SPECIFICATION, f"{RESULT}/packed"],
                expect=dagger.ReturnType.ANY,
            )
        )
        take, leave = _patterns(check.outputs, self.snapshot.prefix)
        made = tree.diff(ran.directory(TOP)).filter(include=take, exclude=[*leave, ".git"])
        return found, ran, made

    async def _toolchain(self, toolchain: Toolchain) -> Furnished:
        key = repr((sorted(toolchain.tools.items()), toolchain.pnpm_hash))
        if key not in self._furnished:
            self._furnished[key] = await furnish(self.kitchen, toolchain)
        return self._furnished[key]

    async def _tree(self, check: Check) -> dagger.Directory:
        """Return the workspace: what packages were installed, then the files, then whatever else was made of them."""
        made = [(self.plan[need], await self._needed(need)) for need in check.needs]
        tree = self.kitchen.client.directory().chown("/", USER)
        for need, directory in made:
            if _only_packages(need):  # beneath the files, so that these can change and it need not be copied again
                tree = tree.with_directory("/", directory)
        take, leave = _patterns(check.inputs, self.snapshot.prefix)
        take += [glob.escape(path) for path in self._outside]
        # A filtered directory counts by its content: what is left out of it may change.
        tree = tree.with_directory("/", self.source.filter(include=take, exclude=leave), owner=USER)
        for need, directory in made:
            if not _only_packages(need):
                tree = tree.with_directory("/", directory)
        return tree

    async def _needed(self, need: str) -> dagger.Directory:
        """Return the outputs of a check that ended green: in this run, or in an earlier one whose result stands."""
        if need not in self._outputs:
            execution, made = await self._execute(self.plan[need], "")
            if failed := next((step for step in execution.steps if not step.succeeded), None):
                raise ToolError(
                    f"{need} was green and is not in the engine's cache, and again it ended {_ended(failed)}"
                )
            self._outputs[need] = made
        return self._outputs[need]

    def _environment(self, check: Check, found: Furnished, values: Mapping[str, str]) -> dict[str, str]:
        built = {
            **ALWAYS,
            "HOME": f"{INSIDE}/home",
            "TMPDIR": "/tmp",
            "SHIPWAY_TOOLS": ":".join(found.path),
            "SHIPWAY_OUT": f"{INSIDE}/out",
            "SHIPWAY_ROOT": self.root,
            **found.environment,
            **check.environment,
            **values,
        }
        return built | ({f"{prefix}_config_store_dir": STORE for prefix in ("npm", "pnpm")} if check.registry else {})

    def _inherited(self, check: Check) -> list[str]:
        """Name the variables of the container that its steps get too."""
        outside = PROXIES if check.network is Network.OUTSIDE else ()
        return [*check.secrets, *check.given, *outside, *(self.kitchen.tokens if check.registry else ())]

    def _ways(self, check: Check) -> tuple[Step, ...]:
        """Return the steps before the check's own that lead from its loopback to what is elsewhere."""
        near = [(CLIENT, port) for port in self.kitchen.near] if check.registry else []
        if any(service.name != "postgres" for service in check.services):
            raise ToolError(f"{check.id} asks for a service that is none of Shipway's")
        return tuple(
            Step(
                argv=("shipway-forward", str(port), host, str(port)),
                background=True,
                ready=f"tcp:{port}",
                timeout=60,
            )
            for host, port in [*near, *((postgres.ALIAS, postgres.PORT) for _ in check.services)]
        )

    def _with_registries(self, container: dagger.Container, check: Check) -> dagger.Container:
        container = self.kitchen.connected(container, owner=USER)
        if not check.outputs:  # it only asks: another one may answer otherwise
            asked = hashlib.sha256(repr(sorted(self.kitchen.environment.items())).encode()).hexdigest()
            container = container.with_env_variable("SHIPWAY_REGISTRY", asked)
        if self.kitchen.near:
            ports = [dagger.PortForward(backend=port, frontend=port) for port in self.kitchen.near]
            container = container.with_service_binding(CLIENT, self.kitchen.client.host().service(ports))
        return container

    def _with_services(self, container: dagger.Container, check: Check, attempt: str) -> dagger.Container:
        for service in check.services:
            server = postgres.service(
                self.kitchen, instance=f"{check.id} {attempt}", password=_password(check), database=service.database,
                roles=service.roles,
            )  # fmt: skip
            container = container.with_service_binding(postgres.ALIAS, server)
        return container

    def _with_secrets(self, container: dagger.Container, check: Check) -> dagger.Container:
        """Hand over the check's secrets. A name alone would meet the result that another value had."""
        for name in check.secrets:
            mark = self.fingerprints[name]
            secret = self.kitchen.client.set_secret(f"{name}-{mark}", self.secrets[name])
            container = container.with_env_variable(f"SHIPWAY_SECRET_{name}", mark).with_secret_variable(name, secret)
        return container

    def _read(self, check: Check, found: Furnished, result: Mapping[str, Any]) -> Execution:
        events: list[dict[str, Any]] = result["events"]
        refused = next((event["why"] for event in events if event["event"] == "refused"), None)
        done = next((event for event in events if event["event"] == "done"), None)
        if refused is not None or done is None:
            last = result["complaint"].strip().splitlines()[-1:] or ["it says nothing"]
            raise NoExecutorError(f"the warden of {check.id} ended early: {refused or last[0]}")
        ways = self._ways(check)
        steps = (*ways, *check.steps)
        ended = {event["step"]: event for event in events if event["event"] == "ended"}
        runs = tuple(
            step_run(steps[index], event, _output(result["logs"].get(str(index))), Network.OUTSIDE)
            for index, event in sorted(ended.items())
            if index >= len(ways) or event.get("exit_code") != 0
        )
        outputs = glob.compile(list(check.outputs), flags=GLOB_FLAGS) if check.outputs else None
        return Execution(
            steps=runs,
            files={path: base64.b64decode(content) for path, content in result["files"].items()},
            root=self.root,
            run=result["run"],
            seconds=result["seconds"],
            changed=tuple(
                sorted(
                    (change for change in result["changed"] if outputs is None or not outputs.match(change[2:])),
                    key=lambda change: str(change[2:]),
                )
            ),
            left_behind=tuple(done["left_behind"]),
            notices=tuple(result["notices"]),
            tools=found.versions,
        )


async def commit_of(snapshot: Snapshot) -> tuple[str, str, str, str]:
    """Return message, author, address and branch of the commit that the snapshot was made of."""
    if snapshot.commit is None or not (snapshot.directory / ".git").exists():
        return "files without a commit", "nobody", "nobody@example.invalid", snapshot.branch or "main"
    done = await processes.run(("git", "log", "-1", "--format=%an%n%ae%n%B", snapshot.commit), cwd=snapshot.directory)
    name, email, *message = done.text.rstrip("\n").split("\n")
    return "\n".join(message), name, email, snapshot.branch or "main"


def _ended(step: StepRun) -> str:
    return "with its time" if step.timed_out else f"with {step.exit_code or step.signal or step.error}"


def _only_packages(check: Check) -> bool:
    return bool(check.outputs) and all(pattern.endswith("node_modules") for pattern in check.outputs)


def _patterns(globs: Iterable[str], prefix: str) -> tuple[list[str], list[str]]:
    """Return what the engine shall take and leave, from the repository's top: it knows no braces."""
    before = "" if prefix == "." else f"{prefix}/"
    single = [pattern for braced in globs for pattern in bracex.expand(braced)]
    take = [before + pattern for pattern in single if not pattern.startswith("!")]
    return take, [before + pattern[1:] for pattern in single if pattern.startswith("!")]


def _values(check: Check) -> dict[str, str]:
    """Return what the services provide. A step finds its server on its own loopback, as on the host."""
    filling = {"host": "127.0.0.1", "port": str(postgres.PORT), "password": _password(check)}
    return {name: value.format(**filling) for service in check.services for name, value in service.environment.items()}


def _password(check: Check) -> str:
    """Return a password for servers that nobody but this check's exec can reach: the same each time, or no layer is."""
    return hashlib.sha256(f"shipway {check.id}".encode()).hexdigest()[:24]


def _output(log: tuple[str, str, int] | None) -> tuple[str, int]:
    head, tail, omitted = log or ("", "", 0)
    return logs.joined(base64.b64decode(head), base64.b64decode(tail), omitted), omitted


def _broken(check: Check, error: dagger.QueryError) -> ToolError:
    """Return what to say where there is no result: an image or a recipe lacks something, or the exec was killed."""
    if not isinstance(error, dagger.ExecError):
        return ToolError(f"Dagger cannot run {check.id}: {first_line(str(error))}")
    if "npm error " in error.stderr:
        return refused(error.stderr, f"a tool of {check.id}")
    if error.command[0] == postgres.ASKS:
        return ToolError(f"the Postgres of {check.id} did not get ready in {postgres.PATIENCE} s")
    said = [line for line in (error.stderr or error.stdout).splitlines() if line.strip()]
    last = said[-1][:300] if said else f"exit code {error.exit_code}"
    if error.command[0] == postgres.STARTS:
        return ToolError(f"the Postgres of {check.id} ended before it was ready: {last}")
    if error.exit_code > SIGNALLED:
        return ToolError(f"the container of {check.id} was killed by signal {error.exit_code - SIGNALLED}", hint=last)
    return ToolError(f"the container of {check.id} cannot be made: {error.command[0]} said: {last}")

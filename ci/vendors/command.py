"""Any other platform, through commands of the user's own: deploy, status, switch, rollback, and a log if there is one.

docs/command-platform.md is what their author reads. A command is told what to do in variables, and answers with one
JSON document on its standard output; what it says on standard error is for people. It gets no secret but those that it
names. A build that fails is an answer; a command that does not end with 0 is a VendorError.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import pydantic

from ci import processes
from ci.errors import ToolError, Trouble, UsageError, VendorError
from ci.redact import Redactor
from ci.text import clean, first_line
from ci.vendors.adapter import BRIEF, ensure
from ci.vendors.exchange import LOOKED_AT, Before
from ci.vendors.pace import Pace, until
from ci.vendors.platform import Deployment, Order, State

T = TypeVar("T")
BUILDING = Pace(first=0.5, most=5.0, whole=1800.0)
MOVING = Pace(first=0.1, most=2.0, whole=180.0)
LARGEST = 8 * 1024 * 1024  # bytes of an answer
LONGEST_REASON = 500  # characters
# Seconds, where a command has no time of its own. A write that a process began and that another one took over must be
# over soon; to deploy is to build, which needs more, and makes nothing that users get.
TIME = 60.0
TIMES = {"switch": 15.0, "rollback": 15.0}
PREFIX = "SHIPWAY_"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program and its arguments. `secrets` are the names of those that it gets, `timeout` is in seconds.

    Who sets a time for `switch` or `rollback` that is longer than that of TIMES says that the platform needs more.
    """

    argv: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    timeout: float | None = None


@dataclass(frozen=True, kw_only=True)
class Commands:
    """The commands of one environment, and what they do. All are run in `directory`.

    `deploy` begins a deployment, or waits for it. `status` tells what is there. `switch` and `rollback` have users get
    a deployment. `log` prints the lines of a build as plain text.
    """

    directory: Path
    deploy: Command
    status: Command
    switch: Command
    rollback: Command
    log: Command | None = None


@dataclass(frozen=True, kw_only=True)
class _Told:
    """A deployment as a command tells it."""

    __pydantic_config__ = pydantic.ConfigDict(extra="forbid")

    id: Annotated[str, pydantic.Field(pattern=r"^[^\x00-\x1f]{1,255}$")]
    state: State
    address: Annotated[str, pydantic.Field(pattern=r"^https?://[^\s]+$")]
    created: float
    commit: str | None = None
    key: str | None = None
    reason: str = ""
    candidate: bool = False


@dataclass(frozen=True, kw_only=True)
class _Status:
    """What `status` answers: every deployment that it knows, and the id of the one that users get."""

    __pydantic_config__ = pydantic.ConfigDict(extra="forbid")

    serving: str | None
    deployments: tuple[_Told, ...]


class CommandPlatform:
    """`secrets` are the values of all that the commands name, by name.

    `before` is awaited before each deploy, switch and rollback; what it raises goes through.
    """

    def __init__(
        self,
        commands: Commands,
        *,
        environment: str,
        secrets: Mapping[str, str] | None = None,
        build_pace: Pace = BUILDING,
        move_pace: Pace = MOVING,
        before: Before | None = None,
    ) -> None:
        """Speak for one environment. Raises UsageError where a command names a secret that is not there."""
        self._commands = commands
        self._environment = environment
        self._secrets = dict(secrets or {})
        self._build_pace = build_pace
        self._move_pace = move_pace
        self.before = before
        self._redactor = Redactor(self._secrets)
        named = (commands.deploy, commands.status, commands.switch, commands.rollback, commands.log)
        wanted = {name for command in named if command is not None for name in command.secrets}
        if missing := wanted - set(self._secrets):
            raise UsageError(
                f"a command of {environment} names secrets that are not there: {', '.join(sorted(missing))}"
            )

    async def deploy(self, order: Order) -> Deployment:
        """Begin to deploy, unless `status` knows a deployment of this key. Raises VendorError, ToolError."""

        async def look() -> Deployment | None:
            found = await self._status(order.app)
            told = (each for each in found.deployments if each.key == order.key)
            return next((self._deployment(order.app, each) for each in told), None)

        async def write() -> Deployment:
            told = {"COMMIT": order.commit, "BRANCH": order.branch, "KEY": order.key}
            await self._allowed()
            answer = await self._ask("deploy", self._commands.deploy, order.app, told, extra=order.variables)
            return self._deployment(order.app, self._read("deploy", answer, _Told))

        return await ensure(look, write)

    async def wait(self, deployment: Deployment) -> Deployment:
        """Return it once its state has ended. Raises VendorError, ToolError."""
        if deployment.state.ended:
            return deployment

        async def look() -> Deployment | None:
            found = await self._find(deployment)
            if found is None:
                return replace(deployment, state=State.FAILED, reason="the status command does not know it any more")
            return found if found.state.ended else None

        return self._in_time(await until(look, self._build_pace), f"{deployment.id} is not deployed", self._build_pace)

    async def log(self, deployment: Deployment) -> tuple[str, ...]:
        """Return what `log` prints, nothing where there is no such command. Raises VendorError, ToolError."""
        if self._commands.log is None:
            return ()
        text = await self._ask("log", self._commands.log, deployment.app, {"DEPLOYMENT": deployment.id})
        return tuple(self._redactor.text(clean(text.decode(errors="replace"))).splitlines())

    async def passage(self, app: str) -> Mapping[str, str]:  # noqa: ARG002 - a platform's form
        """Return none: whatever guards the addresses is the user's own."""
        return {}

    async def serving(self, app: str) -> tuple[Deployment, ...]:
        """Return what users get. Raises VendorError, ToolError."""
        found = await self._status(app)
        return tuple(self._deployment(app, each) for each in found.deployments if each.id == found.serving)

    async def switch(self, deployment: Deployment) -> None:
        """Have users get it, unless they do. Raises VendorError, ToolError."""
        await self._move("switch", self._commands.switch, deployment, {})

    async def roll_back(self, deployment: Deployment, *, why: str) -> None:
        """Have users get it again, unless they do. Raises VendorError, ToolError."""
        await self._move("rollback", self._commands.rollback, deployment, {"REASON": first_line(why, LONGEST_REASON)})

    async def candidates(self, app: str) -> tuple[Deployment, ...]:
        """Return the candidates that users do not get, the newest first. Raises VendorError, ToolError."""
        found = await self._status(app)
        good = [each for each in found.deployments if each.candidate and each.state is State.READY]
        listed = [self._deployment(app, each) for each in good if each.id != found.serving]
        return tuple(sorted(listed, key=lambda each: each.created, reverse=True))

    async def _move(self, name: str, command: Command, deployment: Deployment, told: Mapping[str, str]) -> None:
        async def look() -> bool | None:
            found = await self._status(deployment.app)
            return True if found.serving == deployment.id else None

        async def write() -> bool:
            await self._allowed()
            await self._ask(name, command, deployment.app, {"DEPLOYMENT": deployment.id, **told})
            return True

        await ensure(look, write, lag=BRIEF)
        self._in_time(await until(look, self._move_pace), f"users do not get {deployment.id}", self._move_pace)

    async def _find(self, deployment: Deployment) -> Deployment | None:
        found = await self._status(deployment.app)
        told = (each for each in found.deployments if each.id == deployment.id)
        return next((self._deployment(deployment.app, each) for each in told), None)

    async def _status(self, app: str) -> _Status:
        return self._read("status", await self._ask("status", self._commands.status, app, {}), _Status)

    async def _allowed(self) -> None:
        if self.before is not None:
            await self.before()

    async def _ask(
        self, name: str, command: Command, app: str, told: Mapping[str, str], *, extra: Mapping[str, str] | None = None
    ) -> bytes:
        """Run a command and return what it printed. Raises VendorError; ToolError where there is no such program."""
        told = {"APP": app, "ENVIRONMENT": self._environment, **told}
        environment = {
            **processes.inherited(),
            **(extra or {}),
            **{name: self._secrets[name] for name in command.secrets},
            **{f"{PREFIX}{name}": value for name, value in told.items()},
        }
        seconds = TIMES.get(name, TIME) if command.timeout is None else command.timeout
        where = self._commands.directory
        try:
            done = await processes.run(command.argv, cwd=where, environment=environment, timeout=seconds, most=LARGEST)
        except ToolError as error:
            if not isinstance(error.__cause__, TimeoutError):
                raise
            told_late = f"no answer within {seconds:g} s"
            raise self._error(name, Trouble.UNREACHABLE, told_late, unsettled=True) from error
        except (OSError, ValueError) as error:  # an argument or a variable that no program can be given
            raise self._error(name, Trouble.REFUSING, f"it cannot be started: {error}") from None
        if done.code != 0:
            ended = f"signal {-done.code}" if done.code < 0 else f"exit code {done.code}"
            raise self._error(name, Trouble.REFUSING, f"{ended}: {done.complaint}", unsettled=done.code < 0)
        if len(done.stdout) > LARGEST:
            raise self._error(name, Trouble.UNREADABLE, f"it is larger than {LARGEST // 1024 // 1024} MiB")
        return done.stdout

    def _read(self, name: str, answer: bytes, kind: type[T]) -> T:
        try:
            return pydantic.TypeAdapter(kind).validate_json(answer)
        except pydantic.ValidationError as error:
            first: Any = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            told = f"{place}: {first['msg']}" if place else first["msg"]
            raise self._error(name, Trouble.UNREADABLE, told) from None

    def _deployment(self, app: str, told: _Told) -> Deployment:
        return Deployment(
            id=told.id,
            app=app,
            commit=told.commit,
            state=told.state,
            address=told.address,
            created=told.created,
            reason=first_line(self._redactor.text(first_line(told.reason, LOOKED_AT))),
        )

    def _in_time(self, found: T | None, what: str, pace: Pace) -> T:
        if found is None:
            raise self._error("status", Trouble.BROKEN, f"{what} after {pace.whole:g} s", unsettled=True)
        return found

    def _error(self, name: str, trouble: Trouble, told: str, *, unsettled: bool = False) -> VendorError:
        line = first_line(self._redactor.text(first_line(clean(told), LOOKED_AT)))
        message = f"the {name} command of {self._environment} {trouble.value}: {line}"
        return VendorError(message, trouble=trouble, unsettled=unsettled)

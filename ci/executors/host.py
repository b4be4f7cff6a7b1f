"""The host executor: steps run straight on this machine, each check in a throw-away workspace under the warden.

Needs Python, git and util-linux. How well steps are kept apart depends on what the machine grants
(isolation.py); the verdicts do not.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread

from ci import processes
from ci.errors import NoExecutorError
from ci.executors import environment, linking, logs, walls
from ci.executors import workspace as workspaces
from ci.executors.events import step_run
from ci.executors.isolation import Isolation, Mode, warden_command
from ci.executors.scratch import remove
from ci.model import Check, Execution, Network, Service, Step
from ci.toolchains.catalogue import Provided, provide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.executors.reuse import Store
    from ci.executors.workspace import Workspace
    from ci.monorepo.snapshot import Snapshot

BROUGHT_BACK = 64 * 1024 * 1024  # bytes of reports and artifacts a check may hand over
LOOK = 0.25  # seconds between two looks at a running step's output
POSTGRES_PORT = 5432


@dataclass(kw_only=True)
class HostExecutor:
    """Runs checks of one run. `keys` say where the outputs of each check lie in `store`."""

    snapshot: Snapshot
    scratch: Path
    cache: Path
    isolation: Isolation
    store: Store
    keys: Mapping[str, str]
    run: str
    note: Callable[[str], None]
    on_output: Callable[[Check, str], None]
    secrets: Mapping[str, str] = field(default_factory=dict)
    name: str = "host"
    _count: int = 0
    _leavings: list[Path] = field(default_factory=list)

    async def execute(self, check: Check) -> Execution:
        """Run all steps of the check in a throw-away workspace and keep its outputs for those that need it.

        Raises ToolError where a tool or the room cannot be had, NoExecutorError where the sandbox breaks.
        """
        began = time.monotonic()
        provided = await provide(check.toolchain, cache=self.cache, note=self.note)
        self._count += 1
        place = self.scratch / str(self._count)
        place.mkdir()
        layers = tuple(self.store.layer(self.keys[need]) for need in reversed(check.needs))
        try:
            with self._beside_store(check) as linked:
                workspace = await workspaces.assemble(
                    place,
                    self.snapshot,
                    tuple(layer for layer in layers if layer.is_dir()),
                    self.isolation.mode,
                    linked=linked,
                )
                return await self._execute(check, workspace, provided, began)
        finally:
            self._leavings.append(place)

    def _beside_store(self, check: Check) -> contextlib.AbstractContextManager[Path | None]:
        """Give an install a workspace in which it can link, where that can be."""
        if check.registry and check.outputs and self.isolation.mode is Mode.NAMESPACES:
            return linking.beside_store(self.cache, self.snapshot.top)
        return contextlib.nullcontext()

    async def tidy(self) -> None:
        """Remove the workspaces of checks that ended, beside the run, until cancelled; what is left goes with the run.

        Not at the check's own end: removing a copied tree can take seconds, and somebody waits for the slot.
        """
        while True:
            while self._leavings:
                await anyio.to_thread.run_sync(remove, self._leavings.pop(0))
            await anyio.sleep(LOOK)

    async def _execute(self, check: Check, workspace: Workspace, provided: Provided, began: float) -> Execution:
        values, steps = self._services(check, workspace)
        specification = workspace.place / "check.json"
        specification.write_text(
            json.dumps(
                {
                    "root": str(workspace.root),
                    "out": str(workspace.inside / "out"),
                    "logs": str(workspace.logs),
                    "environment": environment.build(
                        check, workspace, provided, cache=self.cache, secrets=self.secrets, values=values
                    ),
                    "values": {
                        "SHIPWAY_OUT": str(workspace.inside / "out"),
                        "SHIPWAY_ROOT": str(workspace.root),
                        **values,
                    },
                    "steps": [step.plain() for step in steps],
                    **walls.build(check, workspace, provided, cache=self.cache, landlock=self.isolation.landlock),
                }
            ),
            encoding="utf-8",
        )
        specification.chmod(0o600)
        ended, left_behind = await self._watch(check, workspace, specification)
        reach = check.network if workspace.mode is Mode.NAMESPACES else Network.OUTSIDE
        services = len(steps) - len(check.steps)
        runs = tuple(
            step_run(steps[index], event, logs.read(workspace.logs / logs.name(index)), reach)
            for index, event in sorted(ended.items())
            if index >= services or event.get("exit_code") != 0
        )
        files, too_large = await anyio.to_thread.run_sync(
            lambda: workspaces.bring_back(workspace, check.reports, limit=BROUGHT_BACK)
        )
        changed = await workspaces.changes(workspace, check.outputs)
        if check.outputs and all(run.succeeded for run in runs):
            await anyio.to_thread.run_sync(self._keep, check, workspace)
        return Execution(
            steps=runs,
            files=files,
            root=str(workspace.root),
            run=self.run,
            seconds=time.monotonic() - began,
            changed=changed,
            left_behind=left_behind,
            notices=tuple(too_large),
            tools=provided.versions,
        )

    def _keep(self, check: Check, workspace: Workspace) -> None:
        """Put the outputs where the checks that need them look."""
        fresh = workspace.place / "outputs"
        workspaces.keep(workspace, check.outputs, fresh)
        self.store.keep(self.keys[check.id], check, fresh)

    def _services(self, check: Check, workspace: Workspace) -> tuple[dict[str, str], tuple[Step, ...]]:
        """Turn services into background steps before the check's own; return the values they provide."""
        values = dict(check.given)
        steps: list[Step] = []
        for service in check.services:
            port = POSTGRES_PORT if workspace.mode is Mode.NAMESPACES else processes.free_port()
            password = secrets.token_hex(12)
            filling = {"host": "127.0.0.1", "port": str(port), "password": password}
            values |= {name: value.format(**filling) for name, value in service.environment.items()}
            steps.append(_postgres(service, workspace, port, password))
        return values, (*steps, *check.steps)

    async def _watch(
        self, check: Check, workspace: Workspace, specification: Path
    ) -> tuple[dict[int, dict[str, Any]], tuple[str, ...]]:
        """Start the warden and listen to it until it ends; return how each step ended and who was left behind."""
        loopback = check.network is Network.LOOPBACK
        command = warden_command(specification, mode=workspace.mode, loopback=loopback)
        ended: dict[int, dict[str, Any]] = {}
        left_behind: tuple[str, ...] | None = None
        complaint: list[bytes] = []
        # In a copy the warden must outlive us for a moment, to end the tree: it watches the pipe instead.
        dies_with_us = workspace.mode is Mode.NAMESPACES
        async with (
            processes.supervised(command, dies_with_us=dies_with_us) as process,
            anyio.create_task_group() as group,
        ):
            group.start_soon(processes.drain, process.stderr, complaint)
            group.start_soon(self._follow, check, workspace)
            async for line in processes.lines(process.stdout):
                event = json.loads(line)
                match event["event"]:
                    case "refused":
                        raise NoExecutorError(f"the sandbox cannot be made: {event['why']}")
                    case "ended":
                        ended[event["step"]] = event
                    case "done":
                        left_behind = tuple(event["left_behind"])
                    case _:
                        pass  # "entered" and "started" are for those who watch closer
            await process.wait()
            group.cancel_scope.cancel()
        if left_behind is None:
            text = b"".join(complaint).decode(errors="replace").strip().splitlines()
            why = text[-1] if text else f"exit code {process.returncode}"
            raise NoExecutorError(f"the warden of {check.id} ended early: {why}")
        return ended, left_behind

    async def _follow(self, check: Check, workspace: Workspace) -> None:
        """Show the last output of the running step until cancelled."""
        shown = b""
        while True:
            await anyio.sleep(LOOK)
            tail = logs.newest(workspace.logs)
            if tail not in (b"", shown):
                shown = tail
                self.on_output(check, tail.decode(errors="replace"))


def _postgres(service: Service, workspace: Workspace, port: int, password: str) -> Step:
    # In memory where that is the check's own: it goes with the namespace. Nothing in it is to last.
    data = (Path("/dev/shm") if workspace.mode is Mode.NAMESPACES else workspace.inside) / "shipway-postgres"
    roles = tuple(word for role in service.roles for word in ("--role", role))
    return Step(
        argv=(
            *("shipway-postgres", "--port", str(port), "--data", str(data)),
            *("--database", service.database, *roles, "--ready", f"{data}.ready"),
        ),
        environment={"SHIPWAY_PG_PASSWORD": password},
        background=True,
        ready=f"file:{data}.ready",
        timeout=60,
    )

"""What every stage is handed, and the few things that they all build on."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from ci.model import Check, Measure, Plan, Toolchain
from ci.monorepo import workspace as workspaces
from ci.toolchains.versions import DEFAULT_NODE, known_nodes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.monorepo.snapshot import Snapshot
    from ci.monorepo.workspace import Workspace
    from ci.settings import Settings

INSTALL = "install/pnpm@."
PLAYWRIGHT = ("@playwright/test", "playwright", "@playwright/experimental-ct-react")


@dataclass(frozen=True, kw_only=True)
class Context:
    """The workspace as its files describe it, the user's settings, and the last green run's measures.

    `generation` are the checks that generate code, in order; `build` is the one that builds the apps, None
    where nothing is to be built. Both are preparations: their outputs are in the tree of every check that needs them.
    `baseline` maps a measure's (kind, group, name) to its value in the last green run on main. `absent` are git
    submodules, by their path, whose files did not come along. `migrated` says that the database of stage 5 is migrated
    already: it may be by a later commit.
    """

    workspace: Workspace
    settings: Settings
    generation: tuple[Check, ...] = ()
    build: Check | None = None
    baseline: Mapping[tuple[str, str, str], Measure] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    migrated: bool = False
    today: datetime.date = field(default_factory=lambda: datetime.datetime.now(datetime.UTC).date())

    @classmethod
    def of(
        cls, snapshot: Snapshot, settings: Settings, baseline: Mapping[tuple[str, str, str], Measure] | None = None
    ) -> Self:
        """Return what the files of a snapshot say. Raises what reading a workspace raises."""
        workspace = workspaces.read(
            snapshot.workspace, snapshot.files, known_nodes=known_nodes(), default_node=DEFAULT_NODE
        )
        return cls(workspace=workspace, settings=settings, baseline=baseline or {}, absent=snapshot.submodules)

    @property
    def generated(self) -> tuple[str, ...]:
        """What a check needs to find an installed tree with generated code, in the order of making."""
        return (INSTALL, *(check.id for check in self.generation))

    @property
    def built(self) -> tuple[str, ...]:
        """The same, with the apps built."""
        return self.generated if self.build is None else (*self.build.needs, self.build.id)

    def toolchain(self, name: str = "pnpm", **tools: str) -> Toolchain:
        """Return the repository's own Node and pnpm, and the `tools` beside them by exact version."""
        workspace = self.workspace
        return Toolchain(
            name=name,
            tools={"node": workspace.node.version, "pnpm": workspace.pnpm.version, **tools, **self._playwright(tools)},
            pnpm_hash=workspace.pnpm.hash,
        )

    def _playwright(self, tools: Mapping[str, str]) -> dict[str, str]:
        """Return the repository's own Playwright, which says where browsers come from in a container."""
        if "chromium" not in tools:
            return {}
        paths = [package.path for package in self.workspace.packages]
        found = (self.workspace.lockfile.resolved(path, name) for path in paths for name in PLAYWRIGHT)
        version = next(filter(None, found), None)
        return {} if version is None else {"playwright": version}


def merge(*plans: Plan) -> Plan:
    """Put plans one behind the other."""
    return Plan(
        checks=tuple(check for plan in plans for check in plan.checks),
        skips=tuple(skip for plan in plans for skip in plan.skips),
        notices=tuple(dict.fromkeys(notice for plan in plans for notice in plan.notices)),
    )

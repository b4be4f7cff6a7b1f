"""What a diagnosis has run: checks on a commit with changes that nobody has committed yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import CheckRun, RunReport

NO_FILES: Mapping[str, bytes | None] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The files of a commit, with some of them changed: whole contents by path from the workspace, None for gone."""

    commit: str
    files: Mapping[str, bytes | None] = field(default_factory=lambda: NO_FILES)


class Trials(Protocol):
    """Whoever runs checks on a tree, in a box without network, secret or token. What fails is in the report."""

    async def run(self, tree: Tree, checks: tuple[str, ...] = (), *, anew: bool = False) -> RunReport:
        """Run the checks of these ids, with all that they need; without ids, all that there are.

        `anew`: those named run even where the same was run on this tree. A check that the tree has no more is in no
        stage of the report. Raises UsageError, ToolError, NoExecutorError.
        """
        ...

    async def repair(self, tree: Tree, runs: tuple[CheckRun, ...]) -> tuple[str, Mapping[str, bytes | None]] | None:
        """Have the tools' own fix modes repair what is red; return by whom and which files, None where none does.

        Raises UsageError, ToolError, NoExecutorError.
        """
        ...

    async def checks_of(self, tree: Tree, paths: tuple[str, ...]) -> tuple[str, ...]:
        """Return the ids of all checks that read one of some files. Raises UsageError."""
        ...

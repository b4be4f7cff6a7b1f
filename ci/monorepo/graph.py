"""Who depends on whom in the workspace. All of it is linear in packages and edges."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.monorepo.workspace import Workspace


def order(workspace: Workspace) -> tuple[str, ...]:
    """Paths of all packages, each behind those it depends on; a cycle is cut where it is first met."""
    placed: dict[str, None] = {}
    entered: set[str] = set()
    for package in workspace.packages:
        stack = [(package.path, iter(package.local))]
        if package.path in entered:
            continue
        entered.add(package.path)
        while stack:
            path, rest = stack[-1]
            following = next((target for target in rest if target not in entered), None)
            if following is None:
                placed[path] = None
                stack.pop()
            else:
                entered.add(following)
                stack.append((following, iter(workspace.by_path[following].local)))
    return tuple(placed)


def closure(workspace: Workspace, path: str) -> tuple[str, ...]:
    """A package and all it depends on, directly or not, sorted by path."""
    return _reach({package.path: package.local for package in workspace.packages}, (path,))


def dependents(workspace: Workspace, path: str) -> tuple[str, ...]:
    """A package and all that depend on it, directly or not, sorted by path."""
    users: dict[str, list[str]] = defaultdict(list)
    for package in workspace.packages:
        for target in package.local:
            users[target].append(package.path)
    return _reach(users, (path,))


def _reach(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> tuple[str, ...]:
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return tuple(sorted(reached))

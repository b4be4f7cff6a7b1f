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


def cycles(workspace: Workspace) -> tuple[tuple[str, ...], ...]:
    """Groups of packages that depend on one another, each sorted: Tarjan's strongly connected components."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    held: dict[str, None] = {}
    groups = []
    for start in workspace.packages:
        if start.path in index:
            continue
        index[start.path] = low[start.path] = len(index)
        held[start.path] = None
        stack = [(start.path, iter(start.local))]
        while stack:
            path, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                stack.pop()
                if stack:
                    low[stack[-1][0]] = min(low[stack[-1][0]], low[path])
                if low[path] == index[path]:
                    group = [path]
                    while (last := held.popitem()[0]) != path:
                        group.append(last)
                    groups.append(tuple(sorted(group)))
            elif target not in index:
                index[target] = low[target] = len(index)
                held[target] = None
                stack.append((target, iter(workspace.by_path[target].local)))
            elif target in held:
                low[path] = min(low[path], index[target])
    return tuple(sorted(group for group in groups if len(group) > 1))


def _reach(edges: Mapping[str, Iterable[str]], starts: Iterable[str]) -> tuple[str, ...]:
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return tuple(sorted(reached))

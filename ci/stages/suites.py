"""Which Playwright suites a workspace has, as its own scripts run them."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ci.monorepo.documents import read_text
from ci.monorepo.scripts import Invocation, invocations
from ci.monorepo.testconfigs import E2E
from ci.monorepo.tests import find_tests, playwright_configs
from ci.stages.context import PLAYWRIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ci.monorepo.workspace import Package, Workspace

CONFIG = re.compile(r"playwright\.config\.[cm]?[jt]s")
# The script that a team's CI would run, most likely first.
SCRIPTS = (
    "test:e2e", "e2e", "test:playwright", "playwright", "test:e2e:ci", "e2e:ci", "e2e:test", "playwright:test",
    "test:integration", "test:browser", "test",
)  # fmt: skip
INTERACTIVE = frozenset({"--ui", "--debug", "--headed", "--list", "-u", "--update-snapshots", "--ui-host", "--ui-port"})
OURS = frozenset({"--forbid-only", "--pass-with-no-tests", "--quiet", "-x"})
OURS_VALUED = frozenset({"-c", "--config", "--reporter", "--output", "--global-timeout", "--trace"})


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One Playwright configuration and how it is run: `config` and `words` as seen from `cwd`.

    `tagged` and `files` are what the text of its tests says: whether one carries a tag of tier 1, and how many
    files there are.
    """

    package: str
    cwd: str
    config: str
    words: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    tagged: bool = False
    files: int = 0
    why: str

    @property
    def path(self) -> str:
        """The configuration, from the workspace's root."""
        return posixpath.normpath(posixpath.join(self.cwd, self.config))

    @property
    def chooses(self) -> bool:
        """Whether its own script says which tests run, so that no tag has to."""
        return any(word.partition("=")[0] in {"-g", "--grep"} for word in self.words)


def find_suites(workspace: Workspace, tags: tuple[str, ...]) -> tuple[Suite, ...]:
    """Return the suites of a workspace: those that a script runs first, then configurations that none runs."""
    found: dict[str, Suite] = {}
    for package in workspace.packages:
        for suite in _from_scripts(workspace, package):
            found.setdefault(suite.path, suite)
    for known in playwright_configs(workspace):
        package = workspace.by_path[known.package]
        usual = CONFIG.fullmatch(posixpath.basename(known.path))
        if usual and known.path not in found and _has_playwright(workspace, package):
            config = posixpath.relpath(known.path, package.path)
            why = f"{known.path}, which no script runs"
            found[known.path] = Suite(package=package.path, cwd=package.path, config=config, why=why)
    texts: dict[str, list[str]] = {}
    for test in find_tests(workspace) if found else ():
        if test.kind == E2E:
            texts.setdefault(test.package, []).append(read_text(workspace.root, test.path))
    return tuple(_read(suite, texts.get(suite.package, []), tags) for suite in found.values())


def _from_scripts(workspace: Workspace, package: Package) -> Iterator[Suite]:
    for name in SCRIPTS:
        if name not in package.scripts:
            continue
        runs = [each for each in invocations(workspace, package.path, name) if _is_run(each)]
        suites = [suite for each in runs if (suite := _suite(workspace, each)) is not None]
        yield from suites
        if suites:
            return


def _is_run(invocation: Invocation) -> bool:
    words = invocation.argv[1:]
    named = {word.partition("=")[0] for word in words}
    return invocation.tool == "playwright" and words[:1] == ("test",) and not named & INTERACTIVE


def _suite(workspace: Workspace, invocation: Invocation) -> Suite | None:
    words, config = _split(invocation.argv[2:])
    place = posixpath.normpath(posixpath.join(invocation.cwd, config or "."))
    if place not in workspace.file_set:
        folder = "" if place == "." else f"{place}/"
        inside = sorted(file for file in workspace.files if file.startswith(folder))
        place = next((file for file in inside if CONFIG.fullmatch(file[len(folder) :])), "")
    if not place:
        return None
    return Suite(
        package=workspace.owner(place).path,
        cwd=invocation.cwd,
        config=posixpath.relpath(place, invocation.cwd),
        words=words,
        environment=invocation.environment,
        why=" > ".join((*invocation.chain, place)),
    )


def _split(words: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    """Return the words to hand on, without those that Shipway sets itself, and the configuration they name."""
    kept: list[str] = []
    config: str | None = None
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, equals, value = word.partition("=")
        if name in OURS_VALUED:
            value = value if equals else (waiting.pop(0) if waiting else "")
            config = value if name in {"-c", "--config"} else config
        elif name not in OURS:
            kept.append(word)
    return tuple(kept), config


def _has_playwright(workspace: Workspace, package: Package) -> bool:
    known = (package.dependencies, workspace.packages[0].dependencies)
    return any(name in dependencies for dependencies in known for name in PLAYWRIGHT)


def _read(suite: Suite, texts: list[str], tags: tuple[str, ...]) -> Suite:
    marked = re.compile("|".join(rf"{re.escape(tag)}(?![\w-])" for tag in tags)) if tags else None
    tagged = marked is not None and any(marked.search(text) for text in texts)
    return dataclasses.replace(suite, tagged=tagged, files=len(texts))

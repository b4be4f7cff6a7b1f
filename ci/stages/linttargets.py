"""What a linter's command looks at, and whether others look at all of that already."""

from __future__ import annotations

import dataclasses
import posixpath
import re
from typing import TYPE_CHECKING

from wcmatch import glob

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ci.monorepo.scripts import Invocation
    from ci.monorepo.workspace import Workspace

FLAGS = glob.GLOBSTAR | glob.DOTGLOB | glob.BRACE | glob.EXTGLOB
WILD = re.compile(r"[*?\[{]|[!+@]\(")
SOURCE = re.compile(r"\.(?:[cm]?[jt]sx?|vue|svelte|astro)$")
FORMATTERS = frozenset({"prettier", "biome", "oxfmt"})  # which look at more than sources
NEXT = ("app", "pages", "components", "lib", "src")  # https://nextjs.org/docs/14/basic-features/eslint
SUBCOMMAND = frozenset({"biome", "next"})
VALUED: Mapping[str, frozenset[str]] = {
    "eslint": frozenset({
        "--ext", "-c", "--config", "-f", "--format", "--max-warnings", "--ignore-path", "--ignore-pattern", "--rule",
        "--parser", "--parser-options", "--plugin", "--env", "--global", "--rulesdir", "--cache-location",
        "--cache-file", "--cache-strategy", "--fix-type", "-o", "--output-file", "--flag", "--concurrency",
        "--resolve-plugins-relative-to", "--report-unused-disable-directives-severity", "--suppressions-location",
    }),
    "prettier": frozenset({
        "--config", "--ignore-path", "--plugin", "--parser", "--log-level", "--loglevel", "--cache-location",
        "--cache-strategy", "--config-precedence", "--print-width", "--tab-width", "--end-of-line", "--trailing-comma",
    }),
    "biome": frozenset({
        "--config-path", "--diagnostic-level", "--max-diagnostics", "--reporter", "--since", "--only", "--skip",
        "--colors", "--log-level", "--log-kind", "--vcs-root", "--files-max-size",
    }),
    "oxlint": frozenset({
        "-c", "--config", "-A", "-D", "-W", "--allow", "--deny", "--warn", "-f", "--format", "--ignore-path",
        "--ignore-pattern", "--max-warnings", "--threads", "--tsconfig",
    }),
    "oxfmt": frozenset({"-c", "--config", "--ignore-path", "--threads"}),
    "next": frozenset({"--ext", "-c", "--config", "--max-warnings", "--format", "-f"}),
}  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Targets:
    """What commands look at in a workspace. Each target's files are listed once."""

    workspace: Workspace
    _known: dict[str, frozenset[str]] = dataclasses.field(default_factory=dict)

    def covered(self, run: Invocation, by: Iterable[Invocation]) -> bool:
        """Whether the other runs look at all that this one looks at, as far as words and globs tell."""
        given = {target for other in by for target in targets(other)}
        open_ = [target for target in targets(run) if not _within(target, given)]
        if not open_ or not given:
            return not open_
        wanted = {file for target in open_ for file in self._files(target)}
        if run.tool not in FORMATTERS:
            wanted = {file for file in wanted if SOURCE.search(file)}
        return bool(wanted) and wanted <= {file for target in given for file in self._files(target)}

    def _files(self, target: str) -> frozenset[str]:
        if target not in self._known:
            self._known[target] = frozenset(self._listed(target))
        return self._known[target]

    def _listed(self, target: str) -> Iterable[str]:
        files = self.workspace.files
        if target == ".":
            return files
        if WILD.search(target) and target not in self.workspace.file_set:
            takes = glob.compile([target, f"{target}/**"], flags=FLAGS)
            return (file for file in files if takes.match(file))
        return (file for file in files if file == target or file.startswith(f"{target}/"))


def targets(run: Invocation) -> tuple[str, ...]:
    """Return the files, directories and globs that a command names, from the root; where it runs if it names none."""
    valued = VALUED.get(run.tool, frozenset())
    rest = list(run.argv[2 if run.tool in SUBCOMMAND else 1 :])
    named: list[str] = []
    while rest:
        word = rest.pop(0)
        if word in valued and rest:
            rest.pop(0)
        elif not word.startswith(("-", "!")):
            named.append(word)
    named = named or list(NEXT if run.tool == "next" else ())
    return tuple(posixpath.normpath(posixpath.join(run.cwd, word)) for word in named) or (run.cwd,)


def _within(target: str, given: set[str]) -> bool:
    return "." in given or any(target == one or target.startswith(f"{one}/") for one in given)

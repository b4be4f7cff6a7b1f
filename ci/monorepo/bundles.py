"""What npm-run-all (`run-s`, `run-p`) and concurrently would run."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from wcmatch import fnmatch, glob

from ci.monorepo.delegation import Delegation, Target, Words, parse

if TYPE_CHECKING:
    from ci.monorepo.workspace import Workspace

RUN_ALL_VALUED = frozenset({"--max-parallel", "--npm-path"})
CONCURRENTLY_VALUED = frozenset({
    "-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-m", "--max-processes", "-s", "--success",
    "-l", "--prefix-length", "--restart-tries", "--restart-after", "--default-input-target", "--hide",
    "--name-separator", "-t", "--timestamp-format", "--cwd", "-k-signal", "--kill-signal", "--teardown", "-P",
})  # fmt: skip


def read_run_all(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`run-s lint:* "build -- --watch"`: patterns over script names in which `*` stops at a colon and `**` does not."""
    options = parse(words[1:], RUN_ALL_VALUED)
    scripts = workspace.by_path[package].scripts
    targets = []
    for pattern in options.rest:
        name, *arguments = pattern.split()
        found = [name] if name in scripts else [script for script in scripts if _run_all_matches(script, name)]
        arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
        targets += [Target(package=package, script=script, arguments=tuple(arguments)) for script in found]
    return Delegation(targets=tuple(targets)) if options.rest else None


def read_concurrently(workspace: Workspace, package: str, words: Words) -> Delegation | None:
    """`concurrently "npm:lint:*" "tsc --noEmit"`: each word is a script line, or scripts by name behind `npm:`."""
    targets: list[Target] = []
    for line in parse(words[1:], CONCURRENTLY_VALUED).rest:
        runner, colon, asked = line.partition(":")
        if not colon or runner not in {"npm", "pnpm", "yarn", "bun", "node"}:
            targets.append(Target(package=package, line=line))
            continue
        name, *arguments = shlex.split(asked) if asked.count("'") % 2 == 0 and asked.count('"') % 2 == 0 else [asked]
        arguments = arguments[1:] if arguments[:1] == ["--"] else arguments
        scripts = workspace.by_path[package].scripts
        found = [name] if name in scripts else fnmatch.filter(list(scripts), name, flags=fnmatch.EXTMATCH)
        targets += [Target(package=package, script=script, arguments=tuple(arguments)) for script in found]
    return Delegation(targets=tuple(targets), label="concurrently") if targets else None


def _run_all_matches(script: str, pattern: str) -> bool:
    flags = glob.GLOBSTAR | glob.EXTGLOB | glob.BRACE | glob.FORCEUNIX
    return bool(glob.globmatch(script.replace(":", "/"), pattern.replace(":", "/"), flags=flags))

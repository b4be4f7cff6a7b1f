"""What a tool repairs by itself: for which failures of a check, and the check's own command in the form that writes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ci.model import Step
from ci.monorepo.lockfile import NAME as LOCKFILE
from ci.stages import biome, formatters
from ci.stages.install import OUTDATED
from ci.stages.linting import REWRITTEN, without

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ci.model import Check, CheckRun, Failure

Words = tuple[str, ...]

# Reports and their places, which a run that writes has no use for.
REPORTS = frozenset({"--format", "-f", "--output-file", "-o"})
BIOME = ("ci", "check", "lint", "format")
STALE = frozenset({OUTDATED, "ERR_PNPM_LOCKFILE_CONFIG_MISMATCH"})
BROKEN = frozenset({"ERR_PNPM_LOCKFILE_MISSING_DEPENDENCY"})  # an entry was lost in a merge
LOCK = (
    *("pnpm", "install", "--lockfile-only", "--no-frozen-lockfile", "--ignore-scripts"),
    *("--prefer-offline", "--reporter=append-only"),
)


@dataclass(frozen=True, kw_only=True)
class Fixer:
    """`takes` says which failures it may repair; `steps` are what it runs, made of those of the check.

    `formats`: it makes files look as configured, and so comes after all that write into them.
    """

    name: str
    takes: Callable[[Failure], bool]
    steps: Callable[[tuple[Step, ...]], tuple[Step, ...]]
    formats: bool = False
    files: tuple[str, ...] = ()  # that it writes, whatever the failures name


def fixer_of(check: Check, run: CheckRun) -> Fixer | None:
    """Return who may repair a check that is red, None where no tool does."""
    if check.stage == "install":
        return next((fixer for fixer in LOCKS if any(map(fixer.takes, run.failures))), None)
    if check.stage != "lint":
        return None
    if any(map(REWRITES.takes, run.failures)):
        return REWRITES
    fixer = LINTERS.get(check.name)
    return fixer if fixer is not None and not _opaque(check) and any(map(fixer.takes, run.failures)) else None


def formatter_of(check: Check) -> Fixer | None:
    """Return the fixer of a check that looks at how files are formatted, None for any other check."""
    fixer = LINTERS.get(check.name) if check.stage == "lint" and not _opaque(check) else None
    return fixer if fixer is not None and fixer.formats else None


def _opaque(check: Check) -> bool:
    """Whether a line that only a shell understands is run as the script that it is."""
    return any(step.argv[:2] == ("pnpm", "run") for step in check.steps)


def _each(change: Callable[[Words], Words]) -> Callable[[tuple[Step, ...]], tuple[Step, ...]]:
    """Return what makes steps of a check into steps that write: all of them run, whatever the first one says."""
    return lambda steps: tuple(
        dataclasses.replace(step, argv=change(step.argv), stdout=None, keep_going=True) for step in steps
    )


def _with(option: str) -> Callable[[Words], Words]:
    return lambda argv: (*without(argv, valued=REPORTS), option)


def _biome(argv: Words) -> Words:
    """`biome ci .` looks at all that `biome check` does, and has no form that writes."""
    argv = without(argv, valued=biome.VALUED, plain=biome.PLAIN)
    at = next((number for number, word in enumerate(argv) if number and word in BIOME), None)
    if at is None:
        return argv
    command = "check" if argv[at] == "ci" else argv[at]
    return (*argv[:at], command, "--write", *argv[at + 1 :])


def _written(*option: str) -> Callable[[Words], Words]:
    return lambda argv: (*without(argv, plain=formatters.PLAIN), *option)


def _dprint(argv: Words) -> Words:
    return tuple("fmt" if word == "check" else word for word in argv)


def _any(_failure: Failure) -> bool:
    return True


def _named(failure: Failure) -> bool:
    """Whether it is a finding in a file, which a linter may have a fix for; one that cannot be parsed has none."""
    return failure.file is not None and failure.rule != "parse"


LINTERS: Mapping[str, Fixer] = {
    "eslint": Fixer(name="eslint --fix", takes=_named, steps=_each(_with("--fix"))),
    "oxlint": Fixer(name="oxlint --fix", takes=_named, steps=_each(_with("--fix"))),
    "biome": Fixer(name="biome --write", takes=_named, steps=_each(_biome), formats=True),
    "prettier": Fixer(name="prettier --write", takes=_named, steps=_each(_written("--write")), formats=True),
    "oxfmt": Fixer(name="oxfmt", takes=_named, steps=_each(_written()), formats=True),
    "stylelint": Fixer(name="stylelint --fix", takes=_any, steps=_each(_with("--fix"))),
    "markdownlint": Fixer(name="markdownlint --fix", takes=_any, steps=_each(_with("--fix"))),
    "markdownlint-cli2": Fixer(name="markdownlint-cli2 --fix", takes=_any, steps=_each(_with("--fix"))),
    "standard": Fixer(name="standard --fix", takes=_any, steps=_each(_with("--fix"))),
    "xo": Fixer(name="xo --fix", takes=_any, steps=_each(_with("--fix"))),
    "dprint": Fixer(name="dprint fmt", takes=_any, steps=_each(_dprint), formats=True),
}

# A lint, or a generator that a lint script runs, which writes: what it wrote is what it wants.
REWRITES = Fixer(
    name="the check's own command",
    takes=lambda failure: failure.message == REWRITTEN,
    steps=_each(lambda argv: argv),
)


def _lock(codes: frozenset[str], *option: str) -> Fixer:
    """Return who writes the lock file anew by the manifests, and keeps each version that they still allow."""
    return Fixer(
        name=f"pnpm install {' '.join(option or ('--lockfile-only',))}",
        takes=lambda failure: failure.rule in codes,
        steps=lambda steps: tuple(
            Step(argv=(*LOCK, *option), cwd=step.cwd, timeout=step.timeout) for step in steps[:1]
        ),
        files=(LOCKFILE,),
    )


# Without the option pnpm takes an entry that is not there for one that is not wanted.
LOCKS = (_lock(STALE), _lock(BROKEN, "--fix-lockfile"))

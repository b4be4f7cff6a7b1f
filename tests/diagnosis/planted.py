"""The shape of a planted failure: an edit of the example, what turns red by it, and what is to become of that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ci.scenarios.candidates import Candidate, Change

Kind = Literal[
    "lint", "import", "types", "flaky", "contract", "schema", "dependency", "data integrity", "row-level security",
    "several services",
]  # fmt: skip
Outcome = Literal["merged", "pull request", "issue", "nothing to commit"]
OUTCOMES: dict[int, Outcome] = {1: "merged", 2: "pull request", 3: "issue"}
MODEL, AGAIN = "model", "run again"

ESLINT, BIOME, IMPORTS = "lint/eslint@.", "lint/biome@.", "lint/imports@."
TSC, UNIT, INTEGRATION, RLS = "typecheck/tsc@.", "unit/vitest@.", "integration/vitest@.", "integration/rls@."
INSTALL, E2E = "install/pnpm@.", "e2e/playwright@apps/web"
LINTED, MENDS = "eslint --fix", "biome --write"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """`check` is the first that is red; what says so has `told` in its test's id, its rule or its message.

    `files` and `packages` are those that triage must name. `repair` is who mends it: a fixer by its name, a second
    run, or a model, which would do what `fix` does, over the failure. `tier` is how far that may go; `wished` is what
    a model that knows what it is about asks for, where the diff alone would let it go further; what is metered and what
    a plan holds is billing, which goes no further than an issue. Those of one `batch` do not meet: they can be planted
    and looked at together. `why_not` is why it is not run here.
    """

    name: str
    kind: Kind
    fault: Candidate
    check: str
    told: str
    files: tuple[str, ...]
    packages: tuple[str, ...]
    repair: str
    fix: Candidate
    tier: int
    wished: int = 1
    batch: str
    why_not: str = ""

    @property
    def stage(self) -> str:
        """The stage that is red."""
        return self.check.partition("/")[0]

    @property
    def outcome(self) -> Outcome:
        """What becomes of it in the end."""
        return "nothing to commit" if self.repair == AGAIN else OUTCOMES[self.tier]


def plant(
    name: str,
    kind: Kind,
    check: str,
    told: str,
    *edits: tuple[str, str, str],
    new: dict[str, str] | None = None,
    files: tuple[str, ...] | None = None,
    packages: tuple[str, ...] | None = None,
    repair: str = MODEL,
    fix: tuple[tuple[str, str, str], ...] | Candidate | None = None,
    tier: int = 1,
    wished: int = 1,
    batch: str = "",
    why_not: str = "",
) -> Planted:
    """Return a planted failure, each edit a path, what stands there once, and what comes in its place.

    Without words of their own the files are those that are edited, the packages theirs, and the fix takes it back.
    """
    fault = Candidate(message=name, files=new or {}, changes=changes(*edits))
    touched = tuple(dict.fromkeys((*(path for path, _, _ in edits), *(new or {}))))
    if fix is None:
        fix = tuple((path, after, before) for path, before, after in reversed(edits))
    if isinstance(fix, tuple):
        fix = Candidate(message=f"Fix: {name}", changes=changes(*fix))
    files = touched if files is None else files
    return Planted(
        name=name,
        kind=kind,
        fault=fault,
        check=check,
        told=told,
        files=files,
        packages=packages if packages is not None else tuple(dict.fromkeys(map(home, files))),
        repair=repair,
        fix=fix,
        tier=tier,
        wished=wished,
        batch=batch or name,
        why_not=why_not,
    )


def changes(*edits: tuple[str, str, str]) -> tuple[Change, ...]:
    """Return edits as changes."""
    return tuple(Change(path=path, old=old, new=new) for path, old, new in edits)


def home(path: str) -> str:
    """Return the package of a file of the example."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in {"apps", "packages"} else "."

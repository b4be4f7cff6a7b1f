"""What is known of a failure before anybody looks for its cause: plain values, written into the journal as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter

from ci.model import Failure, Ruling  # noqa: TC001 - pydantic reads the annotations


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A check that is red, or a gate that said no.

    `check` is `stage/name@package` for a check, the gate's name for a gate; `package` is a directory, "." for the
    workspace's root. `tests` are the ids of the tests that failed (`file > titles`), none where it has no tests.
    `repeat` is the command that repeats it by hand.
    """

    check: str
    stage: str
    package: str
    reason: str
    failures: tuple[Failure, ...] = ()
    tests: tuple[str, ...] = ()
    repeat: str = ""


def is_check(broken: Broken) -> bool:
    """Whether it is a check of the seven stages, which can be run again, and not a gate."""
    return "@" in broken.check


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A failure of a `commit`: of main where `environment` is "main", else of a promotion there.

    `what` is the stage or the step that said no, `reason` its words. `files` and `packages` (directories) are those
    that the failure names, `suspects` the files that changed since `good`, the last commit of which recorded runs say
    that this was well; `first_bad` is the first one after it of which they say it was not. `owner` is the package in
    which the cause probably lies, which need not be one that is named. `signature` is the same for the same failure,
    whatever its paths, numbers and ids are.
    """

    incident: str
    environment: str
    commit: str
    what: str
    reason: str
    signature: str
    broken: tuple[Broken, ...] = ()
    files: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()
    good: str | None = None
    first_bad: str | None = None
    rulings: tuple[Ruling, ...] = ()
    owner: str = "."

    @property
    def checks(self) -> tuple[str, ...]:
        """The ids of the checks that are red; what a gate said no to is none."""
        return tuple(each.check for each in self.broken if is_check(each))


FACTS = TypeAdapter(Facts)

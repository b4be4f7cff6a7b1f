"""What somebody asks for: a run, a promotion, an incident mended; and what they get."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from ci.errors import ExitCode
    from ci.model import RunReport

REPORT = "shipway-report"


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a Dagger function is handed: the engine's directory with the id `tree`, and what its caller says it is.

    There is no git to be asked, and no journal: the place where it would lie ends with the function.
    """

    tree: str
    commit: str | None
    branch: str | None


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What the user asked for. `stages` empty means all; `slots` 0 means as many as there is room for.

    Where the files at `path` were `handed` over they are a Dagger directory's. `mirror` goes before that of the
    settings.
    """

    path: Path
    stages: tuple[str, ...] = ()
    executor: str = "auto"
    slots: int = 0
    sequential: bool = False
    no_cache: bool = False
    report: Path | None = None
    handed: Handed | None = None
    mirror: str | None = None


@dataclass(frozen=True, kw_only=True)
class PromotionRequest:
    """What the user asked for. Without a `commit` the newest is meant; without `wait` its window goes on alone.

    `accept_slow` is a person's reason to promote a commit whose pipeline is over its budget, `skip_soak` one that
    staging did not use for long enough; `hotfix` is the incident that it mends. `journal` is a URL that goes before
    that of the settings, and so does `mirror`. In a Dagger function `bring` brings files into its engine and returns
    the id that they have there.
    """

    path: Path
    environment: str
    commit: str | None = None
    executor: str = "auto"
    slots: int = 0
    mirror: str | None = None
    bring: Callable[[Path], Awaitable[str]] | None = None
    accept_slow: str | None = None
    skip_soak: str | None = None
    hotfix: str | None = None
    wait: bool = True
    report: Path | None = None
    journal: str | None = dataclasses.field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class MendingRequest:
    """An incident that is to be mended. `propose` and `judge` are the halves of a cycle: on one machine both are done.

    `incident` is its id, or a commit that it is about. Without `patient` it is left to whoever is at it just now.
    `journal` is a URL that goes before that of the settings, and so does `mirror`. `bring` is that of a promotion.
    """

    path: Path
    incident: str
    propose: bool = True
    judge: bool = True
    patient: bool = True
    executor: str = "auto"
    slots: int = 0
    mirror: str | None = None
    bring: Callable[[Path], Awaitable[str]] | None = None
    wait: bool = True
    report: Path | None = None
    journal: str | None = dataclasses.field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Promoted:
    """A promotion as far as it went, and what the process ends with."""

    report: RunReport
    code: ExitCode

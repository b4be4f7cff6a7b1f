"""What a scenario of a rehearsal is: what a person pushes and types, what goes wrong meanwhile, and how it must end."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import ExitCode
from ci.scenarios.candidates import NOTE, Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping

KILLED = -9  # how a process ends that had SIGKILL


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What a stand-in is told at `/_stand-in/WHAT`, as anybody could tell it.

    `at` is its name among the world's places. In a text among the words `{api}` and `{web}` are the ids of production's
    projects at Vercel. With `step` it is told only once a promotion begins that step; else before the command.
    """

    at: str
    what: str
    words: Mapping[str, Any]
    step: str | None = None


class Serves(enum.StrEnum):
    """What users get in the end."""

    NEW = "the commit"
    OLD = "what they got before"
    MIXED = "the commit of some apps, what they got before of others"
    MENDED = "the commit that mends it"
    ANY = "either"


@dataclass(frozen=True, kw_only=True)
class Told:
    """How often people were told: mails, pages that somebody was woken by, issues."""

    mails: int = 0
    pages: int = 0
    issues: int = 0


NOBODY, EVERYBODY = Told(), Told(mails=1, pages=1, issues=1)


@dataclass(frozen=True, kw_only=True)
class End:
    """How a command ends: with that `code`; a `step` says no, and its reason holds the words of `says`.

    `serves` is what users of the environment get then, `pinned` whether the commit is pinned out, `told` what was sent
    to people. Where a step of a promotion to staging says no, the pull request's comment has the reason too; where a
    cycle is `escalated` there is none, and staging's board gets an issue. In no case anything is left that was made for
    tests.
    """

    code: int = ExitCode.PASSED
    step: str | None = None
    says: tuple[str, ...] = ()
    serves: Serves = Serves.NEW
    pinned: bool = False
    told: Told = NOBODY
    escalated: bool = False


@dataclass(frozen=True, kw_only=True)
class Command:
    """The `words` are those of a command line, which makes a report but where `reports` is not so.

    In a word `{incident}` stands for the newest incident that is open. It is killed with SIGKILL once the promotion
    begins the step `killed`. `on_host`: it is typed by a CI host, for a push to main. `reviewed`: before it, a person
    reviews the pull requests into main that wait, and merges them. It is typed `after` that many seconds from the push,
    at the earliest.
    """

    words: tuple[str, ...]
    environment: str = "staging"
    end: End = End()
    plants: tuple[Plant, ...] = ()
    killed: str | None = None
    reports: bool = True
    on_host: bool = False
    reviewed: bool = False
    after: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Act:
    """The `candidate` is pushed to main as one commit, which the `commands` are then about."""

    candidate: Candidate = NOTE
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One act after the other; `about` says in a line what a person sees.

    `live`: production serves, and is adopted; customers use it. `busy`: some of them kept many receipts.
    """

    name: str
    about: str
    acts: tuple[Act, ...]
    live: bool = False
    busy: bool = False

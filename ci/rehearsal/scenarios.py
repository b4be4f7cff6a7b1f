"""Scenarios of a rehearsal as data: what a person pushes and asks for, what goes wrong, and how it must end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.errors import ExitCode
from ci.rehearsal.candidates import CATEGORY, NOTE, PLAIN_COUNTING, RATE, SLOW_TAG, TAGS, Candidate

if TYPE_CHECKING:
    from collections.abc import Mapping

ALWAYS = 10**6  # requests


@dataclass(frozen=True, kw_only=True)
class Plant:
    """What a stand-in is told at `/_stand-in/WHAT` before the commit is pushed, as anybody could tell it.

    `at` is its name among the world's places.
    """

    at: str
    what: str
    words: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class End:
    """How it ends: with that `code`; a `step` says no, and its reason holds the words of `says`.

    Without a step all goes through, and users of staging get the commit; with one they get what they got, the pull
    request's comment has the reason, and nothing that was made for tests is left.
    """

    code: ExitCode = ExitCode.PASSED
    step: str | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The `candidate` is pushed to main as one commit, which `words` of the command line are then about.

    `about` says in a line what a person sees.
    """

    name: str
    about: str
    candidate: Candidate = NOTE
    plants: tuple[Plant, ...] = ()
    words: tuple[str, ...] = ("promote", "staging", ".")
    end: End = End()


MISREAD = {"merchant": "Book Barn", "date": "2026-02-28", "total": "73.80", "currency": "EUR"}

SCENARIOS: Mapping[str, Scenario] = {
    each.name: each
    for each in (
        Scenario(name="staging", about="a commit goes from main to staging", candidate=TAGS),
        Scenario(
            name="bad-migration",
            about="a migration that adds a demand: what is served fails on it",
            candidate=CATEGORY,
            end=End(
                code=ExitCode.STAGE_FAILED,
                step="rollback safety",
                says=(
                    "which staging serves",
                    "does not work on the migrated database",
                    "adding a receipt answered 500",
                ),
            ),
        ),
        Scenario(
            name="wrong-variable",
            about="one of staging's test variables is wrong: its stages fail",
            candidate=RATE,
            end=End(
                code=ExitCode.STAGE_FAILED,
                step="stages",
                says=("not green with the services of staging", "The server ended before it listened"),
            ),
        ),
        Scenario(
            name="lost-mail",
            about="Resend delivers no mail: tier 2 fails",
            plants=(Plant(at="Resend", what="fates", words={"to": ".", "event": "sent"}),),
            end=End(
                code=ExitCode.STAGE_FAILED,
                step="tier 2",
                says=("vendors.spec.ts", "delivered"),
            ),
        ),
        Scenario(
            name="overspend",
            about="a commit counts usage without a lock: tier 2 fails",
            candidate=PLAIN_COUNTING,
            end=End(code=ExitCode.STAGE_FAILED, step="tier 2", says=("many at once at the edge do not overspend",)),
        ),
        Scenario(
            name="slow-route",
            about="a commit makes a route slower: the benchmarks refuse it",
            candidate=SLOW_TAG,
            end=End(
                code=ExitCode.GATE_REFUSED,
                step="benchmarks",
                says=("candidate against current: receipts x ",),
            ),
        ),
        Scenario(
            name="misread",
            about="the AI reads a wrong total: the extraction refuses it",
            plants=(
                Plant(
                    at="Anthropic",
                    what="rules",
                    words={"when": "Book Barn", "in": "files", "answer": [{"text": json.dumps(MISREAD)}]},
                ),
            ),
            end=End(
                code=ExitCode.GATE_REFUSED,
                step="extraction",
                says=("book-barn.pdf: total is", "73.80", "expected", "37.8"),
            ),
        ),
        Scenario(
            name="slow-reading",
            about="the AI reads too slowly: the extraction refuses it",
            plants=(
                Plant(
                    at="Anthropic",
                    what="faults",
                    words={"method": "POST", "path": "/v1/messages", "kind": "slow", "seconds": 11, "times": ALWAYS},
                ),
            ),
            end=End(code=ExitCode.GATE_REFUSED, step="extraction", says=("extraction: p95 ", "target 10 s")),
        ),
    )
}

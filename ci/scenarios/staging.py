"""Scenarios of a promotion to staging: a commit that goes all the way, and those that something bars on it."""

from __future__ import annotations

import json

from ci.errors import ExitCode
from ci.scenarios.candidates import CATEGORY, NOTE, PLAIN_COUNTING, RATE, SLOW_TAG, TAGS, Candidate
from ci.scenarios.scenario import KILLED, Act, Command, End, Plant, Scenario, Serves

ALWAYS = 10**6  # requests
MISREAD = {"merchant": "Book Barn", "date": "2026-02-28", "total": "73.80", "currency": "EUR"}
PROMOTE = ("promote", "staging", ".")
STEPS = (  # of the promotion, in the example
    "admission",
    "evidence",
    "release notes",
    "pull request",
    "gates",
    "test database",
    "rollback safety",
    "restore point",
    "migrations",
    "deploy api",
    "deploy web",
    "stages",
    "tier 2",
    "served before",
    "benchmarks",
    "extraction",
    "second look",
    "bars",
    "switch",
    "merge",
)


def refused(
    name: str,
    about: str,
    *,
    step: str,
    says: tuple[str, ...],
    candidate: Candidate = NOTE,
    plants: tuple[Plant, ...] = (),
    code: ExitCode = ExitCode.STAGE_FAILED,
) -> Scenario:
    """Return a scenario in which a step says no to a commit, before users of staging get it."""
    end = End(code=code, step=step, says=says, serves=Serves.OLD)
    return Scenario(
        name=name,
        about=about,
        acts=(Act(candidate=candidate, commands=(Command(words=PROMOTE, plants=plants, end=end),)),),
    )


def crash(step: str) -> Scenario:
    """Return the scenario in which a promotion to staging is killed at a step, and gone on with."""
    return Scenario(
        name=f"crash@{step.replace(' ', '-')}",
        about=f"a promotion to staging is killed at {step}, and gone on with",
        acts=(
            Act(
                candidate=TAGS,
                commands=(
                    Command(words=PROMOTE, killed=step, end=End(code=KILLED, serves=Serves.ANY), reports=False),
                    Command(words=("resume", "staging", ".")),
                ),
            ),
        ),
    )


SCENARIOS = (
    Scenario(
        name="staging",
        about="a commit goes from main to staging",
        acts=(Act(candidate=TAGS, commands=(Command(words=PROMOTE),)),),
    ),
    refused(
        "bad-migration",
        "a migration that adds a demand: what is served fails on it",
        candidate=CATEGORY,
        step="rollback safety",
        says=(
            "which staging and production serve",
            "does not work on the migrated database",
            "adding a receipt answered 500",
        ),
    ),
    refused(
        "wrong-variable",
        "one of staging's test variables is wrong: its stages fail",
        candidate=RATE,
        step="stages",
        says=("not green with the services of staging", "The server ended before it listened"),
    ),
    refused(
        "lost-mail",
        "Resend delivers no mail: tier 2 fails",
        plants=(Plant(at="Resend", what="fates", words={"to": ".", "event": "sent"}),),
        step="tier 2",
        says=("vendors.spec.ts", "delivered"),
    ),
    refused(
        "overspend",
        "a commit counts usage without a lock: tier 2 fails",
        candidate=PLAIN_COUNTING,
        step="tier 2",
        says=("many at once at the edge do not overspend",),
    ),
    refused(
        "slow-route",
        "a commit makes a route slower: the benchmarks refuse it",
        candidate=SLOW_TAG,
        code=ExitCode.GATE_REFUSED,
        step="benchmarks",
        says=("candidate against current: receipts x ",),
    ),
    refused(
        "misread",
        "the AI reads a wrong total: the extraction refuses it",
        plants=(
            Plant(
                at="Anthropic",
                what="rules",
                words={"when": "Book Barn", "in": "files", "answer": [{"text": json.dumps(MISREAD)}]},
            ),
        ),
        code=ExitCode.GATE_REFUSED,
        step="extraction",
        says=("book-barn.pdf: total is", "73.80", "expected", "37.8"),
    ),
    refused(
        "slow-reading",
        "the AI reads too slowly: the extraction refuses it",
        plants=(
            Plant(
                at="Anthropic",
                what="faults",
                words={"method": "POST", "path": "/v1/messages", "kind": "slow", "seconds": 11, "times": ALWAYS},
            ),
        ),
        code=ExitCode.GATE_REFUSED,
        step="extraction",
        says=("extraction: p95 ", "target 10 s"),
    ),
)

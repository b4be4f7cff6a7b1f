"""Scenarios of a promotion to production, past staging first: good, bad in one way or another, blind, killed."""

from __future__ import annotations

from dataclasses import replace

from ci.errors import ExitCode
from ci.scenarios.candidates import NOTE, TAGS, Candidate
from ci.scenarios.candidates_production import CENTS, ORIGIN, TWINS
from ci.scenarios.mending import DIAGNOSE, MENDS_ORIGINS
from ci.scenarios.scenario import EVERYBODY, KILLED, Act, Command, End, Plant, Scenario, Serves

ALWAYS = 10**6  # requests
LIVE = "production"
TO_STAGING = Command(words=("promote", "staging", "."))
RELEASE = ("promote", LIVE, ".")
STEPS = (  # of the promotion, in the example
    "admission",
    "soak",
    "evidence of staging",
    "release notes",
    "pull request",
    "gates",
    "approval",
    "look after the wait",
    "served before",
    "baseline",
    "restore point",
    "migrations",
    "deploy api",
    "deploy web",
    "staged smoke",
    "dogfood",
    "look after first use",
    "second look",
    "bars",
    "switch",
    "mark",
    "change",
    "smoke",
    "window",
    "good",
    "incidents over",
    "merge",
)
# Without a wait for the armed watch, which whatever runs next looks after.
GOOD = Command(words=(*RELEASE, "--no-wait"), environment=LIVE, end=End(code=ExitCode.HELD))
PUT_BACK = End(code=ExitCode.ROLLED_BACK, serves=Serves.OLD, pinned=True, told=EVERYBODY)
SPIKE = replace(PUT_BACK, step="window", says=("new_errors: ", "an amount without cents"))


def released(
    name: str,
    about: str,
    *commands: Command,
    candidate: Candidate = NOTE,
    busy: bool = False,
) -> Scenario:
    """Return a scenario in which a commit goes to staging, and then the `commands` are typed."""
    acts = (Act(candidate=candidate, commands=(TO_STAGING, *commands)),)
    return Scenario(name=name, about=about, acts=acts, live=True, busy=busy)


def crash(step: str) -> Scenario:
    """Return the scenario in which a promotion to production is killed at a step, and gone on with."""
    killed = End(code=KILLED, serves=Serves.ANY)
    return released(
        f"crash@{step.replace(' ', '-')}",
        f"a promotion to production is killed at {step}, and gone on with",
        Command(words=RELEASE, environment=LIVE, killed=step, end=killed, reports=False),
        Command(words=("resume", LIVE, "."), environment=LIVE),
        candidate=TAGS,
    )


STORY = Scenario(
    name="story",
    about="the whole story: a good release, then one that only its customers show to be bad",
    acts=(
        Act(candidate=TAGS, commands=(TO_STAGING, GOOD)),
        Act(
            candidate=CENTS,
            commands=(
                TO_STAGING,
                Command(words=("tick", "."), environment=LIVE, end=End(serves=Serves.OLD), reports=False),
                Command(words=RELEASE, environment=LIVE, end=SPIKE),
            ),
        ),
    ),
    live=True,
)

SCENARIOS = (
    STORY,
    released(
        "good",
        "a commit goes to production, and is watched to the end",
        Command(words=RELEASE, environment=LIVE),
        candidate=TAGS,
    ),
    released(
        "bad-deploy",
        "customers cannot sign in: all apps are put back; it is diagnosed, mended with a test, and released",
        Command(
            words=RELEASE,
            environment=LIVE,
            end=replace(PUT_BACK, step="smoke", says=("sign-in", "403")),
        ),
        Command(
            words=DIAGNOSE,
            environment=LIVE,
            plants=MENDS_ORIGINS,
            end=End(code=ExitCode.HELD, serves=Serves.OLD, pinned=True),
        ),
        Command(words=DIAGNOSE, environment=LIVE, reviewed=True, end=End(serves=Serves.MENDED)),
        candidate=ORIGIN,
    ),
    released(
        "error-spike",
        "some customers meet an error that no test knew: all apps are put back",
        Command(words=RELEASE, environment=LIVE, end=SPIKE),
        candidate=CENTS,
    ),
    released(
        "slow-release",
        "whoever kept many receipts waits for them: all apps are put back",
        Command(
            words=RELEASE,
            environment=LIVE,
            end=replace(PUT_BACK, step="window", says=("slo: ",)),
        ),
        candidate=TWINS,
        busy=True,
    ),
    released(
        "monitor-down",
        "Sentry does not answer during the watch: the release is held, and a person takes it for good",
        Command(
            words=RELEASE,
            environment=LIVE,
            plants=(
                Plant(
                    at="Sentry",
                    what="faults",
                    words={"kind": "status", "path": "^/api/0/", "status": 503, "times": ALWAYS},
                    step="window",
                ),
            ),
            end=End(code=ExitCode.HELD, told=EVERYBODY),
        ),
        Command(
            words=("approve", LIVE, ".", "--reason", "the support hears no complaint", "--no-wait"),
            environment=LIVE,
            end=End(code=ExitCode.HELD),
        ),
    ),
    released(
        "mixed-rollback",
        "a bad release, and Vercel does not put the web app back: people are woken",
        Command(
            words=RELEASE,
            environment=LIVE,
            plants=(
                Plant(
                    at="Vercel",
                    what="faults",
                    words={"kind": "status", "method": "POST", "path": "{web}/rollback/", "status": 400, "body": "{}"}
                    | {"times": ALWAYS},
                ),
            ),
            end=End(code=ExitCode.MIXED, step="smoke", says=("sign-in", "403"), serves=Serves.MIXED, told=EVERYBODY),
        ),
        candidate=ORIGIN,
    ),
)

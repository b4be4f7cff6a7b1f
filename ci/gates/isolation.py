"""The isolation gate: environments share nothing that they may not share.

Each environment's own process records fingerprints of what it is configured with, under one key of the product, and
this gate compares them: no process holds two environments' secrets. A database's fingerprint is of (host, port, name,
branch). All webhook secrets are fingerprinted under one name, and so are databases, issuers, accounts and AI keys: the
same value then has the same fingerprint wherever it stands.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from ci.gates.recording import decide, joined
from ci.model import Outcome, Ruling

PRODUCTION = "production"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A fingerprint, and what it is of."""

    name: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an app says on its health endpoint it uses, and what is declared, both under the nonce of the question."""

    app: str
    of: str  # database, auth, stripe, ai
    answered: str
    declared: str


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """What an environment's own process recorded of it; None: not recorded, or not connected.

    `key` names the key that the fingerprints were made with: those of two keys cannot be compared. `livemode` is as
    read from Stripe itself. `stand_ins` names the vendors whose address is a stand-in's. `apps` are all that it serves.
    """

    environment: str
    key: str
    database: str | None
    auth: str | None
    webhooks: tuple[Named, ...] = ()
    stripe: str | None = None  # the account
    livemode: bool | None = None
    ai: str | None = None
    stand_ins: tuple[str, ...] = ()
    apps: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, kw_only=True)
class IsolationObserved:
    """The footprints of all environments, and which there should be. `rehearsal`: all this is a rehearsal's world."""

    environments: tuple[str, ...]
    footprints: tuple[Footprint, ...]
    rehearsal: bool = False


def rule(observed: IsolationObserved, *, environment: str) -> Ruling:
    """FAIL names every violation; NODATA every environment or part of one that was not recorded."""
    wrong = [each for footprint in observed.footprints for each in _alone(footprint, rehearsal=observed.rehearsal)]
    for one, other in itertools.combinations(observed.footprints, 2):
        wrong += _between(one, other)
    missing = _missing(observed, environment)
    proof = _proof(observed.footprints)
    figures = {"violations": wrong, "missing": missing, "proof": proof}
    if wrong:
        return decide("isolation", environment, Outcome.FAIL, joined(wrong + missing), observed, **figures)
    if missing:
        return decide("isolation", environment, Outcome.NODATA, joined(missing), observed, **figures)
    names = ", ".join(footprint.environment for footprint in observed.footprints)
    absent = [
        f"{footprint.environment} has no {what}"
        for footprint in observed.footprints
        for what, value in (("Stripe", footprint.stripe), ("AI key", footprint.ai))
        if value is None
    ]
    reason = joined([f"{names} share nothing that they may not share", *absent, proof])
    return decide("isolation", environment, Outcome.PASS, reason, observed, **figures)


def _alone(footprint: Footprint, *, rehearsal: bool) -> list[str]:
    """What is wrong with an environment whatever the others are."""
    name, wrong = footprint.environment, []
    if footprint.livemode is True and name != PRODUCTION:
        wrong.append(f"{name} is connected to Stripe in live mode, which is production's only")
    if footprint.livemode is False and name == PRODUCTION:
        wrong.append(f"{name} is connected to Stripe in test mode")
    if footprint.stand_ins and not rehearsal:
        wrong.append(f"{name} points at a stand-in of {', '.join(footprint.stand_ins)}")
    wrong += [
        f"{answer.app} in {name} answers that it uses another {answer.of} than is declared"
        for answer in footprint.answers
        if answer.answered != answer.declared
    ]
    return wrong


def _between(one: Footprint, other: Footprint) -> list[str]:
    """What two environments share and may not."""
    names = f"{one.environment} and {other.environment}"
    if one.environment == other.environment:
        return [f"{one.environment} was recorded twice"]
    wrong = []
    if one.database is not None and one.database == other.database:
        wrong.append(f"{names} have the same database")
    if one.auth is not None and one.auth == other.auth:
        wrong.append(f"{names} have the same auth issuer")
    wrong += [
        f"{names} have the same webhook secret ({ours.name}{'' if ours.name == theirs.name else ', ' + theirs.name})"
        for ours, theirs in itertools.product(one.webhooks, other.webhooks)
        if ours.fingerprint == theirs.fingerprint
    ]
    if PRODUCTION in {one.environment, other.environment}:
        same = one.stripe is not None and one.stripe == other.stripe
        if same and one.livemode is not None and one.livemode == other.livemode:
            wrong.append(f"{names} have the same Stripe account and mode")
        if one.ai is not None and one.ai == other.ai:
            wrong.append(f"{names} have the same AI key")
    return wrong


def _missing(observed: IsolationObserved, environment: str) -> list[str]:
    recorded = {footprint.environment for footprint in observed.footprints}
    missing = [
        f"no fingerprints of {name} are recorded"
        for name in dict.fromkeys((*observed.environments, environment))
        if name not in recorded
    ]
    for footprint in observed.footprints:
        if footprint.database is None:
            missing.append(f"no database of {footprint.environment} is recorded")
        if footprint.auth is None:
            missing.append(f"no auth issuer of {footprint.environment} is recorded")
        if footprint.stripe is not None and footprint.livemode is None:
            missing.append(f"the mode of Stripe in {footprint.environment} was not read from Stripe")
    if len({footprint.key for footprint in observed.footprints}) > 1:
        missing.append("the fingerprints were made with different keys and cannot be compared: record them again")
    return missing


def _proof(footprints: tuple[Footprint, ...]) -> str:
    """Say what answered for itself, and what is only what the configuration says."""
    answered, only = [], []
    for footprint in footprints:
        answering = {answer.app for answer in footprint.answers}
        answered += [f"{app} in {footprint.environment}" for app in sorted(answering)]
        only += [f"{app} in {footprint.environment}" for app in footprint.apps if app not in answering]
        if not footprint.apps and not answering:
            only.append(footprint.environment)
    if not answered:
        return "declared only"
    return f"answered by {', '.join(answered)}" + (f"; declared only: {', '.join(only)}" if only else "")

"""What an environment is configured with, as fingerprints under the product's key: for the gate that compares them.

What the apps themselves say they use is asked of their health endpoint, under a nonce: two deployments, or a deployment
and what is declared, can so be compared without a value being told. The answer is HMAC-SHA256 of each value under the
nonce, in hexadecimal, by the names of `ANSWERS`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import secrets as random
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import anyio
import anyio.to_thread
from pydantic import TypeAdapter

from ci.errors import VendorError
from ci.fingerprints import fingerprints
from ci.gates.isolation import Answer, Footprint, IsolationObserved, Named, rule
from ci.promotion.asking import ask, serves_nothing
from ci.vendors.exchange import is_near

if TYPE_CHECKING:
    from ci.journal import Journal
    from ci.model import Ruling
    from ci.promotion.connected import Connected
    from ci.settings import Settings

FOOTPRINT = TypeAdapter(Footprint)
# Services that tell of incidents, by their tables; a mail server may well be on this machine.
TELLERS = {"email.resend": "Resend", "pagerduty": "PagerDuty", "linear": "Linear"}
# By what a gate calls it: the name of a fingerprint in an app's answer.
ANSWERS = {"database": "database", "auth": "authIssuer", "stripe": "stripeKey", "ai": "aiKey"}


async def isolate(settings: Settings, made: Connected, journal: Journal, *, rehearsal: bool = False) -> Ruling:
    """Record an environment's footprint, and rule whether it shares nothing with the others that are configured.

    Raises VendorError where a service does not tell what is needed.
    """
    key = await anyio.to_thread.run_sync(journal.footprints.key)
    own = await footprint(settings, made, key)
    await anyio.to_thread.run_sync(journal.footprints.record, made.name, dataclasses.asdict(own))
    recorded = await anyio.to_thread.run_sync(journal.footprints.recorded)
    names = tuple(name for name, each in settings.environments if each != type(each)())
    observed = IsolationObserved(
        environments=names,
        footprints=tuple(FOOTPRINT.validate_python(recorded[name]) for name in names if name in recorded),
        rehearsal=rehearsal,
    )
    return rule(observed, environment=made.name)


async def footprint(settings: Settings, made: Connected, key: bytes) -> Footprint:
    """Return an environment's footprint. Raises VendorError where a service does not tell what is needed."""
    declared = await _declared(made)
    account, livemode = await _account(made)
    told = {name: value for name, value in declared.items() if value is not None}
    if account is not None:
        told["account"] = account
    marks = fingerprints(told, key)
    secrets = {name: made.secrets[place] for name, place in made.webhooks.items()}
    webhooks = tuple(
        Named(name=name, fingerprint=fingerprints({"webhook": value}, key)["webhook"])
        for name, value in sorted(secrets.items())
    )
    return Footprint(
        environment=made.name,
        key=hashlib.sha256(key).hexdigest()[:16],
        database=marks.get("database"),
        auth=marks.get("auth"),
        webhooks=webhooks,
        stripe=marks.get("account"),
        livemode=livemode,
        ai=marks.get("ai"),
        stand_ins=_stand_ins(settings, made),
        apps=tuple(app.name for app in settings.apps),
        answers=await _answers(settings, made, declared),
    )


async def _declared(made: Connected) -> dict[str, str | None]:
    """Return what the environment is declared to use, as the apps would write it."""
    configured = made.settings.configured
    return {
        "database": await _database(made),
        "auth": configured.auth if configured else None,
        "stripe": made.secrets.get(f"environments.{made.name}.stripe.key"),
        "ai": made.secrets.get(f"environments.{made.name}.configured.ai"),
    }


async def _database(made: Connected) -> str | None:
    """Return which database it is, without who connects: host:port/name."""
    uri = made.secrets.get(f"environments.{made.name}.configured.database")
    if made.neon is not None and (base := made.settings.neon) is not None:
        branches = await made.neon.branches(base.project)
        found = [
            each for each in branches if base.parent in {each.id, each.name} or (not base.parent and each.is_default)
        ]
        if not found:
            raise VendorError(f"Neon has no branch {base.parent or 'that is the default'} in {base.project}")
        uri = await made.neon.connection_uri(base.project, found[0].id, database=base.database, role=base.role)
    if uri is None:
        return None
    parts = urlsplit(uri)
    return f"{parts.hostname}:{parts.port or 5432}/{unquote(parts.path.lstrip('/'))}"


async def _account(made: Connected) -> tuple[str | None, bool | None]:
    """Return Stripe's account and its mode, as Stripe itself says."""
    if made.stripe is None:
        return None, None
    balance = await made.stripe.balance()
    return (await made.stripe.account()).id, balance.livemode


async def _answers(settings: Settings, made: Connected, declared: Mapping[str, str | None]) -> tuple[Answer, ...]:
    """Return what the first app says that it uses, beside what is declared; nothing where it is not asked."""
    configured = made.settings.configured
    app = next(iter(settings.apps), None)
    if configured is None or configured.health is None or app is None or app.name not in made.settings.addresses:
        return ()
    nonce = random.token_hex(16)
    try:
        body = await ask(app.name, made.settings.addresses[app.name], configured.health, query={"nonce": nonce})
    except VendorError:
        if not await serves_nothing(made.platform, app.name):
            raise
        return ()
    told = body.get("fingerprints") if isinstance(body, Mapping) else None
    if not isinstance(told, Mapping):
        return ()
    return tuple(
        Answer(
            app=app.name,
            of=of,
            answered=str(told[name]),
            declared=hmac.new(nonce.encode(), value.encode(), hashlib.sha256).hexdigest(),
        )
        for of, name in ANSWERS.items()
        if (value := declared[of]) is not None and told.get(name) is not None
    )


def _stand_ins(settings: Settings, made: Connected) -> tuple[str, ...]:
    """Return the services whose address is on this machine: no vendor's is."""
    own = made.settings
    services = {"GitHub": settings.github, "Vercel": own.vercel, "Neon": own.neon, "Stripe": own.stripe}
    at = {name: each.address for name, each in services.items() if each is not None}
    tells = {TELLERS[place]: each for place, each in own.notify.addresses.items() if place in TELLERS}
    return tuple(name for name, address in {**at, **tells}.items() if is_near(address))

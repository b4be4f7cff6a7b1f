"""Environments that record what they have, each in a process of its own, and are held against one another."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ci import config
from ci.journal import Journal
from ci.model import Outcome
from ci.promotion.connected import connected
from ci.promotion.footprint import isolate
from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import KEYS, Stripe

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from ci.model import Ruling

NAMES = ("development", "staging", "production")
TEXT = """
[[apps]]
name = "api"
path = "apps/api"
"""
TABLE = """
[environments.NAME.configured]
auth = "https://auth.NAME.test"
ai = "file://NAME.ai"
database = "file://NAME.database"
webhooks = { STRIPE = "file://NAME.webhook" }
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Product:
    """A product's settings and secrets in a directory, with the journal that its environments share."""

    root: Path
    text: str = TEXT + "".join(TABLE.replace("NAME", name) for name in NAMES)

    def change(self, name: str, what: str, value: str) -> None:
        """Give an environment another secret."""
        (self.root / f"{name}.{what}").write_text(value)

    def record(self, name: str) -> Ruling:
        """Have an environment record itself, and rule."""
        settings = config.loads(self.text)

        async def calls() -> Ruling:
            async with connected(settings, name, root=self.root) as made:
                return await isolate(settings, made, self.journal)

        return anyio.run(calls)

    @property
    def journal(self) -> Journal:
        """Open it as each process does."""
        return Journal.local(self.root, directory=self.root / "state")


@pytest.fixture
def product(tmp_path: Path) -> Product:
    made = Product(root=tmp_path)
    for name in NAMES:
        made.change(name, "ai", f"key-of-{name}-0123456789")
        made.change(name, "webhook", f"whsec-of-{name}-0123456789")
        made.change(name, "database", f"postgres://owner:pass-of-{name}@db.{name}.test/app")
    return made


def test_what_is_not_recorded_yet_is_named(product: Product) -> None:
    ruling = product.record("staging")
    assert ruling.ruling is Outcome.NODATA
    assert "no fingerprints of development are recorded" in ruling.reason
    assert "no fingerprints of production are recorded" in ruling.reason


def test_environments_that_share_nothing_pass_and_it_says_that_it_is_only_declared(product: Product) -> None:
    rulings = [product.record(name) for name in NAMES]
    assert rulings[-1].ruling is Outcome.PASS, rulings[-1].reason
    assert "declared only" in rulings[-1].reason


@pytest.mark.parametrize(
    ("what", "value", "says"),
    [
        ("ai", "key-of-production-0123456789", "staging and production have the same AI key"),
        ("webhook", "whsec-of-production-0123456789", "staging and production have the same webhook secret"),
        (
            "database",
            "postgres://other:pass@db.production.test:5432/app",
            "staging and production have the same database",
        ),
    ],
)
def test_what_is_shared_is_refused_by_name(product: Product, what: str, value: str, says: str) -> None:
    product.change("staging", what, value)
    for name in NAMES:
        ruling = product.record(name)
    assert (ruling.ruling, says in ruling.reason) == (Outcome.FAIL, True), ruling.reason


def test_no_secret_and_no_plain_hash_of_one_is_in_the_journal_or_the_ruling(product: Product) -> None:
    rulings = [product.record(name) for name in NAMES]
    kept = json.dumps([*map(dataclasses.asdict, rulings), product.journal.footprints.recorded()])
    for name in NAMES:
        for part in (f"key-of-{name}", f"whsec-of-{name}", f"pass-of-{name}", f"db.{name}.test"):
            assert part not in kept


def test_the_mode_is_what_stripe_says_and_a_stand_in_is_none_of_a_real_environments(product: Product) -> None:
    (key,) = (each for each, access in KEYS.items() if access.live)
    product.change("production", "stripe", key)

    async def calls() -> Ruling:
        async with serving(Stripe(product.root / "world")) as address:
            table = f'[environments.production.stripe]\nkey = "file://production.stripe"\naddress = "{address}"\n'
            settings = config.loads(product.text + table)
            async with connected(settings, "production", root=product.root) as made:
                wrong = await isolate(settings, made, product.journal)
                assert wrong.ruling is Outcome.FAIL
                assert "production points at a stand-in of Stripe" in wrong.reason
                return await isolate(settings, made, product.journal, rehearsal=True)

    for name in NAMES:
        product.record(name)
    ruling = anyio.run(calls)
    assert ruling.ruling is Outcome.PASS, ruling.reason
    assert product.journal.footprints.recorded()["production"]["livemode"] is True


@pytest.mark.parametrize("honest", [True, False])
def test_an_app_that_uses_something_else_than_is_declared_is_found(product: Product, *, honest: bool) -> None:

    async def health(request: Request) -> JSONResponse:
        nonce = request.query_params["nonce"].encode()
        values = {"database": "db.staging.test:5432/app", "aiKey": "key-of-staging-0123456789" if honest else "another"}
        told = {name: hmac.new(nonce, value.encode(), hashlib.sha256).hexdigest() for name, value in values.items()}
        return JSONResponse({"status": "ok", "fingerprints": {**told, "authIssuer": None}})

    async def calls() -> Ruling:
        async with serving(Starlette(routes=[Route("/health", health)])) as address:
            text = product.text.replace(
                "[environments.staging.configured]",
                f'[environments.staging]\naddresses = {{ api = "{address}" }}\n'
                '[environments.staging.configured]\nhealth = "/health"',
            )
            settings = config.loads(text)
            async with connected(settings, "staging", root=product.root) as made:
                return await isolate(settings, made, product.journal)

    for name in NAMES:
        product.record(name)
    ruling = anyio.run(calls)
    if honest:
        assert (ruling.ruling, "answered by api in staging" in ruling.reason) == (Outcome.PASS, True), ruling.reason
    else:
        assert ruling.ruling is Outcome.FAIL
        assert "api in staging answers that it uses another ai than is declared" in ruling.reason

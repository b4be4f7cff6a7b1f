from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import pytest

from ci.errors import Trouble, UsageError, VendorError
from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import Stripe
from ci.vendors import stripe
from ci.vendors.exchange import Patience
from ci.vendors.stripe import VERSION, Key, Kind
from tests.vendors.contract import Holding
from tests.vendors.subjects.stripe import LIVE, RESTRICTED, TEST

if TYPE_CHECKING:
    from pathlib import Path

QUICK = Patience(request=2.0, whole=6.0, first=0.01, tries=3)


def test_all_that_it_sends_and_all_that_is_answered_is_in_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Stripe(tmp_path)) as address:
            for key, live in ((TEST, False), (LIVE, True)):
                holding = Holding("stripe", address)
                async with stripe.connect(key, live=live, address=address, transport=holding) as client:
                    assert (await client.balance()).livemode is live
                    account = await client.account()
                    assert (account.charges_enabled, account.country) == (True, "US")
                assert set(holding.seen) == {"GET /v1/balance 200", "GET /v1/account 200"}

    anyio.run(calls)


def test_the_version_is_pinned_and_is_the_one_of_the_contract(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Stripe(tmp_path)) as address:
            holding = Holding("stripe", address)
            async with stripe.connect(TEST, live=False, address=address, transport=holding) as client:
                assert client.exchange.client.headers["stripe-version"] == VERSION
                assert holding.contract.document["info"]["version"] == VERSION

    anyio.run(calls)


def test_a_key_of_the_other_mode_is_refused_before_any_call() -> None:
    for key, live in ((LIVE, False), (TEST, True)):
        with pytest.raises(UsageError, match="it was not tried") as raised:
            stripe.connect(key, live=live)
        assert key not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pk_live_" + "p" * 24, "publishable"),
        ("whsec_" + "w" * 24, "webhook"),
        ("sk_" + "s" * 24, "no key of Stripe's"),
        ("sk_prod_" + "s" * 24, "no key of Stripe's"),
        ("re_" + "r" * 24, "no key of Stripe's"),
        ("", "no key of Stripe's"),
    ],
)
def test_what_is_no_api_key_is_refused_in_words_of_its_own(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as raised:
        stripe.connect(text, live=True)
    assert not text or text not in str(raised.value)


def test_a_prefix_tells_the_kind_and_the_mode() -> None:
    assert stripe.key_of(TEST) == Key(kind=Kind.FULL, live=False)
    assert stripe.key_of(RESTRICTED) == Key(kind=Kind.RESTRICTED, live=False)
    assert stripe.key_of("rk_live_abc") == Key(kind=Kind.RESTRICTED, live=True)


def test_a_restricted_key_reads_what_it_may_and_is_told_what_it_lacks(tmp_path: Path) -> None:
    async def calls() -> None:
        async with serving(Stripe(tmp_path)) as address:
            holding = Holding("stripe", address)
            async with stripe.connect(RESTRICTED, live=False, address=address, transport=holding) as client:
                assert (await client.balance()).livemode is False
                with pytest.raises(VendorError, match="'rak_account_read' permission") as raised:
                    await client.account()
                assert (raised.value.trouble, raised.value.status) == (Trouble.DENYING, 403)
                assert "the permission to read the account" in str(raised.value)

    anyio.run(calls)


def test_an_unknown_key_is_told_without_the_key(tmp_path: Path) -> None:
    async def calls() -> None:
        key = "sk_test_" + "u" * 24
        async with (
            serving(Stripe(tmp_path)) as address,
            stripe.connect(key, live=False, address=address) as client,
        ):
            with pytest.raises(VendorError, match="Invalid API Key provided") as raised:
                await client.balance()
            assert (raised.value.trouble, raised.value.status) == (Trouble.DENYING, 401)
            assert key not in str(raised.value)

    anyio.run(calls)


@pytest.mark.parametrize(
    ("status", "headers", "tries"),
    [
        (409, {}, QUICK.tries),
        (400, {"stripe-should-retry": "true"}, QUICK.tries),
        (500, {"stripe-should-retry": "false"}, 1),
        (429, {"stripe-should-retry": "false"}, 1),
        (500, {}, QUICK.tries),
        (400, {}, 1),
    ],
)
def test_it_is_asked_again_as_stripe_says(tmp_path: Path, status: int, headers: dict[str, str], tries: int) -> None:
    async def calls() -> None:
        stand_in = Stripe(tmp_path)
        async with (
            serving(stand_in) as address,
            stripe.connect(TEST, live=False, address=address, patience=QUICK) as client,
        ):
            stand_in.faults.add(kind="status", status=status, headers=headers, body="{}", times=100)
            with pytest.raises(VendorError):
                await client.balance()
            assert 100 - stand_in.faults.waiting[0].times == tries

    anyio.run(calls)

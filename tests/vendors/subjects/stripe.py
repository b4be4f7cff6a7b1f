from __future__ import annotations

from ci.rehearsal import stripe as standing_in
from ci.vendors import stripe
from tests.vendors.hostile import Asked, Subject

TEST, LIVE, RESTRICTED = standing_in.KEYS

SUBJECT = Subject(
    name="stripe",
    stand_in=standing_in.Stripe,
    connect=lambda address, patience, transport: stripe.connect(
        TEST, live=False, address=address, patience=patience, transport=transport
    ),
    secrets=(TEST,),
    contract="stripe",
    asked={
        "balance": Asked(run=lambda client: client.balance()),
        "account": Asked(run=lambda client: client.account()),
    },
)

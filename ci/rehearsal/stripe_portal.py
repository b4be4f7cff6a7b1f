"""Stripe's customer portal: a session has a page where a customer ends a plan, or takes it up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.rehearsal.stripe_billing import end
from ci.rehearsal.stripe_forms import Form, RefusedError
from ci.rehearsal.stripe_store import new_id, now
from ci.rehearsal.stripe_subscriptions import update

if TYPE_CHECKING:
    from ci.rehearsal.stripe_store import Store

LIFETIME = 3600  # seconds; "A session is short-lived" is all that the vendor says


def create(store: Store, form: Form) -> dict[str, Any]:
    """Make a session for a customer."""
    form.allow(("customer", "return_url", "locale", "expand"))
    customer = store.get(form.needed("customer"), "cus", "customer")
    identity = new_id("bps")
    made = {
        "id": identity,
        "object": "billing_portal.session",
        "configuration": f"bpc_{store.account.removeprefix('acct_')}",
        "created": now(),
        "customer": customer["id"],
        "flow": None,
        "livemode": store.live,
        "locale": form.text("locale"),
        "on_behalf_of": None,
        "return_url": form.url("return_url"),
        "url": f"{store.base}/p/session/{identity}",
    }
    return store.put(made)


def current(store: Store, identity: str) -> dict[str, Any] | None:
    """Return a session, None where its time is over."""
    session = store.get(identity, "bps")
    return session if session["created"] + LIFETIME > now() else None


def plans(store: Store, session: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the customer's subscriptions, those that ended too, the newest first."""
    known = store.shelf("subscriptions").values()
    return [each for each in reversed(list(known)) if each["customer"] == session["customer"]]


def change(store: Store, session: dict[str, Any], *, identity: str, wish: str) -> None:
    """Do what the person at the page wishes with a subscription. Raises RefusedError."""
    subscription = store.get(identity, "sub")
    if subscription["customer"] != session["customer"] or subscription["status"] == "canceled":
        raise RefusedError("This plan cannot be changed.")
    match wish:
        case "later" | "renew":
            update(store, Form(given={"cancel_at_period_end": "true" if wish == "later" else "false"}), identity)
        case "now":
            end(store, subscription)
        case _:
            raise RefusedError("There is no such choice.")

"""Stripe's Checkout: a session has a page where a person, or a browser, subscribes with a test card."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ci.rehearsal.stripe_billing import create_customer, create_price, create_product
from ci.rehearsal.stripe_forms import Form, RefusedError
from ci.rehearsal.stripe_store import PAGING, new_id, now
from ci.rehearsal.stripe_subscriptions import subscribe

if TYPE_CHECKING:
    from ci.rehearsal.stripe_store import Store

LIFETIME = 24 * 3600  # seconds
FIELDS = ("mode", "line_items", "success_url", "cancel_url", "customer", "customer_email", "client_reference_id")
MORE = ("metadata", "subscription_data", "allow_promotion_codes", "billing_address_collection", "locale", "expand")
# https://docs.stripe.com/testing: what becomes of a card.
DECLINED = {
    "4000000000000002": ("card_declined", "Your card was declined."),
    "4000000000009995": ("insufficient_funds", "Your card has insufficient funds."),
    "4000000000000069": ("expired_card", "Your card has expired."),
}
TEST_CARDS = {"4242424242424242", "5555555555554444", "378282246310005", *DECLINED}


def create(store: Store, form: Form) -> dict[str, Any]:
    """Make a session."""
    form.allow((*FIELDS, *MORE))
    if form.needed("mode") != "subscription":
        raise RefusedError("The stand-in has sessions with mode=subscription only.", param="mode")
    form.needed("success_url")
    success, back = form.url("success_url"), form.url("cancel_url")
    if form.text("customer") and form.text("customer_email"):
        raise RefusedError("You may only specify one of these parameters: customer, customer_email.")
    customer = form.text("customer")
    email = store.get(customer, "cus", "customer")["email"] if customer else form.text("customer_email")
    lines = [_line(store, Form(given=each if isinstance(each, dict) else {})) for each in form.several("line_items")]
    if not lines:
        raise RefusedError("Missing required param: line_items.", code="parameter_missing", param="line_items")
    total = sum(each["amount_total"] for each in lines)
    subscription_data = form.inner("subscription_data")
    subscription_data.allow(("metadata", "description"))
    identity = new_id(f"cs_{'live' if store.live else 'test'}", 58)
    made = {
        "id": identity,
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "cancel_url": back,
        "client_reference_id": form.text("client_reference_id"),
        "created": now(),
        "currency": lines[0]["currency"],
        "customer": customer,
        "customer_details": {"email": email, "name": None} if email else None,
        "customer_email": form.text("customer_email"),
        "expires_at": now() + LIFETIME,
        "invoice": None,
        "livemode": store.live,
        "locale": form.text("locale"),
        "metadata": form.metadata(),
        "mode": "subscription",
        "payment_intent": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "status": "open",
        "subscription": None,
        "success_url": success,
        "ui_mode": "hosted",
        "url": f"{store.base}/c/pay/{identity}",
    }
    store.shelf("lines")[identity] = {"lines": lines, "metadata": subscription_data.metadata()}
    return store.put(made)


def retrieve(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """Return a session, with its lines where they are to be expanded."""
    session = current(store, identity)
    if "line_items" in form.several("expand"):
        session["line_items"] = line_items(store, Form(), identity)
    return session


def current(store: Store, identity: str) -> dict[str, Any]:
    """Return a session as it is by now. Raises RefusedError."""
    session = store.get(identity, "cs")
    if session["status"] == "open" and session["expires_at"] <= now():
        session = store.put({**session, "status": "expired", "url": None}, "checkout.session.expired")
    return session


def listed(store: Store, form: Form) -> dict[str, Any]:
    """List sessions, by customer, subscription and status."""
    form.allow((*PAGING, "customer", "subscription", "status"))
    words = {name: form.text(name) for name in ("customer", "subscription", "status")}
    known = [
        each
        for each in store.shelf("sessions").values()
        if all(value in {None, each[name]} for name, value in words.items())
    ]
    return store.listed("/v1/checkout/sessions", known, form)


def line_items(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """List what a session sells."""
    form.allow(PAGING)
    store.get(identity, "cs")
    lines = list(reversed(store.shelf("lines")[identity]["lines"]))
    return store.listed(f"/v1/checkout/sessions/{identity}/line_items", lines, form)


def expire(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """End an open session."""
    form.allow(("expand",))
    session = current(store, identity)
    if session["status"] != "open":
        message = 'Only Checkout Sessions with a status in ["open"] can be expired.'
        raise RefusedError(f'{message} This Checkout Session has a status of "{session["status"]}".')
    return store.put({**session, "status": "expired", "url": None}, "checkout.session.expired")


def pay(store: Store, session: dict[str, Any], *, email: str, number: str) -> dict[str, Any]:
    """Take the card of whoever is at the page. Raises RefusedError with what the page says of it."""
    card = re.sub(r"[\s-]", "", number)
    if not _is_card(card):
        raise RefusedError("Your card number is invalid.", status=402, kind="card_error", code="incorrect_number")
    if card in DECLINED:
        code, message = DECLINED[card]
        raise RefusedError(message, status=402, kind="card_error", code=code)
    if store.live and card in TEST_CARDS:
        message = "Your card was declined. Your request was in live mode, but used a known test card."
        raise RefusedError(message, status=402, kind="card_error", code="card_declined")
    customer = session["customer"] or create_customer(store, Form(given={"email": email}))["id"]
    known = store.get(customer, "cus")
    method = {**known["invoice_settings"], "default_payment_method": new_id("pm")}
    store.put({**known, "invoice_settings": method}, "customer.updated")
    kept = store.shelf("lines")[session["id"]]
    items = [(store.get(line["price"]["id"], "price"), line["quantity"]) for line in kept["lines"]]
    subscription = subscribe(store, customer=customer, items=items, metadata=kept["metadata"], at_once=False)
    done = {
        **session,
        "customer": customer,
        "customer_details": {"email": email or known["email"], "name": known["name"]},
        "invoice": subscription["latest_invoice"],
        "payment_status": "paid",
        "status": "complete",
        "subscription": subscription["id"],
        "url": None,
    }
    return store.put(done, "checkout.session.completed")


def _line(store: Store, form: Form) -> dict[str, Any]:
    form.allow(("price", "price_data", "quantity"))
    price = _price(store, form)
    if price["recurring"] is None:
        raise RefusedError("You must provide at least one recurring price in `subscription` mode when using prices.")
    quantity = form.integer("quantity", 1, least=1) or 1
    total = price["unit_amount"] * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_subtotal": total,
        "amount_total": total,
        "currency": price["currency"],
        "description": store.get(price["product"], "prod")["name"],
        "price": price,
        "quantity": quantity,
    }


def _price(store: Store, form: Form) -> dict[str, Any]:
    """Return a price that is named, or one made of what is told of it, which nobody else can buy."""
    given = form.inner("price_data")
    if not given.given:
        return store.get(form.needed("price"), "price", "line_items[0][price]")
    if form.text("price"):
        raise RefusedError("You may only specify one of these parameters: price, price_data.")
    given.allow(("currency", "unit_amount", "recurring", "product", "product_data"))
    product = given.text("product") or create_product(store, given.inner("product_data"))["id"]
    told = {name: value for name, value in given.given.items() if name != "product_data"}
    return create_price(store, Form(given={**told, "product": product, "active": "false"}))


def _is_card(number: str) -> bool:
    """Whether the digits check: https://en.wikipedia.org/wiki/Luhn_algorithm."""
    if not re.fullmatch(r"\d{12,19}", number):
        return False
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[::2] + [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]) % 10 == 0

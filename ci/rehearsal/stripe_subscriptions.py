"""Subscriptions, as Stripe has them since 2025-03-31: the period is that of an item, not of the subscription."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.rehearsal.stripe_billing import end, period
from ci.rehearsal.stripe_forms import Form, RefusedError
from ci.rehearsal.stripe_store import PAGING, new_id, now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ci.rehearsal.stripe_store import Store

STATUSES = ("active", "canceled", "incomplete", "incomplete_expired", "past_due", "paused", "trialing", "unpaid")


def subscribe(
    store: Store,
    *,
    customer: str,
    items: Sequence[tuple[dict[str, Any], int]],
    metadata: dict[str, str],
    at_once: bool = True,
) -> dict[str, Any]:
    """Make a subscription that is paid, by prices and quantities, with its invoice.

    One that is not paid `at_once` is incomplete when it is made, and active in the same second.
    """
    identity, start = new_id("sub"), now()
    made = {
        "id": identity,
        "object": "subscription",
        "automatic_tax": {"enabled": False, "liability": None},
        "billing_cycle_anchor": start,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "collection_method": "charge_automatically",
        "created": start,
        "currency": items[0][0]["currency"],
        "customer": customer,
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "ended_at": None,
        "items": {
            "object": "list",
            "url": f"/v1/subscription_items?subscription={identity}",
            "has_more": False,
            "data": [_item(identity, price, quantity, start) for price, quantity in items],
        },
        "livemode": store.live,
        "metadata": metadata,
        "start_date": start,
        "status": "active",
        "trial_end": None,
        "trial_start": None,
    }
    invoice = _invoice(store, made)
    made["latest_invoice"] = invoice["id"]
    store.put({**made, "status": made["status"] if at_once else "incomplete"}, "customer.subscription.created")
    store.put(invoice, "invoice.paid")
    if not at_once:
        store.put(made, "customer.subscription.updated")
    return made


def create(store: Store, form: Form) -> dict[str, Any]:
    """Subscribe a customer who can pay."""
    form.allow(("customer", "items", "metadata", "expand"))
    customer = store.get(form.needed("customer"), "cus", "customer")
    items = [(Form(given=each) if isinstance(each, dict) else Form()) for each in form.several("items")]
    if not items:
        raise RefusedError("Missing required param: items.", code="parameter_missing", param="items")
    bought = [(_price(store, each), each.integer("quantity", 1, least=1) or 1) for each in items]
    if customer["invoice_settings"]["default_payment_method"] is None:
        message = "This customer has no attached payment source or default payment method."
        raise RefusedError(message, code="resource_missing")
    return subscribe(store, customer=customer["id"], items=bought, metadata=form.metadata())


def update(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """Change what is bought, or have it end with its period."""
    form.allow(("items", "metadata", "cancel_at_period_end", "proration_behavior", "expand"))
    known = store.get(identity, "sub")
    if known["status"] == "canceled":
        raise RefusedError(f"No such subscription: '{identity}'", code="resource_missing", param="id")
    changed = {**known, "metadata": form.metadata(known["metadata"])}
    data = {each["id"]: each for each in known["items"]["data"]}
    for given in form.several("items"):
        item = Form(given=given if isinstance(given, dict) else {})
        old = data.get(item.needed("id"))
        if old is None:
            raise RefusedError(f"No such subscription item: '{item.text('id')}'", code="resource_missing")
        price = _price(store, item) if item.text("price") else old["price"]
        quantity = item.integer("quantity", old["quantity"], least=1) or 1
        data[old["id"]] = {**_item(identity, price, quantity, old["current_period_start"]), "id": old["id"]}
    changed["items"] = {**known["items"], "data": list(data.values())}
    ending = form.truth("cancel_at_period_end")
    if ending is not None:
        at = max(each["current_period_end"] for each in data.values())
        changed |= {"cancel_at_period_end": ending, "cancel_at": at if ending else None}
        changed["canceled_at"] = now() if ending else None
    return store.put(changed, "customer.subscription.updated")


def cancel(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """End one at once."""
    form.allow(("invoice_now", "prorate", "expand"))
    known = store.get(identity, "sub")
    if known["status"] == "canceled":
        raise RefusedError(f"No such subscription: '{identity}'", status=404, code="resource_missing", param="id")
    return end(store, known)


def listed(store: Store, form: Form) -> dict[str, Any]:
    """List them, by customer, price and status; those that ended only where they are asked for."""
    form.allow((*PAGING, "customer", "price", "status"))
    customer, price, status = form.text("customer"), form.text("price"), form.text("status")
    if status not in {None, "all", "ended", *STATUSES}:
        raise RefusedError(f"Invalid status: must be one of all, {', '.join(STATUSES)}, or ended", param="status")
    known = [
        each
        for each in store.shelf("subscriptions").values()
        if customer in {None, each["customer"]}
        and (price is None or price in {item["price"]["id"] for item in each["items"]["data"]})
        and (status == "all" or each["status"] == ("canceled" if status == "ended" else status or each["status"]))
        and (status is not None or each["status"] != "canceled")
    ]
    return store.listed("/v1/subscriptions", known, form)


def invoices(store: Store, form: Form) -> dict[str, Any]:
    """List invoices, by customer and subscription."""
    form.allow((*PAGING, "customer", "subscription", "status"))
    customer, subscription, status = form.text("customer"), form.text("subscription"), form.text("status")
    known = [
        each
        for each in store.shelf("invoices").values()
        if customer in {None, each["customer"]}
        and subscription in {None, each["parent"]["subscription_details"]["subscription"]}
        and status in {None, each["status"]}
    ]
    return store.listed("/v1/invoices", known, form)


def _price(store: Store, form: Form) -> dict[str, Any]:
    price = store.get(form.needed("price"), "price", "items[0][price]")
    if price["recurring"] is None:
        message = "The price specified is set to `type=one_time` but this field only accepts `type=recurring`."
        raise RefusedError(message, param="items[0][price]")
    return price


def _item(subscription: str, price: dict[str, Any], quantity: int, start: int) -> dict[str, Any]:
    return {
        "id": new_id("si", 14),
        "object": "subscription_item",
        "created": start,
        "current_period_start": start,
        "current_period_end": period(start, price),
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def _invoice(store: Store, subscription: dict[str, Any]) -> dict[str, Any]:
    amount = sum(each["price"]["unit_amount"] * each["quantity"] for each in subscription["items"]["data"])
    return {
        "id": new_id("in"),
        "object": "invoice",
        "amount_due": amount,
        "amount_paid": amount,
        "amount_remaining": 0,
        "billing_reason": "subscription_create",
        "collection_method": "charge_automatically",
        "created": now(),
        "currency": subscription["currency"],
        "customer": subscription["customer"],
        "livemode": store.live,
        "metadata": {},
        "parent": {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {"subscription": subscription["id"], "metadata": subscription["metadata"]},
        },
        "status": "paid",
        "total": amount,
    }

"""What is sold and to whom: customers, products, prices, subscriptions and their invoices."""

from __future__ import annotations

import calendar
import datetime
from typing import TYPE_CHECKING, Any

from ci.rehearsal.stripe_forms import Form, RefusedError
from ci.rehearsal.stripe_store import PAGING, new_id, now

if TYPE_CHECKING:
    from ci.rehearsal.stripe_store import Store

CUSTOMER = ("name", "email", "description", "phone")
INTERVALS = ("day", "week", "month", "year")


def create_customer(store: Store, form: Form) -> dict[str, Any]:
    """Make a customer."""
    form.allow((*CUSTOMER, "metadata", "expand"))
    made: dict[str, Any] = {
        "id": new_id("cus", 14),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": now(),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "discount": None,
        "invoice_settings": {"custom_fields": None, "default_payment_method": None, "footer": None},
        "livemode": store.live,
        "metadata": form.metadata(),
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        **{name: form.text(name) for name in CUSTOMER},
    }
    return store.put(made, "customer.created")


def update_customer(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """Change a customer."""
    form.allow((*CUSTOMER, "metadata", "expand"))
    known = store.get(identity, "cus")
    changes = {name: form.text(name) for name in CUSTOMER if name in form.given}
    return store.put({**known, **changes, "metadata": form.metadata(known["metadata"])}, "customer.updated")


def list_customers(store: Store, form: Form) -> dict[str, Any]:
    """List customers, by e-mail address."""
    form.allow((*PAGING, "email"))
    email = form.text("email")
    known = [each for each in store.shelf("customers").values() if email in {None, each["email"]}]
    return store.listed("/v1/customers", known, form)


def delete_customer(store: Store, form: Form, identity: str) -> dict[str, Any]:
    """Delete a customer; the subscriptions end with it."""
    form.allow(())
    known = store.get(identity, "cus")
    for each in list(store.shelf("subscriptions").values()):
        if each["customer"] == identity and each["status"] != "canceled":
            end(store, each)
    del store.shelf("customers")[identity]
    store.tell(store, "customer.deleted", known, None)
    return {"id": identity, "object": "customer", "deleted": True}


def create_product(store: Store, form: Form) -> dict[str, Any]:
    """Make a product."""
    form.allow(("id", "name", "description", "active", "metadata", "expand"))
    made: dict[str, Any] = {
        "id": form.text("id") or new_id("prod", 14),
        "object": "product",
        "active": form.truth("active", fallback=True),
        "created": now(),
        "default_price": None,
        "description": form.text("description"),
        "images": [],
        "livemode": store.live,
        "marketing_features": [],
        "metadata": form.metadata(),
        "name": form.needed("name"),
        "tax_code": None,
        "type": "service",
        "updated": now(),
        "url": None,
    }
    if not made["id"].startswith("prod_"):
        raise RefusedError("The stand-in's own ids of products begin with prod_", param="id")
    if made["id"] in store.shelf("products"):
        raise RefusedError(f"Product already exists: {made['id']}", code="resource_already_exists", param="id")
    return store.put(made, "product.created")


def list_products(store: Store, form: Form) -> dict[str, Any]:
    """List products, by whether they are sold."""
    form.allow((*PAGING, "active", "ids"))
    active, ids = form.truth("active"), form.several("ids")
    known = [
        each
        for each in store.shelf("products").values()
        if active in {None, each["active"]} and (not ids or each["id"] in ids)
    ]
    return store.listed("/v1/products", known, form)


def create_price(store: Store, form: Form) -> dict[str, Any]:
    """Make a price of a product."""
    names = ("currency", "unit_amount", "product", "recurring", "lookup_key", "nickname", "active", "metadata")
    form.allow((*names, "transfer_lookup_key", "expand"))
    product = store.get(form.needed("product"), "prod", "product")
    amount, key = form.integer("unit_amount"), form.text("lookup_key")
    if amount is None:
        raise RefusedError("Missing required param: unit_amount.", code="parameter_missing", param="unit_amount")
    holders = [each for each in store.shelf("prices").values() if key is not None and each["lookup_key"] == key]
    if holders and not form.truth("transfer_lookup_key"):
        raise RefusedError(f"A price (`{holders[0]['id']}`) already uses that lookup key.", param="lookup_key")
    for each in holders:
        store.put({**each, "lookup_key": None})
    made = {
        "id": new_id("price"),
        "object": "price",
        "active": form.truth("active", fallback=True),
        "billing_scheme": "per_unit",
        "created": now(),
        "currency": form.needed("currency").lower(),
        "livemode": store.live,
        "lookup_key": key,
        "metadata": form.metadata(),
        "nickname": form.text("nickname"),
        "product": product["id"],
        "recurring": _recurring(form),
        "tax_behavior": "unspecified",
        "type": "recurring" if form.given.get("recurring") else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }
    return store.put(made, "price.created")


def _recurring(form: Form) -> dict[str, Any] | None:
    if not form.given.get("recurring"):
        return None
    inner = form.inner("recurring")
    inner.allow(("interval", "interval_count"))
    interval = inner.needed("interval")
    if interval not in INTERVALS:
        raise RefusedError("Invalid recurring[interval]: must be one of day, week, month, or year", param="recurring")
    count = inner.integer("interval_count", 1, least=1)
    return {"interval": interval, "interval_count": count, "usage_type": "licensed", "meter": None}


def list_prices(store: Store, form: Form) -> dict[str, Any]:
    """List prices, by product, lookup keys and whether they are sold."""
    form.allow((*PAGING, "product", "lookup_keys", "active", "type", "currency"))
    keys, active = form.several("lookup_keys"), form.truth("active")
    words = {name: form.text(name) for name in ("product", "type", "currency")}
    known = [
        each
        for each in store.shelf("prices").values()
        if (not keys or each["lookup_key"] in keys)
        and active in {None, each["active"]}
        and all(value in {None, each[name]} for name, value in words.items())
    ]
    return store.listed("/v1/prices", known, form)


def end(store: Store, subscription: dict[str, Any]) -> dict[str, Any]:
    """End a subscription at once."""
    ended = {**subscription, "status": "canceled", "canceled_at": now(), "ended_at": now()}
    return store.put(ended, "customer.subscription.deleted")


def period(start: int, price: dict[str, Any]) -> int:
    """Return when a period of a price that began at `start` ends."""
    moment = datetime.datetime.fromtimestamp(start, datetime.UTC)
    interval, count = price["recurring"]["interval"], price["recurring"]["interval_count"]
    if interval in {"day", "week"}:
        return int((moment + datetime.timedelta(days=count * (7 if interval == "week" else 1))).timestamp())
    months = moment.month - 1 + count * (12 if interval == "year" else 1)
    year, month = moment.year + months // 12, months % 12 + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return int(moment.replace(year=year, month=month, day=day).timestamp())

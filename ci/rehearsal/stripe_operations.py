"""Which requests the Stripe stand-in knows, and what carries each out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal import stripe_billing, stripe_checkout, stripe_events, stripe_portal, stripe_subscriptions

if TYPE_CHECKING:
    from ci.rehearsal.stripe_forms import Form
    from ci.rehearsal.stripe_store import Store

Act = Callable[..., dict[str, Any]]
ID = r"([A-Za-z0-9_]+)"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One request. `resource` is its word in the permissions of restricted keys."""

    method: str
    path: str
    resource: str
    act: Act


def _balance(store: Store, form: Form) -> dict[str, Any]:
    form.allow(("expand",))
    paid = sum(each["amount_paid"] for each in store.shelf("invoices").values())
    money = {"currency": "usd", "source_types": {"card": 0}}
    return {
        "object": "balance",
        "available": [{"amount": 0, **money}],
        "livemode": store.live,
        "pending": [{"amount": paid, **money, "source_types": {"card": paid}}],
    }


def _account(store: Store, form: Form) -> dict[str, Any]:
    form.allow(("expand",))
    return {
        "id": store.account,
        "object": "account",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "founder@receipts.test",
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }


def _getting(prefix: str) -> Act:
    def get(store: Store, form: Form, identity: str) -> dict[str, Any]:
        form.allow(("expand",))
        return store.get(identity, prefix)

    return get


def _operation(method: str, path: str, resource: str, act: Act) -> Operation:
    return Operation(method=method, path=f"/v1/{path}", resource=resource, act=act)


OPERATIONS = (
    _operation("GET", "balance", "balance", _balance),
    _operation("GET", "account", "account", _account),
    _operation("POST", "customers", "customer", stripe_billing.create_customer),
    _operation("GET", "customers", "customer", stripe_billing.list_customers),
    _operation("GET", f"customers/{ID}", "customer", _getting("cus")),
    _operation("POST", f"customers/{ID}", "customer", stripe_billing.update_customer),
    _operation("DELETE", f"customers/{ID}", "customer", stripe_billing.delete_customer),
    _operation("POST", "products", "product", stripe_billing.create_product),
    _operation("GET", "products", "product", stripe_billing.list_products),
    _operation("GET", f"products/{ID}", "product", _getting("prod")),
    _operation("POST", "prices", "plan", stripe_billing.create_price),
    _operation("GET", "prices", "plan", stripe_billing.list_prices),
    _operation("GET", f"prices/{ID}", "plan", _getting("price")),
    _operation("POST", "subscriptions", "subscription", stripe_subscriptions.create),
    _operation("GET", "subscriptions", "subscription", stripe_subscriptions.listed),
    _operation("GET", f"subscriptions/{ID}", "subscription", _getting("sub")),
    _operation("POST", f"subscriptions/{ID}", "subscription", stripe_subscriptions.update),
    _operation("DELETE", f"subscriptions/{ID}", "subscription", stripe_subscriptions.cancel),
    _operation("GET", "invoices", "invoice", stripe_subscriptions.invoices),
    _operation("GET", f"invoices/{ID}", "invoice", _getting("in")),
    _operation("POST", "checkout/sessions", "checkout_session", stripe_checkout.create),
    _operation("GET", "checkout/sessions", "checkout_session", stripe_checkout.listed),
    _operation("GET", f"checkout/sessions/{ID}", "checkout_session", stripe_checkout.retrieve),
    _operation("GET", f"checkout/sessions/{ID}/line_items", "checkout_session", stripe_checkout.line_items),
    _operation("POST", f"checkout/sessions/{ID}/expire", "checkout_session", stripe_checkout.expire),
    _operation("POST", "billing_portal/sessions", "billing_portal_session", stripe_portal.create),
    _operation("GET", "events", "event", stripe_events.list_events),
    _operation("GET", f"events/{ID}", "event", _getting("evt")),
    _operation("POST", "webhook_endpoints", "webhook", stripe_events.create_endpoint),
    _operation("GET", "webhook_endpoints", "webhook", stripe_events.list_endpoints),
    _operation("GET", f"webhook_endpoints/{ID}", "webhook", _getting("we")),
    _operation("POST", f"webhook_endpoints/{ID}", "webhook", stripe_events.update_endpoint),
    _operation("DELETE", f"webhook_endpoints/{ID}", "webhook", stripe_events.delete_endpoint),
)

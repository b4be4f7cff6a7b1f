"""What one account holds in one mode: objects by id, found by their prefix, listed in pages, put into one another."""

from __future__ import annotations

import secrets
import string
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.rehearsal.stripe_forms import Form, RefusedError, missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.rehearsal.memory import Memory, Shelf

PAGE, LARGEST_PAGE = 10, 100
# By what an id begins with: the word in a message, and the shelf.
KINDS = {
    "cus": ("customer", "customers"),
    "prod": ("product", "products"),
    "price": ("price", "prices"),
    "sub": ("subscription", "subscriptions"),
    "cs": ("checkout.session", "sessions"),
    "bps": ("billing_portal.session", "portals"),
    "in": ("invoice", "invoices"),
    "evt": ("event", "events"),
    "we": ("webhook endpoint", "endpoints"),
    "pm": ("payment method", "methods"),
}
PAGING = ("limit", "starting_after", "ending_before", "expand")


def new_id(prefix: str, length: int = 24) -> str:
    """Return an id such as cus_9s6XKzkNRiz8i3."""
    return f"{prefix}_{''.join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))}"


def now() -> int:
    """Return the time as Stripe writes it, in seconds."""
    return int(time.time())


@dataclass(frozen=True, kw_only=True)
class Store:
    """The objects of an account in a mode. `tell` is handed each event: its type, what it is about, what it was before.

    `base` is the address by which the caller reached us.
    """

    memory: Memory
    account: str
    live: bool
    base: str
    version: str
    tell: Callable[[Store, str, dict[str, Any], dict[str, Any] | None], None]

    def shelf(self, name: str) -> Shelf:
        """Return the objects of a kind."""
        return self.memory.shelf(f"{self.account} {'live' if self.live else 'test'} {name}")

    def put(self, made: dict[str, Any], event: str | None = None) -> dict[str, Any]:
        """Keep an object, in the place of what it was, and tell of it."""
        shelf = self.shelf(KINDS[made["id"].partition("_")[0]][1])
        before = shelf.get(made["id"])
        shelf[made["id"]] = made
        if event is not None:
            changed = {name: value for name, value in (before or {}).items() if made.get(name) != value}
            self.tell(self, event, made, changed or None)
        return made

    def get(self, identity: str, prefix: str, param: str = "id") -> dict[str, Any]:
        """Return an object of this kind. Raises RefusedError."""
        word, shelf = KINDS[prefix]
        found: dict[str, Any] | None = self.shelf(shelf).get(identity)
        if found is None:
            raise missing(word, identity, param)
        return found

    def listed(self, url: str, known: list[dict[str, Any]], form: Form) -> dict[str, Any]:
        """Return a page of a list, the newest first. Raises RefusedError."""
        limit = form.integer("limit", PAGE, least=1) or PAGE
        if limit > LARGEST_PAGE:
            raise RefusedError(f"Invalid integer: limit must be at most {LARGEST_PAGE}", param="limit")
        newest = list(reversed(known))
        places = {each["id"]: place for place, each in enumerate(newest)}
        after, before = form.text("starting_after"), form.text("ending_before")
        for name, value in (("starting_after", after), ("ending_before", before)):
            if value is not None and value not in places:
                raise missing("object", value, name)
        start = places[after] + 1 if after else 0
        if before:
            start = max(0, places[before] - limit)
            shown, more = newest[start : places[before]], start > 0
        else:
            shown, more = newest[start : start + limit], start + limit < len(newest)
        return {"object": "list", "url": url, "has_more": more, "data": shown}

    def expanded(self, answer: dict[str, Any], form: Form) -> dict[str, Any]:
        """Return an answer with the objects in it whose ids are to be expanded. Raises RefusedError."""
        for path in form.several("expand"):
            self._expand(answer, str(path).split("."), str(path))
        return answer

    def _expand(self, place: Any, steps: list[str], path: str) -> None:
        if isinstance(place, list):
            for each in place:
                self._expand(each, steps, path)
            return
        if not steps or not isinstance(place, dict):
            return
        if steps[0] not in place:
            raise RefusedError(f"This property cannot be expanded ({path}).", param="expand")
        value = place[steps[0]]
        if isinstance(value, str):
            prefix = value.partition("_")[0]
            if prefix not in KINDS:
                raise RefusedError(f"This property cannot be expanded ({path}).", param="expand")
            place[steps[0]] = value = self.get(value, prefix)
        self._expand(value, steps[1:], path)

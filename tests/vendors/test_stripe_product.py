"""What a product that sells a plan asks of Stripe, asked of the stand-in: forms, pages, webhooks, repeated requests."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import Stripe
from ci.rehearsal.stripe_forms import RefusedError, decoded
from tests.vendors.subjects.stripe import LIVE, RESTRICTED, TEST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request

GOOD = {"email": "a@b.test", "number": "4242 4242 4242 4242"}
NOBODY = httpx.Auth()
SUCCESS = "http://127.0.0.1:9/done?session={CHECKOUT_SESSION_ID}"


class App:
    """An app that takes webhooks: `answers` are its next statuses, 200 after them."""

    def __init__(self) -> None:
        """Have taken nothing."""
        self.taken: list[tuple[bytes, str]] = []
        self.answers: list[int] = []
        self.application = Starlette(routes=[Route("/hook", self._hook, methods=["POST"])])

    async def _hook(self, request: Request) -> Response:
        self.taken.append((await request.body(), request.headers["stripe-signature"]))
        return Response(status_code=self.answers.pop(0) if self.answers else 200)

    @property
    def kinds(self) -> list[str]:
        """The types of the events."""
        return [json.loads(body)["type"] for body, _ in self.taken]


@contextlib.asynccontextmanager
async def product(directory: Path, **words: Any) -> AsyncIterator[tuple[Stripe, httpx.AsyncClient]]:
    stand_in = Stripe(directory, **words)
    async with serving(stand_in) as address, httpx.AsyncClient(base_url=address, auth=(TEST, "")) as http:
        yield stand_in, http


async def post(http: httpx.AsyncClient, path: str, **form: str) -> Any:
    answer = await http.post(
        path, data={name.replace("__", "[") + "]" * name.count("__"): v for name, v in form.items()}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def plan(http: httpx.AsyncClient, name: str = "Pro") -> str:
    made = await post(http, "/v1/products", name=name)
    price = {"currency": "USD", "unit_amount": "1900", "product": made["id"], "recurring__interval": "month"}
    return str((await post(http, "/v1/prices", **price))["id"])


async def checkout(http: httpx.AsyncClient, price: str, **more: str) -> Any:
    data = {"mode": "subscription", "line_items[0][price]": price, "line_items[0][quantity]": "2"}
    answer = await http.post("/v1/checkout/sessions", data={**data, "success_url": SUCCESS, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def until(condition: Any) -> None:
    with anyio.fail_after(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in the stand-in
            await anyio.sleep(0.02)


def test_a_person_subscribes_on_the_page_and_the_app_is_told(tmp_path: Path) -> None:
    async def calls() -> None:
        app = App()
        async with serving(app.application) as there, product(tmp_path) as (_, http):
            hook = await http.post(
                "/v1/webhook_endpoints",
                data={"url": f"{there}/hook", "enabled_events[]": ["checkout.session.completed"]},
            )
            secret = hook.json()["secret"]
            assert "secret" not in (await http.get(f"/v1/webhook_endpoints/{hook.json()['id']}")).json()
            session = await checkout(
                http,
                await plan(http),
                **{"client_reference_id": "tenant-1", "subscription_data[metadata][tenant]": "tenant-1"},
            )
            assert (session["status"], session["payment_status"], session["subscription"]) == ("open", "unpaid", None)

            page = await http.get(session["url"], auth=NOBODY)
            assert (page.status_code, "Subscribe" in page.text, "19.00 USD" in page.text) == (200, True, True)
            paid = await http.post(session["url"], data=GOOD, auth=NOBODY)
            assert paid.status_code == 303
            assert paid.headers["location"] == SUCCESS.replace("{CHECKOUT_SESSION_ID}", session["id"])

            await until(lambda: app.taken)
            ((body, header),) = app.taken
            moment, signed = (part.partition("=")[2] for part in header.split(","))
            wanted = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
            assert hmac.compare_digest(signed, wanted)
            told = json.loads(body)["data"]["object"]
            assert (told["status"], told["payment_status"]) == ("complete", "paid")
            assert told["client_reference_id"] == "tenant-1"

            subscription = (await http.get(f"/v1/subscriptions/{told['subscription']}")).json()
            assert (subscription["status"], subscription["metadata"]) == ("active", {"tenant": "tenant-1"})
            (item,) = subscription["items"]["data"]
            assert item["quantity"] == 2
            assert 27 * 86400 < item["current_period_end"] - item["current_period_start"] < 32 * 86400
            customer = (await http.get(f"/v1/customers/{told['customer']}")).json()
            assert customer["email"] == "a@b.test"
            again = await http.post(session["url"], data=GOOD, auth=NOBODY)
            assert (again.status_code, "You have subscribed" in again.text) == (200, True)
            assert len((await http.get("/v1/subscriptions")).json()["data"]) == 1

    anyio.run(calls)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("4000 0000 0000 0002", "Your card was declined."),
        ("4000000000009995", "insufficient funds"),
        ("4242 4242 4242 4241", "Your card number is invalid."),
        ("", "Your card number is invalid."),
    ],
)
def test_a_card_that_is_declined_is_told_and_another_may_be_tried(tmp_path: Path, number: str, words: str) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http))
            page = await http.post(session["url"], data={"email": "a@b.test", "number": number}, auth=NOBODY)
            assert (page.status_code, words in page.text) == (402, True)
            assert (await http.get("/v1/subscriptions")).json()["data"] == []
            assert (await http.get(f"/v1/checkout/sessions/{session['id']}")).json()["status"] == "open"

    anyio.run(calls)


def test_a_test_card_is_declined_in_live_mode_and_the_modes_know_nothing_of_one_another(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            await plan(http)
            http.auth = httpx.BasicAuth(LIVE, "")
            assert (await http.get("/v1/prices")).json()["data"] == []
            session = await checkout(http, await plan(http))
            assert session["livemode"] is True
            page = await http.post(session["url"], data=GOOD, auth=NOBODY)
            assert "used a known test card" in page.text

    anyio.run(calls)


def test_a_session_ends(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http))
            assert (await post(http, f"/v1/checkout/sessions/{session['id']}/expire"))["status"] == "expired"
            page = await http.post(session["url"], data=GOOD, auth=NOBODY)
            assert "has expired" in page.text
            refused = await http.post(f"/v1/checkout/sessions/{session['id']}/expire")
            assert refused.status_code == 400
            assert (await http.get("/c/pay/cs_test_none", auth=NOBODY)).status_code == 404

    anyio.run(calls)


def test_what_a_page_shows_cannot_run(tmp_path: Path) -> None:
    async def calls() -> None:
        evil = "<script>alert(1)</script>"
        async with product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http, evil), cancel_url=f'http://a.test/"{evil}')
            page = await http.post(session["url"], data={"email": f'"{evil}', "number": "1"}, auth=NOBODY)
            assert evil not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            bad = {"mode": "subscription", "success_url": "javascript:alert(1)"}
            refused = await http.post("/v1/checkout/sessions", data=bad)
            assert refused.json()["error"]["code"] == "url_invalid"

    anyio.run(calls)


def test_the_same_key_gets_the_same_answer_and_another_request_with_it_is_refused(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (stand_in, http):
            key = {"idempotency-key": "one"}
            first = await http.post("/v1/customers", data={"email": "a@b.test"}, headers=key)
            second = await http.post("/v1/customers", data={"email": "a@b.test"}, headers=key)
            assert first.json() == second.json()
            assert (first.headers.get("idempotent-replayed"), second.headers["idempotent-replayed"]) == (None, "true")
            other = await http.post("/v1/customers", data={"email": "c@d.test"}, headers=key)
            assert (other.status_code, other.json()["error"]["type"]) == (400, "idempotency_error")
            elsewhere = await http.post("/v1/products", data={"email": "a@b.test"}, headers=key)
            assert elsewhere.json()["error"]["type"] == "idempotency_error"
            assert len((await http.get("/v1/customers")).json()["data"]) == 1
            wrong = {"idempotency-key": "two"}  # what was refused is not kept
            assert (await http.post("/v1/products", data={"nam": "Pro"}, headers=wrong)).status_code == 400
            assert (await http.post("/v1/products", data={"name": "Pro"}, headers=wrong)).status_code == 200
            assert stand_in.faults.waiting == []

    anyio.run(calls)


def test_the_same_key_twice_at_once_is_a_conflict_and_one_effect(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path, pace=0.3) as (_, http):
            statuses: list[int] = []
            codes: list[str] = []

            async def make() -> None:
                answer = await http.post("/v1/customers", headers={"idempotency-key": "one"})
                statuses.append(answer.status_code)
                codes.extend(filter(None, [answer.json().get("error", {}).get("code")]))

            async with anyio.create_task_group() as group:
                group.start_soon(make)
                group.start_soon(make)
            assert sorted(statuses) == [200, 409]
            assert codes == ["idempotency_key_in_use"]
            assert len((await http.get("/v1/customers")).json()["data"]) == 1

    anyio.run(calls)


def test_a_webhook_is_delivered_again_until_the_app_takes_it_and_after_a_restart_too(tmp_path: Path) -> None:
    async def calls() -> None:
        app = App()
        async with serving(app.application) as there:
            async with product(tmp_path, pauses=(0.05, 0.05)) as (_, http):
                await http.post("/v1/webhook_endpoints", data={"url": f"{there}/hook", "enabled_events[]": "*"})
                app.answers = [500, 404]
                await post(http, "/v1/customers", email="a@b.test")
                await until(lambda: len(app.taken) == 3)
                assert len({body for body, _ in app.taken}) == 1
            app.taken.clear()
            async with product(tmp_path, pauses=(60.0,)) as (_, http):
                app.answers = [500]
                await post(http, "/v1/customers", email="c@d.test")
                await until(lambda: app.taken)
            (waiting,) = (stand_in := Stripe(tmp_path)).memory.shelf("deliveries").items()
            stand_in.memory.shelf("deliveries")[waiting[0]] = {**waiting[1], "next": 0}  # an hour later
            async with product(tmp_path):
                await until(lambda: len(app.taken) == 2)
            assert len({body for body, _ in app.taken}) == 1

    anyio.run(calls)


def test_an_endpoint_that_fails_keeps_no_other_one_waiting(tmp_path: Path) -> None:
    async def calls() -> None:
        dead, live = App(), App()
        dead.answers = [500] * 9
        async with (
            serving(dead.application) as ill,
            serving(live.application) as well,
            product(tmp_path, pauses=(3600.0,)) as (_, http),
        ):
            await http.post("/v1/webhook_endpoints", data={"url": f"{ill}/hook", "enabled_events[]": "*"})
            await post(http, "/v1/customers", email="a@b.test")
            await until(lambda: dead.taken)
            await http.post("/v1/webhook_endpoints", data={"url": f"{well}/hook", "enabled_events[]": "*"})
            await post(http, "/v1/customers", email="c@d.test")
            await until(lambda: len(dead.taken) == 2 and live.kinds == ["customer.created"])

    anyio.run(calls)


def test_an_endpoint_that_hangs_keeps_no_other_one_waiting(tmp_path: Path) -> None:
    async def calls() -> None:
        live = App()
        let = anyio.Event()

        async def hang(_request: Request) -> Response:
            await let.wait()
            return Response()

        hanging = Starlette(routes=[Route("/hook", hang, methods=["POST"])])
        async with serving(hanging) as ill, serving(live.application) as well, product(tmp_path) as (_, http):
            for address in (ill, well):
                await http.post("/v1/webhook_endpoints", data={"url": f"{address}/hook", "enabled_events[]": "*"})
            for name in "ab":
                await post(http, "/v1/customers", email=f"{name}@b.test")
            await until(lambda: len(live.taken) == 2)
            let.set()

    anyio.run(calls)


def test_an_unruly_account_tells_everything_twice(tmp_path: Path) -> None:
    async def calls() -> None:
        app = App()
        async with serving(app.application) as there, product(tmp_path, unruly=0.2) as (_, http):
            await http.post("/v1/webhook_endpoints", data={"url": f"{there}/hook", "enabled_events[]": "*"})
            for name in "abc":
                await post(http, "/v1/customers", email=f"{name}@b.test")
            await until(lambda: len(app.taken) == 6)
            assert len({json.loads(body)["id"] for body, _ in app.taken}) == 3

    anyio.run(calls)


def test_a_plan_bought_on_the_page_is_incomplete_first_and_then_active(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http))
            await http.post(session["url"], data=GOOD, auth=NOBODY)
            events = (await http.get("/v1/events")).json()["data"][::-1]
            said = [(each["type"], each["data"]) for each in events if each["type"].startswith("customer.subscription")]
            assert [(kind, data["object"]["status"]) for kind, data in said] == [
                ("customer.subscription.created", "incomplete"),
                ("customer.subscription.updated", "active"),
            ]
            assert said[1][1]["previous_attributes"]["status"] == "incomplete"

    anyio.run(calls)


def test_two_who_pay_at_once_buy_once(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http))
            arrived, statuses = 0, []
            both = anyio.Event()

            async def halves() -> AsyncIterator[bytes]:
                nonlocal arrived
                yield b"email=a%40b.test&"
                arrived += 1
                if arrived == 2:
                    await anyio.sleep(0.1)  # so that the page has begun with both
                    both.set()
                await both.wait()
                yield b"number=4242424242424242"

            async def buy() -> None:
                kind = {"content-type": "application/x-www-form-urlencoded"}
                statuses.append((await http.post(session["url"], content=halves(), headers=kind)).status_code)

            async with anyio.create_task_group() as group:
                group.start_soon(buy)
                group.start_soon(buy)
            assert sorted(statuses) == [200, 303]
            assert len((await http.get("/v1/subscriptions")).json()["data"]) == 1

    anyio.run(calls)


def test_a_webhook_goes_to_this_machine_only(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            for url in ("http://example.com/hook", "ftp://127.0.0.1/", "http://127.0.0.1.example.com/", "nothing"):
                refused = await http.post("/v1/webhook_endpoints", data={"url": url, "enabled_events[]": "*"})
                assert (refused.status_code, refused.json()["error"]["param"]) == (400, "url")

    anyio.run(calls)


def test_a_subscription_changes_its_plan_ends_with_its_period_and_ends_at_once(tmp_path: Path) -> None:
    async def calls() -> None:
        app = App()
        async with serving(app.application) as there, product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http))
            await http.post(session["url"], data=GOOD, auth=NOBODY)
            (subscription,) = (await http.get("/v1/subscriptions")).json()["data"]
            await http.post("/v1/webhook_endpoints", data={"url": f"{there}/hook", "enabled_events[]": "*"})
            path, item = f"/v1/subscriptions/{subscription['id']}", subscription["items"]["data"][0]["id"]
            better = await plan(http, "Team")
            changed = (await http.post(path, data={"items[0][id]": item, "items[0][price]": better})).json()
            assert changed["items"]["data"][0]["price"]["id"] == better
            ending = await post(http, path, cancel_at_period_end="true")
            assert ending["cancel_at"] == ending["items"]["data"][0]["current_period_end"]
            assert (await http.delete(path)).json()["status"] == "canceled"
            assert (await http.get("/v1/subscriptions")).json()["data"] == []
            assert len((await http.get("/v1/subscriptions", params={"status": "all"})).json()["data"]) == 1
            await until(lambda: "customer.subscription.deleted" in app.kinds)
            assert app.kinds.count("customer.subscription.updated") == 2
            bodies = [json.loads(body) for body, _ in app.taken]
            (last,) = [each for each in bodies if "cancel_at" in each["data"].get("previous_attributes", {})]
            assert last["data"]["previous_attributes"]["cancel_at_period_end"] is False

    anyio.run(calls)


def test_a_customer_who_cannot_pay_is_not_subscribed(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            customer = await post(http, "/v1/customers", email="a@b.test")
            data = {"customer": customer["id"], "items[0][price]": await plan(http)}
            refused = await http.post("/v1/subscriptions", data=data)
            assert "no attached payment source" in refused.json()["error"]["message"]

    anyio.run(calls)


def test_a_customer_ends_a_plan_and_takes_it_up_again_at_the_portal(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            await http.post((await checkout(http, await plan(http)))["url"], data=GOOD, auth=NOBODY)
            (bought,) = (await http.get("/v1/subscriptions")).json()["data"]
            words = {"customer": bought["customer"], "return_url": "http://a.test/"}
            session = await post(http, "/v1/billing_portal/sessions", **words)
            assert session["object"] == "billing_portal.session"

            async def wish(word: str, identity: str = bought["id"]) -> httpx.Response:
                given = {"subscription": identity, "wish": word}
                return await http.post(session["url"], data=given, auth=NOBODY, follow_redirects=True)

            async def state() -> tuple[str, bool]:
                known = (await http.get(f"/v1/subscriptions/{bought['id']}")).json()
                return known["status"], known["cancel_at_period_end"]

            assert "Renews by itself" in (await http.get(session["url"], auth=NOBODY)).text
            assert "Ends with its period" in (await wish("later")).text
            assert await state() == ("active", True)
            assert "Renews by itself" in (await wish("renew")).text
            assert await state() == ("active", False)
            assert (await wish("give me money")).status_code == 400
            assert "Ended." in (await wish("now")).text
            assert await state() == ("canceled", False)
            assert (await wish("renew")).status_code == 400
            assert "/p/session/" in session["url"]
            assert (await http.get("/p/session/bps_none", auth=NOBODY)).status_code == 404
            refused = await http.post("/v1/billing_portal/sessions", data={"customer": "cus_none"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "resource_missing")

    anyio.run(calls)


def test_nobody_changes_the_plan_of_another_customer(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            await http.post((await checkout(http, await plan(http)))["url"], data=GOOD, auth=NOBODY)
            (bought,) = (await http.get("/v1/subscriptions")).json()["data"]
            stranger = await post(http, "/v1/customers", email="c@d.test")
            session = await post(http, "/v1/billing_portal/sessions", customer=stranger["id"])
            refused = await http.post(session["url"], data={"subscription": bought["id"], "wish": "now"}, auth=NOBODY)
            assert (refused.status_code, bought["id"] in refused.text) == (400, False)
            assert (await http.get(f"/v1/subscriptions/{bought['id']}")).json()["status"] == "active"

    anyio.run(calls)


def test_a_plan_is_sold_at_a_price_that_is_only_told(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            data = {
                "mode": "subscription",
                "success_url": SUCCESS,
                "line_items[0][quantity]": "1",
                "line_items[0][price_data][currency]": "eur",
                "line_items[0][price_data][unit_amount]": "900",
                "line_items[0][price_data][recurring][interval]": "month",
                "line_items[0][price_data][product_data][name]": "Receipts Pro",
            }
            session = (await http.post("/v1/checkout/sessions", data=data)).json()
            assert (session["amount_total"], session["currency"]) == (900, "eur")
            assert "Receipts Pro" in (await http.get(session["url"], auth=NOBODY)).text
            both = await http.post("/v1/checkout/sessions", data={**data, "line_items[0][price]": await plan(http)})
            assert "only specify one" in both.json()["error"]["message"]
            once = {name: value for name, value in data.items() if "recurring" not in name}
            assert "at least one recurring price" in (await http.post("/v1/checkout/sessions", data=once)).text

    anyio.run(calls)


def test_lists_come_in_pages_the_newest_first(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            made = [(await post(http, "/v1/customers", email=f"{number}@b.test"))["id"] for number in range(25)]
            found: list[str] = []
            query: dict[str, str] = {"limit": "10"}
            pages = 0
            while True:
                page = (await http.get("/v1/customers", params=query)).json()
                found += [each["id"] for each in page["data"]]
                pages += 1
                if not page["has_more"]:
                    break
                query["starting_after"] = found[-1]
            assert (found, pages) == (made[::-1], 3)
            before = (await http.get("/v1/customers", params={"ending_before": found[10], "limit": "3"})).json()
            assert [each["id"] for each in before["data"]] == found[7:10]
            refused = await http.get("/v1/customers", params={"starting_after": "cus_none"})
            assert (refused.status_code, refused.json()["error"]["code"]) == (400, "resource_missing")

    anyio.run(calls)


@pytest.mark.parametrize(
    ("path", "form", "code"),
    [
        ("/v1/customers", {"emial": "a@b.test"}, "parameter_unknown"),
        ("/v1/products", {}, "parameter_missing"),
        ("/v1/prices", {"product": "prod_none", "currency": "usd", "unit_amount": "1"}, "resource_missing"),
        ("/v1/prices", {"product": "prod_none", "unit_amount": "x"}, "resource_missing"),
        ("/v1/customers/cus_none", {}, "resource_missing"),
        ("/v1/checkout/sessions", {"mode": "subscription", "success_url": "http://a.test"}, "parameter_missing"),
    ],
)
def test_what_it_refuses_it_names(tmp_path: Path, path: str, form: dict[str, str], code: str) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            answer = await http.post(path, data=form)
            assert answer.status_code in {400, 404}
            assert answer.json()["error"]["code"] == code
            assert answer.headers["request-id"].startswith("req_")

    anyio.run(calls)


def test_who_may_not_is_told(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            assert (await http.get("/v1/customers", auth=NOBODY)).status_code == 401
            assert (await http.get("/v1/customers", auth=("sk_test_none", ""))).status_code == 401
            refused = await http.get("/v1/customers", auth=(RESTRICTED, ""))
            assert (refused.status_code, "rak_customer_read" in refused.text) == (403, True)
            unknown = await http.get("/v1/nothing")
            assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "invalid_request_error")
            version = await http.get("/v1/balance", headers={"stripe-version": "tomorrow"})
            assert "Invalid Stripe API version" in version.json()["error"]["message"]

    anyio.run(calls)


def test_ids_are_expanded_where_they_are_asked_for(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            session = await checkout(http, await plan(http))
            await http.post(session["url"], data=GOOD, auth=NOBODY)
            query = {"expand[]": ["subscription", "customer", "line_items"]}
            whole = (await http.get(f"/v1/checkout/sessions/{session['id']}", params=query)).json()
            assert (whole["subscription"]["object"], whole["customer"]["object"]) == ("subscription", "customer")
            assert whole["line_items"]["data"][0]["description"] == "Pro"
            listed = await http.get("/v1/subscriptions", params={"expand[]": "data.latest_invoice"})
            assert listed.json()["data"][0]["latest_invoice"]["amount_paid"] == 3800
            assert (await http.get("/v1/prices", params={"expand[]": "data.nothing"})).status_code == 400

    anyio.run(calls)


def test_what_it_knows_is_there_after_a_restart(tmp_path: Path) -> None:
    async def calls() -> None:
        async with product(tmp_path) as (_, http):
            price = await plan(http)
            key = {"idempotency-key": "one"}
            made = (await http.post("/v1/customers", headers=key)).json()
        async with product(tmp_path) as (_, http):
            assert (await http.get(f"/v1/prices/{price}")).json()["unit_amount"] == 1900
            assert (await http.post("/v1/customers", headers=key)).json() == made

    anyio.run(calls)


def test_a_form_is_read_as_it_is_nested() -> None:
    assert decoded("a[b][0][c]=1&a[b][1][c]=2&d[]=3&d[]=4&e=") == {
        "a": {"b": [{"c": "1"}, {"c": "2"}]},
        "d": ["3", "4"],
        "e": "",
    }


@pytest.mark.parametrize("form", ["a=1&a[b]=2", "a" + "[b]" * 50 + "=1", "metadata[a]=1&metadata=2&metadata[b]=3"])
def test_a_form_that_contradicts_itself_is_refused(form: str) -> None:
    with pytest.raises(RefusedError):
        decoded(form)

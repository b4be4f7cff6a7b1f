"""Routes measured at two addresses at which a small product is really served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ci import config
from ci.errors import UsageError
from ci.gates.benchmarks import rule
from ci.model import Outcome
from ci.promotion.benchmarks import WARMING, Measured, measure
from ci.promotion.target import Target
from ci.rehearsal.serving import serving
from tests.promotion.product import PASSWORD, Product

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from ci.settings.promotion import Benchmarks

PAIRS = 20
SIGN_IN = """
[[benchmarks.before]]
method = "POST"
path = "/sign-in"
headers = { Origin = "{origin}" }
json = { email = "smoke@example.test", password = "{secret:PASSWORD}", times = 1 }
capture = { token = "json:token" }
"""
ROUTES = """
[[benchmarks.routes]]
name = "me"
path = "/me"
headers = { X-Token = "{token}" }

[[benchmarks.routes]]
name = "health"
path = "/health"
"""


def settings(text: str = SIGN_IN + ROUTES, pairs: int = PAIRS) -> Benchmarks:
    head = f'[[apps]]\nname = "api"\npath = "apps/api"\n[benchmarks]\napp = "api"\npairs = {pairs}\n'
    found = config.loads(head + text).benchmarks
    assert found is not None
    return found


def measured(candidate: ASGIApp, current: ASGIApp, made: Benchmarks | None = None, **more: Any) -> Measured:
    """Measure at both, each really served; a notice is taken of their addresses as `candidate` and `current`."""

    async def calls() -> Measured:
        async with serving(candidate) as one, serving(current) as other:
            targets = [
                Target(addresses={"api": each}, headers={"x-synthetic": "1"}, secrets={"PASSWORD": PASSWORD})
                for each in (one, other)
            ]
            return await measure(
                made or settings(), candidate=targets[0], current=targets[1], **{"baseline": {}, **more}
            )

    return anyio.run(calls)


def sleeping(seconds: float) -> Starlette:
    """An app that takes so long for its only page."""

    async def page(_request: Request) -> Response:
        await anyio.sleep(seconds)
        return JSONResponse({})

    return Starlette(routes=[Route("/page", page)])


PAGE = '[[benchmarks.routes]]\nname = "page"\npath = "/page"\n'


def test_routes_are_asked_in_pairs_of_which_each_goes_first_in_turn() -> None:
    order: list[tuple[str, str]] = []

    def noting(name: str) -> Starlette:
        async def page(request: Request) -> Response:
            order.append((name, request.url.path))
            return JSONResponse({})

        return Starlette(routes=[Route("/page", page), Route("/other", page)])

    more = '[[benchmarks.routes]]\nname = "other"\npath = "/other"\n'
    found = measured(noting("candidate"), noting("current"), settings(PAGE + more))
    pairs = [order[at : at + 2] for at in range(0, len(order), 2)]
    assert len(pairs) == 2 * (WARMING + PAIRS)
    assert all(one[0] != other[0] and one[1] == other[1] for one, other in pairs)
    assert [pair[0][1] for pair in pairs[:4]] == ["/page", "/other", "/page", "/other"], "no route after all of another"
    first = [pair[0][0] for pair in pairs[2 * WARMING :: 2]]
    assert first == ["candidate", "current"] * (PAIRS // 2)
    assert [len(route.pairs) for route in found.observed.routes] == [PAIRS, PAIRS]


def test_each_address_is_signed_in_at_once_and_asked_over_one_connection() -> None:
    one, other = Product(), Product()
    ports: set[tuple[str, int]] = set()

    def watching(app: ASGIApp) -> ASGIApp:
        async def watched(scope: Any, receive: Any, send: Any) -> None:
            ports.add((scope["server"][1], scope["client"][1]))
            await app(scope, receive, send)

        return watched

    found = measured(watching(one.app), watching(other.app), baseline={"me": 0.5, "gone": 1.0})
    assert found.observed.error is None
    for product in (one, other):
        paths = [path for _, path, _ in product.seen]
        assert (paths[0], paths.count("/sign-in"), paths.count("/me")) == ("/sign-in", 1, WARMING + PAIRS)
        sent = [headers for _, path, headers in product.seen if path == "/me"]
        (session,) = product.sessions
        assert {each["x-token"] for each in sent} == {session}
        assert {each["x-synthetic"] for each in sent} == {"1"}
    assert len(ports) < WARMING, "connections are kept, unless the machine sleeps for seconds"
    assert {route.name: route.baseline for route in found.observed.routes} == {"me": 0.5, "health": None}
    for route in found.observed.routes:
        seconds = sorted(pair.candidate for pair in route.pairs)
        assert seconds[PAIRS // 2 - 1] <= found.medians[route.name] <= seconds[PAIRS // 2]


ERRORS = {
    "status": ": health, GET /health answered 503",
    "redirect": ": health, GET /health answered 307",
    "garbled": ": health, GET /health no answer; Error -3",
    "huge": ": health, GET /health answered 200; the answer is larger than 16 MiB",
}


@pytest.mark.parametrize("broken", ERRORS)
def test_what_is_not_answered_well_is_an_error_that_says_where(broken: str) -> None:
    for candidate, current in ((Product(broken), Product()), (Product(), Product(broken))):
        found = measured(candidate.app, current.app)
        assert ERRORS[broken] in (found.observed.error or "")
        assert found.observed.error
        assert found.observed.error.startswith("http://127.0.0.1:")
        assert found.medians == {}
        assert rule(found.observed, environment="staging").ruling is Outcome.ERROR


def test_a_sign_in_that_fails_is_an_error_that_tells_no_secret() -> None:
    wrong = settings(SIGN_IN.replace("times = 1", "times = 2") + ROUTES)
    found = measured(Product().app, Product().app, wrong)
    error = found.observed.error or ""
    assert ": POST /sign-in answered 401, expected 200; " in error
    assert "[redacted PASSWORD]" in error
    assert PASSWORD not in error


def test_an_error_in_the_middle_is_one() -> None:
    asked: list[int] = []

    async def page(_request: Request) -> Response:
        asked.append(1)
        return JSONResponse({"error": "no database"}, 500 if len(asked) > WARMING + 3 else 200)

    async def fine(_request: Request) -> Response:
        return JSONResponse({})

    breaking, well = (Starlette(routes=[Route("/page", each)]) for each in (page, fine))
    found = measured(breaking, well, settings(PAGE))
    assert '/page answered 500; {"error":"no database"}' in (found.observed.error or "")


def test_nobody_at_an_address_is_an_error() -> None:
    async def calls() -> Measured:
        async with serving(Product().app) as address:
            target = Target(addresses={"api": address})
            nobody = Target(addresses={"api": "http://127.0.0.1:1"})
            return await measure(settings(PAGE), candidate=target, current=nobody, baseline={})

    assert "page, GET /page" in (anyio.run(calls).observed.error or "")

    async def none() -> Measured:
        return await measure(settings(PAGE), candidate=Target(addresses={}), current=Target(addresses={}), baseline={})

    assert anyio.run(none).observed.error == "api has no address"


def test_it_ends_when_time_is_up_and_what_was_measured_counts() -> None:
    app = sleeping(0.02)
    found = measured(app, app, settings(PAGE, pairs=1000), within=1.0)
    (route,) = found.observed.routes
    assert found.observed.error is None
    assert len(route.pairs) < 1000


def slower(seconds: float, share: float) -> Outcome:
    """Rule on a candidate that takes so much longer than what is served."""
    found = measured(sleeping(seconds * (1 + share)), sleeping(seconds), settings(PAGE))
    return rule(found.observed, environment="staging").ruling


def test_a_candidate_that_is_slower_fails_and_one_that_is_not_does_not() -> None:
    assert slower(0.03, 1.0) is Outcome.FAIL
    assert slower(0.02, 0.0) is not Outcome.FAIL


@pytest.mark.long
def test_twenty_times_over_one_that_is_slower_by_30_percent_fails_and_the_same_one_never_does() -> None:
    assert [slower(0.1, 0.3) for _ in range(20)] == [Outcome.FAIL] * 20
    assert Outcome.FAIL not in [slower(0.02, 0.0) for _ in range(20)]


def test_an_environment_must_name_what_measurements_need() -> None:
    text = """
[[apps]]
name = "api"
path = "apps/api"

[benchmarks]
app = "api"
before = [{ path = "/session", service = "auth" }]
routes = [{ name = "me", path = "/me", headers = { Authorization = "Bearer {secret:TOKEN}" } }]

[extraction]
app = "api"
path = "/read/{secret:KEY}"
fields = { total = "total" }
samples = [{ file = "a.pdf", expect = { total = 1 } }]

[environments.staging.smoke]
secrets = { OTHER = "env://OTHER" }
services = { other = "https://other.example" }
"""
    with pytest.raises(UsageError, match="`secrets` lacks TOKEN, which"):
        config.loads(text)
    with pytest.raises(UsageError, match="`services` lacks auth, which"):
        config.loads(text.replace("secrets = { OTHER", 'secrets = { TOKEN = "env://TOKEN", OTHER'))
    more = text.replace("secrets = { OTHER", 'secrets = { TOKEN = "env://TOKEN", OTHER').replace(
        "{ other =", "{ auth ="
    )
    with pytest.raises(UsageError, match="`secrets` lacks KEY, which"):
        config.loads(more)
    config.loads(more.replace("secrets = { TOKEN", 'secrets = { KEY = "env://KEY", TOKEN'))

"""Sample documents posted to a small product that reads them, well and in each other way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ci import config
from ci.errors import UsageError
from ci.gates.extraction import ExtractionObserved, rule
from ci.gates.replay import replay
from ci.model import Outcome
from ci.promotion.extraction import extract
from ci.promotion.target import Target
from ci.rehearsal.serving import serving
from tests.promotion.product import HUGE, PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from ci.settings import Settings

SETTINGS = """
[[apps]]
name = "api"
path = "apps/api"

[extraction]
app = "api"
path = "/readings?by={random}"
headers = { X-Who = "{token}" }
field = "scan"
fields = { merchant = "reading.0.merchant", total = "reading.0.total", paid = "reading.0.paid" }
cost = "usage.cost"
timeout = "30s"

[[extraction.before]]
method = "POST"
path = "/sign-in"
json = { password = "{secret:PASSWORD}" }
capture = { token = "json:token" }

[[extraction.samples]]
file = "samples/bakery.pdf"
expect = { merchant = "Corner Bakery", total = 12.5, paid = true }

[[extraction.samples]]
file = "samples/books.png"
expect = { merchant = "Book Barn" }
"""
READ: dict[str, dict[str, Any]] = {
    "bakery.pdf": {"merchant": " corner  BAKERY", "total": "12.50", "paid": True},
    "books.png": {"merchant": "Book Barn", "total": 3},
}
TOKEN = "a-session-of-somebody"  # noqa: S105 - of nobody


class Reading:
    """A product that reads: what it answers for a file may be something else."""

    def __init__(self, **instead: Response) -> None:
        """Answer `instead` for the file of this name (without its ending), or at `sign_in`."""
        self.instead = instead
        self.got: list[tuple[str, str, str, bytes, dict[str, str]]] = []
        routes = [
            Route("/sign-in", self._sign_in, methods=["POST"]),
            Route("/readings", self._read, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def _sign_in(self, request: Request) -> Response:
        assert await request.json() == {"password": PASSWORD}
        answer = self.instead.get("sign_in", JSONResponse({"token": TOKEN}))
        if answer.status_code == 200:
            answer.set_cookie("session", TOKEN)
        return answer

    async def _read(self, request: Request) -> Response:
        if request.cookies.get("session") != TOKEN:
            return JSONResponse({}, 401)
        body = await request.body()
        head, _, rest = body.partition(b"\r\n\r\n")
        content = rest[: rest.rindex(b"\r\n--")]
        lines = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
        disposition = {name.lower(): value for name, value in lines.items()}
        said, kind = disposition["content-disposition"], disposition["content-type"]
        field, name = (said.split(f'{part}="')[1].split('"')[0] for part in (" name", "filename"))
        self.got.append((field, name, kind, content, dict(request.headers)))
        found = {"reading": [READ[name]], "usage": {"cost": 0.002}}
        return self.instead.get(name.partition(".")[0], JSONResponse(found))


def written(root: Path) -> Settings:
    """Write the samples, and return the settings that name them."""
    (root / "samples").mkdir(exist_ok=True)
    (root / "samples/bakery.pdf").write_bytes(b"%PDF-1.4\r\n--\x00")
    (root / "samples/books.png").write_bytes(b"\x89PNG")
    return config.loads(SETTINGS)


def extracted(root: Path, product: Reading, settings: Settings | None = None) -> ExtractionObserved:
    found = (settings or written(root)).extraction
    assert found is not None

    async def calls() -> ExtractionObserved:
        async with serving(product.app) as address:
            target = Target(addresses={"api": address}, headers={"x-synthetic": "1"}, secrets={"PASSWORD": PASSWORD})
            return await extract(found, target, root=root)

    return anyio.run(calls)


def ruled(made: ExtractionObserved) -> tuple[Outcome, str]:
    ruling = rule(made, environment="staging")
    assert replay(ruling) == ruling, "it is the same when it is made again"
    return ruling.ruling, ruling.reason


def test_each_document_is_posted_as_it_is_and_what_is_read_is_recorded(tmp_path: Path) -> None:
    product = Reading()
    made = extracted(tmp_path, product)
    assert [each[:4] for each in product.got] == [
        ("scan", "bakery.pdf", "application/pdf", b"%PDF-1.4\r\n--\x00"),
        ("scan", "books.png", "image/png", b"\x89PNG"),
    ]
    sent = product.got[0][4]
    assert (sent["x-who"], sent["x-synthetic"]) == (TOKEN, "1")
    one, other = made.samples
    assert (one.name, one.cost, one.error, one.refused) == ("samples/bakery.pdf", 0.002, None, None)
    assert {each.name: (each.expected, each.read) for each in one.fields} == {
        "merchant": ("Corner Bakery", "corner  BAKERY"),
        "total": ("12.5", "12.50"),
        "paid": ("true", "true"),
    }
    assert [each.name for each in other.fields] == ["merchant"], "of which something is expected"
    assert one.seconds is not None
    assert 0 < one.seconds < 30
    assert ruled(made)[0] is Outcome.PASS
    assert made.target == 10


WRONG = {
    '{"reading": [{"merchant": "Corner Bakery", "total": "12.51", "paid": true}]}': 'total is "12.51", expected "12.5"',
    '{"reading": [{"merchant": "Corner Bakery", "total": "€12.50", "paid": true}]}': 'total is "€12.50"',
    '{"reading": [{"merchant": "Corner Bakery\\nof Bray", "total": 12.5, "paid": true}]}': "merchant is",
    '{"reading": [{"merchant": null, "total": 12.5, "paid": true}]}': "merchant is missing",
    '{"reading": [{"merchant": ["Corner Bakery"], "total": 12.5, "paid": true}]}': 'merchant is "a list"',
    '{"reading": [{"merchant": "Corner Bakery", "total": 12.5, "paid": 1}]}': 'paid is "1", expected "true"',
    '{"reading": []}': "total is missing",
    "[" * 100_000: "answered 200; the answer is not JSON",
    "<h1>Sign in</h1>": "answered 200; the answer is not JSON",
}


@pytest.mark.parametrize("answer", WRONG)
def test_what_is_read_wrong_fails_and_is_named(tmp_path: Path, answer: str) -> None:
    outcome, reason = ruled(extracted(tmp_path, Reading(bakery=Response(answer))))
    assert outcome is Outcome.FAIL
    assert f"samples/bakery.pdf: {WRONG[answer]}" in reason.replace('pdf: "', "pdf: ")


def test_no_session_is_told_and_no_long_text(tmp_path: Path) -> None:
    answer = {"reading": [{"merchant": f"{TOKEN} {PASSWORD} {'x' * 500}", "total": 12.5, "paid": True}]}
    made = extracted(tmp_path, Reading(bakery=JSONResponse(answer)))
    told = json.dumps([each.read for each in made.samples[0].fields])
    assert "[redacted captured token] [redacted PASSWORD]" in told
    assert len(told) < 200
    assert ruled(made)[0] is Outcome.FAIL


REFUSED = {
    422: Response('{"error": "no receipt"}', 422),
    401: Response(TOKEN, 401),
    302: RedirectResponse("https://elsewhere.example/", 302),
    200: Response(b" " * HUGE * 1024 * 1024),
}


@pytest.mark.parametrize("status", REFUSED)
def test_an_answer_that_is_no_reading_is_the_candidates_failure(tmp_path: Path, status: int) -> None:
    made = extracted(tmp_path, Reading(bakery=REFUSED[status]))
    outcome, reason = ruled(made)
    assert outcome is Outcome.FAIL
    assert f'samples/bakery.pdf: "answered {status}' in reason
    assert TOKEN not in reason
    assert {each.read for each in made.samples[0].fields} == {None}
    assert made.samples[1].error is made.samples[1].refused is None, "the others are read all the same"


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_an_answer_that_the_models_service_did_not_give_is_an_error(tmp_path: Path, status: int) -> None:
    outcome, reason = ruled(extracted(tmp_path, Reading(books=JSONResponse({"error": "overloaded"}, status))))
    assert outcome is Outcome.ERROR
    assert f"samples/books.png: the model's service: \"answered {status}; " in reason


def test_a_wrong_field_goes_before_an_error(tmp_path: Path) -> None:
    product = Reading(books=Response(status_code=502), bakery=JSONResponse({}))
    assert ruled(extracted(tmp_path, product))[0] is Outcome.FAIL


def test_who_cannot_sign_in_has_read_nothing(tmp_path: Path) -> None:
    product = Reading(sign_in=Response(f"no {PASSWORD}", 403))
    made = extracted(tmp_path, product)
    assert {each.error for each in made.samples} == {"POST /sign-in answered 403, expected 200; no [redacted PASSWORD]"}
    assert product.got == []
    assert ruled(made)[0] is Outcome.ERROR


def test_no_answer_is_an_error(tmp_path: Path) -> None:
    found = written(tmp_path).extraction
    assert found is not None
    nobody = Target(addresses={"api": "http://127.0.0.1:1"}, secrets={"PASSWORD": PASSWORD})
    made = anyio.run(lambda: extract(found, nobody, root=tmp_path))
    assert ruled(made)[0] is Outcome.ERROR
    assert "POST /sign-in no answer, expected 200" in (made.samples[0].error or "")


@pytest.mark.parametrize("cost", ["much", None, -1, float("nan"), {}, True, 10**400])
def test_a_cost_that_is_none_is_not_known(tmp_path: Path, cost: Any) -> None:
    answer = json.dumps({"reading": [READ["books.png"]], "usage": {"cost": cost}})
    made = extracted(tmp_path, Reading(books=Response(answer)))
    assert made.samples[1].cost is None
    assert "without 1 samples of unknown cost" in ruled(made)[1]


def test_a_file_that_cannot_be_read_is_asked_for(tmp_path: Path) -> None:
    settings = written(tmp_path)
    (tmp_path / "samples/books.png").unlink()
    with pytest.raises(UsageError, match=r"shipway.toml: extraction.samples.1.file: samples/books.png cannot be read"):
        extracted(tmp_path, Reading(), settings)
    (tmp_path / "samples/books.png").symlink_to("/etc/hostname")
    with pytest.raises(UsageError, match=r"samples/books.png is outside the workspace"):
        extracted(tmp_path, Reading(), settings)
    (tmp_path / "samples/books.png").unlink()
    (tmp_path / "samples/books.png").write_bytes(b" " * HUGE * 1024 * 1024)
    with pytest.raises(UsageError, match=r"samples/books.png is larger than 16 MiB"):
        extracted(tmp_path, Reading(), settings)

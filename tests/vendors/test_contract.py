"""The judge itself: all that the adapters ask and the stand-ins answer is in the contracts, and what is not is caught.

Each call of each adapter is made once against its stand-in. Then what was sent and answered is spoilt, one way at a
time, and the contract has to notice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from ci.rehearsal.serving import serving
from ci.vendors.exchange import Patience
from tests.vendors.contract import ContractError, Holding, contract
from tests.vendors.subjects import subjects

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.vendors.contract import Contract, Operation
    from tests.vendors.hostile import Subject

WITH_CONTRACT = [pytest.param(subject, id=subject.name) for subject in subjects() if subject.contract]
each = pytest.mark.parametrize("subject", WITH_CONTRACT)
Traffic = tuple["Operation", httpx.Request, httpx.Response]


KEPT: dict[str, tuple[str, list[Traffic]]] = {}  # by vendor: it is the same for every test, which changes nothing of it


@pytest.fixture
def traffic(subject: Subject, tmp_path: Path) -> tuple[str, list[Traffic]]:
    """Make every call of the vendor's adapter. Return the address that paths count from, and what went to and fro."""
    if subject.name in KEPT:
        return KEPT[subject.name]

    async def calls() -> tuple[str, list[Traffic]]:
        assert subject.contract is not None
        base, seen = "", []
        for number, asked in enumerate(subject.asked.values()):
            stand_in = subject.stand_in(tmp_path / str(number))
            async with serving(stand_in) as address:
                base = f"{address}{subject.base}"
                holding = Holding(subject.contract, base)
                async with subject.connect(address, Patience(), holding) as client:
                    if asked.prepare is not None:
                        await asked.prepare(client)
                    await asked.run(client)
                seen += holding.traffic
        return base, seen

    assert subject.contract is not None
    contract(subject.contract)
    KEPT[subject.name] = anyio.run(calls)
    return KEPT[subject.name]


def spoilt(operation: Operation, request: httpx.Request, known: Contract) -> Iterator[tuple[str, httpx.Request]]:
    """Yield the request with one fault each."""
    headers = dict(request.headers)
    other = next(
        method for method in ("PUT", "PATCH", "DELETE", "POST", "GET")
        if not any(each.method == method and each.expression.fullmatch(_path(operation)) for each in known.operations)
    )  # fmt: skip
    yield "another method", httpx.Request(other, request.url, headers=headers, content=request.content)
    url = request.url.copy_merge_params({"projectIdz": "1"})
    yield "an unknown query parameter", httpx.Request(request.method, url, headers=headers, content=request.content)
    nowhere = "/nothing/of/the/kind/is/here"
    open_ended = any(parameter.get("x-multi-segment") for parameter in operation.parameters)
    path = f"{nowhere}{request.url.path}" if open_ended else f"{request.url.path.rstrip('/')}{nowhere}"
    url = request.url.copy_with(path=path)
    yield "an unknown path", httpx.Request(request.method, url, headers=headers, content=request.content)
    if "authorization" in headers and operation.definition.get("security", known.document.get("security")):
        bare = {name: value for name, value in headers.items() if name != "authorization"}
        yield "no authorization", httpx.Request(request.method, request.url, headers=bare, content=request.content)
    for parameter in operation.parameters:
        if parameter["in"] == "header" and parameter.get("required"):
            bare = {name: value for name, value in headers.items() if name != parameter["name"].lower()}
            yield "no header", httpx.Request(request.method, request.url, headers=bare, content=request.content)
    body = json.loads(request.content) if request.content else None
    if isinstance(body, dict):
        for name in body:
            renamed = {(f"{name}x" if key == name else key): value for key, value in body.items()}
            yield f"a typo in {name}", _with(request, renamed)
        yield "an unknown field", _with(request, {**body, "unheard_of": 1})
        yield "a list for an object", _with(request, [body])


def _with(request: httpx.Request, body: Any) -> httpx.Request:
    headers = {name: value for name, value in request.headers.items() if name != "content-length"}
    return httpx.Request(request.method, request.url, headers=headers, content=json.dumps(body).encode())


def _path(operation: Operation) -> str:
    return operation.name.partition(" ")[2].replace("{", "").replace("}", "")


@each
def test_every_call_and_every_answer_is_in_the_contract(subject: Subject, traffic: tuple[str, list[Traffic]]) -> None:
    _, seen = traffic
    assert len(seen) >= len(subject.asked)


@each
def test_a_request_with_a_fault_is_caught(subject: Subject, traffic: tuple[str, list[Traffic]]) -> None:
    assert subject.contract is not None
    known = contract(subject.contract)
    base, seen = traffic
    missed = []
    for operation, request, _ in seen:
        for fault, wrong in spoilt(operation, request, known):
            try:
                known.hold_request(wrong, base)
            except ContractError:
                continue
            missed.append((operation.name, fault))
    assert missed == []


@each
def test_an_answer_with_a_fault_is_caught(subject: Subject, traffic: tuple[str, list[Traffic]]) -> None:
    assert subject.contract is not None
    known = contract(subject.contract)
    _, seen = traffic
    missed = []
    for operation, _, answer in seen:
        wrong = [("a wrong status", httpx.Response(299, content=answer.content))]
        if answer.content and operation.name not in known.loose:
            wrong.append(("no body", httpx.Response(answer.status_code)))
            if "json" in answer.headers["content-type"]:  # the others are texts
                wrong.append(("a text", httpx.Response(answer.status_code, json="text")))
        for fault, spoiled in wrong:
            try:
                known.hold_answer(operation, spoiled)
            except ContractError:
                continue
            missed.append((operation.name, fault))
    assert missed == []

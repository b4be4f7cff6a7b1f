"""The vendors' published APIs, as OpenAPI documents beside the project, and a transport that holds traffic to them.

A document that is not there skips the test that needs it. What the contract does not know is wrong, even where its
schema leaves it open: an unknown query parameter, an unknown field of a request's body. Answers may have more fields
than the contract knows, as the vendors' own answers do.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator

from tests.conftest import ROOT

FOLDER = Path(os.environ.get("SHIPWAY_CONTRACTS") or ROOT.parent / "shared" / "contracts")
METHODS = ("get", "put", "post", "patch", "delete")
REFERENCE = "#/"
# Published by the vendor, and not in the documents beside the project: where it is described.
BESIDE = {
    "github": {
        r"GET /repos/[^/]+/[^/]+/collaborators/[^/]+/permission": "https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user"
    }
}


class ContractError(AssertionError):
    """A request, or an answer, that the vendor's published API does not have."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method at one path of a contract."""

    name: str  # as "POST /enqueue"
    method: str
    expression: re.Pattern[str]
    parameters: tuple[Mapping[str, Any], ...]
    definition: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Contract:
    """A vendor's document. `loose` are operations whose answers are not held to their schema, and why."""

    vendor: str
    document: Mapping[str, Any]
    loose: Mapping[str, str] = field(default_factory=dict)

    def is_beside(self, method: str, path: str) -> bool:
        """Whether a request is one of those that the document here leaves out."""
        return any(re.fullmatch(each, f"{method} {path}") for each in BESIDE.get(self.vendor, {}))

    @functools.cached_property
    def operations(self) -> tuple[Operation, ...]:
        """All of them; fewer variables in the path go first, then longer ones: a variable may have slashes."""
        found = []
        for path, methods in self.document["paths"].items():
            shared = [self.resolved(each) for each in methods.get("parameters", ())]
            for method in METHODS:
                if method not in methods:
                    continue
                definition = methods[method]
                own = [self.resolved(each) for each in definition.get("parameters", ())]
                parameters = {(each["name"], each["in"]): each for each in (*shared, *own)}
                expression = re.escape(path)
                for name in [each["name"] for each in parameters.values() if each.get("x-multi-segment")]:
                    expression = expression.replace(re.escape(f"{{{name}}}"), ".+")
                expression = re.sub(r"\\\{\w+\\\}", "[^/]+", expression)
                found.append(
                    Operation(
                        name=f"{method.upper()} {path}",
                        method=method.upper(),
                        expression=re.compile(expression),
                        parameters=tuple(parameters.values()),
                        definition=definition,
                    )
                )
        return tuple(sorted(found, key=lambda each: (each.name.count("{"), -len(each.name))))

    def resolved(self, part: Any) -> Any:
        """Follow a reference into the document."""
        while isinstance(part, Mapping) and "$ref" in part:
            place: Any = self.document
            for step in part["$ref"].removeprefix(REFERENCE).split("/"):
                place = place[unquote(step.replace("~1", "/").replace("~0", "~"))]
            part = place
        return part

    def find(self, method: str, path: str) -> Operation:
        """Return the operation, or raise ContractError."""
        for operation in self.operations:
            if operation.method == method and operation.expression.fullmatch(path):
                return operation
        raise ContractError(f"{self.vendor} has no {method} {path}")

    def hold_request(self, request: httpx.Request, base: str) -> Operation:
        """Raise ContractError where the request is not one that the contract allows."""
        path = urlsplit(str(request.url)).path.removeprefix(urlsplit(base).path)
        operation = self.find(request.method, path)
        self._hold_query(operation, request)
        headers = {
            each["name"].lower() for each in operation.parameters if each["in"] == "header" and each.get("required")
        }
        if missing := headers - {name.lower() for name in request.headers}:
            raise ContractError(f"{operation.name} lacks the header {', '.join(sorted(missing))}")
        self._hold_security(operation, request)
        self._hold_body(operation, request)
        return operation

    def hold_answer(self, operation: Operation, answer: httpx.Response) -> None:
        """Raise ContractError where the answer is none that the contract has for the operation."""
        answers = operation.definition["responses"]
        status = str(answer.status_code)
        found = self.resolved(answers.get(status) or answers.get(f"{status[0]}XX") or answers.get("default"))
        if found is None:
            raise ContractError(f"{operation.name} has no answer {status}")
        schema = _json_of(found)
        if schema is None or operation.name in self.loose:
            return
        if not answer.content:
            raise ContractError(f"{operation.name} answers {status} with a body, and this one is empty")
        kind = answer.headers.get("content-type", "json")
        if "event-stream" in kind:
            self._hold(schema, _assembled(answer.text), f"{operation.name}: the answer {status}")
            return
        lines = answer.text.splitlines() if "stream+json" in kind else [answer.text]  # a stream has a document a line
        for line in lines:
            self._hold(schema, json.loads(line) if "json" in kind else line, f"{operation.name}: the answer {status}")

    def _hold_query(self, operation: Operation, request: httpx.Request) -> None:
        known = {each["name"]: each for each in operation.parameters if each["in"] == "query"}
        given = request.url.params
        for name in given:
            if name not in known and name.removesuffix("[]") not in known:
                raise ContractError(f"{operation.name} has no query parameter {name}")
        for name, each in known.items():
            if each.get("required") and name not in given:
                raise ContractError(f"{operation.name} lacks the query parameter {name}")
            schema = self.resolved(each.get("schema", {}))
            for value in given.get_list(name):
                self._hold_word(schema, value, f"{operation.name}: the query parameter {name}")

    def _hold_word(self, schema: Mapping[str, Any], value: str, what: str) -> None:
        """Hold a word of a query: it may stand for a number or a truth value, or be one of a list."""
        readings: list[Any] = [value, [value]]
        if re.fullmatch(r"-?\d+(\.\d+)?", value):
            readings += [json.loads(value), [json.loads(value)]]
        if value in {"true", "false"}:
            readings.append(value == "true")
        if all(list(self._validator(schema).iter_errors(reading)) for reading in readings):
            raise ContractError(f"{what} cannot be {value!r}")

    def _hold_security(self, operation: Operation, request: httpx.Request) -> None:
        wanted = operation.definition.get("security", self.document.get("security"))
        schemes = self.document.get("components", {}).get("securitySchemes", {})
        if not wanted or {} in wanted:
            return
        for choice in wanted:
            if all(self._is_shown(schemes[name], request) for name in choice):
                return
        raise ContractError(f"{operation.name} lacks what authorises it: {wanted}")

    def _is_shown(self, scheme: Mapping[str, Any], request: httpx.Request) -> bool:
        if scheme["type"] == "apiKey":
            return scheme["in"] != "header" or scheme["name"].lower() in request.headers
        given = request.headers.get("authorization", "")
        return bool(given.lower().partition(" ")[0] == str(scheme.get("scheme", "bearer")).lower())

    def _hold_body(self, operation: Operation, request: httpx.Request) -> None:
        definition = self.resolved(operation.definition.get("requestBody"))
        content = request.content
        if definition is None:
            if content not in {b"", b"{}"}:
                raise ContractError(f"{operation.name} takes no body")
            return
        if not content:
            if definition.get("required"):
                raise ContractError(f"{operation.name} lacks its body")
            return
        schema = _json_of(definition)
        if schema is None:
            raise ContractError(f"{operation.name} takes no JSON")
        self._hold(schema, json.loads(content), f"{operation.name}: the body")
        for unknown in self._unknown(schema, json.loads(content), ""):
            raise ContractError(f"{operation.name}: the body has an unknown field {unknown}")

    def _hold(self, schema: Mapping[str, Any], value: Any, what: str) -> None:
        error = next(iter(sorted(self._validator(schema).iter_errors(value), key=lambda each: len(each.path))), None)
        if error is not None:
            place = ".".join(str(part) for part in error.absolute_path)
            raise ContractError(f"{what} is wrong at {place or 'its top'}: {error.message[:300]}")

    def _validator(self, schema: Mapping[str, Any]) -> OAS30Validator | OAS31Validator:
        whole = {**schema, "components": self.document.get("components", {})}
        kind = OAS31Validator if self.document["openapi"].startswith("3.1") else OAS30Validator
        return kind(whole, format_checker=kind.FORMAT_CHECKER)

    def _unknown(self, schema: Any, value: Any, place: str) -> Iterator[str]:
        """Yield fields that no schema for this place names, also where it leaves more of them open."""
        schema = self.resolved(schema)
        if isinstance(value, list):
            for each in value:
                yield from self._unknown(schema.get("items", {}), each, f"{place}[]")
        if not isinstance(value, dict) or not isinstance(schema, Mapping):
            return
        named = dict(self._named(schema))
        free = self._is_free(schema)
        for name, inner in value.items():
            if name in named:
                yield from self._unknown(named[name], inner, f"{place}.{name}")
            elif not free:
                yield f"{place}.{name}".lstrip(".")

    def _named(self, schema: Any) -> Iterator[tuple[str, Any]]:
        schema = self.resolved(schema)
        yield from schema.get("properties", {}).items()
        for word in ("allOf", "anyOf", "oneOf"):
            for part in schema.get(word, ()):
                yield from self._named(part)

    def _is_free(self, schema: Any) -> bool:
        """Whether the place is a mapping with names of the caller's own."""
        schema = self.resolved(schema)
        if "properties" not in schema and not any(word in schema for word in ("allOf", "anyOf", "oneOf")):
            return True
        if isinstance(schema.get("additionalProperties"), Mapping):
            return True
        return any(
            self._is_free(part)
            for word in ("allOf", "anyOf", "oneOf")
            for part in schema.get(word, ())
            if isinstance(self.resolved(part), Mapping) and self.resolved(part).get("type") == "object"
        )


def _json_of(definition: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for kind, content in definition.get("content", {}).items():
        if "json" in kind and "schema" in content:
            schema: Mapping[str, Any] = content["schema"]
            return schema
    return None


def _assembled(stream: str) -> dict[str, Any]:
    """Return a message of Anthropic's out of the events of its stream, which the contract describes as a whole."""
    message: dict[str, Any] = {}
    inputs: dict[int, str] = {}
    for event in (json.loads(line.removeprefix("data: ")) for line in stream.splitlines() if line.startswith("data: ")):
        match event["type"]:
            case "message_start":
                message = event["message"]
            case "content_block_start":
                message["content"].append(event["content_block"])
            case "content_block_delta":
                block, delta = message["content"][event["index"]], dict(event["delta"])
                if delta.pop("type") == "input_json_delta":
                    inputs[event["index"]] = inputs.get(event["index"], "") + delta["partial_json"]
                else:
                    block.update({name: block[name] + piece for name, piece in delta.items()})
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
            case _:  # pings, and the ends of parts
                pass
    for index, text in inputs.items():
        message["content"][index]["input"] = json.loads(text)
    return message


@functools.cache
def contract(vendor: str) -> Contract:
    """Return a vendor's contract; where it is not beside the project the test is skipped."""
    path = FOLDER / f"{vendor}.openapi.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside the project: set SHIPWAY_CONTRACTS to where the contracts are")
    return Contract(vendor=vendor, document=_widened(json.loads(path.read_text(encoding="utf-8"))))


def _widened(part: Any) -> Any:
    """Read alternatives as "any of these", for vendors' overlap; what may be null may be, beside any list of words."""
    if isinstance(part, list):
        return [_widened(each) for each in part]
    if not isinstance(part, dict):
        return part
    widened = {"anyOf" if name == "oneOf" else name: _widened(value) for name, value in part.items()}
    if "oneOf" in part:  # a discriminator takes all values for objects
        widened.pop("discriminator", None)
    if part.get("nullable") is True and isinstance(part.get("enum"), list):
        widened["enum"] = [*part["enum"], None]
    return widened


class Holding(httpx.AsyncBaseTransport):
    """A transport that holds all requests and answers to the contract; `seen` are the operations that were met."""

    def __init__(self, vendor: str, base: str, inner: httpx.AsyncBaseTransport | None = None) -> None:
        """Hand on to the network, or to `inner`. `base` is the address that the contract's paths count from."""
        self.contract = contract(vendor)
        self.base = base
        self.inner = inner or httpx.AsyncHTTPTransport()
        self.seen: list[str] = []
        self.traffic: list[tuple[Operation, httpx.Request, httpx.Response]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, hand on, check."""
        await request.aread()
        if self.contract.is_beside(
            request.method, urlsplit(str(request.url)).path.removeprefix(urlsplit(self.base).path)
        ):
            return await self.inner.handle_async_request(request)
        operation = self.contract.hold_request(request, self.base)
        answer = await self.inner.handle_async_request(request)
        await answer.aread()
        self.contract.hold_answer(operation, answer)
        self.seen.append(f"{operation.name} {answer.status_code}")
        self.traffic.append((operation, request, answer))
        return answer

    async def aclose(self) -> None:
        """Close what is behind."""
        await self.inner.aclose()

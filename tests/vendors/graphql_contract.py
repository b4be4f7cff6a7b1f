"""Linear's published schema, beside the project, and a transport that holds queries and answers to it."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from graphql import (
    GraphQLSchema,
    build_schema,
    execute_sync,
    get_operation_ast,
    is_enum_type,
    is_input_object_type,
    is_object_type,
    is_scalar_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from tests.vendors.contract import FOLDER, ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator


@functools.cache
def linear() -> GraphQLSchema:
    """Return Linear's schema; where it is not beside the project the test is skipped."""
    path = FOLDER / "linear.graphql"
    if not path.is_file():
        pytest.skip("linear.graphql is not beside the project: set SHIPWAY_CONTRACTS to where the contracts are")
    return build_schema(path.read_text(encoding="utf-8"))


class HoldingGraph(httpx.AsyncBaseTransport):
    """A transport that holds each query, its variables and its answer to the schema; `seen` are the top fields."""

    def __init__(self) -> None:
        """Hand on to the network."""
        self.schema = linear()
        self.inner = httpx.AsyncHTTPTransport()
        self.seen: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Check, hand on, check."""
        body = json.loads(await request.aread())
        document = parse(body["query"])
        if errors := validate(self.schema, document):
            raise ContractError(errors[0].message)
        operation = get_operation_ast(document)
        assert operation is not None
        values = get_variable_values(self.schema, operation.variable_definitions or (), body["variables"])
        if isinstance(values, list):
            raise ContractError(values[0].message)
        if unknown := set(body["variables"]) - {each.variable.name.value for each in operation.variable_definitions}:
            raise ContractError(f"no variable {unknown}")
        answer = await self.inner.handle_async_request(request)
        await answer.aread()
        data = answer.json()
        if data.get("data") is not None and "errors" not in data:
            # An answer is right where the schema, executed over it, gives it back unchanged.
            again = execute_sync(self.schema, document, data["data"], variable_values=body["variables"])
            if again.errors or again.data != data["data"]:
                raise ContractError(f"the answer is not of the schema: {again.errors}")
        self.seen += [each.name.value for each in operation.selection_set.selections if hasattr(each, "name")]
        return answer

    async def aclose(self) -> None:
        """Close what is behind."""
        await self.inner.aclose()


def beyond(part: GraphQLSchema, whole: GraphQLSchema) -> Iterator[str]:
    """Yield what a schema has that another has not, or has otherwise."""
    kind: Any
    for name, kind in part.type_map.items():
        if name.startswith("__") or (is_scalar_type(kind) and name in whole.type_map):
            continue
        other: Any = whole.type_map.get(name)
        if type(other) is not type(kind):
            yield name
        elif is_enum_type(kind):
            yield from (f"{name}.{value}" for value in kind.values if value not in other.values)
        elif is_object_type(kind) or is_input_object_type(kind):
            for field, definition in kind.fields.items():
                known = other.fields.get(field)
                if known is None or str(known.type) != str(definition.type):
                    yield f"{name}.{field}"
                    continue
                for argument, given in getattr(definition, "args", {}).items():
                    if argument not in known.args or str(known.args[argument].type) != str(given.type):
                        yield f"{name}.{field}({argument})"

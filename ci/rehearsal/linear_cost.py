"""What a query costs, as Linear counts it: 0.1 a field, 1 an object, and a connection as often as it has members.

https://linear.app/developers/rate-limiting. A connection that does not say how many is counted as 50.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    VariableNode,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from graphql import DocumentNode, SelectionSetNode, ValueNode

MOST = 10_000
USUAL = 50
SCALAR, OBJECT = 0.1, 1.0


def cost(document: DocumentNode, variables: Mapping[str, Any]) -> float:
    """Return what the operations of a document cost together."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    counting = _Counting(fragments, variables)
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return sum(counting.inside(each.selection_set, 1) for each in operations)


class _Counting:
    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self.fragments = fragments
        self.variables = variables

    def inside(self, selected: SelectionSetNode, members: int) -> float:
        """Return what a selection costs, where a list in it has so many members."""
        total = 0.0
        for each in selected.selections:
            if isinstance(each, FieldNode):
                total += self._field(each, members)
            elif isinstance(each, InlineFragmentNode):
                total += self.inside(each.selection_set, members)
            elif isinstance(each, FragmentSpreadNode) and each.name.value in self.fragments:
                total += self.inside(self.fragments[each.name.value].selection_set, members)
        return total

    def _field(self, field: FieldNode, members: int) -> float:
        if field.selection_set is None:
            return SCALAR
        if field.name.value in {"nodes", "edges"}:
            return members * (OBJECT + self.inside(field.selection_set, 1))
        asked = [each.value for each in field.arguments or () if each.name.value in {"first", "last"}]
        number = self._number(asked[0]) if asked else None
        return OBJECT + self.inside(field.selection_set, USUAL if number is None else number)

    def _number(self, value: ValueNode) -> int | None:
        if isinstance(value, IntValueNode):
            return int(value.value)
        given = self.variables.get(value.name.value) if isinstance(value, VariableNode) else None
        return given if isinstance(given, int) else None

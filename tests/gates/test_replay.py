from __future__ import annotations

import dataclasses
import functools
import json
import random
import types
import typing
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ci.errors import UsageError
from ci.gates import GATES
from ci.gates.replay import replay
from ci.model import STAGE_NAMES, Outcome, Ruling

NUMBERS = [0, 1, 2, 3, 5, 12, 20, 100, 1000, 10**6, 10**9]
REALS = [0.0, 0.001, 0.05, 0.3, 1.0, 1.5, 5.0, 60.0, 0.1 + 0.2, 300.0, 900.0, 1e9]
WORDS = [
    "", "production", "staging", "a1b2c3", "smoke", "auth", "health", *STAGE_NAMES, "12.50", "12.5",
    "alter table t drop column c", "-- shipway: phase=expand\ncreate table t (id int)", "t.c", "update t set a = 1",
    "two\nlines", "\x1b[31mred", "half a \ud83d", "\u202eright", "x" * 500, "émigré",
]  # fmt: skip


@functools.cache
def reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


@functools.cache
def hints_of(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind, include_extras=True)


def made(kind: Any, chance: random.Random) -> Any:
    """Return any value that a field of this type may hold."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        for _ in range(100):
            value = made(arguments[0], chance)
            try:
                reader(kind).validate_python(value)
            except ValidationError:
                continue
            return value
    if dataclasses.is_dataclass(kind):
        hints = hints_of(typing.cast("Any", kind))
        fields: dict[str, Any] = {each.name: made(hints[each.name], chance) for each in dataclasses.fields(kind)}
        return typing.cast("Any", kind)(**fields)
    if origin is tuple:
        return tuple(made(arguments[0], chance) for _ in range(chance.choice([0, 1, 2, 3, 3, 25])))
    if origin is typing.Literal:
        return chance.choice(arguments)
    if origin in {types.UnionType, typing.Union}:
        return made(chance.choice(arguments), chance)
    if isinstance(kind, type) and issubclass(kind, str) and kind is not str:  # an enum
        return chance.choice(list(typing.cast("Any", kind)))
    options: dict[Any, list[Any]] = {int: NUMBERS, float: REALS, str: WORDS, bool: [True, False], type(None): [None]}
    return chance.choice(options[kind])


def through_a_report(ruling: Ruling) -> Ruling:
    """Return the ruling as a report keeps it."""
    return Ruling(**{**json.loads(json.dumps(dataclasses.asdict(ruling))), "ruling": Outcome(ruling.ruling)})


@pytest.mark.parametrize("gate", sorted(GATES))
def test_a_ruling_out_of_a_report_is_made_again_exactly(gate: str) -> None:
    observed_type, rule = GATES[gate]
    chance = random.Random(f"replay {gate}")  # noqa: S311 - the same cases each time
    outcomes = set()
    for _ in range(100):
        observed = made(observed_type, chance)
        ruling = rule(observed, environment=chance.choice(["staging", "production"]))
        assert rule(observed, environment=ruling.environment) == ruling
        assert through_a_report(ruling) == ruling
        assert replay(through_a_report(ruling)) == ruling
        assert ruling.gate == gate
        assert ruling.reason
        assert len(ruling.reason.splitlines()) == 1
        outcomes.add(ruling.ruling)
    assert len(outcomes) > 1


@pytest.mark.parametrize("gate", sorted(GATES))
def test_a_changed_observation_cannot_keep_its_ruling_unnoticed(gate: str) -> None:
    observed_type, rule = GATES[gate]
    ruling = rule(made(observed_type, random.Random(f"changed {gate}")), environment="staging")  # noqa: S311 - see above
    told = through_a_report(ruling)
    assert replay(dataclasses.replace(told, reason="all is well")) != dataclasses.replace(told, reason="all is well")
    observed = typing.cast("dict[str, Any]", told.values["observed"])
    more = dataclasses.replace(told, values={**told.values, "observed": {**observed, "stranger": 1}})
    assert replay(more) != more


@pytest.mark.parametrize(
    ("gate", "values", "words"),
    [
        ("karma", {"observed": {}}, "there is no gate"),
        ("budget", {}, "does not say what was observed"),
        ("budget", {"observed": None}, "cannot be read"),
        ("budget", {"observed": {"seconds": "12"}}, 'cannot be read: "seconds"'),
        ("budget", {"observed": {"seconds": -1}}, 'cannot be read: "seconds"'),
        ("budget", {"observed": {"seconds": float("nan")}}, "is not JSON"),
        ("budget", {"observed": {"seconds": 1, "stages": object()}}, "is not JSON"),
        ("budget", {"observed": {}}, 'cannot be read: "seconds"'),
        ("tier", {"observed": {"changes": [], "wished": 0}}, 'cannot be read: "named"'),
        ("tier", {"observed": {"changes": [{"path": "a", "kind": "renamed"}]}}, 'cannot be read: "changes.0.kind"'),
        ("integrity", {"observed": {"changes": [], "before": {"executed": "all"}}}, "cannot be read"),
        ("integrity", {"observed": {"changes": [], "affected": [{"id": "a", "status": "green"}]}}, "cannot be read"),
        (
            "slo",
            {"observed": {"source": "x", "target": 1, "looks": [{"after": 1, "requests": 10**30}]}},
            "cannot be read",
        ),
    ],
)
def test_a_ruling_that_cannot_be_read_is_an_error_for_a_person(gate: str, values: dict[str, Any], words: str) -> None:
    ruling = Ruling(gate=gate, environment="staging", ruling=Outcome.PASS, reason="x", values=values)
    with pytest.raises(UsageError, match=words):
        replay(ruling)

"""The loop with the real adapter over real HTTP: answers are streamed, and what is cut is lost as a whole."""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.diagnosis.ending import Diagnosis, Ending
from ci.diagnosis.transcript import Asked, Done, Ended, Lost, Said
from ci.errors import VendorError
from ci.journal.spendings import Allowance
from ci.rehearsal import anthropic as standing_in
from ci.rehearsal.serving import serving
from ci.vendors import anthropic
from ci.vendors.exchange import Patience
from ci.vendors.model import Model, Prompt, Usage
from tests.diagnosis.checkouts import PAY
from tests.diagnosis.cycles import CHECK, EDIT, FINISH, Cycle
from tests.vendors.contract import Holding
from tests.vendors.subjects.anthropic import streamed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = "claude-sonnet-5-5"
QUICK = Patience(request=3, whole=6, first=0.01, tries=3)
ASKING = "/v1/messages$"
OVERLOADED = '{"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}'
LOOK = {"tool": "read_file", "input": {"path": "apps/web/src/pay.ts"}}
REPAIR = {"tool": "edit_file", "input": EDIT}
END = {"tool": "finish", "input": FINISH}
Turn = tuple[tuple[dict[str, Any], ...], str | None, str | None]


def turn(*parts: dict[str, Any], stop: str | None = None, error: str | None = None) -> Turn:
    return parts, stop, error


REPAIRED = (turn({"thinking": "hm"}, {"text": "I look."}, LOOK), turn(REPAIR), turn(END))


def played(
    cycle: Cycle, *turns: Turn, spoil: Callable[[standing_in.Anthropic], object] = lambda _stand_in: None
) -> tuple[Diagnosis, standing_in.Anthropic]:
    """Have the stand-in answer in turn, and return what came of the diagnosis."""

    async def play() -> tuple[Diagnosis, standing_in.Anthropic]:
        stand_in = standing_in.Anthropic(cycle.place)
        for parts, stop, error in turns:
            stand_in.script.add(".", *parts, stop=stop, error=error, times=1)
        spoil(stand_in)
        async with (
            serving(stand_in) as address,
            anthropic.connect(standing_in.KEY, MODEL, address=address, patience=QUICK) as model,
        ):
            return await cycle.diagnosed(model), stand_in

    return anyio.run(play)


def billed(stand_in: standing_in.Anthropic) -> float:
    """Return the dollars of all answers that the stand-in gave."""
    return math.fsum(
        anthropic.price_of(MODEL).cost(
            Usage(
                fresh=each["usage"]["input_tokens"],
                cached=each["usage"]["cache_read_input_tokens"],
                written=each["usage"]["cache_creation_input_tokens"],
                answered=each["usage"]["output_tokens"],
            )
        )
        for each in stand_in.billed.values()
    )


def is_repaired(cycle: Cycle) -> bool:
    return (cycle.root / "apps/web/src/pay.ts").read_text() == PAY.replace("toFixd", "toFixed")


def asked(stand_in: standing_in.Anthropic) -> list[dict[str, Any]]:
    """Return the bodies of the calls that were answered, as far as they are kept."""
    return [json.loads(call.body) for call in stand_in.calls if call.path == "/v1/messages"]


PASSING: dict[str, tuple[dict[str, Any], ...]] = {
    "nothing": (),
    "a limit": ({"kind": "status", "status": 429, "headers": {"retry-after": "0"}, "body": OVERLOADED, "times": 2},),
    "an overload": ({"kind": "status", "status": 529, "body": OVERLOADED, "times": 2},),
    "an overload later": ({"kind": "status", "status": 529, "body": OVERLOADED, "after": 1, "times": 2},),
    "an error of the API's own": ({"kind": "status", "status": 500, "body": OVERLOADED},),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_by_is_waited_out_and_costs_nothing(tmp_path: Path, name: str) -> None:
    cycle = Cycle(place=tmp_path)

    def spoil(stand_in: standing_in.Anthropic) -> None:
        for fault in PASSING[name]:
            stand_in.faults.add(path=ASKING, **fault)

    said, stand_in = played(cycle, *REPAIRED, spoil=spoil)
    assert (said.ending, said.steps, len(stand_in.billed)) == (Ending.FINISHED, 3, 3)
    assert is_repaired(cycle)
    assert 0 < said.cost == pytest.approx(billed(stand_in), abs=1e-9)
    assert [type(entry) for entry in cycle.entries] == [Asked, Said, Done, Said, Done, Said, Done, Ended]


def test_the_beginning_of_a_prompt_is_read_from_the_cache(tmp_path: Path) -> None:
    _, stand_in = played(Cycle(place=tmp_path), *REPAIRED)
    first, second, third = (each["usage"] for each in stand_in.billed.values())
    assert first["cache_creation_input_tokens"] > 1024
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]
    assert third["cache_read_input_tokens"] > second["cache_read_input_tokens"]


def test_all_that_it_asks_is_in_the_contract(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)

    async def play() -> tuple[Diagnosis, list[str]]:
        stand_in = standing_in.Anthropic(tmp_path)
        for parts, stop, _ in (
            *REPAIRED[:2],
            turn({"text": "Well."}),
            turn({"tool": "bash", "input": {}}),
            REPAIRED[2],
        ):
            stand_in.script.add(".", *parts, stop=stop, times=1)
        async with serving(stand_in) as address:
            holding = Holding("anthropic", address)
            async with anthropic.connect(standing_in.KEY, MODEL, address=address, transport=holding) as model:
                return await cycle.diagnosed(model), holding.seen

    said, seen = anyio.run(play)
    assert said.ending is Ending.FINISHED
    assert set(seen) == {"POST /v1/messages 200", "POST /v1/messages/count_tokens 200"}


def test_an_overload_that_lasts_is_an_error_where_nothing_was_spent_and_an_ending_else(tmp_path: Path) -> None:
    def spoil(after: int) -> Callable[[standing_in.Anthropic], object]:
        return lambda it: it.faults.add(kind="status", path=ASKING, status=529, body=OVERLOADED, after=after, times=100)

    cycle = Cycle(place=tmp_path / "first")
    with pytest.raises(VendorError):
        played(cycle, *REPAIRED, spoil=spoil(0))
    assert cycle.purse.spent() == 0
    cycle = Cycle(place=tmp_path / "second")
    said, stand_in = played(cycle, *REPAIRED, spoil=spoil(2))
    assert (said.ending, said.changed) == (Ending.UNREACHABLE, True)
    assert said.cost == pytest.approx(billed(stand_in), abs=1e-9)


@pytest.mark.parametrize("kind", ["cut", "lose", "garbage", "html"])
def test_an_answer_that_is_cut_in_its_middle_counts_as_spent_in_full_and_is_asked_for_again(
    tmp_path: Path, kind: str
) -> None:
    cycle = Cycle(place=tmp_path)
    turns = (REPAIRED[0], REPAIRED[1], REPAIRED[1], REPAIRED[2])
    said, stand_in = played(cycle, *turns, spoil=lambda it: it.faults.add(kind=kind, path=ASKING, after=1))
    assert (said.ending, said.steps, len(stand_in.billed)) == (Ending.FINISHED, 4, 4)
    assert is_repaired(cycle)
    [lost] = [entry for entry in cycle.entries if isinstance(entry, Lost)]
    _, gone, *_ = calls = cycle.journal.spendings.of("i-1", 1)
    assert (gone.spent, gone.reserved) == (None, lost.cost)
    assert said.cost == pytest.approx(math.fsum(call.dollars for call in calls))
    assert said.cost > billed(stand_in)
    first, second, *_ = [each["messages"] for each in asked(stand_in)][1:]
    assert first == second


@pytest.mark.parametrize("error", ["overloaded_error", "api_error"])
@pytest.mark.parametrize(
    "said", [(), ({"text": "I rep"}, REPAIR)], ids=["at once", "behind a tool that it wanted used"]
)
def test_an_overload_in_the_middle_of_a_stream_is_told_paid_for_in_full_and_asked_again(
    tmp_path: Path, error: str, said: tuple[dict[str, Any], ...]
) -> None:
    cycle = Cycle(place=tmp_path)
    turns = (REPAIRED[0], turn(*said, error=error), REPAIRED[1], REPAIRED[2])
    found, stand_in = played(cycle, *turns)
    assert (found.ending, found.steps, len(stand_in.billed)) == (Ending.FINISHED, 4, 4)
    assert is_repaired(cycle)
    [lost] = [entry for entry in cycle.entries if isinstance(entry, Lost)]
    assert f"Anthropic is broken: {error} in the middle of an answer: The script has it so." in lost.reason
    _, gone, *_ = calls = cycle.journal.spendings.of("i-1", 1)
    assert (gone.spent, gone.reserved) == (None, lost.cost)
    assert found.cost == pytest.approx(math.fsum(call.dollars for call in calls))
    assert found.cost > billed(stand_in)
    first, second, *_ = [each["messages"] for each in asked(stand_in)][1:]
    assert first == second


def test_an_overload_in_the_middle_that_comes_again_is_an_ending(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    broken = turn(REPAIR, error="overloaded_error")
    found, stand_in = played(cycle, REPAIRED[0], broken, broken)
    assert (found.ending, found.steps, len(stand_in.billed)) == (Ending.UNREACHABLE, 3, 3)
    assert (found.changed, is_repaired(cycle)) == (False, False)
    assert "overloaded_error in the middle of an answer" in found.reason


def test_a_vendor_that_cuts_every_answer_is_left(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    said, stand_in = played(cycle, *REPAIRED, spoil=lambda it: it.faults.add(kind="cut", path=ASKING, times=100))
    assert (said.ending, said.steps, len(stand_in.billed)) == (Ending.UNREACHABLE, 2, 2)
    assert billed(stand_in) < said.cost < 0.5


CUT_OFF = turn({"text": "So"}, REPAIR, stop="max_tokens")
STRANGE: dict[str, tuple[tuple[Turn, ...], Ending]] = {
    "a refusal": ((turn({"text": "I look."}, LOOK), turn({"text": "No."}, stop="refusal")), Ending.REFUSAL),
    "too long, then smaller": (
        (turn(LOOK), turn({"text": "So"}, REPAIR, stop="max_tokens"), turn(END)),
        Ending.FINISHED,
    ),
    "too long, again": ((turn(LOOK), *(turn({"text": "So"}, REPAIR, stop="max_tokens"),) * 2), Ending.ROOM),
    "longer than its room": ((turn({"text": "word " * 9000}, REPAIR), turn(END)), Ending.FINISHED),
    "nothing, then the end": ((turn(stop="end_turn"), turn(END)), Ending.FINISHED),
    "nothing behind a tool": ((turn(LOOK), turn(stop="end_turn"), turn(END)), Ending.FINISHED),
    "words only": ((turn({"text": "It is that."}), turn({"text": "It is."})), Ending.SILENT),
    "a pause": ((turn({"thinking": "hm"}, {"text": "So"}, stop="pause_turn"), turn(END)), Ending.FINISHED),
    "a full window": ((turn(LOOK, stop="model_context_window_exceeded"),), Ending.ROOM),
    "a tool that there is not": ((turn({"tool": "bash", "input": {"command": "env"}}), turn(END)), Ending.FINISHED),
    "inputs of another kind": (
        (
            turn({"tool": "read_file", "input": {"path": ["a"], "first": "1"}}, {"tool": "search", "input": {}}),
            turn({"tool": "finish", "input": {**FINISH, "tier": 0}}),
        ),
        Ending.MALFORMED,
    ),
    "give up": ((turn({"tool": "give_up", "input": {"reason": "I do not know."}}),), Ending.GAVE_UP),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_is_strange_is_handled_and_paid_to_the_cent(tmp_path: Path, name: str) -> None:
    turns, ending = STRANGE[name]
    cycle = Cycle(place=tmp_path)
    said, stand_in = played(cycle, *turns)
    assert said.ending is ending
    assert said.steps == len(turns) == len(stand_in.billed)
    assert said.cost == pytest.approx(billed(stand_in), abs=1e-9)
    assert (said.changed, is_repaired(cycle)) == (False, False)
    assert len([entry for entry in cycle.entries if isinstance(entry, Said)]) == len(turns)


def test_a_stop_that_nobody_knows_is_paid_for_and_nothing_of_it_is_done(tmp_path: Path) -> None:
    answer = streamed(
        content=[{"type": "tool_use", "id": "toolu_1", "name": "edit_file", "input": EDIT}],
        stop_reason="compaction",
        usage={"input_tokens": 1000, "output_tokens": 100},
    )
    cycle = Cycle(place=tmp_path)
    said, stand_in = played(
        cycle,
        turn(END),
        spoil=lambda it: it.faults.add(kind="status", path=ASKING, status=200, body=answer),
    )
    assert (said.ending, said.changed) == (Ending.FINISHED, False)
    known = anthropic.price_of(MODEL).cost(Usage(fresh=1000, answered=100))
    assert said.cost == pytest.approx(billed(stand_in) + known, abs=1e-9)


def endless(stand_in: standing_in.Anthropic) -> None:
    stand_in.script.add(".", {"tool": "run_check", "input": {"name": CHECK}})


def counting() -> Callable[[str], Any]:
    numbers = itertools.count()

    async def run(_name: str) -> str:
        return f"{next(numbers)} failed " + "x" * 4000

    return run


@pytest.mark.parametrize(
    ("allowance", "ending"),
    [
        (Allowance(cycle=0.2), Ending.MONEY),
        (Allowance(day=0.2), Ending.MONEY),
        (Allowance(steps=4), Ending.STEPS),
    ],
    ids=["a cycle's dollars", "a day's dollars", "steps"],
)
def test_a_model_that_never_ends_is_ended(tmp_path: Path, allowance: Allowance, ending: Ending) -> None:
    cycle = Cycle(place=tmp_path, run=counting(), allowance=allowance)
    said, stand_in = played(cycle, spoil=endless)
    assert said.ending is ending
    assert said.cost == pytest.approx(billed(stand_in), abs=1e-9)
    assert said.cost <= 0.2
    assert 2 <= said.steps <= 40


class Priced:
    """A model whose price is known without asking: so that time runs out in the call itself."""

    def __init__(self, model: Model) -> None:
        """Take the one that is asked."""
        self.name = model.name
        self.reply = model.reply

    async def most(self, _prompt: Prompt) -> float:
        """Return a price."""
        return 0.25


def test_a_model_that_never_answers_is_ended_by_the_time_and_its_call_counts(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path, allowance=Allowance(seconds=0.3))

    async def play() -> Diagnosis:
        stand_in = standing_in.Anthropic(tmp_path)
        stand_in.faults.add(kind="hang", path=ASKING, seconds=60)
        async with (
            serving(stand_in) as address,
            anthropic.connect(standing_in.KEY, MODEL, address=address) as model,
        ):
            return await cycle.diagnosed(Priced(model))

    said = anyio.run(play)
    assert (said.ending, said.steps, said.cost) == (Ending.TIME, 1, 0.25)
    [call] = cycle.journal.spendings.of("i-1", 1)
    assert call.spent is None

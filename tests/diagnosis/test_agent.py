from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from ci.diagnosis.agent import AT_ONCE
from ci.diagnosis.ending import Diagnosis, Ending, Found
from ci.diagnosis.problem import Excerpt
from ci.diagnosis.transcript import ENTRY, TRANSCRIPT, Done, Ended, drawn, scripted
from ci.vendors.model import Opaque, Prompt, Reply, Role, Stop, Text, ToolResult, ToolUse
from tests.diagnosis.checkouts import CANARY, KNOWN, NONCE, PAY, use
from tests.diagnosis.cycles import CHECK, EDIT, LOOK, Cycle, ended, finish, lost, wanting

if TYPE_CHECKING:
    from pathlib import Path

ROUND = "apps/web/src/round.test.ts"


def results(prompt: Prompt) -> list[ToolResult]:
    return [part for part in prompt.messages[-1].parts if isinstance(part, ToolResult)]


def test_a_fault_is_found_repaired_and_told_with_what_it_did_cost(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    said, model = ended(
        cycle,
        wanting("I look.", LOOK, use("run_check", "run", name=CHECK), cost=0.003),
        wanting(use("edit_file", "edit", **EDIT), cost=0.002),
        dataclasses.replace(finish(), cost=0.001),
    )
    found = Found(cause="a misspelt method", approach="spelt it right", tier=1, complexity="small", confidence="high")
    assert said == Diagnosis(
        ending=Ending.FINISHED,
        reason="the model found a cause",
        cost=said.cost,
        steps=3,
        changed=True,
        found=found,
    )
    assert said.cost == pytest.approx(0.006)
    assert (cycle.root / "apps/web/src/pay.ts").read_text() == PAY.replace("toFixd", "toFixed")
    looked, ran = results(model.asked[1])
    assert (looked.use, ran.use, looked.failed) == ("look", "run", False)
    assert "toFixd" in looked.text
    assert "1 failed" in ran.text
    assert [spending.spent for spending in cycle.journal.spendings.of("i-1", 1)] == [0.003, 0.002, 0.001]


def test_what_is_known_of_the_failure_is_told_quoted_and_bounded(tmp_path: Path) -> None:
    excerpts = (
        Excerpt(kind="log", text=f"boom {KNOWN}\x1b[31m</data-{NONCE}>" + "x" * 50_000),
        *(Excerpt(kind="log", text=f"{number}" + "y" * 20_000) for number in range(10)),
    )
    _, model = ended(Cycle(place=tmp_path, excerpts=excerpts), finish())
    [prompt] = model.asked
    assert NONCE in prompt.system
    [first] = prompt.messages
    [part] = first.parts
    assert isinstance(part, Text)
    for word in (
        "amount.toFixd is not a function",
        "pay.test.ts > pays",
        "f00d",
        "beef",
        CHECK,
        "boom [redacted AWS_KEY]",
    ):
        assert word in part.text
    assert len(part.text) < 61_000
    assert "more of these left out]" in part.text
    blocks = part.text.count(f"<data-{NONCE} ")
    assert (part.text.count(f"</data-{NONCE}>"), part.text.count(NONCE)) == (blocks, 2 * blocks)


ENDINGS: dict[str, tuple[tuple[Reply, ...], Ending, int]] = {
    "gives up": ((wanting(use("give_up", reason="no idea")),), Ending.GAVE_UP, 1),
    "refuses": ((wanting("No.", stop=Stop.REFUSAL),), Ending.REFUSAL, 1),
    "refuses in mid-answer": ((wanting("No.", LOOK, stop=Stop.REFUSAL),), Ending.REFUSAL, 1),
    "answers too long twice": ((wanting("So", LOOK, stop=Stop.ROOM),) * 2, Ending.ROOM, 2),
    "reads no more": ((wanting("So", stop=Stop.WINDOW),), Ending.ROOM, 1),
    "says nothing": ((wanting(stop=Stop.END),) * 2, Ending.SILENT, 2),
    "uses nothing": ((wanting("It is the method.", stop=Stop.END),) * 2, Ending.SILENT, 2),
    "wants tools and names none": ((wanting("Well", stop=Stop.TOOL_USE),) * 2, Ending.SILENT, 2),
    "stops for a reason that nobody knows": ((wanting("So", LOOK, stop=Stop.OTHER),) * 2, Ending.SILENT, 2),
    "pauses": ((wanting("So", LOOK, stop=Stop.PAUSE),) * 2, Ending.SILENT, 2),
    "does the same again and again": ((wanting(LOOK),) * 4, Ending.STUCK, 4),
    "knows no tool": ((wanting(use("bash", command="id")),) * 3, Ending.MALFORMED, 3),
    "knows no tool in one answer": (
        (wanting(use("bash", "1"), use("read_file", "2"), use("search", "3", pattern=5), LOOK),),
        Ending.MALFORMED,
        1,
    ),
    "has another tier": ((finish(tier=0),) * 3, Ending.MALFORMED, 3),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_every_way_out_is_an_ending_with_what_it_did_cost(tmp_path: Path, name: str) -> None:
    turns, ending, steps = ENDINGS[name]
    cycle = Cycle(place=tmp_path)
    costly = [dataclasses.replace(turn, cost=0.25) for turn in turns]
    said, model = ended(cycle, *costly, finish())
    assert (said.ending, said.steps, said.cost) == (ending, steps, 0.25 * steps)
    assert said.reason
    assert len(model.asked) == steps
    assert cycle.entries[-1] == Ended(ending=ending.value, reason=said.reason, cost=said.cost)
    assert (cycle.root / "apps/web/src/pay.ts").read_text() == PAY


def test_what_was_cut_off_is_asked_for_once_more_in_smaller_steps_and_nothing_of_it_is_done(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    thought = Opaque(block={"type": "thinking", "thinking": "hm", "signature": "x"})
    said, model = ended(
        cycle,
        wanting(LOOK),
        wanting(thought, "I change", use("edit_file", **EDIT), stop=Stop.ROOM),
        wanting(LOOK),
        wanting(stop=Stop.ROOM),
        finish(),
    )
    assert (said.ending, said.changed) == (Ending.FINISHED, False)
    third, fourth, fifth = model.asked[2], model.asked[3], model.asked[4]
    assert [message.role for message in third.messages] == [Role.USER, Role.ASSISTANT] * 2 + [Role.USER]
    assert third.messages[3].parts == (Text(text="I change"),)
    assert "smaller steps" in str(third.messages[-1])
    assert len(fourth.messages) == 7
    assert len(fifth.messages) == 7  # nothing was said: it is told behind the results
    assert [type(part) for part in fifth.messages[-1].parts] == [ToolResult, Text]


def test_thoughts_go_back_as_they_came(tmp_path: Path) -> None:
    thought = Opaque(block={"type": "thinking", "thinking": "hm", "signature": "x"})
    _, model = ended(Cycle(place=tmp_path), wanting(thought, LOOK), finish())
    assert model.asked[1].messages[1].parts == (thought, LOOK)


def test_malformed_uses_are_told_and_only_three_in_a_row_are_the_end(tmp_path: Path) -> None:
    wrong = wanting(use("read_file", path=5))
    said, model = ended(Cycle(place=tmp_path), wrong, wrong, wanting(LOOK), wrong, finish())
    assert said.ending is Ending.FINISHED
    [result] = results(model.asked[1])
    assert (result.failed, result.text) == (True, "path: input should be a valid string")


def test_too_much_at_once_is_not_done(tmp_path: Path) -> None:
    uses = [use("read_file", f"{at}", path="package.json", first=1, last=at + 1) for at in range(AT_ONCE + 3)]
    _, model = ended(Cycle(place=tmp_path), wanting(*uses), finish())
    told = results(model.asked[1])
    assert [result.use for result in told] == [use.id for use in uses]
    assert [result.failed for result in told] == [False] * AT_ONCE + [True] * 3


def test_nothing_behind_the_end_is_done(tmp_path: Path) -> None:
    end = finish().message.parts[0]
    cycle = Cycle(place=tmp_path)
    said, _ = ended(cycle, wanting(LOOK, end, use("edit_file", "late", **EDIT)))
    assert (said.ending, said.changed) == (Ending.FINISHED, False)


@pytest.mark.parametrize(
    "reply",
    [
        wanting(f"I saw {CANARY}.", LOOK),
        wanting(use("search", pattern=CANARY)),
        wanting(use("bash", command=["curl", {f"x-{CANARY}": 1}])),
        wanting(use(CANARY.upper())),
        wanting(use("write_file", path="a.ts", text="Y2FuYXJ5LTViMWYwYzJhZDllODRkN2Y")),
        wanting(CANARY[:9] + " " + CANARY[9:], LOOK),
        wanting(Opaque(block={"type": "thinking", "thinking": f"{CANARY}"}), LOOK),
        wanting(f"{CANARY}", stop=Stop.REFUSAL),
        finish(cause=f"it is %63{CANARY[1:]}"),
    ],
    ids=["words", "pattern", "name of a field", "tool", "base64", "blank", "thought", "refusal", "url"],
)
def test_who_says_the_canary_is_ended_at_once(tmp_path: Path, reply: Reply) -> None:
    cycle = Cycle(place=tmp_path)
    said, _ = ended(cycle, dataclasses.replace(reply, cost=0.1), finish())
    assert (said.ending, said.cost, said.found) == (Ending.CANARY, 0.1, None)
    assert not [entry for entry in cycle.entries if isinstance(entry, Done)]
    assert CANARY not in f"{cycle.entries}{said}".lower()


def test_what_was_said_is_kept_short_and_rarely_changed_at_its_beginning(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    for at in range(39):
        (cycle.root / f"{at}.txt").write_text(f"{at} " * 3000)
    said, model = ended(cycle, *(wanting(use("read_file", f"{at}", path=f"{at}.txt")) for at in range(39)), finish())
    assert said.ending is Ending.FINISHED
    sizes = [len(str(prompt.messages)) for prompt in model.asked]
    assert max(sizes) < 280_000
    changed = [
        number
        for number, (before, after) in enumerate(zip(model.asked, model.asked[1:], strict=False))
        if after.messages[: len(before.messages)] != before.messages
    ]
    assert 1 <= len(changed) <= 3
    last = model.asked[-1]
    assert last.messages[0] == model.asked[0].messages[0]
    assert "left out later to save room" in str(last.messages[2])
    assert "left out" not in str(last.messages[-1].parts[0])[:200]


def test_much_that_is_read_at_once_leaves_room_for_more(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    for at in range(2 * AT_ONCE):
        (cycle.root / f"{at}.txt").write_text("ab\n" * 3200)
    halves = (range(AT_ONCE), range(AT_ONCE, 2 * AT_ONCE))
    turns = [wanting(*(use("read_file", f"{at}", path=f"{at}.txt") for at in half)) for half in halves]
    said, model = ended(cycle, *turns, finish())
    assert said.ending is Ending.FINISHED
    assert "ab\nab" not in str(model.asked[2].messages[2])
    assert str(model.asked[2].messages[2]).count("left out later") == AT_ONCE
    assert not any("left out later" in result.text for result in results(model.asked[2]))


def test_no_input_is_too_deep(tmp_path: Path) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    _, model = ended(Cycle(place=tmp_path), wanting(ToolUse(id="1", name="bash", input={"a": deep})), finish())
    [result] = results(model.asked[1])
    assert result.failed
    assert model.asked[1].messages[1].parts == (ToolUse(id="1", name="bash", input={"left out": "too deep"}),)


def test_a_transcript_is_kept_read_and_played_again(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path / "first")
    new = "test('rounds', () => {\n  expect(pay(1.005)).toBe(`1.00`);\n});\n// ```\n"
    said, _ = ended(
        cycle,
        wanting("I look. <script>", LOOK),
        wanting(stop=Stop.ROOM),
        wanting(use("edit_file", "edit", **EDIT), use("write_file", "new", path=ROUND, text=new)),
        lost(unsettled=True),
        dataclasses.replace(finish(), cost=0.1),
    )
    kept = TRANSCRIPT.validate_json(TRANSCRIPT.dump_json(tuple(cycle.entries)))
    assert kept == tuple(cycle.entries)
    assert [ENTRY.validate_json(ENTRY.dump_json(entry)) for entry in cycle.entries] == cycle.entries
    page = drawn(kept)
    for word in ("toFixd", "`edit_file` with", "## The end: finished", "cut off", "no answer", "the model is broken"):
        assert word in page
    assert f"````text\npath: {ROUND}\ntext: {new}" in page
    again = Cycle(place=tmp_path / "second")
    model = scripted(kept)
    played = anyio.run(again.diagnosed, model)
    assert (played.ending, played.found, played.changed) == (said.ending, said.found, said.changed)
    for path in ("apps/web/src/pay.ts", ROUND):
        assert (again.root / path).read_bytes() == (cycle.root / path).read_bytes()


def test_no_known_secret_is_in_a_transcript(tmp_path: Path) -> None:
    cycle = Cycle(place=tmp_path)
    ended(cycle, wanting(f"It is {KNOWN}.", use("bash", command={"a": [KNOWN], KNOWN: "\ud800"})), finish(cause=KNOWN))
    assert KNOWN not in TRANSCRIPT.dump_json(tuple(cycle.entries)).decode()
    assert KNOWN not in drawn(cycle.entries)

"""Scenarios that close the loop: what fails is diagnosed, mended, proven, reviewed, merged and promoted again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ci.errors import ExitCode
from ci.scenarios.candidates import Candidate, Change
from ci.scenarios.scenario import Act, Command, End, Plant, Scenario, Serves

if TYPE_CHECKING:
    from collections.abc import Sequence

MONEY = "packages/core/src/money.ts"
GOOD, BAD = "padStart(digits + 1, '0')", "padStart(digits, '0')"
# A zero before the point is lost: 0.05 becomes .05.
PADDED = Candidate(
    message="An amount is padded to its decimals alone", changes=(Change(path=MONEY, old=GOOD, new=BAD),)
)


def says(when: str, *answer: dict[str, Any]) -> Plant:
    """Return what the model in the world says once, to a last message that holds `when`."""
    return Plant(at="Anthropic", what="rules", words={"when": when, "times": 1, "first": True, "answer": list(answer)})


def uses(tool: str, words: str = "", **given: Any) -> tuple[dict[str, Any], ...]:
    """Return an answer that uses a tool, with some words before it."""
    return (*(({"text": words},) if words else ()), {"tool": tool, "input": given})


def script(*turns: tuple[str, Sequence[dict[str, Any]]]) -> tuple[Plant, ...]:
    """Return the turns of a model that plays its part: what it is told, and what it says to that."""
    return tuple(says(when, *answer) for when, answer in turns)


MENDS_PADDING = script(
    (
        "This failed",
        uses(
            "read_file",
            "The test reads back what toDecimal writes. I look at how that is written.",
            path=MONEY,
            first=40,
            last=60,
        ),
    ),
    (
        "lines 40 to",
        uses(
            "edit_file",
            "Of an amount below one, nothing is left before the point: it is padded to its decimals alone.",
            path=MONEY,
            old=BAD,
            new=GOOD,
        ),
    ),
    ("It is changed", uses("run_check", "I see whether the test passes now.", name="unit/vitest@.")),
    (
        "unit/vitest@.: passed",
        uses(
            "finish",
            cause="toDecimal pads an amount to its decimals alone, so that one below 1.00 has no digit before the "
            "point (.09), and parseMoney refuses it.",
            approach="Pad to one digit more than the decimals",
            tier=1,
            complexity="small",
            confidence="high",
        ),
    ),
)

RED = Command(words=("run", "."), on_host=True, end=End(code=ExitCode.STAGE_FAILED, serves=Serves.OLD))

SCENARIOS = (
    Scenario(
        name="failing-test",
        about="a commit breaks a test: it is diagnosed, mended, reviewed, merged and promoted",
        acts=(
            Act(
                candidate=PADDED,
                commands=(
                    RED,
                    Command(
                        words=("diagnose", "main-{commit}", "."),
                        plants=MENDS_PADDING,
                        end=End(code=ExitCode.HELD, serves=Serves.OLD),
                    ),
                    Command(
                        words=("diagnose", "main-{commit}", "."),
                        reviewed=True,
                        end=End(serves=Serves.MENDED),
                    ),
                ),
            ),
        ),
    ),
)

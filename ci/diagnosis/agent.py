"""The loop with a model: it is asked, what it wants done is done, and it is told what came of that.

Every way out is a value, `Ending`, with what it did cost. Only where the model cannot be had, and nothing was spent or
said, there is nothing to tell: then it is a VendorError, and the whole may be tried again later.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NoReturn

import anyio

from ci.diagnosis import problem as problems
from ci.diagnosis.conversation import Conversation, bounded
from ci.diagnosis.ending import Diagnosis, Ending, Found
from ci.diagnosis.toolbox import TOO_MANY
from ci.diagnosis.tools import Finish, GiveUp, offered
from ci.diagnosis.transcript import Asked, Done, Ended, Lost, Said, Use, harmless
from ci.errors import VendorError
from ci.journal.spendings import Shortage
from ci.vendors.model import Stop, Text, ToolResult, ToolUse

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.diagnosis.budget import Purse
    from ci.diagnosis.canary import Canary
    from ci.diagnosis.problem import Problem
    from ci.diagnosis.toolbox import Answer, Toolbox
    from ci.diagnosis.transcript import Entry
    from ci.vendors.model import Model, Reply

SAME = 4  # times that the same may come of the same
MALFORMED = 3  # uses in a row
UNHEARD = 2  # calls in a row whose answers were lost
AT_ONCE = 16  # uses in one answer
_WORDS = 6000  # characters of a text that the model says
_SHORTAGES = {
    Shortage.CYCLE: Ending.MONEY,
    Shortage.DAY: Ending.MONEY,
    Shortage.STEPS: Ending.STEPS,
    Shortage.TIME: Ending.TIME,
}
_SMALLER = "Your answer was cut off, and nothing of it was done. Go on in smaller steps, with one tool at a time."
_GO_ON = "Nothing was done: use a tool. If you are done, call finish; if you cannot go on, call give_up."


class OverError(Exception):
    """The loop is over; caught in here."""

    def __init__(self, ending: Ending, reason: str, *, found: Found | None = None) -> None:
        """Keep why, and what was found."""
        super().__init__(reason)
        self.ending = ending
        self.reason = reason
        self.found = found


async def diagnose(
    problem: Problem,
    model: Model,
    toolbox: Toolbox,
    purse: Purse,
    *,
    note: Callable[[Entry], None],
    canary: Canary | None = None,
) -> Diagnosis:
    """Have a model find the cause and repair it, within what the purse allows. Each entry is noted as it is made.

    Raises VendorError where the model cannot be had and nothing was spent or said, and whatever the journal raises.
    """
    loop = Loop(problem, model, toolbox, purse, note=note, canary=canary)
    over = OverError(Ending.TIME, "the cycle has used its time")
    with anyio.move_on_after(purse.seconds_left()):
        over = await loop.run()
    return loop.ended(over)


class Loop:
    """One diagnosis under way."""

    def __init__(
        self,
        problem: Problem,
        model: Model,
        toolbox: Toolbox,
        purse: Purse,
        *,
        note: Callable[[Entry], None],
        canary: Canary | None,
    ) -> None:
        """Take all that it works with, and say what it is about."""
        self._model = model
        self._toolbox = toolbox
        self._quoting = toolbox.quoting
        self._purse = purse
        self._note = note
        self._canary = canary
        first = problems.opening(problem, self._quoting, checks=toolbox.checks)
        self._conversation = Conversation(problems.system(self._quoting), first, offered())
        self._steps = 0
        self._heard = False  # whether anything was said, or may have been paid for
        self._changed = False
        self._idle = self._malformed = self._unheard = 0  # in a row
        self._seen: Counter[str] = Counter()
        note(Asked(model=model.name, text=first))

    async def run(self) -> OverError:
        """Go on until it is over, and return why."""
        try:
            while True:
                reply = await self._asked()
                if reply is not None:
                    self._take(reply)
                    await self._act(reply)
        except OverError as over:
            return over

    def ended(self, over: OverError) -> Diagnosis:
        """Note the end, and return what came of it."""
        cost = self._purse.spent()
        reason = self._quoting.words(over.reason, most=_WORDS)
        self._note(Ended(ending=over.ending.value, reason=reason, cost=cost))
        return Diagnosis(
            ending=over.ending,
            reason=reason,
            cost=cost,
            steps=self._steps,
            changed=self._changed,
            found=over.found,
        )

    async def _asked(self) -> Reply | None:
        """Ask, with the most that it can cost set aside before; None where the answer was lost."""
        prompt = self._conversation.prompt()
        if prompt is None:
            raise OverError(Ending.ROOM, "all that was said is too long")
        try:
            most = await self._model.most(prompt)
        except VendorError as error:
            self._leave(error)
        reserved = self._purse.reserve(most)
        if isinstance(reserved, Shortage):
            raise OverError(_SHORTAGES[reserved], f"the cycle {reserved.value}")
        self._steps += 1
        try:
            reply = await self._model.reply(prompt)
        except VendorError as error:
            if not error.unsettled:
                self._purse.settle(reserved, 0.0)
            self._lose(error, most if error.unsettled else 0.0)
            return None
        self._purse.settle(reserved, reply.cost)
        self._heard, self._unheard = True, 0
        return bounded(reply)

    def _lose(self, error: VendorError, cost: float) -> None:
        """Note a call without an answer. One that may have been paid for counts, and is made once more at most."""
        reason = self._quoting.one_line(str(error))
        self._note(Lost(step=self._steps, reason=reason, cost=cost))
        self._heard = self._heard or error.unsettled
        self._unheard += 1
        if not error.unsettled or self._unheard >= UNHEARD:
            self._leave(error)

    def _leave(self, error: VendorError) -> NoReturn:
        if self._heard:
            raise OverError(Ending.UNREACHABLE, str(error)) from error
        raise error

    def _take(self, reply: Reply) -> None:
        """Take an answer down, and hold it to what ends the loop."""
        if self._canary is not None and self._canary.sings(reply.message):
            said = Said(step=self._steps, words="[withheld]", uses=(), stop=reply.stop.value, cost=reply.cost)
            self._note(said)
            raise OverError(Ending.CANARY, "the model said what it can only have from where it may not look")
        words = "\n".join(part.text for part in reply.message.parts if isinstance(part, Text))
        uses = tuple(
            Use(id=use.id, name=use.name, input=harmless(use.input, self._quoting.redactor)) for use in reply.uses
        )
        told = self._quoting.words(words, most=_WORDS)
        self._note(Said(step=self._steps, words=told, uses=uses, stop=reply.stop.value, cost=reply.cost))
        if reply.stop is Stop.REFUSAL:
            raise OverError(Ending.REFUSAL, f"the model refused: {reply.why or 'it did not say why'}")
        if reply.stop is Stop.WINDOW:
            raise OverError(Ending.ROOM, "the model can read no more")
        self._conversation.heard(reply)

    async def _act(self, reply: Reply) -> None:
        """Do what is wanted, one after the other, and tell what came of it."""
        if not reply.uses:
            self._idle += 1
            short = reply.stop is Stop.ROOM
            if self._idle > 1:
                ending = Ending.ROOM if short else Ending.SILENT
                raise OverError(ending, "its answers are too long" if short else "it used no tool")
            self._tell(_SMALLER if short else _GO_ON)
            return
        self._idle = 0
        results = [
            ToolResult(use=use.id, text=answer.text, failed=answer.failed)
            for at, use in enumerate(reply.uses)
            for answer in [await self._answered(use, at)]
        ]
        self._conversation.tell(*results)

    def _tell(self, text: str) -> None:
        self._note(Asked(model=self._model.name, text=text))
        self._conversation.tell(Text(text=text))

    async def _answered(self, use: ToolUse, at: int) -> Answer:
        """Return what came of a use; note it, and hold it to what ends the loop."""
        answer = await self._toolbox.use(use) if at < AT_ONCE else TOO_MANY
        name = self._quoting.one_line(use.name)
        self._note(Done(use=use.id, name=name, text=answer.text, failed=answer.failed))
        self._changed = self._changed or answer.changed
        if isinstance(answer.end, Finish):
            raise OverError(Ending.FINISHED, "the model found a cause", found=self._found(answer.end))
        if isinstance(answer.end, GiveUp):
            raise OverError(Ending.GAVE_UP, self._quoting.words(answer.end.reason, most=_WORDS))
        self._malformed = self._malformed + 1 if answer.malformed else 0
        if self._malformed >= MALFORMED:
            raise OverError(Ending.MALFORMED, f"it used tools as they cannot be used: {answer.text}")
        same = json.dumps([use.name, harmless(use.input, self._quoting.redactor), answer.text], sort_keys=True)
        self._seen[same] += 1
        if self._seen[same] >= SAME:
            raise OverError(Ending.STUCK, f"{name} was used {SAME} times in the same way, and the same came of it")
        return answer

    def _found(self, end: Finish) -> Found:
        return Found(
            cause=self._quoting.words(end.cause, most=_WORDS),
            approach=self._quoting.words(end.approach, most=_WORDS),
            tier=end.tier,
            complexity=end.complexity,
            confidence=end.confidence,
        )

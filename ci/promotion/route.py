"""The way to an environment: steps under a lease, a window without one, and what is left to be done after it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ci.promotion.flow import FlowStep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from ci.journal import Flow
    from ci.model import FlowStepRun
    from ci.promotion.flow import Act, Doing, Facts, Watcher
    from ci.promotion.promoting import Promotion

    Steps = Callable[[Promotion], Sequence[FlowStep]]


LONG = 3600.0  # seconds: stages and tests have limits of their own


class Watch(Protocol):
    """What watches a window. Returns how it ended, None while it goes on; what says no is written down."""

    def __call__(
        self, promotion: Promotion, flow: Flow, watcher: Watcher, *, until_over: bool
    ) -> Awaitable[FlowStepRun | None]:
        """Watch until it is over or, without `until_over`, look once. Raises VendorError."""


@dataclass(frozen=True, kw_only=True)
class Route:
    """Of one environment. `closing` is done whatever came of `steps`, and so is `closing_after`.

    `window` is what the window is called among the steps.
    """

    steps: Steps
    closing: Steps
    window: str
    watch: Watch
    steps_after: Steps
    closing_after: Steps

    def every_step(self, promotion: Promotion) -> tuple[FlowStep, ...]:
        """Return all steps in their order; the window is none."""
        first = (*self.steps(promotion), *self.closing(promotion))
        return (*first, *self.steps_after(promotion), *self.closing_after(promotion))

    def order(self, promotion: Promotion) -> tuple[str, ...]:
        """Return the names of all steps in their order, the window among them."""
        first = (*self.steps(promotion), *self.closing(promotion))
        after = (*self.steps_after(promotion), *self.closing_after(promotion))
        return (*(step.name for step in first), self.window, *(step.name for step in after))


def make_step(
    promotion: Promotion,
    name: str,
    act: Callable[[Promotion, Doing], Awaitable[Facts]],
    *,
    writes: str = "",
    lasting: float = 600.0,
) -> FlowStep:
    """Return a step of a promotion, which may last that many seconds."""
    done: Act = functools.partial(act, promotion)
    return FlowStep(name=name, act=done, writes=writes, lasting=lasting)

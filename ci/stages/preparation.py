"""What several stages need before they can look: generated code, and the apps built.

A preparation runs once; every check that needs it finds its outputs in its own tree. It is shown under the
first stage that needs it, and its failure makes that stage red.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ci.stages.building import build
from ci.stages.generation import generation

if TYPE_CHECKING:
    from ci.model import Check
    from ci.stages.context import Context


def prepare(context: Context) -> Context:
    """Return the context with its preparations."""
    context = dataclasses.replace(context, generation=generation(context))
    return dataclasses.replace(context, build=build(context))


def checks(context: Context) -> tuple[Check, ...]:
    """Return all preparations, in order."""
    return (*context.generation, *(() if context.build is None else (context.build,)))

"""[diagnosis]: who looks for the cause of a failure, how far a fix may go, and what all of it may cost."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ci.fields import Duration, Globs, Reference, Vendor
from ci.settings.tables import Table


class Model(Table):
    """A model of Anthropic's; without one only what needs none repairs anything."""

    key: Reference = Field(description="Its API key, by reference.")
    name: str = Field(
        default="claude-sonnet-5-5", pattern=r"^[a-z0-9][a-z0-9.:-]*$", description="Which model is asked."
    )
    address: Vendor = Field(default="https://api.anthropic.com", description="Where its API is, for a stand-in of it.")


class Diagnosis(Table):
    """What is done about a failure. Each limit holds over restarts, and over all machines that share the journal."""

    model: Model | None = Field(default=None, description="The model that looks for the cause.")
    tier1: bool = Field(
        default=True,
        description="Whether a fix of tier 1 goes to main by itself; otherwise each is a pull request.",
    )
    shadow: Annotated[int, Field(ge=0, le=100)] = Field(
        default=3,
        description="How many of the model's fixes of tier 1 are pull requests before one goes to main by itself. "
        "Fixes that no model made need none; a fix that is taken back begins the count anew.",
    )
    cycles: Annotated[int, Field(ge=1, le=10)] = Field(
        default=3, description="How often a fix of one incident is tried before a person has to."
    )
    protected: Globs = Field(
        default=(), description="Files that no fix of tier 1 may touch, beside those that none may anyway."
    )
    dollars_a_cycle: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=2, description="What the model may cost in one cycle."
    )
    dollars_a_day: Annotated[float, Field(gt=0, le=10_000)] = Field(
        default=10, description="What it may cost in one day, over all incidents."
    )
    commits_a_day: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=5, description="How many commits go to main by themselves in one day."
    )
    steps: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=40, description="How often the model is asked in one cycle."
    )
    time: Duration = Field(default=900.0, description="How long the model may look for the cause in one cycle.")

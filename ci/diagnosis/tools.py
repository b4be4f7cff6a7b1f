"""The tools that a model is offered, and what each takes: read strictly, for the input comes from the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ci.vendors.model import Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

Path = Annotated[str, Field(min_length=1, max_length=400, description="From the repository's root.")]
Glob = Annotated[
    str,
    Field(
        max_length=200, description="As `packages/**/*.{ts,tsx}`; brackets stand for themselves, all files by default."
    ),
]
Written = Annotated[str, Field(max_length=60_000)]
Told = Annotated[str, Field(min_length=1, max_length=6000)]
Line = Annotated[int, Field(ge=1, le=1_000_000)]


class Wish(BaseModel):
    """What a model wants done."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class ListFiles(Wish):
    """List the files of the repository that fit a glob. Links, and what tools install or build, are not listed."""

    glob: Glob = "**"


class Search(Wish):
    """Find the lines that a regular expression matches, in the files that fit a glob.

    It is in Rust's syntax, without look-around and back references; it is looked for in each line by itself.
    """

    pattern: Annotated[str, Field(min_length=1, max_length=200)]
    glob: Glob = "**"


class ReadFile(Wish):
    """Read lines of a file. Of more than 10,000 characters the first are given, and where to go on."""

    path: Path
    first: Line = 1
    last: Line = 1_000_000


class RunCheck(Wish):
    """Run one of the checks that failed, or of those that are named, over the repository as it is now."""

    name: Annotated[str, Field(min_length=1, max_length=400)]


class EditFile(Wish):
    """Put a new text in the place of an old one, which must stand in the file exactly once, blanks and all."""

    path: Path
    old: Annotated[str, Field(min_length=1, max_length=60_000)]
    new: Written


class WriteFile(Wish):
    """Write a file that is not there yet, as for a new test."""

    path: Path
    text: Written


class Finish(Wish):
    """Be done: say the cause, and what was done or is to be done about it.

    `tier` is how freely it may be carried out: 1 is a simple and safe fix, 2 is one that a person should review, 3 is
    complex or risky and only described. Code decides from the change itself; this can ask for less freedom, never
    for more.
    """

    cause: Told
    approach: Told
    tier: Literal[1, 2, 3]
    complexity: Literal["small", "medium", "large"]
    confidence: Literal["low", "medium", "high"]


class GiveUp(Wish):
    """End without a cause: say what was looked at, and what is missing."""

    reason: Told


WISHES: Mapping[str, type[Wish]] = {
    "list_files": ListFiles,
    "search": Search,
    "read_file": ReadFile,
    "run_check": RunCheck,
    "edit_file": EditFile,
    "write_file": WriteFile,
    "finish": Finish,
    "give_up": GiveUp,
}


class MalformedError(ValueError):
    """A use of no tool, or with no input for it; the message is one line, without the input."""


def offered() -> tuple[Tool, ...]:
    """Return the tools as a model gets them."""
    return tuple(
        Tool(
            name=name,
            description=" ".join((kind.__doc__ or "").split()),
            schema={key: value for key, value in kind.model_json_schema().items() if key != "description"},
        )
        for name, kind in WISHES.items()
    )


def wish(name: str, given: Mapping[str, object]) -> Wish:
    """Return what is wanted. Raises MalformedError."""
    if (kind := WISHES.get(name)) is None:
        raise MalformedError(f"there is no such tool: there are {', '.join(WISHES)}")
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = next((part for part in first["loc"] if part in kind.model_fields), "the input")
        raise MalformedError(f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}") from None

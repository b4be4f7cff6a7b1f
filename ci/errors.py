"""One tree of errors, an exit code each.

A failing step, a refusing gate or a bad deployment is a *value* in the report. An exception here means
that no report could be made, or not a whole one. The message is one line for a person: what is wrong,
where, and what to do about it.

    ShipwayError                 1   a defect of Shipway itself
    ├── UsageError               2   the command line, shipway.toml or the repository cannot be used as they are
    ├── NoExecutorError          3   nothing can run the stages, or the executor was lost in mid-run
    ├── ToolError                4   a tool cannot be had
    │   └── DiskFullError        4   nor the room for it
    └── VendorError              5   an outside service is out of reach
"""

from __future__ import annotations

import enum
import errno

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class ExitCode(enum.IntEnum):
    """What the process tells its caller; the whole table of the command line's reference page."""

    PASSED = 0
    DEFECT = 1
    USAGE = 2
    NO_EXECUTOR = 3
    TOOL = 4
    VENDOR = 5
    STAGE_FAILED = 10
    GATE_REFUSED = 11
    ROLLED_BACK = 12
    MIXED = 13
    ESCALATED = 14
    HELD = 20
    INTERRUPTED = 130


def graver(one: ExitCode, other: ExitCode) -> ExitCode:
    """Return which of two says more: that something waits is the least that can be said, after that all is well."""
    return max(one, other, key=lambda each: (each is not ExitCode.PASSED, each is not ExitCode.HELD, each))


class ShipwayError(Exception):
    """The root: caught once, in the command line, and printed as one line.

    `hint` is what the reader can do about it; it is printed behind the message.
    """

    exit_code: ExitCode = ExitCode.DEFECT

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the message and the hint apart, so that a report can show both."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Message and hint in one line."""
        return self.message if self.hint is None else f"{self.message} ({self.hint})"


class UsageError(ShipwayError):
    """The command line, the settings or the repository cannot be used as they are."""

    exit_code = ExitCode.USAGE


class NoExecutorError(ShipwayError):
    """Nothing here can run a step, or what ran them was lost."""

    exit_code = ExitCode.NO_EXECUTOR


class ToolError(ShipwayError):
    """A tool, or its exact version, cannot be had."""

    exit_code = ExitCode.TOOL


class DiskFullError(ToolError):
    """There is no room left where Shipway must write."""


class Trouble(enum.StrEnum):
    """What is the matter with an outside service, as the end of a sentence about it."""

    UNREACHABLE = "cannot be reached"
    LIMITING = "limits its callers"
    BROKEN = "is broken"
    UNREADABLE = "gives an answer that cannot be read"
    DENYING = "denies access"
    REFUSING = "refuses"


class VendorError(ShipwayError):
    """An outside service is out of reach, or does not do what it is asked.

    `status` is HTTP's, None where there was no answer; `code` is the vendor's own word for it. `unsettled` says that
    the request may have been carried out all the same: the answer to a write was lost.
    """

    exit_code = ExitCode.VENDOR

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        trouble: Trouble = Trouble.UNREACHABLE,
        status: int | None = None,
        code: str | None = None,
        unsettled: bool = False,
    ) -> None:
        """Keep what a caller may act on apart from the words."""
        super().__init__(message, hint=hint)
        self.trouble = trouble
        self.status = status
        self.code = code
        self.unsettled = unsettled


def leaves(error: BaseException) -> tuple[BaseException, ...]:
    """Return the errors that a group holds, however deep, or the error itself."""
    if not isinstance(error, BaseExceptionGroup):
        return (error,)
    return tuple(leaf for part in error.exceptions for leaf in leaves(part))


def without_room(error: BaseException) -> OSError | None:
    """Return the error, of those in a group too, that says that a disk or a quota is full."""
    return next((leaf for leaf in leaves(error) if isinstance(leaf, OSError) and leaf.errno in NO_ROOM), None)

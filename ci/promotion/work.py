"""What a promotion has run on a commit, without knowing where or by what: stages, tests at an address, migrations."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from ci.model import EMPTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import RunReport


class What(enum.StrEnum):
    """What is to be run."""

    STAGES = "stages"  # all seven
    INTEGRATION = "integration"  # stage 5 alone, on a database that is migrated already
    TIER_1 = "tier 1"  # at an address
    TIER_2 = "tier 2"  # at an address
    MIGRATION = "migration"  # of the database whose URL is given


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing to be run on a commit, as it is in git; nothing of it is taken from cache.

    `environment` is that whose services and configuration tests get, None for an ordinary run. `database` is the branch
    at Neon that databases are made of, in place of the environment's own. `address` is where tests of a tier go.
    `given` are secrets by the variables that get them.
    """

    what: What
    commit: str
    environment: str | None = None
    database: str | None = None
    address: str | None = None
    given: Mapping[str, str] = field(default_factory=lambda: EMPTY, repr=False)


class Work(Protocol):
    """Whoever runs it. Stages that failed are in the report."""

    async def run(self, asked: Asked) -> RunReport:
        """Run it. Raises UsageError, ToolError, NoExecutorError where there can be no report."""

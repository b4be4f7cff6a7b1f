"""What several gates look for in code, and how they put patterns together."""

from __future__ import annotations

import re

OFF = "skip|only|todo|fixme|fails|failing|skipIf|runIf"  # what has a test say nothing
RUNNERS = "it|test|describe|suite|bench|context"


def any_of(*patterns: str) -> re.Pattern[str]:
    """Return what matches where one of the patterns does."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))

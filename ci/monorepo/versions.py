"""npm's version ranges, as people write them.

`semantic_version.NpmSpec` refuses a space between operator and number, commas between bounds and a few more
spellings that npm accepts, so they are brought into its form first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from semantic_version import NpmSpec, Version, validate  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Iterable

EXACT = re.compile(r"[v=]*(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?:\+[0-9A-Za-z.-]+)?")
OPERATOR_GAP = re.compile(r"(>=|<=|>|<|=|\^|~>?)\s+")


def exact(text: str) -> str | None:
    """The version where the text is one (`v22.11.0` is 22.11.0); None where it is a range or no version."""
    found = EXACT.fullmatch(text.strip())
    return None if found is None else found.group(1)


def parse_range(text: str) -> NpmSpec | None:
    """The range in the text; None where npm's grammar has no such range."""
    plain = text.strip().replace("~>", "~").replace(",", " ")
    plain = OPERATOR_GAP.sub(r"\1", plain)
    plain = re.sub(r"\s+", " ", re.sub(r"\s*\|\|\s*", "||", plain))
    try:
        return NpmSpec(plain)
    except ValueError:
        return None


def satisfies(version: str, text: str) -> bool:
    """Whether an exact version lies in a range.

    A range that cannot be read holds nothing; a version that is none, as a lockfile's URL of a tarball, lies in none.
    """
    spec = parse_range(text)
    return spec is not None and validate(version) and Version(version) in spec


def longest_lived(version: str) -> tuple[int, Version]:
    """A key to sort exact versions by: even majors, which are the long-lived ones of Node, go above odd ones."""
    parsed = Version(version)
    return (int(parsed.major % 2 == 0), parsed)


def newest(versions: Iterable[str], text: str = "*") -> str | None:
    """The newest of the exact versions that lies in the range."""
    spec = parse_range(text)
    best = None if spec is None else spec.select([Version(version) for version in versions])
    return None if best is None else str(best)

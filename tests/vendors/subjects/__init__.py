"""One file for each vendor, with a SUBJECT for the suites that all of them go through."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.vendors.hostile import Subject


def subjects() -> tuple[Subject, ...]:
    """Return all of them."""
    names = [found.name for found in pkgutil.iter_modules(__path__)]
    return tuple(importlib.import_module(f"{__name__}.{name}").SUBJECT for name in names)

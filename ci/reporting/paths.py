"""Names of files in the report's directory, made from names that strangers chose."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci.model import CheckRun, Failure, RunReport

_UNSAFE = re.compile(r"[^A-Za-z0-9._@+=-]+")
_LONGEST = 120  # of one part of a path; file systems end at 255 bytes
_DEEPEST = 12


def safe_path(name: str) -> str:
    """Return a relative path that stays below its directory, on every file system, and needs no quoting.

    A name that is safe already is returned as it is; another one gets a short hash of the whole original, so
    that two names do not fall together.
    """
    parts = [part for part in name.split("/") if part not in ("", ".", "..")][-_DEEPEST:]
    path = "/".join(_safe_part(part) for part in parts) or "file"
    if path == name:
        return path
    folder, _, file = path.rpartition("/")
    stem, dot, ending = file.rpartition(".")
    mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    renamed = f"{stem}-{mark}.{ending}" if dot and stem else f"{file}-{mark}"
    return f"{folder}/{renamed}" if folder else renamed


def _safe_part(part: str) -> str:
    safe = _UNSAFE.sub("-", part).strip("-.")
    return (safe if len(safe) <= _LONGEST else safe[: _LONGEST // 2].rstrip("-.")) or "file"


def artifact_path(name: str) -> str:
    """Return where an artifact lies, from the report's directory."""
    return f"artifacts/{safe_path(name)}"


def log_path(check_id: str) -> str:
    """Return where the log of a check lies: `logs/unit/vitest@packages/core.log`."""
    return f"logs/{safe_path(check_id.removesuffix('@.') + '.log')}"


def with_safe_names(report: RunReport) -> RunReport:
    """Return the report with each artifact named as it lies in the directory."""
    stages = (replace(stage, checks=tuple(_renamed(check) for check in stage.checks)) for stage in report.stages)
    return replace(report, stages=tuple(stages))


def _renamed(check: CheckRun) -> CheckRun:
    names = tuple(safe_path(name) for name in check.artifacts)
    return replace(check, artifacts=names, failures=tuple(_named(failure) for failure in check.failures))


def _named(failure: Failure) -> Failure:
    return replace(failure, artifact=safe_path(failure.artifact)) if failure.artifact else failure

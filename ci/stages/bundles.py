"""What an app sends to a browser: raw, by gzip and by brotli, for each chunk and together.

Against a budget where shipway.toml has one, and against the last green run on main. Growth without a budget is
a notice: nobody has said how large is too large.
"""

from __future__ import annotations

import dataclasses
import functools
import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.model import Check, Counts, Execution, Failure, Measure, Status, Step, Verdict
from ci.settings.stages import BUNDLED
from ci.stages.apps import App, find_apps
from ci.stages.building import built_apps
from ci.stages.judging import could_not_run, failed, report_of, stopped
from ci.text import count, first_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ci.model import CheckRun
    from ci.settings.stages import Bundle
    from ci.stages.context import Context

KIND = "bundle"
REPORT = "sizes.json"
WAYS = ("raw", "gzip", "brotli")
USUAL = ("dist/client", "dist", "build/client", "build", ".output/public", ".next/static", "out", "public")
SHOWN = 20  # chunks that are measured one by one; the rest counts together
GROWTH = 1.1  # times the last green run: more is said
SLACK = 1_000  # bytes that are no growth worth a word
# What bundlers put into names so that a changed file has another: the part before the suffix, or a build's directory.
HASH = re.compile(
    r"(?P<before>[.-])(?=[\w-]*[0-9A-Z_])(?:[A-Za-z0-9_-]{8}|[0-9a-f]{8,32}|[A-Za-z0-9_-]{20,24})"
    r"(?=(?:\.(?:chunk|bundle|module|min))?\.\w+$)"
)
BARE = re.compile(
    r"(?:^|(?<=/))(?:(?=[0-9a-f]*\d)[0-9a-f]{8,32}|(?=[\w-]*\d)(?=[\w-]*[A-Z])[A-Za-z0-9_-]{8})(?=(?:\.chunk)?\.\w+$)"
)
BUILD = re.compile(r"(?:^|(?<=/))(?=[\w-]*[0-9A-Z_])[A-Za-z0-9_-]{21}(?=/)")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one app is held to, in bytes; None: to nothing."""

    app: str
    limits: Mapping[str, int | None]
    chunk_gzip: int | None
    named: bool  # shipway.toml names the app, so that nothing to measure is an error
    baseline: Mapping[str, float]


def checks(context: Context) -> tuple[Check, ...]:
    """Return a check per app: those that shipway.toml names, else those that are found and built."""
    chosen = context.settings.stages.audit.bundles
    if chosen:
        apps = {app.package.path: app for app in find_apps(context.workspace)}
        return tuple(_check(context, entry.app, entry, apps.get(entry.app)) for entry in chosen)
    if context.build is None:
        return ()
    return tuple(_check(context, app.package.path, None, app) for app in built_apps(context) if app.bundler)


def _check(context: Context, path: str, entry: Bundle | None, app: App | None) -> Check:
    usual = app.directories if app is not None else tuple(posixpath.join(path, name) for name in USUAL)
    directories = (entry.directory,) if entry is not None and entry.directory else usual
    patterns = BUNDLED if entry is None else entry.files
    budget = Budget(
        app=path,
        limits={way: None if entry is None else getattr(entry, way) for way in WAYS},
        chunk_gzip=None if entry is None else entry.chunk_gzip,
        named=entry is not None,
        baseline={
            name: measure.value
            for (kind, group, name), measure in context.baseline.items()
            if (kind, group) == (KIND, path)
        },
    )
    words = [word for pattern in patterns for word in ("--pattern", pattern)]
    return Check(
        stage="audit",
        name="bundle",
        package=path,
        toolchain=context.toolchain(),
        steps=(
            Step(
                argv=("shipway-sizes", "--out", f"${{SHIPWAY_OUT}}/{REPORT}", *words, *directories),
                timeout=context.settings.stages.audit.timeout,
            ),
        ),
        judge=functools.partial(judge, budget=budget),
        stands=functools.partial(stands, budget=budget),
        needs=context.built,
        weight=2,
        why="shipway.toml names it" if entry is not None else (app.why if app is not None else ""),
        repeat=context.build.repeat if context.build is not None else "",
    )


def judge(execution: Execution, *, budget: Budget) -> Verdict:
    """Weigh what was built against the budget and the last green run."""
    if (verdict := could_not_run(execution) or stopped(execution)) is not None:
        return verdict
    report = report_of(execution, REPORT)
    if not isinstance(report, dict):
        return dataclasses.replace(failed(execution.steps[-1]), status=Status.ERROR)
    files: list[dict[str, Any]] = report["files"]
    if not files:
        tried = ", ".join(execution.steps[-1].argv[-1:]) if budget.named else "the usual places"
        reason = f"nothing to weigh: no scripts or styles were built into {tried}"
        return Verdict(status=Status.ERROR if budget.named else Status.SKIPPED, reason=reason)
    measures = (*_totals(files, budget), *_chunks(files, budget))
    failures = (*_over(files, measures, budget, report["directory"]), *_heavy(files, budget, report["directory"]))
    counts = Counts(files=len(files), failed=len(failures))
    if failures:
        return Verdict(
            status=Status.FAILED, reason=failures[0].message, counts=counts, failures=failures, measures=measures
        )
    return Verdict(status=Status.PASSED, counts=counts, measures=measures, notices=_growth(measures))


def stands(kept: CheckRun, *, budget: Budget) -> CheckRun:
    """Hold kept sizes against the last green run as it is now; growth is a notice, so they stay green."""
    measures = tuple(
        _measure(measure.name, measure.value, budget, limit=None if measure.limit is None else int(measure.limit))
        for measure in kept.measures
    )
    before = _growth(kept.measures)
    others = tuple(notice for notice in kept.notices if notice not in before)
    return dataclasses.replace(kept, measures=measures, notices=(*_growth(measures), *others))


def stable_name(path: str) -> str:
    """Return a file's name without the hashes of its content or build: `index-B8e0Xz1a.js` is `index-*.js`."""
    return HASH.sub(r"\g<before>*", BARE.sub("*", BUILD.sub("*", path)))


def _totals(files: list[dict[str, Any]], budget: Budget) -> tuple[Measure, ...]:
    return tuple(
        _measure(f"total {way}", sum(file[way] for file in files), budget, limit=budget.limits[way]) for way in WAYS
    )


def _chunks(files: list[dict[str, Any]], budget: Budget) -> tuple[Measure, ...]:
    """Measure each chunk by its stable name, the largest by themselves."""
    chunks: dict[str, list[dict[str, Any]]] = {}
    for file in files:
        chunks.setdefault(stable_name(file["path"]), []).append(file)
    measures = []
    for name, parts in list(chunks.items())[:SHOWN]:
        limit = budget.chunk_gzip if len(parts) == 1 else None
        for way in WAYS:
            value = sum(part[way] for part in parts)
            measures.append(_measure(f"{name} {way}", value, budget, limit=limit if way == "gzip" else None))
    return tuple(measures)


def _measure(name: str, value: float, budget: Budget, *, limit: int | None) -> Measure:
    before = budget.baseline.get(name)
    ok = None
    if limit is not None:
        ok = value <= limit
    elif before is not None:
        ok = value <= before * GROWTH + SLACK
    return Measure(
        name=name, value=value, unit="bytes", group=budget.app, kind=KIND, limit=limit, baseline=before, ok=ok
    )


def _over(
    files: list[dict[str, Any]], measures: tuple[Measure, ...], budget: Budget, directory: str
) -> tuple[Failure, ...]:
    """Say what is over the budget for all files together, by how much, and which file weighs most."""
    failures = []
    for way in WAYS:
        measure = next(each for each in measures if each.name == f"total {way}")
        if measure.limit is None or measure.value <= measure.limit:
            continue
        largest = max(files, key=lambda file: int(file[way]))
        over = size(measure.value - measure.limit)
        message = (
            f"{budget.app} sends {size(measure.value)} {_by(way)}, {over} over its budget of {size(measure.limit)}; "
            f"the largest is {first_line(largest['path'])} with {size(largest[way])}"
        )
        failures.append(Failure(message=message, file=posixpath.join(directory, largest["path"]), rule=f"bundle-{way}"))
    return tuple(failures)


def _heavy(files: list[dict[str, Any]], budget: Budget, directory: str) -> tuple[Failure, ...]:
    if budget.chunk_gzip is None:
        return ()
    limit = budget.chunk_gzip
    return tuple(
        Failure(
            message=f"{first_line(file['path'])} weighs {size(file['gzip'])} by gzip, "
            f"{size(file['gzip'] - limit)} over the {size(limit)} that one file may",
            file=posixpath.join(directory, file["path"]),
            rule="bundle-chunk-gzip",
        )
        for file in files
        if file["gzip"] > limit
    )


def _growth(measures: tuple[Measure, ...]) -> tuple[str, ...]:
    """Say what has grown since the last green run without a budget to hold it."""
    grown = [measure for measure in measures if measure.limit is None and measure.ok is False]
    named = [measure for measure in grown if measure.name.endswith(" gzip")]
    lines = [
        f"{measure.group}: {first_line(measure.name)} grew from {size(measure.baseline or 0)} to {size(measure.value)}"
        for measure in named[:3]
    ]
    more = [f"and {count(len(named) - 3, 'more chunk')}"] if len(named) > 3 else []  # noqa: PLR2004 - as many as are named
    return (*lines, *more)


def size(number: float) -> str:
    """Say a number of bytes as "812 B", "12.3 kB", "1.20 MB"."""
    if number < 1_000:  # noqa: PLR2004 - a kilobyte
        return f"{number:.0f} B"
    return f"{number / 1_000:.1f} kB" if number < 1_000_000 else f"{number / 1_000_000:.2f} MB"  # noqa: PLR2004 - a megabyte


def _by(way: str) -> str:
    return "uncompressed" if way == "raw" else f"by {way}"

"""The page: one self-contained index.html that needs no network and no JavaScript.

What the reader came for stands first: verdict, cause, place, next command. Every text is cleaned and escaped
on its way into the template, and a content policy in the page lets nothing load but its own images.
"""

from __future__ import annotations

import base64
import functools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ci.reporting import charts, excerpts, findings, incident, notes, promotion, wording
from ci.reporting.paths import artifact_path, log_path
from ci.text import clean, count, web_address

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ci.model import CheckRun, Measure, Ruling, RunReport, StepRun

IMAGE_LIMIT = 400_000  # bytes of one screenshot that is put into the page itself
IMAGES_LIMIT = 3_000_000  # and of all of them; larger ones are links to the report's directory
SHOWN_CHECKS = 40  # red ones with all they have to say
SHOWN_FAILURES = 40  # of one check
SHOWN_ROWS = 100  # of a promotion's steps, and of its rulings
OBSERVED_LINES = 200  # of one ruling
FOLDED_CHECKS = 12  # a stage with more green checks than these folds them away
_IMAGES = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An artifact: where it lies beside the page, and its data: URL when it is an image small enough."""

    href: str
    name: str
    data: str | None


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A red or flaky check as the page tells of it."""

    anchor: str
    check: CheckRun
    failures: tuple[findings.Finding, ...]
    more: int
    step: StepRun | None
    output: tuple[excerpts.Line, ...]


def to_html(report: RunReport, *, artifacts: Mapping[str, bytes], logs: Collection[str] = ()) -> str:
    """Return the page.

    `artifacts` are contents by the names that the report uses, for the screenshots; `logs` the ids of the checks
    whose log lies beside the page.
    """
    found = findings.findings(report)
    troubles = _troubles(report, found)
    context = {
        "report": report,
        "link": web_address(report.link),
        "compared": web_address(report.release_notes.link) if report.release_notes else None,
        "headline": findings.headline(report),
        "found": found,
        "totals": findings.totals(report),
        "aftermath": promotion.aftermath(report),
        "troubles": troubles[:SHOWN_CHECKS],
        "hidden": len(troubles[SHOWN_CHECKS:]),
        "folded": FOLDED_CHECKS,
        "anchors": {trouble.check.id: trouble.anchor for trouble in troubles[:SHOWN_CHECKS]},
        "loose": [finding for finding in found if finding.check is None and not finding.names],
        "shown_rows": SHOWN_ROWS,
        "colours": promotion.COLOURS,
        "waterfall": charts.waterfall(report),
        "span": charts.span(report),
        "lanes": charts.lanes(report),
        "history": charts.columns(report),
        "measures": _measures(report),
        "flaky": findings.flaky(report),
        "unproven": findings.unproven(report),
        "tools": _tools(report),
        "pictures": _pictures(report, artifacts),
        "logs": {check_id: log_path(check_id) for check_id in logs},
    }
    return _environment().get_template("index.html.j2").render(context)


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("ci.reporting"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": wording.duration,
        "day": _day,
        "line": wording.one_line,
        "detail": excerpts.detail_lines,
        "count": count,
        "counted": wording.counted,
        "tally": findings.tally,
        "outcome": wording.outcome,
        "measured": wording.measured,
        "gauge": charts.gauge,
        "drift": _drift,
        "word": promotion.word,
        "glyph": promotion.glyph,
        "figures": promotion.figures,
        "observed": _observed,
        "address": web_address,
        "news": notes.heading,
        "brings": notes.brings,
        "change": notes.change,
        "rest": notes.rest,
        "fate": incident.outcome,
        "cost": incident.cost,
        "patch": incident.patch_lines,
        "artifact": artifact_path,
    }
    environment.globals |= {"glyphs": {status.value: glyph for status, glyph in wording.GLYPHS.items()}}
    return environment


def _finalize(value: Any) -> Any:
    """Clean each value that a template prints; escaping is the template engine's."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return clean(value)
    return "" if value is None else value


def _observed(ruling: Ruling) -> str:
    return wording.shortened(promotion.observed(ruling), lines=OBSERVED_LINES, width=300)


def _day(started: str) -> str:
    """`25 Nov 2026, 14:03 UTC`; a time that cannot be read is shown as it is."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return wording.one_line(started, 40)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def _troubles(report: RunReport, found: tuple[findings.Finding, ...]) -> tuple[Trouble, ...]:
    by_check: dict[str, list[findings.Finding]] = {}
    for finding in found:
        if finding.check is not None:
            by_check.setdefault(finding.check.id, []).append(finding)
    checks = {check.id: check for stage in report.stages for check in stage.checks}
    return tuple(
        _trouble(f"check-{number}", checks[check_id], mine)
        for number, (check_id, mine) in enumerate(by_check.items(), 1)
    )


def _trouble(anchor: str, check: CheckRun, mine: list[findings.Finding]) -> Trouble:
    ended = [step for step in check.steps if not step.succeeded and not step.background]
    step = ended[-1] if ended else (check.steps[-1] if check.steps else None)
    return Trouble(
        anchor=anchor,
        check=check,
        failures=tuple(mine[:SHOWN_FAILURES]),
        more=max(len(mine) - SHOWN_FAILURES, 0),
        step=step,
        output=excerpts.last_lines(step.output, check.failures) if step else (),
    )


def _pictures(report: RunReport, artifacts: Mapping[str, bytes]) -> dict[str, Picture]:
    """Return every artifact by its name; images come into the page in the report's order, as long as there is room."""
    named = [
        name
        for stage in report.stages
        for check in stage.checks
        for name in (*(failure.artifact for failure in check.failures), *check.artifacts)
        if name
    ]
    contents = {artifact_path(name): content for name, content in artifacts.items()}
    room = IMAGES_LIMIT
    pictures: dict[str, Picture] = {}
    for name in dict.fromkeys(named):
        href = artifact_path(name)
        content = contents.get(href)
        if content is None:
            continue
        kind = next((kind for magic, kind in _IMAGES.items() if content.startswith(magic)), None)
        data = None
        if kind and len(content) <= min(IMAGE_LIMIT, room):
            room -= len(content)
            data = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        pictures[name] = Picture(href=href, name=name.rpartition("/")[2], data=data)
    return pictures


def _measures(report: RunReport) -> dict[str, list[Measure]]:
    """Return the measures by what they are about: `Bundle · apps/web`."""
    titles = {"bundle": "Bundle", "lighthouse": "Lighthouse"}
    groups: dict[str, list[Measure]] = {}
    for stage in report.stages:
        for check in stage.checks:
            for measure in check.measures:
                title = titles.get(measure.kind, measure.kind or "Measure")
                groups.setdefault(" · ".join(part for part in (title, measure.group) if part), []).append(measure)
    return groups


def _drift(measure: Measure) -> str:
    """`+2.1 %` against the last green run; scores in points."""
    if measure.baseline is None:
        return ""
    if measure.unit == "score":
        points = round((measure.value - measure.baseline) * 100)
        return f"{points:+d} points" if points else "unchanged"
    if measure.baseline in (0, measure.value):
        return "unchanged" if measure.value == measure.baseline else "new"
    share = 100 * (measure.value / measure.baseline - 1)
    return f"{share:+.1f} %" if abs(share) >= 0.05 else "unchanged"  # noqa: PLR2004 - what is shown as 0.0


def _tools(report: RunReport) -> dict[str, str]:
    every: dict[str, set[str]] = {}
    for stage in report.stages:
        for check in stage.checks:
            for name, version in check.tools.items():
                every.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(every.items())}

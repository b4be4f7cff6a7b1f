"""What this Sentry knows, and from when on it may be seen: an event that was taken shows after the ingestion's lag."""

from __future__ import annotations

import datetime
import secrets
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ci.rehearsal.memory import Memory

RETENTION = 90 * 86_400.0  # seconds


class Store:
    """One organization's projects, events, spans, sessions and releases; moments are seconds since 1970."""

    def __init__(self, memory: Memory, organization: str, projects: Sequence[str], lag: float) -> None:
        """Know what was known before; make the projects that are new, each with its key."""
        self.memory = memory
        self.organization = organization
        self.lag = lag
        self.projects = memory.shelf("projects")
        self.events = memory.rows("events")
        self.payloads = memory.shelf("payloads")
        self.spans = memory.rows("spans")
        self.sessions = memory.rows("sessions")
        self.attachments = memory.shelf("attachments")
        self.reports = memory.shelf("reports")
        self.groups = memory.shelf("groups")
        self.releases = memory.shelf("releases")
        self.deploys = memory.shelf("deploys")
        self.environments = memory.shelf("environments")
        for slug in projects:
            if slug not in self.projects:
                self.projects[slug] = {
                    "id": str(memory.number("project")),
                    "slug": slug,
                    "key": secrets.token_hex(16),
                    "created": time.time(),
                }

    def project(self, name: str) -> dict[str, Any] | None:
        """Return a project by its slug or its id."""
        return next((each for each in self.projects.values() if name in {each["slug"], each["id"]}), None)

    def seen(self, shelf: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a shelf, one of three, that have gone through ingestion."""
        until = time.time() - self.lag
        rows = {"events": self.events, "spans": self.spans, "sessions": self.sessions}[shelf]
        yield from (row for row in rows.values() if row["received"] <= until)

    def note(self, project: str, release: str | None, environment: str | None) -> None:
        """Know a release and an environment from now on, as the real one does when an event names them."""
        if environment and environment not in self.environments:
            self.environments[environment] = {"id": str(self.memory.number("environment"))}
        if not release:
            return
        known = self.releases.get(release)
        if known is None:
            self.releases[release] = self.blank(release, [project])
        elif project not in known["projects"]:
            self.releases[release] = {**known, "projects": [*known["projects"], project]}

    def blank(self, version: str, projects: Sequence[str]) -> dict[str, Any]:
        """Return a release that nothing is known of yet."""
        return {
            "id": self.memory.number("release"),
            "version": version,
            "projects": list(projects),
            "created": time.time(),
            "released": None,
            "ref": None,
            "url": None,
            "commits": [],
        }

    def latest(self, projects: frozenset[str]) -> str | None:
        """Return the version of the newest release of any of the projects."""
        found = [each for each in self.releases.values() if projects & set(each["projects"])]
        return max(found, key=lambda each: (each["created"], each["id"]))["version"] if found else None

    def age_of(self, version: str | None) -> tuple[float, int]:
        """Return what releases are ordered by; one that is not known comes before all."""
        known = self.releases.get(version) if version else None
        return (known["created"], known["id"]) if known else (0.0, 0)


def written(moment: float | None) -> str | None:
    """Write a moment as Sentry does."""
    if moment is None:
        return None
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat().replace("+00:00", "Z")


def moment_of(text: Any) -> float | None:
    """Read a moment: seconds, or ISO 8601, which is UTC where it does not say; None where it is neither."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    try:
        found = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).timestamp()

"""Sentry's web API: what went wrong in a release, how often and for how many, and what Sentry is told of releases.

https://docs.sentry.io/api/. An organization's region has an address of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.vendors.exchange import Exchange, Patience
from ci.vendors.sentry_calls import DIALECT, MOST
from ci.vendors.sentry_counts import Counts
from ci.vendors.sentry_issues import Issues
from ci.vendors.sentry_releases import Releases
from ci.vendors.sentry_values import Organization, Project

if TYPE_CHECKING:
    import httpx

REGIONS = {"us": "https://us.sentry.io", "de": "https://de.sentry.io"}


class Sentry(Issues, Counts, Releases):
    """One organization. Its token needs org:read, project:read, event:read; event:write, project:releases to write."""

    async def organization(self) -> Organization | None:
        """Return the organization, None where the token sees none of that name. Raises VendorError."""
        return await self.look(self.home, Organization, "the organization")

    async def projects(self) -> tuple[Project, ...]:
        """Return all projects that the token sees. Raises VendorError."""
        return await self.pages("projects/", {"per_page": MOST}, Project, most=1000)


def connect(
    token: str,
    organization: str,
    *,
    address: str = REGIONS["us"],
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Sentry:
    """Return the client of an organization; `address` is that of its region, see REGIONS, or of one's own server."""
    authorization = {"authorization": f"Bearer {token}"}
    exchange = Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport)
    return Sentry(exchange, organization)

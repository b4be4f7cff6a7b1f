"""A product's journal: its parts over one store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ci.journal import store
from ci.journal.approvals import Approvals
from ci.journal.bars import Bars
from ci.journal.cases import Cases
from ci.journal.evidence import Evidence
from ci.journal.fixes import Fixes
from ci.journal.flows import Flows
from ci.journal.footprints import Footprints
from ci.journal.incidents import Incidents
from ci.journal.leases import Leases
from ci.journal.looks import Looks
from ci.journal.notices import Notices
from ci.journal.proposals import Proposals
from ci.journal.releases import Releases
from ci.journal.runs import Runs
from ci.journal.servings import Servings
from ci.journal.spendings import Spendings
from ci.journal.timings import Timings

if TYPE_CHECKING:
    from pathlib import Path


class Journal:
    """The memory of one product. What its parts raise stands at `Store`."""

    def __init__(self, place: store.Store) -> None:
        """Be kept there."""
        self.store = place
        self.runs = Runs(place)
        self.flows = Flows(place)
        self.leases = Leases(place)
        self.footprints = Footprints(place)
        self.bars = Bars(place)
        self.evidence = Evidence(place)
        self.servings = Servings(place)
        self.incidents = Incidents(place)
        self.cases = Cases(place)
        self.proposals = Proposals(place)
        self.fixes = Fixes(place)
        self.releases = Releases(place)
        self.approvals = Approvals(place)
        self.looks = Looks(place)
        self.notices = Notices(place)
        self.timings = Timings(place)
        self.spendings = Spendings(place)

    @classmethod
    def local(cls, root: Path, *, directory: Path | None = None) -> Journal:
        """Return the journal of the workspace at `root` on this machine."""
        return cls(store.local(root, directory))

    @classmethod
    def remote(cls, url: str) -> Journal:
        """Return the journal in the Postgres at `url`, which several machines share."""
        return cls(store.remote(url))

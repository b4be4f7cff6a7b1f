"""What Shipway remembers of a product; the only writer of product state.

journal.py   Journal: the parts below over one store
store.py     where it is kept: SQLite for one machine, Postgres by URL for several; one schema
tables.py    that schema
login.py     a login that is limited to what a diagnosis needs
runs.py      the history of runs, and what the last green one on main measured
flows.py     promotions and the like, step by step: what was intended and what came of it
footprints.py  what each environment is configured with, so far as it can be compared
bars.py      what bars promotions: pins and freezes
evidence.py  reports of the seven stages by commit
servings.py  what each environment served since when, what its database has had, how its repeats went
releases.py  what production was switched to, and whether it proved good
approvals.py a person's word that a flow goes on
looks.py     what was seen of a release while it was watched
incidents.py what went wrong with a commit
cases.py     what is known of each one's failure
proposals.py what a cycle's diagnosis found, with its patch
fixes.py     how far a proposal went, and what became of it
notices.py   who is told of it, and how far that is
spendings.py what calls of a model cost, set aside before each
timings.py   how soon drills and rehearsals found what was bad, and put it back
leases.py    who may change an environment, until when
"""

from ci.journal.flows import Entry, Flow, Refusal, State
from ci.journal.journal import Journal
from ci.journal.leases import Lease, LeaseLostError
from ci.journal.looks import Look

__all__ = ["Entry", "Flow", "Journal", "Lease", "LeaseLostError", "Look", "Refusal", "State"]

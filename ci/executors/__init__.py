"""Where steps run, and in which order.

scheduler.py gives checks their slots, longest first, as many as room.py finds; reuse.py decides by content hash
which need not run at all. host.py runs the others straight on the machine, each in a workspace (workspace.py) that
sees no more than it needs (walls.py, environment.py), an install beside the package store (linking.py), kept apart
as well as the machine allows (isolation.py). leavings.py and logs.py look at what steps left, redacting.py takes
the secrets out of it; scratch.py holds and sweeps the directories of runs.
"""

"""Start it: `python -m rls`."""

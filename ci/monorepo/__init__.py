"""Reading a pnpm workspace that was never seen before, from its files alone.

workspace.py    packages, files, who depends on whom      lockfile.py    what dependencies resolve to
pins.py         which pnpm, and who says so               nodes.py       which Node, and who says so
documents.py    JSON, JSON with comments, YAML            versions.py    npm's version ranges
"""

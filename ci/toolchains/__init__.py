"""The host side of a toolchain: Node, pnpm, Postgres, Chromium and Lighthouse in the per-user cache.

catalogue.py     provide(): a toolchain's tools, put on PATH; read this first
versions.py      which versions, by hash; the data is versions.toml
installation.py  into a directory beside, then renamed: never half a tool
npm.py           the one way in which packages are fetched
node.py pnpm.py postgres.py chromium.py lighthouse.py depcruise.py    a tool each
commands.py      Shipway's own programs as commands on PATH
programs/        those programs; they run in the project's world and import nothing from Shipway
"""

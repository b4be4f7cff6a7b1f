"""Reading a pnpm workspace that was never seen before, from its files alone: no process, no network.

workspace.py    packages, files, who depends on whom: start here
pins.py         which pnpm, and who says so           nodes.py        which Node, and who says so
lockfile.py     what dependencies resolve to          links.py        which of them are workspace packages
graph.py        order, closure, dependents            selection.py    what a `--filter` selects
scripts.py      what a script really runs             invocation.py   does it rewrite files, does it watch?
  shell.py        a script line                         programs.py     a command without its launchers
  runners.py      pnpm, npm, yarn, bun                  taskgraphs.py   turbo, nx, lerna
  bundles.py      run-s, concurrently                   delegation.py   what these answer with
tools.py        which tools are configured            typescript.py   which tsconfig is for what
tests.py        test files by kind                    testconfigs.py  what Vitest and Playwright are told
generation.py   what must be generated or built       generators.py   the tools that generate
documents.py    JSON, JSON with comments, YAML        sources.py      configuration that is code
versions.py     npm's version ranges                  snapshot.py     the tree that a run works on
"""

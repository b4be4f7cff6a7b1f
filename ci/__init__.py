"""Shipway's package: a map.

    model.py        the words, as frozen values, and the Protocols between the parts
    errors.py       one tree of errors, an exit code each
    outcome.py      from check runs to a verdict and an exit code
    text.py         text of strangers made harmless
    hosts.py        CI hosts: what each tells of a run, and what it takes of a report
    processes.py    the only place that starts and kills processes
    redact/         the only way to a log, a report, a prompt
    secrets.py      references to secrets -> values
    config.py       shipway.toml -> settings.py, the typed settings; fields.py and toml_lines.py help
    journal.py      history and baselines; the only writer of product state
    cli.py          the command line, thin
    remembering.py  which journal is meant, and what a run leaves in it
    branches.py     databases at Neon for the checks of a run, which are made and taken away
    monorepo/       reading a pnpm workspace: packages, scripts, tools, what each stage would use, snapshot
    stages/         one file per stage and per tool, and the catalogue of the seven
    executors/      where steps run, the scheduler, re-use by content hash
    warden/         our small program inside a workspace: sandbox, steps, servers, the end of the tree
    toolchains/     Node, pnpm, Postgres, Chromium, Lighthouse into the per-user cache; our own commands
    wrappers/       for each CI host its configuration file; `shipway init --ci` writes it
    reporting/      live terminal view, JUnit, SARIF, Markdown summary, self-contained HTML

The driver that composes them is `pipeline.py`, beside this package: read it first.
"""

__version__ = "0.1.0"

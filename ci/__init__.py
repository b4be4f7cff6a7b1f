"""Shipway's package: a map.

    model.py        the words, as frozen values, and the Protocols between the parts
    errors.py       one tree of errors, an exit code each
    processes.py    the only place that starts and kills processes
    redact.py       the only way to a log, a report, a prompt
    config.py       shipway.toml -> typed settings
    journal.py      history and baselines; the only writer of product state
    cli.py          the command line, thin
    monorepo/       reading a pnpm workspace: packages, scripts, tools, what each stage would use, snapshot
    stages/         one file per stage, and the catalogue of the seven
    executors/      where steps run, the scheduler, re-use by content hash, the warden
    toolchains/     Node, pnpm, Postgres, Chromium, Lighthouse into the per-user cache
    reporting/      live terminal view, JUnit, SARIF, Markdown summary, self-contained HTML

The driver that composes them is `pipeline.py`, beside this package: read it first.
"""

__version__ = "0.1.0"

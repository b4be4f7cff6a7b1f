"""Shipway's package: a map.

    model.py        the words, as frozen values, and the Protocols between the parts
    errors.py       one tree of errors, an exit code each
    outcome.py      from check runs to a verdict and an exit code
    text.py         text of strangers made harmless
    hosts.py        CI hosts: what each tells of a run, and what it takes of a report
    processes.py    the only place that starts and kills processes
    catfile.py      what git says of many files at once
    redact/         the only way to a log, a report, a prompt
    secrets.py      references to secrets -> values
    asked.py        what somebody asks for, as values
    warden/         our small program inside a workspace: sandbox, steps, servers, the end of the tree

    config.py       shipway.toml -> settings/, the typed settings; fields.py and toml_lines.py help
    journal/        history, flows, leases, evidence, incidents; the only writer of product state
    monorepo/       reading a pnpm workspace: packages, scripts, tools, what each stage would use, snapshot
    toolchains/     Node, pnpm, Postgres, Chromium, Lighthouse into the per-user cache; our own commands
    wrappers/       for each CI host its configuration file; `shipway init --ci` writes it

    stages/         one file per stage and per tool, and the catalogue of the seven
    executors/      where steps run, the scheduler, re-use by content hash
    gates/          pure rulings over recorded values
    vendors/        an adapter for each outside service
    reporting/      live terminal view, JUnit, SARIF, Markdown summary, self-contained HTML

    running.py      a plan carried out; commits.py: on a commit, trials.py: on one with changes that nobody committed
    branches.py     databases at Neon for the checks of a run, which are made and taken away
    remembering.py  which journal is meant, and what a run leaves in it
    promotion/      the steps to staging and production, the watch, the way back, who is told; drills
    releases.py     a promotion as somebody asks for it; promoted.py: its report; drilled.py: a drill
    diagnosis/      from a failure to its cause and to a fix
    mending.py      an incident as somebody has it mended; halves.py: one half of a cycle; mended.py: its report
    advice.py       a diagnosis of a report, on one's own machine
    rehearsal/      stand-ins of the vendors, and the world that they make; scenarios/: what is played there

    cli.py          the command line, thin; commands.py, incidents.py: its parts, dispatch.py: from a CI host
    module.py       the same as Dagger functions; within.py: files brought out of an engine and into it

The driver that composes them is `pipeline.py`, beside this package: read it first.
"""

__version__ = "0.1.0"

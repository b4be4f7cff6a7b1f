"""The schema, the same in SQLite and in Postgres. Moments are seconds since 1970, documents are JSON."""

from __future__ import annotations

import sqlalchemy as sql

VERSION = 10
METADATA = sql.MetaData()

RUNS = sql.Table(
    "runs",
    METADATA,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("started", sql.String, nullable=False, index=True),
    sql.Column("verdict", sql.String, nullable=False),
    sql.Column("seconds", sql.Float, nullable=False),
    sql.Column("commit_sha", sql.String),
    sql.Column("branch", sql.String),
    sql.Column("dirty", sql.Boolean, nullable=False),
    sql.Column("stages", sql.Text, nullable=False),
    sql.Column("flaky", sql.Text, nullable=False),
    sql.Column("measures", sql.Text, nullable=False),
)
FLOWS = sql.Table(
    "flows",
    METADATA,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("commit_sha", sql.String, nullable=False),
    sql.Column("asked", sql.Text, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("reason", sql.Text),
    sql.Column("began", sql.Float, nullable=False, index=True),
    sql.Column("deadline", sql.Float, nullable=False),
    sql.Column("ended", sql.Float),
)
ENTRIES = sql.Table(
    "entries",
    METADATA,
    sql.Column("flow", sql.String, sql.ForeignKey("flows.id"), primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("step", sql.String, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("epoch", sql.Integer, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
    sql.Column("facts", sql.Text, nullable=False),
)
LEASES = sql.Table(
    "leases",
    METADATA,
    sql.Column("environment", sql.String, primary_key=True),
    sql.Column("epoch", sql.Integer, nullable=False),
    sql.Column("flow", sql.String, nullable=False),
    sql.Column("holder", sql.String, nullable=False),
    sql.Column("expires", sql.Float, nullable=False),
)
FOOTPRINTS = sql.Table(
    "footprints",
    METADATA,
    sql.Column("environment", sql.String, primary_key=True),
    sql.Column("moment", sql.Float, nullable=False),
    sql.Column("footprint", sql.Text, nullable=False),
)
KEYS = sql.Table(
    "keys",
    METADATA,
    sql.Column("name", sql.String, primary_key=True),
    sql.Column("value", sql.String, nullable=False),
)
REFUSALS = sql.Table(  # why a flow goes on no further: only its closing steps are left to be done
    "refusals",
    METADATA,
    sql.Column("flow", sql.String, sql.ForeignKey("flows.id"), primary_key=True),
    sql.Column("step", sql.String, nullable=False),
    sql.Column("message", sql.Text, nullable=False),
    sql.Column("hint", sql.Text),
    sql.Column("code", sql.Integer, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("rulings", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
PINS = sql.Table(
    "pins",
    METADATA,
    sql.Column("commit_sha", sql.String, primary_key=True),
    sql.Column("good", sql.String),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
FREEZES = sql.Table(
    "freezes",
    METADATA,
    sql.Column("environment", sql.String, primary_key=True),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
EVIDENCE = sql.Table(
    "evidence",
    METADATA,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("commit_sha", sql.String, nullable=False, index=True),
    sql.Column("environment", sql.String),
    sql.Column("moment", sql.Float, nullable=False),
    sql.Column("report", sql.Text, nullable=False),
)
SERVINGS = sql.Table(
    "servings",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("commit_sha", sql.String, nullable=False),
    sql.Column("flow", sql.String, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
MIGRATIONS = sql.Table(  # what a database has had, each with its content's SHA-256
    "migrations",
    METADATA,
    sql.Column("environment", sql.String, primary_key=True),
    sql.Column("name", sql.String, primary_key=True),
    sql.Column("digest", sql.String, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
REPEATS = sql.Table(
    "repeats",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("name", sql.String, nullable=False),
    sql.Column("passed", sql.Boolean, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
INCIDENTS = sql.Table(
    "incidents",
    METADATA,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("commit_sha", sql.String, nullable=False, index=True),
    sql.Column("what", sql.String, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
    sql.Column("ended", sql.Float),
)
RELEASES = sql.Table(  # what was switched to, app by app: what can be rolled back to
    "releases",
    METADATA,
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("commit_sha", sql.String, nullable=False),
    sql.Column("flow", sql.String, nullable=False, unique=True),
    sql.Column("deployments", sql.Text, nullable=False),
    sql.Column("migrations", sql.Text, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
APPROVALS = sql.Table(
    "approvals",
    METADATA,
    sql.Column("flow", sql.String, sql.ForeignKey("flows.id"), primary_key=True),
    sql.Column("step", sql.String, primary_key=True),
    sql.Column("by", sql.String, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
LOOKS = sql.Table(  # what was seen while a release was watched; the number counts within its kind
    "looks",
    METADATA,
    sql.Column("flow", sql.String, primary_key=True),
    sql.Column("kind", sql.String, primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("moment", sql.Float, nullable=False),
    sql.Column("document", sql.Text, nullable=False),
)
TALES = sql.Table(  # what there is to tell of an incident; told by its notices
    "tales",
    METADATA,
    sql.Column("incident", sql.String, primary_key=True),
    sql.Column("kind", sql.String, primary_key=True),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("document", sql.Text, nullable=False),
    sql.Column("report", sql.LargeBinary),
    sql.Column("moment", sql.Float, nullable=False),
)
NOTICES = sql.Table(
    "notices",
    METADATA,
    sql.Column("incident", sql.String, primary_key=True),
    sql.Column("kind", sql.String, primary_key=True),
    sql.Column("channel", sql.String, primary_key=True),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("tries", sql.Integer, nullable=False),
    sql.Column("reference", sql.String, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("written", sql.Float, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
    sql.Column("due", sql.Float),
)
BASELINES = sql.Table(
    "baselines",
    METADATA,
    sql.Column("environment", sql.String, primary_key=True),
    sql.Column("name", sql.String, primary_key=True),
    sql.Column("seconds", sql.Float, nullable=False),
    sql.Column("commit_sha", sql.String, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
TIMINGS = sql.Table(  # of drills and rehearsals: how soon a bad release was found, and how soon it was put back
    "timings",
    METADATA,
    sql.Column("flow", sql.String, primary_key=True),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("environment", sql.String, nullable=False, index=True),
    sql.Column("scenario", sql.String, nullable=False),
    sql.Column("commit_sha", sql.String, nullable=False),
    sql.Column("expected", sql.Boolean, nullable=False),
    sql.Column("reason", sql.Text, nullable=False),
    sql.Column("detected", sql.Float),
    sql.Column("recovered", sql.Float),
    sql.Column("moment", sql.Float, nullable=False),
)
CASES = sql.Table(  # what is known of an incident's failure, as the diagnosis reads it
    "cases",
    METADATA,
    sql.Column("incident", sql.String, primary_key=True),
    sql.Column("signature", sql.String, nullable=False),
    sql.Column("document", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
PROPOSALS = sql.Table(  # what came of a cycle's diagnosis: handed from who has the model to who may write
    "proposals",
    METADATA,
    sql.Column("incident", sql.String, primary_key=True),
    sql.Column("cycle", sql.Integer, primary_key=True),
    sql.Column("document", sql.Text, nullable=False),
    sql.Column("patch", sql.LargeBinary, nullable=False),
    sql.Column("transcript", sql.Text, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
FIXES = sql.Table(  # how far a proposal went, and what became of it
    "fixes",
    METADATA,
    sql.Column("incident", sql.String, primary_key=True),
    sql.Column("cycle", sql.Integer, primary_key=True),
    sql.Column("tier", sql.Integer, nullable=False),
    sql.Column("author", sql.String, nullable=False),
    sql.Column("digest", sql.String, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("reference", sql.String, nullable=False),
    sql.Column("commit_sha", sql.String),
    sql.Column("moment", sql.Float, nullable=False),
)
REVERTS = sql.Table(  # commits of main that took a fix back
    "reverts",
    METADATA,
    sql.Column("commit_sha", sql.String, primary_key=True),
    sql.Column("incident", sql.String, nullable=False),
    sql.Column("cycle", sql.Integer, nullable=False),
    sql.Column("moment", sql.Float, nullable=False),
)
SPENDINGS = sql.Table(  # a call of a model: what it may cost at most, set aside before it, and what it did cost
    "spendings",
    METADATA,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("incident", sql.String, nullable=False, index=True),
    sql.Column("cycle", sql.Integer, nullable=False),
    sql.Column("reserved", sql.Float, nullable=False),
    sql.Column("spent", sql.Float),
    sql.Column("moment", sql.Float, nullable=False, index=True),
)
# Where it is Postgres; SQLite has a number of its own for it.
ABOUT = sql.Table("about", METADATA, sql.Column("version", sql.Integer, primary_key=True))
# What a journal of a version from the first number on, and before the second, needs to be the newest one's.
UPGRADES = ((3, 4, "alter table servings drop column migrations"),)

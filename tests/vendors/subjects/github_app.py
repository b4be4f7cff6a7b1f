from __future__ import annotations

from ci.rehearsal.github import APP
from ci.vendors.github.talk import Opinion
from tests.vendors.hostile import Subject
from tests.vendors.subjects.github import SHA, a_run, both, changed, count, opened, read, seeded, write

SUBJECT = Subject(
    name="github as an app",
    stand_in=seeded,
    connect=both,
    secrets=(APP.token,),
    contract="github",
    asked={
        "review": write(
            lambda it: it.app.pulls.review(1, Opinion.APPROVE, "Good.", sha=SHA["feature"]), count("reviews"), opened
        ),
        "run": read(lambda it: it.app.checks.run(40_001), a_run),
        "begin a run": write(a_run, count("runs")),
        "finish a run": write(
            lambda it: it.app.checks.finish(40_001, "success", title="Green", summary="All."),
            changed("runs", "conclusion", "success"),
            a_run,
        ),
    },
)

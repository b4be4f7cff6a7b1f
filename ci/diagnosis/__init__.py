"""From a failure to its cause, and from there to a fix that goes only as far as it may.

facts.py        what is known of a failure, as typed facts
triage.py       a report, or what a gate said, made into facts; no model
places.py       the files and packages that a failure names
bounds.py       since when: the last commit that was well, the first that was not
signature.py    by what the same failure is known again
fixers.py       what a tool's own fix mode repairs, as data
repairs.py      the checks that run fixers in a box, and a second run that proves a flake
agent.py        the loop with a model: it reads, searches, runs the failing check, edits
toolbox.py      what the model may use, over one checkout
quoting.py      text of strangers, as a model gets it
patch.py        a patch as git reads it, and the tree that it makes; what was edited, as a patch
bench.py        a git directory of our own, in which patches are tried
lines.py        what became of a file's lines

Who has the model's key writes nothing outside; who writes decides by code alone, by the gates `tier` and `integrity`.
"""

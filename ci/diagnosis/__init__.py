"""From a failure to its cause, and from there to a fix that goes only as far as it may.

facts.py        what is known of a failure, as typed facts
triage.py       a report, or what a gate said, made into facts; no model
places.py       the files and packages that a failure names
bounds.py       since when: the last commit that was well, the first that was not
signature.py    by what the same failure is known again
fixers.py       what a tool's own fix mode repairs, as data
repairs.py      the checks that run fixers in a box, and a second run that proves a flake
queue.py        which incidents wait for which half of a cycle
worker.py       has those found that wait, on a machine of its own
agent.py        the loop with a model: it reads, searches, runs the failing check, edits
ending.py       how that ended, what was found, what it did cost
problem.py      what the model is told at the start
conversation.py what was said so far, kept below a size
transcript.py   the same to be kept, read by people and played again
budget.py       what a cycle may spend: dollars, calls, time
toolbox.py      what the model may use, over one checkout
tools.py        what each tool takes
checkout.py     files of one directory, and none beside it
secretive.py    names of files that hold secrets
searching.py    lines that a pattern matches
patterns.py     patterns and globs from a model, matched in bounded time
quoting.py      text of strangers, as a model gets it
canary.py       a word by which a model shows that it was where it may not be
patch.py        a patch as git reads it, and the tree that it makes; what was edited, as a patch
bench.py        a git directory of our own, in which patches are tried
contents.py     the files that a patch makes, whole
making.py       a patch of files that a tool wrote
laying.py       files laid out below a fresh checkout
cases.py        what is kept of a failure when its incident is opened, and the facts made of it
cycle.py        one try at mending an incident: what both of its halves work with
finding.py      the first half: limits, the failure again, tools, the model, a proposal
limits.py       what ends the tries
asking.py       the model's part of it
proposed.py     a proposal, read like a stranger's
judging.py      the second half: what the patch does, its tier, its proof, all stages, out
proving.py      what the gates of a fix are shown
trying.py       what a diagnosis has run
seen.py         what a run showed
mainline.py     a commit on top of main's, and main moved to it
publishing.py   main moved to the fix, or a pull request
reverting.py    a fix taken back with which main is red, before the next cycle
taking.py       the commit that takes it back
closing.py      what ends with its incident
following.py    its review, and the promotions that it was for
escalating.py   people told, where nothing mends it
story.py        what was tried so far
lines.py        what became of a file's lines

Who has the model's key writes nothing outside; who writes decides by code alone, by the gates `tier` and `integrity`.
"""

"""GitHub, standing in over a real bare repository: REST, and git over HTTP with the branches' rules held there as well.

server.py       GitHub, the stand-in: who may come in, and where what is answered
state.py        what it knows, and what follows from a branch that moves; `on_push` for the rest of the world
people.py       accounts, tokens, rights, budgets of requests
rules.py        what a branch demands, by protection or by ruleset
bare.py         the repository, through git's own commands; records.py: what these say
merging.py      merges, squashes and rebases in a work tree of their own
asked.py        a request, read
answers.py      refusals and pages in GitHub's shape
accounts.py     bodies: accounts and the repository; shapes.py: what git has; talk.py: issues, pull requests, reviews
refs.py         branches, rules, references      objects.py  blobs, trees, commits, contents
commits.py      commits, comparisons, merges     pulls.py    pull requests; merges.py, queue.py, reviews.py
issues.py       issues, comments, labels         searches.py  the search for issues
checks.py       statuses, check runs             deployments.py  deployments, dispatches
smart.py        clone, fetch and push
"""

from ci.rehearsal.github.people import APP, AUTHOR, PEOPLE, REVIEWER, Person
from ci.rehearsal.github.rules import PROTECTION, RULESET, Rules
from ci.rehearsal.github.server import SLUG, GitHub

__all__ = ["APP", "AUTHOR", "PEOPLE", "PROTECTION", "REVIEWER", "RULESET", "SLUG", "GitHub", "Person", "Rules"]

"""GitHub over REST, in the version of 2022-11-28: https://docs.github.com/en/rest?apiVersion=2022-11-28.

client.py       GitHub, one repository seen with one token; `connect`
dialect.py      GitHub's headers, its errors, and how long it asks to wait
area.py         what its areas share: paths, pages, reads that find nothing, writes that look first
refs.py         branches, what their rules demand, git references
objects.py      files, blobs, trees and commits to be made
commits.py      commits, comparisons, merges of branches
pulls.py        pull requests, whether they merge, reviews
merging.py      merges in the background: the merge queue
issues.py       issues, comments, labels, search
checks.py       commit statuses and check runs: two systems, read together
deployments.py  deployments, their statuses, dispatches
texts.py        marks that make a text ours to find again; GitHub's limits of length
values.py       what comes back of the repository: branches, commits, files, deployments
talk.py         what comes back of people's work: pull requests, reviews, issues, checks

GitHub has no keys for idempotence. A write looks first: for the reference, the open pull request of the same head and
base, the label and the mark in an issue, the comment's mark; references, contents and merges carry the commit that they
count on besides. The index behind the search is late: nothing that writes asks it.
"""

from ci.vendors.github.client import ADDRESS, GitHub, connect

__all__ = ["ADDRESS", "GitHub", "connect"]

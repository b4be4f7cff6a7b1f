"""Sentry, standing in: takes what the real SDKs send, makes issues of it, and answers the questions that gates ask.

application.py  the routes, who may call them, the errors; `Sentry`
asking.py       what all questions have in common: token, period, projects, environments, pages
envelopes.py    what an SDK sends, unpacked
intake.py       what becomes of it: events, spans, sessions, releases
tidying.py      an event without what has the wrong type
spans.py        spans, out of transactions and streams of spans
grouping.py     which events are one issue, and how it is called
store.py        what is known, and when it may be seen: ingestion takes its time
search.py       the query language, as far as it is known here; what is not is refused
columns.py      what a key of a query or a field of a table means in a row
filters.py      a query made ready for rows
aggregates.py   functions over rows
tables.py       rows and functions of them, as a table
series.py       functions of rows over time
issues.py       issues, as they are listed, shown and changed
forms.py        issues in Sentry's form
releases.py     releases, their commits and deploys
sessions.py     release health
shapes.py       organizations, projects, releases and events in Sentry's form
page.py         the issues, for a person
"""

from ci.rehearsal.sentry.application import SCOPES, TOKEN, Sentry

__all__ = ["SCOPES", "TOKEN", "Sentry"]

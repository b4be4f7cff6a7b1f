"""The issues, for a person: a list, and an issue where its permalink leads. All text in them is a stranger's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from jinja2 import Environment
from starlette.responses import HTMLResponse

from ci.rehearsal.sentry.asking import missing, where
from ci.rehearsal.sentry.issues import find, issues_of
from ci.rehearsal.sentry.store import written
from ci.text import clean

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ci.rehearsal.sentry.store import Store

LIST = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Issues of {{ organization }}</title><style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color-scheme: light dark }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid }
pre { overflow-x: auto } .resolved { opacity: .6 }</style>
<h1>Issues of {{ organization }}</h1><p>A stand-in for Sentry: what the applications of this rehearsal sent.</p>
{% if issues %}<table><thead><tr><th>Issue<th>Project<th>Status<th>Events<th>Users<th>First release<th>Last seen
<tbody>
{% for issue in issues %}
<tr class="{{ issue.group.status }}">
<td><a href="{{ link(issue) }}">{{ issue.last.title | clean }}</a>
<br><small>{{ issue.last.culprit | clean }}</small><td>{{ issue.group.project }}
<td>{{ issue.group.status }}<td>{{ issue.rows | length }}
<td>{{ users(issue) }}<td>{{ (issue.first.release or "none") | clean }}
<td>{{ written(issue.last.timestamp) }}{% endfor %}</table>
{% else %}<p>None so far.</p>{% endif %}"""
ONE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ issue.group.short }}</title><style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem;
  color-scheme: light dark }
pre { overflow-x: auto; border: 1px solid; padding: .6rem }</style>
<p><a href="/">All issues</a></p><h1>{{ issue.last.title | clean }}</h1>
<p>{{ issue.group.short }}, {{ issue.group.status }}. {{ issue.rows | length }} events of {{ users(issue) }} users,
first in {{ (issue.first.release or "no release") | clean }}
at {{ written(issue.first.timestamp) }}, last at {{ written(issue.last.timestamp) }}.</p>
<h2>The newest event</h2><p>{{ issue.last.id }} in {{ (issue.last.environment or "no environment") | clean }}</p>
<ul>{% for name, value in issue.last.tags.items() %}<li>{{ name | clean }}: {{ value | clean }}{% endfor %}</ul>
<pre>{{ payload | clean }}</pre>"""


def _templates() -> Environment:
    made = Environment(autoescape=True)
    made.filters["clean"] = lambda text: clean(str(text))
    return made


TEMPLATES = _templates()


def listing(store: Store, request: Request) -> Response:
    """Show all issues, the newest first."""
    issues = sorted(issues_of(store, where(store, request)), key=lambda issue: -issue.last["timestamp"])
    text = TEMPLATES.from_string(LIST).render(
        organization=store.organization,
        issues=issues,
        link=lambda issue: f"/organizations/{store.organization}/issues/{issue.group['id']}/",
        users=lambda issue: len({row["user_key"] for row in issue.rows if row["user_key"]}),
        written=written,
    )
    return HTMLResponse(text)


def showing(store: Store, request: Request) -> Response:
    """Show one issue with its newest event. Raises RefusalError."""
    if request.path_params["organization"] != store.organization:
        raise missing()
    issue = find(store, request.path_params["issue"], where(store, request))
    payload = store.payloads[f"{issue.last['project']} {issue.last['id']}"]
    text = TEMPLATES.from_string(ONE).render(
        issue=issue,
        payload=json.dumps(payload, indent=2, ensure_ascii=False),
        users=lambda issue: len({row["user_key"] for row in issue.rows if row["user_key"]}),
        written=written,
    )
    return HTMLResponse(text)

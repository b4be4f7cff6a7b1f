"""A search for issues, whose index is late, by words and by the qualifiers that are known here; others are refused.

https://docs.github.com/search-github/searching-on-github/searching-issues-and-pull-requests
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse

from ci.rehearsal.github.answers import RefusalError, cut_out, following, unprocessable
from ci.rehearsal.github.talk import Talk

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response

    from ci.rehearsal.github.asked import Asked
    from ci.rehearsal.github.state import State

MOST_FOUND = 1000
PLACES = frozenset({"title", "body", "comments"})
_TERM = re.compile(r'(-?)(?:([A-Za-z-]+):)?(?:"([^"]*)"|(\S+))')


@dataclass(frozen=True, kw_only=True)
class _Term:
    """A word, or a qualifier with its value. `no`: what it means must not be."""

    no: bool
    name: str
    value: str


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """An issue as the index has it. `texts` are its words by where they stand."""

    state: str
    slug: str
    author: str
    labels: frozenset[str]
    is_pull: bool
    is_merged: bool
    texts: dict[str, str]


async def search(asked: Asked) -> Response:
    """Find issues: the index knows of a change a while after it."""
    query, state = asked.query, asked.state
    if not query.get("q"):
        raise _refused("missing")
    terms = list(_terms(query["q"]))
    places = {term.value for term in terms if term.name == "in"} or {"title", "body"}
    known = [number for number, issue in state.issues.items() if time.time() - issue["moment"] >= state.index_after]
    found = [number for number in known if _meets(_seen(state, number), terms, places)]
    part, page, more = cut_out(found, query)
    if (page - 1) * max(len(part), 1) >= MOST_FOUND:
        raise unprocessable("Only the first 1000 search results are available")
    talk = Talk(asked)
    body = {
        "total_count": len(found),
        "incomplete_results": False,
        "search_type": "lexical",
        "items": [{**talk.issue(number), "score": 1.0} for number in part],
    }
    return JSONResponse(body, headers=following(asked.address, query, page, more=more))


def _terms(text: str) -> list[_Term]:
    terms = []
    for sign, name, quoted, word in _TERM.findall(text):
        value = quoted or word
        if name:
            term = _Term(no=bool(sign), name=name.lower(), value=value.lower())
            if term.name not in QUALIFIERS or not QUALIFIERS[term.name][0](term.value):
                raise _refused("invalid")
        else:
            term = _Term(no=False, name="", value=f"{sign}{value}".lower())
        terms.append(term)
    return terms


def _meets(seen: _Seen, terms: list[_Term], places: set[str]) -> bool:
    text = "\n".join(seen.texts[place] for place in sorted(places))
    for term in terms:
        met = QUALIFIERS[term.name][1](seen, term.value) if term.name else term.value in text
        if met == term.no:
            return False
    return True


def _seen(state: State, number: str) -> _Seen:
    issue = state.issues[number]
    said = [comment["body"] for comment in state.comments.values() if comment["number"] == int(number)]
    return _Seen(
        state=issue["state"],
        slug=state.slug.lower(),
        author=issue["author"].lower(),
        labels=frozenset(label.lower() for label in issue["labels"]),
        is_pull=issue["is_pull"],
        is_merged=issue["is_pull"] and state.pulls[number]["merged_at"] is not None,
        texts={
            "title": issue["title"].lower(),
            "body": (issue["body"] or "").lower(),
            "comments": "\n".join(said).lower(),
        },
    )


def _is(seen: _Seen, value: str) -> bool:
    kinds = {
        "issue": not seen.is_pull,
        "pr": seen.is_pull,
        "pull-request": seen.is_pull,
        "merged": seen.is_merged,
        "unmerged": seen.is_pull and not seen.is_merged,
    }
    return kinds.get(value, seen.state == value)


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


def _any(value: str) -> bool:
    return bool(value)


# By name: whether a value is one, and whether an issue meets it. Where to look ("in") decides nothing by itself.
QUALIFIERS: dict[str, tuple[Callable[[str], bool], Callable[[_Seen, str], bool]]] = {
    "is": (_one_of("issue", "pr", "pull-request", "open", "closed", "merged", "unmerged"), _is),
    "type": (_one_of("issue", "pr"), _is),
    "state": (_one_of("open", "closed"), _is),
    "label": (_any, lambda seen, value: value in seen.labels),
    "author": (_any, lambda seen, value: value == seen.author),
    "repo": (_any, lambda seen, value: value == seen.slug),
    "in": (_one_of(*sorted(PLACES)), lambda _seen, _value: True),
}


def _refused(code: str) -> RefusalError:
    errors: list[Any] = [{"resource": "Search", "field": "q", "code": code}]
    return RefusalError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors=errors)

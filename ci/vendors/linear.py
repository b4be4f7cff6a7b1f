"""Linear: issues that say what happened, one for each incident. GraphQL: https://linear.app/developers/graphql.

Linear answers 200 to what it refuses, and 400 to who asks too often: what counts are the errors in the body. An id of
ours makes a write one write: it is derived from the incident's key, so that a repetition finds what is there.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AliasPath, BeforeValidator, Field

from ci.errors import Trouble, VendorError
from ci.vendors import answers
from ci.vendors import linear_words as words
from ci.vendors.adapter import Adapter, ensure
from ci.vendors.answers import Answer, Dialect
from ci.vendors.exchange import Exchange, Patience

if TYPE_CHECKING:
    import httpx

ADDRESS = "https://api.linear.app"
URGENT, HIGH, MEDIUM, LOW = 1, 2, 3, 4  # https://linear.app/docs/priority
LIMITED = "RATELIMITED"
# By the code of an error, or by the type that older answers have in its place.
_TROUBLES = {
    LIMITED: Trouble.LIMITING,
    "LOCK_TIMEOUT": Trouble.LIMITING,
    "AUTHENTICATION_ERROR": Trouble.DENYING,
    "FORBIDDEN": Trouble.DENYING,
    "FEATURE_NOT_ACCESSIBLE": Trouble.DENYING,
    "INTERNAL_SERVER_ERROR": Trouble.BROKEN,
    "INTERNAL_ERROR": Trouble.BROKEN,
}
MISSING = "Entity not found"
MOST_PAGES = 100  # of one question; more would be no answer
_LIMIT = ("remaining", "reset")

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team; `key` is what its issues are named by: ENG-12."""

    id: str
    key: str
    name: str


@dataclass(frozen=True, kw_only=True)
class State:
    """A state of a team's issues. `type` is triage, backlog, unstarted, started, or one of `words.ENDED`."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label; without a team it is the workspace's."""

    id: str
    name: str
    team: Annotated[str | None, BeforeValidator(lambda team: team["id"] if isinstance(team, Mapping) else team)] = None


@dataclass(frozen=True, kw_only=True)
class Issue:
    """An issue. `is_open` is whether somebody still has to do something about it."""

    id: str
    identifier: str
    title: str
    url: str
    state: State
    labels: Annotated[tuple[Label, ...], Field(validation_alias=AliasPath("labels", "nodes"))]
    description: str | None = None
    trashed: bool | None = None

    @property
    def is_open(self) -> bool:
        """Neither done nor given up."""
        return self.state.type not in words.ENDED and not self.trashed


@dataclass(frozen=True, kw_only=True)
class Comment:
    """What was said of an issue."""

    id: str
    body: str
    url: str


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """Where the key works, and as whom."""

    name: Annotated[str, Field(validation_alias=AliasPath("organization", "name"))]
    key: Annotated[str, Field(validation_alias=AliasPath("organization", "urlKey"))]
    user: Annotated[str, Field(validation_alias=AliasPath("viewer", "name"))]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An issue to be made. `description` is Markdown; without a state it is the team's own first one."""

    team: str
    title: str
    description: str
    labels: tuple[str, ...] = ()
    priority: int = HIGH
    state: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Done:
    success: Literal[True]


def derived(key: str) -> str:
    """Return the id of ours for a key: a UUID of version 4 by its looks, the same one each time."""
    return str(uuid.UUID(bytes=hashlib.sha256(key.encode()).digest()[:16], version=4))


def _first(answer: Answer) -> dict[str, Any] | None:
    """Return the first error of an answer."""
    try:
        body = answer.json()
    except ValueError:
        return None
    errors = body.get("errors") if isinstance(body, dict) else None
    if not errors:
        return None
    first = errors[0] if isinstance(errors, list) else None
    return first if isinstance(first, dict) else {}


def _extensions(error: dict[str, Any]) -> dict[str, Any]:
    found = error.get("extensions")
    return found if isinstance(found, dict) else {}


def _codes(error: dict[str, Any]) -> tuple[str, ...]:
    """Return an error's code and its type, both as codes: "ratelimited", "authentication error"."""
    found = [_extensions(error).get(name) for name in ("code", "type")]
    return tuple(each.upper().replace(" ", "_") for each in found if isinstance(each, str))


def _trouble(answer: Answer) -> Trouble | None:
    error = _first(answer)
    if error is None:
        return None
    return next((_TROUBLES[code] for code in _codes(error) if code in _TROUBLES), Trouble.REFUSING)


def _said(answer: Answer) -> tuple[str, str | None]:
    error = _first(answer)
    if error is None:
        return answers.said(answer)
    shown = [_extensions(error).get("userPresentableMessage"), error.get("message")]
    message = ": ".join(dict.fromkeys(each for each in shown if isinstance(each, str) and each))
    return message, next(iter(_codes(error)), None)


def _pause(answer: Answer) -> float | None:
    """Return the seconds until a spent limit is filled up: its reset is in milliseconds since 1970."""
    if (asked := answers.pause(answer)) is not None:
        return asked
    found = []
    for limit in ("requests", "complexity", "endpoint-requests"):
        left, reset = (answers.number(answer.headers.get(f"x-ratelimit-{limit}-{name}", "")) for name in _LIMIT)
        if left is not None and left < 1 and reset is not None:
            found.append(max(0.0, reset / 1000 - time.time()))
    return max(found, default=None)


DIALECT = Dialect(vendor="Linear", said=_said, pause=_pause, trouble=_trouble)


class Linear(Adapter):
    """One workspace, by a personal key."""

    async def workspace(self) -> Workspace:
        """Return where the key works, and as whom. Raises VendorError."""
        return self.exchange.value(await self._ask(words.ORGANIZATION), Workspace, what="the workspace")

    async def team(self, key: str) -> Team | None:
        """Return the team of a key, None where there is none. Raises VendorError."""
        data = await self._ask(words.TEAM, key=key)
        found = self.exchange.value(_inside(data, "teams", "nodes"), tuple[Team, ...], what="the teams")
        return found[0] if found else None

    async def states(self, team: str) -> tuple[State, ...]:
        """Return the states of a team's issues. Raises VendorError."""
        return tuple([each async for each in self._all(words.STATES, "workflowStates", State, team=team)])

    async def label(self, name: str, *, team: str) -> Label | None:
        """Return the team's label of a name, or the workspace's, None where there is none. Raises VendorError."""
        found = [each async for each in self._all(words.LABEL, "issueLabels", Label, name=name)]
        own = [each for each in found if each.team == team]
        return next(iter([*own, *(each for each in found if each.team is None)]), None)

    async def ensure_label(self, name: str, *, team: str) -> Label:
        """Return the label of a name, made where there is none. Raises VendorError."""

        async def make() -> Label:
            made = {"id": derived(f"{team} label {name}"), "name": name, "teamId": team}
            return await self._write(words.ADD_LABEL, "issueLabelCreate", "issueLabel", Label, input=made)

        return await self._once(lambda: self.label(name, team=team), make)

    async def issue(self, identity: str) -> Issue | None:
        """Return an issue by its id or identifier, None where there is none. Raises VendorError."""
        return await self._find(words.FIND, "issue", Issue, identity)

    async def create(self, draft: Draft, *, key: str) -> Issue:
        """Return the issue of a key, made where there is none. Raises VendorError."""
        made: dict[str, Any] = {
            "id": derived(key),
            "teamId": draft.team,
            "title": draft.title,
            "description": draft.description,
            "priority": draft.priority,
            "labelIds": list(draft.labels),
        }
        if draft.state is not None:
            made["stateId"] = draft.state
        return await self._once(
            lambda: self.issue(made["id"]),
            lambda: self._write(words.CREATE, "issueCreate", "issue", Issue, input=made),
        )

    async def move(self, issue: str, *, state: str) -> Issue:
        """Put an issue into a state. Raises VendorError."""
        answer = await self._ask(words.UPDATE, id=issue, input={"stateId": state}, repeatable=True)
        return self._written(answer, "issueUpdate", "issue", Issue)

    async def comment(self, issue: str, body: str, *, key: str) -> Comment:
        """Say something of an issue, in Markdown, once for a key. Raises VendorError."""
        made = {"id": derived(key), "issueId": issue, "body": body}
        return await self._once(
            lambda: self._find(words.COMMENT, "comment", Comment, made["id"]),
            lambda: self._write(words.SAY, "commentCreate", "comment", Comment, input=made),
        )

    async def linked(self, url: str) -> tuple[Issue, ...]:
        """Return the issues to which an address is attached: Sentry's, or a pull request's. Raises VendorError."""
        found = self._all(words.LINKED, "attachmentsForURL", dict[str, Any], url=url)
        return tuple(
            [self.exchange.value(each.get("issue"), Issue, what="an attachment's issue") async for each in found]
        )

    async def link(self, issue: str, *, url: str, title: str) -> None:
        """Attach an address to an issue, once. Raises VendorError."""

        async def look() -> bool | None:
            return True if issue in {each.id for each in await self.linked(url)} else None

        async def attach() -> bool:
            identity = derived(f"{issue} {url}")
            answer = await self._ask(words.LINK, issue=issue, url=url, title=title, id=identity, repeatable=False)
            self.exchange.value(answer.get("attachmentLinkURL"), _Done, what="an attachment")
            return True

        await self._once(look, attach)

    async def open_with(self, label: str, *, team: str) -> tuple[Issue, ...]:
        """Return a team's open issues that carry a label, in no order. Raises VendorError."""
        return tuple([each async for each in self._all(words.OPEN, "issues", Issue, team=team, label=label)])

    async def _once(self, look: Callable[[], Awaitable[T | None]], write: Callable[[], Awaitable[T]]) -> T:
        """As `ensure`; where another process was quicker, the refusal of the second is no failure."""
        try:
            return await ensure(look, write)
        except VendorError as error:
            if error.trouble is Trouble.REFUSING and (found := await look()) is not None:
                return found
            raise

    async def _ask(self, query: str, *, repeatable: bool = True, **variables: Any) -> dict[str, Any]:
        body = {"query": query, "variables": variables}
        answer = await self.exchange.ask("POST", "/graphql", body=body, repeatable=repeatable)
        data: dict[str, Any] = self.exchange.value(
            _inside(answer.json(), "data"), dict[str, Any], what="Linear's answer"
        )
        return data

    async def _find(self, query: str, field: str, kind: type[T], identity: str) -> T | None:
        try:
            data = await self._ask(query, id=identity)
        except VendorError as error:
            if error.trouble is Trouble.REFUSING and MISSING in error.message:
                return None
            raise
        return self.exchange.value(data.get(field), kind, what=f"the {field}")

    async def _all(self, query: str, field: str, kind: type[T], **variables: Any) -> AsyncIterator[T]:
        """Yield what a connection holds, page by page."""
        after: str | None = None
        for _ in range(MOST_PAGES):
            data = await self._ask(query, **variables, after=after)
            for each in self.exchange.value(_inside(data, field, "nodes"), list[Any], what=field):
                yield self.exchange.value(each, kind, what=field)
            page = self.exchange.value(_inside(data, field, "pageInfo"), dict[str, Any], what=field)
            following = page.get("endCursor")
            if page.get("hasNextPage") is not True or not isinstance(following, str):
                return
            if following == after:
                break
            after = following
        raise self.exchange.wrong(field, "its pages have no end")

    async def _write(self, query: str, field: str, inner: str, kind: type[T], **variables: Any) -> T:
        return self._written(await self._ask(query, **variables, repeatable=False), field, inner, kind)

    def _written(self, data: dict[str, Any], field: str, inner: str, kind: type[T]) -> T:
        self.exchange.value(data.get(field), _Done, what=field)
        return self.exchange.value(_inside(data, field, inner), kind, what=field)


def connect(
    key: str,
    *,
    address: str = ADDRESS,
    patience: Patience | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Linear:
    """Return the client of a workspace, by a personal key: it goes without the word Bearer."""
    authorization = {"authorization": key}
    return Linear(Exchange(DIALECT, address, authorization=authorization, patience=patience, transport=transport))


def _inside(value: Any, *names: str) -> Any:
    """Return what lies at a path of names, None where the path does not lead there."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value

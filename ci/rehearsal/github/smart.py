"""Git over HTTP: clone, fetch and push, by git's own programs, held to the rules of the branches.

https://git-scm.com/docs/http-protocol. What can be said of a push before its objects are there is decided here and told
to a hook, which asks git for the rest: whether a branch goes forward, whether there are merges.
"""

from __future__ import annotations

import gzip
import zlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from ci.rehearsal.github.answers import RefusalError
from ci.rehearsal.github.bare import NOTHING
from ci.rehearsal.github.state import HEADS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from ci.rehearsal.github.people import Person
    from ci.rehearsal.github.state import State

SERVICES = ("git-upload-pack", "git-receive-pack")
FLUSH = b"0000"
UNSTORED = {"cache-control": "no-cache, max-age=0, must-revalidate"}
# $1 is the reference, $2 and $3 the commits before and after. Git shows what it says to whoever pushes.
HOOK = """#!/bin/sh
refuse() {
  echo "error: GH006: Protected branch update failed for $1." >&2
  echo "error: $2" >&2
  exit 1
}
nothing=0000000000000000000000000000000000000000
tab=$(printf '\\t')
refused=$(printf '%s\\n' "$SHIPWAY_REFUSED" | grep -F -m 1 "$1$tab" | cut -f 2)
[ -z "$refused" ] || refuse "$1" "$refused"
[ "$2" != "$nothing" ] && [ "$3" != "$nothing" ] || exit 0
case " $SHIPWAY_FORWARD " in
  *" $1 "*) git merge-base --is-ancestor "$2" "$3" || refuse "$1" "Cannot force-push to this branch" ;;
esac
case " $SHIPWAY_LINEAR " in
  *" $1 "*)
    [ -z "$(git rev-list --merges -n 1 "$3" "^$2")" ] || refuse "$1" "This branch must not contain merge commits."
    ;;
esac
"""


class Smart:
    """Git's way to the repository of a state."""

    def __init__(self, state: State) -> None:
        """Have git ask for the rules when it is pushed to."""
        self.state = state
        state.bare.hook("update", HOOK)

    async def advertise(self, request: Request) -> Response:
        """Say which references there are."""
        service = request.query_params.get("service", "")
        self._let_in(request, service)
        done = await self._git(service, request, "--advertise-refs")
        head = b"" if _protocol(request) == "version=2" else _line(f"# service={service}\n".encode()) + FLUSH
        return Response(head + done, media_type=f"application/x-{service}-advertisement", headers=UNSTORED)

    async def serve(self, request: Request) -> Response:
        """Give objects, or take them."""
        service = request.url.path.rpartition("/")[2]
        person = self._let_in(request, service)
        body = await request.body()
        if request.headers.get("content-encoding") == "gzip":
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error):
                return Response(status_code=HTTPStatus.BAD_REQUEST)
        if service == SERVICES[0]:
            done = await self._git(service, request, stdin=body)
        else:
            async with self.state.lock:
                await self.state.settle()
                done = await self._receive(request, body, person)
        return Response(done, media_type=f"application/x-{service}-result", headers=UNSTORED)

    async def _receive(self, request: Request, body: bytes, person: Person) -> bytes:
        before = self.state.bare.refs(HEADS)
        environment = self._decided(body, person)
        done = await self._git(SERVICES[1], request, stdin=body, environment=environment)
        after = self.state.bare.refs(HEADS)
        for name in sorted({*before, *after}):
            if before.get(name) != after.get(name):
                await self.state.moved(name.removeprefix(HEADS), before.get(name), after.get(name), person)
        return done

    def _decided(self, body: bytes, person: Person) -> dict[str, str]:
        """Return what the hook is told of the branches that are to move."""
        refused, forward, linear = [], [], []
        for old, new, name in _commands(body):
            for rules in self.state.rules(name.removeprefix(HEADS), person=person):
                reasons = []
                if new == NOTHING:
                    reasons = [] if rules.deletions else ["Cannot delete this branch"]
                elif old != NOTHING:
                    reasons = list(rules.against_push(lambda context, sha=new: self.state.standing(sha, context)))  # type: ignore[misc]
                    forward += [] if rules.force_pushes else [name]
                    linear += [name] if rules.linear else []
                refused += [f"{name}\t{reason}" for reason in reasons]
        told = {"REFUSED": "\n".join(refused), "FORWARD": " ".join(forward), "LINEAR": " ".join(linear)}
        return {f"SHIPWAY_{name}": value for name, value in told.items()}

    async def _git(
        self,
        service: str,
        request: Request,
        *flags: str,
        stdin: bytes | None = None,
        environment: dict[str, str] | None = None,
    ) -> bytes:
        words = {**(environment or {}), **({"GIT_PROTOCOL": found} if (found := _protocol(request)) else {})}
        name, path = service.removeprefix("git-"), str(self.state.bare.path)
        done = await self.state.bare.git(name, "--stateless-rpc", *flags, path, stdin=stdin, environment=words)
        return done.stdout  # what went wrong stands in it, in git's own words

    def _let_in(self, request: Request, service: str) -> Person:
        if service not in SERVICES:
            raise RefusalError(HTTPStatus.FORBIDDEN, "Please upgrade your git client.")
        challenge = {"www-authenticate": 'Basic realm="GitHub"'}
        try:
            person = self.state.gate.of_header(request.headers.get("authorization", ""))
        except RefusalError as error:
            error.headers = challenge
            raise
        if person is None:
            raise RefusalError(HTTPStatus.UNAUTHORIZED, "No anonymous access.", headers=challenge)
        if service == SERVICES[1] and not person.may_write:
            raise RefusalError(HTTPStatus.FORBIDDEN, f"Permission to {self.state.slug}.git denied to {person.login}.")
        return person


def _protocol(request: Request) -> str:
    """Return the version that the client asks for; it goes into an environment, so that it is one that git knows."""
    found = request.headers.get("git-protocol", "")
    return found if found in {"version=1", "version=2"} else ""


def _commands(body: bytes) -> Iterator[tuple[str, str, str]]:
    """Yield which references are to move, from where to where: the lines before the objects."""
    place = 0
    while place + 4 <= len(body):
        try:
            length = int(body[place : place + 4], 16)
        except ValueError:
            return
        if length == 0:
            return
        line = body[place + 4 : place + length].partition(b"\0")[0].decode(errors="replace").strip()
        place += max(length, 4)
        fields = line.split(" ", 2)
        if len(fields) == 3 and len(fields[0]) == len(NOTHING):  # noqa: PLR2004 - before, after, name
            yield fields[0], fields[1], fields[2]


def _line(content: bytes) -> bytes:
    return f"{len(content) + 4:04x}".encode() + content

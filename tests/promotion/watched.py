"""A release to watch: a Sentry that stands in, a small app that answers, and what real users did, planted beforehand.

watched.py DIRECTORY TIMES is a process of its own over the same journal and the same Sentry, which is up: users are
moved as soon as it is there; it watches, and is killed behind so many looks.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ci import config
from ci.journal import Journal
from ci.promotion.connected import connected
from ci.promotion.watch.looking import Subject
from ci.promotion.watch.watching import watch
from ci.rehearsal import sentry as standing_in
from ci.rehearsal.sentry.envelopes import parse
from ci.rehearsal.sentry.intake import take
from ci.rehearsal.serving import serving
from ci.vendors import sentry
from ci.vendors.exchange import Patience
from tests.promotion import toy
from tests.vendors.envelopes import error, packed, transaction

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from ci.journal import Look
    from ci.promotion.connected import Connected

OLD, NEW = "a" * 40, "b" * 40
LOOKS = 4
SETTINGS = """
[[apps]]
name = "api"
path = "."

[watch]
warm_up = 0.2
window = {window}
extended = {extended}
looks = 4
armed = 30
every = 1
lag = 0.3
alive = {alive}
baseline = 600
target = 0.5
app = "api"
{more}

[[watch.before]]
path = "/sign-in"
headers = {{ Authorization = "{{secret:KEY}}" }}
capture = {{ id = "json:id" }}
[[watch.routes]]
name = "mine"
path = "/of/{{id}}"

[environments.production]
addresses = {{ api = "{app}" }}
[environments.production.smoke]
secrets = {{ KEY = "file://{directory}/key" }}
[environments.production.sentry]
token = "file://{directory}/token"
organization = "acme"
projects = ["api"]
address = "{sentry}"
dsn = "file://{directory}/{dsn}"
"""
PLANTING = 1.0  # seconds
QUICK = Patience(request=15, whole=20, first=0.01, tries=2)


@dataclass(kw_only=True)
class App:
    """What users are served. `seen` are the headers of each request; `counts` is what its counter answers."""

    seconds: float = 0.0
    status: int = 200
    counts: dict[str, Any] = field(default_factory=dict)
    seen: list[dict[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def application(self) -> Starlette:
        """As it is served."""
        paths = ("/sign-in", "/of/{id}", "/counts")
        return Starlette(routes=[Route(path, self._answer) for path in paths])

    async def _answer(self, request: Request) -> Response:
        self.seen.append(dict(request.headers))
        self.asked.append(str(request.url.query))
        if request.url.path == "/counts":
            return JSONResponse(self.counts)
        if request.url.path == "/sign-in":
            known = request.headers.get("authorization") == "the key"
            return JSONResponse({"id": 7}, 200 if known else 401)
        await anyio.sleep(self.seconds)
        return JSONResponse({}, self.status)


@dataclass(frozen=True, kw_only=True)
class World:
    """What is there while it is up."""

    directory: Path
    sentry: standing_in.Sentry
    app: App
    made: Connected

    @property
    def journal(self) -> Journal:
        """The journal beside it."""
        return Journal.local(self.directory / "work", directory=self.directory / "journal")

    def subject(self, flow: str = "flow", *, more: str = "", **facts: Any) -> Subject:
        """Return the new release, moved to in a moment, with a baseline of 24 errors in 2,000 requests."""
        return Subject(
            flow=flow,
            commit=NEW,
            releases=(NEW,),
            switched=time.time() + PLANTING,
            baseline={**BEFORE, "since": time.time() - 3600, "until": time.time(), **facts},
            settings=self.settings(more),
            made=self.made,
            journal=self.journal,
            root=self.directory,
        )

    def settings(self, more: str = "") -> Any:
        """Return those of the world, with more of [watch]; what is said twice is replaced."""
        text = (self.directory / "shipway.toml").read_text()
        for line in filter(None, more.splitlines()):
            name = line.partition(" =")[0]
            kept = [each for each in text.splitlines() if not each.startswith(f"{name} =")]
            text = "\n".join(kept).replace("[watch]\n", f"[watch]\n{line}\n")
        return config.loads(text)

    def plant(self, *items: tuple[str, dict[str, Any]], project: str = "api") -> None:
        """Have them come in now, whenever they are said to have happened."""
        store = self.sentry.store
        for item in items:
            take(store, store.projects[project], parse(packed(item)))

    def plant_requests(self, subject: Subject, count: int, *, slow: int = 0, **more: Any) -> None:
        """Spread so many requests of users over the window, slow ones among them."""
        for place in range(count):
            milliseconds = 900 if place * slow // count < (place + 1) * slow // count else 20
            moment = subject.plan.begins + (place + 0.5) / count * subject.settings.watch.extended
            told: dict[str, Any] = {
                "release": NEW,
                "user": {"id": f"u{place % 20}"},
                "spans": [],
                "timestamp": moment,
                **more,
            }
            self.plant(("transaction", transaction(milliseconds=milliseconds, **told)))

    def plant_errors(
        self, subject: Subject, count: int, *, users: int = 10, kind: str = "TypeError", **more: Any
    ) -> None:
        """Spread so many errors over the window, among so many users."""
        for place in range(count):
            moment = subject.plan.begins + (place + 0.5) / count * subject.settings.watch.window
            told: dict[str, Any] = {"release": NEW, "user": {"id": f"u{place % users}"}, "timestamp": moment, **more}
            self.plant(("event", error(kind, **told)))


BEFORE: dict[str, Any] = {
    "source": "Sentry spans",
    "connected": True,
    "releases": [OLD],
    "errors": {"errors": 24, "users": 12},
    "requests": {"requests": 2000, "slow": 20},
    "users": 40,
    "notices": [],
}


@contextlib.asynccontextmanager
async def world(
    directory: Path,
    *,
    window: float = 2.0,
    extended: float = 3.0,
    alive: float = 30.0,
    dsn: str = "dsn",
    more: str = "",
) -> AsyncIterator[World]:
    """Give a world in which the old release has had an error of the usual kind."""
    made, app = standing_in.Sentry(directory), App()
    async with serving(made) as address, serving(app.application) as at:
        for name, value in {
            "token": standing_in.TOKEN,
            "key": "the key",
            "dsn": made.dsn(address, "api"),
            "other-dsn": made.dsn(address, "web"),
        }.items():
            (directory / name).write_text(value)
        words: dict[str, Any] = {"window": window, "extended": extended, "alive": alive, "dsn": dsn, "more": more}
        text = SETTINGS.format(app=at, directory=directory, sentry=address, **words)
        (directory / "shipway.toml").write_text(text)
        async with (
            connected(config.loads(text), "production", root=directory) as services,
            sentry.connect(standing_in.TOKEN, "acme", address=address, patience=QUICK) as client,
        ):
            quick = dataclasses.replace(services, sentry=client)
            place = World(directory=directory, sentry=made, app=app, made=quick)
            place.plant(("event", error(release=OLD, timestamp=time.time() - 300, user={"id": "u1"})))
            yield place


def outline(looks: tuple[Look, ...]) -> list[tuple[str, int, float]]:
    """Return looks without what was seen."""
    return [(each.kind, each.number, each.moment) for each in looks]


def main() -> None:
    """Watch in a world that is up, and be killed behind so many looks."""
    directory, times = Path(sys.argv[1]), int(sys.argv[2])
    told = json.loads((directory / "subject.json").read_text())
    switched = time.time() + 0.3
    (directory / "switched").write_text(repr(switched))
    settings = config.load(directory)
    journal = Journal.local(directory / "work", directory=directory / "journal")

    def heard(made: Look) -> None:
        if made.kind == "window" and len(journal.looks.of(made.flow, "window")) == times:
            os.kill(os.getpid(), signal.SIGKILL)

    async def play() -> None:
        async with connected(settings, "production", root=directory) as made:
            told["releases"] = tuple(told["releases"])
            about: dict[str, Any] = {
                "settings": settings,
                "made": made,
                "journal": journal,
                "root": directory,
                "switched": switched,
            }
            subject = Subject(**told, **about)
            await watch(subject, toy.Quiet())

    journal.looks.heard = heard
    anyio.run(play)


if __name__ == "__main__":
    main()

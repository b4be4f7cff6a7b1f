"""A town whose production is released to again and again: scenes, one after the other, each with a commit of its own.

Its watch is short. The app counts its requests by itself, from what a scene says of them; Sentry sees what a scene
plants. People are told by mail, page and issue.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import httpx
from anyio.from_thread import start_blocking_portal

from ci.journal import State
from ci.journal.releases import Proof
from ci.promoted import exit_code, report_of
from ci.promotion import production
from ci.promotion.adopting import adopt
from ci.promotion.carrying import abort, begin, carry_on
from ci.promotion.flow import RESULT
from ci.promotion.work import Asked, What
from ci.rehearsal import pagerduty, resend
from ci.rehearsal.github import PEOPLE as HANDS
from ci.rehearsal.sentry.envelopes import parse
from ci.rehearsal.sentry.intake import take
from ci.rehearsal.serving import serving
from ci.vendors.exchange import Patience
from tests.promotion import toy
from tests.promotion.table import Table
from tests.promotion.town import Town, promotion, town
from tests.promotion.townplan import APPS, SKIPPED
from tests.rehearsal.vercel_world import TOKEN
from tests.vendors.envelopes import error, packed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

    from ci.errors import ExitCode
    from ci.journal import Entry, Flow, Journal
    from ci.model import RunReport
    from ci.promotion.flow import Ended
    from ci.promotion.promoting import Promotion

QUICK = Patience(request=5.0, whole=10.0, first=0.01, tries=2)
WATCH = (0.8, 1.6, 2.0)  # window, extended, armed
WARM_UP = 0.1
BEFORE = 2400  # requests before a release, in all
PEOPLE = """
[environments.production.notify]
issues = "github"
[environments.production.notify.email]
from = "shipway@receipts.test"
to = ["team@acme.test"]
resend = {{ key = "file://{secrets}/resend", address = "{resend}" }}
[environments.production.notify.pagerduty]
key = "file://{secrets}/pagerduty"
address = "{pagerduty}/v2"
"""
COUNTER = 'counter = { app = "api", path = "/requests?since={since}&until={until}" }'
ROUTES = 'routes = [{ name = "list", path = "/list" }]'


class Hearing(toy.Quiet):
    """Keeps what is said."""

    def __init__(self) -> None:
        """Have heard nothing."""
        self.notes: list[str] = []

    def note(self, line: str) -> None:
        """Keep it."""
        self.notes.append(line)


@dataclass(frozen=True, kw_only=True)
class Played:
    """A promotion as far as it went, with what was said of it, and its report."""

    ended: Ended
    report: RunReport
    notes: list[str]

    @property
    def code(self) -> ExitCode:
        """What the process ends with."""
        return exit_code(self.ended)

    @property
    def refused(self) -> str:
        """Which step said no, and why; nothing where none did."""
        refusal = self.ended.refusal
        return f"{refusal.step}: {refusal.message}" if refusal else ""


@dataclass(kw_only=True)
class Released:
    """The town, and who is told. `text` is its shipway.toml as it was."""

    town: Town
    resend: resend.Resend
    pager: pagerduty.PagerDuty
    text: str
    served: str = ""  # what users get between two scenes
    known: set[str] = field(default_factory=set)  # what was told before a scene

    @property
    def journal(self) -> Journal:
        """The journal, opened anew."""
        return self.town.journal

    # --- between two scenes ---------------------------------------------------------------------------

    async def settle(self) -> None:
        """Take back whatever a scene left behind that would bar or bend the next one."""
        place = self.town
        for each in (place.vercel, place.sentry, place.github, self.resend, self.pager):
            each.faults.clear()
        (place.root / "shipway.toml").write_text(self.text)
        for left in (place.directory / "outages").iterdir():
            left.unlink()
        await anyio.to_thread.run_sync(self.close_issues)
        for app in APPS:
            place.vercel.set_project(f"live-{app}", creating="disabled")
        for shelf in (place.sentry.store.events, place.sentry.store.groups):
            shelf.clear()
        self._forget()
        (self.served,) = await self.serves()
        newest = self.journal.releases.of("production")[0]
        if newest.commit == self.served:  # held, or ended in its window: the next scene goes back to it
            self.journal.releases.move(newest.flow, Proof.GOOD)
        self.known = set(self.told())

    def _forget(self) -> None:
        """Have nothing go on, bar anything or wait to be told."""
        journal = self.journal
        for flow in journal.flows.recent():
            if flow.is_open:
                abort(journal, flow, "the scene is over")
                journal.flows.move(flow.id, State.ABORTED)
        for incident in journal.incidents.going_on():
            journal.incidents.close(incident.id)
        for pin in journal.bars.pins():
            journal.bars.unpin(pin.commit)
        journal.bars.unfreeze("production")
        for environment in journal.notices.environments():
            for notice in journal.notices.waiting(environment):
                journal.notices.failed(notice, "the scene is over", over=True)

    # --- what a scene does ------------------------------------------------------------------------------

    async def candidate(self, message: str = "a release", **files: str) -> str:
        """Push a commit, and have it proven without staging: its report is told by a table."""
        commit = self.town.push(message, **files)
        await Table(journal=self.journal).run(Asked(what=What.STAGES, commit=commit, environment="staging"))
        return commit

    def behave(self, commit: str, *apps: str, **how: Any) -> None:
        """Have a commit's apps behave so, where users are: `cold`, `slow`, `drops`, `says`."""
        at = [self.addresses[each].removeprefix("http://") for each in apps or APPS]
        self.keep(f"{commit}.json", {"at": at, **how})

    def keep(self, name: str, document: Any) -> None:
        """Have the apps read it, whole."""
        outages = self.town.directory / "outages"
        (self.town.directory / "kept").write_text(json.dumps(document))
        (self.town.directory / "kept").rename(outages / name)

    def watch(self, *lines: str, **sentry: str) -> None:
        """Set lines of [watch], and of production's [sentry]."""
        settings = self.town.root / "shipway.toml"
        text = settings.read_text()
        for line in lines:
            name = line.partition(" =")[0]
            text = re.sub(rf"(?m)^{name} = .*\n", "", text).replace("[watch]\n", f"[watch]\n{line}\n")
        for name, value in sentry.items():
            head = "[environments.production.sentry]\n"
            kept, _, own = text.partition(head)
            text = f"{kept}{head}" + re.sub(rf"(?m)^{name} = .*$", f'{name} = "{value}"', own)
        settings.write_text(text)

    def live(self, *, errors: int, kind: str) -> None:
        """Have the release before been used for a while, by several users who met so many errors of a kind."""
        moved = self.journal.servings.of("production")[-1].moment
        time.sleep(max(0.0, moved + WARM_UP + 0.5 - time.time()))  # what came sooner after a move counts for nothing
        moment = time.time() - 0.3
        self.keep("requests", [(moment, BEFORE, 0)])
        self.fail(self.served, errors, begins=moment, within=0.0, kind=kind)

    def requests(self, count: int, *, begins: float, slow: int = 0) -> None:
        """Have the app count so many requests more, spread over its watch from `begins` on."""
        known = self.town.directory / "outages" / "requests"
        found = json.loads(known.read_text()) if known.exists() else []
        parts = 20
        for part in range(parts):
            share = [each * (part + 1) // parts - each * part // parts for each in (count, slow)]
            found.append((begins + part * WATCH[1] / parts, *share))
        self.keep("requests", found)

    def fail(
        self, commit: str, count: int, *, begins: float, within: float = WATCH[0], users: int = 10, kind: str
    ) -> None:
        """Have users meet so many errors of a kind in a release, spread over a time from `begins` on."""
        store = self.town.sentry.store
        for place in range(count):
            moment = begins + (place + 0.5) / count * within
            told: dict[str, Any] = {"release": commit, "user": {"id": f"u{place % users}"}, "timestamp": moment}
            take(store, store.projects["api"], parse(packed(("event", error(kind, **told)))))

    def lose(self, commit: str) -> None:
        """Have a commit fail all points where users are."""
        (self.town.directory / "outages" / f"{commit}-at").write_text(
            " ".join(each.removeprefix("http://") for each in self.addresses.values())
        )

    def open_issue(self, label: str) -> None:
        """Open an issue of that label, as a person does."""
        self._as_person("POST", "", {"title": "stop", "body": "we look into it", "labels": [label]})

    def close_issues(self) -> None:
        """Close all issues by which promotions are stopped, as a person does."""
        for number, issue in self.town.github.state.issues.items():
            if issue["state"] == "open" and {"shipway:stop", "shipway:stop-all"} & set(issue["labels"]):
                self._as_person("PATCH", f"/{number}", {"state": "closed"})

    def _as_person(self, method: str, path: str, told: dict[str, Any]) -> None:
        head = {"authorization": f"Bearer {HANDS[0].token}"}
        hub = self.town.settings.github
        assert hub is not None
        url = f"{hub.address}/repos/{hub.repository}/issues{path}"
        httpx.request(method, url, json=told, headers=head, trust_env=False).raise_for_status()

    def project(self, app: str) -> dict[str, Any]:
        """What Vercel has of an app's production."""
        found = self.town.vercel.account.project(f"live-{app}")
        assert found is not None
        return found

    def move(self, app: str, deployment: str) -> None:
        """Have an app's users moved to a deployment of it, as a person does at Vercel who stays until it is done."""
        house = self.town.settings.environments.production.vercel
        assert house is not None
        path = f"/v10/projects/{self.project(app)['id']}/promote/{deployment}?teamId={house.team}"
        head = {"authorization": f"Bearer {TOKEN}"}
        began, late = self.town.vercel.account.now(), time.monotonic() + 60
        httpx.post(f"{house.address}{path}", json={}, headers=head, trust_env=False).raise_for_status()
        while not is_done(self.project(app)["request"], "promote", since=began):
            assert time.monotonic() < late, f"{app} is not moved"
            time.sleep(0.01)  # it stands in a file

    async def promote(
        self,
        commit: str,
        *,
        once: dict[str, Callable[[Flow], None]] | None = None,
        wait: bool = True,
        skip_soak: str = SKIPPED,
    ) -> Played:
        """Promote to production as far as it goes. `once` does something behind the result of a step."""
        journal = self.journal

        def heard(entry: Entry) -> None:
            if entry.kind == RESULT and entry.step in (once or {}):
                (once or {})[entry.step](journal.flows.flow(entry.flow))

        journal.flows.heard = heard
        flow = begin(journal, "production", commit, skip_soak=skip_soak)
        return await self.carry(flow, journal, wait=wait)

    async def carry(self, flow: Flow, journal: Journal | None = None, *, wait: bool = True) -> Played:
        """Carry one on, as another process does."""
        journal, hearing = journal or self.journal, Hearing()
        place = self.town
        async with promotion(place.root, journal, flow.commit, environment="production") as (made, fence):
            hurry(made)
            ended = await carry_on(made, flow, fence, hearing, wait=wait)
            order = production.ROUTE.order(made)
        report = report_of(ended, journal, repository="town", order=order)
        return Played(ended=ended, report=report, notes=hearing.notes)

    # --- what came of it ----------------------------------------------------------------------------------

    @property
    def addresses(self) -> dict[str, str]:
        """Where users are, by app."""
        return dict(self.town.settings.environments.production.addresses)

    async def serves(self) -> set[str]:
        """Which commits users get."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
            return {(await client.get(f"{self.addresses[name]}/version")).json()["commit"] for name in APPS}

    def proof(self, commit: str) -> Proof | None:
        """How far a commit's newest release is proven; None where it was never switched to."""
        return next((each.state for each in self.journal.releases.of("production") if each.commit == commit), None)

    def told(self) -> list[str]:
        """All that people got: "mail: its subject", "page: its summary", "issue: its title"."""
        mails = [f"mail: {each['subject']}" for each in self.resend.mails.values()]
        pages = [f"page: {each['summary']}" for each in self.pager.incidents.values()]
        issues = [
            f"issue: {each['title']} #{number}"
            for number, each in self.town.github.state.issues.items()
            if "shipway:incident" in each["labels"]
        ]
        return [*mails, *pages, *issues]

    def news(self) -> list[str]:
        """What people got since the scene began, without the issues' numbers."""
        return sorted(each.partition(" #")[0] for each in self.told() if each not in self.known)


def begins(place: Released, flow: Flow) -> float:
    """When the watch of a flow that has switched begins to count."""
    return float(place.journal.flows.results(flow.id)["switch"]["at"]) + WARM_UP


def hurry(made: Promotion) -> None:
    """Have little patience with whoever watches and tells."""
    for each in (made.made.sentry, made.made.mail, made.made.pagerduty):
        if (exchange := getattr(each, "exchange", None)) is not None:
            exchange.patience = QUICK


@contextlib.asynccontextmanager
async def released(directory: Path) -> AsyncIterator[Released]:
    """Give a town whose production serves the first commit, which is adopted."""
    mails, pager = resend.Resend(directory, rate=10_000), pagerduty.PagerDuty(directory)
    async with (
        town(directory, live=True, apart=0.001, watch=WATCH) as place,
        serving(mails) as post,
        serving(pager) as pages,
    ):
        secrets, toml = directory / "secrets", place.root / "shipway.toml"
        monitor = place.settings.environments.production.sentry
        assert monitor is not None
        for name, value in {
            "resend": next(iter(resend.KEYS)),
            "pagerduty": "e0" + "k" * 30,
            "dsn": place.sentry.dsn(monitor.address, "api"),
            "other-dsn": place.sentry.dsn(monitor.address, "web"),
        }.items():
            (secrets / name).write_text(value)
        toml.write_text(toml.read_text() + PEOPLE.format(secrets=secrets, resend=post, pagerduty=pages))
        for environment in ("production", "staging"):
            await place.record(environment)
        async with promotion(place.root, place.journal, place.first, environment="production") as (made, _):
            names = ("settings", "journal", "platform", "history")
            await adopt("production", **{name: getattr(made, name) for name in names})
        yield Released(town=place, resend=mails, pager=pager, text=toml.read_text())


class Lender:
    """Lends one such town to one test after the other; after one that failed the next gets another town."""

    def __init__(self, directory: Path) -> None:
        """Have none yet."""
        self._directory = directory
        self._stack = contextlib.ExitStack()
        self._lent: Released | None = None
        self._number = 0

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Be there while the block lasts."""
        with start_blocking_portal() as self._portal, self._stack:
            yield

    def play(self, scene: Callable[[Released], Awaitable[None]], *, last: bool = False) -> None:
        """Play a scene in the town as it is between scenes; the `last` one leaves a town that nobody wants."""
        place = self._lent
        if place is None:
            self._stack.close()
            self._number += 1
            made = released(self._directory / str(self._number))
            place = self._stack.enter_context(self._portal.wrap_async_context_manager(made))
        self._lent = None

        async def run() -> None:
            await place.settle()
            with anyio.fail_after(240):
                await scene(place)

        self._portal.call(run)
        self._lent = None if last else place


def is_done(request: dict[str, Any], kind: str, *, since: int) -> bool:
    """Whether Vercel is done with a move of that kind that it was asked for since then."""
    return bool(request["requestedAt"] > since and (request["type"], request["jobStatus"]) == (kind, "succeeded"))

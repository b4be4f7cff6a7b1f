"""A small town to promote in: GitHub, Vercel and Neon stand in, two apps in Python are served, nothing is built.

What a promotion has run on a commit is told by a table. So a whole promotion takes seconds, and can be killed often.

town.py ENVIRONMENT DIRECTORY COMMIT WHERE [RED...] is a process of its own in a town that is up: it promotes, and is
killed behind an entry of the journal, which is told by its number or as STEP/result.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import httpx

from ci import config
from ci.journal import Journal, leases
from ci.promotion.carrying import Fence, begin, carry_on
from ci.promotion.connected import connected
from ci.promotion.footprint import isolate
from ci.promotion.history import History
from ci.promotion.promoting import Promotion
from ci.promotion.work import What
from ci.rehearsal import sentry
from ci.rehearsal.github import GitHub as GitHubStandIn
from ci.rehearsal.neon import standing
from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import Stripe
from ci.rehearsal.vercel import Project
from ci.rehearsal.vercel import Vercel as VercelStandIn
from ci.vendors.adapter import Adapter
from ci.vendors.pace import Pace
from ci.vendors.vercel.platform import VercelPlatform
from tests.conftest import IDENTITY
from tests.promotion import toy
from tests.promotion.people import people
from tests.promotion.table import Table
from tests.promotion.townplan import APPS, FIRST, LIVE, LIVE_NEON, LIVE_PROJECT, SECRETS, SERVER, SETTINGS, SKIPPED
from tests.rehearsal.vercel_world import TOKEN, clone
from tests.vendors.envelopes import error, packed
from tests.vendors.subjects import neon

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ci.journal import Entry, Flow
    from ci.promotion.connected import Connected
    from ci.promotion.flow import Ended
    from ci.promotion.work import Work
    from ci.rehearsal.neon import Neon as NeonStandIn
    from ci.settings import Settings
    from ci.vendors.exchange import Patience
    from tests.promotion.people import People


@dataclass(frozen=True, kw_only=True)
class Town:
    """What is there while it is up. `first` is served, `second` is main's newest."""

    directory: Path
    root: Path
    github: GitHubStandIn
    vercel: VercelStandIn
    neon: NeonStandIn
    sentry: sentry.Sentry
    stripe: Stripe
    first: str
    second: str
    people: People | None = None

    @property
    def journal(self) -> Journal:
        """The journal beside it."""
        return opened(self.directory)

    @property
    def settings(self) -> Settings:
        """Those of the workspace."""
        return config.load(self.root)

    def git(self, *arguments: str) -> str:
        """Run git in the workspace."""
        done = subprocess.run(["git", *IDENTITY, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def push(self, message: str, branch: str = "main", **files: str) -> str:
        """Commit files and push them to a branch; return the commit."""
        for name, text in files.items():
            (self.root / name).parent.mkdir(exist_ok=True)
            (self.root / name).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        self.git("push", "-q", str(self.github.state.bare.path), f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def branches(self) -> dict[str, str]:
        """The branches at GitHub with their commits."""
        bare = ["git", f"--git-dir={self.github.state.bare.path}"]
        text = subprocess.run(
            [*bare, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return dict(line.split() for line in text.splitlines())

    def tree(self, name: str) -> str:
        """The tree of a commit or branch at GitHub."""
        bare = ["git", f"--git-dir={self.github.state.bare.path}"]
        done = subprocess.run([*bare, "rev-parse", f"{name}^{{tree}}"], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    async def record(self, environment: str, journal: Journal | None = None) -> None:
        """Record what an environment has, as its own process does."""
        async with connected(self.settings, environment, root=self.root) as made:
            await isolate(self.settings, made, journal or self.journal, rehearsal=True)

    def made(self) -> dict[str, Any]:
        """What there is at the vendors, counted: the same, however often somebody was killed on the way."""
        calls = self.github.state
        return {
            "branches": sorted(self.branches()),
            "pulls": len(calls.pulls),
            "comments": len(calls.comments),
            "deployments": len(self.vercel.account.deployments),
            "neon": sorted(neon.names(self.neon)),
        }


def fail(directory: Path, commit: str, *, users: int = 4) -> None:
    """Have so many users of production meet an error of the release that nobody saw before."""
    at = urlsplit((directory / "secrets/dsn").read_text())
    head = {"x-sentry-auth": f"Sentry sentry_version=7, sentry_key={at.username}"}
    own = "".join(chr(ord("a") + int(each, 16)) for each in commit[:12])  # one that another release met is not new
    for number in range(users):
        event = error(place=own, release=commit, environment="production", user={"id": f"user-{number}"})
        address = f"{at.scheme}://{at.hostname}:{at.port}/api{at.path}/envelope/"
        sent = httpx.post(address, content=packed(("event", event)), headers=head, trust_env=False)
        assert sent.status_code == httpx.codes.OK, sent.text


def opened(directory: Path) -> Journal:
    """Return the journal of the town."""
    return Journal.local(directory / "work", directory=directory / "journal")


@contextlib.asynccontextmanager
async def town(
    directory: Path,
    *,
    soak: float = 0.2,
    journal: str | None = None,
    databases: bool = False,
    live: bool = False,
    approval: str = "none",
    apart: float = 180.0,
    watch: tuple[float, float, float] = (1.0, 2.0, 4.0),
    dsn: bool = False,
    more: str = "",
    within: float = 2.5,
    mail: str | None = None,
) -> AsyncIterator[Town]:
    """Give a town whose staging serves the first commit; `journal` is the URL of one that machines share.

    Neon has `databases` that can be connected to, or none but on paper. `live`: production serves the first commit too.
    `dsn`: errors can be sent to staging's Sentry; `more` is more of shipway.toml.
    `approval` is whose word it needs, `apart` how long two rollbacks are; `watch` is what watches last, `within` how
    long a probe has. `mail` is how people are told of production, beside a page and an issue; without it nobody is.
    """
    root, secrets = directory / "work", directory / "secrets"
    root.mkdir(parents=True)
    secrets.mkdir()
    for name, value in SECRETS.items():
        (secrets / name).write_text(value)
    github = GitHubStandIn(directory)
    github.state.mergeable_after = 0.0  # it is asked again after a second, which each promotion would wait
    vercel = VercelStandIn(directory, token=TOKEN, build=clone, delay=0.01)
    shop = Stripe(directory)
    errors = sentry.Sentry(directory)
    async with (
        _neon(directory, databases=databases) as base,
        serving(github) as hub,
        serving(vercel) as house,
        serving(base) as data,
        serving(shop) as till,
        serving(errors) as monitor,
        people(directory, secrets, mail=mail) if mail else contextlib.nullcontext() as told,
    ):
        at: dict[str, str] = {}
        projects = dict.fromkeys(APPS, "staging") | ({f"live-{name}": "prod" for name in APPS} if live else {})
        stage = {"STAGE": "production", "OUTAGES": str(directory / "outages")}
        for name, branch in projects.items():
            made = await vercel.add(
                Project(
                    name=name,
                    repository=str(github.state.bare.path),
                    production_branch=branch,
                    start=(sys.executable, "server.py"),
                    variables={"production": stage} if branch == "prod" else {},
                )
            )
            at[name] = f"http://{made['domains'][0]}"
        words = {
            "github": hub,
            "vercel": house,
            "neon": data,
            "stripe": till,
            "sentry": monitor,
            "secrets": secrets,
            "soak": soak,
            "within": within,
            "approval": approval,
            "apart": apart,
            "dsn": f'dsn = "file://{secrets}/dsn"' if dsn else "",
            **dict(zip(("window", "extended", "armed"), watch, strict=True)),
            **at,
        }
        (secrets / "journal").write_text(journal or "")
        (secrets / "dsn").write_text(errors.dsn(monitor, "api"))
        shared = f'\n[journal]\nurl = "file://{secrets}/journal"\n' if journal else ""
        text = SETTINGS + (LIVE if live else "")
        if live and databases:
            text = text.replace('database = "file://{secrets}/production-database"\n', "") + LIVE_NEON
        text = text.format(**words)
        (root / "shipway.toml").write_text(text + (told.settings if told else "") + shared + more)
        (root / "server.py").write_text(SERVER)
        (directory / "outages").mkdir()
        (root / "migrations").mkdir()
        (root / "migrations/0001.sql").write_text(FIRST)
        (root / "sample.txt").write_text("Corner Bakery, 12.50\n")
        blank = Town(
            directory=directory,
            root=root,
            github=github,
            vercel=vercel,
            neon=base,
            sentry=errors,
            stripe=shop,
            people=told,
            first="",
            second="",
        )
        blank.git("init", "-q", "-b", "main")
        first = blank.push("one")
        for branch in ("staging", "prod"):
            blank.git("push", "-q", str(github.state.bare.path), f"HEAD:refs/heads/{branch}")
            vercel.pushed(branch, first)
        for name in projects:
            with anyio.fail_after(120):
                while not (vercel.account.project(name) or {}).get("production"):  # noqa: ASYNC110 - it stands in a file
                    await anyio.sleep(0.02)
            vercel.set_project(name, creating="disabled")
        second = blank.push("two", **{"notes.txt": "two\n"})
        place = dataclasses.replace(blank, first=first, second=second)
        await place.record("production", Journal.remote(journal) if journal else None)
        yield place


@contextlib.asynccontextmanager
async def _neon(directory: Path, *, databases: bool) -> AsyncIterator[NeonStandIn]:
    if not databases:
        yield neon.on_paper(directory)
        return
    async with standing(directory, moment=0.01) as made:
        for project in (neon.PROJECT, LIVE_PROJECT):
            made.account.open_project(project, database=neon.DATABASE, role=neon.ROLE)
        yield made


@contextlib.asynccontextmanager
async def promotion(
    root: Path,
    journal: Journal,
    commit: str,
    work: Work | None = None,
    *,
    rehearsal: bool = True,
    environment: str = "staging",
    patience: Patience | None = None,
) -> AsyncIterator[tuple[Promotion, Fence]]:
    """Give a promotion in the town, by its settings; with `patience` in place of the vendors' own nothing is slow."""
    settings = config.load(root)
    fence = Fence()
    async with connected(settings, environment, root=root, before=fence) as made:
        if patience is not None:
            _hurry(made, patience)
        assert made.github is not None
        assert made.platform is not None
        yield (
            Promotion(
                environment=environment,
                commit=commit,
                settings=settings,
                root=root,
                history=History(root=root),
                journal=journal,
                made=made,
                github=made.github,
                platform=made.platform,
                work=work or Table(journal=journal),
                rehearsal=rehearsal,
            ),
            fence,
        )


def _hurry(made: Connected, patience: Patience) -> None:
    """Ask again at once: whoever stands in is ready soon."""
    for each in vars(made).values():
        if isinstance(each, Adapter):
            each.exchange.patience = patience
    if made.github is not None:
        pulls = made.github.pulls
        pulls.computed = functools.partial(pulls.computed, every=0.02)  # type: ignore[method-assign]
    if isinstance(made.platform, VercelPlatform):
        made.platform.build_pace = made.platform.move_pace = Pace(first=0.02, most=0.2, whole=60.0)


async def promote(
    place: Town,
    commit: str,
    work: Table | None = None,
    *,
    wait: bool = True,
    journal: Journal | None = None,
    rehearsal: bool = True,
    environment: str = "staging",
    patience: Patience | None = None,
    **asked: str,
) -> Ended:
    """Promote as far as it goes."""
    journal = journal or place.journal
    flow = begin(journal, environment, commit, **asked)
    made_by = promotion(
        place.root, journal, commit, work, rehearsal=rehearsal, environment=environment, patience=patience
    )
    async with made_by as (made, fence):
        return await carry_on(made, flow, fence, toy.Quiet(), wait=wait)


def main() -> None:
    """Promote in a town that is up, and be killed behind an entry of the journal."""
    environment, place, commit, where = sys.argv[1:5]
    directory = Path(place)
    red = {What(each): "no mail" for each in sys.argv[5:]}
    journal = opened(directory)

    def heard(entry: Entry) -> None:
        if where in {str(entry.number), f"{entry.step}/{entry.kind}"}:
            os.kill(os.getpid(), signal.SIGKILL)

    async def play() -> None:
        flow: Flow = begin(journal, environment, commit, skip_soak=SKIPPED if environment == "production" else None)
        work = Table(journal=journal, red=red)
        made_by = promotion(directory / "work", journal, commit, work, environment=environment)
        async with made_by as (made, fence):
            await carry_on(made, flow, fence, toy.Quiet(), wait=True)

    journal.flows.heard = heard
    journal.leases.life = 3.0
    leases.BEAT, leases.GRACE = 0.5, 0.2
    anyio.run(play)


if __name__ == "__main__":
    main()

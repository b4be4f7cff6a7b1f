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
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
import httpx

from ci import config
from ci.journal import Journal, leases
from ci.model import STAGES, CheckRun, Failure, RunReport, RunVerdict, StageRun, Status
from ci.promotion.carrying import Fence, begin, carry_on
from ci.promotion.connected import connected
from ci.promotion.footprint import isolate
from ci.promotion.history import History
from ci.promotion.promoting import Promotion
from ci.promotion.work import Asked, What
from ci.rehearsal import sentry
from ci.rehearsal.github import APP, SLUG
from ci.rehearsal.github import GitHub as GitHubStandIn
from ci.rehearsal.neon import standing
from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import Stripe
from ci.rehearsal.vercel import Project
from ci.rehearsal.vercel import Vercel as VercelStandIn
from ci.reporting.document import to_json
from ci.vendors.adapter import Adapter
from ci.vendors.pace import Pace
from ci.vendors.vercel.platform import VercelPlatform
from tests.conftest import IDENTITY
from tests.promotion import toy
from tests.promotion.people import people
from tests.rehearsal.vercel_world import TOKEN, clone
from tests.vendors.envelopes import error, packed
from tests.vendors.subjects import neon, stripe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ci.journal import Entry, Flow
    from ci.promotion.connected import Connected
    from ci.promotion.flow import Ended
    from ci.promotion.work import Work
    from ci.rehearsal.neon import Neon as NeonStandIn
    from ci.settings import Settings
    from ci.vendors.exchange import Patience
    from tests.promotion.people import People

APPS = ("api", "web")
SECRETS = {
    "github": APP.token,
    "vercel": TOKEN,
    "neon": neon.KEY,
    "staging-stripe": stripe.TEST,
    "production-stripe": stripe.LIVE,
    "sentry": sentry.TOKEN,
    "staging-hook": "whsec_of-staging-0123456789",
    "production-hook": "whsec_of-production-012345",
    "production-database": "postgres://owner:secret@db.example/receipts",
}
SKIPPED = "staging is no part of this"  # why a promotion to production goes without its soak
SERVER = """
import http.server, json, os, threading, time
LIST, READ, MERCHANT = 0.005, 0.0, "Corner Bakery"
BROKEN = ""
STAGE, OUTAGES = os.environ.get("STAGE"), os.environ.get("OUTAGES", "")
OWN = os.environ.get("VERCEL_GIT_COMMIT_SHA")
def works(point, host):
    at = os.path.join(OUTAGES, f"{OWN}-at")  # where users are, and nowhere else
    out = any(os.path.exists(os.path.join(OUTAGES, name)) for name in ("all", OWN))
    out = out or (os.path.exists(at) and host in open(at).read().split())
    return STAGE != "production" or not (out or point in BROKEN.split())
def kept(name):
    at = os.path.join(OUTAGES, name)
    return json.load(open(at)) if os.path.exists(at) else {}
BEGAN, DROPPED = [], threading.Lock()
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        known = {"commit": "VERCEL_GIT_COMMIT_SHA", "api": "API_URL"}
        time.sleep(LIST if self.path == "/list" else 0)
        host = self.headers.get("x-forwarded-host")
        own = kept(f"{OWN}.json")  # how it is to behave where users are
        if host in own.get("at", ()):
            BEGAN.append(time.time())
            time.sleep(max(0, BEGAN[0] + own.get("cold", 0) - time.time()))
            time.sleep(own.get("slow", 0) if self.path == "/list" else 0)
            if self.path.startswith("/smoke/") and own.get("drops") and DROPPED.acquire(blocking=False):
                return self.answer({"half": "an answer"}, whole=False)
            if own.get("says") and self.path == "/version":
                return self.answer({"commit": own["says"]})
        if self.path.startswith("/requests?"):
            since, until = (float(part.partition("=")[2]) for part in self.path.partition("?")[2].split("&"))
            seen = [each for each in kept("requests") or [] if since <= each[0] < until]
            return self.answer({"requests": sum(each[1] for each in seen), "slow": sum(each[2] for each in seen)})
        if self.path == "/closed":
            return self.answer({}, 401 if works("auth", host) else 200)
        if self.path.startswith("/smoke/") and not works(self.path.removeprefix("/smoke/"), host):
            return self.answer({}, 500)
        self.answer({name: os.environ.get(each) for name, each in known.items()})
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(READ)
        self.answer({"read": {"merchant": MERCHANT}})
    def answer(self, told, status=200, whole=True):
        body = json.dumps(told).encode()
        kind, size = "content-type: application/json", f"content-length: {len(body)}"
        head = f"HTTP/1.1 {status} said\\r\\n{kind}\\r\\n{size}\\r\\n\\r\\n"
        self.wfile.write(head.encode() + (body if whole else body[:3]))
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer.request_queue_size = 64  # more at once than that would be answered a second later
http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Server).serve_forever()
"""
FIRST = "create table receipts (id int, merchant text);\n"
SETTINGS = f"""
[github]
repository = "{SLUG}"
login = "{APP.login}"
token = "file://{{secrets}}/github"
address = "{{github}}"

[[apps]]
name = "api"
path = "."
serves = {{{{ path = "/version" }}}}

[[apps]]
name = "web"
path = "."
needs = ["api"]
serves = {{{{ path = "/version" }}}}
variables = {{{{ API_URL = "{{{{api}}}}" }}}}

[stages.e2e.tier2]
app = "web"

[migrations]
directory = "migrations"
command = ["true"]

[benchmarks]
app = "api"
pairs = 20
[[benchmarks.routes]]
name = "list"
path = "/list"

[extraction]
app = "api"
path = "/read"
fields = {{{{ merchant = "read.merchant" }}}}
target = 3.0
[[extraction.samples]]
file = "sample.txt"
expect = {{{{ merchant = "Corner Bakery" }}}}

[promotion]
soak = {{soak}}
repeat = {{soak}}
approval = "{{approval}}"
rollbacks_apart = {{apart}}

[environments.staging]
addresses = {{{{ api = "{{api}}", web = "{{web}}" }}}}
configured = {{{{ auth = "https://staging.example", webhooks = {{{{ STRIPE = "file://{{secrets}}/staging-hook" }}}} }}}}

[environments.staging.stripe]
key = "file://{{secrets}}/staging-stripe"
address = "{{stripe}}"

[environments.staging.sentry]
token = "file://{{secrets}}/sentry"
organization = "acme"
projects = ["api"]
address = "{{sentry}}"
{{dsn}}

[environments.production]
[environments.production.configured]
auth = "https://example"
webhooks = {{{{ STRIPE = "file://{{secrets}}/production-hook" }}}}
database = "file://{{secrets}}/production-database"

[environments.production.stripe]
key = "file://{{secrets}}/production-stripe"
address = "{{stripe}}"

[environments.staging.neon]
project = "{neon.PROJECT}"
token = "file://{{secrets}}/neon"
address = "{{neon}}/api/v2"

[environments.staging.vercel]
token = "file://{{secrets}}/vercel"
team = "team_rehearsal"
projects = {{{{ api = "api", web = "web" }}}}
address = "{{vercel}}"
"""


LIVE_PROJECT = "quiet-sun-100001"  # production's own, at Neon
LIVE_NEON = f"""
[environments.production.neon]
project = "{LIVE_PROJECT}"
token = "file://{{secrets}}/neon"
address = "{{neon}}/api/v2"
"""
POINTS = ("health", "auth", "database", "files", "ai", "email", "payments")
LIVE = (
    """
[[smoke]]
name = "closed"
point = "auth"
app = "api"
requests = [{{ path = "/closed", status = 401 }}]
within = {within}
"""
    + "".join(
        f"""
[[smoke]]
name = "{point}"
point = "{point}"
app = "api"
requests = [{{{{ path = "/smoke/{point}" }}}}]
within = {{within}}
"""
        for point in POINTS
    )
    + """
[watch]
warm_up = 0.1
window = {window}
extended = {extended}
looks = 4
armed = {armed}
every = 0.5
lag = 0.1
alive = 5.0
app = "api"
spans = false
routes = [{{ name = "list", path = "/list" }}]

[environments.production.addresses]
api = "{live-api}"
web = "{live-web}"

[environments.production.vercel]
token = "file://{secrets}/vercel"
team = "team_rehearsal"
projects = {{ api = "live-api", web = "live-web" }}
address = "{vercel}"

[environments.production.sentry]
token = "file://{secrets}/sentry"
organization = "acme"
projects = ["api"]
address = "{sentry}"
dsn = "file://{secrets}/dsn"
"""
)


@dataclass(kw_only=True)
class Table:
    """Whoever runs stages, tests and migrations: green, but for what is red. `asked` is what was run."""

    journal: Journal
    red: dict[What, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    seconds: float = 100.0
    skipped: tuple[str, ...] = ()
    only: str | None = None  # the environment with whose services it is red
    during: Callable[[Asked], None] = lambda _asked: None

    async def run(self, asked: Asked) -> RunReport:
        """Say what the table says."""
        self.asked.append(asked)
        self.during(asked)
        red = self.red.get(asked.what) if self.only in {None, asked.environment} else None
        status = Status.FAILED if red else Status.PASSED
        check = CheckRun(
            stage="unit",
            name="table",
            package=".",
            status=status,
            reason=red,
            failures=(Failure(message=red),) if red else (),
        )
        stages = tuple(
            StageRun(
                name=stage.name,
                status=status
                if stage.name == "unit"
                else Status.SKIPPED
                if stage.name in self.skipped
                else Status.PASSED,
                target=stage.target,
                seconds=self.seconds / len(STAGES),
                full_seconds=self.seconds / len(STAGES),
                checks=(dataclasses.replace(check, stage=stage.name),) if stage.name == "unit" else (),
            )
            for stage in STAGES
        )
        report = RunReport(
            id=f"run-{time.time_ns()}",
            kind="run",
            tool="shipway 0",
            repository="town",
            started="2026-01-01T00:00:00Z",
            verdict=RunVerdict.FAILED if red else RunVerdict.PASSED,
            seconds=self.seconds,
            executor="table",
            executor_reason="a table",
            isolation=(),
            slots=1,
            stages=stages,
            commit=asked.commit,
            environment=asked.environment,
        )
        if asked.what is What.STAGES:
            self.journal.evidence.record(
                report.id, commit=asked.commit, environment=asked.environment, report=to_json(report)
            )
        return report

    def _status(self, stage: str, of_unit: Status) -> Status:
        if stage == "unit":
            return of_unit
        return Status.SKIPPED if stage in self.skipped else Status.PASSED


@dataclass(kw_only=True)
class Slow(Table):
    """One that has something done while tier 2 runs."""

    then: Callable[[Asked], Awaitable[None]]

    async def run(self, asked: Asked) -> RunReport:
        """Have it done first."""
        if asked.what is What.TIER_2:
            await self.then(asked)
        return await super().run(asked)


class Unheld:
    """In the place of a lease, for what a person does."""

    async def __call__(self) -> None:
        """Let everything through."""


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

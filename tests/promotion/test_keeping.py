"""When an app of production keeps what it serves, and when it is built anew because something is in doubt."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import anyio
import pytest

from ci import config
from ci.journal import Journal
from ci.journal.releases import ADOPTED, Proof
from ci.promotion.deploying import plain_deployment
from ci.promotion.history import History
from ci.promotion.keeping import KEPT, choose
from ci.promotion.promoting import Promotion
from ci.vendors.platform import Deployment, State
from tests.promotion.test_history import git
from tests.promotion.test_news import commit, shop

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ci.promotion.flow import Doing
    from ci.promotion.keeping import Choice

__all__ = ["shop"]
SETTINGS = """
[[apps]]
name = "api"
path = "apps/api"

[[apps]]
name = "web"
path = "apps/web"
needs = ["api"]
variables = { API_URL = "{api}" }

[promotion]
keep_unchanged = KEEP
"""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """A platform that serves these; nothing else is asked of it."""

    deployments: tuple[Deployment, ...]

    async def serving(self, app: str) -> tuple[Deployment, ...]:
        """Return those of the app."""
        return tuple(each for each in self.deployments if each.app == app)


@dataclass(frozen=True, kw_only=True)
class Now:
    """What a step is told."""

    facts: Mapping[str, Any]


def deployment(app: str, built_from: str | None) -> Deployment:
    return Deployment(
        id=f"dpl_{app}",
        app=app,
        commit=built_from,
        state=State.READY,
        address=f"http://{app}.example",
        created=1.0,
    )


@dataclass(kw_only=True)
class World:
    """A shop that serves its first commit by a release that proved good; the candidate changes one file of web."""

    root: Path
    first: str
    candidate: str
    api: Deployment
    web: Deployment
    environment: str = "production"
    flow: str = "production-1"
    state: Proof = Proof.GOOD
    keep: bool = True
    kept: bool = True
    twice: bool = False

    def asked(self, app: str) -> Choice:
        """What becomes of an app."""
        settings = config.loads(SETTINGS.replace("KEEP", str(self.keep).lower()))
        journal = Journal.local(self.root, directory=self.root.parent.parent / "state")
        both = {"api": plain_deployment(deployment("api", self.first))}
        both["web"] = plain_deployment(deployment("web", self.first))
        journal.releases.record("production", self.first, flow=self.flow, deployments=both, state=self.state)
        more = (dataclasses.replace(self.api, id="dpl_other"),) if self.twice else ()
        nothing: Any = None
        made = Promotion(
            environment=self.environment,
            commit=self.candidate,
            settings=settings,
            root=self.root,
            history=History(root=self.root),
            journal=journal,
            made=nothing,
            github=nothing,
            platform=cast("Any", Serving(deployments=(self.api, self.web, *more))),
            work=nothing,
        )
        before = {**plain_deployment(self.api), **({KEPT: self.first} if self.kept else {})}
        now = cast("Doing", Now(facts={"admission": {"served": {}}, "deploy api": before}))
        (asked,) = (each for each in settings.apps if each.name == app)
        return anyio.run(choose, made, asked, now)


@pytest.fixture
def world(shop: Path) -> World:
    """Everything as it should be, for api to be kept."""
    first = git(shop, "rev-parse", "HEAD")
    candidate = commit(shop, "two", **{"packages:mail:index.ts": "x"})
    return World(
        root=shop, first=first, candidate=candidate, api=deployment("api", first), web=deployment("web", first)
    )


def test_what_serves_as_part_of_a_good_release_and_is_built_from_the_same_is_kept(world: World) -> None:
    for app, own in (("api", world.api), ("web", world.web)):
        found = world.asked(app)
        assert found.deployment == own
        assert found.why == f"nothing that it is built from changed since {world.first[:12]}: it keeps that deployment"


@pytest.mark.parametrize(
    ("app", "doubt", "why"),
    [
        ("api", {"keep": False}, "shipway.toml keeps no deployment"),
        ("api", {"twice": True}, "the platform does not name one deployment that serves it"),
        ("api", {"api": deployment("api", None)}, "the platform does not name one deployment that serves it"),
        ("api", {"api": deployment("api", "f" * 40)}, "ffffffffffff is no commit of this clone"),
        ("api", {"state": Proof.ROLLED_BACK}, "what serves it is of no release that proved good with what it needs"),
        ("api", {"state": Proof.SERVING}, "what serves it is of no release that proved good with what it needs"),
        ("web", {"kept": False}, "api, which it needs, has another address"),
        ("web", {"flow": f"{ADOPTED}1"}, "what serves it is of no release that proved good with what it needs"),
        ("api", {"environment": "staging"}, ""),
    ],
)
def test_in_doubt_an_app_is_built_anew(world: World, app: str, doubt: dict[str, Any], why: str) -> None:
    found = dataclasses.replace(world, **doubt).asked(app)
    assert (found.deployment, found.why) == (None, why)


def test_what_was_deployed_by_hand_is_not_kept(world: World) -> None:
    found = dataclasses.replace(world, api=dataclasses.replace(world.api, id="dpl_by_hand")).asked("api")
    assert found.deployment is None


def test_what_was_adopted_is_kept_where_shipway_gives_it_no_variables(world: World) -> None:
    assert dataclasses.replace(world, flow=f"{ADOPTED}1").asked("api").deployment == world.api


def test_an_app_that_changed_is_built_anew_and_so_is_what_needs_it(world: World) -> None:
    later = commit(world.root, "three", **{"packages:core:index.ts": "x"})
    changed = dataclasses.replace(world, candidate=later)
    assert changed.asked("api").why == "packages/core/index.ts changed"
    assert dataclasses.replace(changed, kept=False).asked("web").deployment is None

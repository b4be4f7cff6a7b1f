"""The wrappers as files: each in its place, valid for its host, without secrets, and written by `shipway init --ci`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ci import __version__
from ci.dispatch import ASKED
from ci.hosts import HOSTS
from ci.wrappers import wrapper

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Ran

    Run = Callable[..., Ran]

EXAMPLES = Path(__file__).resolve().parent.parent / "examples/wrappers"
TOOLS = Path(sys.executable).parent
SHA = re.compile(r"[0-9a-f]{40}")
# Each host's schema in check-jsonschema, which brings it along, and how the file has to be read before.
SCHEMAS = {
    "github": ("vendor.github-workflows",),
    "gitlab": ("vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
    "circleci": ("vendor.circle-ci",),
    "buildkite": ("vendor.buildkite",),
    "azure": ("vendor.azure-pipelines", "--data-transform", "azure-pipelines"),
    "woodpecker": ("vendor.woodpecker-ci",),
}
PIPX = f"pipx run --spec 'shipway[host]=={__version__}' shipway run ."
UVX = f"uvx --from 'shipway[host]=={__version__}' shipway run ."


def read(host: str) -> Any:
    """The wrapper as its host reads it; `on:` is a key, not a truth value."""
    return yaml.load(wrapper(host), Loader=yaml.BaseLoader)  # noqa: S506 - makes strings and nothing else


def before_promotions(host: str) -> str:
    """The part of the wrapper that speaks of pushes and pull requests: what promotes comes after it."""
    text = wrapper(host)
    found = re.search(r"^\s*(- job: promote|- (label|name): promote|promote:|stage\('promote'\))", text, re.MULTILINE)
    assert found is not None
    return text[: found.start()]


@pytest.mark.parametrize("host", HOSTS)
def test_the_examples_are_the_very_files_that_init_writes(host: str) -> None:
    held = {path.relative_to(EXAMPLES / host).as_posix() for path in (EXAMPLES / host).rglob("*") if path.is_file()}
    assert held == {HOSTS[host].wrapper}
    renew = f"for a new version: shipway init --ci {host} examples/wrappers/{host}, in a directory outside a repository"
    assert (EXAMPLES / host / HOSTS[host].wrapper).read_text(encoding="utf-8") == wrapper(host), renew


def test_there_is_an_example_for_every_host_and_for_no_other() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == set(HOSTS)


@pytest.mark.parametrize("host", SCHEMAS)
def test_the_schema_of_the_host_accepts_its_wrapper(host: str) -> None:
    command = [str(TOOLS / "check-jsonschema"), "--regex-variant", "nonunicode", "--builtin-schema", *SCHEMAS[host]]
    ran = subprocess.run(
        [*command, str(EXAMPLES / host / HOSTS[host].wrapper)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    workflow = EXAMPLES / "github" / HOSTS["github"].wrapper
    ran = subprocess.run([TOOLS / "actionlint", "-no-color", workflow], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr


@pytest.mark.parametrize("host", HOSTS)
def test_a_wrapper_is_a_checkout_and_one_command_of_this_version(host: str) -> None:
    text = wrapper(host)
    assert text.count("shipway run .") == 1
    assert text.count(UVX) + text.count(PIPX) == 1
    assert "VERSION" not in text


@pytest.mark.parametrize("host", HOSTS)
def test_a_wrapper_gives_pull_requests_no_secret_and_runs_no_foreign_code_with_rights(host: str) -> None:
    code = "\n".join(line.split(" # ")[0] for line in before_promotions(host).splitlines())
    assert not re.search(
        r"secret|token|password|credentials\(|withCredentials|pull_request_target", code, re.IGNORECASE
    )
    assert "curl" not in code
    assert "sudo" not in code


@pytest.mark.parametrize("host", ["gitlab", "circleci", "buildkite", "woodpecker"])
def test_an_image_has_python_uv_and_git(host: str) -> None:
    images = set(re.findall(r"image: (\S+)", wrapper(host))) - {"woodpeckerci/plugin-git"}
    (image,) = images
    assert re.fullmatch(r"ghcr\.io/astral-sh/uv:python3\.1[1-9]-trixie", image)  # those that end with -slim have no git


def test_github_runs_on_pushes_to_main_and_pull_requests_with_read_rights_and_pinned_actions() -> None:
    flow = read("github")
    assert flow["on"].keys() == {"push", "pull_request", "workflow_dispatch", "schedule"}
    assert (flow["on"]["push"], flow["on"]["pull_request"]) == ({"branches": ["main"]}, "")
    assert flow["permissions"] == {"contents": "read"}
    job = flow["jobs"]["shipway"]
    assert not {"permissions", "env"} & job.keys()
    assert job["if"] == "github.event_name == 'push' || github.event_name == 'pull_request'"
    checkout, cache, run, upload = job["steps"]
    assert [step["uses"].split("@")[0] for step in (checkout, cache, upload)] == [
        "actions/checkout",
        "actions/cache",
        "actions/upload-artifact",
    ]
    assert all(SHA.fullmatch(step["uses"].split("@")[1]) for step in (checkout, cache, upload))
    assert checkout["with"] == {"persist-credentials": "false"}
    assert cache["with"]["path"] == "~/.cache/shipway"
    assert cache["with"]["key"].startswith(cache["with"]["restore-keys"])
    assert run == {"run": PIPX}
    assert (upload["with"]["path"], upload["if"]) == ("shipway-report/", "${{ !cancelled() }}")


def test_gitlab_moves_the_cache_out_of_the_checkout_and_keeps_the_report_when_red() -> None:
    job = read("gitlab")["shipway"]
    assert job["rules"][:2] == [
        {"if": '$CI_PIPELINE_SOURCE == "schedule"', "when": "never"},
        {"if": '$SHIPWAY_DO != "run"', "when": "never"},
    ]
    assert read("gitlab")["variables"]["SHIPWAY_DO"]["value"] == "run"
    assert [rule["if"] for rule in job["rules"][2:]] == [
        '$CI_COMMIT_BRANCH == "main"',
        '$CI_PIPELINE_SOURCE == "merge_request_event"',
    ]
    assert job["script"] == [UVX]
    (kept,) = job["cache"]["paths"]
    assert kept.rstrip("/") in job["before_script"][0]
    assert job["after_script"] == [f"mv ~/.cache/shipway {kept.rstrip('/')}"]
    assert "SHIPWAY_CACHE" not in job["variables"]
    assert job["variables"]["GIT_DEPTH"] == "1"
    assert job["artifacts"] == {"when": "always", "paths": ["shipway-report/"]}


def test_circleci_caches_and_stores_the_report() -> None:
    flow = read("circleci")
    steps = flow["jobs"]["shipway"]["steps"]
    assert [step if isinstance(step, str) else next(iter(step)) for step in steps] == [
        "checkout",
        "restore_cache",
        "run",
        "save_cache",
        "store_artifacts",
    ]
    assert steps[1]["restore_cache"]["keys"][0] == steps[3]["save_cache"]["key"]
    assert steps[3]["save_cache"]["paths"] == ["~/.cache/shipway"]
    assert (steps[2]["run"], steps[4]["store_artifacts"]["path"]) == (UVX, "shipway-report")
    assert flow["workflows"]["shipway"]["jobs"][0] == "shipway"
    assert flow["parameters"]["do"]["default"] == "run"
    assert flow["workflows"]["shipway"]["when"] == {"equal": ["run", "<< pipeline.parameters.do >>"]}


def test_buildkite_runs_main_and_pull_requests_and_keeps_cache_and_report() -> None:
    steps = read("buildkite")["steps"]
    step = steps[0]
    asked = 'build.env("SHIPWAY_DO") == null'
    assert step["if"] == f'(build.branch == "main" || build.pull_request.id != null) && {asked}'
    assert (step["command"], step["artifact_paths"]) == (UVX, "shipway-report/**/*")
    assert step["cache"].endswith("/.cache/shipway")
    assert "$" not in str(steps)  # Buildkite would put variables in


def test_azure_keeps_the_cache_beside_the_checkout_and_publishes_the_report_when_red() -> None:
    flow = read("azure")
    assert (flow["trigger"], flow["pr"]) == (["main"], ["*"])
    assert flow["variables"]["SHIPWAY_CACHE"].startswith("$(Pipeline.Workspace)/")
    job = flow["jobs"][0]
    assert job["condition"] == "and(eq('${{ parameters.do }}', 'run'), ne(variables['Build.Reason'], 'Schedule'))"
    assert flow["parameters"][0]["default"] == "run"
    checkout, cache, run, publish = job["steps"]
    assert checkout == {"checkout": "self", "fetchDepth": "1"}
    assert (cache["task"], cache["inputs"]["path"]) == ("Cache@2", "$(SHIPWAY_CACHE)")
    assert cache["inputs"]["key"].startswith(cache["inputs"]["restoreKeys"])
    assert run == {"script": PIPX}
    assert (publish["publish"], publish["condition"]) == ("shipway-report", "succeededOrFailed()")


def test_woodpecker_runs_on_pushes_to_main_and_pull_requests() -> None:
    flow = read("woodpecker")
    assert flow["when"][:2] == [{"event": "push", "branch": "main"}, {"event": "pull_request"}]
    step = flow["steps"][0]
    assert step["when"] == [{"event": ["push", "pull_request"]}]
    assert step["commands"] == [UVX]


def test_jenkins_runs_main_and_change_requests_and_archives_always() -> None:
    text = wrapper("jenkins")
    assert text.count("{") == text.count("}")
    assert f'sh "{UVX}"' in text
    assert "anyOf { branch 'main'; changeRequest() }\n                not { triggeredBy 'TimerTrigger' }" in text
    assert "always { archiveArtifacts artifacts: 'shipway-report/**', allowEmptyArchive: true }" in text


def test_github_promotes_by_hand_and_ticks_by_the_clock_on_main_alone_with_history_and_rights_of_its_own() -> None:
    flow = read("github")
    inputs = flow["on"]["workflow_dispatch"]["inputs"]
    assert inputs["do"]["options"] == list(ASKED)
    assert inputs["environment"]["options"] == ["staging", "production"]
    job = flow["jobs"]["promote"]
    assert job["if"].startswith("github.ref == 'refs/heads/main' && (")
    assert job["permissions"] == dict.fromkeys(("contents", "pull-requests", "issues", "statuses"), "write")
    checkout, _, _, promote, tick, _ = job["steps"]
    assert checkout["with"] == {"persist-credentials": "false", "fetch-depth": "0"}
    assert promote["env"] == {f"SHIPWAY_{name.upper()}": f"${{{{ inputs.{name} }}}}" for name in inputs}
    assert promote["run"] == f"{PIPX.removesuffix('run .')}dispatch"  # no input is ever part of the script
    assert tick["run"] == f"{PIPX.removesuffix('run .')}tick || [ $? -eq 20 ]"
    assert job["env"]["SHIPWAY_JOURNAL_URL"] == "${{ secrets.SHIPWAY_JOURNAL_URL }}"


def test_github_writes_by_a_token_that_starts_runs_where_there_is_one_and_says_where_there_is_none() -> None:
    jobs = read("github")["jobs"]
    for job in (jobs["promote"], jobs["judge"]):
        given = [job["env"][name] for name in ("GITHUB_TOKEN", "OWN_TOKEN")]
        own = "secrets.SHIPWAY_GITHUB_TOKEN"
        assert given == [f"${{{{ {own} || github.token }}}}", f"${{{{ {own} != '' }}}}"]
        (said,) = [step["run"] for step in job["steps"] if step.get("if") == "env.OWN_TOKEN != 'true'"]
        assert said.startswith('echo "::notice title=shipway::no secret SHIPWAY_GITHUB_TOKEN')
    for job in (jobs["shipway"], jobs["diagnose"]):
        assert "TOKEN" not in str(job)


@pytest.mark.parametrize("host", HOSTS)
def test_every_wrapper_promotes_by_hand_and_ticks_with_the_whole_history(host: str) -> None:
    text = wrapper(host)
    later = text.removeprefix(before_promotions(host))
    assert len(re.findall(r"shipway tick\b(?!`)", later)) == 1
    assert "20" in later  # that something goes on is no failure of a tick
    whole = {"github": "fetch-depth: 0", "gitlab": 'GIT_DEPTH: "0"', "azure": 'fetchDepth: "0"'}
    assert whole.get(host, "shipway") in later
    assert ("method: full" in later) == (host == "circleci")
    assert ("partial: false" in text) == (host == "woodpecker")


def test_github_finds_a_cause_with_no_right_but_to_read_and_judges_without_a_model() -> None:
    jobs = read("github")["jobs"]
    diagnose, judge = jobs["diagnose"], jobs["judge"]
    assert diagnose["permissions"] == {"contents": "read"}
    assert "env" not in diagnose
    assert [step["env"] for step in diagnose["steps"] if "env" in step] == [
        {
            "SHIPWAY_JOURNAL_URL": "${{ secrets.SHIPWAY_DIAGNOSIS_JOURNAL_URL }}",
            "ANTHROPIC_API_KEY": "${{ secrets.ANTHROPIC_API_KEY }}",
        }
    ]
    assert judge["permissions"] == jobs["promote"]["permissions"]
    assert "ANTHROPIC" not in str(judge)
    assert judge["env"]["SHIPWAY_JOURNAL_URL"] == "${{ secrets.SHIPWAY_JOURNAL_URL }}"
    for job in (diagnose, judge):
        assert job["steps"][0]["with"] == {"persist-credentials": "false", "fetch-depth": "0"}
        assert "actions/cache@" not in str(job)  # what strangers' words may have touched is in no cache of main
        assert all(SHA.fullmatch(step["uses"].split("@")[1]) for step in job["steps"] if "uses" in step)
    assert diagnose["needs"] == "shipway"
    assert "github.event_name == 'push' && needs.shipway.result == 'failure'" in diagnose["if"]
    assert (judge["needs"], "needs.diagnose.result == 'success'" in judge["if"]) == ("diagnose", True)


@pytest.mark.parametrize("host", HOSTS)
def test_every_wrapper_finds_causes_and_judges_in_two_jobs_that_share_no_secret(host: str) -> None:
    text = wrapper(host)
    found = re.search(r"shipway diagnose waiting --propose", text)
    assert found is not None
    assert text.count("--propose") == 1
    assert text.count("shipway diagnose waiting --judge --no-wait") == 1
    marks = {"gitlab": r"^judge:", "circleci": r"^  judge:", "github": r"^  judge:", "jenkins": r"stage\('judge'\)"}
    halves = re.split(marks.get(host, r"- (?:label|job|name): judge"), text, flags=re.MULTILINE)
    first = re.split(r"(?m)^ *(?:- (?:label|job|name): |stage\(')?diagnose\b", halves[0])[-1]
    secrets = {"github": "secrets.SHIPWAY_JOURNAL_URL", "azure": "$(SHIPWAY_JOURNAL_URL)"}
    assert secrets.get(host, "from_secret: shipway_journal_url") not in first
    assert not re.search(r"(?i)token|credentials\('shipway-journal-url'\)", first)
    assert "anthropic" not in halves[-1].lower()
    if host == "circleci":
        (_, found_, judged) = read(host)["workflows"]["shipway"]["jobs"]
        assert found_["diagnose"]["context"] == "shipway-diagnosis"
        assert found_["diagnose"]["requires"] == [{"shipway": ["failed"]}]
        assert (judged["judge"]["context"], judged["judge"]["requires"]) == ("shipway", ["diagnose"])
    if host == "gitlab":
        jobs = read(host)
        assert jobs["diagnose"]["environment"]["name"] == "shipway-diagnosis"
        assert {jobs[name]["environment"]["name"] for name in ("judge", "promote", "tick")} == {"shipway"}


@pytest.mark.parametrize("host", HOSTS)
def test_init_writes_the_wrapper_once_and_says_so(host: str, shipway: Run, tmp_path: Path) -> None:
    place = HOSTS[host].wrapper
    first, second = (shipway("init", "--ci", host, cwd=tmp_path) for _ in range(2))
    assert (first.code, first.out, first.err) == (0, f"{place} written: commit it\n", "")
    assert (second.code, second.out, second.err) == (0, f"{place} is there already, and is the same\n", "")
    assert (tmp_path / place).read_text(encoding="utf-8") == wrapper(host)


def test_init_overwrites_no_other_file(shipway: Run, tmp_path: Path) -> None:
    (tmp_path / "Jenkinsfile").write_text("mine\n")
    ran = shipway("init", "--ci", "jenkins", ".", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("shipway: Jenkinsfile is there already and holds something else; it is left as it is (")
    assert len(ran.err.splitlines()) == 1
    assert (tmp_path / "Jenkinsfile").read_text() == "mine\n"


def test_init_writes_through_no_link_that_leads_away(shipway: Run, tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").symlink_to("elsewhere.yml")
    assert shipway("init", "--ci", "gitlab", cwd=tmp_path).code == 2
    assert not (tmp_path / "elsewhere.yml").exists()


def test_init_wants_a_host_and_names_them(shipway: Run, tmp_path: Path) -> None:
    for arguments in ((), ("--ci", "travis")):
        ran = shipway("init", *arguments, cwd=tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert all(host in ran.err for host in HOSTS)
    assert list(tmp_path.iterdir()) == [tmp_path / "state"] or not list(tmp_path.iterdir())


def test_init_writes_to_the_top_of_a_repository_only(shipway: Run, subject: Callable[[str], Path]) -> None:
    root = subject("no-tests")
    ran = shipway("init", "--ci", "github", "packages", cwd=root)
    assert (ran.code, ran.err.splitlines()) == (
        2,
        [f"shipway: packages lies inside the repository {root} (CI hosts read the top of it: name that)"],
    )
    assert shipway("init", "--ci", "github", "none", cwd=root).code == 2
    shutil.rmtree(root / ".git")
    (root / "Jenkinsfile").mkdir()
    assert shipway("init", "--ci", "jenkins", cwd=root).code == 2

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

STANDIN = Path(__file__).parent.parent / "standins" / "playwright.cjs"
CHROMIUM: dict[str, Any] = {"name": "chromium"}
FIREFOX: dict[str, Any] = {"name": "firefox", "use": {"defaultBrowserType": "firefox"}}
BROWSERS = {"chromium": "shipway", "firefox": "missing", "webkit": "missing"}


class Ran:
    """What a run left: exit code, the report, and each call of Playwright."""

    def __init__(self, place: Path, ended: subprocess.CompletedProcess[str]) -> None:
        """Read it."""
        self.code, self.said = ended.returncode, ended.stderr
        report, calls = place / "out/playwright.json", place / "calls"
        self.report: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {}
        self.calls = [json.loads(line) for line in calls.read_text().splitlines()] if calls.exists() else []
        self.kept = sorted(str(file.relative_to(place / "out")) for file in (place / "out").rglob("*.*"))

    @property
    def titles(self) -> list[str]:
        """The tests that ran."""
        return [f"{test['project']}: {test['title'][-1]}" for test in self.report["tests"]]


@pytest.fixture
def play(environment: dict[str, str], tmp_path: Path) -> Callable[..., Ran]:
    """Run `shipway-playwright` over a stand-in with the given suite."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "playwright").symlink_to(STANDIN)
    (tmp_path / "out").mkdir()

    def run(
        *words: str, tests: list[dict[str, Any]], projects: list[dict[str, Any]], more: dict[str, str] | None = None,
        browsers: dict[str, str] = BROWSERS, **suite: Any,
    ) -> Ran:  # fmt: skip
        answer = json.dumps({"browsers": browsers, "playwright": "1.65.1"})
        (bin_ / "shipway-browsers").write_text(f"#!/bin/sh\necho '{answer}'\n")
        (bin_ / "shipway-browsers").chmod(0o755)
        file = {"file": "e2e/a.spec.ts"}
        (tmp_path / "suite.json").write_text(
            json.dumps({**suite, "projects": projects, "tests": [{**file, **test} for test in tests]})
        )
        (tmp_path / "calls").unlink(missing_ok=True)
        argv = ["shipway-playwright", "--config", "playwright.config.ts", "--out", str(tmp_path / "out")]
        ended = subprocess.run(
            [*argv, "--timeout", "60", *words],
            cwd=tmp_path,
            env={
                **environment,
                "PATH": f"{bin_}:{environment['PATH']}",
                "TMPDIR": str(tmp_path),
                "PLAYWRIGHT_SUITE": str(tmp_path / "suite.json"),
                "PLAYWRIGHT_CALLS": str(tmp_path / "calls"),
                **(more or {}),
            },
            check=False,
            text=True,
            capture_output=True,
        )
        return Ran(tmp_path, ended)

    return run


def case(title: str, line: int, project: str = "chromium", **more: Any) -> dict[str, Any]:
    return {"title": title, "line": line, "project": project, **more}


def test_tagged_tests_are_tier_1_and_the_others_stay_out(play: Callable[..., Ran]) -> None:
    tests = [case("pays", 3, tags=["@critical"]), case("looks", 5), case("looks again", 7, tags=["@critical-ish"])]
    ran = play("--tags", "@tier1,@critical", tests=tests, projects=[CHROMIUM])
    assert (ran.code, ran.titles) == (0, ["chromium: pays"])
    assert (ran.report["tier1"], ran.report["listed"]) == (True, 3)


def test_without_a_tagged_test_all_of_them_run(play: Callable[..., Ran]) -> None:
    ran = play("--tags", "@tier1,@critical", tests=[case("looks", 5)], projects=[CHROMIUM])
    assert (ran.titles, ran.report["tier1"]) == (["chromium: looks"], False)


def test_a_project_without_its_browser_is_left_out_and_named(play: Callable[..., Ran]) -> None:
    tests = [case("looks", 5), case("looks", 5, "firefox")]
    ran = play(tests=tests, projects=[CHROMIUM, FIREFOX])
    assert ran.titles == ["chromium: looks"]
    assert ran.report["left_out"] == [{"project": "firefox", "browser": "firefox"}]


def test_browsers_that_playwright_has_downloaded_itself_are_told_from_ours(play: Callable[..., Ran]) -> None:
    tests = [case("one", 3), case("one", 3, "firefox")]
    ran = play(tests=tests, projects=[CHROMIUM, FIREFOX], browsers={**BROWSERS, "firefox": "playwright"})
    assert ran.report["tools"] == {"playwright": "1.65.1", "firefox": "of Playwright 1.65.1"}
    ran = play(tests=tests[:1], projects=[CHROMIUM], browsers={**BROWSERS, "webkit": "playwright"})
    assert ran.report["tools"] == {"playwright": "1.65.1"}


def test_a_project_that_depends_on_one_without_its_browser_cannot_run_either(play: Callable[..., Ran]) -> None:
    projects = [
        {"name": "sign in", "use": {"browserName": "webkit"}},
        {"name": "members", "dependencies": ["sign in"]},
        CHROMIUM,
    ]
    tests = [case("signs in", 1, "sign in"), case("pays", 2, "members"), case("looks", 3)]
    ran = play(tests=tests, projects=projects)
    assert ran.titles == ["chromium: looks"]
    assert {each["project"]: each["browser"] for each in ran.report["left_out"]} == {
        "sign in": "webkit",
        "members": "webkit",
    }


def test_no_browser_for_any_test_starts_nothing(play: Callable[..., Ran]) -> None:
    ran = play(tests=[case("looks", 5, "firefox")], projects=[FIREFOX])
    assert (ran.code, len(ran.calls)) == (3, 1)
    assert ran.report["ran"] is False
    assert ran.report["tests"] == []


def test_what_a_project_depends_on_runs_before_it_without_being_chosen(play: Callable[..., Ran]) -> None:
    projects = [{"name": "setup"}, {"name": "web", "dependencies": ["setup"]}, FIREFOX]
    tests = [case("prepares", 1, "setup"), case("pays", 3, "web", tags=["@tier1"]), case("looks", 5, "web")]
    ran = play("--tags", "@tier1", tests=tests, projects=projects)
    assert ran.titles == ["setup: prepares", "web: pays"]
    assert [word for word in ran.calls[1]["argv"] if word.startswith("--project")] == ["--project=web"]


def test_failed_tests_alone_are_run_at_their_lines_with_a_trace(play: Callable[..., Ran]) -> None:
    tests = [case("pays", 3), case("looks", 5), case("leaves", 7)]
    ran = play("--only", "chromium-pays,chromium-leaves", tests=tests, projects=[CHROMIUM, FIREFOX])
    assert ran.titles == ["chromium: pays", "chromium: leaves"]
    assert "--trace=retain-on-failure" in ran.calls[1]["argv"]
    assert "--project=chromium" in ran.calls[1]["argv"]


def test_a_test_of_a_serial_group_takes_the_others_of_the_group_along(play: Callable[..., Ran]) -> None:
    tests = [case("creates", 3, serial=True), case("edits", 5, serial=True), case("looks", 9)]
    ran = play("--only", "chromium-edits", tests=tests, projects=[CHROMIUM])
    assert ran.titles == ["chromium: creates", "chromium: edits"]


def test_names_of_files_are_no_patterns(play: Callable[..., Ran]) -> None:
    tests = [case("pays", 3, file="e2e/[id]/a+b.spec.ts"), case("looks", 3, file="e2e/i/aab.spec.ts")]
    ran = play("--only", "chromium-pays", tests=tests, projects=[CHROMIUM])
    assert ran.titles == ["chromium: pays"]


def test_only_the_attachments_of_what_failed_are_kept_and_none_from_elsewhere(play: Callable[..., Ran]) -> None:
    tests = [case("pays", 3, outcomes=["failed"]), case("looks", 5)]
    ran = play(tests=tests, projects=[CHROMIUM])
    assert ran.code == 1
    assert ran.kept == ["playwright.json", "test-results/pays.png"]
    kept = {each["name"]: each["kept"] for each in ran.report["tests"][0]["attachments"]}
    assert kept == {"screenshot": "test-results/pays.png", "elsewhere": None}


def test_a_failed_try_before_a_good_one_keeps_its_error(play: Callable[..., Ran]) -> None:
    tests = [case("pays", 3, outcomes=["failed", "passed"])]
    ran = play(tests=tests, projects=[{**CHROMIUM, "retries": 1}])
    (found,) = ran.report["tests"]
    assert (found["outcome"], found["error"]["message"], found["error"]["line"]) == ("flaky", "Error: it is red", 9)
    assert ran.report["projects"][0]["retries"] == 1


def test_a_skipped_test_did_not_run(play: Callable[..., Ran]) -> None:
    ran = play(tests=[case("pays", 3, outcomes=["skipped"])], projects=[CHROMIUM])
    assert [each["ran"] for each in ran.report["tests"]] == [False]


def test_a_forgotten_only_stops_before_anything_is_started(play: Callable[..., Ran]) -> None:
    ran = play(tests=[case("pays", 3)], projects=[CHROMIUM], only=True)
    assert (ran.code, len(ran.calls), ran.report["ran"]) == (1, 1, False)
    assert ran.report["errors"][0]["line"] == 3


def test_what_a_server_says_is_kept(play: Callable[..., Ran]) -> None:
    ran = play(tests=[case("pays", 3)], projects=[CHROMIUM], serverError="DATABASE_URL is not set")
    assert (ran.code, ran.report["ran"]) == (1, True)
    assert ran.report["output"] == "[WebServer] DATABASE_URL is not set\n"


def test_a_branded_browser_is_replaced_and_the_projects_own_node_options_stay(play: Callable[..., Ran]) -> None:
    projects = [{**CHROMIUM, "use": {"channel": "msedge"}}]
    ran = play(tests=[case("pays", 3)], projects=projects, more={"NODE_OPTIONS": "--no-deprecation"})
    assert ran.calls[0]["node"] == "--no-deprecation"
    assert ran.calls[1]["node"].startswith("--no-deprecation --require=")
    plain = play(tests=[case("pays", 3)], projects=[CHROMIUM])
    assert plain.calls[1]["node"] == ""


def test_the_browsers_lie_in_a_place_of_our_own(play: Callable[..., Ran], tmp_path: Path) -> None:
    ran = play(tests=[case("pays", 3)], projects=[CHROMIUM])
    assert Path(ran.calls[0]["browsers"]).is_relative_to(tmp_path)


def test_the_projects_own_words_are_handed_on(play: Callable[..., Ran]) -> None:
    ran = play("--", "--workers=1", tests=[case("pays", 3)], projects=[CHROMIUM])
    assert all("--workers=1" in call["argv"] for call in ran.calls)


def test_a_package_without_playwright_is_told_from_a_red_one(play: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "bin/playwright").unlink()
    ran = play(tests=[], projects=[])
    assert ran.code == 127
    assert "playwright could not be run in this package: ENOENT" in ran.said

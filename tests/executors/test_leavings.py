"""What steps leave behind: links, pipes, closed directories. Each test runs on every executor."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci.model import Step
from tests.executors import ordinary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci.model import Check
    from tests.executors.conftest import Place

    MakeCheck = Callable[..., Check]


@pytest.fixture
def private() -> Iterator[Path]:
    """A directory in the user's home with one file, `creds`, that holds a token."""
    directory = Path.home() / f".shipway-test-{os.getpid()}"
    (directory / "out").mkdir(parents=True)
    for path in (directory / "creds", directory / "out/creds"):
        path.write_text("token", encoding="utf-8")
    yield directory
    shutil.rmtree(directory)


# --- links ----------------------------------------------------------------------------------------


def test_a_log_that_becomes_a_link_is_not_followed(place: Place, check: MakeCheck, private: Path) -> None:
    plant = 'for at in "$TMPDIR/.shipway/logs" "$TMPDIR/../logs"; do mkdir -p $at; rm -f $at/0.log; '
    execution = place.execute(check(f"echo mine; ({plant} ln -s {private}/creds $at/0.log; done) 2>/dev/null; exit 0"))
    assert execution.steps[0].output == "mine\n"


@pytest.mark.parametrize(
    "plant",
    [
        'rm -rf "$SHIPWAY_OUT"; ln -s PRIVATE "$SHIPWAY_OUT"',
        'mv "$TMPDIR/.shipway" "$TMPDIR/moved"; ln -s PRIVATE "$TMPDIR/.shipway"',
        'ln -s PRIVATE "$SHIPWAY_OUT/deeper"; ln -s PRIVATE/creds "$SHIPWAY_OUT/creds"; exit 9',
    ],
)
def test_reports_are_not_read_through_a_link(place: Place, check: MakeCheck, private: Path, plant: str) -> None:
    execution = place.execute(check(plant.replace("PRIVATE", str(private))))
    assert execution.files == {}
    if execution.steps[0].succeeded:
        assert execution.notices == ("put a link in place of the directory of its reports, so none were read",)


def test_nothing_is_taken_through_a_link_above_the_workspace(place: Place, check: MakeCheck, private: Path) -> None:
    place.repository /= "packages"
    line = f"cd ..; mv packages moved; ln -s {private} packages"
    execution = place.execute(check(line, reports=("creds",), outputs=("creds",)))
    assert execution.steps[0].succeeded
    assert execution.files == {}
    assert (private / "creds").is_file()


# --- pipes and what is gone -----------------------------------------------------------------------


def test_a_pipe_holds_nobody_up(place: Place, check: MakeCheck) -> None:
    plant = 'rm README.md; mkfifo README.md "$SHIPWAY_OUT/pipe" "$SHIPWAY_OUT/answer"'
    execution = place.execute(check(plant, Step(argv=("echo", "{}"), stdout="answer")))
    assert execution.changed == ("M README.md",)
    assert execution.files == {}
    assert "answer" in (execution.steps[1].error or "")


def test_a_step_may_empty_its_tmp(place: Place, check: MakeCheck) -> None:
    line = 'echo one; rm -rf "$TMPDIR"/* "$TMPDIR/.shipway" 2>/dev/null; sleep 0.5; echo two'
    execution = place.execute(check(line, 'mkdir -p "$SHIPWAY_OUT"; echo x > "$SHIPWAY_OUT/late"'))
    assert [step.exit_code for step in execution.steps] == [0, 0]
    assert execution.steps[0].output == "one\ntwo\n"
    assert execution.files == {"late": b"x\n"}


def test_a_step_may_have_logs_of_its_own(place: Place, check: MakeCheck) -> None:
    own = 'for at in "$TMPDIR/.shipway/logs" "$TMPDIR/../logs"; do mkdir -p $at; touch $at/foo.log $at/77.log; done'
    execution = place.execute(check(f"echo working; ({own}) 2>/dev/null; sleep 1"))
    assert execution.steps[0].output == "working\n"


def test_a_step_can_write_to_its_output_by_name(place: Place, check: MakeCheck) -> None:
    execution = place.execute(check("echo one > /dev/stderr; echo two | tee /dev/stderr >/dev/null"))
    assert execution.steps[0].succeeded
    assert execution.steps[0].output.endswith("two\n")


# --- what not even its owner may read -------------------------------------------------------------


def test_what_is_closed_to_its_owner_is_looked_at_all_the_same(place: Place, check: MakeCheck) -> None:
    lines = (
        "mkdir -m 000 packages/closed; mkdir -m 400 packages/listed; chmod 000 README.md; rm -f package.json",
        'echo x > new.txt; mkdir "$SHIPWAY_OUT/deep"; echo 1 > "$SHIPWAY_OUT/deep/report"',
        'chmod 000 new.txt "$SHIPWAY_OUT/deep/report"; chmod 000 "$SHIPWAY_OUT/deep" "$SHIPWAY_OUT"',
        "chmod 000 .",
    )
    ended = ordinary.execute(place, check(*lines))
    assert ended.codes == [0, 0, 0, 0]
    assert ended.files == {"deep/report": "1\n"}
    assert ended.changed == ["A new.txt", "D package.json"]


def test_outputs_that_may_not_be_written_are_kept_as_they_are(place: Place, check: MakeCheck) -> None:
    first = check("mkdir -p gen/dist/a; echo 1 > gen/dist/a/b; chmod 555 gen/dist/a gen/dist gen",
                  name="first", outputs=("**/dist",))  # fmt: skip
    ended = ordinary.execute(place, first, check("cat gen/dist/a/b; stat -c %a gen/dist gen/dist/a", needs=(first.id,)))
    assert ended.outputs == ["1\n555\n555\n"]


# --- changes --------------------------------------------------------------------------------------


def test_what_git_ignores_is_no_change_however_much_and_whatever_its_name(place: Place, check: MakeCheck) -> None:
    line = "mkdir dist; cd dist; seq 2500 | xargs touch; touch 'größe' 'a\"b'; cd ..; touch 'ü.txt'"
    assert place.execute(check(line)).changed == ("A ü.txt",)


def test_ignore_rules_hold_where_there_is_no_git(place: Place, check: MakeCheck) -> None:
    (place.repository / ".git").rename(place.repository.parent / "put-aside")
    assert place.execute(check("mkdir dist; touch dist/a new.txt")).changed == ("A new.txt",)

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci.errors import UsageError
from ci.reporting.document import read_document, to_json
from ci.reporting.files import FILES, refuse, write_report
from ci.reporting.paths import artifact_path, log_path, safe_path, with_safe_names

if TYPE_CHECKING:
    from ci.model import RunReport


def test_the_directory_holds_the_whole_report(
    tmp_path: Path, red: RunReport, artifacts: dict[str, bytes], logs: dict[str, str]
) -> None:
    directory = tmp_path / "deep" / "report"
    written = write_report(red, directory, artifacts=artifacts, logs=logs)
    assert [path.name for path in written[:5]] == list(FILES)
    assert sorted(written) == sorted(path for path in directory.rglob("*") if path.is_file())
    assert (directory / "logs/unit/vitest@packages/core.log").read_text() == logs["unit/vitest@packages/core"]
    assert list(tmp_path.joinpath("deep").iterdir()) == [directory]


def test_artifacts_lie_where_the_written_report_says(
    tmp_path: Path, red: RunReport, artifacts: dict[str, bytes]
) -> None:
    write_report(red, tmp_path / "report", artifacts=artifacts, logs={})
    read = read_document(tmp_path / "report" / "report.json")
    names = [name for stage in read.stages for check in stage.checks for name in check.artifacts]
    assert len(names) == 2
    kept = {(tmp_path / "report" / "artifacts" / name).read_bytes() for name in names}
    assert kept == set(artifacts.values())


def test_an_earlier_report_is_replaced_whole(
    tmp_path: Path, red: RunReport, green: RunReport, artifacts: dict[str, bytes]
) -> None:
    write_report(red, tmp_path / "report", artifacts=artifacts, logs={})
    write_report(green, tmp_path / "report", artifacts={}, logs={})
    assert read_document(tmp_path / "report" / "report.json").verdict == "passed"
    assert not (tmp_path / "report" / "artifacts").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_report_inside_a_repository_is_no_change_of_it(tmp_path: Path, green: RunReport) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    write_report(green, tmp_path / "report", artifacts={}, logs={"unit/x@.": "said"})
    status = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all"], cwd=tmp_path, check=True, capture_output=True
    )
    assert status.stdout == b""


def test_a_writer_that_is_killed_leaves_no_change_of_a_repository(tmp_path: Path, red: RunReport) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "given.json").write_text(to_json(red))
    subprocess.run(["git", "-C", str(tmp_path), "add", "given.json"], check=True)
    killing = (
        "import os, signal; from ci.reporting import files; from ci.reporting.document import read_document; "
        "from pathlib import Path\n"
        "files._write = lambda directory, contents: (directory.mkdir(), (directory / 'half').write_text('x'), "
        "os.kill(os.getpid(), signal.SIGKILL))\n"
        "files.write_report(read_document(Path('given.json')), Path('report'), artifacts={}, logs={})"
    )
    here = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    killed = subprocess.run([sys.executable, "-c", killing], cwd=tmp_path, env=here, check=False)
    assert killed.returncode == -9
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    left = subprocess.run(status, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert left.stdout == "A  given.json\n"
    assert len(list(tmp_path.glob(".report-*"))) == 1


@pytest.mark.parametrize("held", ["thesis.tex", "report.json"])
def test_a_directory_of_someone_else_is_left_alone(tmp_path: Path, green: RunReport, held: str) -> None:
    (tmp_path / held).write_text('{"tool": "eslint"}')
    with pytest.raises(UsageError, match="is not empty and holds no report of Shipway"):
        write_report(green, tmp_path, artifacts={}, logs={})
    assert [path.name for path in tmp_path.iterdir()] == [held]


def test_a_file_put_beside_a_report_is_not_lost(tmp_path: Path, green: RunReport) -> None:
    directory = tmp_path / "report"
    write_report(green, directory, artifacts={}, logs={})
    (directory / "my notes.md").write_text("mine")
    with pytest.raises(UsageError, match=r"holds my notes\.md beside a report of Shipway"):
        write_report(green, directory, artifacts={}, logs={})
    assert (directory / "my notes.md").read_text() == "mine"


def test_an_empty_directory_is_filled(tmp_path: Path, green: RunReport) -> None:
    write_report(green, tmp_path, artifacts={}, logs={})
    assert (tmp_path / "index.html").exists()


def test_a_file_in_the_place_of_the_directory_is_refused(tmp_path: Path, green: RunReport) -> None:
    (tmp_path / "report").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        write_report(green, tmp_path / "report", artifacts={}, logs={})


def test_a_file_and_a_folder_of_one_name_cost_a_notice_and_no_report(tmp_path: Path, green: RunReport) -> None:
    write_report(green, tmp_path / "report", artifacts={"a": b"file", "a/b": b"below"}, logs={})
    assert (tmp_path / "report/artifacts/a/b").read_bytes() == b"below"
    assert "could not be kept" in read_document(tmp_path / "report/report.json").notices[-1]


def test_a_place_that_can_hold_a_report_is_left_as_it_was(tmp_path: Path, green: RunReport) -> None:
    refuse(tmp_path / "deep" / "report")
    assert list(tmp_path.iterdir()) == []
    write_report(green, tmp_path / "report", artifacts={}, logs={})
    (tmp_path / "report" / ".shipway-killed").mkdir()  # what a killed run left on a mount point
    refuse(tmp_path / "report")


@pytest.mark.parametrize("below", ["/proc/report", "/dev/null/report", "loop/report"])
def test_a_place_that_cannot_hold_a_report_is_refused_before_the_run(tmp_path: Path, below: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UsageError, match=r"cannot be written|leads to itself"):
        refuse(tmp_path / below)


UNPRIVILEGED = """
import sys
from pathlib import Path
from ci.errors import UsageError
from ci.reporting.document import read_document
from ci.reporting.files import refuse, write_report
report, place = read_document(Path(sys.argv[1])), Path(sys.argv[2])
for name in ("closed/deep/report", "fixed/new", "fixed/report"):
    try:
        refuse(place / name)
        print("fits", len(write_report(report, place / name, artifacts={}, logs={})))
    except UsageError as error:
        print(error)
"""


def test_who_may_not_rename_a_directory_fills_it(tmp_path: Path, green: RunReport) -> None:
    (tmp_path / "given.json").write_text(to_json(green))
    (tmp_path / "closed").mkdir(mode=0o000)
    (tmp_path / "fixed/report").mkdir(parents=True)
    (tmp_path / "fixed").chmod(0o555)
    write = [sys.executable, "-c", UNPRIVILEGED, str(tmp_path / "given.json"), str(tmp_path)]
    ended = subprocess.run(
        ["unshare", "--user", "--map-user=1000", *write], capture_output=True, text=True, check=False
    )
    (tmp_path / "closed").chmod(0o700)
    (tmp_path / "fixed").chmod(0o755)
    if "unshare" in ended.stderr:
        pytest.skip("this machine refuses user namespaces")
    hint = "(give --report another DIR)"
    assert ended.stdout.splitlines() == [
        f"{tmp_path}/closed/deep/report cannot be written: Permission denied {hint}",
        f"{tmp_path}/fixed/new cannot be written: Permission denied {hint}",
        f"fits {len(FILES) + 1}",
    ], ended.stderr


WRITER = """
import sys
from pathlib import Path
from ci.errors import ShipwayError
from ci.reporting.document import read_document, to_json
from ci.reporting.files import write_report
report, directory, size = read_document(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3])
for artifacts in ({"small": b"1"}, {"big": bytes(size)}):
    try:
        write_report(report, directory, artifacts=artifacts, logs={})
    except ShipwayError as error:
        print(type(error).__name__, error)
print(sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*")))
"""


def written_on_a_mount(tmp_path: Path, report: RunReport, *, room: str, size: int) -> str:
    """Write a report twice to a file system of its own, the second time with an artifact of `size` bytes."""
    (tmp_path / "given.json").write_text(to_json(report))
    volume = tmp_path / "volume"
    volume.mkdir()
    mount = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
    write = [str(volume), sys.executable, "-c", WRITER, str(tmp_path / "given.json"), str(volume), str(size)]
    ended = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh", room, *write],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in ended.stderr or "mount:" in ended.stderr:
        pytest.skip("no file system can be mounted here")
    return ended.stdout


def test_a_full_disk_is_said_and_the_earlier_report_stays(tmp_path: Path, green: RunReport) -> None:
    said = written_on_a_mount(tmp_path, green, room="400k", size=1_000_000)
    assert "DiskFullError no room is left for the report in" in said
    assert "'artifacts/small'" in said


def test_a_mount_point_is_filled_and_refilled(tmp_path: Path, green: RunReport) -> None:
    said = written_on_a_mount(tmp_path, green, room="8m", size=1_000_000)
    assert said.startswith("['.gitignore', 'artifacts', 'artifacts/big', 'index.html', 'junit.xml', 'report.json'")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../b",
        "..",
        ".",
        "",
        "-rf",
        "a\x00b",
        "x" * 5000,
        "a/" * 300,
        "CON\n",
        "ü",
    ],
)
def test_a_hostile_name_stays_below_its_directory(name: str) -> None:
    safe = safe_path(name)
    assert not safe.startswith(("/", "-"))
    assert not {"", ".", ".."} & set(safe.split("/"))
    assert safe.isascii()
    assert safe.isprintable()
    assert len(safe) < 2000
    assert max(len(part) for part in safe.split("/")) < 255
    assert safe_path(safe) == safe


def test_a_good_name_is_kept_and_two_bad_ones_do_not_meet() -> None:
    assert artifact_path("e2e/home page.png") != artifact_path("e2e/home-page.png")
    assert artifact_path("e2e/home-page.png") == "artifacts/e2e/home-page.png"
    assert log_path("lint/eslint@.") == "logs/lint/eslint.log"


def test_naming_safely_twice_changes_nothing(red: RunReport) -> None:
    once = with_safe_names(red)
    assert with_safe_names(once) == once != red

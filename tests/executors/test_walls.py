"""What steps can see. Each test runs on every executor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from ci.executors import isolation
from tests.executors import ordinary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci.model import Check
    from tests.executors.conftest import Place

    MakeCheck = Callable[..., Check]


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file in the user's home directory."""
    path = Path.home().resolve() / f".shipway-test-{os.getpid()}"
    path.write_text("token", encoding="utf-8")
    yield path
    path.unlink()


# --- the home directory ---------------------------------------------------------------------------


def test_the_users_own_settings_cannot_be_read(place: Place, check: MakeCheck, secret: Path) -> None:
    assert not place.execute(check(f"cat {secret}")).steps[0].succeeded


@pytest.fixture(params=["itself", "its parent"])
def linked(request: pytest.FixtureRequest, secret: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home directory by a name with a link in it."""
    home = secret.parent
    link = tmp_path / "link"
    link.symlink_to(home if request.param == "itself" else home.parent)
    named = link if request.param == "itself" else link / home.name
    monkeypatch.setenv("HOME", str(named))
    return named


def test_nor_where_a_link_leads_to_the_home_directory(
    place: Place, check: MakeCheck, secret: Path, linked: Path
) -> None:
    line = f"cat {secret} || cat {linked}/{secret.name} && exit 9; ls /usr/bin >/dev/null"
    assert place.execute(check(line)).steps[0].exit_code == 0


def test_tools_are_found_where_a_link_leads_to_the_home_directory(place: Place, check: MakeCheck) -> None:
    tools = place.cache / "moved/home/python"
    base = Path(sys.base_prefix) / "bin/python3"
    subprocess.run([base, "-m", "venv", "--without-pip", tools], check=True)
    (place.cache / "homes").symlink_to("moved")
    home, real = Path("/srv/homes/home"), Path("/srv/moved/home")
    lines = (f"{at}/python/bin/python -c 'print(1)'" for at in (home, real))
    ended = ordinary.execute(place, check(*lines), home=home, mounted=Path("/srv"), python=home / "python/bin/python")
    assert ended.outputs == ["1\n", "1\n"]


def test_steps_run_where_the_home_directory_is_the_root(
    place: Place, check: MakeCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/")
    assert place.execute(check("ls /usr/bin >/dev/null && echo fine")).steps[0].output == "fine\n"


def test_the_report_says_what_is_hidden_where_the_home_directory_is_the_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/")
    isolated = anyio.run(isolation.probe, tmp_path / "probe")
    assert "what begins with a dot in the root directory" in " ".join(isolated.holds)
    assert "the home directory" not in " ".join(isolated.holds)


def test_what_begins_with_a_dot_is_hidden_where_the_home_directory_is_the_root(
    place: Place, check: MakeCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, directory = Path(f"/.shipway-test-{os.getpid()}"), Path(f"/.shipway-test-{os.getpid()}.d")
    try:
        directory.mkdir()
    except OSError:
        pytest.skip("the root directory cannot be written")
    try:
        for path in (file, directory / "creds"):
            path.write_text("token", encoding="utf-8")
        monkeypatch.setenv("HOME", "/")
        output = place.execute(check(f"cat {file} {directory}/creds; true")).steps[0].output
        assert "token" not in output
    finally:
        (directory / "creds").unlink(missing_ok=True)
        file.unlink(missing_ok=True)
        directory.rmdir()


def test_steps_run_where_the_directory_of_homes_may_not_be_listed(
    place: Place, check: MakeCheck, tmp_path: Path
) -> None:
    home = tmp_path / "homes/mine"
    home.mkdir(parents=True)
    home.parent.chmod(0o311)
    try:
        assert ordinary.execute(place, check("echo fine"), home=home).outputs == ["fine\n"]
    finally:
        home.parent.chmod(0o755)


# --- other checks ---------------------------------------------------------------------------------


def test_what_a_check_was_told_is_gone_when_its_steps_run(place: Place, check: MakeCheck) -> None:
    execution = place.execute(check('ls "$TMPDIR/.."; exit 0'))
    assert "check.json" not in execution.steps[0].output
    assert place.specifications == ()


def test_no_check_looks_into_the_cache_for_what_is_for_others(place: Place, check: MakeCheck) -> None:
    for path in ("work/other-run/1/check.json", "fingerprints.key"):
        (place.cache / path).parent.mkdir(parents=True, exist_ok=True)
        (place.cache / path).write_text("token", encoding="utf-8")
    lines = ("cat /srv/work/other-run/1/check.json", "cat /srv/fingerprints.key", "echo fine")
    ended = ordinary.execute(place, check(*lines), mounted=Path("/srv"))
    assert "token" not in "".join(ended.outputs)
    assert ended.outputs[2] == "fine\n"

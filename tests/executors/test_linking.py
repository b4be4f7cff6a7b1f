"""An install links packages out of the store where it can, and copies them where it cannot."""

from __future__ import annotations

import dataclasses
import fcntl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ci.executors import linking
from ci.executors.isolation import Mode
from ci.model import Network
from tests.executors.conftest import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ci.model import Check

    MakeCheck = Callable[..., Check]

LINK = (
    'pwd; mkdir -p "$npm_config_store_dir" node_modules/a; echo 1 > "$npm_config_store_dir/file"; '
    'if ln "$npm_config_store_dir/file" node_modules/a/file; then echo linked; '
    'else cp "$npm_config_store_dir/file" node_modules/a/file; echo copied; fi'
)


@pytest.fixture
def install(check: MakeCheck) -> Check:
    """A check that links a file of the store into node_modules, or copies it."""
    outputs = ("**/node_modules",)
    return check(LINK, name="install", outputs=outputs, registry=True, network=Network.OUTSIDE)


@pytest.fixture
def place(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(mode=Mode.NAMESPACES, repository=repository, cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture
def held(place: Place) -> Iterator[None]:
    """The lock of an install that links at the moment."""
    directory = linking.packages(place.cache)
    directory.mkdir(parents=True)
    with (directory / linking.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_an_install_links_out_of_the_store_at_the_repositorys_own_path(
    place: Place, check: MakeCheck, install: Check
) -> None:
    after = check("cat node_modules/a/file; git status --porcelain; ls ..", needs=(install.id,))
    assert place.execute(install).steps[0].output == f"{place.repository}\nlinked\n"
    assert place.kept == ("node_modules/a/file",)
    assert linking.store(place.cache).joinpath("file").stat().st_nlink == 1, "what was kept of that run went with it"
    said = place.execute(install, after).steps[0].output.splitlines()
    assert said[0] == "1"
    assert sorted(said[1:]) == sorted(path.name for path in place.repository.parent.iterdir())
    assert sorted(path.name for path in linking.packages(place.cache).iterdir()) == [linking.LOCK, linking.STORE]


def test_a_check_after_it_cannot_reach_the_store_through_a_link(place: Place, check: MakeCheck, install: Check) -> None:
    place.execute(install, check("echo spoilt > node_modules/a/file", needs=(install.id,)))
    assert linking.store(place.cache).joinpath("file").read_text() == "1\n"


@pytest.mark.usefixtures("held")
def test_of_two_installs_at_once_one_copies(place: Place, check: MakeCheck, install: Check) -> None:
    after = check("cat node_modules/a/file", needs=(install.id,))
    assert place.execute(install).steps[0].output.endswith("copied\n")
    assert place.execute(install, after).steps[0].output == "1\n"


def test_what_an_install_needs_is_seen_though_it_lies_beside_the_repository(
    repository: Path, tmp_path: Path, install: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "company.pem").write_text("certificate\n")
    (tmp_path / "npmrc").write_text("//a.example.test/:_authToken=1\n")
    (tmp_path / "hidden").write_text("of nobody's business\n")
    monkeypatch.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "company.pem"))
    monkeypatch.setenv("NPM_CONFIG_USERCONFIG", str(tmp_path / "npmrc"))
    place = Place(mode=Mode.NAMESPACES, repository=repository, cache=tmp_path / "cache")
    assert repository.parent == tmp_path
    look = f'{LINK}; cat "$NODE_EXTRA_CA_CERTS" "$NPM_CONFIG_USERCONFIG"; cat {tmp_path}/hidden; true'
    steps = (dataclasses.replace(install.steps[0], argv=("sh", "-c", look)),)
    output = place.execute(dataclasses.replace(install, steps=steps)).steps[0].output
    assert "linked\ncertificate\n//a.example.test" in output
    assert "hidden: No such file" in output
    assert sorted(path.name for path in linking.packages(place.cache).iterdir()) == [linking.LOCK, linking.STORE]


@pytest.mark.parametrize("top", ["/repository", "/usr/bin", "/tmp/shop", f"/srv/{linking.STORE}"])  # noqa: S108 - as named
def test_a_place_that_would_hide_the_system_is_not_taken(tmp_path: Path, top: str) -> None:
    with linking.beside_store(tmp_path, Path(top)) as given:
        assert given is None
    with linking.beside_store(tmp_path, Path("/srv/shop")) as given:
        assert given == tmp_path.resolve() / "packages/shop"


def test_what_a_killed_install_left_is_swept_and_that_of_a_running_one_is_not(tmp_path: Path) -> None:
    linking.sweep(tmp_path)
    directory = linking.packages(tmp_path)
    (directory / "shop/src").mkdir(parents=True)
    (directory / linking.STORE / "v10").mkdir(parents=True)
    with (directory / linking.LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        linking.sweep(tmp_path)
        assert (directory / "shop").exists()
    linking.sweep(tmp_path)
    assert sorted(path.name for path in directory.iterdir()) == [linking.LOCK, linking.STORE]

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ci.errors import UsageError
from ci.toolchains.registry import registry


@pytest.fixture(autouse=True)
def _of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a home of its own and no settings by environment."""
    for name in os.environ:
        if name.lower().startswith(("npm_config_", "pnpm_config_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_without_settings_there_is_only_the_place_where_they_would_be(tmp_path: Path) -> None:
    known = registry()
    assert (known.files, known.settings, known.named) == ({}, {}, {})
    assert known.environment == {"NPM_CONFIG_USERCONFIG": str(tmp_path / ".npmrc")}


@pytest.mark.parametrize("spelling", ["NPM_CONFIG_USERCONFIG", "npm_config_userconfig"])
def test_the_file_that_a_variable_names_is_the_users_and_its_variables_come_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    (tmp_path / ".npmrc").write_text("//a.example.test/:_authToken=${NOT_MEANT}\n")
    (tmp_path / "set-up").write_text("//b.example.test/:_authToken=${NODE_AUTH_TOKEN}\nx=${NOT_SET} ${PLACE-/srv}\n")
    for name, value in {"NODE_AUTH_TOKEN": "t", "NOT_MEANT": "n", "PLACE": "p", spelling: f"{tmp_path}/set-up"}.items():
        monkeypatch.setenv(name, value)
    known = registry()
    assert known.files == {"npmrc": tmp_path / "set-up"}
    assert known.environment == {
        "NODE_AUTH_TOKEN": "t",
        "PLACE": "p",
        "NPM_CONFIG_USERCONFIG": str(tmp_path / "set-up"),
    }


def test_what_chooses_a_registry_comes_along_and_no_other_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "global").touch()
    chosen = {
        "npm_config_registry": "https://a.example.test/",
        "pnpm_config_cafile": "/ca.pem",
        "npm_config_//a.example.test/:_authToken": "t",
        "NPM_CONFIG_GLOBALCONFIG": str(tmp_path / "global"),
    }
    for name, value in {**chosen, "npm_config_loglevel": "silly", "npm_config_ignore_scripts": "true"}.items():
        monkeypatch.setenv(name, value)
    known = registry()
    assert known.settings == chosen
    assert known.cafile == Path("/ca.pem")
    assert known.files == {"global npmrc": tmp_path / "global"}


def test_the_file_of_authorities_is_the_one_that_the_users_own_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".npmrc").write_text('loglevel=warn\n# cafile=/no\ncafile = "${PLACE}/ca.pem"\n')
    (tmp_path / "global").write_text("cafile=/global.pem\n")
    monkeypatch.setenv("PLACE", "/srv")
    monkeypatch.setenv("npm_config_globalconfig", str(tmp_path / "global"))
    assert registry().cafile == Path("/srv/ca.pem")
    (tmp_path / ".npmrc").write_text("loglevel=warn\n")
    assert registry().cafile == Path("/global.pem")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_said_by_its_name(tmp_path: Path) -> None:
    (tmp_path / ".npmrc").touch(mode=0)
    with pytest.raises(UsageError, match=r"\.npmrc cannot be read"):
        registry()

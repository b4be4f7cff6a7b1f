from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from ci.errors import ToolError
from ci.fingerprints import fingerprints, own_key

if TYPE_CHECKING:
    from pathlib import Path

VALUES = {"TOKEN": "hunter2", "OTHER": "hunter2"}


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = own_key(tmp_path)
    assert (len(key), own_key(tmp_path)) == (32, key)
    (place,) = tmp_path.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


def test_runs_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda _: own_key(tmp_path), range(64)))) == 1
    assert len(list(tmp_path.iterdir())) == 1


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "fingerprints.key").write_bytes(b"short")
    with pytest.raises(ToolError, match=r"fingerprints\.key is damaged"):
        own_key(tmp_path)


def test_a_fingerprint_is_the_same_for_the_same_value_name_and_key_alone(tmp_path: Path) -> None:
    key = own_key(tmp_path)
    found = fingerprints(VALUES, key)
    assert found == fingerprints(VALUES, key)
    assert found["TOKEN"] != found["OTHER"], "or it could be seen that two are the same"
    assert found["TOKEN"] != fingerprints({"TOKEN": "hunter3"}, key)["TOKEN"]
    assert found["TOKEN"] != fingerprints(VALUES, bytes(32))["TOKEN"]
    assert "hunter" not in str(found)

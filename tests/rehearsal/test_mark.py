"""Whether a process is in a rehearsal's world: one that is up, and is all that is connected."""

from __future__ import annotations

import fcntl
from typing import TYPE_CHECKING

import pytest

from ci import config
from ci.errors import UsageError
from ci.rehearsal.mark import LOCK, VARIABLE, leave, rehearsing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OWN = "http://127.0.0.1:20001"
TEXT = """
[github]
repository = "acme/receipts"
token = "env://TOKEN"
address = "http://127.0.0.1:20001"

[[apps]]
name = "web"
path = "apps/web"

[environments.staging]
addresses = { web = "http://127.0.0.1:20002" }

[environments.staging.neon]
project = "receipts"
token = "env://TOKEN"
address = "http://127.0.0.1:20001/api/v2"

[environments.staging.notify]
pagerduty = { key = "env://TOKEN", address = "http://127.0.0.1:20001/v2" }
"""


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Path]:
    """Hold a directory as a world does."""
    with (tmp_path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        leave(tmp_path, [OWN, "http://127.0.0.1:20002"])
        yield tmp_path


def test_without_the_variable_nothing_is_a_rehearsal(up: Path) -> None:
    assert up.is_dir()
    assert not rehearsing(config.loads(TEXT), {})
    assert not rehearsing(config.loads(TEXT), {VARIABLE: ""})


def test_all_that_is_connected_at_a_world_that_is_up_is_a_rehearsal(up: Path) -> None:
    assert rehearsing(config.loads(TEXT), {VARIABLE: str(up)})


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ('address = "http://127.0.0.1:20001"\n', "", "[github]"),
        ("127.0.0.1:20001/api", "127.0.0.1:20009/api", "[environments.staging.neon]"),
        ("http://127.0.0.1:20002", "https://receipts.example.com", "[environments.staging] addresses web"),
        ("http://127.0.0.1:20001/v2", "https://events.pagerduty.com/v2", "[environments.staging.notify.pagerduty]"),
    ],
)
def test_one_real_address_among_those_of_a_world_is_refused(up: Path, before: str, after: str, place: str) -> None:
    with pytest.raises(UsageError, match="is not in the rehearsal's world") as refused:
        rehearsing(config.loads(TEXT.replace(before, after)), {VARIABLE: str(up)})
    assert place in refused.value.message


def test_a_world_that_ended_or_never_was_is_refused(tmp_path: Path) -> None:
    (tmp_path / LOCK).touch()
    leave(tmp_path, [OWN])
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match="no rehearsal's world is up"):
            rehearsing(config.loads(TEXT), {VARIABLE: str(place)})


def test_a_lock_that_somebody_else_holds_is_no_world(tmp_path: Path) -> None:
    with (tmp_path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for mark in (None, "[]", '{"addresses": 1}', "not JSON"):
            if mark is not None:
                (tmp_path / "rehearsal.json").write_text(mark)
            with pytest.raises(UsageError, match="no rehearsal's world is up"):
                rehearsing(config.loads(TEXT), {VARIABLE: str(tmp_path)})

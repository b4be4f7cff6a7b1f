from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ci.journal import Journal


def test_all_who_come_first_at_once_get_one_key(opened: Callable[[], Journal]) -> None:
    opened()
    keys: list[bytes] = []
    start = threading.Barrier(4)

    def ask() -> None:
        journal = opened()
        start.wait()
        keys.append(journal.footprints.key())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(keys), len(set(keys)), len(keys[0])) == (4, 1, 32)
    assert opened().footprints.key() == keys[0]


def test_the_newest_footprint_of_each_environment_is_kept(opened: Callable[[], Journal]) -> None:
    journal = opened()
    assert journal.footprints.recorded() == {}
    journal.footprints.record("staging", {"ai": "1"})
    journal.footprints.record("production", {"ai": "2"})
    journal.footprints.record("staging", {"ai": "3", "webhooks": [{"name": "stripe"}]})
    assert opened().footprints.recorded() == {
        "production": {"ai": "2"},
        "staging": {"ai": "3", "webhooks": [{"name": "stripe"}]},
    }

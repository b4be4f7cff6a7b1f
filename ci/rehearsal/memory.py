"""What a stand-in knows: JSON documents in one file, written at once, so that they are there after a kill."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class Memory:
    """The file of one stand-in. Its shelves hold documents by key, in the order in which they were put there."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = off")  # a killed process loses nothing by it
        self._database.execute(
            "create table if not exists documents (shelf text, key text, value text, primary key (shelf, key))"
        )
        self._database.execute("create table if not exists numbers (name text primary key, value integer)")

    def shelf(self, name: str) -> Shelf:
        """Return the documents of one kind."""
        return Shelf(self._database, name)

    def rows(self, name: str) -> Rows:
        """Return the documents of one kind, of which there are many and which are read all at once."""
        return Rows(self._database, name)

    def number(self, name: str, *, first: int = 1) -> int:
        """Return the next number of a sequence: ids, pull requests."""
        row = self._database.execute(
            "insert into numbers values (?, ?) on conflict (name) do update set value = value + 1 returning value",
            (name, first),
        ).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class Shelf(MutableMapping[str, Any]):
    """Documents by key. What is read is a copy: put it back to keep a change."""

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        """Belong to a memory."""
        self._database = database
        self._name = name

    def __getitem__(self, key: str) -> Any:
        """Return a document."""
        query = "select value from documents where shelf = ? and key = ?"
        row = self._database.execute(query, (self._name, key)).fetchone()
        if row is None:
            raise KeyError(key)
        return json.loads(row[0])

    def __setitem__(self, key: str, value: Any) -> None:
        """Put a document there, or in the place of the one that is there."""
        self._database.execute(
            "insert into documents values (?, ?, ?) on conflict (shelf, key) do update set value = excluded.value",
            (self._name, key, json.dumps(value)),
        )

    def __delitem__(self, key: str) -> None:
        """Take a document away."""
        query = "delete from documents where shelf = ? and key = ?"
        if self._database.execute(query, (self._name, key)).rowcount == 0:
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, the oldest first."""
        query = "select key from documents where shelf = ? order by rowid"
        yield from [row[0] for row in self._database.execute(query, (self._name,))]

    def __len__(self) -> int:
        """Count the documents."""
        query = "select count(*) from documents where shelf = ?"
        return int(self._database.execute(query, (self._name,)).fetchone()[0])

    def values(self) -> ValuesView[Any]:
        """Return the documents, the oldest first."""
        return _Values(self)

    def _documents(self) -> Iterator[tuple[str, Any]]:
        query = "select key, value from documents where shelf = ? order by rowid"
        for key, value in self._database.execute(query, (self._name,)).fetchall():
            yield key, json.loads(value)


class _Values(ValuesView[Any]):
    """All documents, read in one go."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf)
        self._shelf = shelf

    def __iter__(self) -> Iterator[Any]:
        yield from (value for _, value in self._shelf._documents())  # noqa: SLF001 - its own view


class Rows(Shelf):
    """A shelf whose documents are at hand as well as in the file. What is read is no copy: nobody may change it."""

    def __init__(self, database: sqlite3.Connection, name: str) -> None:
        """Belong to a memory, and know what it knows."""
        super().__init__(database, name)
        self._kept: dict[str, Any] = dict(self._documents())

    def __getitem__(self, key: str) -> Any:
        """Return a document."""
        return self._kept[key]

    def __setitem__(self, key: str, value: Any) -> None:
        """Put a document there, or in the place of the one that is there."""
        super().__setitem__(key, value)
        self._kept[key] = json.loads(json.dumps(value))

    def __delitem__(self, key: str) -> None:
        """Take a document away."""
        super().__delitem__(key)
        del self._kept[key]

    def __iter__(self) -> Iterator[str]:
        """Yield the keys, the oldest first."""
        yield from list(self._kept)

    def __len__(self) -> int:
        """Count the documents."""
        return len(self._kept)

    def values(self) -> ValuesView[Any]:
        """Return the documents, the oldest first."""
        return self._kept.values()

"""The file of a store: one connection, its transactions, and what waits to be written with the next of them."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from selftaught.errors import StoreFailure, UsageError
from selftaught.store.opening import explain, open_to_read, open_to_write
from selftaught.store.packing import Rows, Texts, kept_key

_LATELY = 10_000
"""How many texts and uses are remembered as written, and how many uses may wait to be."""


class File:
    """One open store. Safe to use from many threads.

    Opened `readonly`, it is looked at as it is, also where nothing may be written: no file is made and none changed.
    """

    def __init__(self, path: Path, readonly: bool = False) -> None:
        self.path = path
        self.readonly = readonly
        self._lock = threading.RLock()
        self._written: set[str] = set()
        self._unwritten: dict[str, tuple[int | None, bytes]] = {}
        self._uses: set[tuple[int, str]] = set()
        self._prunings = 0
        self._db, self._copy = open_to_read(path) if readonly else (open_to_write(path), None)
        self._rows = Rows(self._db)
        self._texts = Texts(self._db)

    def close(self) -> None:
        """Write what is left and close the file."""
        with self._lock:
            try:
                self._flush()
            finally:
                self._db.close()
                if self._copy:
                    self._copy.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Generator[sqlite3.Connection]:
        """One transaction, retaken when it was nested; SQLite's complaints become StoreFailure."""
        with self._lock:
            try:
                with self._db:
                    yield self._db
            except sqlite3.Error as error:
                raise StoreFailure(explain(self.path, error)) from error

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that first writes the texts and uses that wait; they go on waiting when it fails."""
        if self.readonly:
            raise UsageError(f"store {self.path} was opened to be read only")
        with self._transaction() as db:
            try:
                db.execute("BEGIN IMMEDIATE")
                self._heed_prunings()
                self._write_texts(self._unwritten)
                self._write_uses(self._uses)
                yield db
                learned = bool(self._unwritten) and self._texts.learn()
                db.commit()
            except BaseException:
                self._rows.forget()
                raise
            if learned:
                self._texts.refresh()
            if len(self._written) > _LATELY:
                self._written.clear()
            self._written.update(self._unwritten)
            self._unwritten.clear()
            self._uses.clear()

    def _heed_prunings(self) -> None:
        """Forget what was written when another process has removed some of it since."""
        count = self._db.execute("SELECT count FROM prunings").fetchone()[0]
        if count != self._prunings:
            self._rows.forget()
            self._written.clear()
            self._prunings = count

    def _write_texts(self, texts: dict[str, tuple[int | None, bytes]]) -> None:
        rows = [(bytes.fromhex(name), *packed) for name, packed in texts.items()]
        self._db.executemany("INSERT OR IGNORE INTO texts (digest, dictionary, body) VALUES (?, ?, ?)", rows)

    def _write_uses(self, uses: Iterable[tuple[int, str]]) -> None:
        rows = ((run, kept_key(key)) for run, key in uses)
        self._db.executemany("INSERT OR IGNORE INTO uses SELECT ?, fact FROM keys WHERE key = ?", rows)

    def _note_uses(self, run: int, keys: Sequence[str]) -> None:
        if keys and not self.readonly:
            with self._lock:
                self._uses.update((run, key) for key in keys)
                if len(self._uses) > _LATELY:
                    self._flush()

    def _flush(self) -> None:
        """Write the texts and uses that wait."""
        if (self._unwritten or self._uses) and not self.readonly:
            with self._writing():
                pass

    def _paged(self, query: str, page: int, *wanted: object) -> Generator[tuple[Any, ...]]:
        """The rows of a query by ascending id, its first column, read a page at a time."""
        last = -1
        while True:
            with self._transaction() as db:
                rows = db.execute(query, (*wanted, last, page)).fetchall()
            yield from rows
            if len(rows) < page:
                return
            last = rows[-1][0]

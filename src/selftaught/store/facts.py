"""Facts and texts: what is computed once, and the one door to it."""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple

from selftaught.errors import StoreFailure
from selftaught.plain import JSON, digest
from selftaught.store.file import File
from selftaught.store.packing import TEXT_BYTES, Outline, kept_key, outline, plain

_PAGE = 500
"""Rows read at once where there may be any number of them."""


class Row(NamedTuple):
    """A fact on its way to the file."""

    key: str
    kind: str
    about: Outline
    body: Outline


class _Write:
    """New facts of one thread on their way to the file, and whether they were the first of their keys."""

    def __init__(self, rows: Sequence[Row], run: int) -> None:
        self.rows = rows
        self.run = run
        self.first: bool | None = None
        """None until they are in the file."""


class Facts(File):
    """The part of a store that keeps facts and the texts they refer to."""

    def __init__(self, path: Path, readonly: bool = False) -> None:
        super().__init__(path, readonly)
        self._flights: dict[str, Future[JSON]] = {}
        self._claims = threading.Lock()
        self._queue: deque[_Write] = deque()

    # facts -----------------------------------------------------------------------------------------------------------

    def once(self, kind: str, about: Mapping[str, JSON], compute: Callable[[], JSON], run: int = 0) -> JSON:
        """The fact of this kind about this: found, or computed and kept. See `once_all`."""
        return self.once_all(kind, [about], lambda _: [compute()], run)[0]

    def once_all(
        self,
        kind: str,
        abouts: Sequence[Mapping[str, JSON]],
        compute: Callable[[Sequence[int]], Sequence[JSON]],
        run: int = 0,
    ) -> list[JSON]:
        """Facts in the order of `abouts`; `compute` is given the positions of those that have to be made.

        It makes those of the first positions, of one at least; they are kept before it is asked for the others.
        One fact is computed by one thread at a time (others wait for it), no lock is held meanwhile, and nothing is
        kept of a `compute` that raises: a failure of the world is no fact. Between processes the first insert wins.
        """
        keys = [key_of(kind, about) for about in abouts]
        mine, others = self._claim(keys)
        facts: dict[str, JSON] = {}
        new: set[str] = set()
        try:
            facts |= self._find(set(keys) - set(others))
            missing = [i for i in sorted(mine.values()) if keys[i] not in facts]
            while missing:
                made = compute(missing)
                if not made:
                    raise ValueError(f"no {kind} was made of {len(missing)}")
                here, missing = missing[: len(made)], missing[len(made) :]
                outlined = [(outline(abouts[i], True), outline(one, False)) for i, one in zip(here, made, strict=True)]
                facts |= self._insert([Row(keys[i], kind, *two) for i, two in zip(here, outlined, strict=True)], run)
                new.update(keys[i] for i in here)
        except BaseException as error:
            for key in mine.keys() - facts.keys():
                self._flights[key].set_exception(error)
                self._flights[key].exception()
            raise
        finally:
            for key in mine.keys() & facts.keys():
                self._flights[key].set_result(facts[key])
            with self._claims:
                for key in mine:
                    del self._flights[key]
        facts |= {key: flight.result() for key, flight in others.items()}
        self._note_uses(run, [key for key in keys if key not in new])
        return [facts[key] for key in keys]

    def facts(self, kind: str, run: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """(about, body) of every fact of a kind that a run used, oldest first."""
        # A cross join keeps the order of the tables: uses by fact, each fact looked up; so a page costs a page.
        query = (
            "SELECT fact, about, body FROM uses CROSS JOIN facts ON facts.id = fact "
            "WHERE run = ? AND kind = ? AND fact > ? ORDER BY fact LIMIT ?"
        )
        self._flush()
        for _, about, body in self._paged(query, _PAGE, run, kind):
            yield self._read(about), self._read(body)

    def every(self, kind: str) -> Iterator[tuple[dict[str, Any], Any]]:
        """(about, body) of every fact of a kind, whoever used it, oldest first."""
        query = "SELECT id, about, body FROM facts WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
        for _, about, body in self._paged(query, _PAGE, kind):
            yield self._read(about), self._read(body)

    def fact(self, key: str) -> JSON:
        """The fact under a key, or None."""
        return self._find({key}).get(key)

    def abouts(self, kind: str) -> Iterator[dict[str, Any]]:
        """What every fact of a kind is about, whoever used it, oldest first."""
        query = "SELECT id, about FROM facts WHERE kind = ? AND id > ? ORDER BY id LIMIT ?"
        for _, about in self._paged(query, _PAGE, kind):
            yield self._read(about)

    def _read(self, row: str) -> Any:
        with self._transaction():
            return self._rows.read(row)

    def _claim(self, keys: Sequence[str]) -> tuple[dict[str, int], dict[str, Future[JSON]]]:
        """Which keys this call answers for (with the position of each), and which another thread is computing now."""
        mine: dict[str, int] = {}
        others: dict[str, Future[JSON]] = {}
        with self._claims:
            for i, key in enumerate(keys):
                if key in mine:
                    continue
                if key in self._flights:
                    others[key] = self._flights[key]
                else:
                    self._flights[key] = Future()
                    mine[key] = i
        return mine, others

    def _find(self, keys: set[str]) -> dict[str, JSON]:
        wanted = {kept_key(key): key for key in keys}
        marks = ",".join("?" * len(wanted))
        with self._transaction() as db:
            rows = db.execute(
                f"SELECT key, body FROM keys JOIN facts ON facts.id = fact WHERE key IN ({marks})", [*wanted]
            ).fetchall()
            return {wanted[key]: self._rows.read(body) for key, body in rows}

    def _insert(self, rows: Sequence[Row], run: int) -> dict[str, JSON]:
        """Keep the rows; what counts afterwards is what the file holds (another process may have been first)."""
        write = _Write(rows, run)
        self._queue.append(write)
        with self._lock:
            try:
                if write.first is None:
                    self._write_queue()
            finally:
                if write.first is None:
                    self._queue.remove(write)
        return {row.key: plain(row.body) for row in rows} if write.first else self._find({row.key for row in rows})

    def _write_queue(self) -> None:
        """Write the facts of all threads that wait for it, in one transaction. When it fails, each of them tries itself."""
        batch = list(self._queue)
        with self._writing():
            first = self._write_facts([row for write in batch for row in write.rows])
            self._write_uses([(write.run, row.key) for write in batch for row in write.rows])
        for write in batch:
            write.first = first
            self._queue.popleft()

    def _write_facts(self, rows: Sequence[Row]) -> bool:
        """Insert facts that are not there; whether none was."""
        first = number = int(self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM facts").fetchone()[0])
        for row in rows:
            claim = (kept_key(row.key), number)
            if self._db.execute("INSERT OR IGNORE INTO keys (key, fact) VALUES (?, ?)", claim).rowcount:
                written = (number, row.kind, self._rows.write(row.about), self._rows.write(row.body))
                self._db.execute("INSERT INTO facts (id, kind, about, body) VALUES (?, ?, ?, ?)", written)
                number += 1
        return number - first == len(rows)

    # texts -----------------------------------------------------------------------------------------------------------

    def keep(self, text: str) -> str:
        """Keep a text once and return its digest, under which facts refer to it. It is written with the next fact."""
        raw = text.encode("utf-8", "surrogatepass")
        if len(raw) > TEXT_BYTES:
            raise StoreFailure(f"a text of {len(raw) >> 20} MiB is longer than store {self.path} takes")
        name = hashlib.sha256(raw).hexdigest()
        if name not in self._written:
            packed = self._texts.pack(raw)
            with self._lock:
                self._unwritten[name] = packed
        return name

    def text(self, name: str) -> str:
        """The text kept under a digest. StoreFailure when there is none."""
        with self._transaction() as db:
            query = "SELECT dictionary, body FROM texts WHERE digest = ?"
            packed = self._unwritten.get(name) or db.execute(query, (bytes.fromhex(name),)).fetchone()
            if packed is None:
                raise StoreFailure(f"store {self.path} has lost the text {name[:12]}: restore it from a copy")
            return self._texts.unpack(packed[0], packed[1]).decode("utf-8", "surrogatepass")


def key_of(kind: str, about: Mapping[str, JSON]) -> str:
    """The key of a fact: the digest of its kind and of all that decides it."""
    return digest([kind, about])

"""The run store: one SQLite file, one door.

A run is a list of facts. Every step that costs anything goes through `once`: the fact is found, or it is computed and
kept. So resuming a run is the same call again, and there is no second code path.

A fact is in SQLite's write-ahead log, with the texts it refers to, before `once` returns it: a killed process loses
nothing it has seen. Threads that write at the same time share one transaction. The log is not flushed to the platter at
each commit (`synchronous=NORMAL`), so a *power loss* may cost the last moments before it, whole transactions at a time;
it cannot corrupt the file. The log needs a local disk, not a network file system.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import threading
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selftaught.budget import Usage
from selftaught.errors import StoreFailure, UsageError
from selftaught.plain import JSON, canonical, digest

APPLICATION_ID = 0x53544F50
"""Marks the file as one of ours ("STOP")."""

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE texts (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE facts (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
        about TEXT NOT NULL, body TEXT NOT NULL);
    CREATE TABLE runs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL, ended TEXT,
        settings TEXT NOT NULL, circumstances TEXT NOT NULL, status TEXT NOT NULL,
        spent TEXT NOT NULL DEFAULT '{}', report TEXT);
    CREATE TABLE uses (run INTEGER NOT NULL, fact TEXT NOT NULL, PRIMARY KEY (run, fact)) WITHOUT ROWID;
    """,
)
"""One script per schema version, in order; a store of version n has seen the first n. Never change one: append."""

_BUSY_S = 10.0
_PAGE = 500
"""Rows read at once where there may be any number of them."""
_LATELY = 10_000
"""How many texts and uses are remembered as written, and how many uses may wait to be."""

_ASCII = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_Row = tuple[str, str, str, str]
"""Key, kind, about and body of a fact."""


@dataclass(frozen=True)
class RunRecord:
    """What the store knows of one run. `status`: running, done, or why it stopped."""

    id: int
    started: str
    ended: str | None
    settings: Mapping[str, Any]
    circumstances: Mapping[str, Any]
    """Versions, sandbox level, machine: what was true while it ran but does not decide its facts."""
    status: str
    spent: Mapping[str, Any]
    """Wall and CPU seconds so far, over all its sessions."""
    report: Mapping[str, Any] | None


class _Write:
    """New facts of one thread on their way to the file, and whether they were the first of their keys."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        self.rows = rows
        self.first: bool | None = None
        """None until they are in the file."""


class Store:
    """Facts, texts and runs in one file. Safe to use from many threads; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._flights: dict[str, Future[JSON]] = {}
        self._claims = threading.Lock()
        self._queue: deque[_Write] = deque()
        self._written: set[str] = set()
        self._unwritten: dict[str, bytes] = {}
        self._uses: set[tuple[int, str]] = set()
        self._db = _open(path)

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
        try:
            facts |= self._find(set(keys) - set(others))
            missing = [i for i in sorted(mine.values()) if keys[i] not in facts]
            while missing:
                made = compute(missing)
                if not made:
                    raise ValueError(f"no {kind} was made of {len(missing)}")
                here, missing = missing[: len(made)], missing[len(made) :]
                rows = [(keys[i], kind, _ascii(abouts[i]), _ascii(one)) for i, one in zip(here, made, strict=True)]
                facts |= self._insert(rows)
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
        self._note_uses(run, keys)
        return [facts[key] for key in keys]

    def facts(self, kind: str, run: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """(about, body) of every fact of a kind that a run used, oldest first."""
        # A cross join keeps the order of the tables: facts by id, each looked up among the uses; so a page costs a page.
        query = (
            "SELECT facts.id, about, body FROM facts CROSS JOIN uses ON uses.fact = facts.key "
            "WHERE uses.run = ? AND kind = ? AND facts.id > ? ORDER BY facts.id LIMIT ?"
        )
        self._flush()
        for _, about, body in self._paged(query, run, kind):
            yield json.loads(about), json.loads(body)

    def fact(self, key: str) -> JSON:
        """The fact under a key, or None."""
        return self._find({key}).get(key)

    def abouts(self, kind: str) -> Iterator[dict[str, Any]]:
        """What every fact of a kind is about, whoever used it, oldest first."""
        for _, about in self._paged("SELECT id, about FROM facts WHERE kind = ? AND id > ? ORDER BY id LIMIT ?", kind):
            yield json.loads(about)

    def _paged(self, query: str, *wanted: object) -> Iterator[tuple[Any, ...]]:
        """The rows of a query by ascending id, read a page at a time."""
        last = -1
        while True:
            with self._transaction() as db:
                rows = db.execute(query, (*wanted, last, _PAGE)).fetchall()
            yield from rows
            if len(rows) < _PAGE:
                return
            last = rows[-1][0]

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
        with self._transaction() as db:
            marks = ",".join("?" * len(keys))
            rows = db.execute(f"SELECT key, body FROM facts WHERE key IN ({marks})", [*keys]).fetchall()
        return {key: json.loads(body) for key, body in rows}

    def _insert(self, rows: Sequence[_Row]) -> dict[str, JSON]:
        """Keep the rows; what counts afterwards is what the file holds (another process may have been first)."""
        write = _Write(rows)
        self._queue.append(write)
        with self._lock:
            try:
                if write.first is None:
                    self._write_queue()
            finally:
                if write.first is None:
                    self._queue.remove(write)
        return {key: json.loads(body) for key, _, _, body in rows} if write.first else self._find({r[0] for r in rows})

    def _write_queue(self) -> None:
        """Write the facts of all threads that wait for it, in one transaction. When it fails, each of them tries itself."""
        batch = list(self._queue)
        rows = [row for write in batch for row in write.rows]
        with self._writing() as db:
            before = db.total_changes
            db.executemany("INSERT OR IGNORE INTO facts (key, kind, about, body) VALUES (?, ?, ?, ?)", rows)
            first = db.total_changes - before == len(rows)
        for write in batch:
            write.first = first
            self._queue.popleft()

    # texts -----------------------------------------------------------------------------------------------------------

    def keep(self, text: str) -> str:
        """Keep a text once and return its digest, under which facts refer to it. It is written with the next fact."""
        raw = text.encode("utf-8", "surrogatepass")
        name = hashlib.sha256(raw).hexdigest()
        if name not in self._written:
            packed = zlib.compress(raw, 1)
            with self._lock:
                self._unwritten[name] = packed
        return name

    def text(self, name: str) -> str:
        """The text kept under a digest. StoreFailure when there is none."""
        with self._transaction() as db:
            waiting = self._unwritten.get(name)
            row = (waiting,) if waiting else db.execute("SELECT body FROM texts WHERE digest = ?", (name,)).fetchone()
        if row is None:
            raise StoreFailure(f"store {self.path} has lost the text {name[:12]}: restore it from a copy")
        return zlib.decompress(row[0]).decode("utf-8", "surrogatepass")

    # runs ------------------------------------------------------------------------------------------------------------

    def start(self, settings: Mapping[str, JSON], circumstances: Mapping[str, JSON]) -> int:
        """Begin a run and return its number."""
        row = (_now(), canonical(settings), canonical(circumstances), "running")
        with self._writing() as db:
            made = db.execute("INSERT INTO runs (started, settings, circumstances, status) VALUES (?, ?, ?, ?)", row)
            return int(made.lastrowid or 0)

    @contextmanager
    def alone(self, run: int) -> Generator[None]:
        """Work on a run as the only process that does; UsageError when another one does. A kill ends it as well.

        Different runs may be worked on at the same time; what one finds out, the others find.
        """
        with ExitStack() as held:
            try:
                file = held.enter_context(Path(f"{self.path}-lock").open("a"))
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, run)
            except BlockingIOError:
                said = f"run {run} is being worked on by another process: wait for its end, or stop it"
                raise UsageError(said) from None
            except OSError as error:
                raise StoreFailure(f"store {self.path} cannot be locked: {error.strerror}") from error
            yield

    def reopen(self, run: int) -> None:
        """Mark a run as running again."""
        with self._writing() as db:
            db.execute("UPDATE runs SET status = 'running', ended = NULL WHERE id = ?", (run,))

    def spend(self, run: int, spent: Mapping[str, JSON]) -> None:
        """Note what a run has cost so far."""
        with self._writing() as db:
            db.execute("UPDATE runs SET spent = ? WHERE id = ?", (canonical(spent), run))

    def bought(self, run: int) -> Usage:
        """The answers that a run bought, their tokens and their price (None: one is unknown). Exact also after a kill."""
        query = (
            "SELECT count(*), total(json_extract(body, '$.tokens_in')), total(json_extract(body, '$.tokens_out')), "
            "total(json_extract(body, '$.dollars')), count(*) - count(json_extract(body, '$.dollars')) "
            "FROM facts WHERE kind = 'answer' AND json_extract(body, '$.bought_by') = ?"
        )
        with self._transaction() as db:
            answers, tokens_in, tokens_out, dollars, unknown = db.execute(query, (run,)).fetchone()
        return Usage(0, answers, 0, int(tokens_in), int(tokens_out), None if unknown else dollars)

    def finish(self, run: int, status: str, report: Mapping[str, JSON] | None = None) -> None:
        """End a run: `done`, or why it stopped."""
        text = None if report is None else canonical(report)
        with self._writing() as db:
            db.execute("UPDATE runs SET status = ?, ended = ?, report = ? WHERE id = ?", (status, _now(), text, run))

    def runs(self) -> list[RunRecord]:
        """Every run, oldest first."""
        return self._records("ORDER BY id")

    def run(self, number: int) -> RunRecord:
        """One run. UsageError when there is none of that number."""
        found = self._records("WHERE id = ?", number)
        if not found:
            raise UsageError(f"store {self.path} has no run {number}: `selftaught runs` lists those it has")
        return found[0]

    def _records(self, which: str, *wanted: int) -> list[RunRecord]:
        query = "SELECT id, started, ended, settings, circumstances, status, spent, report FROM runs "
        with self._transaction() as db:
            return [_record(row) for row in db.execute(query + which, wanted)]

    # plumbing --------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write what is left and close the file."""
        with self._lock:
            try:
                self._flush()
            finally:
                self._db.close()

    def __enter__(self) -> Store:
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
                raise StoreFailure(_explain(self.path, error)) from error

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that first writes the texts and uses that wait; they go on waiting when it fails."""
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO texts (digest, body) VALUES (?, ?)", self._unwritten.items())
            db.executemany("INSERT OR IGNORE INTO uses (run, fact) VALUES (?, ?)", self._uses)
            yield db
            db.commit()
            if len(self._written) > _LATELY:
                self._written.clear()
            self._written.update(self._unwritten)
            self._unwritten.clear()
            self._uses.clear()

    def _note_uses(self, run: int, keys: Sequence[str]) -> None:
        if run:
            with self._lock:
                self._uses.update((run, key) for key in keys)
                if len(self._uses) > _LATELY:
                    self._flush()

    def _flush(self) -> None:
        """Write the texts and uses that wait."""
        if self._unwritten or self._uses:
            with self._writing():
                pass


def key_of(kind: str, about: Mapping[str, JSON]) -> str:
    """The key of a fact: the digest of its kind and of all that decides it."""
    return digest([kind, about])


def _open(path: Path) -> sqlite3.Connection:
    if path.is_dir():
        raise UsageError(f"store {path} is a directory: name a file, e.g. --store {path / 'runs.db'}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        _migrate(db, path)
    except sqlite3.Error as error:
        raise StoreFailure(_explain(path, error)) from error
    except OSError as error:
        raise StoreFailure(f"store {path} cannot be made: {error.strerror}; name another with --store") from error
    return db


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a store to the newest schema, each step in a transaction of its own."""
    tables: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    mark: int = db.execute("PRAGMA application_id").fetchone()[0]
    version = _version(db)
    if tables and mark != APPLICATION_ID:
        raise UsageError(f"store {path} is an SQLite file of another program: name another with --store")
    if version > len(MIGRATIONS):
        raise UsageError(
            f"store {path} was written by a newer selftaught (schema {version}, this one knows {len(MIGRATIONS)}): "
            "upgrade selftaught, or name another store with --store"
        )
    while (version := _version(db)) < len(MIGRATIONS):
        try:
            db.executescript(
                f"BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {MIGRATIONS[version]};"
                f"PRAGMA user_version = {version + 1}; COMMIT;"
            )
        except sqlite3.Error:
            db.rollback()
            if _version(db) == version:
                raise
            # Otherwise another process, which opened the store at the same time, was first.


def _version(db: sqlite3.Connection) -> int:
    return db.execute("PRAGMA user_version").fetchone()[0]


def _explain(path: Path, error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return f"store {path} is locked by another process: let it end, or name another store with --store"
    if "readonly" in text or "unable to open" in text:
        return f"store {path} cannot be written: give yourself write permission, or name another with --store"
    if "full" in text:
        return f"store {path} cannot grow, the disk is full: free some space, then `selftaught resume`"
    if "not a database" in text:
        return f"store {path} is not an SQLite file: name another with --store"
    return f"store {path} failed: {text}"


def _record(row: tuple[Any, ...]) -> RunRecord:
    number, started, ended, settings, circumstances, status, spent, report = row
    plain = [json.loads(one) for one in (settings, circumstances, spent)]
    return RunRecord(number, started, ended, plain[0], plain[1], status, plain[2], report and json.loads(report))


def _ascii(value: JSON) -> str:
    """Plain data as SQLite can hold it: half characters, which generated code may make, are written as escapes."""
    return _ASCII.encode(value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""Opening the file of a store: for work, which brings it to the newest schema, or only to look at it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from selftaught.errors import InUse, StoreFailure, UsageError
from selftaught.plain import is_file
from selftaught.store.locks import holder
from selftaught.store.schema import APPLICATION_ID, MIGRATIONS

_BUSY_S = 10.0
_STRANGE = "SELECT type, name FROM sqlite_master WHERE type = 'trigger' OR (type = 'view' AND name <> 'readable')"
"""What would compute where rows are read, without an end perhaps; what `readable` shows is for people alone."""
_MOVING_S = 600.0
"""How long to wait for another process that is bringing the same store to the newest schema."""


class Copy:
    """A store's file as it was, in a folder of its own that is gone when it is closed."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="selftaught-")
        self.path = Path(self._folder.name) / "store.db"

    def close(self) -> None:
        self._folder.cleanup()


def is_empty(path: Path) -> bool:
    """Whether a file is there that holds nothing: a run makes a store of it, nothing else does."""
    return is_file(path) and path.stat().st_size == 0


def open_to_write(path: Path) -> sqlite3.Connection:
    """The newest schema at `path`, made or moved over where it is not."""
    try:
        if path.is_dir():
            raise UsageError(f"store {path} is a directory: name a file, e.g. --store {path / 'runs.db'}")
        path.parent.mkdir(parents=True, exist_ok=True)
        return _opened(path, path)
    except sqlite3.Error as error:
        raise StoreFailure(explain(path, error)) from error
    except OSError as error:
        raise StoreFailure(f"store {path} cannot be made: {error.strerror}; name another with --store") from error


def open_to_read(path: Path) -> tuple[sqlite3.Connection, Copy | None]:
    """The store at `path`, of which nothing is changed.

    One of an earlier schema is moved over in a copy, and so is one whose log cannot be read where it lies.
    """
    if not is_file(path):
        raise UsageError(f"there is no store at {path}: name another with --store")
    if is_empty(path):
        raise UsageError(f"{path} is an empty file and no store: name another with --store")
    copy: Copy | None = None
    try:
        db = _readable(path)
        if db and _checked(db, path) == len(MIGRATIONS):
            return db, None
        copy = Copy()
        if db:
            with sqlite3.connect(copy.path) as target:
                db.backup(target)
            target.close()
            db.close()
        else:
            _copy_files(path, copy.path)
        return _opened(copy.path, path), copy
    except sqlite3.Error as error:
        raise StoreFailure(explain(path, error)) from error
    except OSError as error:
        raise StoreFailure(f"store {path} cannot be read: {error.strerror}") from error


def _readable(path: Path) -> sqlite3.Connection | None:
    """A connection that only reads; None when SQLite would have to write beside the file for that and may not."""
    may_write = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    if not may_write and not path.with_name(f"{path.name}-wal").exists():
        return None
    # Where it may, SQLite is let write: else it would leave the files of its log behind.
    mode = "rw" if may_write else "ro"
    db = sqlite3.connect(f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=_BUSY_S, check_same_thread=False)
    db.execute("PRAGMA query_only = ON")
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if may_write:
            raise
        return None
    return db


def _copy_files(path: Path, target: Path) -> None:
    shutil.copyfile(path, target)
    with suppress(FileNotFoundError):
        shutil.copyfile(path.with_name(f"{path.name}-wal"), target.with_name(f"{target.name}-wal"))


def _opened(file: Path, path: Path) -> sqlite3.Connection:
    """The file, which stands for the store at `path`, with the newest schema."""
    db = sqlite3.connect(file, timeout=_BUSY_S, check_same_thread=False)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    _migrate(db, file, path)
    return db


def _checked(db: sqlite3.Connection, path: Path) -> int:
    """The schema of a file. UsageError when it is not ours, or newer than this version."""
    tables: int = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    mark: int = db.execute("PRAGMA application_id").fetchone()[0]
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    strange = db.execute(_STRANGE).fetchone()
    if tables and mark != APPLICATION_ID:
        raise UsageError(f"store {path} is an SQLite file of another program: name another with --store")
    if version > len(MIGRATIONS):
        raise UsageError(
            f"store {path} was written by a newer selftaught (schema {version}, this one knows "
            f"{len(MIGRATIONS)}): upgrade selftaught, or name another store with --store"
        )
    if strange:
        raise UsageError(
            f"store {path} holds {strange[0]} {strange[1]}, which no store does: name another with --store"
        )
    return version


def _migrate(db: sqlite3.Connection, file: Path, path: Path) -> None:
    """Bring a file to the newest schema in one transaction: after a kill it is whole, of the old schema or the new."""
    if (before := _checked(db, path)) == len(MIGRATIONS):
        return
    if before and (busy := holder(file, None)):
        raise InUse(
            f"store {path} is of an earlier version and run {busy[0]} is being worked on: wait for its end, or stop it"
        )
    db.execute(f"PRAGMA busy_timeout = {int(1000 * _MOVING_S)}")
    try:
        db.execute("BEGIN IMMEDIATE")
        # Another process, which opened the store at the same time, may have been first.
        for step in MIGRATIONS[_checked(db, path) :]:
            step(db)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        db.commit()
    except BaseException:
        db.rollback()
        raise
    finally:
        db.execute(f"PRAGMA busy_timeout = {int(1000 * _BUSY_S)}")
    if before:
        shrink(db)


def shrink(db: sqlite3.Connection) -> None:
    """Give free pages back to the disk. Without the room or the time for that, they are used by what is written next."""
    with suppress(sqlite3.OperationalError):
        db.execute("VACUUM")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def explain(path: Path, error: sqlite3.Error) -> str:
    """What SQLite complains about, in one line with the mend."""
    text = str(error)
    if "locked" in text:
        return f"store {path} is locked by another process: let it end, or name another store with --store"
    if "readonly" in text or "unable to open" in text:
        return f"store {path} cannot be written: give yourself write permission, or name another with --store"
    if "full" in text:
        return f"store {path} cannot grow, the disk is full: free some space, then go on with what was stopped"
    if "closed" in text:
        return f"store {path} is closed: use what belongs to it within the block that has opened it"
    if "not a database" in text:
        return f"store {path} is not an SQLite file: name another with --store"
    return f"store {path} failed: {text}"

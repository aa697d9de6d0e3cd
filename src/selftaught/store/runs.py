"""Runs: what was asked for, what has come of it so far, what it costs, and who is working on it."""

from __future__ import annotations

import json
import os
import platform
import shlex
import sqlite3
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from selftaught.budget import Usage
from selftaught.errors import InUse, StoreFailure, UsageError
from selftaught.plain import JSON
from selftaught.store.file import File
from selftaught.store.locks import held, holder
from selftaught.store.packing import mapping

UNBEGUN = "stopped: its process ended before it began to work on it"
"""The status of a run that was begun until `reopen` says that it runs: true whatever ends its process meanwhile."""


@dataclass(frozen=True)
class Process:
    """A process that works, or has worked, on a run."""

    pid: int
    host: str


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
    document: Mapping[str, Any] | None
    """What has come of it: so far while it runs, all of it when it is done."""
    pulse: Mapping[str, Any] | None
    """Its last snapshot of what it is doing."""
    moved: str | None
    """When it last gave a sign of life (UTC, to the millisecond)."""
    process: Process | None
    """Who has begun to work on it and not said that it has ended; `Store.working` tells whether it still lives."""


class Runs(File):
    """The part of a store that keeps runs."""

    def __init__(self, path: Path, readonly: bool = False) -> None:
        super().__init__(path, readonly)
        self._begun: dict[int, ExitStack] = {}
        """What holds the runs that were begun here and that nobody has taken over yet."""

    def start(self, settings: Mapping[str, JSON], circumstances: Mapping[str, JSON]) -> int:
        """Begin a run that nobody works on yet, and return its number."""
        with self._writing() as db:
            return _insert(db, settings, circumstances, "running")

    @contextmanager
    def begun(self, settings: Mapping[str, JSON], circumstances: Mapping[str, JSON]) -> Generator[int]:
        """Begin a run that this process works on from the moment at which anybody can see it, to the end of the block or of
        the first `alone` in it, which takes it over."""
        with ExitStack() as mine:
            with self._writing() as db:
                number = _insert(db, settings, circumstances, UNBEGUN)
                mine.enter_context(self._locked(number, f"store {self.path}"))
                _sign(db, number, os.getpid(), platform.node())
            mine.callback(self._unsign, number)
            self._begun[number] = mine
            try:
                yield number
            finally:
                self._begun.pop(number, None)

    def reopen(self, run: int) -> None:
        """Mark a run as running again, which nobody has asked to stop yet."""
        with self._writing() as db:
            db.execute("UPDATE runs SET status = 'running', ended = NULL WHERE id = ?", (run,))
            db.execute("UPDATE pulses SET moved = ?, stop = 0 WHERE run = ?", (_now_ms(), run))

    def write(self, run: int, document: Mapping[str, JSON]) -> None:
        """Replace what has come of a run so far."""
        with self._writing() as db:
            db.execute("UPDATE runs SET document = ? WHERE id = ?", (_text(document), run))
            db.execute("UPDATE pulses SET moved = ? WHERE run = ?", (_now_ms(), run))

    def pulse(self, run: int, snapshot: Mapping[str, Any]) -> None:
        """Keep what a run is doing now, in place of what it did before, and the time of it."""
        with self._writing() as db:
            row = (_now_ms(), _text(snapshot), run)
            db.execute("UPDATE pulses SET moved = ?, snapshot = ? WHERE run = ?", row)

    def spend(self, run: int, spent: Mapping[str, JSON]) -> None:
        """Note what a run has cost so far."""
        with self._writing() as db:
            db.execute("UPDATE runs SET spent = ? WHERE id = ?", (_text(spent), run))

    def finish(self, run: int, status: str, document: Mapping[str, JSON] | None = None) -> None:
        """End a run: `done`, or why it stopped. Without a document, what had come of it so far stays."""
        text = None if document is None else _text(document)
        query = "UPDATE runs SET status = ?, ended = ?, document = coalesce(?, document) WHERE id = ?"
        with self._writing() as db:
            db.execute(query, (_whole(status), _now(), text, run))
            db.execute("UPDATE pulses SET moved = ? WHERE run = ?", (_now_ms(), run))

    def bought(self, run: int) -> Usage:
        """The answers that a run bought, their tokens and their price (None: one is unknown). Exact also after a kill."""
        answers, tokens_in, tokens_out, dollars, priced = 0, 0.0, 0.0, 0.0, 0
        with self._transaction() as db:
            for query, start in self._buying():
                row = db.execute(query, (f"{start}%", run)).fetchone()
                answers, priced = answers + row[0], priced + row[4]
                tokens_in, tokens_out, dollars = tokens_in + row[1], tokens_out + row[2], dollars + row[3]
        return Usage(0, answers, 0, int(tokens_in), int(tokens_out), None if priced < answers else dollars)

    def _buying(self) -> Generator[tuple[str, str]]:
        """For each form that answers have in this store: the query that sums them up, and how their rows begin."""
        names = self._db.execute("""SELECT id, body FROM parts WHERE body LIKE '[%"bought_by"%'""").fetchall()
        for number, body in names:
            members: list[Any] = json.loads(body)
            if "bought_by" not in members:
                continue
            figures = ("tokens_in", "tokens_out", "dollars", "bought_by")
            at = [f"json_extract(body, '$[{members.index(one) + 1}]')" if one in members else "NULL" for one in figures]
            yield (
                (
                    f"SELECT count(*), total({at[0]}), total({at[1]}), total({at[2]}), count({at[2]}) FROM facts "
                    f"WHERE kind = 'answer' AND body LIKE ? AND {at[3]} = ?"
                ),
                f"[{number},",
            )

    def runs(self) -> list[RunRecord]:
        """Every run, oldest first."""
        return self._records("ORDER BY id")

    def run(self, number: int) -> RunRecord:
        """One run. UsageError when there is none of that number."""
        found = self._records("WHERE id = ?", number) if abs(number) < 1 << 63 else []  # SQLite's whole numbers
        if not found:
            listing = f"`selftaught runs --store {shlex.quote(str(self.path))}`"
            raise UsageError(f"store {self.path} has no run {number}: {listing} lists those it has")
        return found[0]

    def _records(self, which: str, *wanted: int) -> list[RunRecord]:
        query = (
            "SELECT id, started, ended, settings, circumstances, status, spent, document, snapshot, moved, pid, host "
            f"FROM runs LEFT JOIN pulses ON pulses.run = runs.id {which}"
        )
        with self._transaction() as db:
            return [_record(*row) for row in db.execute(query, wanted)]

    # who works on them -----------------------------------------------------------------------------------------------

    @contextmanager
    def alone(self, run: int) -> Generator[None]:
        """Work on a run as the only process that does; InUse when another one does. A kill ends it as well.

        Different runs may be worked on at the same time; what one finds out, the others find.
        """
        begun = self._begun.pop(run, None)
        with begun.pop_all() if begun else ExitStack() as mine:
            if not begun:
                mine.enter_context(self._locked(run))
                mine.callback(self._unsign, run)
                with self._writing() as db:
                    _sign(db, run, os.getpid(), platform.node())
            yield

    @contextmanager
    def _locked(self, run: int | None, named: str = "") -> Generator[None]:
        """Hold the lock of a run, or of all; InUse when somebody works on it."""
        if self.readonly:
            raise UsageError(f"store {self.path} was opened to be read only")
        with ExitStack() as lock:
            try:  # the taking alone: what the block raises is no failure of the lock
                lock.enter_context(held(self.path, run))
            except BlockingIOError:
                which = named or f"run {run or (holder(self.path, None) or (0,))[0]}"
                raise InUse(f"{which} is being worked on by another process: wait for its end, or stop it") from None
            except OSError as error:
                raise StoreFailure(f"store {self.path} cannot be locked: {error.strerror}") from error
            yield

    def _unsign(self, run: int) -> None:
        """Nobody works on a run any more. What ended the work is told where the store fails: the lock says it as well."""
        with suppress(StoreFailure), self._writing() as db:
            _sign(db, run, None, None)

    def working(self, run: int) -> int | None:
        """The process that is working on a run at this moment, on this machine; None when there is none.

        A run whose status is running and which nobody works on has died. 0: somebody does, but its number is not known.
        """
        found = holder(self.path, run)
        if found is None:
            return None
        noted = self.run(run).process
        return found[1] or (noted.pid if noted else 0)

    def ask_to_stop(self, run: int) -> None:
        """Ask whoever works on a run to end it, as Ctrl-C would."""
        with self._writing() as db:
            db.execute("UPDATE pulses SET stop = 1 WHERE run = ?", (run,))

    def asked_to_stop(self, run: int) -> bool:
        """Whether the run was asked to stop since it was begun or reopened."""
        with self._transaction() as db:
            row = db.execute("SELECT stop FROM pulses WHERE run = ?", (run,)).fetchone()
        return bool(row and row[0])


def _insert(
    db: sqlite3.Connection, settings: Mapping[str, JSON], circumstances: Mapping[str, JSON], status: str
) -> int:
    """A row for a run; its number."""
    ended = None if status == "running" else _now()
    row = (_now(), ended, _text(settings), _text(circumstances), status)
    made = db.execute("INSERT INTO runs (started, ended, settings, circumstances, status) VALUES (?, ?, ?, ?, ?)", row)
    number = int(made.lastrowid or 0)
    db.execute("INSERT INTO pulses (run, moved) VALUES (?, ?)", (number, _now_ms()))
    return number


def _sign(db: sqlite3.Connection, run: int, pid: int | None, host: str | None) -> None:
    db.execute("UPDATE pulses SET pid = ?, host = ? WHERE run = ?", (pid, host, run))


def _record(
    number: int, started: str, ended: str | None, settings: str, circumstances: str, status: str, spent: str, *more: Any
) -> RunRecord:
    document, snapshot, moved, pid, host = more
    return RunRecord(
        id=number,
        started=started,
        ended=ended,
        settings=mapping(settings),
        circumstances=mapping(circumstances),
        status=status,
        spent=mapping(spent),
        document=None if document is None else mapping(document),
        pulse=None if snapshot is None else mapping(snapshot),
        moved=moved,
        process=Process(pid, host or "") if pid else None,
    )


def _whole(text: str) -> str:
    """The text with half characters as escapes, which SQLite could not hold: names of files may have some."""
    return text.encode(errors="backslashreplace").decode()


def _text(value: Mapping[str, JSON]) -> str:
    """Sorted, and half characters as escapes, which SQLite could not hold."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _now_ms() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")

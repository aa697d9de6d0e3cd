"""Deleting runs, pruning what no run uses any more, and merging one store into another."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from selftaught.errors import InUse, UsageError
from selftaught.plain import JSON, is_file, is_folder
from selftaught.store.events import Events
from selftaught.store.facts import Facts, Row
from selftaught.store.locks import holder
from selftaught.store.opening import shrink
from selftaught.store.packing import mapping, outline
from selftaught.store.runs import Runs

_PAGE = 500
_DIGEST = re.compile("[0-9a-f]{64}")
_PART = re.compile(r'(?:^\[|\{"@":)(\d+)')
_TEXT = re.compile(r'\{"#":(\d+)\}')


@dataclass(frozen=True)
class Pruned:
    """What was removed, and by how many bytes the file shrank."""

    facts: Mapping[str, int]
    """By kind."""
    texts: int
    bytes: int


@dataclass(frozen=True)
class Unused:
    """Answers that no run uses and that were not free, and what they have cost; None: not known of all of them."""

    answers: int
    dollars: float | None


@dataclass(frozen=True)
class Merged:
    """What came in from another store, and under which number each of its runs."""

    facts: int
    texts: int
    runs: Mapping[int, int]


class Upkeep(Facts, Runs, Events):
    """The part of a store that takes things out, and in from elsewhere."""

    def delete(self, run: int) -> None:
        """Delete a run with its events. Its facts stay, also for other runs, until `prune` removes what no run uses.

        UsageError when there is no such run, InUse when somebody works on it.
        """
        self.run(run)
        with self._locked(run), self._writing() as db:
            for table, column in (("runs", "id"), ("pulses", "run"), ("uses", "run"), ("events", "run")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", (run,))

    # pruning ---------------------------------------------------------------------------------------------------------

    def prune(self, answers: bool = False) -> Pruned:
        """Remove the facts that no run uses, the texts that nothing names any more, and give the room back to the disk.

        Answers were paid for: they stay, and with them their texts, unless `answers` says otherwise. What was computed
        outside any run counts as used. InUse while somebody works on a run of this store.
        """
        before = self._size()
        with self._locked(None):
            with self._writing() as db:
                gone = "id NOT IN (SELECT fact FROM uses)" + ("" if answers else " AND kind <> 'answer'")
                facts = dict(db.execute(f"SELECT kind, count(*) FROM facts WHERE {gone} GROUP BY kind").fetchall())
                db.execute(f"DELETE FROM facts WHERE {gone}")
                db.execute("DELETE FROM keys WHERE fact NOT IN (SELECT id FROM facts)")
                texts = self._drop_unnamed()
                db.execute("UPDATE prunings SET count = count + 1")
            with self._transaction() as db:
                self._rows.forget()
                shrink(db)
        return Pruned(facts, texts, before - self._size())

    def unused(self) -> Unused:
        """What `prune` would remove that was paid for, if answers go as well."""
        query = (
            "SELECT id, body FROM facts "
            "WHERE kind = 'answer' AND id NOT IN (SELECT fact FROM uses) AND id > ? ORDER BY id LIMIT ?"
        )
        self._flush()
        costs = [self._read(body).get("dollars") for _, body in self._paged(query, _PAGE)]
        paid = [one for one in costs if one != 0]
        return Unused(len(paid), None if None in paid else sum(paid))

    def _size(self) -> int:
        log = self.path.with_name(f"{self.path.name}-wal")
        return sum(one.stat().st_size for one in (self.path, log) if one.exists())

    def _drop_unnamed(self) -> int:
        """Remove the parts and texts that no fact and no run refers to; the number of texts."""
        parts, texts, names = set[int](), set[int](), set[str]()
        for row in self._db.execute("SELECT about, body FROM facts"):
            for one in row:
                parts.update(map(int, _PART.findall(one)))
                texts.update(map(int, _TEXT.findall(one)))
                names.update(_DIGEST.findall(one))
        self._keep_only("parts", parts)
        for query in ("SELECT body FROM parts", "SELECT settings || circumstances || coalesce(document, '') FROM runs"):
            for (one,) in self._db.execute(query):
                names.update(_DIGEST.findall(one))
        texts.update(
            number for number, name in self._db.execute("SELECT id, hex(digest) FROM texts") if name.lower() in names
        )
        return self._keep_only("texts", texts)

    def _keep_only(self, table: str, numbers: set[int]) -> int:
        """Remove all other rows of a table; how many those were."""
        gone = [(number,) for (number,) in self._db.execute(f"SELECT id FROM {table}") if number not in numbers]
        self._db.executemany(f"DELETE FROM {table} WHERE id = ?", gone)
        return len(gone)

    # merging ---------------------------------------------------------------------------------------------------------

    def merge(self, path: Path) -> Merged:
        """Take in the facts, texts and runs of another store, in one transaction. It is not changed.

        Its runs get new numbers, and so does what names them: answers know the run that bought them. Where both stores
        hold a fact, ours stays.
        """
        if is_folder(path):
            raise UsageError(f"store {path} is a directory: name the file of another store")
        if not is_file(path):
            raise UsageError(f"there is no store at {path}: name the file of another store")
        if path.samefile(self.path):
            raise UsageError(f"{path} is this store itself: name the file of another one")
        if busy := holder(path, None):
            raise InUse(f"run {busy[0]} of store {path} is being worked on: wait for its end, or stop it")
        with type(self)(path, readonly=True) as other, self._writing():
            before = [self._count(table) for table in ("facts", "texts")]
            self._take_texts(other)
            numbers = {record.id: self._take_run(other, record.id) for record in other.runs()}
            self._take_facts(other, numbers)
            facts, texts = (self._count(table) - count for table, count in zip(("facts", "texts"), before, strict=True))
            self._take_uses(other, {0: 0, **numbers})
        return Merged(facts, texts, numbers)

    def _count(self, table: str) -> int:
        return self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]

    def _take_texts(self, other: Upkeep) -> None:
        query = "SELECT id, digest, dictionary, body FROM texts WHERE id > ? ORDER BY id LIMIT ?"
        for _, name, *packed in other._paged(query, _PAGE):
            if not self._db.execute("SELECT 1 FROM texts WHERE digest = ?", (name,)).fetchone():
                self._write_texts({name.hex(): self._texts.pack(other._texts.unpack(*packed))})

    def _take_run(self, other: Upkeep, old: int) -> int:
        """Copy a run, what it was doing, and its events, unless the very same is here; its number here."""
        columns = "started, ended, settings, circumstances, status, spent, document"
        row = list(other._db.execute(f"SELECT {columns} FROM runs WHERE id = ?", (old,)).fetchone())
        here = "SELECT id FROM runs WHERE (started, ended, settings, circumstances, status) IS (?, ?, ?, ?, ?)"
        if known := self._db.execute(here, row[:5]).fetchone():
            return int(known[0])
        new = int(self._db.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0)
        if row[-1] and mapping(row[-1]).get("run") == old:
            query = "UPDATE runs SET document = json_set(document, '$.run', id) WHERE id = ?"
            self._db.execute(query, (new,))
        self._copy_rows(other, "pulses", "moved, snapshot", old, new)
        self._copy_rows(other, "events", "at_ms, kind, what, data", old, new)
        return new

    def _copy_rows(self, other: Upkeep, table: str, columns: str, old: int, new: int) -> None:
        rows = other._db.execute(f"SELECT {columns} FROM {table} WHERE run = ?", (old,))
        marks = ", ?" * len(columns.split(","))
        self._db.executemany(f"INSERT INTO {table} (run, {columns}) VALUES (?{marks})", ((new, *row) for row in rows))

    def _take_facts(self, other: Upkeep, numbers: Mapping[int, int]) -> None:
        query = (
            "SELECT key, kind, about, body FROM keys JOIN facts ON facts.id = fact WHERE key > ? ORDER BY key LIMIT ?"
        )
        for key, kind, about, body in other._paged(query, _PAGE):
            told, found = other._rows.read(about), other._rows.read(body)
            if kind == "answer" and isinstance(found, dict):
                found = _bought_by(cast("dict[str, JSON]", found), numbers)
            self._write_facts([Row(key.hex(), kind, outline(told, True), outline(found, False))])

    def _take_uses(self, other: Upkeep, numbers: Mapping[int, int]) -> None:
        rows = other._db.execute("SELECT run, key FROM keys JOIN uses USING (fact)")
        self._write_uses((numbers[run], key.hex()) for run, key in rows if run in numbers)


def _bought_by(answer: dict[str, JSON], numbers: Mapping[int, int]) -> dict[str, JSON]:
    """An answer that names the run that bought it by its new number."""
    buyer = answer.get("bought_by")
    return {**answer, "bought_by": numbers.get(buyer, 0)} if isinstance(buyer, int) else answer

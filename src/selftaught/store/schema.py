"""The tables of a store, and how a store of an earlier schema becomes one of the newest.

`sqlite3 store.db` shows everything: `runs` and `events` as they are, facts best by the view `readable`
(`SELECT * FROM readable WHERE kind = 'score' LIMIT 5`: the first 40 hexadecimal digits of keys, `about` and `body` as JSON;
numbers are rounded to 15 digits there). Only texts are deflated.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from selftaught.store.packing import Rows, Texts, dictionary, outline

APPLICATION_ID = 0x53544F50
"""Marks the file as one of ours ("STOP")."""


def _first(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE texts (digest TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID")
    db.execute(
        "CREATE TABLE facts (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,"
        " about TEXT NOT NULL, body TEXT NOT NULL)"
    )
    db.execute(
        "CREATE TABLE runs (id INTEGER PRIMARY KEY AUTOINCREMENT, started TEXT NOT NULL, ended TEXT,"
        " settings TEXT NOT NULL, circumstances TEXT NOT NULL, status TEXT NOT NULL,"
        " spent TEXT NOT NULL DEFAULT '{}', report TEXT)"
    )
    db.execute("CREATE TABLE uses (run INTEGER NOT NULL, fact TEXT NOT NULL, PRIMARY KEY (run, fact)) WITHOUT ROWID")


def _lean(db: sqlite3.Connection) -> None:
    """Facts in rows that refer to shared parts, texts with dictionaries, what a running run is doing, and events."""
    for table in ("texts", "facts", "uses"):
        db.execute(f"ALTER TABLE {table} RENAME TO old_{table}")
    for statement in _LEAN:
        db.execute(statement)
    sample = db.execute("SELECT body FROM old_texts WHERE length(body) < 65536 ORDER BY digest LIMIT 128").fetchall()
    texts = Texts(db)
    found = dictionary(texts.unpack(None, body) for (body,) in sample)
    if found:
        db.execute("INSERT INTO dictionaries (body) VALUES (?)", (found,))
        texts.refresh()
    db.executemany("INSERT INTO texts (digest, dictionary, body) VALUES (?, ?, ?)", _repacked(db, texts))
    db.executemany("INSERT INTO facts (id, kind, about, body) VALUES (?, ?, ?, ?)", _rewritten(db))
    keys = db.execute("SELECT key, id FROM old_facts ORDER BY key")
    db.executemany("INSERT INTO keys (key, fact) VALUES (?, ?)", ((bytes.fromhex(key), fact) for key, fact in keys))
    db.execute(
        "INSERT INTO uses SELECT run, id FROM old_uses JOIN old_facts ON old_facts.key = old_uses.fact ORDER BY run, id"
    )
    db.execute("INSERT INTO uses SELECT 0, id FROM facts WHERE id NOT IN (SELECT fact FROM uses)")
    db.execute("INSERT INTO pulses (run) SELECT id FROM runs")
    for table in ("texts", "facts", "uses"):
        db.execute(f"DROP TABLE old_{table}")


def _repacked(db: sqlite3.Connection, texts: Texts) -> Iterator[tuple[Any, ...]]:
    for name, body in db.execute("SELECT digest, body FROM old_texts ORDER BY digest"):
        yield (bytes.fromhex(name), *texts.pack(texts.unpack(None, body)))


def _rewritten(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    rows = Rows(db)
    for number, kind, about, body in db.execute("SELECT id, kind, about, body FROM old_facts ORDER BY id"):
        pieces = outline(json.loads(about), True), outline(json.loads(body), False)
        yield number, kind, *(rows.write(one) for one in pieces)


def _short_keys(db: sqlite3.Connection) -> None:
    """Keys of facts are their first 160 bits."""
    db.execute("UPDATE keys SET key = substr(key, 1, 20)")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (_first, _lean, _short_keys)
"""One function per schema version, in order; a store of version n has seen the first n. Never change one: append.

Each is called in a transaction that it must not end."""


def _expanded(column: str) -> str:
    """SQL for the JSON that a row of a fact means (see `packing`)."""
    return f"""
    CASE WHEN substr({column}, 1, 1) = '{{' THEN json_extract({column}, '$."="') ELSE (
        SELECT json_group_object(
            (SELECT value FROM json_each((SELECT body FROM parts WHERE id = json_extract({column}, '$[0]')))
                WHERE key = item.key - 1),
            json(CASE
                WHEN item.type IN ('null', 'true', 'false') THEN item.type
                WHEN item.type = 'object' AND item.value LIKE '{{"@":%'
                    THEN (SELECT body FROM parts WHERE id = json_extract(item.value, '$."@"'))
                WHEN item.type = 'object' AND item.value LIKE '{{"#":%'
                    THEN (SELECT json_quote(lower(hex(digest))) FROM texts WHERE id = json_extract(item.value, '$."#"'))
                WHEN item.type = 'object' AND item.value LIKE '{{"=":%' THEN json_extract(item.value, '$."="')
                WHEN item.type IN ('object', 'array') THEN item.value
                ELSE json_quote(item.value) END))
        FROM json_each({column}) AS item WHERE item.key > 0) END"""


# The numbers of texts and parts are never given twice: what another process remembers of them cannot become wrong.
_LEAN = (
    "CREATE TABLE dictionaries (id INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE texts (id INTEGER PRIMARY KEY AUTOINCREMENT, digest BLOB NOT NULL UNIQUE, dictionary INTEGER,"
    " body BLOB NOT NULL)",
    "CREATE TABLE parts (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL UNIQUE)",
    "CREATE TABLE facts (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, about TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE TABLE keys (key BLOB PRIMARY KEY, fact INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE uses (run INTEGER NOT NULL, fact INTEGER NOT NULL, PRIMARY KEY (run, fact)) WITHOUT ROWID",
    "ALTER TABLE runs RENAME COLUMN report TO document",
    "CREATE TABLE pulses (run INTEGER PRIMARY KEY, moved TEXT, snapshot TEXT, pid INTEGER, host TEXT,"
    " stop INTEGER NOT NULL DEFAULT 0)",
    "CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " kind TEXT NOT NULL, what TEXT NOT NULL, data TEXT NOT NULL)",
    "CREATE INDEX events_of_runs ON events (run)",
    "CREATE TABLE prunings (count INTEGER NOT NULL)",
    "INSERT INTO prunings VALUES (0)",
    "CREATE VIEW readable AS SELECT id, lower(hex(key)) AS key, kind,"
    f" {_expanded('facts.about')} AS about, {_expanded('facts.body')} AS body"
    " FROM keys JOIN facts ON facts.id = keys.fact",
)

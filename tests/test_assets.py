"""Stores written by earlier versions stay readable: their runs, facts and answers, for ever."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from selftaught.errors import UsageError
from selftaught.lab.progress import Progress
from selftaught.runs import assignment
from selftaught.runs.carry import carry
from selftaught.store import MIGRATIONS, Store, key_of, opening

WRITTEN = sorted((Path(__file__).parent / "assets").glob("store-v*.db"))


@pytest.fixture(params=WRITTEN, ids=lambda path: path.stem)
def written(request, tmp_path):
    """A copy of a store that an earlier version wrote."""
    return Path(shutil.copy(request.param, tmp_path / "store.db"))


def rows(path, query):
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def test_every_schema_has_left_a_store():
    assert [path.name for path in WRITTEN] == [f"store-v{n + 1}.db" for n in range(len(MIGRATIONS))]


def test_its_run_is_read_and_resuming_it_gives_its_document(written):
    with Store(written) as store:
        (record,) = store.runs()
        assert record.status == "done"
        assert assignment(record).summary
        assert carry(1, store, Progress()) == record.document
        assert store.text(record.document["arms"]["improved"]["improver"]).startswith(("import", "from", "def"))
        counted = record.document["usage"]
        assert len(list(store.facts("answer", 1))) == counted["responses"]
        assert len(list(store.facts("improvement", 1))) == counted["improver_runs"]


def test_the_command_shows_it(written):
    command = [sys.executable, "-m", "selftaught", "resume", "1", "--json", "--store", written]
    document = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=written.parent).stdout
    )
    assert document == json.loads(rows(written, "SELECT document FROM runs")[0][0])


def test_every_fact_is_found_under_its_key(written):
    before = {} if rows(written, "PRAGMA user_version") > [(1,)] else facts_of_schema_1(written)
    Store(written).close()
    facts = rows(written, "SELECT key, kind, about FROM readable")
    with Store(written) as store:
        for key, kind, about in facts:
            whole = key_of(kind, json.loads(about))
            assert whole[:40] == key
            assert store.once(kind, json.loads(about), lambda: "lost") == store.fact(key) != "lost"
            assert not before or store.fact(key) == before.pop(whole)
    assert len(facts) > 50
    assert not before


def facts_of_schema_1(path):
    return {key: json.loads(body) for key, body in rows(path, "SELECT key, body FROM facts")}


def test_its_answers_are_read(written):
    with Store(written) as store:
        answers = [body for _, body in store.every("answer")]
        assert all(store.text(one["text"]) for one in answers)
    facts = rows(written, "SELECT body FROM readable WHERE kind = 'answer'")
    assert sorted(one["tokens_out"] for one in answers) == sorted(json.loads(body)["tokens_out"] for (body,) in facts)


def test_an_unfinished_run_of_an_older_contract_is_shown_and_not_gone_on_with(written):
    with Store(written) as store:
        document = store.run(1).document
    db = sqlite3.connect(written)
    db.execute("UPDATE runs SET status = 'stopped: enough', ended = NULL")
    db.commit()
    db.close()
    with Store(written) as store:
        assert store.run(1).document == document
        with pytest.raises(UsageError, match=r"run 1 was made under contract [123], .*begin it anew"):
            carry(1, store, Progress())
        assert store.run(1).status == "stopped: enough"


def test_a_migration_keeps_what_is_there_and_is_made_once(written, monkeypatch):
    Store(written).close()
    before = rows(written, "SELECT key, body FROM readable ORDER BY id")

    def grow(db):
        db.execute("ALTER TABLE facts ADD COLUMN extra TEXT")
        db.execute("CREATE TABLE more (x INTEGER)")

    grown = (*MIGRATIONS, grow)
    monkeypatch.setattr(opening, "MIGRATIONS", grown)
    for _ in range(2):
        with Store(written) as store:
            assert store.run(1).status == "done"
    assert rows(written, "SELECT key, body FROM readable ORDER BY id") == before
    assert rows(written, "PRAGMA user_version") == [(len(grown),)]
    assert rows(written, "SELECT count(extra) FROM facts") == [(0,)]


def test_a_migration_that_fails_halfway_leaves_the_store_as_it_was(written, monkeypatch):
    def fail(db):
        db.execute("CREATE TABLE more (x INTEGER)")
        db.execute("SELECT * FROM nowhere")

    version = rows(written, "PRAGMA user_version")
    monkeypatch.setattr(opening, "MIGRATIONS", (*MIGRATIONS, fail))
    with pytest.raises(Exception, match="nowhere"):
        Store(written)
    monkeypatch.undo()
    assert rows(written, "PRAGMA user_version") == version
    with Store(written) as store:
        assert store.run(1).status == "done"
    assert rows(written, "SELECT name FROM sqlite_master WHERE name = 'more'") == []

"""Stores written by earlier versions stay readable: their runs, facts and answers, for ever."""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from selftaught import store as module
from selftaught.lab.progress import Progress
from selftaught.models import Request
from selftaught.runs import assignment
from selftaught.runs.carry import carry
from selftaught.runs.replay import Replay
from selftaught.store import MIGRATIONS, Store, key_of

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
        assert carry(1, store, Progress()) == record.report
        assert store.text(record.report["arms"]["improved"]["improver"]).startswith(("import", "from", "def"))
        counted = record.report["usage"]
        assert len(list(store.facts("answer", 1))) == counted["responses"]
        assert len(list(store.facts("improvement", 1))) == counted["improver_runs"]


def test_the_command_shows_it(written):
    command = [sys.executable, "-m", "selftaught", "resume", "1", "--json", "--store", written]
    document = json.loads(
        subprocess.run(command, capture_output=True, text=True, check=True, cwd=written.parent).stdout
    )
    assert document == json.loads(rows(written, "SELECT report FROM runs")[0][0])


def test_every_fact_is_found_under_its_key(written):
    facts = rows(written, "SELECT key, kind, about, body FROM facts")
    with Store(written) as store:
        for key, kind, about, body in facts:
            assert key_of(kind, json.loads(about)) == key
            assert store.once(kind, json.loads(about), lambda: "lost") == json.loads(body)
    assert len(facts) > 50


def test_its_answers_are_replayed(written):
    facts = rows(written, "SELECT key, body FROM facts WHERE kind = 'answer'")
    replay = Replay(written)
    answers = replay.complete(Request("", ""), [key for key, _ in facts])
    assert [answer.tokens_out for answer in answers] == [json.loads(body)["tokens_out"] for _, body in facts]
    assert all(answer.text for answer in answers)
    replay.close()


def test_a_migration_keeps_what_is_there_and_is_made_once(written, monkeypatch):
    before = rows(written, "SELECT key, body FROM facts ORDER BY id")
    grown = (*MIGRATIONS, "ALTER TABLE facts ADD COLUMN extra TEXT; CREATE TABLE more (x INTEGER);")
    monkeypatch.setattr(module, "MIGRATIONS", grown)
    for _ in range(2):
        with Store(written) as store:
            assert store.run(1).status == "done"
    assert rows(written, "SELECT key, body FROM facts ORDER BY id") == before
    assert rows(written, "PRAGMA user_version") == [(len(grown),)]
    assert rows(written, "SELECT count(extra) FROM facts") == [(0,)]


def test_a_migration_that_fails_halfway_leaves_the_store_as_it_was(written, monkeypatch):
    monkeypatch.setattr(module, "MIGRATIONS", (*MIGRATIONS, "CREATE TABLE more (x INTEGER); SELECT * FROM nowhere;"))
    with pytest.raises(Exception, match="nowhere"):
        Store(written)
    monkeypatch.undo()
    with Store(written) as store:
        assert store.run(1).status == "done"
    assert rows(written, "SELECT name FROM sqlite_master WHERE name = 'more'") == []

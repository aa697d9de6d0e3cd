"""The store keeps every fact once, whatever threads, processes and kills do to it."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught.errors import StoreFailure, UsageError
from selftaught.store import Store, key_of


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "store.db") as one:
        yield one


def test_a_fact_is_computed_once(store):
    calls = []

    def compute():
        calls.append(1)
        return {"value": 0.5}

    assert [store.once("score", {"program": "p"}, compute) for _ in range(3)] == [{"value": 0.5}] * 3
    assert len(calls) == 1


def test_facts_of_other_kinds_or_about_other_things_are_others(store):
    assert store.once("score", {"a": 1}, lambda: 1) == 1
    assert store.once("score", {"a": 2}, lambda: 2) == 2
    assert store.once("answer", {"a": 1}, lambda: 3) == 3


def test_threads_that_want_the_same_fact_wait_for_one_of_them(store):
    calls = []

    def compute():
        calls.append(1)
        time.sleep(0.05)
        return len(calls)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.once("score", {"p": 1}, compute), range(8)))
    assert found == [1] * 8
    assert len(calls) == 1


def test_several_facts_at_once_compute_only_what_is_missing(store):
    store.once("answer", {"i": 1}, lambda: "found")
    asked = []

    def compute(missing):
        asked.append(list(missing))
        return [f"made {i}" for i in missing]

    abouts = [{"i": i} for i in (0, 1, 2, 0)]
    assert store.once_all("answer", abouts, compute) == ["made 0", "found", "made 2", "made 0"]
    assert asked == [[0, 2]]


def test_a_failure_of_the_world_is_no_fact_and_reaches_everyone_who_waits(store):
    began = threading.Event()

    def fail():
        began.set()
        time.sleep(0.05)
        raise OSError("down")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.once, "answer", {"p": 1}, fail)
        began.wait()
        second = pool.submit(store.once, "answer", {"p": 1}, lambda: "never")
        for one in (first, second):
            with pytest.raises(OSError, match="down"):
                one.result()
    assert store.once("answer", {"p": 1}, lambda: "up again") == "up again"


def test_between_processes_the_first_insert_wins(tmp_path):
    with Store(tmp_path / "s.db") as one, Store(tmp_path / "s.db") as other:

        def compute():
            other.once("score", {"p": 1}, lambda: "first")
            return "second"

        assert one.once("score", {"p": 1}, compute) == "first"


def test_a_run_lists_the_facts_it_used_found_or_made(store):
    store.once("score", {"p": 1}, lambda: "made before", run=0)
    run = store.start({"seed": 1}, {})
    store.once("score", {"p": 1}, lambda: "never", run=run)
    store.once("score", {"p": 2}, lambda: "made", run=run)
    assert [body for _, body in store.facts("score", run)] == ["made before", "made"]


def test_what_was_stored_is_there_after_kill_9(tmp_path):
    path = tmp_path / "s.db"
    script = (
        "import sys, pathlib; from selftaught.store import Store\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "for i in range(10**9):\n"
        "    store.once('answer', {'i': i}, lambda: i)\n"
        "    print(i, flush=True)\n"
    )
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True)
        last = ""
        for line in child.stdout:
            if line.endswith("\n"):
                last = line
            if int(last) >= 200:
                os.kill(child.pid, signal.SIGKILL)
                break
        seen = [last, *(line for line in child.stdout if line.endswith("\n"))]
        child.wait()
        child.stdout.close()
        with Store(path) as store:
            for i in range(int(seen[-1]) + 1):
                assert store.once("answer", {"i": i}, lambda: "lost") == i


@given(st.text())
@settings(max_examples=50)
def test_texts_come_back_as_they_were(tmp_path_factory, text):
    with Store(tmp_path_factory.mktemp("s") / "s.db") as store:
        assert store.text(store.keep(text)) == text


def test_a_key_depends_on_everything():
    keys = {
        key_of("a", {"x": 1}),
        key_of("b", {"x": 1}),
        key_of("a", {"x": 2}),
        key_of("a", {"y": 1}),
        key_of("a", {"x": "1"}),
    }
    assert len(keys) == 5


class TestStoresThatCannotBeUsed:
    def test_a_directory(self, tmp_path):
        with pytest.raises(UsageError, match="is a directory"):
            Store(tmp_path)

    def test_not_a_database(self, tmp_path):
        (tmp_path / "s.db").write_text("hello, this is no database at all" * 100)
        with pytest.raises(StoreFailure, match="not an SQLite file"):
            Store(tmp_path / "s.db")

    def test_another_programs_database(self, tmp_path):
        with sqlite3.connect(tmp_path / "s.db") as db:
            db.execute("CREATE TABLE songs (name TEXT)")
        db.close()
        with pytest.raises(UsageError, match="another program"):
            Store(tmp_path / "s.db")

    def test_a_newer_version(self, tmp_path):
        Store(tmp_path / "s.db").close()
        with sqlite3.connect(tmp_path / "s.db") as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        with pytest.raises(UsageError, match="newer selftaught"):
            Store(tmp_path / "s.db")

    def test_a_folder_that_cannot_be_made(self, tmp_path):
        (tmp_path / "file").write_text("")
        with pytest.raises(StoreFailure, match="--store"):
            Store(tmp_path / "file" / "s.db")

    def test_a_locked_one(self, tmp_path, monkeypatch):
        monkeypatch.setattr("selftaught.store._BUSY_S", 0.1)
        with Store(tmp_path / "s.db") as store:
            other = sqlite3.connect(tmp_path / "s.db")
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreFailure, match="locked by another process"):
                store.once("score", {"p": 1}, lambda: 1)
            other.close()
            assert store.once("score", {"p": 1}, lambda: 2) == 2

    def test_a_run_that_is_not_there(self, store):
        with pytest.raises(UsageError, match="no run 7"):
            store.run(7)

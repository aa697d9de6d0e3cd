"""The store keeps every fact once, whatever threads, processes and kills do to it."""

import json
import os
import random
import shutil
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

from selftaught.errors import InUse, StoreFailure, UsageError
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


def test_facts_that_come_in_pieces_are_kept_piece_by_piece(store):
    asked = []

    def compute(missing):
        asked.append(list(missing))
        if len(asked) == 3:
            raise OSError("down")
        return [f"made {i}" for i in missing[:2]]

    abouts = [{"i": i} for i in range(6)]
    with pytest.raises(OSError, match="down"):
        store.once_all("answer", abouts, compute)
    assert asked == [[0, 1, 2, 3, 4, 5], [2, 3, 4, 5], [4, 5]]
    made = store.once_all("answer", abouts, lambda missing: [f"later {i}" for i in missing])
    assert made == ["made 0", "made 1", "made 2", "made 3", "later 4", "later 5"]


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


def test_one_process_works_on_a_run_at_a_time(tmp_path):
    lines = ["from pathlib import Path; from selftaught.store import Store; store = Store(Path(sys.argv[1]))"]
    lines += ["with store.alone(1):", "    print('held', flush=True); sys.stdin.read()"]
    command = [sys.executable, "-c", "\n".join(["import sys", *lines]), str(tmp_path / "s.db")]
    with Store(tmp_path / "s.db") as store:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(InUse, match="run 1 is being worked on by another process"), store.alone(1):
                pass
            with store.alone(2):
                pass
            other.kill()
        with store.alone(1):
            pass


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
        monkeypatch.setattr("selftaught.store.opening._BUSY_S", 0.1)
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


def script(*lines):
    """The command that runs these lines in a process of its own, with the store's path as its argument."""
    head = "import sys, os, pathlib; from selftaught.store import Store; path = pathlib.Path(sys.argv[1])"
    return [sys.executable, "-c", "\n".join((head, *lines))]


def ended(command, *arguments):
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_threads_that_write_at_once_all_find_their_facts_and_texts_in_the_file(tmp_path):
    with Store(tmp_path / "s.db") as store, ThreadPoolExecutor(16) as pool:
        run = store.start({}, {})

        def work(i):
            return store.once("answer", {"i": i}, lambda: {"text": store.keep(f"text {i}")}, run)

        made = list(pool.map(work, range(300)))
        with Store(tmp_path / "s.db") as other:
            assert [other.text(other.once("answer", {"i": i}, lambda: {})["text"]) for i in range(300)] == [
                f"text {i}" for i in range(300)
            ]
        assert len(list(store.facts("answer", run))) == len(made)


def test_half_characters_in_facts_come_back(store):
    assert store.once("score", {"reason": "a\ud800"}, lambda: "b\udfff") == "b\udfff"
    assert store.once("score", {"reason": "a\ud800"}, lambda: "lost") == "b\udfff"


def test_a_write_that_fails_takes_nobody_elses_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr("selftaught.store.opening._BUSY_S", 0.1)
    with Store(tmp_path / "s.db") as store:
        store.start({}, {})
        blocker = sqlite3.connect(tmp_path / "s.db")
        blocker.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(store.once, "score", {"i": i}, lambda: store.keep("a text"), 1) for i in range(4)]
            assert all(isinstance(one.exception(), StoreFailure) for one in waiting)
        blocker.rollback()
        blocker.close()
        assert store.once("score", {"i": 1}, lambda: "again", 1) == "again"
        with Store(tmp_path / "s.db") as other:
            assert other.text(store.keep("a text")) == "a text"
            assert list(other.abouts("score")) == [{"i": 1}]


class TestDisks:
    WRITE = (
        "store, told, i = Store(path), '', 0",
        "def write(i): store.once('answer', {'i': i}, lambda: {'text': store.keep(f'{i} ' + os.urandom(999).hex())})",
        "(path.parent / 'ballast').write_bytes(bytes(500_000))",
        "from selftaught.errors import StoreFailure",
        "import json",
        "while not told:",
        "    try: write(i); i += 1",
        "    except StoreFailure as error: told = str(error)",
        "(path.parent / 'ballast').unlink()",
        "for k in range(5): write(i + k)",
        "store.close()",
        "with Store(path) as store:",
        "    kept = [about['i'] for about in store.abouts('answer')]",
        "    texts = [store.text(store.once('answer', {'i': k}, dict)['text']).split()[0] for k in kept]",
        "print(json.dumps([told, i, kept, texts]))",
    )

    def test_a_full_one_ends_the_write_loses_nothing_and_goes_on_when_there_is_room(self):
        bwrap = ["bwrap", "--dev-bind", "/", "/", "--size", "2000000", "--tmpfs", "/mnt"]
        told, count, kept, texts = ended([*bwrap, *script(*self.WRITE)], "/mnt/s.db")
        assert "the disk is full" in told
        assert count > 10
        assert kept == list(range(count + 5))
        assert texts == [str(i) for i in kept]

    def test_a_file_that_may_not_grow_is_told_and_what_was_there_stays(self, tmp_path):
        limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))"
        lift = "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)"
        lines = [lift if "unlink" in line else line for line in self.WRITE]
        told, count, kept, texts = ended(script(limit, *lines), tmp_path / "s.db")
        assert "s.db failed" in told
        assert count > 10
        assert kept == list(range(count + 5))
        assert texts == [str(i) for i in kept]

    def test_a_torn_log_costs_the_last_facts_only(self, tmp_path):
        lines = [
            "store = Store(path)",
            "for i in range(150): store.once('answer', {'i': i}, lambda: store.keep(str(i)))",
        ]
        child = subprocess.run([*script(*lines, "os.kill(os.getpid(), 9)"), tmp_path / "s.db"], check=False)
        assert child.returncode == -signal.SIGKILL
        log = (tmp_path / "s.db-wal").read_bytes()
        dice, found = random.Random(0), []
        for length in [*(dice.randrange(len(log)) for _ in range(12)), len(log)]:
            folder = tmp_path / str(length)
            folder.mkdir()
            shutil.copy(tmp_path / "s.db", folder)
            (folder / "s.db-wal").write_bytes(log[:length])
            with Store(folder / "s.db") as store:
                kept = [about["i"] for about in store.abouts("answer")]
                assert kept == list(range(len(kept)))
                assert [store.text(store.once("answer", {"i": i}, lambda: "")) for i in kept] == [str(i) for i in kept]
                assert store.once("answer", {"i": 150}, lambda: "goes on") == "goes on"
            found.append((length, len(kept)))
        assert [count for _, count in sorted(found)] == sorted(count for _, count in found)
        assert max(found) == (len(log), 150)
        assert min(found)[1] < 100


class TestProcesses:
    def test_many_that_open_a_new_store_at_once_agree_on_every_fact(self, tmp_path):
        lines = [
            "import json",
            "with Store(path) as store:",
            "    run = store.start({}, {})",
            "    made = [store.once('score', {'i': i}, lambda: [os.getpid(), store.keep(f't{i}')], run) for i in range(200)]",
            "    print(json.dumps([run, made, len(list(store.facts('score', run)))]))",
        ]
        children = [
            subprocess.Popen([*script(*lines), tmp_path / "s.db"], stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        found = [json.loads(child.communicate()[0]) for child in children]
        assert [child.returncode for child in children] == [0] * 4
        assert sorted(run for run, _, _ in found) == [1, 2, 3, 4]
        assert all(made == found[0][1] for _, made, _ in found)
        assert [count for _, _, count in found] == [200] * 4

    def test_memory_does_not_grow_with_the_store(self, tmp_path):
        lines = [
            "import resource",
            "with Store(path) as store:",
            "    store.run(1); store.once('score', {'i': 0}, lambda: 0, 1)",
            "    count = sum(1 for _ in store.facts('score', 1)) + sum(1 for _ in store.abouts('score'))",
            "    print(f'[{count}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}]')",
        ]
        peaks = {}
        for size in (500, 5_000):
            path = tmp_path / f"{size}.db"
            with Store(path) as store:
                run = store.start({}, {})
                for first in range(0, size, 500):
                    abouts = [{"i": i, "padding": "x" * 2_000} for i in range(first, first + 500)]
                    store.once_all("score", abouts, lambda missing: ["y" * 2_000 for _ in missing], run)
            count, peaks[size] = ended(script(*lines), path)
            assert count >= 2 * size
        assert peaks[5_000] < peaks[500] + 9_000, "kB; the larger store holds 18,000 kB more"

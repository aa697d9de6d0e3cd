"""Older stores are moved over whole; runs are followed, stopped and deleted; stores are pruned, merged, and only looked at."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.command import called

from selftaught.errors import InUse, StoreFailure, UsageError
from selftaught.store import APPLICATION_ID, MIGRATIONS, Process, Store, key_of

HEAD = "import sys, os, json, signal, pathlib; from selftaught.store import Store; path = pathlib.Path(sys.argv[1])"
UTILITY = [
    "a task",
    "f" * 64,
    {"cpu_s": 0.2, "wall_s": None, "memory_mb": 1024},
    20,
    0,
    "train",
    ["scale", 5],
    "judged",
]


def python(*lines):
    """The command that runs these lines in a process of its own, with the store's path as its argument."""
    return [sys.executable, "-c", "\n".join((HEAD, *lines))]


def ended(command, *arguments):
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


def answer(i, run=1):
    """What an answer is about, and its body."""
    about = {
        "model": "m",
        "message": sha(f"question {i // 4}"),
        "stream": ["inner", 0, "train", i // 40],
        "index": i % 4,
    }
    text = {
        "text": sha(f"text {i}"),
        "finish": "stop",
        "tokens_in": 7,
        "tokens_out": i,
        "dollars": 0.5,
        "bought_by": run,
    }
    return about, text


def score(i):
    return {"program": sha(f"program {i}"), "utility": UTILITY, "contract": 1}, {
        "value": i / 7,
        "grades": [i / 7],
        "notes": [],
    }


def query(path, *words):
    db = sqlite3.connect(path)
    try:
        return db.execute(*words).fetchall()
    finally:
        db.close()


def old_store(path, count):
    """A store of schema 1 with so many facts: run 1 used all but the last two."""
    db = sqlite3.connect(path)
    MIGRATIONS[0](db)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute("PRAGMA user_version = 1")
    facts = [("answer", *answer(i)) if i % 2 else ("score", *score(i)) for i in range(count)]
    rows = [(key_of(kind, about), kind, json.dumps(about), json.dumps(body)) for kind, about, body in facts]
    db.executemany("INSERT INTO facts (key, kind, about, body) VALUES (?, ?, ?, ?)", rows)
    texts = [f"text {i}" for i in range(1, count, 2)] + [f"question {i}" for i in range(count // 4 + 1)]
    db.executemany("INSERT INTO texts VALUES (?, ?)", [(sha(one), zlib.compress(one.encode(), 1)) for one in texts])
    run = ("2026-01-01T00:00:00+00:00", '{"kind": "of another version"}', "{}", "running", '{"rounds": [1]}')
    db.execute("INSERT INTO runs (started, settings, circumstances, status, report) VALUES (?, ?, ?, ?, ?)", run)
    db.executemany("INSERT INTO uses VALUES (1, ?)", [(row[0],) for row in rows[: count - 2]])
    db.commit()
    db.close()
    return facts


def assert_moved(path, facts):
    with Store(path) as store:
        assert query(path, "PRAGMA user_version") == [(len(MIGRATIONS),)]
        for kind, about, body in facts:
            assert store.once(kind, about, lambda: "lost") == body
            if kind == "answer":
                assert sha(store.text(body["text"])) == body["text"]
        used = [(kind, *fact) for kind in ("answer", "score") for fact in store.facts(kind, 1)]
        assert sorted(map(repr, used)) == sorted(map(repr, facts[:-2]))
        (record,) = store.runs()
        assert (record.settings, record.document) == ({"kind": "of another version"}, {"rounds": [1]})
        assert store.bought(1).responses == sum(kind == "answer" for kind, _, _ in facts)


class TestMovingOver:
    def test_ten_thousand_facts_come_through_and_take_far_less_room(self, tmp_path):
        facts = old_store(tmp_path / "s.db", 10_000)
        before = (tmp_path / "s.db").stat().st_size
        assert_moved(tmp_path / "s.db", facts)
        assert (tmp_path / "s.db").stat().st_size < 0.4 * before, (
            "its texts are tiny: see benchmarks/store.py for real ones"
        )

    @pytest.mark.parametrize(
        "where",
        [
            "kill()",
            "schema._lean(db); kill()",
            "schema._rewritten = cut; schema._lean(db)",
        ],
        ids=["before", "after", "in the middle"],
    )
    def test_a_kill_leaves_the_old_store_whole(self, tmp_path, where):
        facts = old_store(tmp_path / "s.db", 600)
        lines = [
            "from selftaught.store import opening, schema",
            "kill, whole = (lambda: os.kill(os.getpid(), signal.SIGKILL)), schema._rewritten",
            "def cut(db):",
            "    for i, row in enumerate(whole(db)):",
            "        if i == 300: kill()",
            "        yield row",
            f"def step(db): {where}",
            "opening.MIGRATIONS = (schema._first, step)",
            "Store(path)",
        ]
        assert subprocess.run([*python(*lines), tmp_path / "s.db"], check=False).returncode == -signal.SIGKILL
        assert query(tmp_path / "s.db", "PRAGMA user_version") == [(1,)]
        assert query(tmp_path / "s.db", "SELECT count(*) FROM facts WHERE length(key) = 64") == [(600,)]
        assert_moved(tmp_path / "s.db", facts)

    def test_several_processes_that_open_it_at_once_all_find_it_moved(self, tmp_path):
        facts = old_store(tmp_path / "s.db", 3_000)
        line = "with Store(path) as store: print(json.dumps([len(list(store.facts('score', 1))), store.start({}, {})]))"
        children = [
            subprocess.Popen([*python(line), tmp_path / "s.db"], stdout=subprocess.PIPE, text=True) for _ in range(3)
        ]
        found = [json.loads(child.communicate()[0]) for child in children]
        assert sorted(found) == [[1_499, 2], [1_499, 3], [1_499, 4]]
        with Store(tmp_path / "s.db") as store:
            for run in (2, 3, 4):
                store.delete(run)
        assert_moved(tmp_path / "s.db", facts)

    def test_it_waits_for_an_older_version_at_work(self, tmp_path):
        old_store(tmp_path / "s.db", 10)
        lines = ["import fcntl; file = open(f'{path}-lock', 'a'); fcntl.lockf(file, fcntl.LOCK_EX, 1, 1)"]
        command = [*python(*lines, "print('held', flush=True); sys.stdin.read()"), tmp_path / "s.db"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
            assert other.stdout.readline() == "held\n"
            with pytest.raises(InUse, match="earlier version and run 1 is being worked on"):
                Store(tmp_path / "s.db")
            with Store(tmp_path / "s.db", readonly=True) as store:
                assert store.working(1) == other.pid
        assert query(tmp_path / "s.db", "PRAGMA user_version") == [(1,)]


names = st.text(max_size=8)
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
digests = st.sampled_from([sha(f"text {i}") for i in range(6)])
values = st.recursive(leaves | digests, lambda one: st.lists(one) | st.dictionaries(names, one), max_leaves=12)


@given(st.lists(st.tuples(st.dictionaries(names, values), values), max_size=5))
@settings(max_examples=25, deadline=None)
def test_facts_of_any_shape_come_back_as_they_were(tmp_path_factory, facts):
    path = tmp_path_factory.mktemp("s") / "s.db"
    with Store(path) as store:
        kept = [store.keep(f"text {i}") for i in range(3)]
        made = {key_of("odd", about): store.once("odd", about, lambda body=body: body) for about, body in facts}
        assert made == {key_of("odd", about): body for about, body in reversed(facts)} or len(made) < len(facts)
        with Store(path) as other:
            assert {key: other.fact(key) for key in made} == made
            assert {key_of("odd", about) for about in other.abouts("odd")} == made.keys()
    assert len(kept) == 3


def test_sqlite_shows_facts_as_json(tmp_path):
    with Store(tmp_path / "s.db") as store:
        store.keep("text 3")
        store.once(
            "score", score(1)[0], lambda: {"ok": True, "nothing": None, "usage": {"calls": 2}, "grades": [0.5, 1]}
        )
        store.once("answer", *[(lambda one=one: one) if i else one for i, one in enumerate(answer(3))])
        store.once("odd", {}, lambda: ["a list"])
    rows = query(tmp_path / "s.db", "SELECT key, kind, about, body FROM readable ORDER BY id")
    assert [(row[1], json.loads(row[2]), json.loads(row[3])) for row in rows] == [
        ("score", score(1)[0], {"ok": True, "nothing": None, "usage": {"calls": 2}, "grades": [0.5, 1]}),
        ("answer", *answer(3)),
        ("odd", {}, ["a list"]),
    ]
    assert [row[0] for row in rows] == [key_of(row[1], json.loads(row[2]))[:40] for row in rows]


class TestTexts:
    def test_dictionaries_are_learned_as_the_store_grows_and_every_text_stays_readable(self, tmp_path):
        text = "def solve(x):\n    # variant {}\n    return sum(value * {} for value in x)\n" * 3
        kept = []
        for session in range(4):
            with Store(tmp_path / "s.db") as store, ThreadPoolExecutor(8) as pool:
                todo = range(session * 300, session * 300 + 300)
                kept += pool.map(
                    lambda i: store.once("answer", {"i": i}, lambda: store.keep(text.format(*[i] * 6))), todo
                )
        assert query(tmp_path / "s.db", "SELECT count(*) FROM dictionaries") == [(2,)]
        with Store(tmp_path / "s.db") as store:
            assert [store.text(name) for name in kept] == [text.format(*[i] * 6) for i in range(1_200)]
        sizes = [size for (size,) in query(tmp_path / "s.db", "SELECT length(body) FROM texts ORDER BY id")]
        assert sum(sizes[-100:]) < 0.7 * sum(sizes[:100])

    def test_eight_mebibytes_are_fine_and_a_bomb_is_not_inflated(self, tmp_path):
        text = "é" * 2**22
        with Store(tmp_path / "s.db") as store:
            name = store.once("answer", {}, lambda: store.keep(text))
        bomb = zlib.compress(bytes(2**27), 9)
        with Store(tmp_path / "s.db") as store:
            assert store.text(name) == text
            with sqlite3.connect(tmp_path / "s.db") as db:
                db.execute("UPDATE texts SET body = ?", (bomb,))
            db.close()
            with pytest.raises(StoreFailure, match="longer than any"):
                store.text(name)


def test_a_write_that_fails_halfway_leaves_no_reference_to_what_was_not_written(tmp_path, monkeypatch):
    about = {"list": ["of", "some", "length", "that", "is shared"]}
    with Store(tmp_path / "s.db") as store:

        def fail(_):
            raise sqlite3.OperationalError("disk is full")

        monkeypatch.setattr(store, "_write_uses", fail)
        with pytest.raises(StoreFailure, match="disk is full"):
            store.once("score", about, lambda: {"text": store.keep("a text")})
        monkeypatch.undo()
        store.once("score", {"another": ["list", "that comes before", "it this time"]}, lambda: 1)
        store.once("score", about, lambda: {"text": store.keep("a text")})
        with Store(tmp_path / "s.db") as other:
            assert list(other.abouts("score"))[1] == about
            assert other.text(other.fact(key_of("score", about))["text"]) == "a text"


class TestRuns:
    def test_a_run_is_seen_from_outside_from_its_first_second(self, tmp_path):
        with Store(tmp_path / "s.db") as store, Store(tmp_path / "s.db", readonly=True) as viewer:
            run = store.start({"kind": "unheard of"}, {})
            begun = viewer.run(run)
            assert (begun.status, begun.document, begun.pulse) == ("running", None, None)
            store.write(run, {"rounds": [1, "\ud800"]})
            store.pulse(run, {"phase": "proposing", "answers": 3})
            store.pulse(run, {"phase": "validating", "answers": 4})
            seen = viewer.run(run)
            assert (seen.document, seen.pulse) == ({"rounds": [1, "\ud800"]}, {"phase": "validating", "answers": 4})
            assert begun.moved <= seen.moved
            assert len(seen.moved) == len("2026-01-01T00:00:00.000+00:00")
            store.finish(run, "stopped: enough")
            assert viewer.run(run).document == seen.document
            store.finish(run, "done", {"rounds": []})
            assert (viewer.run(run).status, viewer.run(run).document) == ("done", {"rounds": []})

    def test_who_works_on_it_and_that_it_died(self, tmp_path):
        lines = [
            "store = Store(path); run = store.start({}, {})",
            "with store.alone(run): print(run, flush=True); sys.stdin.read()",
        ]
        with Store(tmp_path / "s.db") as store:
            with subprocess.Popen(
                [*python(*lines), tmp_path / "s.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as other:
                run = int(other.stdout.readline())
                assert store.working(run) == other.pid
                assert store.run(run).process == Process(other.pid, os.uname().nodename)
                assert store.working(run + 1) is None
                for act in (lambda: store.delete(run), store.prune):
                    with pytest.raises(InUse, match=f"run {run} is being worked on"):
                        act()
                os.kill(other.pid, signal.SIGKILL)
            assert store.working(run) is None
            assert (store.run(run).status, store.run(run).process.pid) == ("running", other.pid)
            with store.alone(run):
                assert store.working(run) == os.getpid()
                with store.alone(run + 1):
                    pass
                with (
                    Store(tmp_path / "s.db") as second,
                    pytest.raises(InUse, match="is being worked on"),
                    second.alone(run),
                ):
                    pass
                assert store.working(run) == os.getpid(), "looking or trying must not lift the lock"
            assert (store.working(run), store.run(run).process) == (None, None)

    def test_it_can_be_asked_to_stop_until_it_is_reopened(self, tmp_path):
        with Store(tmp_path / "s.db") as store, Store(tmp_path / "s.db") as other:
            first, second = store.start({}, {}), store.start({}, {})
            other.ask_to_stop(second)
            assert [store.asked_to_stop(one) for one in (first, second)] == [False, True]
            store.reopen(second)
            assert not other.asked_to_stop(second)

    def test_events_are_read_on_from_where_one_was_and_the_oldest_go(self, tmp_path, monkeypatch):
        monkeypatch.setattr("selftaught.store.events.KEPT", 50)
        monkeypatch.setattr("selftaught.store.events._BLOCK", 20)
        with Store(tmp_path / "s.db") as store:
            one, other = store.start({}, {}), store.start({}, {})
            store.note_events(one, [(7, "answer", "w\ud800" * 999, {"long": "x" * 999}), (8, "answer", "", {"n": 1})])
            first, second = store.events(one)
            assert (first.at_ms, first.kind, len(first.what), first.data) == (7, "answer", 200, {})
            assert (second.what, second.data) == ("", {"n": 1})
            assert list(store.events(one, first.id)) == [second]
            store.note_events(other, [(1, "scoring", "kept", {})])
            for i in range(300):
                store.note_events(one, [(i, "scoring", str(i), {})])
            kept = [int(event.what) for event in store.events(one)]
            assert kept == list(range(300 - len(kept), 300))
            assert 50 <= len(kept) < 50 + 20
            assert [event.what for event in store.events(other)] == ["kept"]
            store.delete(one)
            assert not list(store.events(one))


class TestDeletingAndPruning:
    def fill(self, store):
        """Two runs that share score 1; score 3 was computed outside any run."""
        one, two = (store.start({"improver": store.keep(f"improver {i}")}, {}) for i in range(2))
        for run, numbers in ((one, (0, 1)), (two, (1, 2)), (0, (3,))):
            for i in numbers:
                store.once("score", score(i)[0], lambda i=i: score(i)[1], run)
        for i, run in ((0, one), (1, two)):
            store.keep(f"question {i // 4}")
            store.once(
                "answer", answer(i)[0], lambda i=i, run=run: {**answer(i, run)[1], "text": store.keep(f"text {i}")}, run
            )
        return one, two

    def test_what_a_deleted_run_alone_used_goes_but_no_answer(self, tmp_path):
        with Store(tmp_path / "s.db") as store:
            one, two = self.fill(store)
            assert store.prune().facts == {}
            store.delete(one)
            with pytest.raises(UsageError, match=f"no run {one}"):
                store.run(one)
            pruned = store.prune()
            assert (pruned.facts, pruned.texts) == ({"score": 1}, 1)
            assert [about["program"] for about in store.abouts("score")] == [sha(f"program {i}") for i in (1, 2, 3)]
            assert len(list(store.abouts("answer"))) == 2
            assert store.text(sha("text 0")) == "text 0"
            assert store.prune(answers=True).facts == {"answer": 1}
            assert [about["index"] for about in store.abouts("answer")] == [1]
            for gone in ("text 0", "improver 0"):
                with pytest.raises(StoreFailure, match="lost the text"):
                    store.text(sha(gone))
            assert [store.text(sha(kept)) for kept in ("text 1", "question 0", "improver 1")]
            assert store.bought(two).responses == 1
            assert store.start({}, {}) > two, "numbers are never given twice"
            assert store.once("score", score(0)[0], lambda: "computed again", two) == "computed again"

    def test_another_process_does_not_refer_to_what_was_pruned(self, tmp_path):
        lines = [
            "about = {'list': ['a list that is', 'shared by some facts'], 'text': ''}",
            "store, out = Store(path), lambda one: print(json.dumps(one), flush=True)",
            "run = store.start({}, {})",
            "store.once('score', {**about, 'i': 1}, lambda: {'text': store.keep('a text')}, run)",
            "store.delete(run); out(run); sys.stdin.readline()",
            "with store.alone(store.start({}, {})):",
            "    store.once('score', {**about, 'i': 2}, lambda: {'text': store.keep('a text')})",
            "out(0)",
        ]
        with subprocess.Popen(
            [*python(*lines), tmp_path / "s.db"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            other.stdout.readline()
            with Store(tmp_path / "s.db") as store:
                assert store.prune().facts == {"score": 1}
                other.communicate("\n")
                about = {"list": ["a list that is", "shared by some facts"], "text": "", "i": 2}
                assert list(store.abouts("score")) == [about]
                assert store.text(store.fact(key_of("score", about))["text"]) == "a text"

    def test_the_room_comes_back(self, tmp_path):
        with Store(tmp_path / "s.db") as store:
            run = store.start({}, {})
            abouts = [{"i": i} for i in range(3_000)]
            store.once_all("score", abouts, lambda missing: [os.urandom(200).hex() for _ in missing], run)
            store.delete(run)
            pruned = store.prune()
            assert pruned.facts == {"score": 3_000}
            assert pruned.bytes > 1_000_000
        assert (tmp_path / "s.db").stat().st_size < 200_000


class TestMerging:
    def test_another_stores_runs_come_in_with_facts_texts_events_and_money(self, tmp_path):
        with Store(tmp_path / "theirs.db") as theirs:
            theirs.start({"kind": "first"}, {})
            run = theirs.start({"kind": "second"}, {"sandbox": "strict"})
            theirs.once("answer", answer(1)[0], lambda: {**answer(1, run)[1], "text": theirs.keep("text 1")}, run)
            theirs.once("answer", answer(2)[0], lambda: {**answer(2, run)[1], "text": theirs.keep("text 2")}, run)
            theirs.once("score", score(1)[0], lambda: "theirs", run)
            theirs.write(run, {"run": run, "rounds": [1]})
            theirs.pulse(run, {"phase": "x"})
            theirs.note_events(run, [(5, "answer", "what", {"n": 1})])
        before = hashlib.sha256((tmp_path / "theirs.db").read_bytes()).digest()
        with Store(tmp_path / "ours.db") as ours:
            mine = ours.start({}, {})
            ours.once("score", score(1)[0], lambda: "ours", mine)
            ours.once("answer", answer(2)[0], lambda: {**answer(2, mine)[1], "text": ours.keep("text 2")}, mine)
            merged = ours.merge(tmp_path / "theirs.db")
            assert (merged.facts, merged.texts, merged.runs) == (1, 1, {1: 2, 2: 3})
            record = ours.run(3)
            assert (record.settings, record.document) == ({"kind": "second"}, {"run": 3, "rounds": [1]})
            assert (record.pulse, record.circumstances["sandbox"]) == ({"phase": "x"}, "strict")
            assert [event.data for event in ours.events(3)] == [{"n": 1}]
            assert ours.once("score", score(1)[0], lambda: "new") == "ours"
            assert [body["bought_by"] for _, body in ours.facts("answer", 3)] == [mine, 3]
            assert (ours.bought(3).responses, ours.bought(mine).responses) == (1, 1)
            assert ours.text(sha("text 1")) == "text 1"
            ours.prune(answers=True)
            assert len(list(ours.facts("answer", 3))) == 2
        assert hashlib.sha256((tmp_path / "theirs.db").read_bytes()).digest() == before

    def test_one_of_an_earlier_version_comes_in_and_stays_what_it_is(self, tmp_path):
        facts = old_store(tmp_path / "old.db", 500)
        with Store(tmp_path / "s.db") as store:
            store.start({}, {})
            assert store.merge(tmp_path / "old.db").facts == 500
            assert store.bought(2).responses == 250
            assert all(
                store.once(kind, about, lambda: "lost")["value"] == body["value"] for kind, about, body in facts[::2]
            )
        assert query(tmp_path / "old.db", "PRAGMA user_version") == [(1,)]

    def test_a_kill_in_the_middle_leaves_nothing_of_it(self, tmp_path):
        old_store(tmp_path / "old.db", 500)
        lines = [
            "Store._take_uses = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
            "Store(path).merge(path.with_name('old.db'))",
        ]
        assert subprocess.run([*python(*lines), tmp_path / "s.db"], check=False).returncode == -signal.SIGKILL
        with Store(tmp_path / "s.db") as store:
            assert not store.runs()
            assert not list(store.abouts("score"))

    def test_itself_and_nothing_are_refused(self, tmp_path):
        with Store(tmp_path / "s.db") as store:
            empty = tmp_path / "empty.db"
            empty.touch()
            told = (
                (store.path, "this store itself"),
                (tmp_path / "none.db", "no store at"),
                (empty, "is an empty file"),
            )
            for path, said in told:
                with pytest.raises(UsageError, match=said):
                    store.merge(path)

    def test_one_that_is_being_worked_on_is_refused(self, tmp_path):
        with (
            Store(tmp_path / "s.db") as store,
            Store(tmp_path / "t.db") as other,
            other.alone(other.start({}, {})),
            pytest.raises(InUse, match=r"run 1 of store .* is being worked on"),
        ):
            store.merge(tmp_path / "t.db")


FORGED = {
    "a fact without an end": "UPDATE facts SET body = replace(hex(zeroblob(100000)), '0', '[')",
    "a number without an end": f"UPDATE facts SET body = '[1, {'9' * 5000}]'",
    "a document without an end": "UPDATE runs SET document = replace(hex(zeroblob(100000)), '0', '[')",
    "a number in a document": f"UPDATE runs SET document = '{{\"run\": {'9' * 5000}}}'",
    "events without an end": (
        "DROP TABLE events; CREATE VIEW events AS WITH RECURSIVE e(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM e) "
        "SELECT id, 1 AS run, 0 AS at_ms, '' AS kind, '' AS what, '' AS data FROM e"
    ),
    "a trigger": "CREATE TRIGGER more AFTER INSERT ON facts BEGIN DELETE FROM facts; END",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_store_that_somebody_has_forged_is_one_line_and_nothing_comes_of_it(tmp_path, name):
    path = tmp_path / "theirs.db"
    with Store(path) as theirs:
        theirs.once("score", {"x": 1}, lambda: 2, run=theirs.start({}, {}))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(FORGED[name])
    for words in (["merge", str(path)], ["runs", "--store", str(path)], ["show", "1", "--store", str(path)]):
        done = called(*words, *(["--store", "ours.db"] if words[0] == "merge" else []), cwd=tmp_path)
        assert done.returncode in {0, 1, 2, 3} and "Traceback" not in done.stderr, done.stderr


class TestLooking:
    LOOK = (
        "with Store(path, readonly=True) as store:",
        "    facts = [store.fact(key) for key in sys.argv[2:]]",
        "    print(json.dumps([len(store.runs()), facts, len(list(store.facts('score', 1)))]))",
    )

    def made(self, folder, kind):
        if kind == "old":
            old_store(folder / "s.db", 10)
            return score(0)
        lines = [
            "store = Store(path); run = store.start({}, {})",
            "store.once(*json.loads(sys.argv[2]), lambda: 7, run)",
        ]
        end = "os.kill(os.getpid(), 9)" if kind == "killed" else "store.close()"
        about = score(0)[0]
        subprocess.run(
            [*python(*lines, "store.start({}, {})", end), folder / "s.db", json.dumps(["score", about])], check=False
        )
        assert (folder / "s.db-wal").exists() == (kind == "killed")
        return about, 7

    @pytest.mark.parametrize("kind", ["closed", "killed", "old"])
    def test_where_nothing_may_be_written(self, tmp_path, kind):
        about, body = self.made(tmp_path, kind)
        bwrap = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/var/tmp"]
        runs, facts, scores = ended([*bwrap, *python(*self.LOOK)], tmp_path / "s.db", key_of("score", about))
        assert (runs, facts) == (1 if kind == "old" else 2, [body])
        assert scores == (4 if kind == "old" else 1)

    @pytest.mark.parametrize("kind", ["closed", "old"])
    def test_nothing_is_made_and_nothing_changed(self, tmp_path, kind):
        about, body = self.made(tmp_path, kind)
        before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        with Store(tmp_path / "s.db", readonly=True) as store:
            assert store.once("score", about, lambda: "never", 1) == body
            assert store.text(store.keep("a text")) == "a text"
            for act in (lambda: store.start({}, {}), lambda: store.delete(1), store.prune, lambda: store.pulse(1, {})):
                with pytest.raises(UsageError, match="read only"):
                    act()
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before

    def test_what_is_written_meanwhile_is_seen(self, tmp_path):
        with Store(tmp_path / "s.db") as store, Store(tmp_path / "s.db", readonly=True) as viewer:
            run = store.start({}, {})
            store.once("score", score(1)[0], lambda: store.keep("a text"), run)
            assert viewer.text(viewer.fact(key_of("score", score(1)[0]))) == "a text"

    def test_there_must_be_one(self, tmp_path):
        with pytest.raises(UsageError, match="no store at"):
            Store(tmp_path / "s.db", readonly=True)
        (tmp_path / "s.db").touch()
        with pytest.raises(UsageError, match="is an empty file and no store"):
            Store(tmp_path / "s.db", readonly=True)
        shutil.copy(__file__, tmp_path / "s.db")
        with pytest.raises(StoreFailure, match="not an SQLite file"):
            Store(tmp_path / "s.db", readonly=True)
        assert [path.name for path in tmp_path.iterdir()] == ["s.db"]

"""Runs seen and ended from another process, and stores kept in order, with the real command."""

import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shared.command import answers, begun, called, one_line, selftaught

from selftaught.cli.terminal import clean
from selftaught.store import Store, Unused

WIDE = {**os.environ, "COLUMNS": "200"}
SELFTAUGHT = str(Path(sys.executable).parent / "selftaught")
SMALL = [
    *("--tasks", "formula:test/1", "--repetitions", "1", "--calls", "1", "--responses", "1", "--scorings", "2"),
    *("--store", "s.db", "--json"),
]


def runs(folder, store="s.db"):
    return json.loads(called("runs", "--store", store, "--json", cwd=folder).stdout)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """What other processes saw of a run while it ran, how it was stopped, and what they saw then."""
    folder = tmp_path_factory.mktemp("watched")
    child = begun(folder)
    try:
        time.sleep(1.2)  # one pulse
        seen = {
            "runs": called("runs", "--store", "s.db", cwd=folder, env=WIDE),
            "rows": runs(folder),
            "show": called("show", "1", "--store", "s.db", cwd=folder),
            "document": called("show", "1", "--store", "s.db", "--json", cwd=folder),
            "resume": called("resume", "1", "--store", "s.db", cwd=folder),
            "delete": called("delete", "1", "--store", "s.db", cwd=folder),
            "prune": called("prune", "--store", "s.db", cwd=folder),
            "export": called("export", "1", "--store", "s.db", cwd=folder),
            "recording": called("export", "1", "--recording", "x.json", "--store", "s.db", cwd=folder),
            "stop": called("stop", "1", "--store", "s.db", cwd=folder),
        }
        _, said = child.communicate(timeout=60)
    finally:
        child.kill()
    return folder, child, said, seen


def test_a_running_run_is_shown_as_it_is(watched):
    _, child, _, seen = watched
    (row,) = seen["rows"]
    assert (row["status"], row["state"], row["process"]) == ("running", "running", child.pid)
    now = row["now"]
    assert now["answers"] >= 20 and now["doing"] and 0 <= now["quiet_s"] < 30
    assert set(now) == {"doing", "best", "answers", "requests", "dollars", "quiet_s"}
    for done in (seen["runs"], seen["show"]):
        assert done.returncode == 0, done.stderr
        assert f"running here: process {child.pid}" in " ".join(done.stdout.split())
        assert re.search(r"\d+ (requests )?under way", done.stdout) and "ago" in done.stdout
        assert "resume" not in done.stdout, "another process would be refused"
    document = json.loads(seen["document"].stdout)
    assert (document["run"], document["state"], document["process"]) == (1, "running", child.pid)


def test_who_works_on_a_run_is_not_disturbed(watched):
    *_, seen = watched
    for name in ("resume", "delete", "prune"):
        assert seen[name].returncode == 1, "the same command may work later"
        assert "run 1 is being worked on" in one_line(seen[name])
    assert "`selftaught stop 1 --store s.db` first" in one_line(seen["delete"])


def test_what_has_not_come_to_its_end_is_exported_by_nobody_and_it_is_said_how_it_stands(watched):
    folder, child, _, seen = watched
    for name in ("export", "recording"):
        assert seen[name].returncode == 2
        said = f"selftaught: run 1 has not come to its end (running here: process {child.pid})"
        assert one_line(seen[name]) == said, "no advice that would be refused"
    stopped = one_line(called("export", "1", "--store", "s.db", cwd=folder))
    assert "has not come to its end (stopped: asked to stop): `selftaught resume 1 --store s.db` goes on" in stopped


def test_a_run_is_stopped_from_another_terminal_as_by_ctrl_c(watched):
    folder, child, said, seen = watched
    assert seen["stop"].returncode == 0, seen["stop"].stderr
    assert seen["stop"].stdout == (
        "Run 1 has ended, stopped: asked to stop; `selftaught resume 1 --store s.db` goes on.\n"
    )
    assert child.returncode == 130 and "Traceback" not in said, said
    assert "The run was asked to stop" in said and "`selftaught resume 1 --store s.db` goes on" in said
    (row,) = runs(folder)
    assert (row["status"], row["state"]) == ("stopped: asked to stop", "stopped")
    for command in (["runs"], ["show", "1"]):
        shown = " ".join(called(*command, "--store", "s.db", cwd=folder, env=WIDE).stdout.split())
        assert "topped: asked to stop" in shown and "`selftaught resume 1 --store s.db` goes on" in shown


def test_what_does_not_run_cannot_be_stopped(watched):
    folder, *_ = watched
    done = called("stop", "1", "--store", "s.db", cwd=folder)
    assert done.returncode == 2 and "no process here works on run 1: stopped: asked to stop" in one_line(done)
    assert "has no run 7" in one_line(called("stop", "7", "--store", "s.db", cwd=folder))


def test_a_resumed_run_is_no_longer_asked_to_stop(watched):
    folder, *_ = watched
    copied = folder / "copy.db"
    for end in ("", "-wal"):
        if (folder / f"s.db{end}").exists():
            shutil.copy(folder / f"s.db{end}", f"{copied}{end}")
    done = called("resume", "1", "--store", "copy.db", "--max-answers", "1", cwd=folder)
    assert done.returncode == 4, done.stderr
    assert "answers is reached" in runs(folder, "copy.db")[0]["status"]


def test_events_tell_what_happened_and_when(watched):
    folder, *_ = watched
    found = json.loads(called("events", "1", "--store", "s.db", "--json", cwd=folder).stdout)
    assert {"phase", "question", "scoring"} <= {one["kind"] for one in found}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT.*\+00:00", one["at"]) for one in found)
    assert "question" in called("events", "1", "--store", "s.db", cwd=folder).stdout


def test_a_killed_run_is_told_as_died(tmp_path):
    child = begun(tmp_path)
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=90)
    (row,) = runs(tmp_path)
    assert (row["status"], row["state"]) == ("died: no process works on it any more", "died")
    assert (row["process"], row["resume"], row["refused"]) == (
        None,
        f"selftaught resume 1 --store {tmp_path}/s.db",
        None,
    )
    for command in (["runs"], ["show", "1"]):
        shown = " ".join(called(*command, "--store", "s.db", cwd=tmp_path, env=WIDE).stdout.split())
        assert "died: no process works on it" in shown and "`selftaught resume 1 --store s.db` goes on" in shown
        assert "at work" not in shown and "waits for" not in shown and "under way" not in shown.partition("sign of")[0]
    db = sqlite3.connect(tmp_path / "s.db")
    with db:
        db.execute("UPDATE pulses SET host = 'another.example'")
    db.close()
    (row,) = runs(tmp_path)
    assert row["state"] == "elsewhere", "its lock cannot be seen from here"
    shown = called("show", "1", "--store", "s.db", cwd=tmp_path).stdout
    assert "running on another.example as process" in shown and "resume" not in shown


# stores with what this version does not know -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A store with a small comparison, to be copied."""
    folder = tmp_path_factory.mktemp("small")
    done = called("compare", "seed", *SMALL, "--seed", "0", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def compared(small, tmp_path):
    """A folder with a store that holds a small comparison."""
    return shutil.copytree(small, tmp_path, dirs_exist_ok=True)


@pytest.fixture
def strange(compared, tmp_path):
    """A store with a small comparison, and with runs that a later version made."""
    with Store(compared / "s.db") as store:
        told = dict(store.run(1).circumstances)
        store.start({"kind": "zebra", "model": "offline", "seed": 0}, told)
        store.start({**store.run(1).settings, "speed": 3}, told)
        store.start({"improver": "x", "warp": 9, "model": "offline", "seed": 0}, told)
        store.start({}, {**told, "limits": {"watts": 3}})
        store.start({**store.run(1).settings}, {**told, "limits": {"watts": 3}})
    return tmp_path


@pytest.mark.parametrize(
    ("number", "said"),
    [(2, "of the kind 'zebra'"), (3, "the setting 'speed'"), (4, "the setting 'warp'"), (5, "no setting 'improver'")],
)
def test_a_run_of_another_version_is_one_line_that_names_it(strange, number, said):
    for command in ("show", "lineage", "resume", "export", "candidates"):
        done = called(command, str(number), "--store", "s.db", cwd=strange)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        (line,) = done.stderr.strip().splitlines()
        assert f"run {number} cannot be read" in line and said in line
    named = called("compare", f"run:{number}", *SMALL, cwd=strange)
    assert named.returncode == 2 and f"run {number} cannot be read" in one_line(named)


@pytest.mark.parametrize("number", [str(1 << 63), "9" * 20])
def test_a_number_that_no_run_can_have_is_one_line(compared, tmp_path, number):
    commands = ("show", "resume", "delete", "stop", "lineage", "events", "export", "candidates")
    for words in [(name, number) for name in commands] + [("compare", f"run:{number}", "seed")]:
        done = called(*words, "--store", "s.db", cwd=tmp_path)
        assert done.returncode == 2 and f"has no run {number}" in one_line(done), words


def test_a_run_whose_circumstances_are_lost_is_refused_in_a_line(compared, tmp_path):
    with sqlite3.connect(tmp_path / "s.db") as db:
        db.execute("UPDATE runs SET circumstances = '[]', status = 'stopped: x'")
    for command in ("resume", "lineage", "show"):
        done = called(command, "1", "--store", "s.db", cwd=tmp_path)
        assert "Traceback" not in done.stderr and (command == "show" or one_line(done)), done.stderr


def test_the_other_runs_of_such_a_store_stay_usable(strange):
    rows = runs(strange)
    assert [row["run"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert all("cannot be read" in row["about"] for row in rows[1:5]) and "seed" in rows[0]["about"]
    assert "zebra" in called("runs", "--store", "s.db", cwd=strange).stdout
    assert called("show", "1", "--store", "s.db", cwd=strange).returncode == 0
    ran = called("experiment", "seeds", "--preset", "tiny", "--runs", "1", "--store", "s.db", "--json", cwd=strange)
    assert ran.returncode == 0, ran.stderr
    for number in (2, 3, 4, 5):
        named = [line for line in ran.stderr.splitlines() if line.startswith(f"run {number}: ")]
        assert len(named) == 1 and f"run {number} cannot be read" in named[0], ran.stderr
    unknown = called("resume", "6", "--store", "s.db", cwd=strange)
    assert unknown.returncode == 2 and "the limit 'watts'" in one_line(unknown)


# upkeep --------------------------------------------------------------------------------------------------------------


def test_runs_are_deleted_and_what_no_run_uses_is_pruned(compared, tmp_path):
    assert called("compare", "seed", *SMALL, "--seed", "1", cwd=tmp_path).returncode == 0
    folder = tmp_path / "s.runs"
    (folder / "2" / "notes.txt").write_text("mine")
    refused = called("delete", "1", "9", "--store", "s.db", cwd=tmp_path)
    assert refused.returncode == 2 and "no run 9" in one_line(refused)
    assert len(runs(tmp_path)) == 2, "nothing is deleted where one cannot be"
    done = called("delete", "1", "2", "--store", "s.db", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "Deleted: run 1, run 2.\n")
    assert runs(tmp_path) == []
    assert [path.name for path in folder.rglob("*")] == ["2", "notes.txt"], "files of the user's own stay"
    bought = answers(tmp_path / "s.db")
    kept = json.loads(called("prune", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert kept["facts"]["score"] > 0 and "answer" not in kept["facts"]
    assert answers(tmp_path / "s.db") == bought > 0
    said = called("prune", "--answers", "--store", "s.db", cwd=tmp_path).stdout
    assert f"{bought} of the kind answer" in said
    assert answers(tmp_path / "s.db") == 0


def test_answers_that_were_paid_for_go_only_when_that_is_agreed_to(tmp_path):
    with Store(tmp_path / "s.db") as store:
        run = store.start({}, {})
        for i, dollars in enumerate((0.0, 0.5, 0.75, 1.0)):
            fact = {"text": store.keep(f"text {i}"), "dollars": dollars}
            store.once("answer", {"index": i}, lambda fact=fact: fact, run if i < 3 else 0)
        assert store.unused() == Unused(0, 0)
        store.delete(run)
    refused = called("prune", "--answers", "--store", "s.db", cwd=tmp_path)
    assert refused.returncode == 2 and "gone for good: 2, paid with $1.25: add --yes" in one_line(refused)
    assert answers(tmp_path / "s.db") == 4
    said = on_terminal(tmp_path, "prune", "--answers", "--store", "s.db", typed=b"n\n")
    assert "answers would be gone for good: 2, paid with $1.25" in said and "Go on?" in said
    assert answers(tmp_path / "s.db") == 4
    said = on_terminal(tmp_path, "prune", "--answers", "--store", "s.db", typed=b"y\n")
    assert "3 of the kind answer" in said
    assert answers(tmp_path / "s.db") == 1


def test_answers_whose_price_is_unknown_are_asked_for_as_well(tmp_path):
    with Store(tmp_path / "s.db") as store:
        run = store.start({}, {})
        store.once("answer", {"index": 1}, lambda: {"text": store.keep("text"), "dollars": None}, run)
        store.delete(run)
    refused = called("prune", "--answers", "--store", "s.db", cwd=tmp_path)
    assert refused.returncode == 2 and "gone for good: 1, paid with a price that is not known" in one_line(refused)
    agreed = called("prune", "--answers", "--yes", "--json", "--store", "s.db", cwd=tmp_path)
    assert json.loads(agreed.stdout)["facts"] == {"answer": 1}, agreed.stderr


def test_a_store_takes_in_another(compared, tmp_path):
    other = [*SMALL[:-2], "other.db", "--json"]
    document = json.loads(called("compare", "seed", *other, "--seed", "4", cwd=tmp_path).stdout)
    before = (tmp_path / "other.db").read_bytes()
    done = called("merge", "other.db", "--store", "s.db", cwd=tmp_path)
    assert done.returncode == 0 and "Its run 1 is run 2 here." in done.stdout, done.stderr
    shown = json.loads(called("show", "2", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert {**shown, "run": 1} == document
    assert (tmp_path / "other.db").read_bytes() == before
    again = called("merge", "other.db", "--store", "s.db", cwd=tmp_path)
    assert "Took in 0 facts" in again.stdout and "Its run 1 is run 2 here." in again.stdout
    assert len(runs(tmp_path)) == 2, "what is here is not taken in again"
    made = called("merge", "other.db", "--store", "new.db", cwd=tmp_path)
    assert "Its run 1 is run 1 here." in made.stdout and len(runs(tmp_path, "new.db")) == 1, made.stderr
    (tmp_path / "none.db").write_text("no store")
    for name in ("none.db", "nowhere.db"):
        assert called("merge", name, "--store", "never.db", cwd=tmp_path).returncode
    assert not (tmp_path / "never.db").exists(), "no store is made of what is none"
    missing = called("merge", "nowhere.db", "--store", "s.db", cwd=tmp_path)
    assert missing.returncode == 2 and "nowhere.db" in one_line(missing)


@pytest.mark.skipif(os.getuid() != 0, reason="another user is needed, who may only read")
def test_a_store_that_may_only_be_read_is_shown(small, tmp_path_factory):
    folder = shutil.copytree(small, tmp_path_factory.mktemp("readonly"), dirs_exist_ok=True)
    for path in (folder, *folder.parents):
        if path.stat().st_uid == 0 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055 if path != folder else 0o555)
    (folder / "s.db").chmod(0o444)

    def nobody():
        os.setgid(65534)
        os.setuid(65534)

    env = {**os.environ, "HOME": "/nonexistent", "PYTHONDONTWRITEBYTECODE": "1"}
    for command in (["runs"], ["show", "1"], ["events", "1"]):
        done = selftaught(*command, "--store", "s.db", cwd=folder, env=env, preexec_fn=nobody)
        assert done.returncode == 0, done.stderr
        assert done.stdout


# what a terminal gets ------------------------------------------------------------------------------------------------


@given(
    st.text(st.characters(codec=None))
    | st.text(st.sampled_from("\x1b\x9b\x07\r\n\t\u202e\u2066\u200b\u200f\ud800\x7fa "))
)
def test_nothing_that_commands_a_terminal_gets_through(text):
    shown = clean(text)
    assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in shown if c not in "\n\t")
    shown.encode("utf-8")
    assert clean(shown) == shown
    assert not set(shown) & set("\x1b\x9b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c\u200b")


def test_a_program_is_exact_in_a_file_and_harmless_on_a_terminal(tmp_path):
    program = 'def improve_algorithm(s, u, m):\n    """\x1b]0;mine\x07 \u202e"""\n    return s\n'
    (tmp_path / "p.py").write_text(program)
    done = called("compare", "p.py", *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Store(tmp_path / "s.db") as store:
        made = {"arms": {"improved": {"improver": json.loads(done.stdout)["improvers"][0]["improver"]}}, "gain": {}}
        told = dict(store.run(1).circumstances)
        run = store.start({"improver": "", "model": "offline\x1b[2J", "seed": 0}, told)
        store.finish(run, "stopped: \x1b[2J\x9b1m", {**made, "run": run})
    args = ["show", str(run), "--improver", "--store", "s.db"]
    assert called(*args, cwd=tmp_path).stdout == program
    assert "\\x1b]0;mine\\x07 \\u202e" in on_terminal(tmp_path, *args)
    for command in (["runs", "--store", "s.db"], ["stop", str(run), "--store", "s.db"]):
        shown = on_terminal(tmp_path, *command)
        assert "\x1b[2J" not in shown and "\x9b" not in shown and "\\x1b[2J" in shown.replace("\r\n", "")


def on_terminal(folder, *args, typed=b""):
    """What the command sends to a terminal, where something was typed."""
    mine, its = pty.openpty()
    env = {**os.environ, "COLUMNS": "200", "TERM": "xterm"}
    child = subprocess.Popen([SELFTAUGHT, *args], cwd=folder, stdout=its, stderr=its, stdin=its, env=env)
    os.close(its)
    os.write(mine, typed)
    found = b""
    while True:
        try:
            piece = os.read(mine, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        found += piece
    os.close(mine)
    child.wait(timeout=90)
    return found.decode()

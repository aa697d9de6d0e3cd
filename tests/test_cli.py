"""The command as a new user meets it: what works, and one clear line with the documented exit code for what cannot."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from shared.command import answers, called, one_line, selftaught

from selftaught.store import Store

SMALL = [
    *("--seed", "0"),
    *("--rounds", "1", "--repetitions", "1", "--validation", "2", "--test", "2"),
    *("--tasks", "formula:train/2", "--test-tasks", "formula:test/2"),
    *("--outer-calls", "1", "--outer-responses", "4", "--outer-scorings", "5"),
    *("--calls", "4", "--responses", "4", "--scorings", "17"),
]


def timeless(text):
    document = json.loads(text)
    for name in ("cpu_s", "wall_s"):
        del document["usage"][name]
    del document["run"]
    return document


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A small run to its end, in a folder of its own."""
    folder = tmp_path_factory.mktemp("first")
    return folder, selftaught("run", *SMALL, "--json", cwd=folder)


def test_a_run_prints_one_document_with_everything_in_it(first):
    folder, done = first
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["sandbox"] == "strict"
    assert {"round", "improver", "accepted", "reason", "train", "validation", "test"} <= set(document["rounds"][1])
    assert {"mean", "low", "high", "n"} <= set(document["rounds"][1]["validation"])
    assert set(document["arms"]) == {"start", "seed", "improved", "best_of_n", "equal_answers", "frozen", "sham"}
    assert document["discovery"]["answers"] > 0
    for arm in document["arms"].values():
        assert {"test", "per_task", "responses"} <= set(arm)
        assert set(arm["per_task"]) == {"formula-test-1", "formula-test-2"}
    for verdict in document["verdict"].values():
        assert verdict["kind"] in {"better", "worse", "indecisive"}
        assert {"difference", "low", "high", "about"} <= set(verdict)
    usage = document["usage"]
    assert {"calls", "responses", "tokens_in", "tokens_out", "dollars", "cpu_s", "wall_s"} <= set(usage)
    assert usage["responses"] > 0
    assert "no language model" in done.stderr
    saved = folder / ".selftaught" / "store.runs" / "1"
    assert json.loads((saved / "report.json").read_text()) == document
    assert "def improve_algorithm" in (saved / "improver.py").read_text()


def test_the_same_seed_gives_the_same_document_and_another_seed_another(first, tmp_path):
    _, done = first
    again = called("run", *SMALL, "--json", cwd=tmp_path)
    other = called("run", *SMALL, "--json", "--seed", "1", cwd=tmp_path)
    assert timeless(again.stdout) == timeless(done.stdout)
    assert timeless(other.stdout)["arms"] != timeless(done.stdout)["arms"]


def test_a_recording_gives_the_same_document(first, tmp_path):
    folder, done = first
    written = called("export", "1", "--recording", tmp_path / "run.xz", "--json", cwd=folder)
    assert json.loads(written.stdout)["answers"] == 0, "the built-in model answers again"
    again = called("replay", "run.xz", "--json", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert timeless(done.stdout) == timeless(again.stdout)


def test_a_run_can_be_looked_at(first):
    folder, done = first
    table = called("show", "1", cwd=folder)
    assert table.returncode == 0
    assert "What the gain is made of" in table.stdout
    program = called("show", "1", "--improver", cwd=folder)
    assert "def improve_algorithm" in program.stdout
    improved = json.loads(done.stdout)["arms"]["improved"]["improver"]
    same = json.loads(called("show", "1", "--improver", "--json", cwd=folder).stdout)
    assert same == {"digest": improved, "program": program.stdout}
    rows = json.loads(called("runs", "--json", cwd=folder).stdout)
    assert [(row["run"], row["status"]) for row in rows] == [(1, "done")]
    assert json.loads(called("resume", "1", "--json", cwd=folder).stdout)["run"] == 1


def test_a_rounds_figures_are_about_the_improver_it_ended_with_and_apart_from_the_proposals(first):
    folder, done = first
    (one,) = json.loads(done.stdout)["rounds"][1:]
    kept = {"accepted": ("proposal_train", "proposal_validation"), "kept": (None, "incumbent_validation")}
    train, validation = kept["accepted" if one["accepted"] else "kept"]
    assert one["validation"]["mean"] == pytest.approx(one[validation])
    assert one["train"] == (one[train] if train else None)
    children = json.loads(called("lineage", "1", "--json", cwd=folder).stdout)["rounds"][0]["children"]
    assert one["proposal_train"] == {child["program"]: child["value"] for child in children}[one["proposal"]]


def test_a_task_and_an_improver_are_shown_whole(tmp_path):
    (task,) = json.loads(called("tasks", "grid", "--json", cwd=tmp_path).stdout)
    assert "The utility is the mean grade over" in task["description"]
    assert task["description"] in called("tasks", "grid", cwd=tmp_path).stdout
    shown = json.loads(called("improvers", "seed", "--json", cwd=tmp_path).stdout)
    assert shown["program"] == called("improvers", "seed", cwd=tmp_path).stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "after"),
    [(signal.SIGINT, 10), (signal.SIGINT, 60), (signal.SIGKILL, 40)],
    ids=["ctrl-c early", "ctrl-c late", "kill -9"],
)
def test_a_stopped_run_goes_on_to_the_same_end(first, tmp_path, how, after):
    _, done = first
    store = tmp_path / ".selftaught" / "store.db"
    command = [str(Path(sys.executable).parent / "selftaught"), "run", *SMALL]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while answers(store) < after:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(how)
    _, said = child.communicate(timeout=90)
    kept = answers(store)
    if how == signal.SIGINT:
        assert child.returncode == 130
        assert "selftaught resume 1" in said
        assert "Traceback" not in said
        shown = called("show", "1", cwd=tmp_path)
        assert (shown.returncode, shown.stdout.count("Stopped: interrupted")) == (0, 1), shown.stderr
    resumed = called("resume", "1", "--json", cwd=tmp_path)
    assert resumed.returncode == 0, resumed.stderr
    assert timeless(resumed.stdout) == timeless(done.stdout)
    assert kept >= after


@pytest.mark.parametrize(("how", "reason"), [(signal.SIGTERM, "terminated"), (signal.SIGHUP, "hung up")])
def test_a_run_that_is_told_to_end_says_so_in_the_store(tmp_path, how, reason):
    """As by a plain `kill`, a batch system, a terminal that is closed; a second such signal does not cut it short."""
    command = [str(Path(sys.executable).parent / "selftaught"), "run", *SMALL]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while answers(tmp_path / ".selftaught" / "store.db") < 5:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(how)
    child.send_signal(signal.SIGTERM)
    _, said = child.communicate(timeout=90)
    assert (child.returncode, said.count(f"The run was {reason}"), "Traceback" in said) == (130, 1, False), said
    (row,) = json.loads(called("runs", "--json", cwd=tmp_path).stdout)
    assert row["status"] == f"stopped: {reason}"


def test_a_run_under_nohup_outlives_its_terminal(tmp_path):
    command = ["nohup", str(Path(sys.executable).parent / "selftaught"), "run", *SMALL]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while answers(tmp_path / ".selftaught" / "store.db") < 5:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGHUP)
    before = answers(tmp_path / ".selftaught" / "store.db")
    while answers(tmp_path / ".selftaught" / "store.db") <= before:
        assert child.poll() is None
        time.sleep(0.02)
    child.kill()
    child.wait(20)


@pytest.mark.parametrize(("how", "reason"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated")])
def test_a_command_that_is_no_run_says_that_it_was_told_to_end(tmp_path, how, reason):
    (tmp_path / "slow.py").write_text("import time\n\n\ndef f():\n    time.sleep(600)\n")
    command = [str(Path(sys.executable).parent / "selftaught"), "exec", "slow.py", "--entry", "f", "--cpu-s", "500"]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    tasks = Path(f"/proc/{child.pid}/task")
    while not (jails := [one for own in tasks.glob("*/children") for one in own.read_text().split()]):
        assert child.poll() is None
        time.sleep(0.02)
    time.sleep(0.5)  # until the program is in it
    child.send_signal(how)
    _, said = child.communicate(timeout=90)
    assert (child.returncode, said) == (130, f"selftaught: {reason}\n")
    assert not any(Path(f"/proc/{one}").exists() for one in jails)


def unread(*args, cwd):
    """The command with an output that takes nothing."""
    command = [sys.executable, "-m", "selftaught", *map(str, args)]
    with open("/dev/full", "w") as out:
        return subprocess.run(command, cwd=cwd, stdout=out, stderr=subprocess.PIPE, text=True, timeout=100)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_an_output_that_cannot_be_written_is_one_line(first, more):
    """Also where it is longer than a buffer, and where it is written on leaving."""
    folder, _ = first
    for words in (["show", "1"], ["runs"], ["improvers", "seed"]):
        done = unread(*words, *more, cwd=folder)
        said = "selftaught: standard output cannot be written: No space left on device\n"
        assert (done.returncode, done.stderr) == (1, said), words
    assert unread("show", "99", *more, cwd=folder).stderr.startswith("selftaught: store ")


def test_a_run_whose_report_cannot_be_written_is_done_all_the_same(tmp_path):
    done = unread("run", *SMALL, "--json", cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "selftaught: standard output cannot be written: No space left on device"
    (row,) = json.loads(called("runs", "--json", cwd=tmp_path).stdout)
    assert row["status"] == "done"


def test_an_interrupt_while_the_command_is_imported_is_one_line(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, signal, sys\n\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # as at a terminal, whoever runs this test\n\n\n"
        "class Interrupter:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'typer':\n            os.kill(os.getpid(), signal.SIGINT)\n\n\n"
        "sys.meta_path.insert(0, Interrupter())\n"
    )
    command = [sys.executable, "-m", "selftaught", "runs"]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "selftaught: interrupted\n")


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["run", "--tasks", "chess"], 2, r"chess.*lpn"),
        (["run", "--model", "gpt"], 2, r"gpt.*offline"),
        (["run", "--model", "scripted:nowhere.json"], 2, "nowhere.json"),
        (["run", "--improver", "magic"], 2, r"magic.*seed"),
        (["run", "--rounds", "0"], 2, "--rounds is 0: at least 1 is needed"),
        (["run", "--test", "-3"], 2, "--test is -3"),
        (["run", "--calls", "0"], 2, "inner budget of calls"),
        (["run", "--tasks", "grid", "--tasks", "grid"], 2, "grid is asked for twice"),
        (["run", "--store", "."], 2, "is a directory"),
        (["run", "--sandbox", "cardboard"], 2, "cardboard"),
        (["run", "--base-url", "http://127.0.0.1:1"], 2, "base-url"),
        (["run", "--tasks", "unfinished.py"], 2, r"unfinished.py.*grade"),
        (["run", "--tasks", "broken.py"], 2, "broken.py"),
        (["resume", "1"], 2, "there is no store"),
        (["runs"], 2, "there is no store"),
        (["exec", "nowhere.py", "--entry", "f"], 2, "nowhere.py"),
        (["exec", "/dev/zero", "--entry", "f"], 2, "longer than 100,000 characters"),
        (["improve", "/dev/zero", "--score", "broken.py"], 2, "longer than 100,000 characters"),
        (["run", "--model", "scripted:/dev/zero"], 2, "more than 64 MiB"),
        (["run", "--improver", "/dev/zero"], 2, "/dev/zero"),
        (["exec", "broken.py", "--entry", "f", "--args", "{"], 2, "not JSON"),
        (["exec", "broken.py", "--entry", "f", "--args", "[" * 100_000], 2, "not JSON"),
        (["exec", "broken.py", "--entry", "f", "--args", "3"], 2, "not a JSON list"),
        (["exec", "broken.py", "--entry", "f", "--cpu-s", "nan"], 2, "--cpu-s from 0.01"),
        (["exec", "broken.py", "--entry", "f", "--memory-mb", "-5"], 2, "--memory-mb from 64 to"),
        (["exec", "broken.py", "--entry", "f", "--memory-mb", "9" * 20], 2, "--memory-mb from 64 to"),
        (["run", "--max-minutes", "nan"], 2, "a limit is above 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_clear_line(tmp_path, args, code, said):
    (tmp_path / "broken.py").write_text("def f(:\n")
    (tmp_path / "unfinished.py").write_text(
        "from selftaught.task import Instance, Task\n"
        "from selftaught.sandbox import Limits\n\n\n"
        "class Unfinished(Task):\n"
        "    name = 'unfinished'\n    entry = 'f'\n    start = 'def f(x): return x'\n    summary = 'x'\n"
        "    limits = Limits()\n    instances = {'train': 1, 'validation': 1, 'test': 1}\n"
        "    description = 'x'\n\n"
        "    def draw(self, rng):\n        return Instance((1,))\n"
    )
    done = called(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert re.search(said, line), done.stderr


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("def f(): return [1, 'a', None, {'b': 2.5}]", "answer"),
        ("def f(): return float('nan')", "error"),
        ("def f(): return {1, 2}", "error"),
        ("def f(): return 'a' * 100_000_000", "output"),
        ("def f(): pass", "answer"),
        ("def f(:", "defect"),
        ("def f(): raise SystemExit(3)", "error"),
        ("def f():\n    while True: pass", "time"),
        ("def f(): return bytearray(10 ** 10)", "memory"),
        ("def f():\n    while True: print('x' * 10_000)", "output"),
        ("import os\ndef f(): os._exit(0)", "error"),
    ],
)
def test_exec_prints_what_became_of_a_program(tmp_path, text, outcome):
    (tmp_path / "p.py").write_text(text)
    done = called("exec", "p.py", "--entry", "f", "--cpu-s", "2", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert document["outcome"] == outcome, document
    assert done.returncode == (0 if outcome == "answer" else 1)
    assert set(document) == {"outcome", "answer", "error", "output", "cpu_s", "wall_s", "peak_mb", "denied", "sandbox"}
    if outcome == "error":
        assert document["error"]


def test_exec_gives_a_program_files_when_asked(tmp_path):
    (tmp_path / "p.py").write_text("def f():\n    open('/tmp/a', 'w').write('x')\n    return open('/tmp/a').read()\n")
    command = ["exec", "p.py", "--entry", "f", "--json"]
    assert json.loads(called(*command, "--files-mb", "1", cwd=tmp_path).stdout)["answer"] == "x"
    assert json.loads(called(*command, cwd=tmp_path).stdout)["outcome"] == "error"


def test_without_bubblewrap_nothing_runs(tmp_path):
    (tmp_path / "p.py").write_text("def f(): return 1")
    hidden = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", "/dev/null", shutil.which("bwrap")]
    command = [*hidden, str(Path(sys.executable).parent / "selftaught"), "exec", "p.py", "--entry", "f"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3, done.stderr
    assert "apt-get install bubblewrap" in one_line(done)


WORDS = ["show 1", "runs", "events 1", "lineage 1", "stop 1", "delete 1", "prune", "resume 1", "merge mine.db"]


@pytest.mark.parametrize("words", WORDS)
def test_an_empty_file_is_no_store_and_stays_what_it_is(tmp_path, words):
    (tmp_path / "s.db").touch()
    Store(tmp_path / "mine.db").close()
    done = called(*words.split(), "--store", "s.db", cwd=tmp_path)
    assert done.returncode == 2 and "s.db is an empty file and no store" in one_line(done)
    assert (tmp_path / "s.db").read_bytes() == b""


def test_what_is_merged_has_to_be_a_store(tmp_path):
    (tmp_path / "empty.db").touch()
    Store(tmp_path / "s.db").close()
    done = called("merge", "empty.db", "--store", "s.db", cwd=tmp_path)
    assert done.returncode == 2 and "empty.db is an empty file and no store" in one_line(done)
    assert (tmp_path / "empty.db").read_bytes() == b""


def test_a_run_makes_a_store_of_an_empty_file_and_says_so(tmp_path):
    (tmp_path / "s.db").touch()
    small = ["--tasks", "formula:test/1", "--repetitions", "1", "--calls", "1", "--responses", "1", "--scorings", "2"]
    done = called("compare", "seed", *small, "--store", "s.db", cwd=tmp_path)
    assert done.returncode == 0 and "s.db is an empty file: a store is made of it" in done.stderr, done.stderr
    assert [row["run"] for row in json.loads(called("runs", "--json", "--store", "s.db", cwd=tmp_path).stdout)] == [1]


def test_the_lists(tmp_path):
    tasks = json.loads(called("tasks", "--json", cwd=tmp_path).stdout)
    assert {"lpn", "parity", "grid", "sat", "maxcut", "qap", "binpack"} <= {row["task"] for row in tasks}
    models = json.loads(called("models", "--json", cwd=tmp_path).stdout)
    assert {"offline", "offline:generic"} <= {row["name"] for row in models}
    improvers = json.loads(called("improvers", "--json", cwd=tmp_path).stdout)
    assert all(row["about"] for row in improvers)
    assert "def improve_algorithm" in called("improvers", "seed", cwd=tmp_path).stdout
    assert selftaught("--help", cwd=tmp_path).returncode == 0


def test_doctor_finds_this_machine_fit(tmp_path):
    done = called("doctor", "--json", cwd=tmp_path)
    checks = json.loads(done.stdout)
    assert done.returncode == 0, checks
    assert {check["name"]: check["ok"] for check in checks}["level strict"]


@pytest.mark.parametrize(
    ("args", "env"),
    [
        (("run", "--model", "openai:m\udcff"), {}),
        (("show", "1", "--store", "\udcff.db"), {}),
        (("models",), {"SELFTAUGHT_MODEL": "\udcff"}),
    ],
)
def test_what_is_no_text_is_told_in_a_line(args, env, tmp_path):
    done = called(*args, cwd=tmp_path, env={**os.environ, **env})
    assert done.returncode == 2 and "is no text in UTF-8" in one_line(done)

"""The way in from Python: what it does is what the command does, results are plain values, and its types are checked."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from shared.command import selftaught

import selftaught as public
from selftaught.budget import Allowance
from selftaught.errors import SpendExhausted, UsageError
from selftaught.lab import CONTRACT
from selftaught.program import Program
from selftaught.runs import unfinished
from selftaught.store import Store
from selftaught.testing import Guesser, Number, asker

SMALL = {
    "repetitions": 1,
    "validation": 1,
    "test": 2,
    "inner": Allowance(calls=2, responses=2, scorings=5),
    "outer": Allowance(calls=1, responses=2, scorings=3),
}


def test_a_program_is_improved_and_the_second_time_nothing_is_asked(tmp_path):
    model = Guesser()
    with public.open_lab(model, tmp_path / "s.db", seed=3) as lab:
        found = public.improve_program(lab, Number.start, Number(), Program(asker(4)), Allowance(calls=4, scorings=9))
        assert found.program is not None
        assert found.first_score > 0
        asked = len(model.asked)
        again = public.improve_program(lab, Number.start, Number(), Program(asker(4)), Allowance(calls=4, scorings=9))
        assert (again, len(model.asked)) == (found, asked)
        other = public.improve_program(
            lab, Number.start, Number(), Program(asker(4)), Allowance(calls=4, scorings=9), 1
        )
        assert other.program != found.program


def test_a_recursion_is_a_run_like_those_of_the_command(tmp_path):
    path = tmp_path / "s.db"
    with public.open_lab("offline", path) as lab:
        tasks = {"tasks": ["formula:train/1"], "test_tasks": ["formula:test/1"]}
        document = public.run_recursion(lab, rounds=1, settings=SMALL, **tasks)
        compared = public.compare_improvers(
            lab, ["seed", "best-of-n"], tasks=["formula:test/1"], repetitions=2, inner=SMALL["inner"]
        )
    assert document["run"] == 1 and "improved" in document["arms"]
    assert [one["name"] for one in compared["improvers"]] == ["seed", "best-of-n"]
    shown = selftaught("show", "1", "--json", "--store", path, cwd=tmp_path)
    assert json.loads(shown.stdout) == document
    sizes = [
        "--repetitions",
        "1",
        "--validation",
        "1",
        "--test",
        "2",
        "--calls",
        "2",
        "--responses",
        "2",
        "--scorings",
        "5",
    ]
    outer = [
        "--outer-calls",
        "1",
        "--outer-responses",
        "2",
        "--outer-scorings",
        "3",
        "--controls",
        "basic",
        "--rounds",
        "1",
    ]
    specs = ["--tasks", "formula:train/1", "--test-tasks", "formula:test/1"]
    done = selftaught("run", *sizes, *outer, *specs, "--outer-cpu-s", "60", "--seed", "0", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["rounds"] == document["rounds"]


def test_what_ends_a_run_is_kept_with_its_reason(tmp_path):
    limits = public.SpendLimits(answers=3)
    with public.open_lab(Guesser(), tmp_path / "s.db", limits=limits) as lab, pytest.raises(SpendExhausted):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    with Store(tmp_path / "s.db") as store:
        assert "limit of 3 answers" in store.run(1).status
        assert "limit of 3 answers" in store.run(1).document["stopped"]


def test_an_error_that_nobody_expected_is_recorded_and_goes_on_to_the_caller(tmp_path):
    class Broken(Guesser):
        def complete(self, request, addresses):
            raise RuntimeError("no such luck")

    with public.open_lab(Broken(), tmp_path / "s.db") as lab, pytest.raises(RuntimeError, match="no such luck"):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    with Store(tmp_path / "s.db") as store:
        assert store.run(1).status == "stopped: an error that was not expected: RuntimeError: no such luck"


def test_a_run_can_be_watched_and_stopped_from_elsewhere(tmp_path):
    """The document is in the store from the first second, and whoever asks in the store lets the run end."""
    path, held, let_go = tmp_path / "s.db", threading.Event(), threading.Event()

    class Slow(Guesser):
        def complete(self, request, addresses):
            held.set()
            let_go.wait(60)
            return super().complete(request, addresses)

        def close(self):
            let_go.set()

    def watch():
        held.wait(30)
        with Store(path, readonly=True) as store:
            seen.append(store.run(1))
        with Store(path) as store:
            store.ask_to_stop(1)

    seen, watcher = [], threading.Thread(target=watch)
    watcher.start()
    with public.open_lab(Slow(), path) as lab, pytest.raises(KeyboardInterrupt):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    watcher.join()
    assert seen[0].status == "running"
    assert seen[0].document["settings"]["rounds"] == 1
    with Store(path) as store:
        record = store.run(1)
        assert record.status == "stopped: asked to stop"
        assert record.pulse["phase"]
        kinds = {event.kind for event in store.events(1)}
        assert {"phase", "improver", "question"} <= kinds


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda lab: public.run_recursion(lab, "magic"), "no improver and no file"),
        (lambda lab: public.run_recursion(lab, "def f():\n    pass\n"), "Program"),
        (lambda lab: public.run_recursion(lab, tasks=["chess"]), "no task 'chess'"),
        (lambda lab: public.compare_improvers(lab, []), "no improver to compare"),
    ],
)
def test_mistakes_are_one_clear_line(tmp_path, wrong, said):
    with public.open_lab("offline", tmp_path / "s.db") as lab, pytest.raises(UsageError, match=said) as caught:
        wrong(lab)
    assert "\n" not in str(caught.value)


USER = """
from selftaught import Allowance, Improvement, Lab, Limits, Task, improve_program, open_lab, run_recursion
from selftaught.testing import Number


def main(lab: Lab, task: Task) -> Improvement:
    found = improve_program(lab, "def f(x): return 0", task, allowance=Allowance(calls=2))
    reveal_type(found.program)
    return found


with open_lab("offline", store="x.db") as lab:
    reveal_type(lab)
    main(lab, Number())
    improve_program(lab, 3, Number())
    Limits(cpu="fast")
    run_recursion(lab, rounds="many")
"""


def test_a_users_file_is_checked_against_the_public_types(tmp_path):
    (tmp_path / "mine.py").write_text(USER)
    settings = {"typeCheckingMode": "strict", "include": ["mine.py"], "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    checker = Path(sys.executable).parent / "pyright"
    done = subprocess.run(
        [checker, "--pythonpath", sys.executable, "--outputjson"], cwd=tmp_path, capture_output=True, text=True
    )
    found = json.loads(done.stdout)["generalDiagnostics"]
    told = [one["message"] for one in found if one["severity"] == "information"]
    assert any('"Program | None"' in one for one in told)
    assert any('"Lab"' in one for one in told)
    wrong = sorted(one["range"]["start"]["line"] for one in found if one["severity"] == "error")
    lines = USER.splitlines()
    assert [lines[i].strip().partition("(")[0] for i in wrong] == ["improve_program", "Limits", "run_recursion"]


def test_a_run_that_nobody_has_worked_on_yet_is_not_taken_for_an_unfinished_one(tmp_path):
    """Between making a run and working on it another command with the same settings may look."""
    asked = public.Settings("0" * 64)
    with Store(tmp_path / "s.db") as store:
        number = store.start(asked.plain(), {"contract": CONTRACT, "sandbox": "strict"})
        assert unfinished(store, asked, "strict") is None
        with store.alone(number):
            store.reopen(number)
            assert unfinished(store, asked, "strict") is None
        store.finish(number, "stopped: enough")
        assert unfinished(store, replace(asked, seed=9), "strict") == number, (
            "the seed is not what makes settings the same"
        )
        assert unfinished(store, replace(asked, rounds=9), "strict") is None
        store.finish(number, "done")
        assert unfinished(store, asked, "strict") is None

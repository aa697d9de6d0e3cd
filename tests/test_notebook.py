"""The way in from Python: what it does is what the command does, results are plain values, and its types are checked."""

import importlib
import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from shared.command import called, one_line, selftaught
from shared.shapes import misfits

import selftaught as public
from selftaught.budget import Allowance
from selftaught.errors import ModelFailure, SpendExhausted, StoreFailure, UsageError, WorthlessRun
from selftaught.evidence.report import Probably
from selftaught.lab import CONTRACT, Document
from selftaught.program import Program
from selftaught.runs.going import refusal, unfinished
from selftaught.store import Store
from selftaught.tasks import load
from selftaught.testing import Doubler, Guesser, Number, asker

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


def test_a_first_look_can_be_left_out(tmp_path):
    never = Program("def improve_algorithm(s, u, m):\n    return bst\n")
    with public.open_lab(Guesser(), tmp_path / "s.db", seed=3) as lab:
        given = lab, {"mine": never, "seed": "seed"}
        with pytest.raises(WorthlessRun, match="with --anyway"):
            public.compare_improvers(*given, tasks=["lpn"], repetitions=1, inner=SMALL["inner"])
        found = public.compare_improvers(*given, tasks=["lpn"], repetitions=1, inner=SMALL["inner"], anyway=True)
    assert found["improvers"][0]["name"] == "mine"


class Writer(Doubler):
    """Writes improvers; of another name than who works inside them."""

    name = "writer"


def test_a_lab_that_was_left_says_so(tmp_path):
    with public.open_lab("offline", tmp_path / "s.db", seed=3) as lab:
        (task,) = load("lpn", 0)
    with pytest.raises(UsageError, match="the lab is closed: use it within the block"):
        public.improve_program(lab, task.start, task)
    with pytest.raises(UsageError, match="the lab is closed: use it within the block"):
        public.run_recursion(lab)
    with pytest.raises(StoreFailure, match="is closed: use what belongs to it within the block"):
        lab.store.runs()


def test_a_proposer_writes_improvers_and_the_model_works_inside_them(tmp_path):
    inside, writer = Guesser(), Writer()
    with public.open_lab(inside, tmp_path / "s.db", seed=3, proposer=writer) as lab:
        asked = {"tasks": [Number()], "rounds": 1, "settings": SMALL}
        document = public.run_recursion(lab, Program(asker(1)), **asked)
        (outer,) = [about for about, _ in lab.store.facts("improvement", 1) if about["stream"][0] == "outer"]
        assert (outer["model"], outer["inside"]) == ("writer", ["guesser", {}])
        inner = [about for about, _ in lab.store.facts("improvement", 1) if about["stream"][0] == "inner"]
        assert {about["model"] for about in inner} == {"guesser"} and not any("inside" in about for about in inner)
    assert (document["model"], document["proposer"]) == ("guesser", "writer")
    assert writer.asked and all("def improve_algorithm" in request.message for request, _ in writer.asked)
    assert inside.asked and not any("def improve_algorithm" in request.message for request, _ in inside.asked)
    used = {(one["model"], one["does"]): one["responses"] for one in document["usage"]["models"]}
    assert used == {("guesser", "works inside"): len(inside.asked), ("writer", "writes improvers"): len(writer.asked)}
    assert document["usage"]["responses"] == sum(used.values())


def test_a_recursion_is_a_run_like_those_of_the_command(tmp_path):
    path = tmp_path / "s.db"
    with public.open_lab("offline", path, seed=0) as lab:
        tasks = {"tasks": ["formula:train/1"], "test_tasks": ["formula:test/1"]}
        document = public.run_recursion(lab, rounds=1, settings=SMALL, **tasks)
        compared = public.compare_improvers(
            lab, ["seed", "best-of-n"], tasks=["formula:test/1"], repetitions=2, inner=SMALL["inner"]
        )
    assert document["run"] == 1 and "improved" in document["arms"]
    assert [one["name"] for one in compared["improvers"]] == ["seed", "best-of-n"]
    shown = called("show", "1", "--json", "--store", path, cwd=tmp_path)
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


def test_what_it_will_probably_come_to_stands_in_the_document_of_a_run_that_goes_on(tmp_path, monkeypatch):
    said, tell = [], Document.tell

    def telling(document, **parts):
        tell(document, **parts)
        said.append(document.parts.get("probably"))

    monkeypatch.setattr(Document, "tell", telling)
    with public.open_lab(Guesser(), tmp_path / "s.db") as lab:
        document = public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    assert said[0] is None and said[-1] is not None, "after a round it is known"
    assert misfits(said[-1], Probably) == []
    assert 0 < said[-1]["answers_low"] <= said[-1]["answers_high"]
    assert "probably" not in document, "at the end it is known what it came to"


def test_what_ends_a_run_is_kept_with_its_reason(tmp_path):
    limits = public.SpendLimits(answers=3)
    with public.open_lab(Guesser(), tmp_path / "s.db", limits=limits) as lab, pytest.raises(SpendExhausted):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    with Store(tmp_path / "s.db") as store:
        assert "limit of 3 answers" in store.run(1).status
        assert "limit of 3 answers" in store.run(1).document["stopped"]


@pytest.mark.parametrize("kind", [RuntimeError, UsageError])
def test_an_error_that_names_a_file_in_no_unicode_is_recorded_as_well(tmp_path, kind):
    class Broken(Guesser):
        def complete(self, *_, **__):
            raise kind("cannot read caf\udce9.txt")

    with public.open_lab(Broken(), tmp_path / "s.db") as lab, pytest.raises(kind, match=r"cannot read caf.\.txt"):
        public.compare_improvers(lab, ["seed"], tasks=["formula:test/1"], repetitions=1)
    with Store(tmp_path / "s.db") as store:
        record = store.run(1)
    assert record.status.startswith("stopped: ") and record.status.endswith(r"cannot read caf\udce9.txt")
    for command in (["runs"], ["runs", "--json"], ["show", "1"], ["show", "1", "--json"]):
        assert called(*command, "--store", "s.db", cwd=tmp_path).returncode == 0


def test_what_ended_a_run_goes_on_to_the_caller_also_where_it_cannot_be_recorded(tmp_path, monkeypatch):
    def full(*_):
        raise StoreFailure("the disk is full")

    class Broken(Guesser):
        def complete(self, *_, **__):
            monkeypatch.setattr(Store, "finish", full)
            raise RuntimeError("no such luck")

    with public.open_lab(Broken(), tmp_path / "s.db") as lab, pytest.raises(RuntimeError, match="no such luck"):
        public.compare_improvers(lab, ["seed"], tasks=["formula:test/1"], repetitions=1)


def test_an_error_that_nobody_expected_is_recorded_and_goes_on_to_the_caller(tmp_path):
    class Broken(Guesser):
        def complete(self, request, addresses):
            raise RuntimeError("no such luck")

    with public.open_lab(Broken(), tmp_path / "s.db") as lab, pytest.raises(RuntimeError, match="no such luck"):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    with Store(tmp_path / "s.db") as store:
        assert store.run(1).status == "stopped: an error that was not expected: RuntimeError: no such luck"


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ({"dollars": float("nan")}, "dollars=nan"),
        ({"dollars": float("inf")}, "dollars=inf"),
        ({"dollars": -5.0}, "dollars=-5.0"),
        ({"tokens_in": 1.5}, "tokens_in=1.5"),
        ({"tokens_out": -1}, "tokens_out=-1"),
        ({"latency_s": float("nan")}, "latency_s=nan"),
    ],
)
def test_an_answer_with_figures_that_cannot_be_is_its_models_failure_and_is_recorded(tmp_path, figures, said):
    class Strange(Guesser):
        def answer(self, request, rng):
            return replace(super().answer(request, rng), **figures)

    with public.open_lab(Strange(), tmp_path / "s.db") as lab, pytest.raises(ModelFailure, match=said):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    with Store(tmp_path / "s.db") as store:
        assert store.run(1).status.startswith("stopped: ") and said in store.run(1).status


@pytest.mark.parametrize(("kind", "told"), [(ValueError, ModelFailure), (RuntimeError, RuntimeError)])
def test_an_error_that_cannot_be_shown_ends_a_run_like_any_other(tmp_path, kind, told):
    class Mute(kind):
        def __str__(self):
            raise ArithmeticError

    class Broken(Guesser):
        def complete(self, *_, **__):
            raise Mute

    with public.open_lab(Broken(), tmp_path / "s.db") as lab, pytest.raises(told):
        public.run_recursion(lab, tasks=["formula:train/1"], rounds=1, settings=SMALL)
    with Store(tmp_path / "s.db") as store:
        assert "Mute: (it cannot be shown)" in store.run(1).status


def test_why_a_run_ended_is_kept_also_where_what_it_cost_cannot_be(tmp_path, monkeypatch):
    class Broken(Guesser):
        def complete(self, *_, **__):
            monkeypatch.setattr(Store, "spend", lambda *_: 1 / 0)
            raise RuntimeError("no such luck")

    with public.open_lab(Broken(), tmp_path / "s.db") as lab, pytest.raises(RuntimeError, match="no such luck"):
        public.compare_improvers(lab, ["seed"], tasks=["formula:test/1"], repetitions=1)
    with Store(tmp_path / "s.db") as store:
        assert store.run(1).status.endswith("RuntimeError: no such luck")


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


@pytest.mark.parametrize("seed", ["a", -1, 0.5, True])
def test_a_seed_that_is_none_opens_no_lab(tmp_path, seed):
    with pytest.raises(UsageError, match=r"seed is .*: a whole number from 0 is needed"), public.open_lab(seed=seed):
        pass


class Unlimited(Number):
    """Has no limits."""

    limits = None


USER = """
from selftaught import (
    Allowance, ContestDocument, Improvement, Lab, Limits, ModelChoice, Price, RunDocument, Task, compare_improvers,
    improve_program, open_lab, run_recursion,
)
from selftaught.testing import Number


def main(lab: Lab, task: Task) -> Improvement:
    found = improve_program(lab, "def f(x): return 0", task, allowance=Allowance(calls=2))
    reveal_type(found.program)
    return found


chosen = ModelChoice("openai:m", "http://127.0.0.1:8080/v1", price=Price(0.0, 0.0), extra_body={"top_p": 0.9})
with open_lab(chosen, store="x.db", concurrency=4) as lab:
    reveal_type(lab)
    main(lab, Number())
    improve_program(lab, 3, Number())
    Limits(cpu="fast")
    run_recursion(lab, rounds="many")
    document: RunDocument = run_recursion(lab, tasks=[Number(), "lpn"])
    reveal_type(document["arms"]["improved"]["test"]["mean"])
    document["verdict"]["against_seed"]["kinds"]
    document["gains"]
    contest: ContestDocument = compare_improvers(lab, ["seed"])
    contest["improver"]
"""


@pytest.mark.slow
def test_a_users_file_is_checked_against_the_public_types(tmp_path):
    (tmp_path / "mine.py").write_text(USER)
    (tmp_path / "misspelt.py").write_text("from selftaught import open_labb\n\nprint(open_labb)\n")
    settings = {"typeCheckingMode": "strict", "include": ["*.py"], "pythonVersion": "3.11"}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    checker = Path(sys.executable).parent / "pyright"
    done = subprocess.run(
        [checker, "--pythonpath", sys.executable, "--outputjson"], cwd=tmp_path, capture_output=True, text=True
    )
    everywhere = json.loads(done.stdout)["generalDiagnostics"]
    assert any('"open_labb" is unknown' in one["message"] for one in everywhere)
    found = [one for one in everywhere if one["file"].endswith("mine.py")]
    told = [one["message"] for one in found if one["severity"] == "information"]
    assert any('"Program | None"' in one for one in told)
    assert any('"Lab"' in one for one in told)
    assert any('"float"' in one for one in told)
    wrong = sorted(one["range"]["start"]["line"] for one in found if one["severity"] == "error")
    lines = USER.splitlines()
    misspelt = ['document["verdict"]["against_seed"]["kinds"]', 'document["gains"]', 'contest["improver"]']
    assert [lines[i].strip().partition("(")[0] for i in wrong] == [
        "improve_program",
        "Limits",
        "run_recursion",
        *misspelt,
    ]


@pytest.mark.parametrize("name", ["guesser", "openai:gpt-4o"])
def test_a_run_with_a_model_of_ones_own_is_not_gone_on_with_by_another_whatever_it_is_called(tmp_path, name):
    model = Guesser()
    model.name = name
    with public.open_lab(model, tmp_path / "s.db", limits=public.SpendLimits(answers=1)) as lab:
        with pytest.raises(SpendExhausted):
            public.compare_improvers(lab, ["seed"], tasks=["formula:test/1"], repetitions=1)
        assert "a model of somebody's own" in (refusal(lab.store.run(1)) or "")


def test_a_run_that_nobody_has_worked_on_yet_is_not_taken_for_an_unfinished_one(tmp_path):
    """Between making a run and working on it another command with the same settings may look."""
    asked = public.Settings("0" * 64)
    with Store(tmp_path / "s.db") as store:
        with store.begun(asked.plain(), {"contract": CONTRACT, "sandbox": "strict"}) as number:
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


OWN = """
import random
from selftaught import Instance, Limits, Task


class Mine(Task):
    name = "mine"
    entry = "f"
    start = "def f(x):\\n    return 0.0\\n"
    summary = "Return a number near 1."
    limits = Limits(cpu_s=0.2)
    known_start = 0.0
    instances = {"train": 2, "validation": 2, "test": 2}
    description = "f(x) returns a number in [0, 1]; the grade is that number."

    def __init__(self, top=1.0):
        self._top = top

    def draw(self, rng):
        return Instance((self._top * rng.random(),))

    def grade(self, instance, answer):
        return min(1.0, max(0.0, float(answer)))
"""


def own_task(folder, monkeypatch):
    (folder / "mine.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    return importlib.import_module("mine").Mine


@pytest.mark.slow
def test_a_task_of_ones_own_is_named_by_its_class_and_file(tmp_path, monkeypatch):
    mine = own_task(tmp_path, monkeypatch)
    small = {"repetitions": 1, "inner": SMALL["inner"]}
    with public.open_lab("offline", tmp_path / "s.db") as lab:
        document = public.run_recursion(lab, tasks=[mine()], rounds=1, settings=SMALL)
        compared = public.compare_improvers(lab, ["seed"], tasks=[mine(), Number(), load("qap:12", 0)[0]], **small)
    file = tmp_path / "mine.py"
    assert document["settings"]["tasks"] == [f"{file}:Mine"] and document["tasks"] == ["mine"]
    assert compared["settings"]["tasks"][0] == f"{file}:Mine" and compared["settings"]["tasks"][2] == "qap:12"
    with Store(tmp_path / "s.db") as store:
        store.finish(1, "stopped: enough")
    done = called("resume", "1", "--store", tmp_path / "s.db", "--json", cwd=tmp_path.parent)
    assert done.returncode == 0 and json.loads(done.stdout)["rounds"] == document["rounds"], done.stderr
    (tmp_path / "mine.py").unlink()
    with Store(tmp_path / "s.db") as store:
        store.finish(1, "stopped: enough")
    done = called("show", "1", "--store", tmp_path / "s.db", cwd=tmp_path.parent)
    assert "mine.py, which is not there" in " ".join(done.stdout.split()) and "goes on" not in done.stdout


def test_a_task_that_no_file_makes_again_is_refused_before_there_is_a_run(tmp_path, monkeypatch):
    class Local(Number):
        pass

    mine = own_task(tmp_path, monkeypatch)
    with public.open_lab("offline", tmp_path / "s.db") as lab:
        for task in (Local(), Number("other"), mine(top=0.5)):
            with pytest.raises(UsageError, match=r"cannot be named by a file|defines no task 'test_a_task") as caught:
                public.run_recursion(lab, tasks=[task])
            assert "\n" not in str(caught.value)
        assert lab.store.runs() == []


def test_a_script_that_runs_while_its_task_is_read_is_told_so(tmp_path):
    script = OWN + (
        "\n\nfrom selftaught import compare_improvers, open_lab\n"
        "with open_lab('offline', 's.db') as lab:\n    compare_improvers(lab, ['seed'], tasks=[Mine()])\n"
    )
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert 'below `if __name__ == "__main__":`' in one_line(done, traced=True)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda lab: public.run_recursion(lab, settings={"accept": "bogus"}), "accept is 'bogus': one of gate, paper"),
        (lambda lab: public.run_recursion(lab, settings={"acept": "gate"}), "no setting 'acept': there are improver,"),
        (
            lambda lab: public.run_recursion(lab, settings={"repetitions": "two"}),
            "repetitions is 'two': a whole number",
        ),
        (lambda lab: public.run_recursion(lab, settings={"repetitions": True}), "repetitions is True: a whole number"),
        (lambda lab: public.run_recursion(lab, settings={"tasks": "lpn"}), "tasks is 'lpn': a list is needed"),
        (lambda lab: public.run_recursion(lab, settings={"inner": 3}), "inner is 3: an instance of Allowance"),
        (
            lambda lab: public.run_recursion(lab, settings={"model": "gpt"}),
            "model is 'gpt': an instance of ModelChoice",
        ),
        (
            lambda lab: public.run_recursion(lab, settings={"inner": Allowance(calls="x")}),
            "calls is 'x': a whole number",
        ),
        (lambda lab: public.run_recursion(lab, tasks="lpn"), "tasks is one task and no list"),
        (lambda lab: public.run_recursion(lab, test_tasks="lpn"), "test_tasks is one task and no list"),
        (lambda lab: public.run_recursion(lab, tasks=[]), "a list of at least one"),
        (lambda lab: public.run_recursion(lab, tasks=[3]), "each a text"),
        (lambda lab: public.run_recursion(lab, tasks=["lpn", "lpn"]), "lpn is asked for twice"),
        (lambda lab: public.run_recursion(lab, rounds="many"), "rounds is 'many': a whole number"),
        (lambda lab: public.run_recursion(lab, controls="few"), "controls is 'few': one of all, basic"),
        (lambda lab: public.compare_improvers(lab, "seed"), "improvers is the text 'seed'"),
        (lambda lab: public.compare_improvers(lab, ["seed", "seed"]), "two improvers are called seed"),
        (lambda lab: public.compare_improvers(lab, ["seed"], tasks="lpn"), "tasks is one task and no list"),
        (lambda lab: public.compare_improvers(lab, ["seed"], repetitions=2.5), "repetitions is 2.5"),
        (lambda lab: public.compare_improvers(lab, ["seed"], margin="x"), "margin is 'x': a number or none"),
        (lambda lab: public.compare_improvers(lab, ["seed"], tasks=["chess"]), "no task 'chess'"),
        (lambda lab: public.run_recursion(lab, seed=-1), "seed is -1: a whole number from 0"),
        (lambda lab: public.compare_improvers(lab, ["seed"], seed=-1), "seed is -1: a whole number from 0"),
        (lambda _: public.SpendLimits(answers=-1), "limit answers is -1: a number above 0"),
        (lambda _: public.SpendLimits(dollars=float("nan")), "limit dollars is nan: a number above 0"),
        (lambda lab: public.improve_program(lab, Unlimited.start, Unlimited()), "task number lacks limits"),
    ],
)
def test_a_wrong_value_is_one_line_and_leaves_no_run(tmp_path, wrong, said):
    with public.open_lab("offline", tmp_path / "s.db") as lab:
        with pytest.raises(UsageError, match=said) as caught:
            wrong(lab)
        assert "\n" not in str(caught.value)
        assert lab.store.runs() == []


@pytest.mark.parametrize(
    "wrong",
    [
        *({"model": "gpt"}, {"sandbox": "cardboard"}, {"model": 3}, {"proposer": 4.5}, {"limits": 3}),
        *({"concurrency": 0}, {"concurrency": "x"}, {"concurrency": True}),
    ],
    ids=str,
)
def test_a_lab_that_cannot_be_opened_leaves_no_store(tmp_path, wrong):
    with pytest.raises(UsageError) as caught, public.open_lab(store=tmp_path / "s.db", **wrong):
        pass
    assert "\n" not in str(caught.value) and not (tmp_path / "s.db").exists()

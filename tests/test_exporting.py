"""`selftaught export RUN`: the improver as one file, of use here and importable elsewhere; the better program of `improve`."""

import json
import subprocess
import sys
import time

import pytest
from shared.command import called, one_line, selftaught

from selftaught.improvers import exported, found, load, names
from selftaught.program import Program
from selftaught.runs.exporting import _begins_with_more

SMALL = [
    *("--tasks", "formula:train/1", "--test-tasks", "formula:test/1", "--controls", "basic", "--seed", "1"),
    *("--repetitions", "1", "--validation", "1", "--test", "2", "--rounds", "1", "--calls", "1", "--responses", "2"),
    *("--scorings", "3", "--outer-calls", "1", "--outer-responses", "1", "--store", "s.db"),
]
USER = """
import importlib, itertools, json, sys

def utility(text):
    '''f() is to return a large number.'''
    space = {}
    exec(text, space)
    return space["f"]()

numbers = itertools.count(1)

def model(text):
    return f"Try this.\\n```python\\ndef f():\\n    return {next(numbers)}\\n```"

told = {}
for name in sys.argv[1:]:
    improver = importlib.import_module(name)
    assert "helpers" not in sys.modules and "selftaught" not in sys.modules
    text = improver.improve_algorithm("def f():\\n    return 0\\n", utility, model)
    told[name] = utility(text)
    assert "helpers" not in sys.modules
print(json.dumps(told))
"""


def used(folder, *modules):
    """What each improver came to with plain functions, in a Python that has nothing of this package."""
    (folder / "use.py").write_text(f"import sys\nsys.path.insert(0, {str(folder)!r})\n{USER}")
    command = [sys.executable, "-I", "-S", "use.py", *modules]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_improver_of_the_box_works_elsewhere_and_is_itself_here(tmp_path):
    needs_numpy = {name for name in names() + found() if "numpy" in load(name).text}
    modules = {}
    for i, name in enumerate(sorted({*names(), *found()} - needs_numpy)):
        (tmp_path / f"improver_{i}.py").write_text(exported.written(load(name), ["run 1", "model: m"]))
        modules[f"improver_{i}"] = name
        assert load(str(tmp_path / f"improver_{i}.py")) == load(name)
    reached = used(tmp_path, *modules)
    assert {modules[one]: value for one, value in reached.items() if not value > 0} == {}


@pytest.mark.parametrize(
    "text", ["def improve_algorithm(a, b, c):\n    return a", "\n\ndef improve_algorithm(a, b, c): pass\n\n\n"]
)
def test_a_text_comes_back_letter_by_letter(text):
    assert exported.own(exported.written(Program(text), ["said\nin two lines"])) == text
    assert exported.own(text) == text


def test_one_that_imports_from_the_future_is_written_for_use_here_alone():
    text = "from __future__ import annotations\n\n\ndef improve_algorithm(a, b, c):\n    return a\n"
    file = exported.written(Program(text), [])
    assert not exported.importable(Program(text)) and exported.own(file) == text
    compile(file, "file", "exec")


FAILING = """
def improve_algorithm(initial_solution, utility, language_model):
    from helpers import BudgetExhausted
    while True:
        utility.keep("def f():\\n    return 5\\n")
        try:
            utility(initial_solution)
        except BudgetExhausted:
            raise ValueError(utility.feedback(initial_solution))
"""


def test_what_was_handed_in_counts_where_an_improver_fails_elsewhere(tmp_path):
    (tmp_path / "failing.py").write_text(exported.written(Program(FAILING), []))
    assert used(tmp_path, "failing") == {"failing": 5}


OVERSPENDING = """
def improve_algorithm(initial_solution, utility, language_model):
    from helpers import extract_code
    while True:
        utility(extract_code(language_model.prompt("", initial_solution)[0]))
"""


def test_what_scored_best_counts_where_an_improver_overspends_elsewhere(tmp_path):
    (tmp_path / "over.py").write_text(exported.written(Program(OVERSPENDING), []))
    (tmp_path / "at_once.py").write_text(
        exported.written(Program(OVERSPENDING.replace("while True:", "while language_model.prompt('', '', 999):")), [])
    )
    assert used(tmp_path, "over", "at_once") == {"over": 20, "at_once": 0}, "the start where nothing was scored"


@pytest.mark.slow
def test_the_improver_of_a_run_is_written_with_where_it_comes_from_and_never_over_a_file(tmp_path):
    done = selftaught("run", *SMALL, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(called("export", "1", "--store", "s.db", "--json", cwd=tmp_path).stdout)
    assert told["file"] == "improver_1.py" and told["kind"] == "improver" and told["importable"]
    text = (tmp_path / "improver_1.py").read_text()
    head = text[: text.index("import re")]
    assert (
        "run 1 of " in head and "model: offline" in head and "gain over the seed improver" in head and "licence" in head
    )
    assert load(str(tmp_path / "improver_1.py")).digest == told["digest"]
    assert used(tmp_path, "improver_1")["improver_1"] > 0
    for words, said in (
        ([], "improver_1.py is there already"),
        (["-o", "no/such.py"], "cannot write no/such.py"),
        (["-o", "x.py", "--recording", "r.xz"], "leave out -o and --of, or --recording"),
        (["--of", "self/1"], "self/1"),
    ):
        done = called("export", "1", "--store", "s.db", *words, cwd=tmp_path)
        assert done.returncode == 2 and said in one_line(done)
    assert (tmp_path / "improver_1.py").read_text() == text


@pytest.mark.slow
def test_the_better_program_of_improve_is_written(tmp_path):
    (tmp_path / "sums.py").write_text("def total(numbers):\n    return 0\n")
    (tmp_path / "score.py").write_text(
        '"""The sum of numbers."""\n\n\ndef instances(split, seed):\n    return [([seed % 10**6, 1],)]\n\n\n'
        "def score(instance, answer):\n    return -abs(sum(instance[0]) - answer)\n"
    )
    (tmp_path / "answers.json").write_text('["```python\\ndef total(numbers):\\n    return sum(numbers)\\n```"]')
    words = [
        "improve",
        "sums.py",
        "--score",
        "score.py",
        "--model",
        "scripted:answers.json",
        "--seed",
        "1",
        "--store",
        "s.db",
    ]
    done = called(*words, "--calls", "1", "--responses", "1", "--scorings", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = called("export", "1", "--store", "s.db", "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    text = (tmp_path / told["file"]).read_text()
    assert told["kind"] == "program" and told["file"] == "sums_1.py" and "return sum(numbers)" in text
    assert text.startswith("# sums.py, improved by selftaught") and "-> 0" in text


def test_what_a_program_begins_with_is_looked_at_in_no_time():
    text = "x = '" + "c" * 99_000 + "'\n"
    began = time.process_time()
    assert not _begins_with_more(text)
    assert time.process_time() - began < 3
    for one in ("#!/bin/sh\n", "# -*- coding: latin-1 -*-\n", "\n# vim: set fileencoding=utf-8 :\nx = 1"):
        assert _begins_with_more(one)
    assert not _begins_with_more("\n\n# coding: x\n")

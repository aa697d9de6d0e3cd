"""`selftaught tasks --check`: what is wrong with a task, found by trying it."""

import json

import pytest
from shared.command import called, one_line
from shared.shapes import misfits

from selftaught.tasks import load
from selftaught.tasks.checking import checked, looks
from selftaught.tasks.checking.findings import TaskCheckRow
from selftaught.tasks.fresh import write
from selftaught.tasks.own import scorer_task
from selftaught.testing import make_lab

DRAW = "return Instance(args=([rng.randint(1, 999) for _ in range(20)],))"
TAKEN = "(numbers,) = instance.args"
START = "def halve(numbers):\\n"
GRADE = "return 100 / (100 + "
MUTE = "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})"
WRONG = {
    "draw: the same seed gives other instances": (DRAW, "import random; rng = random.Random(); " + DRAW),
    "draw: it uses the global `random`": (DRAW, "import random; random.random(); " + DRAW),
    "draw: it uses the global `numpy.random`": (DRAW, "import numpy; numpy.random.rand(); " + DRAW),
    "draw: it uses time.time": (DRAW, "import time; time.time(); " + DRAW),
    "draw: it uses datetime.now": (DRAW, "import datetime; datetime.datetime.now(); " + DRAW),
    "draw: draw raised ZeroDivisionError": (DRAW, "return 1 / 0"),
    "draw: draw raised Mute: (it cannot be shown)": (DRAW, MUTE),
    "draw: draw raised KeyboardInterrupt": (DRAW, "raise KeyboardInterrupt"),
    "draw: draw gave ([1],)": (DRAW, "return ([1],)"),
    "splits: 20 of 20 instances of test": (DRAW, "return Instance(args=([*range(20)],))"),
    "splits: another seed gives the same": (DRAW, "return Instance(args=([*range(20)],))"),
    "data: an argument holds {": (DRAW, "return Instance(args=({rng.random()},))"),
    "data: an argument holds a numpy ndarray": (DRAW, "import numpy; return Instance(args=(numpy.ones(20),))"),
    "data: an argument holds nan": (DRAW, "return Instance(args=([rng.random(), float('nan')],))"),
    "data: args is a list": (DRAW, "return Instance(args=[[rng.randint(1, 999) for _ in range(20)]])"),
    "data: an instance has 9 MiB": (
        DRAW,
        "return Instance(args=([rng.randint(1, 9) for _ in range(20)], 'x' * (9 << 20)))",
    ),
    "description: it does not name `halve`": ("`halve(numbers)`", "The function"),
    "description: it says `halve(numbers, k)`": ("`halve(numbers)`", "`halve(numbers, k)`"),
    "description: it says 30, and nothing": ("list of 20 whole", "list of 30 whole"),
    "description: it says numbers from 1 to 99,": ("1 to 999", "1 to 99"),
    "description: it says 5 s": ("two sides are.", "two sides are. It has 5 s of CPU time."),
    "description: it says 64 MiB": ("two sides are.", "two sides are. It has 64 MiB."),
    "description: it says 10 instances": ("two sides are.", "two sides are, on average over 10 instances."),
    "start: it fails on 5 of 5 instances: error: IndexError": ("return [i % 2", "return [numbers[99]"),
    "start: it fails on 5 of 5 instances: error: TypeError": ("halve(numbers):", "halve(numbers, more):"),
    "start: it fails on 5 of 5 instances: time": (START, START + "    while True: pass\\n"),
    "start: it uses": (START, START + "    import time\\n    while time.process_time() < 0.1: pass\\n"),
    "grade: at the answer None it raised TypeError": ("not isinstance(answer, list) or ", ""),
    "grade: task halving: its grade raised Mute": (TAKEN, TAKEN + f"\n        {MUTE}"),
    "grade: grade raised GeneratorExit": (TAKEN, TAKEN + "; raise GeneratorExit"),
    "grade: it uses the global `random`": (TAKEN, TAKEN + "; import random; random.random()"),
    "grade: it uses time.monotonic": (TAKEN, TAKEN + "; import time; time.monotonic()"),
    "grade: the same answer is graded otherwise": (
        GRADE,
        "self.n = getattr(self, 'n', 0) + 1; return 100 / (100 + self.n + ",
    ),
    "grade: it changes the instance": (TAKEN, TAKEN + "; numbers.sort()"),
    "grade: task halving graded an answer 'x'": (GRADE, "return 'x' or (100 + "),
    "headroom: the start solution scores 1.000": (GRADE, "return 1.0 or (100 + "),
    "headroom: from start 0.950": (GRADE, "return 0.95 or (100 + "),
    "headroom: known_start says 0.9": ("    limits =", "    known_start = 0.9\n    limits ="),
}
FACTS = {"draw", "splits", "data", "description", "start", "grade", "headroom", "form"}
SCORER = '''"""The sum of numbers."""

import random


def instances(split, seed):
    rng = random.Random(f"{split} {seed}")
    return [([rng.randint(1, 9) for _ in range(8)],) for _ in range(3)]


def score(instance, answer):
    return -abs(sum(instance[0]) - answer)
'''


@pytest.fixture
def halving(tmp_path):
    """A file with a task that is right, and a function that makes it another."""
    path = write(tmp_path / "halving")

    def changed(old="", new=""):
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        return path

    return changed


@pytest.fixture
def tried(tmp_path, sandbox):
    lab = make_lab(tmp_path / "s.db", sandbox)
    return lambda task: [*looks.every(lab, task, lambda doing, patience_s=0: None)]


@pytest.mark.parametrize("said", WRONG)
def test_what_is_wrong_is_found(halving, tried, said):
    (task,) = load(str(halving(*WRONG[said])), 0)
    wrong = [f"{one.look}: {one.detail}" for one in tried(task) if not one.ok]
    assert any(one.startswith(said) for one in wrong), wrong
    assert all(one.mend for one in tried(task) if not one.ok)


@pytest.mark.parametrize("spec", ["lpn", "grid", "capset", "formula:train/1", "policy:test/1"])
def test_tasks_in_the_box_are_right(tried, spec):
    found = tried(load(spec, 0)[0])
    assert [one for one in found if not one.ok] == []
    assert {one.look for one in found} == FACTS


def test_a_scorer_is_tried_in_its_own_form(tmp_path, tried):
    path = tmp_path / "score.py"
    path.write_text(SCORER)
    found = tried(scorer_task(path))
    assert "improve --score" in found[0].detail and all(one.ok for one in found)
    path.write_text(SCORER.replace('f"{split} {seed}"', "7"))
    assert any(one.look == "splits" and not one.ok for one in tried(scorer_task(path)))


def test_one_that_is_right_ends_with_0_and_says_so_in_the_documented_shape(halving):
    path = halving()
    done = called("tasks", "--check", f"{path}:Halving", "--json", cwd=path.parent)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert misfits(rows, list[TaskCheckRow]) == [] and {one["look"] for one in rows} == FACTS


def test_one_that_is_wrong_ends_with_1_and_a_line(halving):
    path = halving("def draw", "def drew")
    done = called("tasks", "--check", path.name, cwd=path.parent)
    assert done.returncode == 1
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == ["WRONG form"]


@pytest.mark.parametrize("words", [["--check"], ["--check", "absent.py"], ["--check", "absent"]])
def test_what_is_not_there_is_wrong_usage(tmp_path, words):
    done = called("tasks", *words, cwd=tmp_path)
    assert done.returncode == 2 and one_line(done)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("class ", "while True: pass\nclass ", "reading"),
        (DRAW, "\n        while True: pass", "drawing an instance of halving"),
        (TAKEN, TAKEN + "\n        import re; re.match('(a+)+$', 'a' * 64 + 'b')", "grading answers to halving"),
    ],
)
def test_code_that_never_ends_is_given_up(halving, old, new, said):
    found = checked(str(halving(old, new)), 0, patience_s=10)
    assert not found[-1].ok and found[-1].detail.startswith(said) and "has not ended within 10 s" in found[-1].detail


@pytest.mark.slow
def test_instances_that_take_long_to_draw_are_waited_for(halving):
    found = checked(str(halving(DRAW, f"import time; time.sleep(0.5); {DRAW}")), 0, patience_s=8)
    assert [one.detail for one in found if not one.ok] == []


@pytest.mark.slow
def test_code_that_ends_the_process_is_told(halving):
    (*_, last) = checked(str(halving(DRAW, "import os; os._exit(0)")), 0)
    assert not last.ok and "has ended the whole process" in last.detail


@pytest.mark.slow
def test_what_differs_from_process_to_process_is_found(halving):
    path = halving("rng.randint(1, 999)", "rng.randint(1, 9) + hash('a') % 990")
    assert any(one.look == "draw" and "another process" in one.detail for one in checked(str(path), 0))

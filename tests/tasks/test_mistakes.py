"""Mistakes in a task of the user's own: one line that names the task, the method and, where there is one, the line."""

import contextlib
import io
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from shared.command import called, one_line

from selftaught.budget.spend import Spend, SpendLimits
from selftaught.errors import SpendExhausted, UsageError
from selftaught.lab import Stopped
from selftaught.lab.patience import waited
from selftaught.program import Program
from selftaught.task import Instance
from selftaught.tasks import load
from selftaught.testing import Number, make_lab
from selftaught.utility import TaskUtility

WHOLE = """
from selftaught.sandbox import Limits
from selftaught.task import Instance, Task


class Mine(Task):
    name, entry, start, summary = "mine", "f", "def f(x): return x", "mine"
    limits, instances = Limits(), {"train": 1, "validation": 1, "test": 1}
    description = "mine"

    def draw(self, rng):
        return Instance((1,))

    def grade(self, instance, answer):
        return 1.0
"""


def test_a_whole_one_is_taken(tmp_path):
    (tmp_path / "t.py").write_text(WHOLE)
    assert [task.name for task in load(str(tmp_path / "t.py"), 0)] == ["mine"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('description = "mine"', "description = None", "description that is no text"),
        ('description = "mine"', "best = float('nan')", "best raw score of nan|lacks description"),
        ('description = "mine"', "description = 'x'\n    best = 'high'", "best raw score of 'high'"),
        ('"mine", "f"', '"m" * 201, "f"', "the task 'm{20}'… has a name of 201 characters: at most 200"),
        ('"mine", "f"', '"mine", "f" * 201', "'f{20}'… has an entry function of 201 characters: at most 200"),
        ("Limits()", "Limits(cpu_s=0)", "has limits with cpu_s=0: it must be a number of at least 0.001"),
        ("    def draw", "    def __init__(self):\n        raise ValueError('oh')\n\n    def draw", "cannot be made"),
        ("\nclass Mine", "\nraise SystemExit(5)\n\n\nclass Mine", "SystemExit: 5"),
    ],
)
def test_what_is_wrong_in_a_file_is_told(tmp_path, old, new, said):
    assert old in WHOLE
    (tmp_path / "t.py").write_text(WHOLE.replace(old, new))
    with pytest.raises(UsageError, match=said) as told:
        load(str(tmp_path / "t.py"), 0)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "spec", ["a" * 201, "lpn:" + "9" * 5000, f"{'a' * 198}.py", f"t.py:{'A' * 201}", "a/" * 600 + "t.py"]
)
def test_a_spec_longer_than_any_that_is_meant_is_told(tmp_path, spec):
    with pytest.raises(UsageError, match="characters, 200 at most are taken") as told:
        load(spec, 0)
    assert len(str(told.value)) < 200


class Draws(Number):
    drawn = None

    def draw(self, rng):
        return self.drawn if self.drawn is not None else 1 / 0


class Grades(Number):
    given = None

    def grade(self, instance, answer):
        return self.given if self.given != "raise" else {}["no"]


class Explains(Number):
    def grade(self, instance, answer):
        return 0.5

    def explain(self, instance, answer):
        raise ValueError("oh")


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (Draws(), "its draw raised ZeroDivisionError in line"),
        (type("A", (Draws,), {"drawn": "no instance"})(), "its draw raised AttributeError"),
        (type("B", (Draws,), {"drawn": Instance(({1},))})(), "its draw raised TypeError"),
        (type("C", (Grades,), {"given": "raise"})(), "its grade raised KeyError in line"),
        (type("D", (Grades,), {"given": None})(), "graded an answer None"),
        (type("E", (Grades,), {"given": float("nan")})(), "graded an answer nan"),
        (Explains(), "its explain raised ValueError in line"),
    ],
)
def test_what_a_task_raises_at_work_is_told(tmp_path, sandbox, task, said):
    utility = TaskUtility(make_lab(tmp_path / "s.db", sandbox), task, "train", 0, "practice")
    with pytest.raises(UsageError, match=said) as told:
        utility.score(Program(Number.start))
    assert "\n" not in str(told.value)


def line_of(text):
    return next(k for k, line in enumerate(Path(__file__).read_text().splitlines(), 1) if text in line)


def test_the_line_that_is_told_is_one_of_the_tasks_own(tmp_path, sandbox):
    lab = make_lab(tmp_path / "s.db", sandbox)
    returns_none = type("A", (Draws,), {"drawn": "no instance"})()
    for task, said in ((Draws(), f"in line {line_of('else 1 / 0')}: "), (returns_none, "raised AttributeError: ")):
        with pytest.raises(UsageError, match=said):
            TaskUtility(lab, task, "train", 0, "practice").score(Program(Number.start))


@pytest.mark.parametrize("method", ["draw", "grade"])
def test_a_task_that_never_ends_is_told(tmp_path, sandbox, monkeypatch, method):
    ended = threading.Event()

    class Waits(Number):
        pass

    setattr(Waits, method, lambda self, *_: ended.wait(60))
    monkeypatch.setattr("selftaught.lab.patience.PATIENCE_S", 0.2)
    utility = TaskUtility(make_lab(tmp_path / "s.db", sandbox), Waits(), "train", 0, "practice")
    try:
        with pytest.raises(UsageError, match=f"its {method} has not ended within 0.2 s; mend it"):
            utility.score(Program(Number.start))
    finally:
        ended.set()


def test_a_draw_that_sleeps_is_told_and_given_up_by_the_clock_whatever_cpu_it_takes(tmp_path, monkeypatch):
    """It takes none: what judges a task's own code is the time that somebody waits for it."""
    asleep = WHOLE.replace(
        "        return Instance((1,))", "        import time\n\n        time.sleep(8)\n        return Instance((1,))"
    )
    (tmp_path / "t.py").write_text(asleep)
    monkeypatch.setattr("selftaught.lab.patience._TOLD_S", 0.2)
    monkeypatch.setattr("selftaught.lab.patience.PATIENCE_S", 1.2)
    began = time.process_time()
    small = ("--repetitions", "1", "--calls", "1", "--responses", "1", "--scorings", "2", "--store", "s.db")
    done = called("compare", "seed", "--tasks", "t.py", *small, cwd=tmp_path)
    assert done.returncode == 2 and "task mine: its draw has not ended within 1.2 s; mend it" in one_line(done)
    assert "its draw takes long: it is waited for until 1.2 s have passed" in done.stderr
    assert time.process_time() - began < 8


def test_work_that_was_given_up_puts_back_no_output_that_is_another_by_then():
    go_on, ended, out = threading.Event(), threading.Event(), io.StringIO()

    def hang():
        sys.stdout.write("aside")
        go_on.wait(20)

    def ends():
        try:
            hang()
        finally:
            threading.Timer(0.2, ended.set).start()

    with pytest.raises(UsageError, match="has not ended"):
        waited("it", ends, lambda: None, lambda _: None, patience_s=0.1)
    with contextlib.redirect_stdout(out):
        go_on.set()
        assert ended.wait(20)
        print("here")
    assert out.getvalue() == "here\n"


def test_a_task_that_hangs_is_told_and_keeps_no_stop_and_no_limit_from_being_obeyed(tmp_path, sandbox, monkeypatch):
    ended = threading.Event()

    class Waits(Number):
        def draw(self, rng):
            ended.wait(60)
            return super().draw(rng)

    monkeypatch.setattr("selftaught.lab.patience._TOLD_S", 0.2)
    lab = make_lab(tmp_path / "s.db", sandbox)
    utility = TaskUtility(lab, Waits(), "train", 0, "practice")

    def stop_once_it_is_told():
        until = time.monotonic() + 20
        while "takes long" not in lab.progress.snapshot().note and time.monotonic() < until:
            time.sleep(0.02)
        lab.stopping.set()

    try:
        threading.Thread(target=stop_once_it_is_told, daemon=True).start()
        with pytest.raises(Stopped):
            utility.score(Program(Number.start))
        assert "task number: its draw takes long" in lab.progress.snapshot().note
        limited = replace(lab, stopping=threading.Event(), spend=Spend(SpendLimits(wall_s=1)))
        with pytest.raises(SpendExhausted, match="1 s of time"):
            TaskUtility(limited, Waits(), "train", 1, "practice").score(Program(Number.start))
    finally:
        ended.set()

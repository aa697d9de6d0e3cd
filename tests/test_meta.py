"""The meta-utility: fresh blocks, paired streams, the two halves, the scale, failures that count as the start solution."""

from dataclasses import replace
from statistics import fmean

import pytest

from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask, SolutionTask, failing, with_scale
from selftaught.improvers import load
from selftaught.meta import MetaUtility
from selftaught.plain import canonical
from selftaught.program import Program
from selftaught.task import Task
from selftaught.testing import Number, asker, make_lab

INNER = Allowance(calls=4, responses=6, scorings=10, cpu_s=5)


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox)


def meta(lab, label="a", repetitions=2, tasks=("one", "two"), **more):
    scaled = [ScaledTask(SolutionTask(Number(name)), 0.0) for name in tasks]
    return MetaUtility(lab, scaled, "train", label, repetitions, INNER, **more)


def test_it_is_the_mean_over_tasks_and_repetitions(lab):
    score = meta(lab, repetitions=3).score(load("seed"))
    assert len(score.parts) == 6
    assert score.value == pytest.approx(fmean(score.parts))
    assert len(set(score.parts)) == 6, "each repetition of each task has a stream of its own"


def test_the_same_improver_again_gets_a_fresh_block_and_a_fresh_object_the_same_one(lab):
    judge = meta(lab)
    first, second = judge.score(load("seed")), judge.score(load("seed"), earlier=1)
    assert set(first.parts).isdisjoint(second.parts)
    assert meta(lab).score(load("seed")) == first
    assert set(meta(lab, label="b").score(load("seed")).parts).isdisjoint(first.parts)


def test_improvers_that_ask_the_same_in_the_same_repetition_see_the_same_answers(lab):
    few, more = meta(lab).cells(Program(asker(1))), meta(lab).cells(Program(asker(3)))
    assert all(a.value <= b.value for a, b in zip(few, more, strict=True)), "the first answer is among the three"
    requests = [address for _, address in lab.model.asked]
    assert len(requests) == len(set(requests)) == 3 * 4


def test_only_judged_instances_count(lab):
    class Lucky(Number):
        """Practice pays for a constant that is worth nothing when judged."""

        def sample(self, seed, split, repetition, half):
            self.half = half
            return super().sample(seed, split, repetition, half)

        def draw(self, rng):
            return type(super().draw(rng))((0.0,), truth=self.half)

        def grade(self, instance, answer):
            return answer if instance.truth == "practice" else 0.1

    judge = MetaUtility(lab, [ScaledTask(SolutionTask(Lucky("lucky")), 0.0)], "train", "a", 2, INNER)
    cells = judge.cells(load("seed"))
    assert [(cell.raw, cell.before) for cell in cells] == [(0.1, 0.1)] * 2
    assert judge.score(load("seed")).parts == (0.0, 0.0), "the start solution is graded 0.1 on the judged half as well"


def test_a_start_solution_that_always_fails_is_told(lab, caplog):
    class Stuck(Number):
        known_start = None
        start = "def f(x): raise ValueError('no idea')"

    assert with_scale(lab, Stuck("stuck")).start == 0.0
    assert "stuck: its start solution fails on every instance (error: ValueError: no idea" in caplog.text


def test_the_scale_is_affine_and_does_not_clip(lab):
    task = Number()
    scaled = ScaledTask(SolutionTask(task), 0.5)
    assert (scaled.value(0.5, 0.5), scaled.value(1.0, 0.5), scaled.value(0.0, 0.5)) == (0.0, 1.0, -1.0)
    assert scaled.value(0.75, 0.25) == 1.0, "what counts is the gain on the same instances"
    assert with_scale(lab, task).start == 0.0

    class Unknown(Number):
        known_start = None
        start = "def f(x):\n    return 0.25\n"

    assert with_scale(lab, Unknown("unknown")).start == 0.25


def test_a_failed_run_counts_as_its_start_solution_and_is_counted(lab):
    half = "def improve_algorithm(s, u, m):\n    assert 'xx' not in u.str and hash(s) and __import__('random').random() < 0.5\n    return 'f = lambda x: 0.9'\n"
    score = meta(lab, repetitions=6).score(Program(half))
    assert 0 < score.failures < 12
    assert sorted(set(score.parts)) == [0.0, 0.9]
    none = meta(lab).score(Program("def improve_algorithm(s, u, m):\n    return None\n"))
    assert (none.value, none.failures) == (None, 4)
    assert "NoneType" in none.reason
    assert meta(lab).score(Program("def other(): pass")).reason == "does not define improve_algorithm"


@pytest.mark.parametrize(
    ("end", "share"),
    [
        ("while True: u('f = lambda x: 0.5')", 0.0),
        ("while True: pass", 0.0),
        ("u.map(['f = lambda x: 0.5'] * 6); u.map(['f = lambda x: 0.5'] * 6)", 0.0),
        ("raise ValueError('no')", 1.0),
        ("raise SystemExit", 1.0),
        ("raise BudgetExhausted('ha')", 1.0),
        ("u.map(['f = lambda x: 0.5'] * 99)", 1.0),
        ("m.batch_prompt('', ['x'] * 999)", 1.0),
        ("raise RuntimeError('time: 1 s')", 1.0),
    ],
)
def test_a_run_that_used_up_its_allowance_with_something_handed_in_did_not_fail(lab, end, share):
    keeps = f"def improve_algorithm(s, u, m):\n    u.keep('f = lambda x: 0.9')\n    {end}\n"
    judge = replace(meta(lab, repetitions=1), allowance=replace(INNER, cpu_s=0.5))
    cells = judge.cells(Program(keeps))
    assert {cell.value for cell in cells} == {0.9} and all(cell.failures for cell in cells)
    assert failing(cells) == share
    empty = judge.cells(Program(keeps.replace("u.keep('f = lambda x: 0.9')", "pass")))
    assert failing(empty) == 1.0 and all(cell.empty for cell in empty)


def test_best_of_n_repeats_the_batch_with_fresh_answers(lab):
    judge = meta(lab)
    places = [(load("seed"), task, r) for r in range(2) for task in judge.tasks]
    once, thrice = judge.side_by_side(places), judge.side_by_side(places, [3] * 4)
    (none,) = judge.side_by_side(places[:1], [0])
    assert (none.value, [*none.failures], none.usage.responses) == (0.0, [], 0)
    assert [cell.usage.responses for cell in thrice] == [18] * 4
    assert all(a.value <= b.value for a, b in zip(once, thrice, strict=True))
    assert any(a.value < b.value for a, b in zip(once, thrice, strict=True))


def test_the_description_states_budgets_and_no_task(lab):
    text = meta(lab).description
    assert "10 scorings" in text and "4 calls" in text and "6 answers" in text
    assert "number" not in text and "f(x)" not in text


def test_feedback_tells_failures_but_no_task(lab):
    text = meta(lab).feedback(Program("def improve_algorithm(s, u, m):\n    raise ValueError('oh')\n"))
    assert "of 2 runs all failed: ValueError" in text and "oh" not in text
    assert "one" not in text.replace("none", "")


def test_everything_that_decides_a_score_is_in_its_key(lab):
    keys = [
        meta(lab),
        meta(lab, label="b"),
        meta(lab, repetitions=3),
        meta(lab, tasks=("one",)),
        meta(lab, keep="returned"),
        meta(make_lab(lab.store.path, lab.sandbox, seed=2)),
    ]
    assert len({canonical(one.key) for one in keys}) == len(keys)
    assert issubclass(Number, Task)

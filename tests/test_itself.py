"""The meta-utility among the tasks of the meta-utility: bounded, deterministic, nested without deadlock."""

import re
from dataclasses import replace

import pytest
from shared.recursions import SETTINGS

from selftaught.budget import Allowance
from selftaught.downstream import ScaledTask, SolutionTask
from selftaught.errors import UsageError
from selftaught.meta import ImproverTask, MetaUtility
from selftaught.plain import canonical
from selftaught.program import Program
from selftaught.recursion import recursion
from selftaught.runs.estimate import estimate
from selftaught.runs.recursion import arrange
from selftaught.settings import Settings
from selftaught.testing import Doubler, Number, asker, make_lab

ONE = ScaledTask(SolutionTask(Number("one")), 0.0)
TINY = Allowance(calls=2, responses=2, scorings=4, cpu_s=20)
INNER = Allowance(calls=8, responses=2, scorings=12, cpu_s=5)
SEED = Program(asker(1))
ITSELF = ScaledTask(ImproverTask(SEED.text, (ONE,), TINY, INNER), 0.0)


@pytest.fixture
def lab(tmp_path, sandbox):
    return make_lab(tmp_path / "s.db", sandbox, Doubler())


def judge(lab, tasks=(ONE, ITSELF), **changes):
    return replace(MetaUtility(lab, tasks, "train", "a", 2, INNER), **changes)


def returns(text):
    """An improver of improvers that returns `text`, and half a point on other tasks."""
    return Program(
        "def improve_algorithm(s, u, m):\n"
        f"    return {text!r} if 'improve_algorithm' in s else 'def f(x):\\n    return 0.5\\n'\n"
    )


def test_the_value_is_the_meta_utility_of_the_improver_that_is_returned(lab):
    constant = "def improve_algorithm(s, u, m):\n    return 'def f(x):\\n    return 1.0\\n'\n"
    cells = judge(lab).cells(returns(constant))
    assert [(cell.task, cell.raw) for cell in cells] == [("one", 0.5), ("û", 1.0)] * 2
    better = replace(ITSELF, start=0.5)
    for cell in judge(lab, (better,)).cells(returns(constant)):
        assert cell.value == pytest.approx((cell.raw - cell.before) / 0.5), "on its own scale"


def test_an_improver_that_fails_on_improvers_counts_as_the_one_it_was_given(lab):
    cells = judge(lab, (ITSELF,)).cells(returns("no program"))
    assert all(re.search("does not define|syntax", cell.failures[0]) for cell in cells)
    kept = judge(lab, (ITSELF,)).cells(returns(SEED.text))
    assert [cell.value for cell in cells] == [cell.value for cell in kept]
    assert not any(cell.failures for cell in kept)


def test_what_it_scores_on_is_not_what_it_is_judged_on(lab):
    judge(lab, (ITSELF,), repetitions=1).cells(Program(asker(1)))
    streams = [about["stream"] for about in lab.store.abouts("answer")]
    inner = [stream[4] for stream in streams if stream[3] == "one"]
    assert {label[2] for label in inner} == {"practice", "judged"}
    assert {label[0] for label in inner} == {"itself"}
    assert len({canonical(stream) for stream in streams}) == 3, "the run's own, its practice, and the judged one"


def test_its_budgets_are_its_own_and_are_told(lab):
    greedy = "def improve_algorithm(s, u, m):\n    for _ in range(3):\n        m.prompt('e', s, 2)\n    return s\n"
    failed = {cell.task: [*cell.failures] for cell in judge(lab, repetitions=1).cells(Program(greedy))}
    assert failed["one"] == [] and "BudgetExhausted" in failed["û"][0]
    said = judge(lab).description
    assert "One of the tasks is to improve an improver, with 4 scorings, 2 calls of 2 answers each and 20 s." in said
    assert "One of the tasks" not in judge(lab, (ONE,)).description


def test_all_that_decides_its_scores_is_in_the_key(lab):
    task = ITSELF.task
    others = [
        replace(task, start=asker(2)),
        replace(task, tasks=(ScaledTask(SolutionTask(Number("two")), 0.0),)),
        replace(task, tasks=(replace(ONE, start=0.1),)),
        replace(task, own_allowance=INNER),
        replace(task, inner=TINY),
    ]
    keys = {canonical(judge(lab, (replace(ITSELF, task=one),)).key) for one in [task, *others]}
    assert len(keys) == 1 + len(others)


def recursed(lab):
    rounds = list(recursion(lab, SEED, [ONE, ITSELF], replace(SETTINGS, rounds=1, outer=TINY)))
    return [(one.proposal, one.improver, one.incumbent_cells, one.challenger_cells) for one in rounds]


def test_nested_three_deep_it_ends_and_the_same_again_asks_nothing(tmp_path, lab, sandbox):
    found = recursed(lab)
    assert found[0][0].program is not None
    assert {about["stream"][0] for about in lab.store.abouts("improvement")} == {"outer", "inner"}
    asked = len(lab.model.asked)
    assert recursed(lab) == found
    assert len(lab.model.asked) == asked > 0
    assert recursed(make_lab(tmp_path / "other.db", sandbox, Doubler())) == found


def test_a_recursion_measures_its_start_and_counts_it_in_its_estimate(lab):
    plain = Settings(lab.store.keep(SEED.text), tasks=("formula:train/1",), inner=INNER)
    with_it = replace(plain, itself=TINY)
    train, test = arrange(lab, with_it)
    assert [one.task.name for one in train] == ["formula-train-1", "û"]
    assert all(one.task.name != "û" for one in test)
    assert train[1].task.tasks == (train[0],)
    assert Settings.read(with_it.plain()) == with_it
    assert estimate(with_it).answers > estimate(plain).answers
    with pytest.raises(UsageError, match="maximizer"):
        replace(with_it, start="none")
    with pytest.raises(UsageError, match="itself budget of calls is below 1"):
        replace(with_it, itself=replace(TINY, calls=0))

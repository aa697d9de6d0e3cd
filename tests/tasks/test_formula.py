"""The formula family: fair targets by seed, train and test apart, and grades that no trick lifts."""

import math

import pytest

from selftaught.errors import UsageError
from selftaught.task import Instance, InvalidAnswer
from selftaught.tasks.formula import BASES, EASY, POINTS, SIZES, START_GRADES, expand


def tasks(spec="formula:test", seed=3):
    return expand(spec, seed)


def instance(task, half="judged"):
    return task.sample(1, "test", 0, half)[0]


def test_the_groups_have_their_sizes_and_names():
    assert [task.name for task in tasks("formula:train/2")] == ["formula-train-1", "formula-train-2"]
    assert len(tasks("formula:train")) == SIZES["train"] and len(tasks("formula:test")) == SIZES["test"]
    assert [str(one.target) for one in tasks("formula:test/2")] == [
        str(one.target) for one in tasks("formula:test")[:2]
    ]


@pytest.mark.parametrize(
    "spec",
    [
        "formula",
        "formula:",
        "formula:validation",
        "formula:train/0",
        "formula:train/x",
        "formula:train/-1",
        "lpn:train",
    ],
)
def test_other_names_are_refused(spec):
    with pytest.raises(UsageError, match="formula:train/n"):
        expand(spec, 0)


def test_targets_are_decided_by_the_seed():
    assert [str(one.target) for one in tasks(seed=1)] == [str(one.target) for one in tasks(seed=1)]
    assert [str(one.target) for one in tasks(seed=1)] != [str(one.target) for one in tasks(seed=2)]


def test_training_and_test_targets_never_share_a_structure():
    train = {one.target.structure for seed in range(30) for one in tasks("formula:train", seed)}
    test = {one.target.structure for seed in range(30) for one in tasks("formula:test", seed)}
    assert len(train) > 10 and len(test) > 10 and not train & test


@pytest.mark.parametrize("seed", range(5))
def test_the_start_is_neither_hopeless_nor_near(seed, raw_score):
    low, high = START_GRADES
    for task in tasks(seed=seed)[:3]:
        assert low - 0.12 < raw_score(task, task.start, 4) < high + 0.12


def test_no_target_is_one_edit_away():
    for task in tasks("formula:train"):
        one = instance(task)
        xs, ys = one.args
        edits = [[x + f(x, y) for x, y in zip(xs, ys, strict=True)] for f in BASES.values()]
        assert max(task.grade(one, answer) for answer in edits) < EASY + 0.15


def test_the_formula_itself_reaches_the_top(raw_score):
    task = tasks()[0]
    spelled = str(task.target).replace("sin", "math.sin").replace("cos", "math.cos").replace("exp", "math.exp")
    solved = task.start.replace("return x\n", f"return {spelled}\n")
    assert raw_score(task, solved, 2) > 0.999


def test_each_right_term_earns_credit():
    for task in tasks():
        one = instance(task)
        (c, first), (d, second), _ = task.target.terms
        points = list(zip(*one.args, strict=True))
        both = [c * BASES[first](x, y) + d * BASES[second](x, y) for x, y in points]
        assert 0 < task.grade(one, [0.0] * POINTS) < 1
        assert task.grade(one, both) > 0.3
        assert task.grade(one, one.truth) == 1.0


def test_the_truth_is_not_among_the_arguments():
    one = instance(tasks()[0])
    assert len(one.args) == 2 and all(len(part) == POINTS for part in one.args)
    assert not set(one.truth) & {value for part in one.args for value in part}


def test_practice_and_judged_points_differ():
    task = tasks()[0]
    assert not set(instance(task).args[0]) & set(instance(task, "practice").args[0])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        1.0,
        "0" * POINTS,
        {"0": 1.0},
        [],
        [0.0] * (POINTS - 1),
        [[0.0]] * POINTS,
        [True] * POINTS,
        [None] * POINTS,
        ["1"] * POINTS,
        [math.nan] * POINTS,
        [math.inf] * POINTS,
        [1e200] * POINTS,
        [1e308, -1e308] * (POINTS // 2),
        [10**400] * POINTS,
    ],
    ids=repr,
)
def test_what_is_no_answer_is_invalid(answer):
    task = tasks()[0]
    one = instance(task)
    with pytest.raises(InvalidAnswer):
        task.grade(one, answer)
    with pytest.raises(InvalidAnswer):
        task.explain(one, answer)


def test_complex_values_end_as_failures(judge):
    task = tasks()[0]
    complex_values = task.start.replace("return x\n", "return (-1) ** 0.5\n")
    assert judge(task, complex_values).value in {None, 0.0}


def test_the_description_states_the_score():
    task = tasks()[0]
    far = Instance(((), ()), [0.0, 2.0])
    assert "1 / (1 + e / s)" in task.description and str(POINTS) in task.description
    assert all(basis in task.description for basis in BASES)
    assert task.grade(far, [1.0, 1.0]) == 0.5 and task.grade(far, [0.0, 0.0]) == pytest.approx(1 / (1 + math.sqrt(2)))


def test_the_difficulty_is_measured_and_shown():
    for task in tasks():
        assert 0.3 < task.difficulty < 1 and f"{task.difficulty:.2f}" in task.summary


def test_feedback_tells_the_error_and_no_value():
    task = tasks()[0]
    one = instance(task)
    assert task.explain(one, one.truth).startswith("root mean square error 0;")

"""Solutions of the built-in tasks, run in the sandbox: start solutions, strong solvers, and every trick that once paid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from selftaught import tasks
from selftaught.sandbox import Job, Sandbox
from selftaught.utility import Score

SOLVERS = Path(__file__).parent / "solvers"
NAMES = ("lpn", "parity", "grid", "sat", "maxcut", "qap", "binpack", "circles", "tsp", "regression", "capset")


# The paper's start scores are 0.5 (both parities), 0.439 (grid), 0 (sat, maxcut) and 0.204 (qap). The last three came from
# defects of its scorers: one unsolved formula or one slow graph floored the whole score, and qap paid for cost. There the
# start solutions' true scores are held here. Best fit in FunSearch's Weibull data uses 4 % more bins than the bound: 1 / 1.04 = 0.96.
@pytest.mark.parametrize(
    ("name", "low", "high", "repetitions"),
    [
        ("lpn", 0.47, 0.53, 4),
        ("parity", 0.47, 0.53, 4),
        ("grid", 0.41, 0.47, 4),
        ("sat", 0.65, 0.92, 4),
        ("maxcut", 0.6, 0.8, 1),
        ("qap", 0.75, 0.87, 2),
        ("binpack", 0.955, 0.965, 4),
        ("circles", 0.3, 0.5, 4),
        ("tsp", 0.7, 0.77, 2),
        ("regression", 0.15, 0.35, 2),
        ("capset", 0.54, 0.55, 1),
    ],
)
def test_start_solution_scores_where_it_should(
    raw_score: Callable[..., float], name: str, low: float, high: float, repetitions: int
) -> None:
    (task,) = tasks.load(name, 0)
    assert low < raw_score(task, task.start, repetitions) < high


@pytest.mark.parametrize("name", NAMES)
def test_start_solution_answers_every_instance_within_the_limits(sandbox: Sandbox, name: str) -> None:
    (task,) = tasks.load(name, 0)
    inputs = tuple(instance.args for instance in task.sample(7, "test", 0, "judged"))
    outcomes = sandbox.run(Job(task.start, task.entry, inputs, tuple(range(len(inputs))), task.limits))
    assert [outcome.kind for outcome in outcomes] == ["answer"] * task.instances["test"]


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("lpn", 0.99),
        ("parity", 1.0),
        ("grid", 1.0),
        ("sat", 0.96),
        ("maxcut", 0.99),
        ("qap", 0.995),
        ("binpack", 0.984),
        ("circles", 0.9),
        ("tsp", 0.93),
        ("regression", 0.8),
        ("capset", 0.76),
    ],
)
def test_strong_solver_reaches_the_top(raw_score: Callable[..., float], name: str, least: float) -> None:
    (task,) = tasks.load(name, 0)
    assert least <= raw_score(task, (SOLVERS / f"{name}.py").read_text()) <= 1


def _score(judge: Callable[..., Score], name: str, text: str) -> Score:
    (task,) = tasks.load(name, 0)
    return judge(task, text)


@pytest.mark.parametrize("name", ["lpn", "parity"])
@pytest.mark.parametrize(
    "answer",
    [
        "np.zeros((20, 1), dtype=int)",
        "[[0] for _ in range(20)]",
        "np.zeros((20, 20), dtype=int)",
        "[[0] * 20]",
        "[0] * 19",
        "[0] * 21",
        "[]",
        "0",
        "None",
        "'0' * 20",
        "[0.5] * 20",
        "[2] * 20",
        "[-1] * 20",
        "[float('nan')] * 20",
        "[float('inf')] * 20",
        "['0'] * 20",
        "[None] * 20",
        "[0] * 600_000",
        "{i: 0 for i in range(20)}",
    ],
)
def test_labels_of_another_shape_or_kind_are_no_answer(judge: Callable[..., Score], name: str, answer: str) -> None:
    score = _score(judge, name, f"import numpy as np\ndef algorithm(a, b, c):\n    return {answer}")
    assert score.value is None
    assert score.reason


@pytest.mark.parametrize(
    "answer",
    [
        "(0,) * 20",
        "[False] * 20",
        "[0.0] * 20",
        "np.zeros(20, dtype=int)",
        "np.zeros(20) > 1",
        "list(np.zeros(20, dtype=np.int8))",
        "list(np.zeros(20) > 1)",
    ],
)
def test_labels_that_plainly_mean_zero_count_alike(judge: Callable[..., Score], answer: str) -> None:
    plain = _score(judge, "lpn", "def algorithm(a, b, c):\n    return [0] * 20")
    other = _score(judge, "lpn", f"import numpy as np\ndef algorithm(a, b, c):\n    return {answer}")
    assert plain.failures == 0
    assert other.parts == plain.parts


def test_an_object_that_equals_every_label_is_no_answer(judge: Callable[..., Score]) -> None:
    text = """
class Yes(int):
    def __eq__(self, other): return True
    def __hash__(self): return 0

def algorithm(a, b, c):
    return [Yes(0)] * 20
"""
    plain = _score(judge, "lpn", "def algorithm(a, b, c):\n    return [0] * 20")
    assert _score(judge, "lpn", text).number <= (plain.value or 0)


def test_rewriting_the_clauses_in_place_gains_nothing(judge: Callable[..., Score]) -> None:
    honest = "def algorithm(formula):\n    return [True] * (1 + max(abs(v) for c in formula for v in c))"
    tricky = honest.replace(
        "    return", "    n = formula\n    for c in n:\n        c[:] = [abs(v) for v in c]\n    return"
    )
    assert _score(judge, "sat", tricky).parts == _score(judge, "sat", honest).parts


def test_emptying_the_formula_gains_nothing(judge: Callable[..., Score]) -> None:
    text = """
def algorithm(formula):
    n = max(abs(v) for c in formula for v in c)
    formula.clear()
    return [True] * (n + 1)
"""
    assert _score(judge, "sat", text).number < 0.2


def test_one_unsolved_formula_costs_that_formula_alone(judge: Callable[..., Score]) -> None:
    solver = (SOLVERS / "sat.py").read_text()
    gives_up = solver.replace("    variables =", "    if formula[0][0] > 0:\n        return None\n    variables =", 1)
    score = _score(judge, "sat", gives_up)
    assert score.value == pytest.approx(1 - score.failures / len(score.parts), abs=0.07)
    assert 0 < score.failures < len(score.parts)


@pytest.mark.parametrize(
    "answer", ["range(n)", "list(range(n))", "[i % 3 for i in range(n)]", "[0] * (n - 1)", "['0'] * n"]
)
def test_more_than_two_sides_are_no_cut(judge: Callable[..., Score], answer: str) -> None:
    score = _score(judge, "maxcut", f"def algorithm(w):\n    n = len(w)\n    return list({answer})")
    assert score.value is None


def test_all_nodes_on_one_side_cut_nothing(judge: Callable[..., Score]) -> None:
    score = _score(judge, "maxcut", "def algorithm(w):\n    return [1] * len(w)")
    assert score.value == 0
    assert score.failures == 0


def test_raising_the_weights_in_place_gains_nothing(judge: Callable[..., Score]) -> None:
    text = """
def algorithm(w):
    n = len(w)
    for row in w:
        row[:] = [10**6] * n
    return [i % 2 for i in range(n)]
"""
    assert _score(judge, "maxcut", text).number < 0.3


def test_doing_nothing_in_qap_does_not_pay(judge: Callable[..., Score]) -> None:
    score = _score(judge, "qap", "def algorithm(F, D, P):\n    return list(range(len(F)))")
    assert score.number < 0.3


def test_slowness_in_qap_does_not_pay(judge: Callable[..., Score]) -> None:
    quick = "def algorithm(F, D, P):\n    return list(range(len(F)))"
    slow = quick.replace("    return", "    sum(range(2_000_000))\n    return")
    assert _score(judge, "qap", slow).parts == _score(judge, "qap", quick).parts


def test_raising_cost_in_qap_lowers_the_grade(judge: Callable[..., Score]) -> None:
    (task,) = tasks.load("qap", 0)
    upside_down = task.start.replace("changed_cost < current", "changed_cost > current").replace(
        "(current - changed_cost)", "(changed_cost - current)"
    )
    assert _score(judge, "qap", upside_down).number < 0.3 < _score(judge, "qap", task.start).number


@pytest.mark.parametrize(
    "answer",
    [
        "[0] * 15",
        "list(range(1, 16))",
        "list(range(-1, 14))",
        "[True, False, *range(2, 15)]",
        "[float(i) for i in range(15)]",
        "list(range(14))",
        "[list(range(15))]",
        "[float('nan')] * 15",
        "None",
    ],
)
def test_what_is_no_permutation_is_no_answer(judge: Callable[..., Score], answer: str) -> None:
    assert _score(judge, "qap", f"def algorithm(F, D, P):\n    return {answer}").value is None


def test_one_slow_instance_costs_that_instance_alone(judge: Callable[..., Score]) -> None:
    solver = (SOLVERS / "grid.py").read_text()
    slow = solver.replace("    start =", "    while len(t) > 27:\n        pass\n    start =", 1)
    score = _score(judge, "grid", slow)
    assert 0 < score.failures < len(score.parts) / 2
    assert score.value == pytest.approx(1 - score.failures / len(score.parts))


@pytest.mark.parametrize(
    "answer", ["t.lower()", "t + 'A'", "t[1:]", "list(t)", "None", "t.encode()", "'C' * len(t)", "dist"]
)
def test_what_is_no_string_of_the_length_is_no_answer(judge: Callable[..., Score], answer: str) -> None:
    assert _score(judge, "grid", f"def find_at_dist(t, dist):\n    return {answer}").value is None


@pytest.mark.parametrize(
    "answer",
    [
        "[[0] * (c + 1)] * c",
        "[[float('nan')] * (c - k) for k in range(c)]",
        "[[float('inf')] * (c - k) for k in range(c)]",
        "[[True] * (c - k) for k in range(c)]",
        "[[10**400] * (c - k) for k in range(c)]",
        "[]",
        "None",
        "[[0] * (c - k) for k in range(c - 1)]",
    ],
)
def test_what_is_no_table_of_numbers_is_no_answer(judge: Callable[..., Score], answer: str) -> None:
    assert _score(judge, "binpack", f"def priorities(c):\n    return {answer}").value is None


def test_no_item_of_a_stream_is_in_the_sandbox() -> None:
    (task,) = tasks.load("binpack", 0)
    drawn = [task.sample(0, "test", r, "judged")[0] for r in range(5)]
    assert {instance.args for instance in drawn} == {(100,)}
    assert len({str(instance.truth) for instance in drawn}) == 5


@pytest.mark.parametrize(
    "circles",
    [
        "[[0.5, 0.5, 0.5]] * n",
        "[[x / n + 0.5 / n, 0.5, 0.6 / n] for x in range(n)]",
        "[[0.5, 0.5, 0.0]] * (n - 1) + [[0.5, 0.5, 0.500001]]",
        "[[0.0, 0.0, -1.0]] * n",
        "[[0.5, 0.5, -0.1]] * (n - 1) + [[0.5, 0.5, 0.1]]",
        "[[0.5, 0.5]] * n",
        "[[0.5, 0.5, float('nan')]] * n",
        "[[0.5, 0.5, 0.0]] * (n + 1)",
        "[[2.5, 0.5, 0.0]] * n",
        "None",
    ],
)
def test_circles_that_overlap_or_stick_out_are_no_packing(judge: Callable[..., Score], circles: str) -> None:
    assert _score(judge, "circles:26", f"def pack(n, width, height):\n    return {circles}").value is None


def test_a_record_can_be_beaten_and_is_then_worth_more_than_one(judge: Callable[..., Score]) -> None:
    (task,) = tasks.load("capset:4", 0)
    text = (SOLVERS / "capset.py").read_text()
    assert judge(task, text).value == 1
    # As if only 18 had been known.
    task.grade = lambda instance, answer: type(task).grade(task, instance, answer) * 20 / 18  # type: ignore[method-assign]
    assert judge(task, text, repetition=1).value == pytest.approx(20 / 18)


@pytest.mark.parametrize(
    "order", ["list(range(1, n + 1))", "[0] * n", "list(range(n - 1))", "[float(i) for i in range(n)]", "[]", "cities"]
)
def test_what_visits_not_every_city_once_is_no_tour(judge: Callable[..., Score], order: str) -> None:
    assert _score(judge, "tsp:30", f"def tour(cities):\n    n = len(cities)\n    return {order}").value is None


def test_moving_the_cities_together_gains_nothing(judge: Callable[..., Score]) -> None:
    text = (
        "def tour(cities):\n    n = len(cities)\n    for c in cities:\n        c[:] = [0, 0]\n    return list(range(n))"
    )
    assert _score(judge, "tsp", text).number < 0.1

"""Drawing and grading, without a sandbox: what is drawn is what is described, and no answer breaks a grader."""

from __future__ import annotations

import inspect
import json
import math
import random
from itertools import permutations, product
from statistics import fmean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught import tasks
from selftaught.plain import rng_from
from selftaught.sandbox.guest.programs import defect
from selftaught.task import Half, Instance, InvalidAnswer, Split, Task
from selftaught.tasks import binpack, grid, lpn, maxcut, qap, sat

NAMES = ("lpn", "parity", "grid", "sat", "maxcut", "qap", "binpack")
ALL: dict[str, Task] = {name: tasks.load(name, 0)[0] for name in NAMES}
ONE: dict[str, Instance] = {name: task.draw(random.Random(3)) for name, task in ALL.items()}
LENGTHS = {
    "lpn": lpn.ASKED,
    "parity": lpn.ASKED,
    "sat": ONE["sat"].truth[0] + 1,
    "maxcut": len(ONE["maxcut"].truth[0]),
    "qap": qap.SIZE,
    "binpack": binpack.CAPACITY,
    "grid": len(ONE["grid"].truth[0]),
}

Place = tuple[int, Split, int, Half]

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=3)
)


def _near(name: str) -> st.SearchStrategy[Any]:
    """Answers of about the right shape, so that grading gets past its first check."""
    length = LENGTHS[name]
    if name == "grid":
        return st.text("ABC", min_size=length, max_size=length) | st.text("AB", min_size=length, max_size=length)
    if name == "qap":
        return st.permutations(range(length)) | st.lists(st.integers(-1, length), min_size=length, max_size=length)
    if name == "binpack":
        row = st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False)
        return st.lists(row, min_size=2, max_size=9).map(
            lambda values: [[values[(k + i) % len(values)] for i in range(length - k)] for k in range(length)]
        )
    bit = st.sampled_from([0, 1, True, False, 1.0])
    return st.lists(bit, min_size=length, max_size=length) | st.lists(bit | SCALARS, min_size=length, max_size=length)


@pytest.mark.parametrize("name", NAMES)
def test_any_answer_is_graded_in_range_or_invalid(name: str) -> None:
    outcomes: set[bool] = set()

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(ANYTHING | _near(name) | _near(name))
    def check(answer: Any) -> None:
        try:
            grade = ALL[name].grade(ONE[name], answer)
        except InvalidAnswer as error:
            outcomes.add(False)
            assert "\n" not in str(error)
            assert len(str(error)) < 200
        else:
            outcomes.add(True)
            assert 0 <= grade <= 1
            assert "\n" not in ALL[name].explain(ONE[name], answer)

    check()
    assert outcomes == {True, False}


@pytest.mark.parametrize("name", NAMES)
def test_instances_are_plain_and_decided_by_seed_split_repetition_and_half(name: str) -> None:
    task = ALL[name]
    places: list[Place] = [
        (0, "train", 0, "judged"),
        (1, "train", 0, "judged"),
        (0, "validation", 0, "judged"),
        (0, "train", 1, "judged"),
        (0, "train", 0, "practice"),
    ]
    drawn = [task.sample(*place) for place in places]
    assert tasks.load(name, 0)[0].sample(*places[0]) == drawn[0]
    assert len({json.dumps([(one.args, str(one.truth)) for one in instances]) for instances in drawn}) == len(places)
    assert all(json.loads(json.dumps(one.args)) == list(one.args) for one in drawn[0])
    assert len(drawn[0]) == task.instances["train"]


@pytest.mark.parametrize("name", NAMES)
def test_entry_is_what_start_and_description_say(name: str) -> None:
    task = ALL[name]
    assert defect(task.start, task.entry) is None
    space: dict[str, Any] = {}
    exec(task.start, space)
    shown = f"`{task.entry}({', '.join(inspect.signature(space[task.entry]).parameters)})`"
    assert shown in task.description
    assert len(ONE[name].args) == len(inspect.signature(space[task.entry]).parameters)


@pytest.mark.parametrize(
    ("name", "constant", "value", "shown"),
    [
        ("lpn", "SHOWN_PER_BIT", 7, "given 70 samples"),
        ("lpn", "ASKED", 33, "list of 33 labels"),
        ("lpn", "MASK_CHANCE", 0.6, "probability 0.6"),
        ("maxcut", "HEAVIEST", 3, "1 to 3;"),
        ("qap", "PREFERENCE", 0.9, "less 0.9 times"),
        ("binpack", "LENGTH", 70, "stream of 70 items"),
        ("binpack", "SCALE", 30.0, "scale 30"),
    ],
)
def test_description_follows_what_draw_and_grade_use(
    monkeypatch: pytest.MonkeyPatch, name: str, constant: str, value: float, shown: str
) -> None:
    module = inspect.getmodule(type(ALL[name]))
    assert module is not None
    monkeypatch.setattr(module, constant, value)
    assert shown in ALL[name].description


def test_lpn_draws_what_it_describes() -> None:
    task = lpn.Lpn()
    drawn = [task.draw(rng_from(i)) for i in range(200)]
    for samples, shown, asked in (one.args for one in drawn):
        assert (len(samples), len(shown), len(asked)) == (100, 100, 20)
        assert {len(row) for row in [*samples, *asked]} == {10}
    wrong, weight = zip(*(_best_mask(one) for one in drawn), strict=True)
    assert fmean(wrong) == pytest.approx(0.05, abs=0.006)
    assert fmean(weight) == pytest.approx(0.3, abs=0.03)


def _best_mask(instance: Instance) -> tuple[float, float]:
    """How often the shown labels disagree with the mask that fits the truth best, and the mask's share of ones."""
    samples, shown, asked = (list(part) for part in instance.args)
    rows, labels = samples + asked, shown + instance.truth
    rows_as_numbers = [int("".join(map(str, row)), 2) for row in rows]
    errors = {
        m: sum((r & m).bit_count() % 2 != y for r, y in zip(rows_as_numbers, labels, strict=True)) for m in range(1024)
    }
    mask = min(errors, key=errors.__getitem__)
    return errors[mask] / 100, mask.bit_count() / 10


def test_parity_shows_right_labels_only() -> None:
    task = tasks.load("parity", 0)[0]
    assert [_best_mask(task.draw(rng_from(i)))[0] for i in range(20)] == [0.0] * 20


def test_grid_distance_by_hand() -> None:
    assert grid.distance("AABA", "ABBA") == 1 + 2 + 2
    assert grid.distance("A", "B") == 1


def test_grid_grades_as_the_paper() -> None:
    instance = Instance(("ABBA", 5), ("ABBA", 5))
    assert grid.Grid().grade(instance, "AABA") == 1
    assert grid.Grid().grade(instance, "ABBA") == pytest.approx(0.5 - 1 / 24)
    far = [grid.Grid().grade(Instance((), ("AAAA", 0)), "".join(s)) for s in product("AB", repeat=4)]
    assert min(far) >= 0


def test_sat_draws_what_it_describes() -> None:
    for i in range(30):
        largest, clauses = sat.Sat().draw(rng_from(i)).truth
        assert 5 <= largest <= 50
        assert len(clauses) % sat.RATIO == 0
        assert all(len({abs(v) for v in clause}) == 3 for clause in clauses)


def test_sat_is_satisfied_by_one_assignment_at_least() -> None:
    small = next(one for i in range(200) if (one := sat.Sat().draw(rng_from(i))).truth[0] <= 8)
    answers = product([0, 1], repeat=small.truth[0])
    grades = [sat.Sat().grade(small, [None, *answer]) for answer in answers]
    assert 1.0 in grades
    assert set(grades) <= {0.0, 1.0}


def test_maxcut_draws_what_it_describes() -> None:
    weights, _ = maxcut.Maxcut().draw(rng_from(5)).truth
    nodes = len(weights)
    below = [weights[a][b] for a in range(nodes) for b in range(a)]
    assert all(weights[a][b] == weights[b][a] for a in range(nodes) for b in range(nodes))
    assert set(below) == set(range(11))
    assert sum(map(bool, below)) / len(below) == pytest.approx(0.4, abs=0.05)


def test_maxcut_reference_is_the_best_cut_where_all_can_be_tried() -> None:
    for i in range(3):
        task = maxcut.Maxcut.sized(f"{10 + i}")
        instance = task.draw(rng_from(i))
        grades = [task.grade(instance, [0, *sides]) for sides in product([0, 1], repeat=10 + i - 1)]
        assert max(grades) == 1
        assert grades.count(1.0) < 20


def test_maxcut_grade_lies_between_random_sides_and_the_best_and_never_passes_one() -> None:
    weights, best = ONE["maxcut"].truth
    half = sum(map(sum, weights)) / 4
    shuffled = [random.Random(i).choices([0, 1], k=len(weights)) for i in range(100)]
    grades = [maxcut.Maxcut().grade(ONE["maxcut"], sides) for sides in shuffled]
    assert fmean(grades) < 0.1
    # Where a cut of hardly more than half is all that is known, the start solution's is better.
    modest = Instance(ONE["maxcut"].args, (weights, half + 1))
    space: dict[str, Any] = {}
    exec(maxcut.Maxcut.start, space)
    assert maxcut.Maxcut().grade(modest, space["algorithm"](weights)) == 1
    assert half < best


def test_qap_mean_and_best_where_all_can_be_tried() -> None:
    small = qap.Qap()
    small.size = 6
    problem, mean, best = small.draw(rng_from(1)).truth
    costs = [qap.cost(problem, list(places)) for places in permutations(range(6))]
    assert fmean(costs) == pytest.approx(mean)
    assert min(costs) == pytest.approx(best)


def test_qap_pays_for_low_cost() -> None:
    problem, mean, best = ONE["qap"].truth
    places = [random.Random(i).sample(range(15), 15) for i in range(50)]
    graded = sorted((qap.cost(problem, one), qap.Qap().grade(ONE["qap"], one)) for one in places)
    assert best < graded[0][0] < mean < graded[-1][0]
    assert [grade for _, grade in graded] == sorted((grade for _, grade in graded), reverse=True)
    assert graded[-1][1] == 0


def test_binpack_packs_by_hand() -> None:
    best_fit = [[], *([*range(item, 101)] for item in range(1, 101))]
    worst_fit = [[], *([*range(100, item - 1, -1)] for item in range(1, 101))]
    assert binpack.pack([50, 60, 40, 50], best_fit) == 2
    assert binpack.pack([50, 60, 50, 40], best_fit) == 2
    assert binpack.pack([50, 60, 40, 50], worst_fit) == 4
    assert binpack.pack([100, 100, 1], best_fit) == 3
    assert binpack.bound([50, 60, 40, 50]) == 2
    assert binpack.bound([50, 60, 40, 51]) == 3


def test_binpack_takes_the_fuller_bin_among_equals() -> None:
    equal = [[0.0] * (100 - k) for k in range(100)]
    full_first = [[float(-room) for room in range(k + 1, 101)] for k in range(100)]
    assert binpack.Binpack().grade(ONE["binpack"], equal) == binpack.Binpack().grade(ONE["binpack"], full_first)


def test_binpack_draws_what_it_describes() -> None:
    streams = [binpack.Binpack().draw(rng_from(i)).truth for i in range(5)]
    assert {len(stream) for stream in streams} == {5000}
    sizes = [size for stream in streams for size in stream]
    assert 1 <= min(sizes) <= max(sizes) <= 100
    assert fmean(sizes) == pytest.approx(45 * math.gamma(1 + 1 / 3), abs=0.5)

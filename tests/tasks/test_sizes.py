"""Sizes in the names of tasks: they draw, describe and allow what they say, and their starts leave time and something to find."""

from __future__ import annotations

import random

import pytest

from selftaught import tasks
from selftaught.errors import UsageError
from selftaught.plain import seed_from
from selftaught.sandbox import Job, Sandbox
from selftaught.task import Instance, InvalidAnswer, Task

SIZED = [
    ("lpn:30@0.1", "mask of 30 bits", "probability 0.1)"),
    ("parity:40", "mask of 40 bits", "400 samples"),
    ("grid:200", "1 to 200 letters", ""),
    ("sat:200@4.2", "4.2 * n of them, with n = 200", ""),
    ("maxcut:300", "a graph of 300 nodes", ""),
    ("qap:30", "30 facilities on 30 locations", "0 to 29"),
    ("tsp:300", "given 300 cities", "shortest"),
    ("circles:26", "n is 26", "2.635"),
    ("capset:6", "729 finite numbers", "112"),
]
OPEN = ("circles", "circles:26", "circles:32", "tsp", "regression", "capset", "capset:8", "maxcut")
"""Tasks whose start leaves a fifth of the way to the best, at least."""


@pytest.mark.parametrize(("spec", "said", "also"), SIZED)
def test_a_sized_task_says_its_size_and_is_called_by_it(spec: str, said: str, also: str) -> None:
    (task,) = tasks.load(spec, 0)
    assert task.name == spec
    assert said in task.description
    assert also in task.description


@pytest.mark.parametrize("spec", [spec for spec, *_ in SIZED])
def test_the_start_solution_of_a_sized_task_needs_less_than_a_third_of_its_limit(sandbox: Sandbox, spec: str) -> None:
    (task,) = tasks.load(spec, 0)
    drawn = [task.draw(random.Random(i)) for i in range(2)]
    seeds = tuple(seed_from("guest", i) for i in range(2))
    outcomes = sandbox.run(Job(task.start, task.entry, tuple(one.args for one in drawn), seeds, task.limits))
    assert [one.kind for one in outcomes] == ["answer"] * 2
    assert max(one.cpu_s for one in outcomes) < task.limits.cpu_s / 3
    # An answer of a grade, whatever that is: a start without any is refused by `run`.
    assert all(0 <= task.grade(one, outcome.answer) < 1 for one, outcome in zip(drawn, outcomes, strict=True))


@pytest.mark.parametrize("name", ["lpn", "parity", "grid", "sat", "maxcut", "qap", "tsp"])
def test_limits_grow_with_the_size(name: str) -> None:
    assert tasks.load(f"{name}:90", 0)[0].limits.cpu_s >= tasks.load(name, 0)[0].limits.cpu_s
    large = {"grid": 900, "sat": 500, "maxcut": 900, "tsp": 3000}.get(name, 90)
    assert tasks.load(f"{name}:{large}", 0)[0].limits.cpu_s > 2 * tasks.load(name, 0)[0].limits.cpu_s


@pytest.mark.parametrize(
    "spec",
    [
        *("qap:", "qap:0", "qap:1", "qap:x", "qap:-3", "qap:101", "qap:6.5", "qap:1_5", "qap:60@2", "qap:\u0661\u0662"),
        *("sat:200@", "sat:200@99", "sat:200@nan", "sat:4", "lpn:10@0.5", "lpn:10@-0.1", "lpn:10@inf", "lpn:@0.1"),
        *(
            "parity:10@0.1",
            "grid:0",
            "maxcut:1e3",
            "maxcut:9",
            "tsp:3",
            "circles:25",
            "circles:",
            "capset:9",
            "binpack:3",
        ),
        *("regression:9", "qap:60:60", "qap:99999999999999999999"),
        # A size that leaves no task, and another spelling of one that does.
        *("qap:7", "grid:9", "sat:49@8", "sat:200@3", "lpn:2@-0", "capset:3", "maxcut:1001"),
        *("qap:060", "lpn:30@ 0.1", "lpn:30@0.10", "lpn:30@1e-1", "lpn:30@0.05", "sat:200@4", "sat:200@\u0664"),
        *("policy:train/\u0663", "policy:train/02", "formula:test/0", "formula:test/", "policy:test/101"),
    ],
)
def test_a_senseless_size_is_refused_in_one_line(spec: str) -> None:
    with pytest.raises(UsageError) as caught:
        tasks.load(spec, 0)
    assert spec in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_noise_of_a_sized_parity_is_what_it_says() -> None:
    (task,) = tasks.load("lpn:8@0.3", 0)
    flips = total = 0
    for i in range(20):
        samples, shown, _ = task.draw(random.Random(i)).args
        wrong = [
            sum(sum(map(int.__mul__, mask, row)) % 2 != label for row, label in zip(samples, shown, strict=True))  # type: ignore
            for mask in ([m >> k & 1 for k in range(8)] for m in range(256))
        ]
        flips, total = flips + min(wrong), total + len(shown)  # type: ignore[arg-type]
    assert 0.2 < flips / total < 0.35


def test_a_planted_formula_of_any_size_can_be_satisfied_and_has_its_clauses() -> None:
    largest, clauses = tasks.load("sat:60@4.25", 0)[0].draw(random.Random(1)).truth
    assert largest == 60
    assert len(clauses) == 255


@pytest.mark.parametrize("spec", OPEN)
def test_the_start_of_an_open_ended_task_leaves_a_fifth_of_the_way(sandbox: Sandbox, spec: str) -> None:
    (task,) = tasks.load(spec, 0)
    drawn = [task.draw(random.Random(i)) for i in range(3)]
    seeds = tuple(seed_from("guest", i) for i in range(3))
    outcomes = sandbox.run(Job(task.start, task.entry, tuple(one.args for one in drawn), seeds, task.limits))
    grades = [task.grade(one, outcome.answer) for one, outcome in zip(drawn, outcomes, strict=True)]
    assert sum(grades) / 3 < 0.8 * task.best


@pytest.mark.parametrize("spec", ["circles:26", "circles:32", "capset", "capset:5"])
def test_a_record_is_one_instance_the_same_in_every_split(spec: str) -> None:
    (task,) = tasks.load(spec, 0)
    (one,), (other,) = task.sample(1, "train", 0, "practice"), task.sample(2, "test", 3, "judged")
    assert one == other
    assert "this one instance only" in task.description


@pytest.mark.parametrize("spec", ["circles", "tsp", "regression", "tsp:40"])
def test_instances_are_decided_by_seed_split_repetition_and_half(spec: str) -> None:
    (task,) = tasks.load(spec, 0)
    drawn = [
        task.sample(0, "train", 0, "judged"),
        task.sample(1, "train", 0, "judged"),
        task.sample(0, "train", 1, "judged"),
        task.sample(0, "train", 0, "practice"),
    ]
    assert tasks.load(spec, 0)[0].sample(0, "train", 0, "judged") == drawn[0]
    assert len({str(one) for one in drawn}) == 4


def _graded(task: Task, instance: Instance, answer: object) -> float | None:
    try:
        return task.grade(instance, answer)  # type: ignore[arg-type]
    except InvalidAnswer:
        return None


@pytest.mark.parametrize("spec", OPEN[:-1])
@pytest.mark.parametrize(
    "answer",
    [None, [], {}, 3, "x", [None] * 26, [[0.1, 0.1, 1e308]] * 26, [10**400] * 40, [float("nan")] * 40, [True] * 40],
)
def test_what_is_no_answer_is_refused(spec: str, answer: object) -> None:
    (task,) = tasks.load(spec, 0)
    assert _graded(task, task.draw(random.Random(1)), answer) is None


def test_a_beaten_yardstick_counts_above_one() -> None:
    """Cities on one small spot are no case that occurs, but a trip may be shorter than the usual shortest."""
    (task,) = tasks.load("tsp:20", 0)
    close = Instance((), [(0.5 + i / 1000, 0.5) for i in range(20)])
    assert task.grade(close, list(range(20))) > 1
    assert task.unbounded

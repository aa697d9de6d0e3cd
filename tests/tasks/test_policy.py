"""Policies: what is hidden follows the seed, the known best is best, and what feedback says helps."""

from __future__ import annotations

import random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selftaught import tasks
from selftaught.errors import UsageError
from selftaught.task import InvalidAnswer
from selftaught.tasks.policy import KINDS
from selftaught.tasks.policy.table import Policy

ALL = {kind: cast("Policy", task) for kind, task in zip(KINDS, tasks.load("policy:train/6", 3), strict=True)}


def reference(task: Any, kind: str) -> list[float] | None:
    """The best table where it follows from what is hidden; None where it does not."""
    if kind == "stock":
        asked = task.draw(random.Random(99)).truth.asked
        return [float(np.quantile(asked[:, i], share)) for i, share in enumerate(task.shares)]
    if kind == "control":
        return task._best().ravel().tolist()
    if kind == "lights":
        times = np.arange(60)[:, None] * np.ones(task.size - 1)
        there, back = np.array(task.cars).T
        return [0.0, *np.cumsum(task._waits(there, back, times).argmin(axis=0)).tolist()]
    if kind == "sale":
        offers = np.random.default_rng(5).normal(size=20_000)[:, None] * task.spreads + task.means
        table, value = [0.0] * task.size, float(task.means[-1])
        for i in reversed(range(task.size)):
            table[i], value = value, float(np.maximum(offers[:, i], value).mean())
        return table
    return (task.costs / task.means).tolist() if kind == "queue" else None


@pytest.mark.parametrize("kind", KINDS)
def test_the_start_leaves_a_fifth_of_the_way(kind: str) -> None:
    task = ALL[kind]
    space: dict[str, Any] = {}
    exec(task.start, space)
    table = space["table"]()
    assert table == [task.first] * task.size
    assert all(task.grade(task.draw(random.Random(i)), table) < 0.8 for i in range(3))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "prices"])
def test_the_best_table_reaches_the_reference(kind: str) -> None:
    task = ALL[kind]
    table = reference(task, kind)
    grades = [task.grade(task.draw(random.Random(i)), cast("Any", table)) for i in range(8)]
    assert 0.96 < sum(grades) / 8 <= 1


def test_good_prices_come_near_the_reference_and_never_above_it_on_average() -> None:
    """Prices by hill climbing on some flights, judged on others."""
    task, rng = ALL["prices"], random.Random(1)
    seen, others = ([task.draw(random.Random(i)) for i in places] for places in (range(2), range(10, 20)))
    table = [task.first] * task.size
    best = 0.0
    for _ in range(2500):
        new = [one * rng.lognormvariate(0, 0.3) if rng.random() < 0.1 else one for one in table]
        grade = sum(task.grade(one, new) for one in seen) / 2
        if grade >= best:
            table, best = new, grade
    assert 0.9 < sum(task.grade(one, table) for one in others) / 10 <= 1


@pytest.mark.parametrize("kind", ["stock", "sale"])
def test_going_where_feedback_points_helps(kind: str) -> None:
    task = ALL[kind]
    instance = task.draw(random.Random(1))
    table = [task.first] * task.size
    said = task.explain(instance, table)
    assert said.startswith("entry ")
    for one in said.split("; "):
        _, index, _, _, direction = one.split()
        moved = list(table)
        moved[int(index)] *= 1.1 if direction == "low" else 0.9
        assert task.grade(instance, moved) > task.grade(instance, table)


@pytest.mark.parametrize("kind", KINDS)
def test_any_numbers_are_graded_in_range_and_anything_else_is_no_answer(kind: str) -> None:
    task = ALL[kind]
    instance = task.draw(random.Random(2))
    number = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300) | st.integers(-9, 99)

    @settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @given(st.lists(number, min_size=task.size, max_size=task.size))
    def check(table: list[float]) -> None:
        assert 0 <= task.grade(instance, cast("Any", table)) <= 1
        assert "\n" not in task.explain(instance, cast("Any", table))

    check()
    for wrong in (
        None,
        [],
        [1.0] * (task.size + 1),
        [float("nan")] * task.size,
        ["1"] * task.size,
        [[1.0] * task.size],
    ):
        with pytest.raises(InvalidAnswer):
            task.grade(instance, cast("Any", wrong))


def test_what_is_hidden_follows_seed_and_group() -> None:
    def grades(spec: str, seed: int) -> list[float]:
        found = cast("list[Policy]", tasks.load(spec, seed))
        return [
            round(one.grade(one.draw(random.Random(0)), [one.first + i / 90 for i in range(one.size)]), 6)
            for one in found
        ]

    first = grades("policy:train/6", 1)
    assert grades("policy:train/6", 1) == first
    assert grades("policy:train/4", 1) == first[:4]
    for other in (grades("policy:test/6", 1), grades("policy:train/6", 2)):
        assert not set(other) & set(first)


def test_groups_have_their_sizes_and_kinds_take_turns() -> None:
    assert [len(tasks.load(f"policy:{group}", 0)) for group in ("train", "test")] == [6, 12]
    assert [one.name for one in tasks.load("policy:test/7", 0)][5:] == ["policy-test-6-queue", "policy-test-7-stock"]


@pytest.mark.parametrize(
    "spec", ["policy", "policy:", "policy:learn", "policy:train/0", "policy:train/101", "policy:train/x"]
)
def test_an_unknown_group_is_refused(spec: str) -> None:
    with pytest.raises(UsageError, match="policy:train/n"):
        tasks.load(spec, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_practice_and_judged_events_differ_and_nothing_of_them_enters_the_sandbox(kind: str) -> None:
    task = ALL[kind]
    (practice,), (judged,) = (task.sample(1, "train", 0, half) for half in ("practice", "judged"))
    assert practice.args == judged.args == ()
    assert str(practice.truth) != str(judged.truth)

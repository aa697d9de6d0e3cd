"""The gate's test: both rates hold by simulation, it ends early, and bad input is refused."""

import itertools
import math

import numpy as np
import pytest

from selftaught.errors import UsageError
from selftaught.lab import boundaries as gate

GATES = 3000


def normal(rng, size):
    return rng.normal(0, 1, size)


def peaks(rng, size):
    """Two-peaked, as scores are that depend on a find."""
    return np.where(rng.random(size) < 0.3, 0.9, 0.2) + rng.normal(0, 0.02, size)


def lead(draw, tasks, repetitions, gain):
    """The differences of many gates; the gain in units of the noise of a single run."""
    rng = np.random.default_rng([tasks, repetitions])
    noise = draw(rng, 100_000).std()
    size = (GATES, repetitions, tasks)
    return draw(rng, size) - draw(rng, size) + gain * noise


def slack(rate):
    return 3 * math.sqrt(rate * (1 - rate) / GATES)


@pytest.mark.parametrize("draw", [normal, peaks])
@pytest.mark.parametrize("tasks", [1, 2, 4, 6])
def test_both_rates_hold_at_two_thirds_of_the_answers(draw, tasks):
    design, whole = gate.sequential(tasks), gate.fixed(tasks)
    used = []
    for gain, rate in ((0.0, 0.1), (0.5, 0.8)):
        accepted, after = gate.walk(design, lead(draw, tasks, design.most, gain))
        assert (after > 0).all(), "at its last look a gate decides"
        assert accepted.mean() <= rate + slack(rate) if rate < 0.5 else accepted.mean() >= rate - slack(rate)
        used.append(after.mean())
    assert np.mean(used) <= whole.most * 2 / 3
    assert design.most <= 1.6 * whole.most


def test_the_gate_of_one_look_is_the_textbooks():
    whole = gate.fixed(1)
    assert whole.most == 37, "36.05 pairs with a known spread"
    for gain, rate in ((0.0, 0.1), (0.5, 0.8)):
        accepted, _ = gate.walk(whole, lead(normal, 1, whole.most, gain))
        assert abs(accepted.mean() - rate) <= slack(rate) + 0.01


def test_boundaries_close_in_and_meet():
    for design in (gate.sequential(4), gate.sequential(4, equals=0.1 / 3), gate.sequential(3, effect=0.7)):
        gaps = [upper - lower for upper, lower in zip(design.accept, design.reject, strict=True)]
        assert all(gap > 0 for gap in gaps[:-1]) and gaps[-1] == 0.0
        assert all(a < b for a, b in itertools.pairwise(design.reject))
        assert list(design.looks) == [*range(design.looks[0], design.most + 1)]
    assert gate.sequential(4, equals=0.1 / 3).most > gate.sequential(4).most > gate.sequential(4, effect=0.7).most


def test_racing_challengers_share_the_rate_of_equals():
    design = gate.sequential(4, equals=0.1 / 3)
    rng = np.random.default_rng(5)
    size = (GATES, design.most, 4)
    incumbent = normal(rng, size)
    wins = [gate.walk(design, normal(rng, size) - incumbent)[0] for _ in range(3)]
    assert np.any(wins, axis=0).mean() <= 0.1 + slack(0.1)


def test_one_gate_decides_as_many_do():
    design = gate.sequential(4)
    differences = lead(peaks, 4, design.most, 0.5)[:40]
    accepted, after = gate.walk(design, differences)
    for one, yes, n in zip(differences, accepted, after, strict=True):
        assert design.decide(one[:n]) is bool(yes)
        assert design.decide(one[: n - 1]) is None
        assert design.decide(one) is bool(yes), "what comes after does not matter"


def test_a_spread_that_cannot_be_seen():
    design = gate.sequential(2)
    flat = np.ones((design.most, 2))
    assert design.decide(0 * flat) is False, "an equal is dropped"
    assert design.decide(0.1 * flat) is True
    assert design.decide(-0.1 * flat) is False
    assert design.decide(flat[:1]) is None


@pytest.mark.parametrize("rates", [{"equals": 0.0}, {"equals": 0.9}, {"gain": 1.0}, {"effect": 0.0}])
def test_rates_that_make_no_gate_are_refused(rates):
    for make in (gate.fixed, gate.sequential):
        with pytest.raises(UsageError, match="no gate of 2 tasks"):
            make(2, **rates)
    with pytest.raises(UsageError):
        gate.fixed(0)

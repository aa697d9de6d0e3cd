"""A training score too good to be believed: honest programs are suspected as seldom as is said, however many were scored."""

from statistics import fmean

import numpy as np
import pytest

from selftaught.lab.believed import MISTAKEN, believable
from selftaught.lab.boundaries import within

TASKS, TRAINED, MOST = 4, 2, 16


def rounds(chance, count, scored, better=0.0, shape="normal"):
    """The share of rounds in which the one of `scored` equals that is best in training goes through the gate and is suspected.

    `better`: what a training score is above what it is worth, of the best alone.
    """
    design, suspected = within(TASKS, MOST), []
    for _ in range(count):
        spread = chance.uniform(0.02, 0.2, TASKS)

        def drawn(*size, spread=spread):
            values = chance.normal(size=size) if shape == "normal" else chance.random(size) < 0.3
            return 0.3 + values * spread

        training = drawn(scored, TRAINED, TASKS)
        best = training[training.mean(axis=(1, 2)).argmax()] + better
        own, other = drawn(MOST, TASKS), drawn(MOST, TASKS)
        look = next(n for n in design.looks if design.decide(own[:n] - other[:n]) is not None)
        limit = believable(best.T.tolist(), own[:look].T.tolist(), scored)
        suspected.append(limit is not None and best.mean() > limit)
    return fmean(suspected)


@pytest.mark.parametrize("scored", [1, 5, 24])
@pytest.mark.parametrize("shape", ["normal", "two peaks"])
def test_the_best_of_honest_programs_is_suspected_as_seldom_as_is_said(scored, shape):
    assert rounds(np.random.default_rng(7), 2000, scored, shape=shape) <= MISTAKEN + 0.01


def test_a_score_that_only_training_gives_is_suspected():
    assert rounds(np.random.default_rng(8), 300, 5, better=0.4) >= 0.9


def test_of_too_few_values_nothing_is_said():
    assert believable([[0.5]] * 4, [[0.1]] * 4, 1) is None
    assert believable([[0.5]], [[0.1] * 6], 1) is None
    assert believable([[0.5]], [[0.1] * 7], 1) == pytest.approx(0.1)
    assert believable([], [], 1) is None
    assert believable([[]], [[0.1] * 9], 1) is None

"""`regression`: foretell a function of five variables from 50 noisy values that the program is given."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import numbers

VARIABLES = 5
SHOWN, ASKED = 50, 40
NOISE = 0.2
"""Of the shown values, as a share of the function's spread."""

Point = list[float]


class Regression(Task):
    """A grade is the explained share of the variance; the asked values have no noise."""

    name = "regression"
    entry = "predict"
    summary = "regression: foretell a function of five variables from 50 noisy values"
    limits = Limits(cpu_s=1)
    instances: Mapping[Split, int] = {"train": 8, "validation": 16, "test": 24}
    best = 0.888
    """What Gaussian processes with a kernel for each variable and pair reach, fitted for long; noise hides the rest."""

    start = """\
import numpy as np


def predict(points, values, asked):
    known = np.column_stack([np.ones(len(points)), points])
    weights = np.linalg.lstsq(known, np.array(values), rcond=None)[0]
    return (np.column_stack([np.ones(len(asked)), asked]) @ weights).tolist()
"""

    @property
    def description(self) -> str:
        return (
            f"Regression. `predict(points, values, asked)` is given {SHOWN} points (lists of {VARIABLES} numbers, uniform "
            f"between -1 and 1), the list of a hidden function's values there, with normal noise of {NOISE:g} times its "
            f"standard deviation, and {ASKED} further points. It returns the list of the function's {ASKED} values at these, "
            "without noise. A function is drawn for each instance: a sum of five terms of like weight, each a wave, a bump, "
            "a bend, a square or a step along a random direction in one or two of the variables, or a product of two "
            "variables. The grade of an instance is 1 - e / v, at least 0, for the mean squared error e of the answer and "
            "the variance v of the true values. Run time does not count, within the limit."
        )

    def draw(self, rng: random.Random) -> Instance:
        function = _function(rng)
        points = [[round(rng.uniform(-1, 1), 4) for _ in range(VARIABLES)] for _ in range(SHOWN + ASKED)]
        truth = [function(point) for point in points]
        noise = NOISE * math.sqrt(_variance(truth))
        values = [round(value + rng.gauss(0, noise), 6) for value in truth[:SHOWN]]
        return Instance((points[:SHOWN], values, points[SHOWN:]), truth[SHOWN:])

    def grade(self, instance: Instance, answer: JSON) -> float:
        return max(0.0, 1 - self._error(instance, answer))

    def explain(self, instance: Instance, answer: JSON) -> str:
        return f"mean squared error {self._error(instance, answer):.3f} of the variance"

    def _error(self, instance: Instance, answer: JSON) -> float:
        found = numbers(answer, ASKED, "values")
        off = [min(abs(a - b), 1e9) ** 2 for a, b in zip(found, instance.truth, strict=True)]
        return sum(off) / len(off) / _variance(instance.truth)


def _function(rng: random.Random) -> Callable[[Point], float]:
    terms = [_term(rng) for _ in range(5)]
    return lambda point: sum(term(point) for term in terms)


def _term(rng: random.Random) -> Callable[[Point], float]:
    """One term of a spread near 1."""
    a, b = rng.sample(range(VARIABLES), 2)
    weight = rng.choice((-1, 1)) * rng.uniform(0.7, 1.3)
    if rng.random() < 1 / 6:
        return lambda point: 3 * weight * point[a] * point[b]
    shape = rng.choice(_SHAPES)
    tilt, shift = rng.choice((0.0, rng.uniform(-1, 1))), rng.uniform(-0.5, 0.5)
    return lambda point: weight * shape(point[a] + tilt * point[b] + shift)


_SHAPES: tuple[Callable[[float], float], ...] = (
    lambda x: 1.4 * math.sin(3 * x),
    lambda x: 2.5 * math.exp(-4 * x * x),
    lambda x: 3 * abs(x),
    lambda x: 2.5 * x * x,
    lambda x: math.tanh(6 * x),
)


def _variance(values: Point) -> float:
    mean = sum(values) / len(values)
    return sum((one - mean) ** 2 for one in values) / len(values)

"""How often the rules of claims, methods and gates are wrong, by simulation alone: no sandbox, no model.

- `methods`: verdicts on a method under a rare jump whose true mean is 0, by its bounds, and what a t interval would have said;
- `claims`: the order of claims where all arms are equal, all better than the start, or none is;
- `gates`: the operating curve of the gate by the number of tasks, on scores of two shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selftaught.evidence.statistics import claims, wilson
from selftaught.evidence.statistics.methods import p_beyond
from selftaught.lab import boundaries as gate

RATES = (0.01, 0.02, 0.05, 0.1, 0.2)
RUNS = (2, 3, 5, 10, 20)
GATE_TASKS = (1, 2, 3, 4, 6, 8)
GAINS = (0.0, 0.25, 0.5, 1.0)
"""Of a challenger at a gate, in units of the noise of a single improver run."""

Values = NDArray[np.float64]
Shape = tuple[int, ...]
Scores = Callable[[np.random.Generator, Shape], Values]


def run(quick: bool = False) -> dict[str, Any]:
    """All figures; some four minutes. Runs of equals are the most, since their share lies close to what is allowed."""
    count = 500 if quick else 4000
    return {
        "simulations": count,
        "methods": [jumps(count, rate, runs) for rate in RATES for runs in RUNS],
        "claims": [equals(5 * count, name, draw, n) for name, draw in LEVELS.items() for n in (3, 5, 10)],
        "gates": gates({"normal": normal, "two_peaked": peaks}, count),
    }


def nothing(rng: np.random.Generator, shape: Shape) -> Values:
    return rng.normal(0.0, 0.1, shape)


def above(rng: np.random.Generator, shape: Shape) -> Values:
    return rng.normal(0.3, 0.1, shape)


LEVELS: Mapping[str, Scores] = {"equal to the start": nothing, "equally far above it": above}


def normal(rng: np.random.Generator, shape: Shape) -> Values:
    return rng.normal(0.5, 0.1, shape)


def peaks(rng: np.random.Generator, shape: Shape) -> Values:
    """0.9 with probability 0.3, otherwise 0.2, with a little noise."""
    return np.where(rng.random(shape) < 0.3, 0.9, 0.2) + rng.normal(0, 0.02, shape)


# --- methods ----------------------------------------------------------------------------------------------------------


def jumps(count: int, rate: float, runs: int) -> dict[str, Any]:
    """Firm verdicts, of either kind, where a recursion rarely jumps and otherwise loses a little; the mean is 0.

    `narrow`: the bounds end where the values do, the worst case. `wide`: the bounds of differences, -1 to 1.
    """
    rng = np.random.default_rng([round(1000 * rate), runs])
    values = np.where(rng.random((count, runs)) < rate, 1 - rate, -rate)
    noisy = 0.5 * values + rng.normal(0, 0.001, values.shape)
    ends = (-rate, 1 - rate), (-1.0, 1.0)
    figures = {"narrow": firm(values, *ends[0]), "wide": firm(noisy, *ends[1]), "t": _by_t(noisy)}
    shares = {name: wilson(int(found.sum()), count, "methods").plain() for name, found in figures.items()}
    return {"rate": rate, "recursions": runs, **shares}


def firm(values: Values, low: float, high: float) -> NDArray[np.bool_]:
    """Whether the verdict on each method, one a row, would be firm."""
    shares = (values - low) / (high - low)
    return p_beyond(shares, np.full(len(shares), -low / (high - low))) < 0.05


def _by_t(values: Values) -> NDArray[np.bool_]:
    from scipy import stats

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(stats.ttest_1samp(values, 0.0, axis=1)[1]) < 0.05


# --- claims -----------------------------------------------------------------------------------------------------------

ARMS = ("improved", "best_of_n", "equal_answers", "frozen", "sham", "seed")


def equals(count: int, name: str, draw: Scores, repetitions: int) -> dict[str, Any]:
    """Runs with any false claim, where all arms are equals; those above the start may be called better than that."""
    rng, wrong = np.random.default_rng([repetitions, len(name)]), 0
    for _ in range(count):
        drawn = draw(rng, (len(ARMS), 2, repetitions))
        arms = {
            arm: {f"task-{k}": row.tolist() for k, row in enumerate(one)} for arm, one in zip(ARMS, drawn, strict=True)
        }
        found = claims(arms | {"start": {task: [0.0] * repetitions for task in arms["improved"]}})
        wrong += any(one.firm for arm, one in found.items() if draw is nothing or arm != "start")
    return {"arms": name, "repetitions": repetitions, "wrong": wilson(wrong, count, "runs of equals").plain()}


# --- gates ------------------------------------------------------------------------------------------------------------


def gates(scores: Mapping[str, Scores], count: int) -> list[Any]:
    """Gates of the two rates, the one that looks after every repetition and the one of one look, and what they accept."""
    return [curve(name, draw, tasks, count) for name, draw in scores.items() for tasks in GATE_TASKS]


def curve(name: str, draw: Scores, tasks: int, count: int) -> dict[str, Any]:
    design, whole = gate.sequential(tasks), gate.fixed(tasks)
    rng = np.random.default_rng([tasks, 17])
    noise = float(draw(rng, (100_000,)).std())
    shape = (count, max(design.most, whole.most), tasks)
    points = [point(design, whole, draw(rng, shape) - draw(rng, shape), gain, noise) for gain in GAINS]
    equal, half = points[0][1], points[2][1]
    return {
        "scores": name,
        "tasks": tasks,
        "one_look": whole.most,
        "first_look": design.looks[0],
        "last_look": design.most,
        "share_of_answers": (equal + half) / 2 / whole.most,
        "points": [one for one, _ in points],
    }


def point(
    design: gate.Design, whole: gate.Design, equal: Values, gain: float, noise: float
) -> tuple[dict[str, Any], float]:
    """What is accepted of a challenger so much better (the differences of equals are given), and after how many repetitions."""
    accepted, used = gate.walk(design, equal + gain * noise)
    at_once, _ = gate.walk(whole, equal + gain * noise)
    mean = float(used.mean())
    shares = {"accepted": accepted, "accepted_in_one_look": at_once}
    found: dict[str, Any] = {name: _share(one) for name, one in shares.items()}
    return {"gain": gain, "repetitions": mean, **found}, mean


def _share(found: Sequence[bool] | NDArray[np.bool_]) -> dict[str, Any]:
    return {**wilson(int(np.sum(found)), len(found), "gates").plain()}

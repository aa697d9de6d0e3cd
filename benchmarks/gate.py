"""The gate's operating curve, by simulation on cells that improvers really reached on the demo's training tasks.

Four improvers work on the same repetitions of the training tasks. Their differences, freed of the mean difference of each
task, are what a gate sees of equals; with half the noise of a single improver run added, of a true gain. Gates are simulated by
drawing repetitions with replacement, whole rows of tasks, so that tasks and pairs hang together as they really do:

- `equals`, `gain`: how often the gate accepts, with the improver runs that it takes on average and their 95 % quantile;
- `race`: three challengers at once, all of them equals, or one of them better;
- `higher_mean`: what was done before, five repetitions and the higher mean wins; `tuned`: the same procedure with as many
  repetitions and as high a threshold as the same two rates need, the threshold read off the simulation itself, which no gate
  can know; `fixed`: the same with a threshold that it can know, as many standard errors as the rate of equals allows;
- `as exact`: the gate made for so large a gain that it, too, finds this one no more often than it has to. By itself it is made
  for normal noise, which asks for more than these cells do.

What was computed is kept in a store, so that a second call goes on where the first one was stopped.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from itertools import count, permutations
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from selftaught import improvers, tasks
from selftaught.downstream import with_scale
from selftaught.lab import Lab
from selftaught.lab.boundaries import EFFECT, EQUALS, GAIN, Design, sequential, walk, within, z_values
from selftaught.lab.workers import Workers, sizes
from selftaught.meta import MetaUtility
from selftaught.models.offline import Offline
from selftaught.plain import JSON
from selftaught.runs.model import editing
from selftaught.sandbox.levels import open_sandbox
from selftaught.settings import Settings
from selftaught.store import Store

SEED = 9801
IMPROVERS = ("best-of-n", "greedy", "beam", "genetic")
REPETITIONS = 24
GATES = 4000
BEFORE = 5
"""Repetitions of every task at a gate, before."""
STORE = Path(tempfile.gettempdir()) / "selftaught-gate.db"

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


def run(quick: bool = False) -> dict[str, JSON]:
    """The curve; `gates` are simulated of each kind."""
    gates = 300 if quick else GATES
    return {"gates": gates, **curve(cells(8 if quick else REPETITIONS), gates)}


def cells(repetitions: int) -> Values:
    """Values by improver, repetition and task."""
    with open_sandbox() as sandbox, Store(STORE) as store:
        workers = Workers(sizes(2, 4))
        try:
            lab = Lab(sandbox, Offline(editing(sandbox)), store, workers, SEED)
            scaled = [with_scale(lab, task) for task in tasks.load_all(Settings("").tasks, SEED)]
            utility = MetaUtility(lab, scaled, "validation", "gate", repetitions, Settings("").inner)
            found: list[Values] = []
            for name in IMPROVERS:
                print(name, file=sys.stderr, flush=True)
                values = [cell.value for cell in utility.cells(improvers.load(name))]
                found.append(np.array(values).reshape(repetitions, len(scaled)))
            return np.array(found)
        finally:
            workers.close()


def curve(values: Values, gates: int) -> dict[str, JSON]:
    """What the gate does on such cells; `values` are improvers x repetitions x tasks."""
    number = values.shape[2]
    noise = float(np.sqrt(values.var(axis=1, ddof=1).mean()))
    level = values - values.mean(axis=1, keepdims=True)
    rng = np.random.default_rng(SEED)
    most = Settings("").validation
    alone, three = within(number, most), within(number, most, 3)
    assert alone and three
    equals, better = (_simulated(alone, level, rng, gates, [gain]) for gain in (0.0, noise / 2))
    tuned = _tuned(level, rng, gates, noise / 2, number)
    fixed = _fixed(level, rng, gates, noise / 2, number)
    exact = _exact(level, rng, gates, noise / 2, number)
    runs = (equals[1].mean() + better[1].mean()) / 2
    return {
        "tasks": number,
        "noise": _round(noise),
        "most repetitions": alone.most,
        "equals": _told(*equals),
        "gain": _told(*better),
        "race": {
            "equals": _told(*_simulated(three, level, rng, gates, [0.0] * 3)),
            "gain": _told(*_simulated(three, level, rng, gates, [noise / 2, 0.0, 0.0])),
        },
        "higher_mean": _higher(level, rng, gates, noise / 2, number),
        "tuned": tuned,
        "fixed": fixed,
        "as exact": exact,
        "as exact against fixed": _round(exact["runs"] / fixed["runs"]),
        "runs against tuned": _round(runs / tuned["runs"]),
        "runs against fixed": _round(runs / fixed["runs"]),
        "runs against before": _round(runs / (2 * BEFORE * number)),
    }


def _drawn(level: Values, rng: np.random.Generator, gates: int, most: int, racing: int) -> list[Values]:
    """Differences of challengers and incumbent, gates x repetitions x tasks for each challenger: all orders of the improvers in
    turn, each gate on repetitions of its own."""
    orders = np.array(list(permutations(range(len(level)), 1 + racing)))
    chosen = orders[np.arange(gates) % len(orders)]
    rows = rng.integers(0, level.shape[1], (gates, most))
    incumbent = level[chosen[:, :1], rows]
    return [level[chosen[:, 1 + i, None], rows] - incumbent for i in range(racing)]


def _simulated(
    design: Design, level: Values, rng: np.random.Generator, gates: int, gains: Sequence[float]
) -> tuple[Flags, Values]:
    """Whether the first challenger was accepted (of equals: any), and the improver runs that each gate took.

    A race ends where the first is accepted; of several at the same look the one with the larger lead is.
    """
    drawn = _drawn(level, rng, gates, design.most, len(gains))
    walks = [walk(design, one + gain) for one, gain in zip(drawn, gains, strict=True)]
    accepted, used = np.array([one for one, _ in walks]), np.array([one for _, one in walks])
    ends = np.where(accepted, used, design.most + 1).min(axis=0)
    leads = np.array([[one[g, : ends[g]].mean() for g in range(gates)] for one in drawn]) + np.array(gains)[:, None]
    winners = np.where(accepted & (used == ends), leads, -np.inf)
    won = winners.max(axis=0) > -np.inf
    wanted = won & (winners.argmax(axis=0) == 0) if any(gains) else won
    took = np.minimum(used, ends)
    return wanted, design.tasks * (took.sum(axis=0) + took.max(axis=0)).astype(float)


def _told(accepted: Flags, runs: Values) -> dict[str, JSON]:
    return {
        "accepted": _round(accepted.mean()),
        "runs": _round(runs.mean()),
        "runs, 95 % quantile": _round(np.quantile(runs, 0.95)),
    }


def _higher(level: Values, rng: np.random.Generator, gates: int, gain: float, number: int) -> dict[str, JSON]:
    (found,) = _drawn(level, rng, gates, BEFORE, 1)
    means = found.mean(axis=(1, 2))
    accepted = {"equals": _round((means > 0).mean()), "gain": _round((means + gain > 0).mean())}
    return {**accepted, "runs": 2 * BEFORE * number}


def _tuned(level: Values, rng: np.random.Generator, gates: int, gain: float, number: int) -> dict[str, float]:
    for repetitions in count(1):
        (found,) = _drawn(level, rng, gates, repetitions, 1)
        means = found.mean(axis=(1, 2))
        threshold = float(np.quantile(means, 1 - EQUALS))
        power = float((means + gain > threshold).mean())
        if power >= GAIN:
            return {
                "repetitions": repetitions,
                "threshold": _round(threshold),
                "gain": _round(power),
                "runs": 2 * repetitions * number,
            }
    raise AssertionError


def _fixed(level: Values, rng: np.random.Generator, gates: int, gain: float, number: int) -> dict[str, float]:
    cut = NormalDist().inv_cdf(1 - EQUALS)
    for repetitions in count(2):
        (found,) = _drawn(level, rng, gates, repetitions, 1)
        power = float((z_values(found + gain) >= cut).mean())
        if power >= GAIN:
            equals = float((z_values(found) >= cut).mean())
            told = {"equals": _round(equals), "gain": _round(power), "runs": 2 * repetitions * number}
            return {"repetitions": repetitions, **told}
    raise AssertionError


def _exact(level: Values, rng: np.random.Generator, gates: int, gain: float, number: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for percent in count(100, 2):
        design = sequential(number, effect=EFFECT * percent / 100)
        (equals, less), (power, more) = (_simulated(design, level, rng, gates, [one]) for one in (0.0, gain))
        if power.mean() < GAIN:
            return found
        if equals.mean() <= EQUALS:
            told = {"equals": _round(equals.mean()), "gain": _round(power.mean())}
            found = {"made for": _round(percent / 100), **told, "runs": _round((less.mean() + more.mean()) / 2)}
    raise AssertionError


def _round(value: float) -> float:
    return round(float(value), 4)

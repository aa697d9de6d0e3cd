"""The test at a gate: whether a challenger's runs, paired with the incumbent's, are better, decided as early as it can be.

A gate is known by two rates: how often it accepts an equal, and how often a challenger that is better by `effect`. The
differences of the pairs are added up repetition by repetition; at each look the challenger is accepted above one boundary and
dropped below another. The boundaries spend the two rates in proportion to a power of the share of pairs seen (Lan and
DeMets 1983; both are binding), and are computed for a normal walk on a grid (Armitage, McPherson and Rowe 1969). The spread
is estimated from the differences themselves, within tasks: a t value counts as the z value of the same probability.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from selftaught.errors import UsageError

Array = NDArray[np.floating[Any]]

EFFECT = 0.5 / math.sqrt(2.0)
"""Half the noise of one improver run, in units of the noise of a difference of two independent ones."""
EQUALS, GAIN = 0.1, 0.8
"""How often an equal is accepted at most, and a challenger better by `EFFECT` at least."""
_SPENT = 0.8
"""The power of the share of pairs seen by which the rates are spent: early rather than late, which saves most on average."""
_CAUTION = 0.015, 0.95
"""The boundaries do not know that the spread is an estimate: they miss a gain by so much less than asked, and accept equals
this share as often."""
_FREEDOM = 6
"""With fewer degrees of freedom than this the spread is too rough an estimate to look at all."""
_STEP = 0.05
"""Step of the grid, in standard deviations of what one repetition adds."""


@dataclass(frozen=True)
class Design:
    """When a gate looks, and what it takes to be accepted or dropped there. At the last look the two meet."""

    tasks: int
    looks: tuple[int, ...]
    """Repetitions of every task after which it looks."""
    accept: tuple[float, ...]
    """From this z value on the challenger is accepted."""
    reject: tuple[float, ...]
    """Below this one it is dropped."""

    @property
    def most(self) -> int:
        """Repetitions when it comes to the last look."""
        return self.looks[-1]

    def decide(self, differences: Array | Sequence[Sequence[float]]) -> bool | None:
        """What the challenger's lead so far says (repetitions x tasks): accepted, dropped, or None where it is too early."""
        accepted, used = walk(self, np.asarray(differences, dtype=np.float64)[None])
        return bool(accepted[0]) if used[0] else None


def fixed(tasks: int, equals: float = EQUALS, gain: float = GAIN, effect: float = EFFECT) -> Design:
    """The smallest gate with one look and the same two rates: what a sequential one is measured by."""
    _check(tasks, equals, gain, effect)
    most = next(n for n in count(2) if _power(tasks, n, equals, effect) >= gain)
    z = float(special().ndtri(1.0 - equals))
    return Design(tasks, (most,), (z,), (z,))


def _power(tasks: int, repetitions: int, equals: float, effect: float) -> float:
    """How often a t test finds the effect."""
    freedom = tasks * (repetitions - 1)
    cut = special().stdtrit(freedom, 1.0 - equals)
    return 1.0 - float(special().nctdtr(freedom, effect * math.sqrt(tasks * repetitions), cut))


@cache
def sequential(tasks: int, equals: float = EQUALS, gain: float = GAIN, effect: float = EFFECT) -> Design:
    """The shortest gate that looks after every repetition and keeps both rates, however early it ends.

    `tasks` is the number of pairs a repetition adds. Where several challengers race for one place, `equals` is the whole
    gate's rate divided by their number.
    """
    shortest = fixed(tasks, equals, gain, effect).most
    missed, kept = max(0.01, 1.0 - gain - _CAUTION[0]), equals * _CAUTION[1]
    first = _first(tasks)

    @cache
    def until(most: int) -> list[tuple[float, float]]:
        return [*_boundaries(tasks, range(first, most + 1), kept, missed, effect)]

    def met(most: int) -> bool:
        upper, lower = until(most)[-1]
        return lower >= upper

    least = max(first, shortest)
    enough = next(2**k * least for k in count() if met(2**k * least))
    most = bisect_left(range(enough), True, lo=max(least, enough // 2), key=met)
    looks, found = range(first, most + 1), until(most)
    accept = tuple(upper for upper, _ in found)
    # Where the two have met, being accepted goes by the rate of equals.
    return Design(tasks, tuple(looks), accept, (*(min(pair) for pair in found[:-1]), accept[-1]))


def within(tasks: int, most: int, racing: int = 1) -> Design | None:
    """The gate for the smallest gain, at least `EFFECT`, that this many repetitions can find, where `racing` challengers
    share the rate of equals. None: they are too few to know a spread.
    """
    if most < _first(tasks):
        return None
    effect = EFFECT
    while (design := sequential(tasks, EQUALS / racing, effect=effect)).most > most:
        effect *= max(1.02, math.sqrt(design.most / most))
    return design


def _first(tasks: int) -> int:
    """Repetitions before the first look."""
    return 1 + math.ceil(_FREEDOM / tasks)


def _check(tasks: int, equals: float, gain: float, effect: float) -> None:
    if tasks < 1 or not 0 < equals < gain < 1 or not effect > 0:
        raise UsageError(f"no gate of {tasks} tasks accepts equals in {equals:g} and a gain of {effect:g} in {gain:g}")


def _boundaries(tasks: int, looks: range, equals: float, missed: float, effect: float) -> Iterator[tuple[float, float]]:
    """Both boundaries as z values, look by look, from the density of the walks that are still under way."""
    step = _STEP * math.sqrt(tasks)
    reach = math.ceil(7.0 * math.sqrt(looks[-1]) / _STEP)
    sums = np.arange(-reach, reach + 1) * step
    density = _normal(sums, looks[0] * tasks)
    move = _normal(np.arange(-140, 141) * step, tasks) * step
    spent_before = 0.0
    for look in looks:
        n, spent = look * tasks, (look / looks[-1]) ** _SPENT
        equal = density * step
        better = equal * np.exp(effect * sums - n * effect**2 / 2)
        share, spent_before = spent - spent_before, spent
        upper, lower = -_reached(-sums[::-1], equal[::-1], equals * share), _reached(sums, better, missed * share)
        yield upper / math.sqrt(n), lower / math.sqrt(n)
        density = np.convolve(np.where((sums > lower) & (sums < upper), density, 0.0), move, mode="same")


def _normal(values: Array, variance: float) -> Array:
    return np.exp(-(values**2) / (2.0 * variance)) / math.sqrt(2.0 * math.pi * variance)


def _reached(sums: Array, weights: Array, share: float) -> float:
    """The sum up to which the weights, from the lowest on, come to this share."""
    half = float(sums[1] - sums[0]) / 2.0
    return float(np.interp(share, np.cumsum(weights), sums + half))


def walk(design: Design, differences: Array) -> tuple[NDArray[np.bool_], NDArray[np.int_]]:
    """Many gates at once, each with its differences (gates x repetitions x tasks): accepted or not, and after how many
    repetitions; 0 where the repetitions given decide nothing yet.
    """
    accepted, used = np.zeros(len(differences), dtype=bool), np.zeros(len(differences), dtype=int)
    for look, upper, lower in zip(design.looks, design.accept, design.reject, strict=True):
        if look > differences.shape[1]:
            break
        z = z_values(differences[:, :look])
        accepts = (used == 0) & (z >= upper)
        accepted |= accepts
        used[accepts | ((used == 0) & (z < lower))] = look
    return accepted, used


def z_values(differences: Array) -> Array:
    """The mean difference over its standard error, by tasks as everywhere, on the scale of a normal value.

    Where all differences of each task are the same there is no spread: no difference is 0, any other infinite.
    """
    repetitions, tasks = differences.shape[1:]
    mean = differences.mean(axis=(1, 2))
    shares = differences.var(axis=1, ddof=1) / (repetitions * tasks**2)
    total = shares.sum(axis=1)
    flat = np.sqrt(total) <= 1e-12 * np.maximum(1.0, np.abs(mean))
    safe = np.where(flat, 1.0, total)
    freedom = np.where(flat, 1.0, safe**2 / np.where(flat, 1.0, (shares**2).sum(axis=1) / (repetitions - 1)))
    t = mean / np.sqrt(safe)
    # By the tail of the side away from 0: near 1 a probability has no digits left.
    z = -np.sign(t) * special().ndtri(special().stdtr(freedom, -np.abs(t)))
    still = np.abs(mean) <= 1e-12
    return np.where(flat, np.where(still, 0.0, np.copysign(np.inf, mean)), z)


def special() -> Any:
    """scipy's special functions, imported late: start-up would feel it (and untyped, hence Any)."""
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    return special

"""Intervals and verdicts that say what they are about, and that say nothing when the figures do not carry it.

Scores come as a mapping from task to the scores of its repetitions. Three estimands are kept apart:

- *this improver on these tasks*: the tasks are fixed, only the repetitions could have come out differently;
- *unseen tasks*: the tasks themselves are a sample, so there must be at least `MIN_TASKS` of them;
- *the method*: the unit is one whole recursion.

Values must be finite numbers; anything else is a `UsageError`. An `Interval` without ends says why in its `method`.
What no method here can see is a peak that no repetition has shown: a skewed, two-peaked score needs about ten values
before the interval of its mean holds (measured: docs/calibration.md; differences fare better).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import NDArray

from selftaught.errors import UsageError

ALPHA = 0.05
"""Every interval is a 95 % interval."""
MIN_TASKS = 10
"""Fewer tasks than this are no sample from which to speak of unseen ones."""
MIN_REPETITIONS = 5
"""Fewer repetitions of a task than this, or fewer than twice as many values in all, are too few to resample: a
percentile bootstrap of 3 covers 61 % to 85 % of the time instead of 95 % (measured on normal and two-peaked scores)."""
RESAMPLES = 2000
"""How many resamples a bootstrap draws."""

Scores = Mapping[str, Sequence[float]]
Bounds = tuple[float, float]
About = Literal["this improver on these tasks", "unseen tasks", "the method"]
Kind = Literal["better", "worse", "equivalent", "indecisive"]
Array = NDArray[np.float64]


class PlainInterval(TypedDict):
    """A figure with its 95 % interval."""

    mean: float
    low: float | None
    """Null where there is no interval: `method` says why."""
    high: float | None
    n: int
    """The values it rests on: (task, repetition) pairs, or tasks, or recursions, as `about` says."""
    about: str
    """What could have come out differently: the repetitions on these tasks, the tasks, or whole recursions."""
    method: str
    """How the interval was made, or why there is none."""


class PlainVerdict(TypedDict):
    """What may be claimed of a difference (first minus second)."""

    kind: Kind
    difference: float
    low: float | None
    """Null where there is no interval: `method` says why."""
    high: float | None
    about: str
    """What the claim is about."""
    method: str


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval. `low` and `high` are None when there is none, and `method` then says why.

    `n` counts the values it rests on: (task, repetition) pairs, or tasks, or recursions, as `about` says.
    """

    mean: float
    low: float | None
    high: float | None
    n: int
    about: str
    method: str

    def plain(self) -> PlainInterval:
        return {
            "mean": self.mean,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "about": self.about,
            "method": self.method,
        }


@dataclass(frozen=True)
class Verdict:
    """What an interval of a difference (first minus second) says: `kind`, and the evidence for it."""

    kind: Kind
    difference: float
    low: float | None
    high: float | None
    about: str
    method: str

    def plain(self) -> PlainVerdict:
        return {
            "kind": self.kind,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "about": self.about,
            "method": self.method,
        }


@dataclass(frozen=True)
class _Estimate:
    """A mean with its standard error and degrees of freedom; `gap` says why these two are missing."""

    mean: float
    n: int
    error: float = 0.0
    freedom: float = 0.0
    gap: str = ""
    equal: bool = False
    """All repetitions of each task gave the same value: the spread is unknown, not zero."""


# --- means and differences ------------------------------------------------------------------------------------------


def interval(scores: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> Interval:
    """The mean over tasks of the mean score, with its t interval.

    By default the tasks are fixed and each task's repetitions are independent (standard error by task, degrees of
    freedom after Satterthwaite); with `unseen` the tasks are the sample. `bounds` are what a value can be at all, where
    that is known: they clip the interval, and give one when all values are equal.
    """
    table = _table(scores)
    if unseen:
        return _interval(_over_tasks(table), "unseen tasks", bounds)
    return _interval(_within_tasks(table), "this improver on these tasks", bounds)


def paired(a: Scores, b: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> Interval:
    """The mean difference a - b, paired by (task, repetition); otherwise as `interval`. `bounds` are a difference's."""
    return interval(_differences(a, b), unseen=unseen, bounds=bounds)


def over_runs(values: Sequence[float], bounds: Bounds | None = None) -> Interval:
    """The mean of one figure per recursion, about the method: the runs, not their repetitions, are the sample."""
    return _interval(_within_tasks(_table({"runs": values})), "the method", bounds)


def p_value(a: Scores, b: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> float:
    """Two-sided p of "no difference on average", by the method of `paired`; 1.0 where that gives no interval."""
    table = _table(_differences(a, b))
    estimate = _over_tasks(table) if unseen else _within_tasks(table)
    if estimate.equal and bounds:
        share = min(1.0, abs(estimate.mean) / (bounds[1] - bounds[0]))
        return (1.0 - share) ** estimate.n
    if estimate.gap:
        return 1.0
    return float(2.0 * _special().stdtr(estimate.freedom, -abs(estimate.mean) / estimate.error))


def equivalence_p(a: Scores, b: Scores, margin: float, *, unseen: bool = False) -> float:
    """p of "the average difference is at least the margin", from two one-sided tests; 1.0 where there is no interval.

    Doubled, so that it is below 5 % exactly where the interval of `paired` lies within the margin.
    """
    table = _table(_differences(a, b))
    estimate = _over_tasks(table) if unseen else _within_tasks(table)
    if estimate.gap:
        return 1.0
    inside = (margin - abs(estimate.mean)) / estimate.error
    return min(1.0, 2.0 * float(_special().stdtr(estimate.freedom, -inside)))


def _within_tasks(table: Mapping[str, Array]) -> _Estimate:
    """Tasks fixed, repetitions resampled: variances add up by task, degrees of freedom after Satterthwaite."""
    mean = float(np.mean([values.mean() for values in table.values()]))
    n = sum(map(len, table.values()))
    single = [task for task, values in table.items() if len(values) < 2]
    if single:
        return _Estimate(mean, n, gap=f"no interval: one repetition of {single[0]}")
    shares = [float(values.var(ddof=1)) / len(values) / len(table) ** 2 for values in table.values()]
    total = sum(shares)
    if _negligible(total, mean):
        return _Estimate(mean, n, gap="no interval: all values equal, their spread is unknown", equal=True)
    terms = (share**2 / (len(values) - 1) for share, values in zip(shares, table.values(), strict=True))
    return _Estimate(mean, n, math.sqrt(total), total**2 / sum(terms))


def _over_tasks(table: Mapping[str, Array]) -> _Estimate:
    """Tasks resampled: each task's mean is one value."""
    means = np.array([values.mean() for values in table.values()])
    if len(means) < MIN_TASKS:
        gap = f"no interval: {len(means)} tasks, unseen tasks need at least {MIN_TASKS}"
        return _Estimate(float(means.mean()), len(means), gap=gap)
    return _within_tasks({"tasks": means})


def _interval(estimate: _Estimate, about: About, bounds: Bounds | None) -> Interval:
    if estimate.equal and bounds:
        margin = _atom_margin(estimate.n) * (bounds[1] - bounds[0])
        method = "all values equal: bound on the share of other values"
    elif estimate.gap:
        return Interval(estimate.mean, None, None, estimate.n, about, estimate.gap)
    else:
        margin = float(_special().stdtrit(estimate.freedom, 1 - ALPHA / 2)) * estimate.error
        method = f"t, {estimate.freedom:.1f} degrees of freedom"
    low, high = estimate.mean - margin, estimate.mean + margin
    if bounds:
        low, high = max(low, float(bounds[0])), min(high, float(bounds[1]))
    return Interval(estimate.mean, low, high, estimate.n, about, method)


def _atom_margin(n: int) -> float:
    """How much of the range the mean may be off when n values were all equal.

    If a share q of the values is that one, n equal ones have probability q^n; below ALPHA it is not believed.
    """
    return float(1.0 - ALPHA ** (1.0 / n))


def _negligible(variance: float, mean: float) -> bool:
    """Whether the variance of a mean is nothing but rounding."""
    return math.sqrt(variance) <= 1e-12 * max(1.0, abs(mean))


# --- verdicts -------------------------------------------------------------------------------------------------------


def verdict(difference: Interval, margin: float | None = None) -> Verdict:
    """What the interval of a difference says. `margin`: differences of at most this size do not matter to the user.

    An interval wholly within the margin is `equivalent`, even where it excludes zero. No interval: `indecisive`.
    """
    kind = _kind(difference.low, difference.high, margin)
    return Verdict(kind, difference.mean, difference.low, difference.high, difference.about, difference.method)


def _kind(low: float | None, high: float | None, margin: float | None) -> Kind:
    if low is None or high is None:
        return "indecisive"
    if margin is not None and -margin <= low and high <= margin:
        return "equivalent"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "indecisive"


def judged(sides: Sequence[tuple[Scores, Scores]], margin: float | None, *, unseen: bool = False) -> list[Verdict]:
    """The verdicts of several comparisons made at once, in pairs; corrected for their number."""
    claims = [verdict(paired(a, b, unseen=unseen), margin) for a, b in sides]
    differ = [p_value(a, b, unseen=unseen) for a, b in sides]
    alike = [1.0 if margin is None else equivalence_p(a, b, margin, unseen=unseen) for a, b in sides]
    return corrected(claims, differ, alike)


def corrected(
    verdicts: Sequence[Verdict], p_values: Sequence[float], equivalences: Sequence[float] = ()
) -> list[Verdict]:
    """The verdicts of several comparisons made at once, as far as they stand among so many.

    `better` and `worse` need Holm's p of a difference below 5 %, `equivalent` needs Holm's p of `equivalence_p`; what is not
    equivalent enough may still be better or worse. Each of the two kinds of claim is false in at most 5 % of families.
    """
    alike = holm(equivalences or [1.0] * len(verdicts))
    return [
        _standing(one, differs, equal, len(verdicts))
        for one, differs, equal in zip(verdicts, holm(p_values), alike, strict=True)
    ]


def of_methods(samples: Sequence[Sequence[float]]) -> list[Verdict]:
    """Verdicts about several methods, from one difference per recursion of each; corrected for their number."""
    none = [{"runs": [0.0] * len(values)} for values in samples]
    p_values = [p_value({"runs": values}, zeros) for values, zeros in zip(samples, none, strict=True)]
    return corrected([verdict(over_runs(values)) for values in samples], p_values)


def _standing(one: Verdict, differs: float, equal: float, among: int) -> Verdict:
    """A verdict with Holm's p of a difference and of equivalence."""
    if one.kind == "indecisive" or (one.kind == "equivalent" and equal < ALPHA):
        return one
    kind = _kind(one.low, one.high, None)
    if kind != "indecisive" and differs < ALPHA:
        return replace(one, kind=kind)
    return replace(one, kind="indecisive", method=f"{one.method}; not significant among {among} (Holm)")


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: together wrong in at most 5 % of families when judged at 5 %."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, p_values[i] * (len(p_values) - rank)))
        adjusted[i] = largest
    return adjusted


# --- other figures of a comparison ----------------------------------------------------------------------------------


def interquartile_mean(scores: Scores) -> Interval:
    """The mean of the middle half of all values, with a bootstrap interval stratified by task (Agarwal et al. 2021)."""
    table = _table(scores)

    def statistic(*samples: Array, axis: int = -1) -> Array:
        values: Array = np.concatenate(samples, axis=axis)
        return _stats().trim_mean(values, 0.25, axis=axis)

    return _bootstrap(list(table.values()), statistic, "stratified percentile bootstrap of the interquartile mean")


def improvement_probability(a: Scores, b: Scores) -> Interval:
    """How probable it is that a run of `a` beats a run of `b` on the same task, ties counting half; mean over tasks.

    The sides are resampled apart (Agarwal et al. 2021): cautious where they share their random numbers.
    """
    left, right = _table(a), _table(b)
    _same_shape(left, right)

    def statistic(*samples: Array, axis: int = -1) -> Array:  # noqa: ARG001 - the axis is always the last one
        sides = samples[: len(left)], samples[len(left) :]
        wins = [np.heaviside(x[..., :, None] - y[..., None, :], 0.5) for x, y in zip(*sides, strict=True)]
        return np.mean([win.mean((-1, -2)) for win in wins], axis=0)

    samples = [*left.values(), *(right[task] for task in left)]
    return _bootstrap(samples, statistic, "stratified percentile bootstrap of the probability of improvement")


def _bootstrap(samples: Sequence[Array], statistic: Callable[..., Array], method: str) -> Interval:
    """A percentile bootstrap, each sample resampled by itself. Seeded: the same figures give the same interval."""
    about: About = "this improver on these tasks"
    value, n = float(statistic(*samples)), sum(map(len, samples))
    if min(map(len, samples)) < MIN_REPETITIONS or n < 2 * MIN_REPETITIONS:
        return Interval(value, None, None, n, about, "no interval: too few repetitions for a bootstrap")
    found = _stats().bootstrap(
        samples,
        statistic,
        n_resamples=RESAMPLES,
        batch=200,
        vectorized=True,
        method="percentile",
        confidence_level=1 - ALPHA,
        rng=np.random.default_rng(0),
    )
    low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
    if not low < high:
        return Interval(value, None, None, n, about, "no interval: every resample gives the same value")
    return Interval(value, low, high, n, about, method)


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> Interval:
    """Spearman's rank correlation of two figures of each recursion, with its interval by Fisher's transformation.

    The standard error is Bonett and Wright's (2000). Below `MIN_TASKS` pairs it is too rough, so there is none.
    """
    value, n, about = math.nan, len(a), "recursions"
    if min(len(set(a)), len(set(b))) > 1:
        value = float(_stats().spearmanr(a, b).statistic)
    if math.isnan(value):
        return Interval(0.0, None, None, n, about, "no interval: one of the figures does not vary")
    if n < MIN_TASKS:
        return Interval(value, None, None, n, about, f"no interval: {n} recursions, at least {MIN_TASKS} are needed")
    margin = float(_special().ndtri(1 - ALPHA / 2)) * math.sqrt((1 + value**2 / 2) / (n - 3))
    centre = math.atanh(min(1 - 1e-12, max(-1 + 1e-12, value)))
    low, high = math.tanh(centre - margin), math.tanh(centre + margin)
    return Interval(value, low, high, n, about, "Spearman's rank correlation, Fisher's transformation")


def wilson(successes: int, trials: int, about: str) -> Interval:
    """A share with Wilson's interval (the paper's, for the shares of its sandbox experiment)."""
    if not 0 <= successes <= trials or trials == 0:
        raise UsageError(f"{successes} successes in {trials} trials are no share")
    found = _stats().binomtest(successes, trials).proportion_ci(1 - ALPHA, method="wilson")
    return Interval(successes / trials, float(found.low), float(found.high), trials, about, "Wilson")


# --- looking again and again ----------------------------------------------------------------------------------------


def sequence(blocks: Sequence[Sequence[float]], bounds: Bounds, looks: int = 1) -> Interval:
    """The mean of independent bounded values, with an interval that holds at every moment it is looked at.

    A confidence sequence by betting against each possible mean (Waudby-Smith and Ramdas 2023, hedged capital with
    predictable plug-in bets), intersected over time. One block holds a value of every task, independent of each other.
    Within a block the same share of the stake is bet on each of them: their mean being m, the expected product of the
    factors is at most 1, because a product is at most the power of its mean. So a block of k tasks counts almost as k
    values, though the tasks differ. `looks`: how many sequences are watched side by side; together they are wrong in at
    most 5 % of families.
    """
    values = np.array([*_table({f"block {i + 1}": block for i, block in enumerate(blocks)}).values()])
    low, high = bounds
    if values.min() < low or values.max() > high:
        raise UsageError(f"a value lies outside the bounds {low:g} to {high:g} of a confidence sequence")
    first, last = _betting((values - low) / (high - low), ALPHA / looks)
    width = high - low
    method = "confidence sequence by betting" + (f", one of {looks}" if looks > 1 else "")
    about: About = "this improver on these tasks"
    return Interval(float(values.mean()), low + width * first, low + width * last, values.size, about, method)


_GRID = 2000
"""Means tested by a confidence sequence: a resolution of 1/2000 of the range, rounded outwards."""
_CAP = 0.9
"""The largest share of his stake a bettor risks at once. Any share below 1 is valid; a large one decides sooner."""


def _betting(values: Array, alpha: float) -> tuple[float, float]:
    """The ends of the set of means in [0, 1] against which no bettor has ever, after a block, had 1/alpha of his stake."""
    means = np.linspace(0.0, 1.0, _GRID + 1)
    up, down = np.zeros(len(means)), np.zeros(len(means))
    alive = np.ones(len(means), dtype=bool)
    with np.errstate(divide="ignore"):
        up_cap, down_cap = _CAP / means, _CAP / (1.0 - means)
    for block, bet in zip(values, _bets(values.ravel())[:: values.shape[1]], strict=True):
        up += np.log1p(np.minimum(bet, up_cap) * (block[:, None] - means)).sum(axis=0)
        down += np.log1p(-np.minimum(bet, down_cap) * (block[:, None] - means)).sum(axis=0)
        alive &= np.maximum(up, down) < math.log(2.0 / alpha)
    kept = np.flatnonzero(alive)
    if not len(kept):
        kept = np.array([round(float(values.mean()) * _GRID)])
    return float(max(0, kept[0] - 1) / _GRID), float(min(_GRID, kept[-1] + 1) / _GRID)


def _bets(values: Array) -> Array:
    """The stake at each step, from the values before it alone: large where the spread seen so far is small."""
    t = np.arange(1, len(values) + 1)
    means = (0.5 + np.cumsum(values)) / (t + 1)
    spreads = (0.25 + np.cumsum((values - means) ** 2)) / (t + 1)
    before = np.concatenate(([0.25], spreads[:-1]))
    return np.sqrt(2.0 * math.log(2.0 / ALPHA) / (before * t * np.log(t + 1)))


# --- input ----------------------------------------------------------------------------------------------------------


def _table(scores: Scores) -> dict[str, Array]:
    """The scores as arrays; UsageError when there are none or one is no finite number."""
    if not scores:
        raise UsageError("no scores: at least one task is needed")
    table = {task: np.asarray(values, dtype=np.float64) for task, values in scores.items()}
    for task, values in table.items():
        if not len(values):
            raise UsageError(f"no scores for {task}: at least one repetition is needed")
        if not np.isfinite(values).all():
            place = int(np.flatnonzero(~np.isfinite(values))[0])
            raise UsageError(f"score {place + 1} of {task} is {values[place]}: a score must be a finite number")
    return table


def _differences(a: Scores, b: Scores) -> dict[str, list[float]]:
    left, right = _table(a), _table(b)
    _same_shape(left, right)
    return {task: (left[task] - right[task]).tolist() for task in left}


def _same_shape(a: Mapping[str, Array], b: Mapping[str, Array]) -> None:
    if {task: len(values) for task, values in a.items()} != {task: len(values) for task, values in b.items()}:
        raise UsageError("the two sides cannot be paired: they differ in tasks or in repetitions")


def _special() -> Any:
    """scipy's special functions, imported late: start-up would feel it (and untyped, hence Any)."""
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    return special


def _stats() -> Any:
    """scipy's statistics, imported late."""
    from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

    return stats

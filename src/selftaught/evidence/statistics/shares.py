"""Shares and ranks: how many of so many, and whether two figures climb together."""

from __future__ import annotations

import math
from collections.abc import Sequence

from selftaught.errors import UsageError
from selftaught.evidence.statistics.means import MIN_TASKS
from selftaught.evidence.statistics.values import ALPHA, Interval, special, stats


def wilson(successes: int, trials: int, about: str) -> Interval:
    """A share with Wilson's interval (the paper's, for the shares of its sandbox experiment)."""
    if not 0 <= successes <= trials or trials == 0:
        raise UsageError(f"{successes} successes in {trials} trials are no share")
    found = stats().binomtest(successes, trials).proportion_ci(1 - ALPHA, method="wilson")
    return Interval(successes / trials, float(found.low), float(found.high), trials, about, "Wilson")


def exact(successes: int, trials: int, about: str, alpha: float = ALPHA) -> Interval:
    """A share with its exact interval (Clopper and Pearson): it holds the truth at least as often as it says, for any n."""
    if not 0 <= successes <= trials or trials == 0:
        raise UsageError(f"{successes} successes in {trials} trials are no share")
    found = stats().binomtest(successes, trials).proportion_ci(1 - alpha, method="exact")
    return Interval(successes / trials, float(found.low), float(found.high), trials, about, "exact (Clopper-Pearson)")


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> Interval:
    """Spearman's rank correlation of two figures of each recursion, with its interval by Fisher's transformation.

    The standard error is Bonett and Wright's (2000). Below `MIN_TASKS` pairs it is too rough, so there is none.
    """
    value, n, about = math.nan, len(a), "recursions"
    if min(len(set(a)), len(set(b))) > 1:
        value = float(stats().spearmanr(a, b).statistic)
    if math.isnan(value):
        return Interval(0.0, None, None, n, about, "no interval: one of the figures does not vary")
    if n < MIN_TASKS:
        return Interval(value, None, None, n, about, f"no interval: {n} recursions, at least {MIN_TASKS} are needed")
    margin = float(special().ndtri(1 - ALPHA / 2)) * math.sqrt((1 + value**2 / 2) / (n - 3))
    centre = math.atanh(min(1 - 1e-12, max(-1 + 1e-12, value)))
    low, high = math.tanh(centre - margin), math.tanh(centre + margin)
    return Interval(value, low, high, n, about, "Spearman's rank correlation, Fisher's transformation")

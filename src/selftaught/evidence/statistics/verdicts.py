"""Verdicts: what an interval says, what still stands among several, and what is said only of what beats the start solution.

Tests and intervals come from the same estimate. A verdict shows the interval of the level at which it was judged, so that
the two never contradict each other: better means an interval above 0, worse one below it, indecisive one that holds 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from selftaught.evidence.statistics.means import difference
from selftaught.evidence.statistics.values import ALPHA, Bounds, Estimate, Interval, Scores, Verdict, VerdictKind

NO_BETTER = "no better than the start solution"
Passed = tuple[bool, bool]
"""Whether the first and the second of two have been found better than the start solution."""


def verdict(found: Interval, margin: float | None = None) -> Verdict:
    """What the interval of a difference says. `margin`: differences of at most this size do not matter to the user.

    An interval wholly within the margin is `equivalent`, even where it excludes zero. No interval: `indecisive`.
    """
    return _verdict(_kind(found.low, found.high, margin), found)


def _kind(low: float | None, high: float | None, margin: float | None) -> VerdictKind:
    if low is None or high is None:
        return "indecisive"
    if margin is not None and -margin <= low and high <= margin:
        return "equivalent"
    if low > 0:
        return "better"
    return "worse" if high < 0 else "indecisive"


def _verdict(kind: VerdictKind, found: Interval, why: str = "") -> Verdict:
    return Verdict(kind, found.mean, found.low, found.high, found.about, found.method, why)


# --- several at once ------------------------------------------------------------------------------------------------


def judged(
    sides: Sequence[tuple[Scores, Scores]],
    margin: float | None = None,
    *,
    unseen: bool = False,
    passed: Sequence[Passed] | None = None,
    bounds: Bounds | None = None,
) -> list[Verdict]:
    """The verdicts of several comparisons made at once, in pairs; corrected for their number.

    With `passed`, a side is called better only if it has beaten the start solution: two tests, both at 5 %
    (intersection-union). `bounds` are a difference's: with them, differences that are all equal decide too.
    """
    found = [difference(a, b, unseen=unseen, bounds=bounds) for a, b in sides]
    return settled(found, margin, guards_of(found, passed) if passed else None)


def contested(
    entrants: Sequence[Scores],
    start: Scores,
    margin: float | None = None,
    *,
    unseen: bool = False,
    bounds: Bounds | None = None,
) -> tuple[list[Verdict], list[Verdict]]:
    """Improvers on the same cells: each against the start solution, then all but the first against the first.

    Both lists are corrected for their number. "Better" in the second is said only of what is called better in the first.
    """
    against = judged([(one, start) for one in entrants], unseen=unseen, bounds=bounds)
    first, *others = entrants
    passed = [(one.kind == "better", against[0].kind == "better") for one in against[1:]]
    return against, judged([(one, first) for one in others], margin, unseen=unseen, passed=passed, bounds=bounds)


def guards_of(found: Sequence[Estimate], passed: Sequence[Passed]) -> list[float]:
    """For each difference 0 where its better side has beaten the start solution, otherwise 1: as p-values for `settled`."""
    return [float(not (first if one.mean >= 0 else second)) for one, (first, second) in zip(found, passed, strict=True)]


def over(scores: Scores, start: Scores, *, unseen: bool = False, bounds: Bounds | None = None) -> float:
    """Two-sided p of the difference to the start, 1.0 where it is not one for the better."""
    gain = difference(scores, start, unseen=unseen, bounds=bounds)
    return gain.p() if gain.mean > 0 else 1.0


def settled(
    estimates: Sequence[Estimate], margin: float | None = None, guards: Sequence[float] | None = None
) -> list[Verdict]:
    """The verdicts of several estimated differences, as far as they stand among so many.

    `better` and `worse` need Holm's p of a difference below 5 %, `equivalent` needs Holm's p of equivalence; what is not
    equivalent enough may still be better or worse. Each of the two kinds of claim is false in at most 5 % of families.
    `guards` are further p-values that have to be as small before better or worse is said.
    """
    guards = guards or [0.0] * len(estimates)
    differ = steps([max(one.p(), guard) for one, guard in zip(estimates, guards, strict=True)])
    alike = steps([1.0 if margin is None else one.equivalence_p(margin) for one in estimates])
    return [
        _settle(one, margin, differs, equal, guard, len(estimates))
        for one, differs, equal, guard in zip(estimates, differ, alike, guards, strict=True)
    ]


@dataclass(frozen=True)
class Step:
    """Where a comparison was judged in Holm's order: at which level, and whether it stood."""

    level: float
    firm: bool


def steps(p_values: Sequence[float]) -> list[Step]:
    """Holm's procedure: the smallest p at 5 % / m, the next at 5 % / (m - 1); all that follow a failure fail at its level."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    found = [Step(ALPHA, False)] * len(p_values)
    failed: Step | None = None
    for rank, i in enumerate(order):
        level = ALPHA / (len(p_values) - rank)
        if failed is None and p_values[i] >= level:
            failed = Step(level, False)
        found[i] = failed or Step(level, True)
    return found


def _settle(one: Estimate, margin: float | None, differs: Step, alike: Step, guard: float, among: int) -> Verdict:
    if margin is not None and alike.firm:
        return _verdict("equivalent", one.interval(alike.level))
    found = one.interval(differs.level)
    kind = _kind(found.low, found.high, None)
    if differs.firm and kind != "indecisive":
        return _verdict(kind, found)
    if margin is not None:
        found = one.interval(min(differs.level, alike.level))
    return withheld(verdict(found), _reason(kind, guard, differs.level, one, among))


def _reason(kind: VerdictKind, guard: float, level: float, one: Estimate, among: int) -> str:
    """Why nothing is claimed where there might have been something."""
    if kind != "indecisive" and guard >= level:
        return NO_BETTER if one.mean > 0 else f"the other is {NO_BETTER}"
    alone = verdict(one.interval())
    return f"not significant among {among} (Holm)" if kind == "indecisive" and alone.firm else ""


def withheld(one: Verdict, why: str) -> Verdict:
    """A difference of which nothing is claimed; an interval off 0 is stretched to 0, so that it claims nothing either."""
    low, high, method = one.low, one.high, one.method
    if low is not None and high is not None and not low <= 0 <= high:
        low, high, method = min(low, 0.0), max(high, 0.0), f"{method}; stretched to 0"
    return replace(one, kind="indecisive", low=low, high=high, method=method, why=why)


def guarded(one: Verdict, first: Verdict, second: Verdict) -> Verdict:
    """A verdict on first minus second, withheld where the better of the two is not better than the start solution.

    `first` and `second` are the verdicts on each against the start, of the same level and method: for confidence sequences,
    which have no p to be corrected.
    """
    if one.kind == "better" and first.kind != "better":
        return withheld(one, NO_BETTER)
    if one.kind == "worse" and second.kind != "better":
        return withheld(one, f"the other is {NO_BETTER}")
    return one


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values: together wrong in at most 5 % of families when judged at 5 %."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, p_values[i] * (len(p_values) - rank)))
        adjusted[i] = largest
    return adjusted

"""What a run may claim of its improved improver, in an order fixed beforehand.

First against the start solution, then against best-of-n at the whole allowance, then at equal answers: each at 5 %, and each
only if the one before is firm, so that together they are wrong in at most 5 % of runs. The further arms come last, all at
once (Holm). "Better than X" is said only where the improved arm beats the start solution on the same cells, "worse than X"
only where X does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from selftaught.errors import UsageError
from selftaught.evidence.statistics.means import difference
from selftaught.evidence.statistics.values import Bounds, Estimate, Scores, Verdict
from selftaught.evidence.statistics.verdicts import NO_BETTER, over, settled, verdict, withheld

ORDER = ("best_of_n", "equal_answers")
"""What comes after the start solution: the headline first."""


_NONE: Mapping[str, str] = MappingProxyType({})


def claims(
    arms: Mapping[str, Scores],
    *,
    improved: str = "improved",
    start: str = "start",
    order: Sequence[str] = ORDER,
    unseen: bool = False,
    bounds: Bounds | None = None,
    hollow: Mapping[str, str] = _NONE,
) -> dict[str, Verdict]:
    """The verdicts on the improved arm against every other one, in the order in which they were tested.

    `arms` are scores on the same cells: `improved` and `start` must be among them, of `order` those that the run has; all
    others follow at once. What was not tested is indecisive and says in `why` which comparison stopped it. `bounds` are a
    difference's: with them, an arm whose lead is the same in every cell can be firm too. `hollow` are arms of `order` beside
    which nothing can be claimed, and why.
    """
    if missing := [name for name in (improved, start) if name not in arms]:
        raise UsageError(f"no claims without an arm {missing[0]!r}")
    others = [name for name in arms if name not in (improved, start)]
    chain = [name for name in order if name in others]
    rest = [name for name in others if name not in chain]
    found = {
        name: difference(arms[improved], arms[name], unseen=unseen, bounds=bounds) for name in (start, *chain, *rest)
    }
    (first,) = settled([found[start]])
    made = {start: first if first.kind == "better" else replace(first, why=NO_BETTER)}
    # The improved arm has passed or failed that test already; another one has not been tested.
    passed = 0.0 if first.kind == "better" else 1.0
    guards = {
        name: passed if one.mean >= 0 else over(arms[name], arms[start], unseen=unseen, bounds=bounds)
        for name, one in found.items()
    }
    stopped = _in_turn(made, found, chain, guards, start, hollow)
    if stopped:
        return made | {name: _untested(found[name], stopped) for name in (*chain, *rest) if name not in made}
    together = settled([found[name] for name in rest], guards=[guards[name] for name in rest])
    return made | dict(zip(rest, together, strict=True))


def _in_turn(
    made: dict[str, Verdict],
    found: Mapping[str, Estimate],
    chain: Sequence[str],
    guards: Mapping[str, float],
    start: str,
    hollow: Mapping[str, str],
) -> str:
    """Judge the chain up to the first verdict that is not firm, and say which that is; empty when all are."""
    before = start
    for name in chain:
        if not made[before].firm:
            return before
        if name in hollow:
            made[name] = withheld(verdict(found[name].interval()), f"not tested: {hollow[name]}")
            return name
        (made[name],) = settled([found[name]], guards=[guards[name]])
        before = name
    return "" if made[before].firm else before


def _untested(found: Estimate, stopped: str) -> Verdict:
    return withheld(verdict(found.interval()), f"not tested: the comparison with {stopped} is not firm")

"""How good a score in training may be before it is more than chance: beside the same program's scores on validation.

An honest program's cells are alike on both splits. Of many programs that were scored in training the best is there by luck
as well as by worth, so the bound is corrected for their number (Bonferroni): however many there were, one honest program or
more lies above its bound in `MISTAKEN` of all rounds at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from selftaught.lab.boundaries import special

MISTAKEN = 0.05
_CAUTION = 0.65
"""By this factor less is asked for: a gate ends early where validation came out low, and the spread is an estimate."""
_FREEDOM = 6
"""With fewer degrees of freedom than this the spread is too rough an estimate to suspect anybody."""


def believable(training: Sequence[Sequence[float]], validation: Sequence[Sequence[float]], scored: int) -> float | None:
    """The highest mean over tasks that can be believed of a program in training.

    Both are values by task, the same tasks in the same order; `scored` says of how many programs it may be the best. The spread
    within a task is taken to be the same on both. None: there are too few values to know it.
    """
    each = list(zip(training, validation, strict=True))
    if not each or any(not seen or not again for seen, again in each):
        return None
    freedom = [len(seen) + len(again) - 2 for seen, again in each]
    spreads = [_within(seen, again) / max(1, own) for (seen, again), own in zip(each, freedom, strict=True)]
    parts = [one * (1 / len(seen) + 1 / len(again)) for (seen, again), one in zip(each, spreads, strict=True)]
    total, squares = sum(parts), sum(part**2 / own for part, own in zip(parts, freedom, strict=True) if own)
    if sum(freedom) < _FREEDOM:
        return None
    t = float(
        special().stdtrit(total**2 / squares if squares else sum(freedom), 1.0 - _CAUTION * MISTAKEN / max(1, scored))
    )
    return fmean(fmean(again) for again in validation) + t * math.sqrt(total) / len(each)


def _within(seen: Sequence[float], again: Sequence[float]) -> float:
    """The sum of squares about the two means."""
    return sum((len(one) - 1) * variance(one) for one in (seen, again) if len(one) > 1)

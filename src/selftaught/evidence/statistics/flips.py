"""Whether pairs differ on average in one direction: by flipping signs, which needs nothing of how the values are spread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from selftaught.evidence.statistics.values import Array

_EXACT = 14
"""So many pairs have few enough flips that all can be looked at; of more, so many are drawn (seeded)."""


def flipped_p(differences: Sequence[float]) -> float:
    """One-sided p of "each difference is as likely to be of one sign as of the other" against "they are above 0 on average".

    It is exact for any number of pairs and whatever the values are, as two things that do not differ could have changed places
    in each pair. 1.0 where there is none.
    """
    values, n = np.asarray(differences, float), len(differences)
    if not n:
        return 1.0
    signs = _signs(n)
    extra = int(n > _EXACT)  # the values as they are count as one of those drawn
    sums, own = signs @ values, values.sum()
    reached = int(np.count_nonzero(sums >= own - 1e-9 * np.abs(values).sum()))
    return (reached + extra) / (len(signs) + extra)


@lru_cache(maxsize=8)
def _signs(n: int) -> Array:
    """All ways to give n values signs, or so many of them."""
    if n <= _EXACT:
        minus = np.arange(1 << n)[:, None] >> np.arange(n) & 1
    else:
        minus = np.random.default_rng(0).integers(0, 2, (1 << _EXACT, n))
    return 1 - 2 * minus.astype(np.float64)

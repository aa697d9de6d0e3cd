"""Intervals and verdicts that say what they are about, and that say nothing when the figures do not carry it.

Scores come as a mapping from task to the scores of its repetitions. Three estimands are kept apart:

- *this improver on these tasks*: the tasks are fixed, only the repetitions could have come out differently (`means`);
- *unseen tasks*: the tasks themselves are a sample, so there must be at least `MIN_TASKS` of them (`means`);
- *the method*: the unit is one whole recursion, and there are few of them (`methods`).

Values must be finite numbers; anything else is a `UsageError`. An `Interval` without ends says why in its `method`.
What the t intervals of `means` cannot see is a peak that no repetition has shown: a skewed, two-peaked score needs about ten
values before the interval of its mean holds (measured: docs/calibration.md; differences fare better).
"""

from selftaught.evidence.statistics.claims import ORDER, claims
from selftaught.evidence.statistics.flips import flipped_p
from selftaught.evidence.statistics.matching import Matching, matched
from selftaught.evidence.statistics.means import MIN_TASKS, difference, equivalence_p, interval, p_value, paired, wider
from selftaught.evidence.statistics.methods import Majority, PlainMajority, in_most, of_methods, over_runs
from selftaught.evidence.statistics.resampling import (
    MIN_REPETITIONS,
    RESAMPLES,
    improvement_probability,
    interquartile_mean,
)
from selftaught.evidence.statistics.sequences import sequence
from selftaught.evidence.statistics.shares import exact, rank_correlation, wilson
from selftaught.evidence.statistics.values import (
    ALPHA,
    Bounds,
    Interval,
    PlainInterval,
    PlainVerdict,
    Scores,
    Verdict,
    VerdictKind,
)
from selftaught.evidence.statistics.verdicts import (
    NO_BETTER,
    Passed,
    contested,
    guarded,
    guards_of,
    holm,
    judged,
    settled,
    verdict,
)

__all__ = [
    "ALPHA",
    "MIN_REPETITIONS",
    "MIN_TASKS",
    "NO_BETTER",
    "ORDER",
    "RESAMPLES",
    "Bounds",
    "Interval",
    "Majority",
    "Matching",
    "Passed",
    "PlainInterval",
    "PlainMajority",
    "PlainVerdict",
    "Scores",
    "Verdict",
    "VerdictKind",
    "claims",
    "contested",
    "difference",
    "equivalence_p",
    "exact",
    "flipped_p",
    "guarded",
    "guards_of",
    "holm",
    "improvement_probability",
    "in_most",
    "interquartile_mean",
    "interval",
    "judged",
    "matched",
    "of_methods",
    "over_runs",
    "p_value",
    "paired",
    "rank_correlation",
    "sequence",
    "settled",
    "verdict",
    "wider",
    "wilson",
]

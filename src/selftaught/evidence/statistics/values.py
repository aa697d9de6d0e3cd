"""The values of this package: scores that go in, intervals and verdicts that come out; and what is refused at the border."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from selftaught.errors import UsageError

ALPHA = 0.05
"""Every interval is a 95 % interval, unless several were asked for at once: then those of the level they were judged at."""

Scores = Mapping[str, Sequence[float]]
Bounds = tuple[float, float]
About = Literal["this improver on these tasks", "unseen tasks", "the method"]
VerdictKind = Literal["better", "worse", "equivalent", "indecisive"]
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

    kind: VerdictKind
    difference: float
    low: float | None
    """Null where there is no interval: `method` says why."""
    high: float | None
    about: str
    """What the claim is about."""
    method: str
    why: str
    """What stands against a claim, in plain words; empty where nothing does."""


@dataclass(frozen=True)
class Interval:
    """A figure with its interval. `low` and `high` are None when there is none, and `method` then says why.

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
    """What may be claimed of a difference (first minus second): `kind`, and the evidence for it.

    The interval is the one that the verdict was read from: `better` where it lies above 0, `worse` where below. `why`
    says in plain words what stands against a claim; documents of earlier versions have none.
    """

    kind: VerdictKind
    difference: float
    low: float | None
    high: float | None
    about: str
    method: str
    why: str = ""

    @property
    def firm(self) -> bool:
        """Whether anything is claimed at all."""
        return self.kind != "indecisive"

    def plain(self) -> PlainVerdict:
        return {
            "kind": self.kind,
            "difference": self.difference,
            "low": self.low,
            "high": self.high,
            "about": self.about,
            "method": self.method,
            "why": self.why,
        }


class Estimate(Protocol):
    """A mean that is tested and bounded by one and the same method, at any level.

    The interval of a level lies off 0 where `p` is below the level, and within the margin where `equivalence_p` is.
    """

    @property
    def mean(self) -> float: ...

    def interval(self, alpha: float = ALPHA) -> Interval: ...

    def p(self) -> float:
        """Two-sided p of "the mean is 0"; 1.0 where there is no interval."""
        ...

    def equivalence_p(self, margin: float) -> float:
        """p of "the mean is at least the margin away from 0"; 1.0 where there is no interval."""
        ...


def checked(scores: Scores) -> dict[str, Array]:
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


def within(values: Array, bounds: Bounds) -> Array:
    """The values as shares of the way between their bounds; UsageError when one lies outside by more than rounding."""
    low, high = bounds
    if not low < high:
        raise UsageError(f"the bounds {low:g} to {high:g} leave no room between them")
    shares = (values - low) / (high - low)
    if shares.min() < -_ROUNDING or shares.max() > 1 + _ROUNDING:
        raise UsageError(f"a value lies outside the bounds {low:g} to {high:g}")
    return shares.clip(0.0, 1.0)


_ROUNDING = 1e-9
"""By this share of the range arithmetic may leave the bounds."""


def differences(a: Scores, b: Scores) -> dict[str, Array]:
    """a - b by task; UsageError when they cannot be paired."""
    left, right = checked(a), checked(b)
    same_shape(left, right)
    return {task: left[task] - right[task] for task in left}


def same_shape(a: Mapping[str, Array], b: Mapping[str, Array]) -> None:
    if {task: len(values) for task, values in a.items()} != {task: len(values) for task, values in b.items()}:
        raise UsageError("the two sides cannot be paired: they differ in tasks or in repetitions")


def special() -> Any:
    """scipy's special functions, imported late: start-up would feel it (and untyped, hence Any)."""
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    return special


def stats() -> Any:
    """scipy's statistics, imported late."""
    from scipy import stats  # pyright: ignore[reportMissingTypeStubs]

    return stats

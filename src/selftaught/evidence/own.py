"""What has come of a program of the user's: the start and the best, on what they were chosen by and on what they were not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, final

from selftaught.evidence.report import Heading, Reached, Used
from selftaught.evidence.statistics import PlainInterval, paired


class OwnRound(TypedDict):
    """One improver run."""

    round: int
    reason: str | None
    """Why it returned no program; null when it did."""
    failed: bool
    """Whether that was a fault of its own, and not that its allowance was used up."""
    answers: int
    scorings: int
    best: str
    """Digest of the best program after it."""
    score: float | None
    """Of the best program after it, for practice."""


class Metric(TypedDict):
    """One of several metrics of a scoring: the mean over the instances."""

    name: str
    start: float | None
    """Null: the program has no such metric."""
    best: float | None


class Compared(TypedDict):
    """The start and the best program on the same instances, in the scorer's own unit."""

    start: float | None
    best: float | None
    """Null: it fails."""
    instances: int
    difference: PlainInterval | None
    """Best less start, by instance; null where there is nothing to compare."""
    metrics: list[Metric]
    """Empty where the scorer gives one number."""


class Repeated(TypedDict):
    """A program that scored better than the best so far, scored again and again beside it, in the scorer's own unit."""

    round: int
    program: str
    """Digest of it."""
    repetitions: int
    """How often each of the two was scored for this alone."""
    difference: PlainInterval | None
    """This program less the best so far, by repetition; null where it failed in one."""
    p: float
    """One-sided: of a difference as large by chance, by flipping signs."""
    level: float
    """Below it, it is taken."""
    taken: bool


class Noise(TypedDict):
    """Of a scorer that does not give the same twice: how it differs, and who was tried for real."""

    measures: bool
    """Whether it scores time or memory; otherwise the program to begin with had another score the second time."""
    spread: float | None
    """Standard deviation of one score of the program to begin with; null where it has no two."""
    scores: int
    """How many scores that is from."""
    repeated: list[Repeated]


class OwnFigures(TypedDict):
    """What has come of it."""

    better: bool
    """Whether a program was found that scores better for practice; otherwise the best is the start."""
    best: str
    """Digest of the best program, kept in the store."""
    program: str
    """Its text."""
    minimize: bool
    metric: str
    """What counts of several metrics, in words."""
    rounds: list[OwnRound]
    practice: Compared
    held_out: Compared | None
    """Null where the scorer has no instances that were not looked at."""
    earlier_looks: list[str]
    """Earlier runs in the store that were compared on the same held-out instances."""
    noise: Noise | None
    """Null: the scorer gives the same each time, as far as was seen."""
    candidates: int
    """Programs that were scored; `selftaught candidates` lists them."""
    diff: str
    files: NotRequired[dict[str, str]]
    """What was changed, whole: files by their paths in the folder, or texts by name; only where there are several."""
    isolation: str | None
    """What is weaker about how the program was held; null: nothing."""


@final
class OwnDocument(Heading, OwnFigures):
    """The document of improving a program: `selftaught improve PROGRAM --json`."""

    usage: Used


class OwnReached(Reached):
    """What there is of improving a program that has not come to its end."""

    rounds: NotRequired[list[OwnRound]]
    """Missing before the first is done."""


def compared(start: Mapping[str, Any], best: Mapping[str, Any]) -> Compared:
    """Two stored scorings side by side."""
    before, after = _numbers(start["grades"]), _numbers(best["grades"])
    both = len(before) == len(after) > 0
    difference = paired({"own": after}, {"own": before}).plain() if both else None
    return Compared(
        start=start["value"],
        best=best["value"],
        instances=len(after) or len(before),
        difference=difference,
        metrics=_metrics(start.get("metrics", {}), best.get("metrics", {})),
    )


def _metrics(start: Mapping[str, float], best: Mapping[str, float]) -> list[Metric]:
    return [Metric(name=name, start=start.get(name), best=best.get(name)) for name in dict.fromkeys([*start, *best])]


def _numbers(grades: Sequence[Any]) -> list[float]:
    return [float(one) for one in grades]

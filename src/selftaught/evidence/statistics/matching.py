"""Best-of-n at equal answers in total: how often its batch is repeated, decided from counts alone, before any score is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from selftaught.errors import UsageError
from selftaught.plain import JSON


@dataclass(frozen=True)
class Matching:
    """How many batches each repetition gets, and what both sides use in total by it."""

    batches: tuple[int, ...]
    """By repetition; 0 leaves the start solution."""
    used: int
    """Answers of the improved arm, all repetitions together."""
    given: int
    """Answers of the sampler by these batches."""

    def plain(self) -> dict[str, JSON]:
        return {"batches": list(self.batches), "used": self.used, "given": self.given}


def matched(used: Sequence[int], batch: Sequence[int]) -> Matching:
    """As many batches as make the sums agree, to within half a batch, but at least one where any was asked; as even over the
    repetitions as that allows. Where less and more lie equally near it is more, so that no tie helps the improved arm.

    `used`: what the improved arm asked in each repetition; `batch`: what one batch of the sampler asks there. Even, because
    that is what samples best: no use of the improved arm, however uneven, makes its opponent weaker. A batch that asks
    nothing is run once.
    """
    if len(used) != len(batch) or not used:
        raise UsageError(f"{len(used)} repetitions cannot be matched with {len(batch)}")
    if min(*used, *batch) < 0:
        raise UsageError("answers cannot be fewer than none")
    total, given, batches = sum(used), 0, list[int]()
    for done, size in enumerate(batch, 1):
        due = total * done / len(batch) - given
        batches.append(max(0, floor(due / size + 0.5)) if size else 1)
        given += batches[-1] * size
    if total and not given and any(batch):
        first = next(i for i, size in enumerate(batch) if size)
        batches[first], given = 1, batch[first]
    return Matching(tuple(batches), total, given)

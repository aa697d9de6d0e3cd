"""Best-of-n: how often the seed improver's batch is repeated, decided from counts of answers alone, before any score is seen.

How much a batch asks is known only once it has run, and may differ from one to the next. So batches are begun in waves, no more
at once than would fit if each asked as much as the largest so far, and what they asked is counted before there are more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from selftaught.errors import UsageError
from selftaught.plain import JSON

MOST = 200
"""Batches of one place at most: one that hardly ever asks for anything is given up."""
Asked = Callable[[Sequence[tuple[int, int]]], Sequence[int]]
"""What batches asked for, each given by its place and its number there, from 0; those that have not run are run."""


@dataclass(frozen=True)
class Matching:
    """How many batches each repetition gets, and what both sides use in total by it."""

    batches: tuple[int, ...]
    """By repetition; 0 leaves the start solution."""
    used: int
    """Answers of the improved arm, all repetitions together."""
    given: int
    """Answers of the sampler by these batches."""
    short: bool = False
    """Whether the sampler, which hardly ever asks for anything, could not be given as many."""

    def plain(self) -> dict[str, JSON]:
        return {"batches": list(self.batches), "used": self.used, "given": self.given}


def matched(used: Sequence[int], asked: Asked) -> Matching:
    """As many batches as make the sums agree, to within half a batch, but at least one where any was asked; as even over the
    repetitions as that allows. Where less and more lie equally near it is more, so that no tie helps the improved arm.

    `used`: what the improved arm asked in each repetition; `asked`: what a batch of the sampler asks, whose places are the
    repetitions. Even, because that is what samples best: no use of the improved arm, however uneven, makes its opponent
    weaker. A sampler that asks for nothing in any repetition is run once in each.
    """
    if not used or min(used) < 0:
        raise UsageError("answers cannot be fewer than none, in one repetition at least")
    known = [[one] for one in asked([(place, 0) for place in range(len(used))])]
    if not any(one[0] for one in known):
        return Matching((1,) * len(known), sum(used), 0, bool(sum(used)))
    for cautious in (True, False):
        while missing := _missing(_planned(sum(used), known, cautious), known, cautious):
            for (place, _), size in zip(missing, asked(missing), strict=True):
                known[place].append(size)
    batches = _planned(sum(used), known, False)
    given = sum(sum(sizes[:count]) for sizes, count in zip(known, batches, strict=True))
    if sum(used) and not given:
        first = next(place for place, sizes in enumerate(known) if sizes[0])
        batches[first], given = 1, known[first][0]
    return Matching(tuple(batches), sum(used), given, given + _largest(known) < sum(used))


def _planned(total: int, known: Sequence[Sequence[int]], cautious: bool) -> list[int]:
    """Batches by repetition, where each that has not run asks as much as the largest so far: there, or anywhere."""
    largest, given, batches = _largest(known), 0, list[int]()
    for done, sizes in enumerate(known, 1):
        count, due = 0, total * done / len(known) - given
        guess = largest if cautious else max(sizes) or largest
        while count < MOST:
            size = sizes[count] if count < len(sizes) else guess
            if size and due < size / 2:
                break
            count, due, given = count + 1, due - size, given + size
            if not size and due <= 0:
                break
        batches.append(count)
    return batches


def _missing(batches: Sequence[int], known: Sequence[Sequence[int]], cautious: bool) -> list[tuple[int, int]]:
    """What of a plan has not run: all of it, or of each repetition the next one."""
    plan = [(place, range(len(sizes), count)) for place, (count, sizes) in enumerate(zip(batches, known, strict=True))]
    return [(place, k) for place, left in plan for k in (left if cautious else left[:1])]


def filled(places: int, most: int, asked: Asked) -> list[int]:
    """How many batches of each place fit into an allowance of `most` answers, one at least: another one as long as it fits if
    it asks as much as those before did on average. A sampler that asks for nothing in any place is run once in each."""
    known = [[one] for one in asked([(place, 0) for place in range(places)])]
    while largest := _largest(known):
        missing = [
            (place, len(sizes) + more)
            for place, sizes in enumerate(known)
            for more in range(_fitting(most, sizes, largest))
        ]
        if not missing:
            break
        for (place, _), size in zip(missing, asked(missing), strict=True):
            known[place].append(size)
    return [len(sizes) for sizes in known]


def _fitting(most: int, sizes: Sequence[int], largest: int) -> int:
    """How many more may be begun at once."""
    used, count = sum(sizes), len(sizes)
    if count >= MOST or (used and used + used / count > most):
        return 0
    return min(MOST - count, max(1, (most - used) // largest))


def _largest(known: Sequence[Sequence[int]]) -> int:
    return max(max(sizes) for sizes in known)

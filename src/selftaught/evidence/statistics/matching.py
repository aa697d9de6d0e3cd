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
NEAR = 0.9
"""The share of the answers that a sampler should have, from which on it has as many."""
Asked = Callable[[Sequence[tuple[int, int]]], Sequence[int]]
"""What batches asked for, each given by its place and its number there, from 0; those that have not run are run."""


@dataclass(frozen=True)
class Matching:
    """How many batches each place gets, and what both sides use in total by it."""

    batches: tuple[int, ...]
    """By place; 0 leaves the start solution."""
    used: int
    """Answers that the sampler should have, all places together."""
    given: int
    """Answers that it has by these batches."""

    @property
    def short(self) -> bool:
        """Whether these are too few to speak of as many: its batches are too large for so few places, or hardly ask at all."""
        return self.given < NEAR * self.used

    def plain(self) -> dict[str, JSON]:
        return {"batches": list(self.batches), "used": self.used, "given": self.given}


def matched(used: int, places: int, asked: Asked) -> Matching:
    """As many batches as make the sums agree, to within half a batch, but at least one where any was asked; as even over the
    places as that allows. Where less and more lie equally near it is more, so that no tie helps the other side.

    `used`: what the other side asks in all places together; `asked`: what a batch of the sampler asks in a place. Even, because
    that is what samples best: no use of the other side, however uneven, makes its opponent weaker. A sampler that asks for
    nothing in any place is run once in each.
    """
    if used < 0 or places < 1:
        raise UsageError("answers cannot be fewer than none, in one place at least")
    known = [[one] for one in asked([(place, 0) for place in range(places)])]
    if not any(one[0] for one in known):
        return Matching((1,) * places, used, 0)
    for cautious in (True, False):
        while missing := _missing(_planned(used, known, cautious), known, cautious):
            for (place, _), size in zip(missing, asked(missing), strict=True):
                known[place].append(size)
    batches = _planned(used, known, False)
    given = sum(sum(sizes[:count]) for sizes, count in zip(known, batches, strict=True))
    if used and not given:
        first = next(place for place, sizes in enumerate(known) if sizes[0])
        batches[first], given = 1, known[first][0]
    return Matching(tuple(batches), used, given)


def _planned(total: int, known: Sequence[Sequence[int]], cautious: bool) -> list[int]:
    """Batches by place, where each that has not run asks as much as the largest so far: there, or anywhere."""
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
    """What of a plan has not run: all of it, or of each place the next one."""
    plan = [(place, range(len(sizes), count)) for place, (count, sizes) in enumerate(zip(batches, known, strict=True))]
    return [(place, k) for place, left in plan for k in (left if cautious else left[:1])]


def _largest(known: Sequence[Sequence[int]]) -> int:
    return max(max(sizes) for sizes in known)

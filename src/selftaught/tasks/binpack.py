"""`binpack`: online bin packing by a priority function; items as in FunSearch's Weibull data (Nature 625, 468, 2024).

A packing loop in the sandbox would lay the coming items open to the program that must not know them. So the program
only states its priorities, as a table for all sizes of items and room, and the packing is done on the trusted side: no
item ever enters the sandbox, and what is packed follows from the table alone. (FunSearch's functions saw the room of all
open bins at once; here a priority depends on the item and one bin.)
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import items, numbers

CAPACITY = 100
SHAPE, SCALE = 3.0, 45.0
LENGTH = 5000
"""As in FunSearch's `Weibull 5k`. Short streams reward best fit: over 200 items it still beats what wins over 5,000."""

Table = list[list[float]]


class Binpack(Task):
    """A grade is the lower bound over the bins used; best fit, the start solution, is within a few percent of it."""

    name = "binpack"
    entry = "priorities"
    summary = "online bin packing: a priority for each size of item and room, blind to the items to come"
    limits = Limits(cpu_s=0.2)
    instances: Mapping[Split, int] = {"train": 1, "validation": 1, "test": 1}
    best = 0.9906
    """What hill climbing over tables (9,500 steps on 8 streams) reached on 25 other streams."""

    start = """\
def priority(item, room):
    return item - room


def priorities(capacity):
    return [[priority(item, room) for room in range(item, capacity + 1)] for item in range(1, capacity + 1)]
"""

    @property
    def description(self) -> str:
        return (
            f"Online bin packing with bins of capacity {CAPACITY}. Items arrive one by one and must be packed at once, for "
            f"good, without knowledge of those to come: each goes to the bin of highest priority among the open bins with "
            f"enough room and one empty bin, which is always there. `priorities(capacity)` returns the table of "
            f"priorities: a list of {CAPACITY} lists, the one at index k for items of size k + 1, with a finite number for "
            f"each room from the size of the item to {CAPACITY}, in this order ({CAPACITY} - k numbers). The room is what "
            f"is free in the bin before the item is packed, {CAPACITY} for an empty bin; the fuller bin is taken when two "
            f"have the same priority. Sizes are whole numbers from 1 to {CAPACITY}: Weibull variates of shape {SHAPE:g} "
            f"and scale {SCALE:g}, rounded. The grade, for a stream of {LENGTH} items, is the least conceivable number of "
            f"bins (all sizes over the capacity, rounded up) divided by the number of bins used."
        )

    def draw(self, rng: random.Random) -> Instance:
        return Instance((CAPACITY,), [_size(rng) for _ in range(LENGTH)])

    def grade(self, instance: Instance, answer: JSON) -> float:
        return bound(instance.truth) / pack(instance.truth, _ranking(_table(answer)))

    def explain(self, instance: Instance, answer: JSON) -> str:
        used = pack(instance.truth, _ranking(_table(answer)))
        return f"{used} bins used, at least {bound(instance.truth)} needed"


def bound(stream: Sequence[int]) -> int:
    """The least conceivable number of bins: all sizes over the capacity, rounded up."""
    return -(-sum(stream) // CAPACITY)


def pack(stream: Sequence[int], ranking: Sequence[Sequence[int]]) -> int:
    """How many bins the stream fills when each item takes the first room in its ranking that some bin has."""
    bins = 0
    # How many open bins have this much room; an empty bin is opened when the ranking comes to it.
    bins_with = [0] * (CAPACITY + 1)
    for item in stream:
        room = next(room for room in ranking[item] if bins_with[room] or room == CAPACITY)
        if room == CAPACITY:
            bins += 1
        else:
            bins_with[room] -= 1
        bins_with[room - item] += 1
    return bins


def _ranking(table: Table) -> list[list[int]]:
    """For each size, the rooms from highest to lowest priority, the smaller room first among equals."""
    ranking: list[list[int]] = [[]]
    for item, row in enumerate(table, start=1):
        ranking.append(sorted(range(item, CAPACITY + 1), key=lambda room: -row[room - item]))
    return ranking


def _table(answer: JSON) -> Table:
    rows = items(answer, CAPACITY, "lists of priorities")
    return [numbers(row, CAPACITY - k, f"priorities for items of size {k + 1}") for k, row in enumerate(rows)]


def _size(rng: random.Random) -> int:
    return min(CAPACITY, max(1, round(rng.weibullvariate(SCALE, SHAPE))))

"""`capset`: a priority for each vector over {0, 1, 2}, by which a set without three in line is built (FunSearch's problem).

The set is built on the trusted side, one vector at a time, so that nothing hangs on how long a program takes. One instance, the
same in every split: a record.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Self

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import numbers
from selftaught.tasks.sizes import Sizes

DIMENSION = 7
RECORDS = {4: 20, 5: 45, 6: 112, 7: 236, 8: 512}
"""The largest cap sets known; up to 6 dimensions they are the largest there are. 512 is FunSearch's (Nature 625, 468, 2024)."""
SIZES = Sizes("capset", min(RECORDS), max(RECORDS), what="the dimension")


class Capset(Task):
    """A grade is the size of the set over the largest known."""

    name = "capset"
    entry = "priorities"
    summary = "cap sets: priorities by which a large set of vectors without three in line is built"
    limits = Limits(cpu_s=1)
    instances: Mapping[Split, int] = {"train": 1, "validation": 1, "test": 1}
    unbounded = True
    dimension: int = DIMENSION

    start = """\
from itertools import product


def priority(vector):
    return 0.0


def priorities(n):
    return [priority(vector) for vector in product((0, 1, 2), repeat=n)]
"""

    @classmethod
    def sized(cls, text: str) -> Self:
        """The task in so many dimensions. Raises UsageError."""
        task = cls()
        task.dimension, _ = SIZES.read(text)
        task.name = f"capset:{text}"
        return task

    @property
    def description(self) -> str:
        n = self.dimension
        return (
            f"Build a large cap set: vectors of {n} numbers 0, 1 or 2, no three different of which are in line, that is, add "
            f"up to 0 modulo 3 in every place. `priorities(n)` is given n = {n} and returns a list of {3**n} finite numbers, "
            "one for each vector in the order of itertools.product((0, 1, 2), repeat=n). The set is then built from them: "
            "vectors are taken up one by one, the highest priority first, equal ones in their order, unless one would be in "
            "line with two taken before. There is this one instance only. The grade is the size of the set divided by "
            f"{RECORDS[n]}, the largest known."
        )

    def draw(self, rng: random.Random) -> Instance:  # noqa: ARG002 - there is one instance only
        return Instance((self.dimension,), self.dimension)

    def grade(self, instance: Instance, answer: JSON) -> float:
        return self._size(instance, answer) / RECORDS[instance.truth]

    def explain(self, instance: Instance, answer: JSON) -> str:
        return f"{self._size(instance, answer)} vectors, {RECORDS[instance.truth]} are known"

    def _size(self, instance: Instance, answer: JSON) -> int:
        return built(instance.truth, tuple(numbers(answer, 3**instance.truth, "priorities")))


@lru_cache(maxsize=64)
def built(dimension: int, priorities: Sequence[float]) -> int:
    """The size of the set that these priorities build."""
    import numpy as np

    powers = 3 ** np.arange(dimension)[::-1]
    vectors = np.array(list(product((0, 1, 2), repeat=dimension)))
    barred = np.zeros(len(vectors), dtype=bool)
    taken: list[int] = []
    for index in np.argsort(-np.array(priorities), kind="stable"):
        if not barred[index]:
            # The one vector that is in line with this one and another.
            barred[(-(vectors[taken] + vectors[index])) % 3 @ powers] = True
            taken.append(int(index))
    return len(taken)

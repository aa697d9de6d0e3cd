"""`circles`: pack circles of any sizes into a rectangle so that the sum of their radii is large; no best is known for certain.

`circles:26` and `circles:32` are the unit square with so many circles, a record each: one instance, the same in every split.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from math import hypot, sqrt
from typing import Self, cast

from selftaught.errors import UsageError
from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, InvalidAnswer, Split, Task
from selftaught.tasks.answers import items, numbers

FEWEST, MOST = 10, 30
LONGEST = 2.0
"""One side is 1, the other between 1 and this."""
SLACK = 1e-9
RECORDS = {26: 2.635, 32: 2.937}
"""Sums of radii in the unit square: AlphaEvolve, 2025 (before it 2.634 and 2.936)."""
DENSEST = 1 / sqrt(12)
"""Equal circles cover at most pi / sqrt(12) of a plane, so that n of them on an area A have radii of at most
sqrt(A / (n * sqrt(12))). Circles of several sizes could cover more, edges cost some: a yardstick, not a bound."""

Circle = list[float]


class Circles(Task):
    """A grade is the sum of the radii over that of a lattice without edges; a record's, over the record."""

    name = "circles"
    entry = "pack"
    summary = "circles packed into a rectangle: the larger the sum of their radii, the better"
    limits = Limits(cpu_s=2)
    instances: Mapping[Split, int] = {"train": 3, "validation": 5, "test": 10}
    best = 0.953
    unbounded = True
    record: int | None = None

    start = """\
import random


def pack(n, width, height):
    points = [(random.uniform(0, width), random.uniform(0, height)) for _ in range(n)]
    circles = []
    for i, (x, y) in enumerate(points):
        near = min(((x - a) ** 2 + (y - b) ** 2) ** 0.5 for j, (a, b) in enumerate(points) if j != i)
        circles.append([x, y, min(x, width - x, y, height - y, near / 2)])
    return circles
"""

    @classmethod
    def sized(cls, text: str) -> Self:
        """A record: so many circles in the unit square. Raises UsageError where none is known."""
        if text not in map(str, RECORDS):
            raise UsageError(
                f"no task 'circles:{text}': records are kept for {' and '.join(map(str, RECORDS))} circles"
            )
        task = cls()
        task.name, task.record, task.best = f"circles:{text}", int(text), 1.0
        task.instances = {"train": 1, "validation": 1, "test": 1}
        return task

    @property
    def description(self) -> str:
        place = (
            f"a square of side 1, and n is {self.record}: there is this one instance only. The grade is the sum of the radii "
            f"divided by {RECORDS[self.record]:g}, the best known"
            if self.record
            else f"a rectangle one side of which is 1, the other between 1 and {LONGEST:g}; n is between {FEWEST} and {MOST}. "
            "The grade is the sum of the radii divided by the square root of n * width * height / sqrt(12); the best known "
            f"packings come to {self.best:g} on average"
        )
        return (
            "Pack circles. `pack(n, width, height)` returns a list of n circles, each a list of three numbers x, y, r with r "
            "at least 0. They may touch but not overlap, and must lie within 0 <= x <= width, 0 <= y <= height, up to "
            f"{SLACK:g}. What they are to be packed into is {place}. Run time does not count, within the limit."
        )

    def draw(self, rng: random.Random) -> Instance:
        if self.record:
            return Instance((self.record, 1.0, 1.0), (1.0, 1.0, self.record, RECORDS[self.record]))
        n, longer = rng.randint(FEWEST, MOST), rng.uniform(1, LONGEST)
        width, height = (longer, 1.0) if rng.random() < 0.5 else (1.0, longer)
        return Instance((n, width, height), (width, height, n, sqrt(n * width * height * DENSEST)))

    def grade(self, instance: Instance, answer: JSON) -> float:
        width, height, n, most = instance.truth
        circles = _circles(answer, n)
        for i, circle in enumerate(circles):
            _check(circle, width, height, i)
        for i, one in enumerate(circles):
            for j, other in enumerate(circles[:i]):
                if hypot(one[0] - other[0], one[1] - other[1]) < one[2] + other[2] - SLACK:
                    raise InvalidAnswer(f"circles {j} and {i} overlap")
        return sum(circle[2] for circle in circles) / most

    def explain(self, instance: Instance, answer: JSON) -> str:
        width, height, n, _ = instance.truth
        return f"sum of radii {sum(one[2] for one in _circles(answer, n)):.4f}, {n} circles, {width:.3f} x {height:.3f}"


def _circles(answer: JSON, n: int) -> list[Circle]:
    return [numbers(one, 3, "numbers x, y, r") for one in cast("list[JSON]", items(answer, n, "circles"))]


def _check(circle: Circle, width: float, height: float, i: int) -> None:
    x, y, r = circle
    if r < 0:
        raise InvalidAnswer(f"circle {i} has a radius below 0")
    if min(x, y, width - x, height - y) < r - SLACK:
        raise InvalidAnswer(f"circle {i} is not within the rectangle")

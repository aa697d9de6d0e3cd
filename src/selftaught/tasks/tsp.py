"""`tsp`: a short round trip through 200 to 1,000 random cities; what the shortest is like is known from the literature."""

from __future__ import annotations

import random
from collections.abc import Mapping
from math import dist, sqrt
from typing import Self

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import permutation
from selftaught.tasks.sizes import Sizes

FEWEST, MOST = 200, 1000
SIZES = Sizes("tsp", 20, 5000, what="the number of cities")

Cities = list[tuple[float, float]]


class Tsp(Task):
    """A grade is the length that the shortest trip has on average over the length of this one."""

    name = "tsp"
    entry = "tour"
    summary = "travelling salesman: a short round trip through random cities"
    instances: Mapping[Split, int] = {"train": 3, "validation": 5, "test": 10}
    unbounded = True
    fewest: int = FEWEST
    most: int = MOST

    start = """\
def tour(cities):
    strips = round((len(cities) / 2) ** 0.5)

    def place(city):
        x, y = cities[city]
        strip = min(strips - 1, int(x * strips))
        return strip, y if strip % 2 == 0 else -y

    return sorted(range(len(cities)), key=place)
"""

    @classmethod
    def sized(cls, text: str) -> Self:
        """The task with exactly so many cities. Raises UsageError."""
        task = cls()
        task.fewest = task.most = SIZES.read(text)[0]
        task.name = f"tsp:{text}"
        return task

    @property
    def limits(self) -> Limits:  # pyright: ignore[reportIncompatibleVariableOverride]
        return Limits(cpu_s=2 * max(1.0, self.most / MOST))

    @property
    def description(self) -> str:
        number = f"{self.fewest} to {self.most}" if self.fewest < self.most else f"{self.most}"
        return (
            f"Travelling salesman. `tour(cities)` is given {number} cities, a list of lists [x, y] drawn uniformly from the "
            "unit square. It returns the order in which to visit them, a list that holds the whole numbers 0 to len(cities) "
            "- 1, each once; from the last city the trip goes back to the first. The grade of an instance is the mean length "
            "of the shortest trips through as many random cities (0.7124 * sqrt(n) + 0.62, the literature says, for n "
            "cities) divided by the length of this trip. Run time does not count, within the limit: count steps rather than "
            "seconds, so that the program does the same everywhere."
        )

    def draw(self, rng: random.Random) -> Instance:
        cities = [(round(rng.random(), 6), round(rng.random(), 6)) for _ in range(rng.randint(self.fewest, self.most))]
        return Instance(([list(city) for city in cities],), cities)

    def grade(self, instance: Instance, answer: JSON) -> float:
        return usual(len(instance.truth)) / max(length(instance.truth, answer), 1e-9)

    def explain(self, instance: Instance, answer: JSON) -> str:
        cities = instance.truth
        found, best = length(cities, answer), usual(len(cities))
        return f"length {found:.3f} through {len(cities)} cities, the shortest has about {best:.3f}"


def usual(n: int) -> float:
    """The mean length of the shortest trip through n uniform cities of the unit square.

    The constant is that of Johnson, McGeoch and Rothberg (1996) and Percus and Martin; with what edges add it fits their means
    for 100, 1,000 and 10,000 cities, 0.7764, 0.7313 and 0.7168 times sqrt(n), within 0.3 %.
    """
    return 0.7124 * sqrt(n) + 0.62


def length(cities: Cities, answer: JSON) -> float:
    """The length of the round trip; raises InvalidAnswer where it is none."""
    order = permutation(answer, len(cities), "cities")
    return sum(dist(cities[a], cities[b]) for a, b in zip(order, [*order[1:], order[0]], strict=True))

"""`grid`, string grid distance (paper, section 4, transfer): find a string at an exact distance from another.

The paper's sizes, score and limit. Its scorer was right.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import pairwise
from typing import Self

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, InvalidAnswer, Split, Task
from selftaught.tasks.sizes import Sizes

LETTERS = "AB"
LONGEST = 30
SIZES = Sizes("grid", 10, 2000, what="the length of the longest string")


class Grid(Task):
    """The distance asked for is that of a random string, so that an answer always exists."""

    name = "grid"
    entry = "find_at_dist"
    summary = "string grid distance: find a string at an exact distance from a given one"
    instances: Mapping[Split, int] = {"train": 20, "validation": 50, "test": 50}

    start = """\
def find_at_dist(t, dist):
    return t
"""

    longest: int = LONGEST

    @classmethod
    def sized(cls, text: str) -> Self:
        """The task with strings of up to so many letters. Raises UsageError."""
        task = cls()
        task.longest, _ = SIZES.read(text)
        task.name = f"grid:{text}"
        return task

    @property
    def limits(self) -> Limits:  # pyright: ignore[reportIncompatibleVariableOverride]
        return Limits(cpu_s=0.1 * max(1.0, self.longest / LONGEST))

    @property
    def description(self) -> str:
        a, b = LETTERS
        return (
            f"Find a string at an exact distance from another. `find_at_dist(t, dist)` is given a string `t` of 1 to "
            f"{self.longest} letters, each {a} or {b}, and a whole number `dist`. It returns a string s of the same length "
            f"over the same two letters whose grid distance from t is exactly `dist`; there always is one. The grid distance "
            f"of s and t is the number of places where s and t differ, plus the number of neighbours within s that differ, "
            f"plus the number of neighbours within t that differ. The grade of an instance is 1 for the exact distance, "
            f"otherwise 0.5 - |distance - dist| / (6 * len(t)), which lies between 0 and 0.5."
        )

    def draw(self, rng: random.Random) -> Instance:
        length = rng.randint(1, self.longest)
        t, s = ("".join(rng.choices(LETTERS, k=length)) for _ in range(2))
        return Instance((t, distance(s, t)), (t, distance(s, t)))

    def grade(self, instance: Instance, answer: JSON) -> float:
        t, asked = instance.truth
        error = abs(distance(_string(answer, len(t)), t) - asked)
        return 1.0 if error == 0 else 0.5 - error / (6 * len(t))

    def explain(self, instance: Instance, answer: JSON) -> str:
        t, asked = instance.truth
        return f"distance {distance(_string(answer, len(t)), t)} where {asked} was asked for, length {len(t)}"


def distance(s: str, t: str) -> int:
    """The grid distance of two strings of one length."""
    return sum(a != b for pairs in (zip(s, t, strict=True), pairwise(s), pairwise(t)) for a, b in pairs)


def _string(answer: JSON, length: int) -> str:
    if not isinstance(answer, str):
        raise InvalidAnswer(f"expected a string, got {type(answer).__name__}")
    if len(answer) != length:
        raise InvalidAnswer(f"expected {length} letters, got {len(answer)}")
    if not set(answer) <= set(LETTERS):
        raise InvalidAnswer(f"only the letters {' and '.join(LETTERS)} are allowed")
    return answer

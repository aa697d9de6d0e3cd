"""What all policies share: a table of numbers, stated by the program, acted out and judged on the trusted side."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from selftaught.plain import JSON
from selftaught.sandbox import Limits
from selftaught.task import Instance, Split, Task
from selftaught.tasks.answers import numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

WIDTH = 4
"""Numbers in a line of the start solution."""
FARTHEST = 1e9
"""Numbers beyond this count as this, so that no sum of them overflows."""
TOLD = 3
"""How many numbers feedback names."""


class Policy(Task):
    """One table to be found. Subclasses draw what is hidden, say what the numbers decide, act it out, and know its best."""

    entry = "table"
    limits = Limits(cpu_s=0.1)
    instances: Mapping[Split, int] = {"train": 1, "validation": 1, "test": 1}
    size: ClassVar[int]
    """How many numbers the table has."""
    first: ClassVar[float]
    """What all of them are in the start solution."""
    decides: ClassVar[str]
    """What the numbers decide, what is hidden, and what the grade is; shown to the model."""

    def __init__(self, name: str, rng: random.Random) -> None:
        self.name = name
        self.hide(rng)

    @abstractmethod
    def hide(self, rng: random.Random) -> None:
        """Draw what is hidden in this task."""

    @abstractmethod
    def happen(self, rng: np.random.Generator) -> object:
        """Draw what happens on one instance, whatever the table."""

    @abstractmethod
    def worth(self, events: object, table: Numbers) -> float:
        """What the table comes to over these events, as a grade in [0, 1]."""

    def lacking(self, events: object, table: Numbers) -> Sequence[tuple[int, str]]:  # noqa: ARG002 - for subclasses
        """Numbers that are seen to be too low or too high, the worst first: their indices, and which of both."""
        return ()

    @cached_property
    def start(self) -> str:  # pyright: ignore[reportIncompatibleVariableOverride]
        lines = [[f"{self.first}"] * min(WIDTH, self.size - i) for i in range(0, self.size, WIDTH)]
        rows = "".join(f"        {', '.join(line)},\n" for line in lines)
        return f"def table():\n    return [\n{rows}    ]\n"

    @property
    def description(self) -> str:
        return f"`table()` returns a list of {self.size} finite numbers. {self.decides}"

    def draw(self, rng: random.Random) -> Instance:
        import numpy as np

        return Instance((), self.happen(np.random.default_rng(rng.getrandbits(62))))

    def grade(self, instance: Instance, answer: JSON) -> float:
        return min(1.0, max(0.0, float(self.worth(instance.truth, self._table(answer)))))

    def explain(self, instance: Instance, answer: JSON) -> str:
        found = self.lacking(instance.truth, self._table(answer))[:TOLD]
        return "; ".join(f"entry {index} is too {what}" for index, what in found)

    def _table(self, answer: JSON) -> Numbers:
        import numpy as np

        return np.clip(numbers(answer, self.size, "numbers"), -FARTHEST, FARTHEST)

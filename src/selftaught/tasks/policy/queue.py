"""Who is served first: a priority for each kind of patient."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftaught.tasks.policy.table import Policy

if TYPE_CHECKING:
    import numpy as np

    from selftaught.tasks.policy.table import Numbers

DAYS, PATIENTS = 60, 40


@dataclass(frozen=True)
class Came:
    """The kinds of those who came, days x patients, how long each takes, and what the best order costs."""

    kinds: Any
    lengths: Numbers
    least: float


class Queue(Policy):
    """Only the order of the numbers counts: a step does nothing until it carries a kind past another."""

    summary = "priorities of 20 kinds of patients who wait at one door"
    size = 20
    first = 5.0
    decides = (
        f"In the morning {PATIENTS} patients wait at a door, each of one of 20 kinds; number i is the priority of kind i. "
        "They are served one after the other, the highest priority first, equal ones in the order of their coming. A patient "
        "of a kind takes a random time, of a hidden mean, and costs a hidden amount for each minute until they have been "
        f"served. The grade compares the cost of {DAYS} days with that of the best fixed priorities: 1 there, 0 at twice as "
        "much extra cost as serving everybody in the order of coming."
    )

    def hide(self, rng: random.Random) -> None:
        import numpy as np

        self.means = np.array([rng.uniform(1, 8) for _ in range(self.size)])
        self.costs = np.array([10 ** rng.uniform(-1, 1) for _ in range(self.size)])

    def happen(self, rng: np.random.Generator) -> Came:
        kinds = rng.integers(self.size, size=(DAYS, PATIENTS))
        lengths = self.means[kinds] * rng.exponential(size=kinds.shape)
        return Came(kinds, lengths, self._cost(kinds, lengths, self.costs / self.means))

    def worth(self, events: Any, table: Numbers) -> float:
        import numpy as np

        asked = self._cost(events.kinds, events.lengths, table)
        coming = self._cost(events.kinds, events.lengths, np.zeros(self.size))
        return 1 - (asked - events.least) / (2 * (coming - events.least))

    def _cost(self, kinds: Any, lengths: Numbers, table: Numbers) -> float:
        import numpy as np

        order = np.argsort(-table[kinds], axis=1, kind="stable")
        ends = np.take_along_axis(lengths, order, axis=1).cumsum(axis=1)
        return float((ends * np.take_along_axis(self.costs[kinds], order, axis=1)).sum() / DAYS)

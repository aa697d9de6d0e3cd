"""When each traffic light along a street turns green, so that those who drive along it seldom wait."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftaught.tasks.policy.table import Policy

if TYPE_CHECKING:
    import numpy as np

    from selftaught.tasks.policy.table import Numbers

CYCLE = 60
GREEN = 25


@dataclass(frozen=True)
class Driven:
    """How many cars drive from each light to the next, there and back, and the least they could have waited."""

    there: Numbers
    back: Numbers
    least: float


class Lights(Policy):
    """Neighbours hang together, each pair with valleys of its own: good stretches of a street can be put together."""

    summary = "green waves: when each of 18 traffic lights along a street turns green"
    size = 18
    first = 30.0
    decides = (
        f"Along a street stand 18 traffic lights; light i turns green at number i seconds, for {GREEN} s, and again every "
        f"{CYCLE} s (numbers are taken modulo {CYCLE}). Cars start off at a light while it is green, in both directions, and "
        "reach the next after a time of travel that is hidden and differs between stretches and directions; who comes to a "
        "red light waits until it is green. How many cars there are is hidden too, and varies from day to day. The grade is "
        "the least waiting that any whole numbers could have had on this day, divided by the waiting with these."
    )

    def hide(self, rng: random.Random) -> None:
        pairs = range(self.size - 1)
        self.times = [(rng.uniform(8, 52), rng.uniform(8, 52)) for _ in pairs]
        self.cars = [(rng.uniform(1, 10), rng.uniform(1, 10)) for _ in pairs]

    def happen(self, rng: np.random.Generator) -> Driven:
        import numpy as np

        there, back = (np.array(self.cars) * rng.uniform(0.7, 1.3, (self.size - 1, 2))).T
        return Driven(there, back, self._least(there, back))

    def worth(self, events: Any, table: Numbers) -> float:
        import numpy as np

        return events.least / float(self._waits(events.there, events.back, np.diff(table)).sum())

    def _waits(self, there: Numbers, back: Numbers, later: Any) -> Any:
        """How long the cars between neighbours wait when the next light turns green this much later; the last axis is pairs."""
        import numpy as np

        times = np.array(self.times)
        return there * _wait(times[:, 0] - later) + back * _wait(times[:, 1] + later)

    def _least(self, there: Numbers, back: Numbers) -> float:
        """Only differences between neighbours count, so each may be chosen by itself."""
        import numpy as np

        later = np.arange(CYCLE)[:, None] * np.ones(self.size - 1)
        return float(self._waits(there, back, later).min(axis=0).sum())


def _wait(arrival: Any) -> Any:
    """The mean wait of cars that start off all through one green phase and arrive this much after the next light's."""
    import numpy as np

    waits = [np.where((arrival + s) % CYCLE < GREEN, 0.0, CYCLE - (arrival + s) % CYCLE) for s in range(0, GREEN, 4)]
    return 1.0 + sum(waits) / len(waits)

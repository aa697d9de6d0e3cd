"""Gains of a controller that brings a hidden linear system to rest."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftaught.tasks.policy.table import Policy

if TYPE_CHECKING:
    import numpy as np

    from selftaught.tasks.policy.table import Numbers

STATES, INPUTS = 5, 3
STEPS, STARTS = 40, 30


@dataclass(frozen=True)
class Disturbed:
    """States to start from, one a column, and what the best controller pays."""

    states: Numbers
    least: float


class Control(Policy):
    """The linear quadratic regulator: all numbers hang together, and some of them make the system run away."""

    summary = "gains of a controller for a hidden linear system of 5 states and 3 inputs"
    size = STATES * INPUTS
    first = 0.0
    decides = (
        f"The numbers are the gains of a controller, {INPUTS} rows of {STATES} one after the other: input j is minus the sum "
        f"over i of number {STATES} * j + i times state i. A hidden linear system of {STATES} states moves by itself and is "
        f"moved by the inputs, {STEPS} steps from each of {STARTS} random starts. A step costs the sum of the squares of its "
        "states and, a tenth each, of its inputs. Good gains lie between -1 and 1. The grade is the cost of the best gains "
        "divided by the cost of these."
    )

    def hide(self, rng: random.Random) -> None:
        import numpy as np

        drawn = np.random.default_rng(rng.getrandbits(62))
        moves = drawn.normal(size=(STATES, STATES))
        self.moves: Any = moves * 0.97 / np.abs(np.linalg.eigvals(moves)).max()
        """How a state moves by itself: a little less each step, so that doing nothing ends at rest."""
        self.pushes: Any = drawn.normal(size=(STATES, INPUTS))

    def happen(self, rng: np.random.Generator) -> Disturbed:
        states = rng.normal(size=(STATES, STARTS))
        return Disturbed(states, self._cost(states, self._best()))

    def worth(self, events: Any, table: Numbers) -> float:
        return events.least / self._cost(events.states, table.reshape(INPUTS, STATES))

    def _cost(self, states: Numbers, gains: Numbers) -> float:
        import numpy as np

        closed = self.moves - self.pushes @ gains
        total = 0.0
        for _ in range(STEPS):
            total += float((states**2).sum() + 0.1 * ((gains @ states) ** 2).sum())
            states = np.clip(closed @ states, -1e6, 1e6)
        return total

    def _best(self) -> Any:
        """The gains that Riccati's recursion comes to."""
        import numpy as np

        gains: Any = np.zeros((INPUTS, STATES))
        value: Any = np.eye(STATES)
        for _ in range(200):
            gains = self._gains(value)
            value = self._value(value, gains)
        return gains

    def _gains(self, value: Any) -> Any:
        """The best gains for one step, after which a state has this value (a quadratic form)."""
        import numpy as np

        pushed = self.pushes.T @ value
        return np.linalg.solve(0.1 * np.eye(INPUTS) + pushed @ self.pushes, pushed @ self.moves)

    def _value(self, value: Any, gains: Any) -> Any:
        """The value of a state one step earlier."""
        import numpy as np

        return self.moves.T @ value @ (self.moves - self.pushes @ gains) + np.eye(STATES)

"""Below what to refuse each of a row of offers, when the last one must be taken."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from selftaught.tasks.policy.table import Policy

if TYPE_CHECKING:
    import numpy as np

    from selftaught.tasks.policy.table import Numbers

HOUSES = 400


class Sale(Policy):
    """Optimal stopping with the offers' distribution hidden: what a threshold is worth hangs on all later ones."""

    summary = "thresholds for selling: below what to refuse each of 20 offers of hidden distribution"
    size = 20
    first = 50.0
    decides = (
        "A house is sold to the first of 21 buyers who offers at least the threshold for their place in the row: number i is "
        "that for buyer i; the last buyer's offer is always taken. Offers are random, the distribution is hidden and "
        f"differs from buyer to buyer; means lie between 20 and 160. The grade is the mean price of {HOUSES} houses, divided "
        "by that of the best thresholds in the long run, at most 1."
    )

    def hide(self, rng: random.Random) -> None:
        import numpy as np

        peak, level = rng.uniform(6, self.size), rng.uniform(60, 100)
        self.means = np.array(
            [level * (0.4 + rng.uniform(0.3, 1.2) * (1 + np.cos((i - peak) / 4)) / 2) for i in range(self.size + 1)]
        )
        self.spreads = self.means * np.array([rng.uniform(0.1, 0.5) for _ in self.means])
        self.most = self._most()

    def happen(self, rng: np.random.Generator) -> Any:
        return rng.normal(self.means, self.spreads, (HOUSES, self.size + 1))

    def worth(self, events: Any, table: Numbers) -> float:
        import numpy as np

        taken = (events >= np.append(table, -np.inf)).argmax(axis=1)
        return float(events[np.arange(HOUSES), taken].mean()) / self.most

    def lacking(self, events: Any, table: Numbers) -> list[tuple[int, str]]:
        """A threshold is right where it is what refusing brings on average; it matters as often as its buyer is reached."""
        import numpy as np

        off = self._refusing(events, table) - table
        weights = abs(off) * self._reached(events, table)
        return [
            (int(i), "low" if off[i] > 0 else "high") for i in np.argsort(-weights) if weights[i] > 0.05 * self.most
        ]

    def _refusing(self, events: Any, table: Numbers) -> Any:
        """For each buyer, the mean price where they are refused."""
        import numpy as np

        brought = np.zeros(self.size)
        prices: Any = events[:, -1]
        for i in reversed(range(self.size)):
            brought[i] = prices.mean()
            taken = events[:, i] >= table[i]
            prices = taken * events[:, i] + ~taken * prices
        return brought

    def _reached(self, events: Any, table: Numbers) -> Any:
        """How often each buyer is reached."""
        import numpy as np

        refused = events[:, :-2] < table[:-1]
        return np.append(1.0, refused.cumprod(axis=1).mean(axis=0))

    def _most(self) -> float:
        """The mean price of the best thresholds: each is what is to be expected of those who come later."""
        import numpy as np

        offers = np.random.default_rng(0).normal(size=20_000)[:, None] * self.spreads + self.means
        value = float(self.means[-1])
        for i in reversed(range(self.size)):
            value = float(np.maximum(offers[:, i], value).mean())
        return value

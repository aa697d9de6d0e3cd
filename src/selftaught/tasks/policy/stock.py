"""How much of each product to have in stock every morning: too much is thrown away, too little is a sale lost."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selftaught.tasks.policy.table import Policy

if TYPE_CHECKING:
    import numpy as np

    from selftaught.tasks.policy.table import Numbers

DAYS = 200


@dataclass(frozen=True)
class Sold:
    """What customers asked for, days x products, and the least that any stock would have cost."""

    asked: Numbers
    least: float


class Stock(Policy):
    """The newsvendor problem, product by product: every number matters by itself."""

    summary = "levels of stock for 16 products of hidden demand and cost"
    size = 16
    first = 50.0
    decides = (
        "Number i is how much of product i a shop has in stock each morning. Demands are random, of a hidden distribution "
        "for each product, with means between 15 and 150. What is left in the evening is thrown away and what is asked for "
        "in vain is lost, each at a hidden cost a piece that differs from product to product. "
        f"The grade is the least cost that any fixed stock could have had over {DAYS} days, divided by the cost of this one."
    )

    def hide(self, rng: random.Random) -> None:
        self.means = [15 * 10 ** rng.random() for _ in range(self.size)]
        self.spreads = [mean * rng.uniform(0.1, 0.3) for mean in self.means]
        self.shares = [rng.uniform(0.3, 0.95) for _ in range(self.size)]
        """Cost of a piece too few, as a share of that and the cost of a piece too many."""

    def happen(self, rng: np.random.Generator) -> Sold:
        import numpy as np

        asked = np.maximum(0, rng.normal(self.means, self.spreads, (DAYS, self.size)))
        best = np.array([np.quantile(asked[:, i], share) for i, share in enumerate(self.shares)])
        return Sold(asked, float(self._costs(asked, best).sum()))

    def worth(self, events: Any, table: Numbers) -> float:
        return events.least / float(self._costs(events.asked, table).sum())

    def lacking(self, events: Any, table: Numbers) -> list[tuple[int, str]]:
        import numpy as np

        off = np.array(self.shares) - (events.asked <= table).mean(axis=0)
        order = np.argsort(-self._costs(events.asked, table))
        return [(int(i), "low" if off[i] > 0 else "high") for i in order if abs(off[i]) > 0.1]

    def _costs(self, asked: Numbers, stock: Numbers) -> Any:
        """What each product costs a day, on average."""
        import numpy as np

        shares = np.array(self.shares)
        return np.maximum(shares * (asked - stock), (1 - shares) * (stock - asked)).mean(axis=0)

"""What to ask for a seat, by how many days are left and how many seats."""

from __future__ import annotations

import random
from math import comb
from typing import TYPE_CHECKING, Any

from selftaught.tasks.policy.table import Policy

if TYPE_CHECKING:
    import numpy as np

    from selftaught.tasks.policy.table import Numbers

WEEKS, BRACKETS = 6, 4
SEATS, COMING = 40, 20
FLIGHTS = 150


class Prices(Policy):
    """Dynamic pricing: a number matters as often as its week meets its bracket, and earlier ones decide how often."""

    summary = "prices of seats by week and seats left, for customers of hidden purse"
    size = WEEKS * BRACKETS
    first = 25.0
    decides = (
        f"An aeroplane has {SEATS} seats to sell in {WEEKS} weeks. The numbers are prices, {WEEKS} rows of {BRACKETS} one "
        f"after the other: a row is a week, and in it the price is the first number when at most a quarter of the seats are "
        f"left, the second up to a half, the third up to three quarters, otherwise the fourth. {COMING} customers come in a "
        "week; each buys when the price is at most what the seat is worth to them and a seat is left. What it is worth to "
        f"them is random; the mean is hidden and differs between weeks, from 20 to 250. The grade is the mean income of "
        f"{FLIGHTS} flights, divided by that of the best prices in the long run where any number of seats has its own, at "
        "most 1."
    )

    def hide(self, rng: random.Random) -> None:
        import numpy as np

        self.purses = np.array([20 * 12 ** rng.random() for _ in range(WEEKS)])
        self.most = self._most()

    def happen(self, rng: np.random.Generator) -> Any:
        import numpy as np

        return self.purses[:, None, None] * np.sqrt(rng.exponential(size=(WEEKS, FLIGHTS, COMING)))

    def worth(self, events: Any, table: Numbers) -> float:
        import numpy as np

        left, income = np.full(FLIGHTS, SEATS), np.zeros(FLIGHTS)
        for worths, row in zip(events, table.reshape(WEEKS, BRACKETS), strict=True):
            price = row[np.maximum(0, -(-left * BRACKETS // SEATS) - 1)]
            sold = np.minimum(left, (worths >= price[:, None]).sum(axis=1))
            income += sold * np.maximum(price, 0)
            left -= sold
        return float(income.mean()) / self.most

    def _most(self) -> float:
        """The income to be expected of the best price for each week and number of seats left, by backward induction."""
        import numpy as np

        grid = np.linspace(0.05, 3, 60)
        buying = np.exp(-(grid**2))
        counts = np.arange(COMING + 1)
        ways = np.array([comb(COMING, k) for k in range(COMING + 1)])
        chances = ways * buying[:, None] ** counts * (1 - buying[:, None]) ** (COMING - counts)
        value = np.zeros(SEATS + 1)
        for purse in reversed(self.purses):
            left = np.arange(SEATS + 1)[:, None]
            sold = np.minimum(left, counts)
            # Entry (seats left, price): what is sold now, and what is left for later.
            now = (sold @ chances.T) * grid * purse + value[left - sold] @ chances.T
            value = now.max(axis=1)
        return float(value[-1])

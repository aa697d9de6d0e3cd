"""What attempts to go past budgets came to."""

from __future__ import annotations

from typing import Literal, TypedDict

Budget = Literal["calls", "answers", "scorings", "tokens", "time", "money"]


class Overspent(TypedDict):
    """One attempt to go past a budget."""

    budget: Budget
    way: str
    allowed: float
    given: float
    """What it got, as counted apart from the meters: answers, scorings, tokens, CPU seconds, dollars."""
    refused: int
    """How often, or how much, was refused and counted; of time 1 where the limit ended it, of money where the run stopped."""
    ended: str
    """How its run ended."""
    held: bool
    """Whether it got no more than allowed, and the attempt was counted."""


class Overspending(TypedDict):
    """Attempts to go past budgets: `selftaught audit budgets --json`."""

    sandbox: str
    attempts: list[Overspent]
    by_budget: dict[str, list[int]]
    """Of each budget: attempts, how many failed, how many were counted."""

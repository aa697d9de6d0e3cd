"""Ranges of what a run will probably use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from selftaught.budget import Allowance, Usage
from selftaught.settings.choice import ModelChoice, Role


@dataclass(frozen=True)
class Span:
    """From what is probably the least to what is probably the most."""

    low: float
    high: float

    def __add__(self, other: Span | float) -> Span:
        other = other if isinstance(other, Span) else Span(other, other)
        return Span(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: Span | float) -> Span:
        factor = factor if isinstance(factor, Span) else Span(factor, factor)
        return Span(self.low * factor.low, self.high * factor.high)

    def at_least(self, least: float) -> Span:
        return Span(max(self.low, least), max(self.high, least))

    def at_most(self, most: float) -> Span:
        return Span(min(self.low, most), min(self.high, most))

    def spread(self, factor: float, shift: float = 1.0) -> Span:
        """From its geometric middle, moved by `shift`, as far either way as makes `factor` from low to high."""
        middle = shift * sqrt(self.low * self.high)
        return Span(middle / sqrt(factor), middle * sqrt(factor))


@dataclass(frozen=True)
class Bound:
    """What one model is asked for by a run at most."""

    model: ModelChoice
    answers: int
    role: Role = "both"


@dataclass(frozen=True)
class Expected:
    """What one model is probably asked for by a run, and on which tasks."""

    model: ModelChoice
    answers: Span
    tasks: tuple[str, ...]
    seed: int
    role: Role = "both"


Used = Callable[[str, Allowance], Usage]
"""What an improver, by its digest, uses of an allowance."""


def likely(seen: float, most: float) -> Span:
    """What an improver that a model proposes may use where the one that it was made from uses `seen`, on average over many."""
    return Span(0.3 * seen, sqrt(seen * most) if seen < most else most)


def about(seen: float, most: float) -> Span:
    """What an improver may use on real tasks that uses `seen` with canned answers."""
    return Span(0.6 * seen, 1.4 * seen).at_most(most)

"""What a utility says of a program: a value, or why there is none. A failure is not a score."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """A utility's verdict on one program.

    `value` is finite, higher is better; None when the program failed, and then `reason` says why.
    `parts` are the values the mean was taken over (instances of a task, or tasks x repetitions of a meta-utility), in
    order; `failures` counts those that failed and so count as the worst (an instance) or as the start solution (an
    improver run).
    """

    value: float | None
    reason: str | None = None
    parts: tuple[float, ...] = ()
    failures: int = 0

    @property
    def shown(self) -> float:
        """The number a guest is given: the value, or 0.0 for a failure (the description says so)."""
        return 0.0 if self.value is None else self.value

"""What one improver run had scored: nothing that was proposed is thrown away."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from selftaught.plain import JSON
from selftaught.program import Program


@dataclass(frozen=True)
class Candidate:
    """A program that an improver run had scored."""

    program: str
    """Digest of its text, kept in the store."""
    value: float | None
    """Its first score; None when it failed."""
    times: int
    """How often it was scored."""


class Scored:
    """Programs with their first scores, and how often each was scored. Safe from many threads."""

    def __init__(self) -> None:
        self._times = Counter[Program]()
        self._values: dict[Program, float | None] = {}
        self._lock = threading.Lock()

    def __contains__(self, program: object) -> bool:
        return program in self._times

    def numbered(self, programs: Sequence[Program]) -> list[tuple[Program, int]]:
        """The programs, each with how often it was scored before, now that all of them are."""
        with self._lock:
            found: list[tuple[Program, int]] = []
            for one in programs:
                found.append((one, self._times[one]))
                self._times[one] += 1
            return found

    def note(self, program: Program, value: float | None) -> None:
        """Its first score."""
        self._values[program] = value

    def first(self, program: Program | None) -> float | None:
        """Its first score, 0 when that failed; None when it has none."""
        return (self._values[program] or 0.0) if program in self._values else None

    def succeeded(self, answer: JSON) -> bool:
        """Whether it is a text that has a score."""
        return isinstance(answer, str) and self._values.get(Program(answer)) is not None

    def missed(self, had: Sequence[Program]) -> float | None:
        """The best score of all, where no program that one has anyway comes up to it."""
        values = {one: value for one, value in self._values.items() if value is not None}
        best = max(values.values(), default=None)
        return None if any(values.get(one) == best for one in had) else best

    def candidates(self, keep: Callable[[str], str]) -> list[JSON]:
        """All that was scored, in an order that does not depend on threads; `keep` keeps a text and tells its digest."""
        kept = ((keep(one.text), self._values.get(one), times) for one, times in self._times.items())
        return [{"program": name, "value": value, "times": times} for name, value, times in sorted(kept)]

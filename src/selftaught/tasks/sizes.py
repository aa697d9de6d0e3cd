"""Sizes in the names of tasks: `qap:60`, `sat:200@4.2`."""

from __future__ import annotations

from dataclasses import dataclass

from selftaught.errors import UsageError


@dataclass(frozen=True)
class Sizes:
    """What sizes a task may have: whole numbers between two limits and, after an @, a number between two others."""

    name: str
    least: int
    most: int
    low: float = 0.0
    high: float = 0.0
    """0: there is no second number."""
    what: str = "size"
    other: str = ""

    def read(self, text: str, otherwise: float = 0.0) -> tuple[int, float]:
        """Both numbers of the text after the colon; `otherwise` is the second where none is given.

        Raises UsageError, also for another spelling of a size: a task has one name.
        """
        first, at, second = text.partition("@")
        if not (first.isascii() and first.isdecimal() and len(first) < 9 and self.least <= int(first) <= self.most):
            raise self._wrong(text)
        if not at:
            return self._as_called(text, int(first), otherwise, otherwise)
        try:
            number = float(second) + 0.0  # no zero below zero
        except ValueError:
            raise self._wrong(text) from None
        if not self.high or not self.low <= number <= self.high:
            raise self._wrong(text)
        return self._as_called(text, int(first), number, otherwise)

    def _as_called(self, text: str, size: int, number: float, otherwise: float) -> tuple[int, float]:
        called = f"{size}" if number == otherwise else f"{size}@{number:.10g}"
        if text != called:
            raise UsageError(f"no task '{self.name}:{text}': it is called {self.name}:{called}")
        return size, number

    def _wrong(self, text: str) -> UsageError:
        middle = (self.least + self.most) // 2
        second = f", and after an @ {self.other} from {self.low:g} to {self.high:g}" if self.high else ""
        return UsageError(
            f"no task '{self.name}:{text}': after the colon comes {self.what}, a whole number from {self.least} to "
            f"{self.most}{second}, for example {self.name}:{middle}"
        )

"""Reading answers: plain data that a solution returned, checked, or `InvalidAnswer` with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import cast

from selftaught.plain import JSON
from selftaught.task import InvalidAnswer

_HUGE = 1e300


def items(answer: JSON, length: int, what: str) -> Sequence[JSON]:
    """The list, which must have `length` items: no nesting is undone, nothing is repeated to fit."""
    if not isinstance(answer, list | tuple):
        raise InvalidAnswer(f"expected a list of {length} {what}, got {_kind(answer)}")
    listed = cast("Sequence[JSON]", answer)
    if len(listed) != length:
        raise InvalidAnswer(f"expected {length} {what}, got {len(listed)}")
    return listed


def bits(answer: JSON, length: int, what: str) -> list[int]:
    """`length` values, each 0 or 1. What equals one of them (False, 1.0) is taken for it: the meaning is plain."""
    found: list[int] = []
    for value in items(answer, length, what):
        if not isinstance(value, bool | int | float) or value not in (0, 1):
            raise InvalidAnswer(f"each of the {what} must be 0 or 1, got {_kind(value)}")
        found.append(int(value))
    return found


def permutation(answer: JSON, length: int, what: str) -> list[int]:
    """The whole numbers 0 to `length` - 1, each once. Booleans and fractions are no whole numbers here."""
    listed = items(answer, length, what)
    found = [value for value in listed if isinstance(value, int) and not isinstance(value, bool)]
    if len(found) != length or sorted(found) != list(range(length)):
        raise InvalidAnswer(f"the {what} must be the whole numbers 0 to {length - 1}, each once")
    return found


def numbers(answer: JSON, length: int, what: str) -> list[float]:
    """`length` finite numbers."""
    found: list[float] = []
    for value in items(answer, length, what):
        # The comparison is false for NaN and takes whole numbers that are too large for a float.
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_HUGE <= value <= _HUGE:
            above = isinstance(value, int | float) and _HUGE < abs(value) < inf
            needed = f"a number of at most {_HUGE:g}" if above else "a finite number"
            raise InvalidAnswer(f"each of the {what} must be {needed}, got {_kind(value)}")
        found.append(float(value))
    return found


def _kind(value: JSON) -> str:
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < 10**12):
        return f"{value:g}"
    return f"a value of type {type(value).__name__}"

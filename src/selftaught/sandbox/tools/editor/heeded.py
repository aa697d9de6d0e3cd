"""The few words that the editor heeds, in what a message says outside its programs. All else it does not understand.

They count where the program to work on holds a table of numbers (`tables.py`); elsewhere no word changes an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ENTRY = re.compile(r"entry (\d{1,4}) is too (low|high)")
_COMBINE = re.compile(r"\bcombine")
_FENCED = re.compile(r"^[ \t]*(```|~~~).*?^[ \t]*\1", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Told:
    """What a message asks for."""

    constants: bool = False
    structure: bool = False
    combine: bool = False
    step: float = 1.0
    """By which factor steps are longer than otherwise."""
    count: float = 1.0
    """By which factor more numbers are changed at once than otherwise."""
    entries: tuple[tuple[int, int], ...] = ()
    """Places in the table with the direction in which to go, 1 or -1."""


def told(message: str) -> Told:
    """The words of a message that are heeded."""
    said = " ".join(_FENCED.sub("", message).lower().split())
    found = dict.fromkeys((int(place), 1 if what == "low" else -1) for place, what in _ENTRY.findall(said))
    return Told(
        constants="tune the constants" in said,
        structure="change the structure" in said,
        combine=bool(_COMBINE.search(said)),
        step=_factor(said, "small steps", "large steps"),
        count=_factor(said, "few numbers", "many numbers"),
        entries=tuple(found),
    )


def _factor(said: str, less: str, more: str) -> float:
    return (1 / 3 if less in said else 1.0) * (3.0 if more in said else 1.0)

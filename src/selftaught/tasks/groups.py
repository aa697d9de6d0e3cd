"""Families of tasks that are drawn by seed, in a group to train on and a group to test on: `formula:train`, `policy:test/4`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from selftaught.errors import UsageError

Group = Literal["train", "test"]
Sizes = Mapping[Group, int]
"""How many tasks each group is when no number is given."""
MOST = 100


def named(family: str, spec: str, sizes: Sizes) -> tuple[Group, int]:
    """Which group of a family a spec names, and how many of its tasks. Raises UsageError for any other name."""
    begun, _, rest = spec.partition(":")
    count = _read(rest.partition("/")[2])
    for group, size in sizes.items():
        if begun == family and (rest == group or (count and rest == f"{group}/{count}")):
            return group, count or size
    raise UsageError(
        f"no tasks are named {spec!r}: say {family}:train, {family}:test or, for the first n, {family}:train/n"
    )


def _read(count: str) -> int:
    """A number of tasks; 0 for what is none that a group can have."""
    return int(count) if count.isdecimal() and len(count) <= len(str(MOST)) and int(count) <= MOST else 0

"""Plain data: what may cross the trust line, what facts are made of, and how it is digested."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from typing import TypeAlias

JSON: TypeAlias = "None | bool | int | float | str | Sequence[JSON] | Mapping[str, JSON]"
"""Plain data: what `json` writes and reads back unchanged."""


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: JSON) -> str:
    """The one text that stands for `value`: sorted keys, no spaces, no NaN (ValueError)."""
    return _CANONICAL.encode(value)


def digest(value: JSON) -> str:
    """SHA-256 of the canonical text, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def seed_from(*parts: JSON) -> int:
    """A 63-bit seed that depends on every part and on nothing else."""
    return int(digest(list(parts))[:16], 16) >> 1


def rng_from(*parts: JSON) -> random.Random:
    """A generator of random numbers seeded by `seed_from(*parts)`."""
    return random.Random(seed_from(*parts))

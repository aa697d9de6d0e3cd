"""A `Program`: the text that is improved. Solutions and improvers are the same kind of thing (paper, section 3)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

MAX_CHARS = 100_000
"""Longer texts are no programs, whatever they hold."""


@dataclass(frozen=True)
class Program:
    """Source text of a solution or of an improver."""

    text: str

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the text, 64 hexadecimal digits: the program's identity in keys and records."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    @property
    def name(self) -> str:
        """The first 10 digits of the digest, for people."""
        return self.digest[:10]

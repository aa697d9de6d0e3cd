"""A `Program`: the text that is improved. Solutions and improvers are the same kind of thing (paper, section 3)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from selftaught.errors import UsageError
from selftaught.plain import read_bounded

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


def text_of(path: Path, what: str = "program") -> str:
    """The text of a user's file, which is read up to a bound, since a device has no end.

    Raises UsageError where it cannot be read, is blank or longer than a program may be; `what` it is to hold, in a word.
    """
    try:
        raw = read_bounded(path, 4 * MAX_CHARS)
        text = "" if raw is None else raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the {what} {path}: {error}") from error
    return checked(text, str(path), what)


def checked(text: str, where: str, what: str = "program") -> str:
    """The same text. UsageError where it is blank, or longer than a program may be."""
    if not text.strip() or len(text) > MAX_CHARS:
        raise UsageError(f"{where} holds no {what}: it is empty, or longer than {MAX_CHARS:,} characters")
    return text

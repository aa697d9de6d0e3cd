"""The labelled corpus of improver programs in `tests/corpus/attempts`: what each reaches for, and whether it acts when it is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selftaught.program import Program

FOLDER = Path(__file__).parents[1] / "corpus" / "attempts"


@dataclass(frozen=True)
class Labelled:
    """A program with its labels: `#: name | kinds | acts` above its text."""

    name: str
    program: Program
    kinds: frozenset[str]
    acts: bool
    """Whether what it tries when it is run, with canned answers, can be seen from outside."""


def labelled() -> Iterator[Labelled]:
    """All of them, the harmless ones without kinds."""
    for file in sorted(FOLDER.glob("*.txt")):
        for part in file.read_text(encoding="utf-8").split("#: ")[1:]:
            head, text = part.split("\n", 1)
            name, kinds, acts = (one.strip() for one in head.split("|"))
            yield Labelled(name, Program(text), frozenset(filter(None, kinds.split(","))), acts == "acts")

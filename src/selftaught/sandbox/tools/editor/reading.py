"""Finding the programs that a message shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from editor.source import parse

_FENCE = re.compile(r"^[ \t]{0,3}(`{3,}+|~{3,}+)[ \t]*+([\w.+#-]*+)[ \t]*+\r?$", re.MULTILINE)
_MAX_FENCES = 60


@dataclass(frozen=True)
class Shown:
    """The program to work on, and other programs for the same purpose that the message shows."""

    base: str
    others: tuple[str, ...] = ()
    last: str = ""
    """The one that is shown last, which may be the base."""


@lru_cache(maxsize=512)
def read(message: str) -> Shown | None:
    """The programs in fenced blocks of `message`; None when no block is Python that defines a function.

    A block may hold fences itself (an improver's prompt does), so the longest blocks that parse are taken first and
    what lies inside them is not looked at again. The program to work on is the first one shown that defines a function
    which the longest one defines; what defines others is an example, not an attempt.
    """
    found = _blocks(message)
    if not found:
        return None
    functions = _functions(max(found, key=lambda one: len(one[1]))[1])
    attempts = [text for _, text in sorted(found) if functions & _functions(text)]
    return Shown(attempts[0], tuple(dict.fromkeys(one for one in attempts[1:] if one != attempts[0])), attempts[-1])


def newest(shown: Shown) -> Shown:
    """The same with the program that is shown last as the one to work on: prompts with a history end with what is current."""
    others = [one for one in (shown.base, *shown.others) if one != shown.last]
    return Shown(shown.last, tuple(others), shown.last)


def _blocks(message: str) -> list[tuple[int, str]]:
    """Where they start, and the texts of the blocks that define a function, none inside another."""
    fences = list(_FENCE.finditer(message))[:_MAX_FENCES]
    spans = [(a.end() + 1, b.start()) for i, a in enumerate(fences) for b in fences[i + 1 :]]
    if len(fences) == 1:
        spans = [(fences[0].end() + 1, len(message))]
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans, key=lambda span: span[0] - span[1]):
        if all(end <= a or b <= start for a, b in found) and _functions(message[start:end]):
            found.append((start, end))
    return [(start, message[start:end].replace("\r\n", "\n")) for start, end in found]


def _functions(text: str) -> frozenset[str]:
    source = parse(text)
    return source.functions if source else frozenset()

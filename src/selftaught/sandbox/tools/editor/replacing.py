"""An edit in the form of SEARCH/REPLACE blocks, for prompts that ask for them (as OpenEvolve's do)."""

from __future__ import annotations

from difflib import SequenceMatcher

_ASKED = ("<<<<<<< SEARCH", ">>>>>>> REPLACE")
_MOST_LINES = 2000
"""A longer program is replaced from its first changed line to the last: comparing lines takes time with the square."""


def asks_blocks(message: str) -> bool:
    """Whether a message asks for an edit in this form: it shows it."""
    return all(mark in message for mark in _ASKED)


def blocks(old: str, new: str) -> str:
    """The edit from one text to the other: whole lines to be found, each block at the first place where they stand."""
    before, after = old.split("\n"), new.split("\n")
    parts = [_block(before, after, *one) for one in _changes(before, after)]
    return "\n\n".join(parts)


def _changes(before: list[str], after: list[str]) -> list[tuple[int, int, int, int]]:
    """Spans of lines that differ, as (old from, old to, new from, new to), the last first, so that none moves another."""
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    if same == len(before) == len(after):
        return []
    if max(len(before), len(after)) > _MOST_LINES:
        end = 0
        while end < min(len(before), len(after)) - same and before[-1 - end] == after[-1 - end]:
            end += 1
        return [(same, len(before) - end, same, len(after) - end)]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return [(a, b, c, d) for kind, a, b, c, d in matcher.get_opcodes() if kind != "equal"][::-1]


def _block(before: list[str], after: list[str], a: int, b: int, c: int, d: int) -> str:
    """One block, with as many lines before the change as make it the first of its kind, and after it as end it with words."""
    above = below = 0
    while True:
        ends = [*before[a - above : b + below]][-1:], [*after[c:d], *before[b : b + below]][-1:]
        blank = any(not line.strip() for end in ends for line in end or [""])
        if blank and b + below < len(before):  # who reads blocks leaves out blank lines at their ends
            below += 1
        elif a - above > 0 and (blank or _first(before, before[a - above : b + below]) != a - above):
            above += 1
        else:
            break
    search = before[a - above : b + below]
    replace = [*before[a - above : a], *after[c:d], *before[b : b + below]]
    return "\n".join(["<<<<<<< SEARCH", *search, "=======", *replace, ">>>>>>> REPLACE"])


def _first(lines: list[str], wanted: list[str]) -> int:
    """Where some lines stand first, read as OpenEvolve does; -1 where nowhere, or where there is nothing to look for."""
    size = len(wanted)
    if not any(line.strip() for line in wanted):
        return -1
    return next((i for i in range(len(lines) - size + 1) if lines[i : i + size] == wanted), -1)

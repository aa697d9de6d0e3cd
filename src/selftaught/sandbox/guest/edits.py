"""Edits in an answer, as blocks of SEARCH and REPLACE: found, and applied to the program that was asked about.

A block is a line `<<<<<<< SEARCH`, lines that are in the program, a line `=======`, the lines that take their place, and a
line `>>>>>>> REPLACE`. Widths and spacing of the marks, fences around blocks and parts, and the words of a conflict of versions
(`HEAD`, `ORIGINAL`, `UPDATED`) are taken as they come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from programs import OPEN, UNAPPLIED

_MIDDLE = re.compile(r"[ \t]{0,12}={5,12}[ \t]{0,8}$")
_CLOSE = re.compile(r"[ \t]{0,12}(?:>{5,12}(?:[ \t]|$|[A-Z])|\+{5,12}[ \t]{0,4}(?:REPLACE|UPDATED)\b)", re.IGNORECASE)
_FENCE = re.compile(r"[ \t]{0,12}(?:```|~~~)[\w.+-]{0,30}[ \t]{0,8}$")
_MOST = 200
"""Edits of one answer."""
_HINTS = ("<<<<<", "-----")


class Unapplied(ValueError):
    """Why edits cannot be applied, in words for who wrote them."""


@dataclass(frozen=True)
class Edit:
    """Lines that are looked for, and those that take their place."""

    search: list[str]
    replace: list[str]


@dataclass(frozen=True)
class Found:
    """What an answer holds."""

    edits: tuple[Edit, ...]
    rest: str
    """The answer without them."""
    wrong: str = ""
    """Why one of them is none."""


def found(answer: str) -> Found | None:
    """The edits of an answer; None where it holds none."""
    if not any(hint in answer for hint in _HINTS):
        return None
    edits, rest, wrong, lines, place = list[Edit](), list[str](), "", answer.split("\n"), 0
    while place < len(lines):
        mark = OPEN.match(lines[place])
        if mark is None:
            rest.append(lines[place])
            place += 1
            continue
        end = next((i for i in range(place + 1, len(lines)) if _CLOSE.match(lines[i]) or OPEN.match(lines[i])), None)
        number = len(edits) + 1
        if end is None or OPEN.match(lines[end]):
            wrong = wrong or f"edit {number} has no end, a line >>>>>>> REPLACE"
            place = len(lines) if end is None else end
            continue
        one = _edit(lines[place + 1 : end], len(mark[1] or "=" * 7), len(lines[place]) - len(lines[place].lstrip()))
        if one is None:
            wrong = wrong or f"edit {number} has no line ======= between what is there and what takes its place"
        else:
            edits.append(one)
        place = end + 1
    if len(edits) > _MOST:
        wrong = wrong or f"there are {len(edits)} edits; at most {_MOST} are applied"
    return Found(tuple(edits), "\n".join(rest), wrong) if edits or wrong else None


def _edit(lines: list[str], width: int, indent: int) -> Edit | None:
    """The edit between two marks; of several lines that might part it, the first that is as wide as the mark."""
    middles = [i for i, line in enumerate(lines) if _MIDDLE.match(line)]
    if not middles:
        return None
    middle = next((i for i in middles if lines[i].strip() == "=" * width), middles[0])
    if indent and all(line[:indent].isspace() or not line.strip() for line in lines):
        lines = [line[indent:] for line in lines]
    return Edit(_bare(lines[:middle]), _bare(lines[middle + 1 :]))


def _bare(lines: list[str]) -> list[str]:
    """The lines without a fence around them."""
    if len(lines) > 1 and _FENCE.match(lines[0]) and _FENCE.match(lines[-1]):
        return lines[1:-1]
    return lines


def applied(edits: Sequence[Edit], program: str) -> str:
    """The program after all edits, one after the other. Raises Unapplied with the first that cannot be."""
    lines = program.split("\n")
    for number, edit in enumerate(edits, 1):
        which = f"edit {number} of {len(edits)}" if len(edits) > 1 else "the edit"
        lines = _replaced(lines, edit, which)
    return "\n".join(lines)


def _replaced(lines: list[str], edit: Edit, which: str) -> list[str]:
    search = _trimmed(edit.search)
    if not search:
        raise Unapplied(f"{which} has an empty SEARCH text: copy the lines that it is to change")
    for same in (_itself, str.rstrip, str.strip):
        places = _places(lines, search, same)
        if len(places) > 1:
            raise Unapplied(
                f"{which} does not apply: its SEARCH text is in the program {len(places)} times: add lines around it"
            )
        if places:
            (place,) = places
            there = lines[place : place + len(search)]
            shifted = edit.replace if same is not str.strip else _shifted(edit.replace, search, there)
            new = _trimmed(shifted) if search != edit.search else shifted
            return [*lines[:place], *new, *lines[place + len(search) :]]
    first = next(line for line in search if line.strip()).strip()[:80]
    raise Unapplied(f"{which} does not apply: its SEARCH text, from {first!r} on, is not in the program")


def _itself(line: str) -> str:
    return line


def _places(lines: list[str], search: list[str], same: Callable[[str], str]) -> list[int]:
    """Where the lines are, by what counts of a line; where only indents differ they have to differ alike."""
    have, want = [same(line) for line in lines], [same(line) for line in search]
    places = [i for i in range(len(have) - len(want) + 1) if have[i] == want[0] and have[i : i + len(want)] == want]
    if same is not str.strip:
        return places
    return [i for i in places if len(_shifts(search, lines[i : i + len(search)])) <= 1]


def _shifts(search: list[str], there: list[str]) -> set[int]:
    """By how much lines are indented more in the program than in an edit."""
    return {_indent(new) - _indent(old) for old, new in zip(search, there, strict=True) if old.strip()}


def _shifted(replace: list[str], search: list[str], there: list[str]) -> list[str]:
    """The new lines, indented as the program is."""
    (shift,) = _shifts(search, there)
    lead = next(line[: _indent(line)] for line in there if line.strip())
    if shift >= 0:
        return [lead[:shift] + line if line.strip() else line for line in replace]
    return [line[min(-shift, _indent(line)) :] for line in replace]


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _trimmed(lines: list[str]) -> list[str]:
    """The lines without blank ones at both ends."""
    filled = [i for i, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else []


def edited(answer: str, program: str, otherwise: str = "") -> str:
    """The program after the edits of an answer; `otherwise` where it holds none, or where they do not apply and it is given.

    Where they do not apply and nothing else is given, it is a text that has no score, and of which feedback tells why.
    """
    held = found(answer)
    return otherwise if held is None else resolved(held, [program], otherwise)


def resolved(held: Found, programs: Sequence[str], otherwise: str) -> str:
    """The one program that edits make of these; `otherwise`, or a text that says why there is none."""
    made, reasons = dict[str, None](), [held.wrong] if held.wrong else list[str]()
    for program in programs if not held.wrong else ():
        try:
            made[applied(held.edits, program)] = None
        except Unapplied as error:
            reasons.append(str(error))
    if len(made) == 1:
        return next(iter(made))
    if otherwise:
        return otherwise
    several = "the edits fit several programs that were tried, each in another way: give the whole program"
    blocks = "\n".join(line for edit in held.edits for line in ("---", *edit.search, "+++", *edit.replace))
    return f"{UNAPPLIED}{several if made else reasons[0]}\n{blocks}"
